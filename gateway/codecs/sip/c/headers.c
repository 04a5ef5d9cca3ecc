/* Which header field a name means. The fields are those of headers.py, which is read when this module is loaded. */
#include "codec.h"

Known known[MAX_KNOWN];
int known_count;
int VIA, FROM, TO, CALL_ID, CSEQ, MAX_FORWARDS, ROUTE, CONTENT_LENGTH, TIMESTAMP;

/* Names in lower case, full and compact, in a table of chains. */
enum { BUCKETS = 128, MAX_NAMES = 2 * MAX_KNOWN };
typedef struct {
    Run name;
    int header, next;
} Name;
static Name names[MAX_NAMES];
static int name_count;
static int buckets[BUCKETS]; /* a name's number and one, 0 for none */

static unsigned bucket_of(Run name) {
    return ((unsigned)name.size * 31 + (uint8_t)name.at[0] * 7 + (uint8_t)name.at[name.size - 1]) % BUCKETS;
}

/* Headers by their address. */
enum { SLOTS = 128 };
static struct {
    PyObject *object;
    int header;
} slots[SLOTS];

static unsigned slot_of(PyObject *object) {
    return (unsigned)((uintptr_t)object >> 4) % SLOTS;
}

int header_index(PyObject *header) {
    for (unsigned i = slot_of(header); slots[i].object; i = (i + 1) % SLOTS)
        if (slots[i].object == header)
            return slots[i].header;
    PyErr_Format(PyExc_TypeError, "%R is none of the header fields in gateway.codecs.sip.headers", header);
    return -1;
}

int header_named(Run name) {
    char letters[LONGEST_NAME];
    if (name.size == 0 || name.size > LONGEST_NAME)
        return -1;
    Py_ssize_t size = name.size;
    while (size && is(name.at[size - 1], BLANK))
        size--;
    for (Py_ssize_t i = 0; i < size; i++) {
        if (!is(name.at[i], TOKEN))
            return -1;
        letters[i] = lower(name.at[i]);
    }
    if (size == 0)
        return -1;
    Run wanted = {letters, size};
    for (int number = buckets[bucket_of(wanted)]; number; number = names[number - 1].next)
        if (same(names[number - 1].name, wanted))
            return names[number - 1].header;
    return NO_HEADER;
}

static int keep_header(PyObject *header) {
    PyObject *key = PyObject_GetAttrString(header, "key");
    PyObject *name = PyObject_GetAttrString(header, "name");
    PyObject *single = PyObject_GetAttrString(header, "single");
    bool usable = key && name && single && PyBytes_Check(key) && PyUnicode_Check(name) && known_count < MAX_KNOWN;
    const char *text = usable ? PyUnicode_AsUTF8(name) : NULL;
    Py_XDECREF(single);
    if (!text) {
        Py_XDECREF(key);
        Py_XDECREF(name);
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ImportError, "gateway.codecs.sip.headers has too many header fields, or unusual ones");
        return -1;
    }
    /* Kept for good, as the module is: the references to key, name and header. */
    known[known_count] = (Known){Py_NewRef(header), text, run_of(key), single == Py_True};
    unsigned i = slot_of(header);
    while (slots[i].object)
        i = (i + 1) % SLOTS;
    slots[i].object = header;
    slots[i].header = known_count++;
    return 0;
}

static int keep_name(PyObject *name, PyObject *header) {
    int index = header_index(header);
    if (index < 0)
        return -1;
    if (name_count == MAX_NAMES || !PyBytes_Check(name) || PyBytes_GET_SIZE(name) == 0) {
        PyErr_SetString(PyExc_ImportError, "gateway.codecs.sip.headers has too many names, or unusual ones");
        return -1;
    }
    Run text = run_of(Py_NewRef(name));
    int *bucket = &buckets[bucket_of(text)];
    names[name_count] = (Name){text, index, *bucket};
    *bucket = ++name_count;
    return 0;
}

static int index_of(PyObject *module, const char *name) {
    PyObject *header = PyObject_GetAttrString(module, name);
    int index = header ? header_index(header) : -1;
    Py_XDECREF(header);
    return index;
}

static int load_from(PyObject *module, PyObject *all, PyObject *by_name) {
    if (!all || !by_name || !PyTuple_Check(all) || !PyDict_Check(by_name)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ImportError, "gateway.codecs.sip.headers has no ALL or no BY_NAME");
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(all); i++)
        if (keep_header(PyTuple_GET_ITEM(all, i)) < 0)
            return -1;
    PyObject *name, *header;
    for (Py_ssize_t i = 0; PyDict_Next(by_name, &i, &name, &header);)
        if (keep_name(name, header) < 0)
            return -1;
    const struct {
        int *index;
        const char *name;
    } wanted[] = {
        {&VIA, "VIA"},
        {&FROM, "FROM"},
        {&TO, "TO"},
        {&CALL_ID, "CALL_ID"},
        {&CSEQ, "CSEQ"},
        {&MAX_FORWARDS, "MAX_FORWARDS"},
        {&ROUTE, "ROUTE"},
        {&CONTENT_LENGTH, "CONTENT_LENGTH"},
        {&TIMESTAMP, "TIMESTAMP"},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if ((*wanted[i].index = index_of(module, wanted[i].name)) < 0)
            return -1;
    return 0;
}

int headers_load(void) {
    PyObject *module = PyImport_ImportModule("gateway.codecs.sip.headers");
    if (!module)
        return -1;
    PyObject *all = PyObject_GetAttrString(module, "ALL");
    PyObject *by_name = all ? PyObject_GetAttrString(module, "BY_NAME") : NULL;
    int result = load_from(module, all, by_name);
    Py_XDECREF(all);
    Py_XDECREF(by_name);
    Py_DECREF(module);
    return result;
}
