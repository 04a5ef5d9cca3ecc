/* The SIP codec in C: the same as gateway/codecs/sip/python, function for function, error for error.
 *
 * Every function takes bytes that came from anywhere. No function reads outside of what it was given, keeps a pointer
 * into a bytes object beyond the reference that it holds, or takes more than linear time. */
#ifndef TOLLGATE_CODEC_H
#define TOLLGATE_CODEC_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A run of bytes within an object that somebody else holds. */
typedef struct {
    const char *at;
    Py_ssize_t size;
} Run;

static inline Run run_of(PyObject *bytes) {
    return (Run){PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes)};
}

static inline Run part(Run run, Py_ssize_t start, Py_ssize_t end) {
    return (Run){run.at + start, end - start};
}

static inline PyObject *bytes_of(Run run) {
    return PyBytes_FromStringAndSize(run.at, run.size);
}

/* -- text.c: what bytes.find, strip and their like do ------------------------------------------------------------- */

enum { SPACE = 1, BLANK = 2, DIGIT = 4, ALPHA = 8, HEX = 16, TOKEN = 32, QUOTE_OR_ANGLE = 64 };
/* SPACE is what bytes.strip takes off; BLANK is space and tab. */
extern const uint8_t character[256];

static inline bool is(char byte, int kinds) {
    return character[(uint8_t)byte] & kinds;
}

static inline char lower(char byte) {
    return byte >= 'A' && byte <= 'Z' ? (char)(byte + 32) : byte;
}

static inline bool starts_with(Run run, Run prefix) {
    return run.size >= prefix.size && memcmp(run.at, prefix.at, (size_t)prefix.size) == 0;
}

static inline bool same(Run left, Run right) {
    return left.size == right.size && memcmp(left.at, right.at, (size_t)left.size) == 0;
}

#define TEXT(literal) ((Run){literal, sizeof(literal) - 1})

Py_ssize_t find_byte(Run run, Py_ssize_t from, char byte);      /* -1 where there is none */
Py_ssize_t find_line_end(Run run, Py_ssize_t from);             /* the next CRLF, -1 where there is none */
bool same_ignoring_case(Run run, Run lower_case);
bool all_of(Run run, int kinds);                                /* true for none at all, too */
Run stripped(Run run);
Py_ssize_t number_of(Run digits);                               /* at most nine of them, or 10 and less than 2**53 */

/* Bytes put one after the other; on the stack until they are too many. `failed` once memory has run out. */
typedef struct {
    char *at;
    size_t size, room;
    bool failed;
    char first[2048];
} Writer;

void writer_open(Writer *writer);
void put(Writer *writer, Run run);
void put_number(Writer *writer, long long number);
void put_unfolded(Writer *writer, Run value);                   /* RFC 3261 section 7.3.1 */
PyObject *writer_bytes(Writer *writer);                         /* what was put; closes the writer */
void writer_close(Writer *writer);

/* -- errors -------------------------------------------------------------------------------------------------------- */

void raise_malformed(const char *what, Py_ssize_t offset);

static inline void *malformed(const char *what, Py_ssize_t offset) { /* inline, so that the compiler sees the NULL */
    raise_malformed(what, offset);
    return NULL;
}

bool want_bytes(PyObject *object, const char *what);            /* raises TypeError */

/* -- grammar.c ----------------------------------------------------------------------------------------------------- */

/* Walks a comma-separated list as split_list does. */
typedef struct {
    Run value;
    Py_ssize_t position;
    bool finished;
} ListWalk;

ListWalk walk_list(Run value);
bool next_element(ListWalk *walk, Py_ssize_t *start, Py_ssize_t *end);

/* Walks the parameters of ";a=1;b", the empty piece before the first semicolon included. */
typedef struct {
    Run rest;
    bool finished;
} ParameterWalk;

ParameterWalk walk_parameters(Run parameters);
bool next_parameter(ParameterWalk *walk, Run *parameter);
/* "name=text" as name and text; the text is empty where there is no sign. */
void split_parameter(Run parameter, Run *name, Run *text);
bool find_parameter(Run parameters, Run name, Run *value);

