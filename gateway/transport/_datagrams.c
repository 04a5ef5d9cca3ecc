/* Many datagrams to a system call: recvmmsg(2) and sendmmsg(2) for the batches of gateway/transport/udp.py.
 *
 * The Python beside it does the same with one call for each datagram; see gateway/transport/datagrams.py, which holds
 * both behind one interface. Nothing here keeps state of a call, and nothing raises for what a peer sends.
 */
#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define MOST 64            /* datagrams to a system call */
#define LARGEST 65536      /* bytes of a datagram; more cannot come over UDP */
#define PEERS 4096         /* sources that are remembered, each in the place that its address hashes to; a power of 2 */

typedef struct {
    struct sockaddr_in6 address; /* of either IP version: the longer one */
    socklen_t length;
    PyObject *peer;
} Known;

typedef struct {
    PyObject_HEAD
    int fd;
    int family;
    PyObject *make_peer;
    char *buffers;
    struct mmsghdr headers[MOST];
    struct iovec pieces[MOST];
    struct sockaddr_storage sources[MOST];
    Known known[PEERS];
} Datagrams;

static int Datagrams_init(Datagrams *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"fd", "ipv6", "peer", NULL};
    int fd, ipv6;
    PyObject *make_peer;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "ipO:Datagrams", names, &fd, &ipv6, &make_peer))
        return -1;
    if (self->buffers == NULL) {
        self->buffers = PyMem_RawMalloc((size_t)MOST * LARGEST); /* only what is written to takes memory */
        if (self->buffers == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    self->fd = fd;
    self->family = ipv6 ? AF_INET6 : AF_INET;
    Py_XSETREF(self->make_peer, Py_NewRef(make_peer));
    for (int i = 0; i < MOST; i++) {
        self->pieces[i].iov_base = self->buffers + (size_t)i * LARGEST;
        self->pieces[i].iov_len = LARGEST;
        self->headers[i].msg_hdr.msg_iov = &self->pieces[i];
        self->headers[i].msg_hdr.msg_iovlen = 1;
        self->headers[i].msg_hdr.msg_name = &self->sources[i];
    }
    return 0;
}

static int Datagrams_traverse(Datagrams *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->make_peer);
    for (int i = 0; i < PEERS; i++)
        Py_VISIT(self->known[i].peer);
    return 0;
}

static int Datagrams_clear(Datagrams *self)
{
    Py_CLEAR(self->make_peer);
    for (int i = 0; i < PEERS; i++)
        Py_CLEAR(self->known[i].peer);
    return 0;
}

static void Datagrams_dealloc(Datagrams *self)
{
    PyObject_GC_UnTrack(self);
    Datagrams_clear(self);
    PyMem_RawFree(self->buffers);
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

/* Host and port of a socket address, as make_peer takes them. */
static PyObject *made_peer(Datagrams *self, const struct sockaddr_storage *address)
{
    char host[INET6_ADDRSTRLEN];
    int port;
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        port = ntohs(four->sin_port);
    } else {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        port = ntohs(six->sin6_port);
    }
    return PyObject_CallFunction(self->make_peer, "si", host, port);
}

/* The peer of a source, a new reference: remembered, or made. */
static PyObject *peer_of(Datagrams *self, const struct sockaddr_storage *address, socklen_t length)
{
    unsigned int place = 2166136261u; /* FNV-1a over the address */
    for (socklen_t i = 0; i < length; i++)
        place = (place ^ ((const unsigned char *)address)[i]) * 16777619u;
    Known *known = &self->known[(place ^ (place >> 16)) & (PEERS - 1)];
    if (known->peer != NULL && known->length == length && memcmp(&known->address, address, length) == 0)
        return Py_NewRef(known->peer);
    PyObject *peer = made_peer(self, address);
    if (peer != NULL && length <= sizeof known->address) {
        memcpy(&known->address, address, length);
        known->length = length;
        Py_XSETREF(known->peer, Py_NewRef(peer));
    }
    return peer;
}

PyDoc_STRVAR(receive_doc,
    "receive(at_us) -> list[tuple[bytes, peer, int]]\n\n"
    "Up to 64 datagrams that have come, each with the peer that sent it and `at_us`. Empty where none has.\n"
    "Raises OSError for any other error of the socket.");

static PyObject *Datagrams_receive(Datagrams *self, PyObject *at_us)
{
    for (int i = 0; i < MOST; i++)
        self->headers[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_storage);
    int count = recvmmsg(self->fd, self->headers, MOST, MSG_DONTWAIT, NULL);
    if (count < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return PyErr_SetFromErrno(PyExc_OSError);
        count = 0;
    }
    PyObject *arrived = PyList_New(count);
    for (int i = 0; arrived != NULL && i < count; i++) {
        struct mmsghdr *header = &self->headers[i];
        PyObject *data = PyBytes_FromStringAndSize(self->pieces[i].iov_base, header->msg_len);
        PyObject *peer = peer_of(self, &self->sources[i], header->msg_hdr.msg_namelen);
        PyObject *one = data != NULL && peer != NULL ? PyTuple_Pack(3, data, peer, at_us) : NULL;
        Py_XDECREF(data);
        Py_XDECREF(peer);
        if (one == NULL)
            Py_CLEAR(arrived);
        else
            PyList_SET_ITEM(arrived, i, one);
    }
    return arrived;
}

