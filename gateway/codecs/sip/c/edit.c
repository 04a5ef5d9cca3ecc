/* The few changes that a proxy makes to a message: edit.py in C. */
#include "codec.h"

/* What gives way in a message, and what comes in its place. */
typedef struct {
    Py_ssize_t start, end;
    Run new;
} Change;

/* The message with changes that do not overlap, in whatever order they were given. */
static PyObject *changed(Run data, Change *changes, int count) {
    Py_ssize_t size = data.size;
    for (int i = 0; i < count; i++) {
        Change change = changes[i];
        int place = i;
        for (; place > 0 && changes[place - 1].start > change.start; place--)
            changes[place] = changes[place - 1];
        changes[place] = change;
        if (change.new.size > PY_SSIZE_T_MAX / 4 - size)
            return PyErr_NoMemory();
        size += change.new.size - (change.end - change.start);
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    if (!bytes)
        return NULL;
    char *to = PyBytes_AS_STRING(bytes);
    Py_ssize_t copied = 0;
    for (int i = 0; i < count; i++) {
        Py_ssize_t same_bytes = changes[i].start - copied;
        memcpy(to, data.at + copied, (size_t)same_bytes);
        memcpy(to + same_bytes, changes[i].new.at, (size_t)changes[i].new.size);
        to += same_bytes + changes[i].new.size;
        copied = changes[i].end;
    }
    memcpy(to, data.at + copied, (size_t)(data.size - copied));
    return bytes;
}

/* The first value of a line, as offsets in the message. */
static Change first_value(const Message *message, const Line *line) {
    ListWalk list = walk_list(value_run(message, line));
    Py_ssize_t start = 0, end = 0;
    next_element(&list, &start, &end);
    return (Change){line->value + start, line->value + end, TEXT("")};
}

/* The first of several values in a line, as far as the second; all of the line where it has only one. */
static Change first_and_comma(const Message *message, const Line *line, bool *only_one) {
    ListWalk list = walk_list(value_run(message, line));
    Py_ssize_t first, second, end;
    *only_one = !next_element(&list, &first, &end) || !next_element(&list, &second, &end);
    if (*only_one)
        return (Change){line->start, line->end, TEXT("")};
    return (Change){line->value + first, line->value + second, TEXT("")};
}

static bool want_message(PyObject *object, const char *what) {
    if (Py_IS_TYPE(object, &SipMessage))
        return true;
    PyErr_Format(PyExc_TypeError, "%s takes a SipMessage", what);
    return false;
}

/* The keyword arguments of a call, by their place in `wanted`. */
static bool read_keywords(const char *const *wanted, PyObject *const *values, PyObject *names, PyObject **found) {
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++) {
        int place = 0;
        while (wanted[place] && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), wanted[place]) != 0)
            place++;
        if (!wanted[place]) {
            PyErr_Format(PyExc_TypeError, "there is no keyword argument %R", PyTuple_GET_ITEM(names, i));
            return false;
        }
        found[place] = values[i];
    }
    return true;
}

static PyObject *forward(const Message *message, Run own, long hops, PyObject *received, bool pop_route) {
    Py_ssize_t end;
    if (!read_body_end(message, &end))
        return NULL;
    Run data = part(run_of(message->data), 0, end);
    Change changes[4];
    char digits[24];
    int count = 1;
    bool only_one;
    Run max_forwards = {digits, PyOS_snprintf(digits, sizeof digits, "%ld", hops)};
    const Line *line = first_line(message, MAX_FORWARDS);
    Writer head;
    if (received != Py_None) {
        const Line *via = present_line(message, VIA);
        if (!via)
            return NULL;
        changes[count] = first_value(message, via);
        changes[count++].new = run_of(received);
    }
    if (pop_route) {
        const Line *route = present_line(message, ROUTE);
        if (!route)
            return NULL;
        changes[count++] = first_and_comma(message, route, &only_one);
    }
    writer_open(&head);
    if (line) {
        changes[count++] = (Change){line->value, line->value_end, max_forwards};
    } else {
        put(&head, own);
        put(&head, TEXT("Max-Forwards: "));
        put(&head, max_forwards);
        put(&head, TEXT("\r\n"));
        own = (Run){head.at, (Py_ssize_t)head.size};
    }
    Py_ssize_t start = find_line_end(data, 0) + 2;
    changes[0] = (Change){start, start, own};
    PyObject *result = head.failed ? PyErr_NoMemory() : changed(data, changes, count);
    writer_close(&head);
    return result;
}

