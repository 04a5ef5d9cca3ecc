/* A SIP message: SipMessage of message.py in C. One pass over the head finds the lines of the fields that we read. */
#include "codec.h"
#include <stddef.h>
#include <structmember.h>

/* -- the start line ------------------------------------------------------------------------------------------------ */

/* Methods that nearly every request has, so that their bytes are made once. */
static struct {
    Run name;
    PyObject *bytes;
} methods[] = {
    {{"INVITE", 6}, NULL},  {{"ACK", 3}, NULL},   {{"BYE", 3}, NULL},    {{"CANCEL", 6}, NULL},
    {{"OPTIONS", 7}, NULL}, {{"PRACK", 5}, NULL}, {{"UPDATE", 6}, NULL}, {{"REGISTER", 8}, NULL},
};

static PyObject *method_bytes(Run name) {
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (same(methods[i].name, name)) {
            if (!methods[i].bytes)
                methods[i].bytes = bytes_of(name);
            return Py_XNewRef(methods[i].bytes);
        }
    return bytes_of(name);
}

/* What the first line says; `method` is empty for a response. */
typedef struct {
    Run method, uri;
    int status;
} StartLine;

static bool read_status_line(Run line, StartLine *start) {
    bool three = line.size >= 11 && all_of(part(line, 8, 11), DIGIT);
    int status = three ? (int)number_of(part(line, 8, 11)) : 0;
    if (status < 100 || status > 699 || (line.size > 11 && line.at[11] != ' '))
        return malformed("the status code is not three digits from 100 to 699", 8);
    *start = (StartLine){part(line, 0, 0), part(line, 0, 0), status};
    return true;
}

static bool read_request_line(Run line, StartLine *start) {
    Py_ssize_t first = find_byte(line, 0, ' ');
    Py_ssize_t second = first < 0 ? -1 : find_byte(line, first + 1, ' ');
    if (second < 0 || find_byte(line, second + 1, ' ') >= 0)
        return malformed("the first line is neither a request line nor a status line", 0);
    *start = (StartLine){part(line, 0, first), part(line, first + 1, second), 0};
    if (!same(part(line, second + 1, line.size), TEXT("SIP/2.0")))
        return malformed("the version is not SIP/2.0", second + 1);
    if (!first || !all_of(start->method, TOKEN))
        return malformed("the method is not a token", 0);
    if (!start->uri.size)
        return malformed("the Request-URI is empty", first + 1);
    return true;
}

/* -- the header lines ---------------------------------------------------------------------------------------------- */

typedef struct {
    Py_ssize_t head_end;
    int line_ends;
    int count;
    uint16_t first[MAX_KNOWN], last[MAX_KNOWN];
    Line lines[MAX_HEADERS];
} Head;

/* One line from `start` to the CRLF at `end`, its folds among it. */
static bool read_line(Run data, Py_ssize_t start, Py_ssize_t end, bool folded, Head *head) {
    Run line = part(data, start, end);
    Py_ssize_t colon = find_byte(line, 0, ':');
    if (colon < 0)
        return malformed("a header line has no colon", start);
    int header = header_named(part(line, 0, colon));
    if (header < 0)
        return malformed("the name of a header field is not a token", start);
    if (header == NO_HEADER)
        return true;
    Py_ssize_t value = start + colon + 1, value_end = end;
    while (value < value_end && is(data.at[value], SPACE))
        value++;
    while (value_end > value && is(data.at[value_end - 1], SPACE))
        value_end--;
    head->lines[head->count++] = (Line){
        (uint32_t)start, (uint32_t)value, (uint32_t)value_end, (uint32_t)end + 2, 0, (uint8_t)header, folded,
    };
    if (head->first[header])
        head->lines[head->last[header] - 1].next = (uint16_t)head->count;
    else
        head->first[header] = (uint16_t)head->count;
    head->last[header] = (uint16_t)head->count;
    return true;
}

static bool is_fold(Run data, Py_ssize_t at) {
    return is(data.at[at], BLANK);
}

/* Every line ends with a CRLF before the end of `data`: the empty line has been found. */
static bool read_lines(Run data, Py_ssize_t start, Head *head) {
    if (start < head->head_end && is_fold(data, start))
        return malformed("the first header line continues nothing", start);
    while (start < head->head_end) {
        Py_ssize_t end = find_line_end(data, start);
        bool folded = false;
        while (end < head->head_end && is_fold(data, end + 2)) {
            end = find_line_end(data, end + 2);
            folded = true;
        }
        if (!read_line(data, start, end, folded, head))
            return false;
        start = end + 2;
    }
    return true;
}

