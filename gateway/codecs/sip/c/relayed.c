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

/* The response as nearly everybody writes it; false for any other. See _read_quickly in relayed.py. */
static bool read_quickly(Run data, Py_ssize_t branch_start, Py_ssize_t *via_end, Run *to, Run *method) {
    *via_end = find_line_end(data, branch_start);
    if (*via_end < 0 || !is_branch(part(data, branch_start, *via_end)) ||
        !starts_with(part(data, *via_end + 2, data.size), TEXT("Via: ")))
        return false;
    bool found_to = false, found_cseq = false, found_length = false;
    Py_ssize_t length = 0;
    for (Py_ssize_t start = *via_end + 2, end; ; start = end + 2) {
        end = find_line_end(data, start);
        if (end < 0)
            return false;
        if (end == start)
            return found_to && found_cseq && found_length && end + 2 + length == data.size;
        Run line = part(data, start, end);
        bool folded = end + 2 < data.size && is(data.at[end + 2], BLANK);
        if (!found_to && starts_with(line, TEXT("To: "))) {
            *to = part(line, 4, line.size);
            if (folded || !to->size || stripped(*to).size != to->size)
                return false;
            found_to = true;
        } else if (!found_cseq && starts_with(line, TEXT("CSeq: "))) {
            if (folded || !read_cseq_line(part(line, 6, line.size), method))
                return false;
            found_cseq = true;
        } else if (starts_with(line, TEXT("Content-Length: "))) {
            if (found_length || folded || !read_length_line(part(line, 16, line.size), &length))
                return false;
            found_length = true;
        }
    }
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
    if (!read_body_end(message, &body_end))
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
    Run to = TEXT(""), method = TEXT("");
    (void)module;
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "read_response takes data and own_via");
    if (!want_bytes(arguments[0], "read_response") || !want_bytes(arguments[1], "read_response"))
        return NULL;
    Run data = run_of(arguments[0]), own_via = run_of(arguments[1]);
    Py_ssize_t start = find_line_end(data, 0);
    start = start < 0 ? 1 : start + 2; /* as find gives it in Python */
    if (start <= data.size && starts_with(part(data, start, data.size), own_via)) {
        Run status = part(data, data.size < 8 ? data.size : 8, data.size < 12 ? data.size : 12);
        bool digits = status.size == 4 && all_of(part(status, 0, 3), DIGIT) && status.at[3] == ' ';
        int code = digits ? (int)number_of(part(status, 0, 3)) : 0;
        if (code >= 100 && code <= 699 && read_quickly(data, start + own_via.size, &via_end, &to, &method))
            return relayed(code, bytes_of(part(data, start + own_via.size, via_end)), bytes_of(method), bytes_of(to),
                           without(data, start, via_end + 2));
    }
    return read_in_full(arguments[0], own_via);
}
