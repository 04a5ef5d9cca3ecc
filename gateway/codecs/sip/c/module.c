/* gateway.codecs.sip._codec: what the C codec offers, and the Python types that it gives back. */
#include "codec.h"

PyObject *malformed_type;
PyTypeObject *via_type, *uri_type, *name_addr_type, *relayed_type;

void raise_malformed(const char *what, Py_ssize_t offset) {
    PyObject *fault = PyObject_CallFunction(malformed_type, "sn", what, offset);
    if (fault) {
        PyErr_SetObject((PyObject *)Py_TYPE(fault), fault);
        Py_DECREF(fault);
    }
}

bool want_bytes(PyObject *object, const char *what) {
    if (PyBytes_Check(object))
        return true;
    PyErr_Format(PyExc_TypeError, "%s takes bytes, not %s", what, Py_TYPE(object)->tp_name);
    return false;
}

PyObject *named_tuple(PyTypeObject *type, Py_ssize_t count, PyObject **items) {
    bool complete = true;
    for (Py_ssize_t i = 0; i < count; i++)
        complete = complete && items[i];
    PyObject *tuple = complete ? type->tp_alloc(type, count) : NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (tuple)
            PyTuple_SET_ITEM(tuple, i, items[i]);
        else
            Py_XDECREF(items[i]);
    }
    return tuple;
}

static int load(const char *module_name, const char *name, PyObject **object) {
    PyObject *module = PyImport_ImportModule(module_name);
    *object = module ? PyObject_GetAttrString(module, name) : NULL;
    Py_XDECREF(module);
    return *object ? 0 : -1;
}

/* A NamedTuple with that many fields. */
static int load_tuple(const char *module_name, const char *name, PyTypeObject **type, Py_ssize_t count) {
    PyObject *object;
    if (load(module_name, name, &object) < 0)
        return -1;
    PyObject *fields = PyObject_GetAttrString(object, "_fields");
    bool fits = fields && PyType_Check(object) && PyType_IsSubtype((PyTypeObject *)object, &PyTuple_Type) &&
                PyTuple_Check(fields) && PyTuple_GET_SIZE(fields) == count;
    Py_XDECREF(fields);
    *type = (PyTypeObject *)object;
    if (fits)
        return 0;
    Py_DECREF(object);
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_ImportError, "%s.%s is not the named tuple that this module was built for", module_name, name);
    return -1;
}

static PyMethodDef functions[] = {
    {"parse_via", parse_via, METH_O, NULL},
    {"parse_uri", parse_uri, METH_O, NULL},
    {"parse_name_addr", parse_name_addr, METH_O, NULL},
    {"tag_of", tag_of, METH_O, NULL},
    {"split_list", split_list, METH_O, NULL},
    {"parameter_of", (PyCFunction)(void (*)(void))parameter_of, METH_FASTCALL, NULL},
    {"forwarded", (PyCFunction)(void (*)(void))forwarded, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"without_top_via", without_top_via, METH_O, NULL},
    {"completed_via", (PyCFunction)(void (*)(void))completed_via, METH_FASTCALL, NULL},
    {"response_to", (PyCFunction)(void (*)(void))response_to, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"read_response", (PyCFunction)(void (*)(void))read_response, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "gateway.codecs.sip._codec",
    .m_doc = "The SIP codec in C: the same as gateway.codecs.sip.python.",
    .m_size = -1, /* one for the process: its tables are static */
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__codec(void) {
    if (PyType_Ready(&SipMessage) < 0 || PyType_Ready(&ListIterator) < 0 || headers_load() < 0 ||
        load("gateway.codecs.malformed", "Malformed", &malformed_type) < 0 ||
        load_tuple("gateway.codecs.sip.python.grammar", "Via", &via_type, 6) < 0 ||
        load_tuple("gateway.codecs.sip.python.grammar", "Uri", &uri_type, 6) < 0 ||
        load_tuple("gateway.codecs.sip.python.grammar", "NameAddr", &name_addr_type, 4) < 0 ||
        load_tuple("gateway.codecs.sip.python.relayed", "RelayedResponse", &relayed_type, 5) < 0)
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddObjectRef(module, "SipMessage", (PyObject *)&SipMessage) < 0)
        Py_CLEAR(module);
    return module;
}
