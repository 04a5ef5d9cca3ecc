/* Bytes: kinds of characters, finding, stripping, and putting together. */
#include "codec.h"

#define S SPACE
#define B (SPACE | BLANK)
#define N (DIGIT | HEX | TOKEN)
#define X (ALPHA | HEX | TOKEN)
#define L (ALPHA | TOKEN)
#define T TOKEN
#define Q QUOTE_OR_ANGLE

const uint8_t character[256] = {
    /* clang-format off */
    0, 0, 0, 0, 0, 0, 0, 0, 0, B, S, S, S, S, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    B, T, Q, 0, 0, T, 0, T, 0, 0, T, T, 0, T, T, 0,
    N, N, N, N, N, N, N, N, N, N, 0, 0, Q, 0, Q, 0,
    0, X, X, X, X, X, X, L, L, L, L, L, L, L, L, L,
    L, L, L, L, L, L, L, L, L, L, L, 0, 0, 0, 0, T,
    T, X, X, X, X, X, X, L, L, L, L, L, L, L, L, L,
    L, L, L, L, L, L, L, L, L, L, L, 0, 0, 0, T, 0,
    /* clang-format on */
};

Py_ssize_t find_byte(Run run, Py_ssize_t from, char byte) {
    if (from >= run.size)
        return -1;
    const char *found = memchr(run.at + from, byte, (size_t)(run.size - from));
    return found ? found - run.at : -1;
}

Py_ssize_t find_line_end(Run run, Py_ssize_t from) {
    while ((from = find_byte(run, from, '\r')) >= 0) {
        if (from + 1 < run.size && run.at[from + 1] == '\n')
            return from;
        from++;
    }
    return -1;
}

bool same_ignoring_case(Run run, Run lower_case) {
    if (run.size != lower_case.size)
        return false;
    for (Py_ssize_t i = 0; i < run.size; i++)
        if (lower(run.at[i]) != lower_case.at[i])
            return false;
    return true;
}

bool all_of(Run run, int kinds) {
    for (Py_ssize_t i = 0; i < run.size; i++)
        if (!is(run.at[i], kinds))
            return false;
    return true;
}

Run stripped(Run run) {
    while (run.size && is(run.at[0], SPACE))
        run.at++, run.size--;
    while (run.size && is(run.at[run.size - 1], SPACE))
        run.size--;
    return run;
}

Py_ssize_t number_of(Run digits) {
    Py_ssize_t number = 0;
    for (Py_ssize_t i = 0; i < digits.size; i++)
        number = number * 10 + (digits.at[i] - '0');
    return number;
}

void writer_open(Writer *writer) {
    writer->at = writer->first;
    writer->size = 0;
    writer->room = sizeof writer->first;
    writer->failed = false;
}

static bool make_room(Writer *writer, size_t wanted) {
    if (writer->failed || wanted > (size_t)PY_SSIZE_T_MAX / 4 - writer->size)
        return !(writer->failed = true);
    size_t room = writer->room;
    while (room < writer->size + wanted)
        room *= 2;
    char *grown = PyMem_Malloc(room);
    if (!grown)
        return !(writer->failed = true);
    memcpy(grown, writer->at, writer->size);
    if (writer->at != writer->first)
        PyMem_Free(writer->at);
    writer->at = grown;
    writer->room = room;
    return true;
}

void put(Writer *writer, Run run) {
    size_t size = (size_t)run.size;
    if (size > writer->room - writer->size && !make_room(writer, size))
        return;
    memcpy(writer->at + writer->size, run.at, size);
    writer->size += size;
}

void put_number(Writer *writer, long long number) {
    char digits[24];
    int size = PyOS_snprintf(digits, sizeof digits, "%lld", number);
    put(writer, (Run){digits, size});
}

void put_unfolded(Writer *writer, Run value) {
    value = stripped(value);
    for (;;) {
        Py_ssize_t end = find_line_end(value, 0);
        if (end < 0) {
            put(writer, stripped(value));
            return;
        }
        put(writer, stripped(part(value, 0, end)));
        put(writer, TEXT(" "));
        value = part(value, end + 2, value.size);
    }
}

PyObject *writer_bytes(Writer *writer) {
    PyObject *bytes = writer->failed ? PyErr_NoMemory() : PyBytes_FromStringAndSize(writer->at, (Py_ssize_t)writer->size);
    writer_close(writer);
    return bytes;
}

void writer_close(Writer *writer) {
    if (writer->at != writer->first)
        PyMem_Free(writer->at);
    writer->at = writer->first;
}
