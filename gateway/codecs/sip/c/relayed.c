/* A response on its way back: relayed.py in C. */
#include "codec.h"

static PyObject *relayed(int status, PyObject *branch, PyObject *method, PyObject *to, PyObject *onward) {
    PyObject *items[] = {PyLong_FromLong(status), branch, method, to, onward};
    return named_tuple(relayed_type, 5, items);
}

/* The message without the line from `start` to `end`. */
static PyObject *without(Run data, Py_ssize_t start, Py_ssize_t end) {
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, data.size - (end - start));
    if (bytes) {
        memcpy(PyBytes_AS_STRING(bytes), data.at, (size_t)start);
        memcpy(PyBytes_AS_STRING(bytes) + start, data.at + end, (size_t)(data.size - end));
    }
    return bytes;
}

static bool is_branch(Run branch) {
    bool letters = false;
    for (Py_ssize_t i = 0; i < branch.size; i++) {
        if (is(branch.at[i], ALPHA | DIGIT))
            letters = true;
        else if (branch.at[i] != '.')
            return false;
    }
    return letters;
}

/* "1 INVITE" as nearly everybody writes it. */
static bool read_cseq_line(Run value, Run *method) {
    Py_ssize_t blank = find_byte(value, 0, ' ');
    if (blank <= 0 || blank > 10 || !all_of(part(value, 0, blank), DIGIT))
        return false;
    *method = part(value, blank + 1, value.size);
    return method->size && all_of(*method, ALPHA);
}

/* The digits of a Content-Length as nearly everybody writes it. */
static bool read_length_line(Run value, Py_ssize_t *length) {
    if (!value.size || value.size > 9 || !all_of(value, DIGIT))
        return false;
    *length = number_of(value);
    return true;
}

/* The response as nearly everybody writes it; false for any other: it is read with more care. Here that is one that has
 * nothing folded, nothing doubled, and To, CSeq and Content-Length of the plainest kind. */
typedef struct {
    Run to, method;
    Py_ssize_t length;
    bool seen[MAX_KNOWN];
} Quick;

/* Whether a field may stand once only can be told by the first letter for nearly all that may stand more often. */
static bool may_be_single(char first) {
    switch (lower(first)) {
    case 'c': case 'f': case 'i': case 'l': case 'm': case 't':
        return true;
    default:
        return false;
    }
}

static bool read_quick_line(Run line, Quick *quick) {
    Py_ssize_t colon = 0;
    while (colon < line.size && is(line.at[colon], TOKEN))
        colon++;
    if (colon == 0 || colon == line.size || colon > LONGEST_NAME || line.at[colon] != ':')
        return false;
    if (!may_be_single(line.at[0]))
        return true;
    int header = header_named(part(line, 0, colon));
    if (header == NO_HEADER || !known[header].single)
        return true;
    if (quick->seen[header])
        return false;
    quick->seen[header] = true;
    Run value = stripped(part(line, colon + 1, line.size));
    if (header == TO)
        quick->to = value;
    else if (header == CSEQ)
        return read_cseq_line(value, &quick->method);
    else if (header == CONTENT_LENGTH)
        return read_length_line(value, &quick->length);
    return value.size || (header != TO && header != FROM && header != CALL_ID);
}

/* Where the line ends that starts there, of which no line end stands bare; -1 where there is none such. */
static Py_ssize_t plain_line_end(Run data, Py_ssize_t start) {
    Py_ssize_t end = find_byte(data, start, '\r');
    return end >= 0 && find_byte(data, start, '\n') == end + 1 ? end : -1;
}

static bool read_quickly(Run data, Py_ssize_t branch_start, Py_ssize_t *via_end, Quick *quick) {
    *via_end = plain_line_end(data, branch_start);
    if (*via_end < 0 || !is_branch(part(data, branch_start, *via_end)) ||
        !starts_with(part(data, *via_end + 2, data.size), TEXT("Via: ")))
        return false;
    int lines = 1;
    Py_ssize_t start = *via_end + 2, end;
    while ((end = plain_line_end(data, start)) != start) {
        if (end < 0 || ++lines > MAX_HEADERS || !read_quick_line(part(data, start, end), quick))
            return false;
        start = end + 2;
    }
    const bool *seen = quick->seen;
    return seen[TO] && seen[CSEQ] && seen[CONTENT_LENGTH] && seen[FROM] && seen[CALL_ID] &&
           end + 2 + quick->length == data.size && find_byte(part(data, 0, end), 0, 0) < 0;
}

static PyObject *read_in_full(PyObject *data, Run own_via) {
    ViaParts via;
    Py_ssize_t sequence, body_end;
    Run method;
    PyObject *value, *cseq, *onward, *result = NULL;
    Message *message = message_of(data);
    if (!message)
        return NULL;
    const Line *line = required_line(message, VIA);
    value = line ? value_of(message, line) : NULL;
    if (!value || !read_via(run_of(value), &via))
        goto end;
    Py_ssize_t sent_by = own_via.size;
    while (sent_by && own_via.at[sent_by - 1] != ' ')
        sent_by--;
    Run own = part(own_via, sent_by, own_via.size);
    Run suffix = TEXT(";branch=");
    if (own.size >= suffix.size && same(part(own, own.size - suffix.size, own.size), suffix))
        own.size -= suffix.size;
    char port[24];
    Run port_text = {port, PyOS_snprintf(port, sizeof port, ":%zd", via.port)};
    if (own.size != via.host.size + port_text.size || !starts_with(own, via.host) ||
        !same(part(own, via.host.size, own.size), port_text)) {
        result = Py_NewRef(Py_None);
        goto end;
    }
    if (!check_head(message) || !read_body_end(message, &body_end))
        goto end;
    onward = without_top_via_of(message);
    if (!onward) { /* it can go nowhere, but what it says of the transaction may still count */
        if (!PyErr_ExceptionMatches(malformed_type))
            goto end;
        PyErr_Clear();
        onward = PyBytes_FromStringAndSize(NULL, 0);
    }
    if (!onward || !read_cseq(message, &sequence, &cseq, &method)) {
        Py_XDECREF(onward);
        goto end;
    }
    const Line *to = required_line(message, TO);
    if (to)
        result = relayed(message->status, bytes_of(via.branch), bytes_of(method), value_of(message, to), onward);
    else
        Py_DECREF(onward);
    Py_DECREF(cseq);
end:
    Py_XDECREF(value);
    Py_DECREF(message);
    return result;
}

PyObject *read_response(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    Py_ssize_t via_end;
    Quick quick = {0};
    (void)module;
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "read_response takes data and own_via");
    if (!want_bytes(arguments[0], "read_response") || !want_bytes(arguments[1], "read_response"))
        return NULL;
    Run data = run_of(arguments[0]), own_via = run_of(arguments[1]);
    Py_ssize_t start = plain_line_end(data, 0) + 2;
    if (start > 1 && starts_with(part(data, start, data.size), own_via)) {
        Run status = part(data, data.size < 8 ? data.size : 8, data.size < 12 ? data.size : 12);
        bool digits = status.size == 4 && all_of(part(status, 0, 3), DIGIT) && status.at[3] == ' ';
        int code = digits ? (int)number_of(part(status, 0, 3)) : 0;
        if (starts_with(data, TEXT("SIP/2.0 ")) && code >= 100 && code <= 699 &&
            read_quickly(data, start + own_via.size, &via_end, &quick))
            return relayed(code, bytes_of(part(data, start + own_via.size, via_end)), bytes_of(quick.method),
                           bytes_of(quick.to), without(data, start, via_end + 2));
    }
    return read_in_full(arguments[0], own_via);
}
