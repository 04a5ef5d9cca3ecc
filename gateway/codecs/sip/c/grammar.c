/* Lists, parameters, Via and name-addr: grammar.py in C. */
#include "codec.h"

/* -- lists --------------------------------------------------------------------------------------------------------- */

static bool is_white(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void trim(Run value, Py_ssize_t *start, Py_ssize_t *end) {
    while (*start < *end && is_white(value.at[*start]))
        ++*start;
    while (*end > *start && is_white(value.at[*end - 1]))
        --*end;
}

ListWalk walk_list(Run value) {
    return (ListWalk){value, 0, false};
}

bool next_element(ListWalk *walk, Py_ssize_t *start, Py_ssize_t *end) {
    Run value = walk->value;
    bool quoted = false, bracketed = false;
    if (walk->finished)
        return false;
    *start = walk->position;
    *end = value.size;
    walk->finished = true;
    if (find_byte(value, *start, ',') >= 0)
        for (Py_ssize_t i = *start; i < value.size; i++) {
            char byte = value.at[i];
            if (quoted) {
                if (byte == '\\')
                    i++;
                else if (byte == '"')
                    quoted = false;
            } else if (byte == '"') {
                quoted = true;
            } else if (byte == '<') {
                bracketed = true;
            } else if (byte == '>') {
                bracketed = false;
            } else if (byte == ',' && !bracketed) {
                walk->position = i + 1;
                walk->finished = false;
                *end = i;
                break;
            }
        }
    if (walk->finished && *start >= value.size)
        return false;
    trim(value, start, end);
    return true;
}

typedef struct {
    PyObject_HEAD
    PyObject *value;
    ListWalk walk;
} ListIteratorObject;

static void list_iterator_dealloc(PyObject *self) {
    Py_XDECREF(((ListIteratorObject *)self)->value);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *list_iterator_next(PyObject *self) {
    Py_ssize_t start, end;
    if (!next_element(&((ListIteratorObject *)self)->walk, &start, &end))
        return NULL;
    return Py_BuildValue("(nn)", start, end);
}

PyTypeObject ListIterator = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gateway.codecs.sip._codec.ListIterator",
    .tp_basicsize = sizeof(ListIteratorObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = list_iterator_dealloc,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = list_iterator_next,
};

PyObject *split_list(PyObject *module, PyObject *value) {
    (void)module;
    if (!want_bytes(value, "split_list"))
        return NULL;
    ListIteratorObject *iterator = PyObject_New(ListIteratorObject, &ListIterator);
    if (!iterator)
        return NULL;
    iterator->value = Py_NewRef(value);
    iterator->walk = walk_list(run_of(value));
    return (PyObject *)iterator;
}

/* -- parameters ---------------------------------------------------------------------------------------------------- */

ParameterWalk walk_parameters(Run parameters) {
    return (ParameterWalk){parameters, false};
}

/* Past the quoted string that starts at `i`; the end where it is not closed. */
static Py_ssize_t behind_quotes(Run run, Py_ssize_t i, bool *closed) {
    *closed = false;
    for (i++; i < run.size; i++) {
        if (run.at[i] == '\\') {
            i++;
        } else if (run.at[i] == '"') {
            *closed = true;
            return i + 1;
        }
    }
    return run.size;
}

bool next_parameter(ParameterWalk *walk, Run *parameter) {
    Run rest = walk->rest;
    Py_ssize_t i = 0;
    bool closed;
    if (walk->finished)
        return false;
    while (i < rest.size && rest.at[i] != ';')
        i = rest.at[i] == '"' ? behind_quotes(rest, i, &closed) : i + 1;
    *parameter = part(rest, 0, i);
    if (i < rest.size)
        walk->rest = part(rest, i + 1, rest.size);
    else
        walk->finished = true;
    return true;
}

void split_parameter(Run parameter, Run *name, Run *text) {
    Py_ssize_t sign = find_byte(parameter, 0, '=');
    *name = stripped(sign < 0 ? parameter : part(parameter, 0, sign));
    *text = stripped(sign < 0 ? part(parameter, parameter.size, parameter.size) : part(parameter, sign + 1, parameter.size));
}

bool find_parameter(Run parameters, Run name, Run *value) {
    ParameterWalk walk = walk_parameters(parameters);
    Run parameter, key;
    while (next_parameter(&walk, &parameter)) {
        split_parameter(parameter, &key, value);
        if (!same_ignoring_case(key, name))
            continue;
        while (value->size && value->at[0] == '"')
            value->at++, value->size--;
        while (value->size && value->at[value->size - 1] == '"')
            value->size--;
        return true;
    }
    return false;
}

PyObject *parameter_of(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    Run value;
    (void)module;
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "parameter_of takes parameters and a name");
    if (!want_bytes(arguments[0], "parameter_of") || !want_bytes(arguments[1], "parameter_of"))
        return NULL;
    if (!find_parameter(run_of(arguments[0]), run_of(arguments[1]), &value))
        Py_RETURN_NONE;
    return bytes_of(value);
}

/* -- Via ----------------------------------------------------------------------------------------------------------- */

static Py_ssize_t skip(Run run, Py_ssize_t i, int kinds) {
    while (i < run.size && is(run.at[i], kinds))
        i++;
    return i;
}

/* Past `word` and the blanks behind it, or -1. */
static Py_ssize_t past(Run run, Py_ssize_t i, Run word) {
    return i >= 0 && starts_with(part(run, i, run.size), word) ? skip(run, i + word.size, BLANK) : -1;
}

static bool is_in(char byte, const char *set, size_t size) {
    return memchr(set, byte, size) != NULL;
}

/* Past an IPv6 address in brackets that starts at `i`, or -1. */
static Py_ssize_t past_brackets(Run run, Py_ssize_t i) {
    Py_ssize_t start = ++i;
    while (i < run.size && (is(run.at[i], HEX) || run.at[i] == ':' || run.at[i] == '.'))
        i++;
    return i > start && i < run.size && run.at[i] == ']' ? i + 1 : -1;
}

static Py_ssize_t past_via_host(Run run, Py_ssize_t i) {
    if (i < run.size && run.at[i] == '[')
        return past_brackets(run, i);
    Py_ssize_t start = i;
    while (i < run.size && !is(run.at[i], SPACE) && !is_in(run.at[i], ":;,[]<>\"", 8))
        i++;
    return i > start ? i : -1;
}

/* Past one to five digits, or -1. */
static Py_ssize_t past_port(Run run, Py_ssize_t i, Run *port) {
    Py_ssize_t start = i;
    while (i < run.size && i - start < 5 && is(run.at[i], DIGIT))
        i++;
    *port = part(run, start, i);
    return i > start ? i : -1;
}

/* Whether all that follows is parameters, none of them empty. */
static bool only_parameters(Run run, Py_ssize_t i) {
    bool closed;
    while (i < run.size && run.at[i] == ';') {
        Py_ssize_t start = skip(run, i + 1, BLANK);
        if (start == run.size || run.at[start] == ';')
            return false;
        for (i++; i < run.size && !is_in(run.at[i], ",;\"", 3);)
            i++;
        if (i < run.size && run.at[i] == '"') {
            i = behind_quotes(run, i, &closed);
            if (!closed)
                return false;
        }
        i = skip(run, i, BLANK);
    }
    return i == run.size;
}

/* Transport, host and port of one Via; where its parameters start, or -1. */
static Py_ssize_t read_sent_by(Run run, ViaParts *via, Run *port) {
    Py_ssize_t i = past(run, 0, TEXT("SIP"));
    i = past(run, i, TEXT("/"));
    i = past(run, i, TEXT("2.0"));
    i = past(run, i, TEXT("/"));
    if (i < 0)
        return -1;
    Py_ssize_t start = i;
    while (i < run.size && (is(run.at[i], ALPHA | DIGIT) || run.at[i] == '-' || run.at[i] == '_'))
        i++;
    via->transport = part(run, start, i);
    start = skip(run, i, BLANK);
    if (via->transport.size == 0 || start == i)
        return -1;
    i = past_via_host(run, start);
    if (i < 0)
        return -1;
    via->host = part(run, start, i);
    *port = part(run, i, i);
    i = skip(run, i, BLANK);
    if (i < run.size && run.at[i] == ':') {
        i = past_port(run, skip(run, i + 1, BLANK), port);
        if (i < 0)
            return -1;
        i = skip(run, i, BLANK);
    }
    return only_parameters(run, i) ? i : -1;
}

_Static_assert(LONGEST_VALUE == 4096, "the error messages say how long a value may be");

bool read_via(Run value, ViaParts *via) {
    if (value.size > LONGEST_VALUE)
        return malformed("Via is longer than 4096 bytes", LONGEST_VALUE);
    ListWalk list = walk_list(value);
    Py_ssize_t start, end;
    Run port, parameter, name, text;
    if (!next_element(&list, &start, &end)) {
        malformed("Via is empty", 0);
        return false;
    }
    Run first = part(value, start, end);
    Py_ssize_t behind = read_sent_by(first, via, &port);
    if (behind < 0) {
        malformed("Via is not 'SIP/2.0/transport host:port;parameters'", 0);
        return false;
    }
    via->branch = part(first, first.size, first.size);
    via->rport = false;
    ParameterWalk walk = walk_parameters(part(first, behind, first.size));
    while (next_parameter(&walk, &parameter)) {
        split_parameter(parameter, &name, &text);
        if (same_ignoring_case(name, TEXT("branch")))
            via->branch = text;
        else if (same_ignoring_case(name, TEXT("rport")))
            via->rport = text.size == 0;
    }
    via->port = port.size ? number_of(port) : 5060;
    via->end = end;
    if (via->port > 65535) {
        malformed("the port in Via is over 65535", 0);
        return false;
    }
    return true;
}

PyObject *parse_via(PyObject *module, PyObject *value) {
    ViaParts via;
    (void)module;
    if (!want_bytes(value, "parse_via") || !read_via(run_of(value), &via))
        return NULL;
    PyObject *items[] = {
        bytes_of(via.transport), bytes_of(via.host),      PyLong_FromSsize_t(via.port),
        bytes_of(via.branch),    PyBool_FromLong(via.rport), PyLong_FromSsize_t(via.end),
    };
    return named_tuple(via_type, 6, items);
}

/* -- name-addr ----------------------------------------------------------------------------------------------------- */

typedef struct {
    Run name; /* still with its escapes */
    Run uri, parameters;
    Py_ssize_t uri_offset;
    bool quoted;
} AddressParts;

static bool read_quoted_name(Run value, AddressParts *address, Py_ssize_t *opening) {
    bool closed;
    Py_ssize_t behind = behind_quotes(value, 0, &closed);
    if (!closed)
        return malformed("a quoted string is not closed", 0);
    *opening = find_byte(value, behind, '<');
    if (*opening < 0 || stripped(part(value, behind, *opening)).size)
        return malformed("a quoted display name is not followed by an address in angle brackets", behind - 1);
    address->name = part(value, 1, behind - 1);
    address->quoted = true;
    return true;
}

static bool read_name_addr(Run value, AddressParts *address) {
    if (value.size > LONGEST_VALUE)
        return malformed("the address is longer than 4096 bytes", LONGEST_VALUE);
    Py_ssize_t opening = find_byte(value, 0, '<');
    address->quoted = false;
    if (value.size && value.at[0] == '"') {
        if (!read_quoted_name(value, address, &opening))
            return false;
    } else if (opening >= 0) {
        address->name = stripped(part(value, 0, opening));
        if (find_byte(address->name, 0, '"') >= 0)
            return malformed("a quote stands inside a display name", find_byte(value, 0, '"'));
    } else {
        Py_ssize_t end = find_byte(value, 0, ';');
        address->parameters = end < 0 ? part(value, value.size, value.size) : part(value, end, value.size);
        address->uri = end < 0 ? value : part(value, 0, end);
        while (address->uri.size && is(address->uri.at[address->uri.size - 1], SPACE))
            address->uri.size--;
        address->name = part(value, 0, 0);
        address->uri_offset = 0;
        return true;
    }
    Py_ssize_t end = find_byte(value, opening, '>');
    if (end < 0)
        return malformed("an angle bracket is not closed", opening);
    address->uri = part(value, opening + 1, end);
    address->uri_offset = opening + 1;
    address->parameters = stripped(part(value, end + 1, value.size));
    if (address->parameters.size && address->parameters.at[0] != ';')
        return malformed("something other than parameters follows the address", end + 1);
    return true;
}

static PyObject *without_escapes(Run name) {
    Writer writer;
    writer_open(&writer);
    for (Py_ssize_t i = 0; i < name.size; i++) {
        if (name.at[i] == '\\' && i + 1 < name.size)
            i++;
        put(&writer, part(name, i, i + 1));
    }
    return writer_bytes(&writer);
}

PyObject *parse_name_addr(PyObject *module, PyObject *value) {
    AddressParts address;
    (void)module;
    if (!want_bytes(value, "parse_name_addr") || !read_name_addr(run_of(value), &address))
        return NULL;
    bool escaped = address.quoted && find_byte(address.name, 0, '\\') >= 0;
    PyObject *items[] = {
        escaped ? without_escapes(address.name) : bytes_of(address.name),
        bytes_of(address.uri),
        PyLong_FromSsize_t(address.uri_offset),
        bytes_of(address.parameters),
    };
    return named_tuple(name_addr_type, 4, items);
}

bool find_parameters(Run value, Run *parameters) {
    AddressParts address;
    if (!read_name_addr(value, &address))
        return false;
    *parameters = address.parameters;
    return true;
}

PyObject *tag_of(PyObject *module, PyObject *value) {
    (void)module;
    Run parameters, tag = TEXT("");
    if (!want_bytes(value, "tag_of") || !find_parameters(run_of(value), &parameters))
        return NULL;
    return bytes_of(find_parameter(parameters, TEXT("tag"), &tag) ? tag : TEXT(""));
}