static bool find_head(Run data, Head *head) {
    Py_ssize_t end = -1;
    head->line_ends = -1;
    do {
        end = find_line_end(data, end < 0 ? 0 : end + 2);
        head->line_ends++;
    } while (end >= 0 && !(end + 3 < data.size && data.at[end + 2] == '\r' && data.at[end + 3] == '\n'));
    head->head_end = end;
    if (end < 0)
        return malformed("the header fields do not end with an empty line", data.size);
    if (head->line_ends > MAX_HEADERS)
        return malformed("more than 256 header lines", end);
    return true;
}

_Static_assert(MAX_HEADERS == 256 && LONGEST_MESSAGE == 16777216, "the error messages say so");

static bool read_head(Run data, Head *head, StartLine *start) {
    if (data.size > LONGEST_MESSAGE)
        return malformed("longer than 16777216 bytes", LONGEST_MESSAGE);
    head->count = 0;
    memset(head->first, 0, sizeof head->first);
    if (!find_head(data, head))
        return false;
    Py_ssize_t end = find_line_end(data, 0);
    Run line = part(data, 0, end);
    bool status = starts_with(data, TEXT("SIP/2.0 "));
    if (!(status ? read_status_line(line, start) : read_request_line(line, start)))
        return false;
    return read_lines(data, end + 2, head);
}

/* -- the object ---------------------------------------------------------------------------------------------------- */

Message *message_of(PyObject *data) {
    Head head;
    StartLine start;
    if (!want_bytes(data, "SipMessage") || !read_head(run_of(data), &head, &start))
        return NULL;
    Message *message = PyObject_NewVar(Message, &SipMessage, head.count);
    if (!message)
        return NULL;
    message->data = Py_NewRef(data);
    message->method = method_bytes(start.method);
    message->request_uri = bytes_of(start.uri);
    message->head_end = head.head_end;
    message->status = start.status;
    message->line_ends = head.line_ends;
    memcpy(message->first, head.first, sizeof head.first);
    memcpy(message->lines, head.lines, sizeof(Line) * (size_t)head.count);
    if (!message->method || !message->request_uri)
        Py_CLEAR(message);
    return message;
}

static PyObject *message_vectorcall(PyObject *type, PyObject *const *arguments, size_t flags, PyObject *names) {
    (void)type;
    if (PyVectorcall_NARGS(flags) != 1 || (names && PyTuple_GET_SIZE(names)))
        return PyErr_Format(PyExc_TypeError, "SipMessage takes the bytes of one message");
    return (PyObject *)message_of(arguments[0]);
}

static PyObject *message_new(PyTypeObject *type, PyObject *arguments, PyObject *names) {
    (void)type;
    if (PyTuple_GET_SIZE(arguments) != 1 || (names && PyDict_GET_SIZE(names)))
        return PyErr_Format(PyExc_TypeError, "SipMessage takes the bytes of one message");
    return (PyObject *)message_of(PyTuple_GET_ITEM(arguments, 0));
}

static void message_dealloc(PyObject *self) {
    Message *message = (Message *)self;
    Py_XDECREF(message->data);
    Py_XDECREF(message->method);
    Py_XDECREF(message->request_uri);
    PyObject_Free(self);
}

/* -- header fields ------------------------------------------------------------------------------------------------- */

const Line *present_line(const Message *message, int header) {
    char what[128];
    const Line *line = first_line(message, header);
    if (line)
        return line;
    PyOS_snprintf(what, sizeof what, "the %s header field is missing", known[header].name);
    return malformed(what, message->head_end);
}

const Line *required_line(const Message *message, int header) {
    char what[128];
    const Line *line = first_line(message, header);
    if (line && line->value < line->value_end)
        return line;
    PyOS_snprintf(what, sizeof what, "the %s header field is missing or empty", known[header].name);
    return malformed(what, message->head_end);
}

PyObject *value_of(const Message *message, const Line *line) {
    Run value = value_run(message, line);
    if (!line->folded)
        return bytes_of(value);
    Writer writer;
    writer_open(&writer);
    put_unfolded(&writer, value);
    return writer_bytes(&writer);
}

static PyObject *message_value(PyObject *self, PyObject *header) {
    int index = header_index(header);
    const Line *line = index < 0 ? NULL : first_line((Message *)self, index);
    if (line)
        return value_of((Message *)self, line);
    return index < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *message_required(PyObject *self, PyObject *header) {
    int index = header_index(header);
    const Line *line = index < 0 ? NULL : required_line((Message *)self, index);
    return line ? value_of((Message *)self, line) : NULL;
}

static PyObject *message_has_any(PyObject *self, PyObject *wanted) {
    if (!PyTuple_Check(wanted))
        return PyErr_Format(PyExc_TypeError, "has_any takes a tuple of header fields");
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(wanted); i++) {
        int index = header_index(PyTuple_GET_ITEM(wanted, i));
        if (index < 0)
            return NULL;
        if (first_line((Message *)self, index))
            Py_RETURN_TRUE;
    }
    Py_RETURN_FALSE;
}