typedef struct {
    Run transport, host, branch;
    Py_ssize_t port;
    bool rport;
    Py_ssize_t end;
} ViaParts;

bool read_via(Run value, ViaParts *via);                        /* raises Malformed */
bool find_parameters(Run address, Run *parameters);             /* raises Malformed */

PyObject *parse_via(PyObject *module, PyObject *value);
PyObject *parse_uri(PyObject *module, PyObject *raw);
PyObject *parse_name_addr(PyObject *module, PyObject *value);
PyObject *tag_of(PyObject *module, PyObject *value);
PyObject *split_list(PyObject *module, PyObject *value);
PyObject *parameter_of(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

extern PyTypeObject ListIterator;

/* -- message.c ----------------------------------------------------------------------------------------------------- */

enum { MAX_HEADERS = 256, LONGEST_NAME = 128, LONGEST_MESSAGE = 1 << 24, LONGEST_URI = 1024, LONGEST_VALUE = 4096 };
enum { NO_HEADER = 255, MAX_KNOWN = 32 };

/* A line of a field that we read. */
typedef struct {
    uint32_t start, value, value_end, end; /* of the line, of its value without white space, of the line with its CRLF */
    uint16_t next;                         /* the field's next line: its number and one, 0 for none */
    uint8_t header;
    bool folded;
} Line;

typedef struct {
    PyObject_VAR_HEAD
    PyObject *data, *method, *request_uri;
    Py_ssize_t head_end;
    int status;
    int line_ends;            /* physical lines of the head but one */
    uint16_t first[MAX_KNOWN]; /* a field's first line: its number and one, 0 for none */
    Line lines[1];
} Message;

extern PyTypeObject SipMessage;

static inline const Line *first_line(const Message *message, int header) {
    int number = message->first[header];
    return number ? &message->lines[number - 1] : NULL;
}

static inline const Line *next_line(const Message *message, const Line *line) {
    return line->next ? &message->lines[line->next - 1] : NULL;
}

static inline Run value_run(const Message *message, const Line *line) {
    return part(run_of(message->data), line->value, line->value_end);
}

Message *message_of(PyObject *data);                                         /* raises Malformed, TypeError */
const Line *required_line(const Message *message, int header);               /* there and not empty, or Malformed */
PyObject *value_of(const Message *message, const Line *line);                /* unfolded */
bool read_cseq(const Message *message, Py_ssize_t *number, PyObject **value, Run *method); /* method lies in value */
const Line *present_line(const Message *message, int header);                /* there, or Malformed "is missing" */
bool check_head(const Message *message);                                     /* raises Malformed */
bool read_body_end(const Message *message, Py_ssize_t *end);                 /* raises Malformed */

/* -- headers.c: which field a name means --------------------------------------------------------------------------- */

typedef struct {
    PyObject *object; /* the Header */
    const char *name;
    Run key;
    bool single;
} Known;

extern Known known[MAX_KNOWN];
extern int known_count;
extern int VIA, FROM, TO, CALL_ID, CSEQ, MAX_FORWARDS, ROUTE, CONTENT_LENGTH, TIMESTAMP;

int headers_load(void);
int header_named(Run name);          /* NO_HEADER for one that we do not read, -1 for what is no name */
int header_index(PyObject *header);  /* raises TypeError and gives -1 for what is none of headers.ALL */

/* -- edit.c, relayed.c, module.c ----------------------------------------------------------------------------------- */

PyObject *without_top_via_of(const Message *message);

PyObject *forwarded(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *without_top_via(PyObject *module, PyObject *message);
PyObject *completed_via(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *response_to(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *read_response(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* A named tuple of the Python codec's, from new references, of which a NULL makes it fail. */
PyObject *named_tuple(PyTypeObject *type, Py_ssize_t count, PyObject **items);

extern PyObject *malformed_type;
extern PyTypeObject *via_type, *uri_type, *name_addr_type, *relayed_type;

#endif
