"""libusrsctp, SCTP in user space, by ctypes: its functions as methods, its structures as bytes.

The library runs no timers and reads no sockets of its own (`usrsctp_init_nothreads`; the thread that it keeps all the
same is for addresses that come and go, and sleeps). Addresses are of its family AF_CONN: a number stands for the path
to a peer, packets come out by a callback with that number, and are handed in with it. All calls are made by one thread,
that of the event loop, and hold Python's lock: none of them waits. The library is never given up (`usrsctp_finish`):
its state is the process's, and costs nothing while there are no associations.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import logging
import os
import socket
import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.transport.sctp.ancillary import (
    HEARTBEAT_MS,
    IPPROTO_SCTP,
    RETRANSMISSIONS,
    RTO_MS,
    init_message,
    retransmission_timeouts,
    send_info,
    stream_of,
)
from gateway.transport.sctp.carrier import STREAMS

LIBRARY: Final = "libusrsctp.so.2"
PACKET_BYTES: Final = 1_400
"""Of SCTP in a datagram: what every path has room for, with the headers of IP and UDP (RFC 6951 section 5.6)."""
BUFFER_BYTES: Final = 1 << 18
"""For what is to be sent, and for what is to be read, of an association: more than the longest message."""
PIECE_BYTES: Final = 1 << 16
"""Read at a time."""
BACKLOG: Final = 128
AF_CONN: Final = 123

_EVENT: Final = 0x1E
_OPTIONS: Final = {"rto": 1, "association": 2, "init": 3, "nodelay": 4, "path": 0xA, "rcvinfo": 0x1F}
_HEARTBEATS_ON, _PATH_MTU_DISCOVERY_OFF = 1, 0x10
_SENDV_SNDINFO: Final = 1
_ASSOC_CHANGE: Final = 1
_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_Pointer = ctypes.c_void_p
_Output = ctypes.CFUNCTYPE(ctypes.c_int, _Pointer, _Pointer, ctypes.c_size_t, ctypes.c_uint8, ctypes.c_uint8)
_Upcall = ctypes.CFUNCTYPE(None, _Pointer, _Pointer, ctypes.c_int)

LOG = logging.getLogger("tollgate.transport")


class Read(NamedTuple):
    """What one reading gave."""

    data: bytes
    flags: int
    """MSG_EOR, MSG_NOTIFICATION."""
    stream: int


def address_of(path: int, port: int) -> bytes:
    """``struct sockaddr_conn``; path 0 stands for all of them."""
    return struct.pack("=HHxxxxQ", AF_CONN, socket.htons(port), path)


def association_parameters() -> bytes:
    """``struct sctp_assocparams`` as this library has it: how often is sent again before the association is lost."""
    return struct.pack("=IIIIHH", 0, 0, 0, 0, RETRANSMISSIONS, 0)


def path_parameters() -> bytes:
    """``struct sctp_paddrparams`` as this library has it, for all paths: the heartbeat, and the length of packets."""
    flags = _HEARTBEATS_ON | _PATH_MTU_DISCOVERY_OFF
    return struct.pack("=128sIIIIIHBx", b"", 0, HEARTBEAT_MS, PACKET_BYTES, flags, 0, RETRANSMISSIONS, 0)


class Usrsctp:
    """The library. One for the process: `usrsctp`."""

    def __init__(self, library: ctypes.PyDLL) -> None:
        self._library: Final = library
        self.output: Callable[[int, bytes], None] = lambda _path, _packet: None
        """Called with each packet that is to be sent, and the path that it is to go."""
        self.ready: Callable[[int], None] = lambda _number: None
        """Called with the number of a socket that can be read, or written, or has failed."""
        self._output: Final = _Output(self._on_output)  # kept: the library calls it as long as the process lives
        self._upcall: Final = _Upcall(self._on_upcall)
        self._piece: Final = ctypes.create_string_buffer(PIECE_BYTES)
        self._info: Final = ctypes.create_string_buffer(64)
        self._info_bytes: Final = ctypes.c_uint32()
        self._info_type: Final = ctypes.c_uint()
        self._flags: Final = ctypes.c_int()
        self._length: Final = ctypes.c_uint32()
        self._declare()
        library.usrsctp_init_nothreads(0, self._output, None)
        for extension in ("ecn", "pr", "auth", "asconf", "reconfig", "nrsack", "pktdrop"):  # M3UA needs none of them
            getattr(library, f"usrsctp_sysctl_set_sctp_{extension}_enable")(0)

    def _declare(self) -> None:
        library, size, word, code = self._library, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_int
        text = ctypes.c_char_p
        for name, result, *arguments in (
            ("init_nothreads", None, ctypes.c_uint16, _Output, _Pointer),
            ("socket", _Pointer, code, code, code, _Pointer, _Pointer, word, _Pointer),
            ("setsockopt", code, _Pointer, code, code, text, word),
            ("set_non_blocking", code, _Pointer, code),
            ("set_upcall", code, _Pointer, _Upcall, _Pointer),
            ("bind", code, _Pointer, text, word),
            ("listen", code, _Pointer, code),
            ("connect", code, _Pointer, text, word),
            ("accept", _Pointer, _Pointer, _Pointer, _Pointer),
            ("sendv", ctypes.c_ssize_t, _Pointer, text, size, _Pointer, code, text, word, ctypes.c_uint, code),
            ("recvv", ctypes.c_ssize_t, _Pointer, _Pointer, size, *[_Pointer] * 6),
            ("shutdown", code, _Pointer, code),
            ("close", None, _Pointer),
            ("register_address", None, _Pointer),
            ("deregister_address", None, _Pointer),
            ("conninput", None, _Pointer, text, size, ctypes.c_uint8),
            ("handle_timers", None, word),
        ):
            function = getattr(library, f"usrsctp_{name}")
            function.restype, function.argtypes = result, arguments

    # -- what the library calls ---------------------------------------------------------------------------------------

    def _on_output(self, path: int, packet: int, length: int, _tos: int, _dont_fragment: int) -> int:
        try:  # nothing may be raised through C
            self.output(path, ctypes.string_at(packet, length))
        except Exception:
            LOG.exception("a packet of SCTP was not sent")
            return errno.EIO
        return 0

    def _on_upcall(self, _socket: int, number: int, _flags: int) -> None:
        try:  # as above
            self.ready(number)
        except Exception:
            LOG.exception("an event of SCTP was not noted")

    # -- sockets; all raise OSError -----------------------------------------------------------------------------------

    def socket(self, number: int) -> int:
        """A non-blocking one-to-one socket; `ready` is told its number, which is not 0."""
        made = self._library.usrsctp_socket(AF_CONN, socket.SOCK_STREAM, IPPROTO_SCTP, None, None, 0, None)
        if not made:
            raise _error()
        sock = int(made)
        try:
            self._set_up(sock)
            self.watch(sock, number)
        except OSError:
            self.abort(sock)
            raise
        return sock

    def _set_up(self, sock: int) -> None:
        for option, value in (
            ("init", init_message(STREAMS, RTO_MS[1])),
            ("rto", retransmission_timeouts()),
            ("association", association_parameters()),
            ("path", path_parameters()),
            ("nodelay", struct.pack("=i", 1)),
            ("rcvinfo", struct.pack("=i", 1)),
        ):
            self._set(sock, IPPROTO_SCTP, _OPTIONS[option], value)
        self._set(sock, IPPROTO_SCTP, _EVENT, struct.pack("=IHBx", 0, _ASSOC_CHANGE, 1))
        for option_number in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self._set(sock, socket.SOL_SOCKET, option_number, struct.pack("=i", BUFFER_BYTES))

    def watch(self, sock: int, number: int) -> None:
        """Have `ready` told the number of a socket that was accepted."""
        self._check(self._library.usrsctp_set_non_blocking(sock, 1))
        self._check(self._library.usrsctp_set_upcall(sock, self._upcall, number))

    def bind(self, sock: int, port: int) -> None:
        """To that SCTP port, on all paths."""
        address = address_of(0, port)
        self._check(self._library.usrsctp_bind(sock, address, len(address)))

    def listen(self, sock: int) -> None:
        self._check(self._library.usrsctp_listen(sock, BACKLOG))

    def connect(self, sock: int, path: int, port: int) -> None:
        """Begin an association."""
        address = address_of(path, port)
        if self._library.usrsctp_connect(sock, address, len(address)) and ctypes.get_errno() != errno.EINPROGRESS:
            raise _error()

    def accept(self, sock: int) -> tuple[int, int, int]:
        """An association that has come: its socket, the path to the peer, the peer's port."""
        self._length.value = len(self._info)
        accepted = self._library.usrsctp_accept(sock, self._info, ctypes.byref(self._length))
        if not accepted:
            raise _error()
        _, port, path = struct.unpack_from("=HHxxxxQ", self._info)
        return int(accepted), path, socket.ntohs(port)

    def send(self, sock: int, stream: int, data: bytes) -> None:
        info = send_info(stream)
        sent = self._library.usrsctp_sendv(sock, data, len(data), None, 0, info, len(info), _SENDV_SNDINFO, 0)
        if sent != len(data):
            raise _error()

    def receive(self, sock: int) -> Read:
        """A message, a piece of one, or a notification; empty where the association is over."""
        self._flags.value, self._info_bytes.value, self._info_type.value = 0, len(self._info), 0
        length = self._library.usrsctp_recvv(
            *(sock, self._piece, PIECE_BYTES, None, None, self._info),
            *(ctypes.byref(self._info_bytes), ctypes.byref(self._info_type), ctypes.byref(self._flags)),
        )
        if length < 0:
            raise _error()
        data = ctypes.string_at(self._piece, length)
        return Read(data, self._flags.value, stream_of(self._info.raw) if self._info_type.value else 0)

    def shutdown(self, sock: int) -> None:
        """Send what was taken, and then end the association."""
        self._check(self._library.usrsctp_shutdown(sock, socket.SHUT_WR))

    def abort(self, sock: int) -> None:
        """End its association at once, if there is one, and let go of the socket."""
        self._library.usrsctp_set_upcall(sock, _Upcall(), None)
        self._library.usrsctp_setsockopt(sock, socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT, len(_LINGER_NOT))
        self._library.usrsctp_close(sock)

    # -- paths ---------------------------------------------------------------------------------------------------------

    def register(self, path: int) -> None:
        """Take a path into use, before the first packet on it."""
        self._library.usrsctp_register_address(path)

    def deregister(self, path: int) -> None:
        """Forget a path that no association has."""
        self._library.usrsctp_deregister_address(path)

    def input(self, path: int, packet: bytes) -> None:
        """A packet of a peer."""
        self._library.usrsctp_conninput(path, packet, len(packet), 0)

    def elapse(self, milliseconds: int) -> None:
        """Let its timers know that time has passed."""
        self._library.usrsctp_handle_timers(milliseconds)

    # -- small steps --------------------------------------------------------------------------------------------------

    def _set(self, sock: int, level: int, option: int, value: bytes) -> None:
        self._check(self._library.usrsctp_setsockopt(sock, level, option, value, len(value)))

    @staticmethod
    def _check(code: int) -> None:
        if code:
            raise _error()


@functools.cache
def usrsctp() -> Usrsctp:
    """The library, loaded once.

    Raises OSError, whose text says that it is not there.
    """
    return Usrsctp(ctypes.PyDLL(LIBRARY, use_errno=True))


def missing() -> str | None:
    """Why there is no SCTP in UDP here; None where there is."""
    try:
        usrsctp()
    except OSError:
        return f"{LIBRARY} is not installed (Debian: libusrsctp2)"
    except AttributeError as error:
        return f"{LIBRARY} is too old: {error}"
    return None


def _error() -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))