PyObject *forwarded(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    static const char *const wanted[] = {"pop_route", NULL};
    PyObject *pop_route = Py_False;
    (void)module;
    if (count != 4)
        return PyErr_Format(PyExc_TypeError, "forwarded takes message, own, max_forwards and received");
    if (!want_message(arguments[0], "forwarded") || !want_bytes(arguments[1], "forwarded") ||
        (arguments[3] != Py_None && !want_bytes(arguments[3], "forwarded")) ||
        !read_keywords(wanted, arguments + count, names, &pop_route))
        return NULL;
    long hops = PyLong_AsLong(arguments[2]);
    int pop = PyObject_IsTrue(pop_route);
    if ((hops == -1 && PyErr_Occurred()) || pop < 0)
        return NULL;
    return forward((Message *)arguments[0], run_of(arguments[1]), hops, arguments[3], pop);
}

PyObject *without_top_via_of(const Message *message) {
    bool only_one;
    Py_ssize_t end;
    const Line *line = present_line(message, VIA);
    if (!line)
        return NULL;
    Change change = first_and_comma(message, line, &only_one);
    if (only_one && !line->next)
        return malformed("the response carries no Via but ours", line->value);
    if (!read_body_end(message, &end))
        return NULL;
    return changed(part(run_of(message->data), 0, end), &change, 1);
}

PyObject *without_top_via(PyObject *module, PyObject *message) {
    (void)module;
    return want_message(message, "without_top_via") ? without_top_via_of((Message *)message) : NULL;
}

/* -- the previous hop's Via ---------------------------------------------------------------------------------------- */

/* One Via with its first empty rport filled in, where there is a port for it (not -1), and without any received. */
static void put_completed(Writer *writer, Run value, long port) {
    ParameterWalk walk = walk_parameters(value);
    Run parameter, name, text;
    for (bool sent_by = true; next_parameter(&walk, &parameter); sent_by = false) {
        split_parameter(parameter, &name, &text);
        if (sent_by) {
            put(writer, parameter);
        } else if (port >= 0 && !text.size && same_ignoring_case(name, TEXT("rport"))) {
            put(writer, TEXT(";rport="));
            put_number(writer, port);
            port = -1;
        } else if (!same_ignoring_case(name, TEXT("received"))) {
            put(writer, TEXT(";"));
            put(writer, parameter);
        }
    }
}

static bool is_bracketed(Run host, Run address) {
    return host.size == address.size + 2 && host.at[0] == '[' && host.at[host.size - 1] == ']' &&
           same(part(host, 1, host.size - 1), address);
}

PyObject *completed_via(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    Py_ssize_t size;
    (void)module;
    if (count != 4 || !Py_IS_TYPE(arguments[1], via_type))
        return PyErr_Format(PyExc_TypeError, "completed_via takes value, via, host and port");
    PyObject *host = PyTuple_GET_ITEM(arguments[1], 1), *rport = PyTuple_GET_ITEM(arguments[1], 4);
    if (!want_bytes(arguments[0], "completed_via") || !want_bytes(host, "Via"))
        return NULL;
    const char *text = PyUnicode_AsUTF8AndSize(arguments[2], &size);
    long port = text ? PyLong_AsLong(arguments[3]) : -1;
    Py_ssize_t start = 0, end = text ? PyLong_AsSsize_t(PyTuple_GET_ITEM(arguments[1], 5)) : -1;
    int wants_port = text ? PyObject_IsTrue(rport) : -1;
    if (PyErr_Occurred())
        return NULL;
    if (wants_port && port < 0)
        return PyErr_Format(PyExc_ValueError, "there is no port %ld", port);
    Run value = run_of(arguments[0]), address = {text, size}, sent_by = run_of(host);
    PySlice_AdjustIndices(value.size, &start, &end, 1);
    Writer writer;
    writer_open(&writer);
    put_completed(&writer, part(value, 0, end), wants_port ? port : -1);
    bool stale = writer.size != (size_t)end; /* a received was there */
    if (!wants_port && !stale && (same(sent_by, address) || is_bracketed(sent_by, address))) {
        writer_close(&writer);
        Py_RETURN_NONE;
    }
    put(&writer, TEXT(";received="));
    put(&writer, address);
    return writer_bytes(&writer);
}