static PyObject *span_of(uint32_t start, uint32_t end) {
    PyObject *span = PyTuple_New(2);
    PyObject *first = PyLong_FromUnsignedLong(start), *second = PyLong_FromUnsignedLong(end);
    if (!span || !first || !second) {
        Py_XDECREF(span);
        Py_XDECREF(first);
        Py_XDECREF(second);
        return NULL;
    }
    PyTuple_SET_ITEM(span, 0, first);
    PyTuple_SET_ITEM(span, 1, second);
    return span;
}

static PyObject *message_span(PyObject *self, PyObject *header) {
    int index = header_index(header);
    const Line *line = index < 0 ? NULL : first_line((Message *)self, index);
    if (line)
        return span_of(line->value, line->value_end);
    return index < 0 ? NULL : Py_NewRef(Py_None);
}

/* A span for each line of a field: of its value, or of the whole line. */
static PyObject *list_spans(const Message *message, PyObject *header, bool whole_lines) {
    int index = header_index(header);
    PyObject *spans = index < 0 ? NULL : PyList_New(0);
    if (!spans)
        return NULL;
    for (const Line *line = first_line(message, index); line; line = next_line(message, line)) {
        PyObject *span = whole_lines ? span_of(line->start, line->end) : span_of(line->value, line->value_end);
        if (!span || PyList_Append(spans, span) < 0)
            Py_CLEAR(spans);
        Py_XDECREF(span);
        if (!spans)
            break;
    }
    return spans;
}

static PyObject *message_spans(PyObject *self, PyObject *header) {
    return list_spans((Message *)self, header, false);
}

static PyObject *message_lines_of(PyObject *self, PyObject *header) {
    return list_spans((Message *)self, header, true);
}

static PyObject *message_text(PyObject *self, PyObject *span) {
    if (!PyTuple_Check(span) || PyTuple_GET_SIZE(span) != 2)
        return PyErr_Format(PyExc_TypeError, "text takes the start and the end of a value");
    Py_ssize_t start = PyLong_AsSsize_t(PyTuple_GET_ITEM(span, 0));
    if (start == -1 && PyErr_Occurred())
        return NULL;
    Py_ssize_t end = PyLong_AsSsize_t(PyTuple_GET_ITEM(span, 1));
    if (end == -1 && PyErr_Occurred())
        return NULL;
    Run data = run_of(((Message *)self)->data);
    Py_ssize_t size = PySlice_AdjustIndices(data.size, &start, &end, 1);
    Run value = {data.at + start, size};
    if (find_line_end(value, 0) < 0)
        return bytes_of(stripped(value));
    Writer writer;
    writer_open(&writer);
    put_unfolded(&writer, value);
    return writer_bytes(&writer);
}

/* -- the whole message --------------------------------------------------------------------------------------------- */

bool read_cseq(const Message *message, Py_ssize_t *number, PyObject **value, Run *method) {
    const Line *line = required_line(message, CSEQ);
    *value = line ? value_of(message, line) : NULL;
    if (!*value)
        return false;
    Run text = run_of(*value);
    Py_ssize_t end = 0;
    while (end < text.size && !is(text.at[end], SPACE))
        end++;
    Run digits = part(text, 0, end);
    if (!all_of(digits, DIGIT) || digits.size > 10) {
        Py_CLEAR(*value);
        return malformed("CSeq does not start with a number", line->value);
    }
    *number = number_of(digits);
    *method = stripped(part(text, end, text.size));
    return true;
}

static PyObject *message_cseq(PyObject *self, PyObject *unused) {
    Py_ssize_t number;
    PyObject *value;
    Run method;
    (void)unused;
    if (!read_cseq((Message *)self, &number, &value, &method))
        return NULL;
    PyObject *bytes = method_bytes(method);
    Py_DECREF(value);
    return bytes ? Py_BuildValue("(nN)", number, bytes) : NULL;
}