/* One message of send(): its bytes and its target's socket address. False where it cannot be sent at all. */
static int read_message(PyObject *message, int family, struct iovec *piece, struct mmsghdr *header,
                        struct sockaddr_storage *address)
{
    if (!PyTuple_Check(message) || PyTuple_GET_SIZE(message) < 2)
        return 0;
    PyObject *data = PyTuple_GET_ITEM(message, 0), *target = PyTuple_GET_ITEM(message, 1);
    if (!PyBytes_Check(data) || !PyTuple_Check(target) || PyTuple_GET_SIZE(target) < 2)
        return 0;
    const char *host = PyUnicode_AsUTF8(PyTuple_GET_ITEM(target, 0));
    long port = PyLong_AsLong(PyTuple_GET_ITEM(target, 1));
    if (host == NULL || port < 0 || port > 65535) {
        PyErr_Clear();
        return 0;
    }
    memset(address, 0, sizeof *address);
    socklen_t length;
    int read;
    if (family == AF_INET) {
        struct sockaddr_in *four = (struct sockaddr_in *)address;
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        read = inet_pton(AF_INET, host, &four->sin_addr);
        length = sizeof *four;
    } else {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        read = inet_pton(AF_INET6, host, &six->sin6_addr);
        length = sizeof *six;
    }
    if (read != 1)
        return 0;
    piece->iov_base = PyBytes_AS_STRING(data);
    piece->iov_len = (size_t)PyBytes_GET_SIZE(data);
    memset(header, 0, sizeof *header);
    header->msg_hdr.msg_name = address;
    header->msg_hdr.msg_namelen = length;
    header->msg_hdr.msg_iov = piece;
    header->msg_hdr.msg_iovlen = 1;
    return 1;
}

/* Adds a number to the list of unsent messages; on failure lets go of the list. */
static int note_lost(PyObject *unsent, Py_ssize_t number)
{
    PyObject *lost = PyLong_FromSsize_t(number);
    int failed = lost == NULL || PyList_Append(unsent, lost) < 0 ? -1 : 0;
    Py_XDECREF(lost);
    if (failed)
        Py_DECREF(unsent);
    return failed;
}

PyDoc_STRVAR(send_doc,
    "send(messages) -> list[int]\n\n"
    "Send a list of (data, (host, port, ...)) tuples, in order; which of them, by their numbers, were not sent: the\n"
    "kernel did not take them, or their target is no address of the socket's IP version.");

static PyObject *Datagrams_send(Datagrams *self, PyObject *messages)
{
    if (!PyList_Check(messages)) {
        PyErr_SetString(PyExc_TypeError, "the messages must be a list");
        return NULL;
    }
    struct mmsghdr headers[MOST];
    struct iovec pieces[MOST];
    struct sockaddr_storage targets[MOST];
    Py_ssize_t numbers[MOST];
    Py_ssize_t total = PyList_GET_SIZE(messages), next = 0;
    PyObject *unsent = PyList_New(0);
    while (unsent != NULL && next < total) {
        int count = 0;
        while (next < total && count < MOST) {
            Py_ssize_t number = next++;
            if (read_message(PyList_GET_ITEM(messages, number), self->family, &pieces[count],
                             &headers[count], &targets[count])) {
                numbers[count++] = number;
                continue;
            }
            if (note_lost(unsent, number) < 0)
                return NULL;
        }
        int done = 0;
        while (done < count) {
            int sent = sendmmsg(self->fd, headers + done, (unsigned int)(count - done), MSG_DONTWAIT);
            if (sent > 0) {
                done += sent;
                continue;
            }
            if (sent < 0 && errno == EINTR)
                continue;
            if (note_lost(unsent, numbers[done++]) < 0) /* the first that was tried is the one that was refused */
                return NULL;
        }
    }
    return unsent;
}

static PyMethodDef Datagrams_methods[] = {
    {"receive", (PyCFunction)Datagrams_receive, METH_O, receive_doc},
    {"send", (PyCFunction)Datagrams_send, METH_O, send_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot Datagrams_slots[] = {
    {Py_tp_doc, "The datagrams of a non-blocking UDP socket, many to a system call.\n\n"
                "`peer(host, port)` makes what stands for a source; what it gave is remembered."},
    {Py_tp_init, Datagrams_init},
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_dealloc, Datagrams_dealloc},
    {Py_tp_traverse, Datagrams_traverse},
    {Py_tp_clear, Datagrams_clear},
    {Py_tp_methods, Datagrams_methods},
    {0, NULL},
};

static PyType_Spec Datagrams_spec = {
    .name = "gateway.transport._datagrams.Datagrams",
    .basicsize = sizeof(Datagrams),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = Datagrams_slots,
};

static int datagrams_exec(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&Datagrams_spec);
    if (type == NULL)
        return -1;
    int failed = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return failed;
}

static PyModuleDef_Slot datagrams_slots[] = {
    {Py_mod_exec, datagrams_exec},
    {0, NULL},
};

static struct PyModuleDef datagrams_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "gateway.transport._datagrams",
    .m_doc = "Many datagrams to a system call.",
    .m_slots = datagrams_slots,
};

PyMODINIT_FUNC PyInit__datagrams(void)
{
    return PyModuleDef_Init(&datagrams_module);
}