/* -- responses of our own ------------------------------------------------------------------------------------------ */

static void put_vias(Writer *writer, const Message *request, const Line *line, PyObject *completed) {
    Run data = run_of(request->data);
    Change first = first_value(request, line);
    for (bool top = true; line; line = next_line(request, line), top = false) {
        put(writer, TEXT("Via: "));
        if (top && completed != Py_None) {
            put(writer, part(data, line->value, first.start));
            put(writer, run_of(completed));
            put(writer, part(data, first.end, line->value_end));
        } else {
            put(writer, value_run(request, line));
        }
        put(writer, TEXT("\r\n"));
    }
}

/* Whether a To has a tag. In one that cannot be read, what stands behind the last bracket decides: it is to be answered. */
static bool has_tag(Run to) {
    Run tag, parameters;
    if (find_parameters(to, &parameters))
        return find_parameter(parameters, TEXT("tag"), &tag);
    PyErr_Clear();
    for (Py_ssize_t i = to.size; i > 0; i--)
        if (to.at[i - 1] == '>')
            return find_parameter(part(to, i, to.size), TEXT("tag"), &tag);
    return find_parameter(to, TEXT("tag"), &tag);
}

/* A header line with the (first) value of a field. */
static bool put_field(Writer *writer, const Message *request, int header, Run to_tag) {
    const Line *line = required_line(request, header);
    if (!line)
        return false;
    put(writer, known[header].key);
    put(writer, TEXT(": "));
    size_t start = writer->size;
    if (line->folded)
        put_unfolded(writer, value_run(request, line));
    else
        put(writer, value_run(request, line));
    if (to_tag.size && !writer->failed && !has_tag((Run){writer->at + start, (Py_ssize_t)(writer->size - start)})) {
        put(writer, TEXT(";tag="));
        put(writer, to_tag);
    }
    put(writer, TEXT("\r\n"));
    return true;
}

static PyObject *respond(const Message *request, long status, Run phrase, Run to_tag, PyObject *via, Run extra) {
    const Line *vias = present_line(request, VIA);
    const Line *timestamp = status == 100 ? first_line(request, TIMESTAMP) : NULL;
    Run none = TEXT("");
    Writer writer;
    if (!vias)
        return NULL;
    writer_open(&writer);
    put(&writer, TEXT("SIP/2.0 "));
    put_number(&writer, status);
    put(&writer, TEXT(" "));
    put(&writer, phrase);
    put(&writer, TEXT("\r\n"));
    put_vias(&writer, request, vias, via);
    if (!put_field(&writer, request, FROM, none) || !put_field(&writer, request, TO, to_tag) ||
        !put_field(&writer, request, CALL_ID, none) || !put_field(&writer, request, CSEQ, none)) {
        writer_close(&writer);
        return NULL;
    }
    if (timestamp) {
        put(&writer, TEXT("Timestamp: "));
        put_unfolded(&writer, value_run(request, timestamp));
        put(&writer, TEXT("\r\n"));
    }
    put(&writer, extra);
    put(&writer, TEXT("Content-Length: 0\r\n\r\n"));
    return writer_bytes(&writer);
}

PyObject *response_to(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    static const char *const wanted[] = {"to_tag", "via", "extra", NULL};
    PyObject *found[] = {NULL, Py_None, NULL};
    (void)module;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "response_to takes request, status and phrase");
    if (!want_message(arguments[0], "response_to") || !read_keywords(wanted, arguments + count, names, found))
        return NULL;
    for (int i = 0; i < 3; i++)
        if (found[i] && found[i] != Py_None && !want_bytes(found[i], "response_to"))
            return NULL;
    long status = PyLong_AsLong(arguments[1]);
    if (status == -1 && PyErr_Occurred())
        return NULL;
    PyObject *phrase = PyUnicode_AsASCIIString(arguments[2]);
    if (!phrase)
        return NULL;
    Run to_tag = found[0] && found[0] != Py_None ? run_of(found[0]) : TEXT("");
    Run extra = found[2] && found[2] != Py_None ? run_of(found[2]) : TEXT("");
    PyObject *response = respond((Message *)arguments[0], status, run_of(phrase), to_tag, found[1], extra);
    Py_DECREF(phrase);
    return response;
}