static bool check_characters(const Message *message) {
    Run data = run_of(message->data);
    int feeds = 0, returns = 0, nulls = 0;
    for (Py_ssize_t i = 0; i < message->head_end; i++) {
        feeds += data.at[i] == '\n';
        returns += data.at[i] == '\r';
        nulls += data.at[i] == 0;
    }
    if (feeds != message->line_ends) {
        Py_ssize_t at = find_byte(data, 0, '\n');
        while (at > 0 && data.at[at - 1] == '\r')
            at = find_byte(data, at + 1, '\n');
        return malformed("a line ends without a carriage return", at);
    }
    if (returns != message->line_ends)
        return malformed("a carriage return stands without a line feed", message->head_end);
    if (nulls)
        return malformed("a NUL byte stands in the header fields", find_byte(data, 0, 0));
    return true;
}

static bool check_fields(const Message *message) {
    const int mandatory[] = {VIA, FROM, TO, CALL_ID, CSEQ};
    for (size_t i = 0; i < sizeof mandatory / sizeof *mandatory; i++)
        if (!required_line(message, mandatory[i]))
            return false;
    for (Py_ssize_t i = 0; i < Py_SIZE(message); i++) {
        const Line *line = &message->lines[i];
        if (!known[line->header].single || !line->next)
            continue;
        char what[128];
        PyOS_snprintf(what, sizeof what, "the %s header field stands more than once", known[line->header].name);
        return malformed(what, next_line(message, line)->value);
    }
    return true;
}

bool check_head(const Message *message) {
    return check_characters(message) && check_fields(message);
}

static bool check_cseq(const Message *message) {
    Py_ssize_t number;
    PyObject *value;
    Run method;
    if (!read_cseq(message, &number, &value, &method))
        return false;
    bool fits = same(method, run_of(message->method)) && number < (Py_ssize_t)1 << 31;
    Py_DECREF(value);
    return fits || malformed("CSeq does not fit the request", first_line(message, CSEQ)->value);
}

bool read_body_end(const Message *message, Py_ssize_t *end) {
    const Line *line = first_line(message, CONTENT_LENGTH);
    Py_ssize_t size = PyBytes_GET_SIZE(message->data);
    *end = size;
    if (!line)
        return true;
    if (line->next)
        return malformed("the Content-Length header field stands more than once", next_line(message, line)->value);
    Run value = value_run(message, line); /* a fold within is no digit either way */
    Run digits = value;
    while (digits.size && digits.at[0] == '0')
        digits.at++, digits.size--;
    if (!value.size || !all_of(value, DIGIT) || digits.size > 9)
        return malformed("Content-Length is not a number", line->value);
    *end = message->head_end + 4 + number_of(digits);
    return *end <= size || malformed("the body is shorter than Content-Length says", size);
}

static PyObject *message_body_end(PyObject *self, PyObject *unused) {
    Py_ssize_t end;
    (void)unused;
    return read_body_end((Message *)self, &end) ? PyLong_FromSsize_t(end) : NULL;
}

static PyObject *message_check(PyObject *self, PyObject *unused) {
    const Message *message = (Message *)self;
    Py_ssize_t end;
    (void)unused;
    if (!check_head(message) || !check_cseq(message) || !read_body_end(message, &end))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *message_check_head(PyObject *self, PyObject *unused) {
    (void)unused;
    return check_head((Message *)self) ? Py_NewRef(Py_None) : NULL;
}

static PyObject *message_body_offset(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromSsize_t(((Message *)self)->head_end + 4);
}

static PyMethodDef message_methods[] = {
    {"value", message_value, METH_O, NULL},       {"required", message_required, METH_O, NULL},
    {"has_any", message_has_any, METH_O, NULL},   {"span", message_span, METH_O, NULL},
    {"spans", message_spans, METH_O, NULL},       {"lines", message_lines_of, METH_O, NULL},
    {"text", message_text, METH_O, NULL},         {"cseq", message_cseq, METH_NOARGS, NULL},
    {"check", message_check, METH_NOARGS, NULL},  {"body_end", message_body_end, METH_NOARGS, NULL},
    {"check_head", message_check_head, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef message_members[] = {
    {"data", T_OBJECT_EX, offsetof(Message, data), READONLY, NULL},
    {"method", T_OBJECT_EX, offsetof(Message, method), READONLY, NULL},
    {"request_uri", T_OBJECT_EX, offsetof(Message, request_uri), READONLY, NULL},
    {"head_end", T_PYSSIZET, offsetof(Message, head_end), READONLY, NULL},
    {"status", T_INT, offsetof(Message, status), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef message_properties[] = {
    {"body_offset", message_body_offset, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject SipMessage = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gateway.codecs.sip._codec.SipMessage",
    .tp_basicsize = offsetof(Message, lines),
    .tp_itemsize = sizeof(Line),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = message_new,
    .tp_vectorcall = message_vectorcall,
    .tp_dealloc = message_dealloc,
    .tp_methods = message_methods,
    .tp_members = message_members,
    .tp_getset = message_properties,
};
