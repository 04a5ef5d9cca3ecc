/* URIs: parse_uri of grammar.py in C. */
#include "codec.h"

_Static_assert(LONGEST_URI == 1024, "the error message says how long a URI may be");

typedef struct {
    Run user, user_parameters, host, port, parameters;
} UriParts;

static Py_ssize_t past_host(Run run, Py_ssize_t i) {
    Py_ssize_t start = i;
    if (i < run.size && run.at[i] == '[') {
        for (i++; i < run.size && (is(run.at[i], HEX) || run.at[i] == ':' || run.at[i] == '.');)
            i++;
        return i > start + 1 && i < run.size && run.at[i] == ']' ? i + 1 : -1;
    }
    while (i < run.size && (is(run.at[i], ALPHA | DIGIT) || run.at[i] == '.' || run.at[i] == '_' || run.at[i] == '-'))
        i++;
    return i > start ? i : -1;
}

static Py_ssize_t past_digits(Run run, Py_ssize_t i) {
    Py_ssize_t start = i;
    while (i < run.size && i - start < 5 && is(run.at[i], DIGIT))
        i++;
    return i > start ? i : -1;
}

/* What may stand in parameters and headers: anything but white space, quotes, angle brackets and a second "@". */
static Py_ssize_t past_text(Run run, Py_ssize_t i, bool headers) {
    while (i < run.size && !is(run.at[i], SPACE | QUOTE_OR_ANGLE) && run.at[i] != '@' && (headers || run.at[i] != '?'))
        i++;
    return i;
}

/* The user part without parameters and password, and its parameters with their semicolon. */
static bool read_user_info(Run info, UriParts *uri) {
    for (Py_ssize_t i = 0; i < info.size; i++)
        if (is(info.at[i], SPACE | QUOTE_OR_ANGLE))
            return false;
    Py_ssize_t end = find_byte(info, 0, ';');
    uri->user = end < 0 ? info : part(info, 0, end);
    uri->user_parameters = end < 0 ? part(info, info.size, info.size) : part(info, end, info.size);
    Py_ssize_t password = find_byte(uri->user, 0, ':');
    if (password >= 0)
        uri->user = part(uri->user, 0, password);
    return true;
}

/* What stands behind the scheme of a sip URI. */
static bool read_sip_uri(Run rest, UriParts *uri) {
    Py_ssize_t at = find_byte(rest, 0, '@');
    if (!read_user_info(part(rest, 0, at < 0 ? 0 : at), uri))
        return false;
    Py_ssize_t start = at + 1, i = past_host(rest, start);
    if (i < 0)
        return false;
    uri->host = part(rest, start, i);
    uri->port = part(rest, i, i);
    if (i < rest.size && rest.at[i] == ':') {
        start = i + 1;
        i = past_digits(rest, start);
        if (i < 0)
            return false;
        uri->port = part(rest, start, i);
    }
    start = i;
    if (i < rest.size && rest.at[i] == ';')
        i = past_text(rest, i, false);
    uri->parameters = part(rest, start, i);
    if (i < rest.size && rest.at[i] == '?')
        i = past_text(rest, i, true);
    return i == rest.size;
}

static int digit_value(char byte) {
    return is(byte, DIGIT) ? byte - '0' : lower(byte) - 'a' + 10;
}

static PyObject *unescaped(Run user) {
    if (find_byte(user, 0, '%') < 0)
        return bytes_of(user);
    Writer writer;
    writer_open(&writer);
    for (Py_ssize_t i = 0; i < user.size; i++) {
        char byte = user.at[i];
        if (byte == '%' && i + 2 < user.size && is(user.at[i + 1], HEX) && is(user.at[i + 2], HEX)) {
            byte = (char)(digit_value(user.at[i + 1]) * 16 + digit_value(user.at[i + 2]));
            i += 2;
        }
        put(&writer, (Run){&byte, 1});
    }
    return writer_bytes(&writer);
}

static PyObject *in_lower_case(Run scheme) {
    PyObject *bytes = bytes_of(scheme);
    if (bytes && scheme.size > 1) /* those of one letter are shared */
        for (Py_ssize_t i = 0; i < scheme.size; i++)
            PyBytes_AS_STRING(bytes)[i] = lower(scheme.at[i]);
    else if (bytes && scheme.size == 1) {
        char letter = lower(scheme.at[0]);
        Py_SETREF(bytes, PyBytes_FromStringAndSize(&letter, 1));
    }
    return bytes;
}

static PyObject *make(Run scheme, PyObject *user, UriParts *uri) {
    PyObject *items[] = {
        in_lower_case(scheme),
        user,
        bytes_of(uri->user_parameters),
        bytes_of(uri->host),
        PyLong_FromSsize_t(uri->port.size ? number_of(uri->port) : 0),
        bytes_of(uri->parameters),
    };
    return named_tuple(uri_type, 6, items);
}

static PyObject *parse_other_uri(Run raw) {
    Run none = part(raw, 0, 0);
    UriParts uri = {none, none, none, none, none};
    Py_ssize_t colon = find_byte(raw, 0, ':');
    if (colon <= 0 || !all_of(part(raw, 0, colon), ALPHA))
        return malformed("the URI has no scheme", 0);
    Run scheme = part(raw, 0, colon);
    uri.user = part(raw, colon + 1, raw.size);
    if (same_ignoring_case(scheme, TEXT("tel"))) {
        Py_ssize_t end = find_byte(uri.user, 0, ';');
        if (end >= 0) {
            uri.user_parameters = part(uri.user, end, uri.user.size);
            uri.user = part(uri.user, 0, end);
        }
    }
    return make(scheme, bytes_of(uri.user), &uri);
}

PyObject *parse_uri(PyObject *module, PyObject *value) {
    UriParts uri;
    (void)module;
    if (!want_bytes(value, "parse_uri"))
        return NULL;
    Run raw = run_of(value);
    if (raw.size > LONGEST_URI)
        return malformed("the URI is longer than 1024 bytes", 0);
    if (raw.size < 4 || !same_ignoring_case(part(raw, 0, 3), TEXT("sip")) || (raw.at[3] != ':' && lower(raw.at[3]) != 's'))
        return parse_other_uri(raw);
    Py_ssize_t colon = raw.at[3] == ':' ? 3 : 4;
    if (colon >= raw.size || raw.at[colon] != ':' || !read_sip_uri(part(raw, colon + 1, raw.size), &uri))
        return malformed("the SIP URI is not 'sip:user@host:port;parameters'", 0);
    if (uri.port.size && number_of(uri.port) > 65535)
        return malformed("the port of a SIP URI is over 65535", 0);
    return make(part(raw, 0, colon), unescaped(uri.user), &uri);
}
