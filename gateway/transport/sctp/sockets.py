"""Associations on sockets of the operating system, one socket each: what SCTP of the kernel and TCP have in common."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from gateway.interconnection.links import Address, LinkCarrier
from gateway.transport.listening import cannot_listen
from gateway.transport.sctp.association import Wire, WiredAssociation, shown, text_of
from gateway.transport.sctp.carrier import Admission, Refusal, SctpLimits, SctpUser

ACCEPTED_PER_TURN: Final = 16
"""Associations taken before the loop gets its turn."""
BACKLOG: Final = 128
"""Associations that the kernel holds for us until we take them."""
PAUSE_S: Final = 0.5
"""Without accepting, where the process is out of files."""
_OUT_OF_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_ABORT: Final = struct.pack("ii", 1, 0)
"""Linger for no time: what is not delivered is thrown away, and the peer is told so by ABORT (RST over TCP)."""

LOG = logging.getLogger("tollgate.transport")


class SocketKind(Protocol):
    """What is particular to one kind of socket."""

    @property
    def kind(self) -> LinkCarrier: ...

    def open(self, family: socket.AddressFamily) -> socket.socket:
        """A non-blocking socket. Raises OSError."""

    def wire(self, sock: socket.socket, limits: SctpLimits) -> Wire: ...


class SocketCarrier:
    """Associations of one kind of socket."""

    def __init__(self, kind: SocketKind, limits: SctpLimits) -> None:
        self._sockets: Final = kind
        self._limits: Final = limits

    @property
    def kind(self) -> LinkCarrier:
        return self._sockets.kind

    def listen(self, address: Address, user: SctpUser, admit: Callable[[str], bool]) -> SocketListener:
        try:
            sock = self._sockets.open(_family_of(address[0]))
        except OSError as error:
            raise cannot_listen(shown(address), f"M3UA over {self.kind.value}", error) from error
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if sock.family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
        except OSError as error:
            sock.close()
            raise cannot_listen(shown(address), f"M3UA over {self.kind.value}", error) from error
        return SocketListener(sock, self._sockets, self._limits, user, Admission(self._limits, admit))

    def connect(self, address: Address, user: SctpUser) -> SocketAssociation:
        association = SocketAssociation(self._limits, user, address)
        association.connect(self._sockets)
        return association


class SocketListener:
    """A listening socket."""

    def __init__(
        self, sock: socket.socket, kind: SocketKind, limits: SctpLimits, user: SctpUser, admission: Admission
    ) -> None:
        self._socket: Final = sock
        self._sockets: Final = kind
        self._limits: Final = limits
        self._user: Final = user
        self._admission: Final = admission
        self._loop: Final = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self.local: Final[Address] = sock.getsockname()[:2]
        self._resume()

    @property
    def refused(self) -> Counter[Refusal]:
        return self._admission.refused

    def close(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _resume(self) -> None:
        self._loop.add_reader(self._socket.fileno(), self._acceptable)

    def _acceptable(self) -> None:
        for _ in range(ACCEPTED_PER_TURN):
            try:
                sock, address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OUT_OF_FILES:
                    LOG.warning(
                        "no associations are taken on %s for %g s: %s", shown(self.local), PAUSE_S, error.strerror
                    )
                    self._loop.remove_reader(self._socket.fileno())
                    self._pause = self._loop.call_later(PAUSE_S, self._resume)
                    return
                continue  # it was gone before it was taken
            refusal = self._admission.refusal(address[0])
            if refusal is not None:
                LOG.debug("an association from %s was not taken: %s", address[0], refusal)
                abort(sock)
                continue
            sock.setblocking(False)
            SocketAssociation(self._limits, self._user, address[:2], self._admission).accept(self._sockets, sock)


class SocketAssociation(WiredAssociation):
    """An association on a socket of its own."""

    _fd = -1
    _reading = False
    """A reading is due."""

    def connect(self, kind: SocketKind) -> None:
        """Begin it."""
        try:
            sock = kind.open(_family_of(self.peer[0]))
        except OSError as error:
            self._end(text_of(error))
            return
        self._fd = sock.fileno()
        self._connecting(kind.wire(sock, self._limits))
        try:
            sock.connect(self.peer)
        except BlockingIOError:
            pass
        except (OSError, OverflowError) as error:
            self._end(text_of(error))
            return
        self._loop.add_writer(self._fd, self._answered, sock)

    def accept(self, kind: SocketKind, sock: socket.socket) -> None:
        """Take the socket that a listener had for it."""
        self._fd = sock.fileno()
        self._accepted(kind.wire(sock, self._limits))

    def _answered(self, sock: socket.socket) -> None:
        self._loop.remove_writer(self._fd)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._end(os.strerror(code).lower())
        else:
            self._connected()

    def _watch(self) -> None:
        self._loop.add_reader(self._fd, self._has_come)

    def _has_come(self) -> None:
        if not self._reading:
            self._read_on()

    def _read_on(self) -> None:
        """Read, a turn's worth at a time, until nothing is left: some loops say but once of a socket that had an error
        that it can be read, whatever waits on it.
        """
        self._reading = self._readable()
        if self._reading:
            self._loop.call_soon(self._read_on)

    def _watch_writable(self) -> None:
        self._loop.add_writer(self._fd, self._drained)

    def _drained(self) -> None:
        self._loop.remove_writer(self._fd)
        self._writable()

    def _unwatch(self) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)


def abort(sock: socket.socket) -> None:
    """Close a socket so that what is not delivered is thrown away, and the peer is told."""
    with suppress(OSError):  # gone already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    sock.close()


def _family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
