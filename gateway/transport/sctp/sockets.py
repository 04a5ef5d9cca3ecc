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
from enum import Enum, auto
from typing import Final, NamedTuple, Protocol

from gateway.interconnection.links import Address, LinkCarrier
from gateway.transport.sctp.carrier import RESTARTED, Admission, Arrived, Refusal, SctpLimits, SctpUser

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


class WireRead(NamedTuple):
    """What one reading of a socket gave."""

    messages: list[tuple[int, bytes]]
    """Stream and message."""
    ended: str | None = None
    """Why nothing more will come."""
    restarted: bool = False
    """After these messages the peer began anew."""


class Wire(Protocol):
    """Messages in and out of one connected, non-blocking socket."""

    @property
    def queued(self) -> int:
        """Bytes that were pushed and are not yet with the kernel."""

    @property
    def partial(self) -> bool:
        """Whether the beginning of a message has come."""

    def opened(self) -> None:
        """The association is up. Raises OSError where it is gone already."""

    def receive(self) -> WireRead:
        """A turn's worth of what has come. Raises OSError: BlockingIOError where nothing has."""

    def push(self, stream: int, data: bytes) -> None:
        """Have a message sent by the next `flush`."""

    def flush(self) -> bool:
        """Give the kernel what it takes; whether that was all. Raises OSError where the association is gone."""


class SocketKind(Protocol):
    """What is particular to one kind of socket."""

    @property
    def kind(self) -> LinkCarrier: ...

    def open(self, family: socket.AddressFamily) -> socket.socket:
        """A non-blocking socket. Raises OSError."""

    def wire(self, sock: socket.socket, limits: SctpLimits) -> Wire: ...


class SocketCarrier:
    """Associations of one kind of socket."""

    def __init__(self, kind: SocketKind, limits: SctpLimits | None = None) -> None:
        self._sockets: Final = kind
        self._limits: Final = limits or SctpLimits()

    @property
    def kind(self) -> LinkCarrier:
        return self._sockets.kind

    def listen(self, address: Address, user: SctpUser, admit: Callable[[str], bool]) -> SocketListener:
        try:
            sock = self._sockets.open(_family_of(address[0]))
        except OSError as error:
            raise _cannot_listen(address, self.kind, error) from error
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if sock.family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
        except OSError as error:
            sock.close()
            raise _cannot_listen(address, self.kind, error) from error
        return SocketListener(sock, self._sockets, self._limits, user, Admission(self._limits, admit))

    def connect(self, address: Address, user: SctpUser) -> SocketAssociation:
        try:
            sock = self._sockets.open(_family_of(address[0]))
        except OSError as error:
            return SocketAssociation(None, None, self._limits, user, address).fail(error)
        association = SocketAssociation(sock, self._sockets.wire(sock, self._limits), self._limits, user, address)
        try:
            sock.connect(address)
        except BlockingIOError:
            pass
        except (OSError, OverflowError) as error:
            return association.fail(error)
        return association.connecting()


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
                    LOG.warning("no associations are taken on %s:%d for %g s: %s", *self.local, PAUSE_S, error.strerror)
                    self._loop.remove_reader(self._socket.fileno())
                    self._pause = self._loop.call_later(PAUSE_S, self._resume)
                    return
                continue  # it was gone before it was taken
            refusal = self._admission.refusal(address[0])
            if refusal is not None:
                LOG.debug("an association from %s was not taken: %s", address[0], refusal)
                _abort(sock)
                continue
            sock.setblocking(False)
            wire = self._sockets.wire(sock, self._limits)
            SocketAssociation(sock, wire, self._limits, self._user, address[:2], self._admission).accepted()


class _State(Enum):
    CONNECTING = auto()
    UP = auto()
    CLOSING = auto()  # takes no more messages, and waits for what it has to be delivered
    ENDED = auto()


class SocketAssociation:
    """An association on a socket of its own."""

    def __init__(
        self,
        sock: socket.socket | None,
        wire: Wire | None,
        limits: SctpLimits,
        user: SctpUser,
        peer: Address,
        admission: Admission | None = None,
    ) -> None:
        """`admission` counts an association that was accepted; None: it is of our own making."""
        self._socket: Final = sock
        self._wire: Final = wire
        self._limits: Final = limits
        self._user: Final = user
        self._admission: Final = admission
        self._half_open = False
        self._loop: Final = asyncio.get_running_loop()
        self._state = _State.CONNECTING
        self._flushing = False
        """A flush is due, or waits for the socket."""
        self._timer: asyncio.TimerHandle | None = None
        self._begun_s = 0.0
        """When the message that is not yet whole began to come; 0 where none is coming."""
        self.peer: Final = peer
        self.local: Address = ("", 0)

    # -- what its carrier calls, once ---------------------------------------------------------------------------------

    def connecting(self) -> SocketAssociation:
        """It is on its way."""
        self._loop.add_writer(self._fd, self._connected)
        self._within(self._limits.connect_s, "no answer")
        return self

    def accepted(self) -> None:
        """It came from a listener."""
        if self._admission is not None:
            self._admission.up += 1
            self._admission.half_open += 1
            self._half_open = True
        self._within(self._limits.first_message_s, "no message came")
        self._open()

    def fail(self, error: OSError | OverflowError) -> SocketAssociation:
        """It cannot be made."""
        self._end(_text_of(error))
        return self

    # -- what its user calls ------------------------------------------------------------------------------------------

    def send(self, stream: int, data: bytes) -> bool:
        wire, limits = self._wire, self._limits
        if self._state is not _State.UP or wire is None or len(data) > limits.message_bytes:
            return False
        if wire.queued + len(data) > limits.queued_bytes:
            return False
        wire.push(stream, data)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)
        return True

    def shutdown(self) -> None:
        if self._state is _State.CONNECTING:
            self.abort()
        elif self._state is _State.UP:
            self._state = _State.CLOSING
            self._within(self._limits.closing_s, "shut down, and the peer did not answer")
            if not self._flushing:
                self._flushing = True
                self._loop.call_soon(self._flush)

    def abort(self) -> None:
        self._end("aborted")

    # -- what the loop calls ------------------------------------------------------------------------------------------

    def _connected(self) -> None:
        if self._socket is None:
            return
        self._loop.remove_writer(self._fd)
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._end(os.strerror(code).lower())
            return
        self._untimed()
        self._open()

    def _readable(self) -> None:
        if self._wire is None:
            return
        try:
            messages, ended, restarted = self._wire.receive()
        except BlockingIOError:
            return
        except OSError as error:
            self._end(_text_of(error))
            return
        if messages:
            if self._half_open:
                self._spoken()
            self._user.received([Arrived(self, stream, data) for stream, data in messages])
        if self._state is _State.ENDED:  # by what the user did
            return
        if ended is not None:
            self._end(ended)
        elif restarted:
            self._restart()
        elif not self._half_open and self._state is _State.UP:
            self._watch(began=bool(messages))

    def _flush(self) -> None:
        self._flushing = False
        if self._socket is None or self._wire is None or self._state is _State.ENDED:
            return
        try:
            done = self._wire.flush()
            if done and self._state is _State.CLOSING:
                self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._end(_text_of(error))
            return
        if not done:
            self._flushing = True
            self._loop.add_writer(self._fd, self._writable)

    def _writable(self) -> None:
        self._loop.remove_writer(self._fd)
        self._flush()

    # -- small steps --------------------------------------------------------------------------------------------------

    @property
    def _fd(self) -> int:
        return self._socket.fileno() if self._socket is not None else -1

    def _open(self) -> None:
        if self._socket is None or self._wire is None:
            return
        try:
            self.local = self._socket.getsockname()[:2]
            self._wire.opened()
        except OSError as error:
            self._end(_text_of(error))
            return
        self._state = _State.UP
        self._user.up(self)
        if self._state is not _State.ENDED:
            self._loop.add_reader(self._fd, self._readable)

    def _restart(self) -> None:
        self._user.down(self, RESTARTED)
        if self._state is not _State.ENDED:
            self._user.up(self)

    def _spoken(self) -> None:
        """The peer of an association that was accepted has sent its first message."""
        self._half_open = False
        if self._admission is not None:
            self._admission.half_open -= 1
        if self._state is _State.UP:
            self._untimed()

    def _within(self, seconds: float, why: str) -> None:
        self._untimed()
        self._timer = self._loop.call_later(seconds, self._end, why)

    def _untimed(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self, *, began: bool) -> None:
        """See that a message that has begun becomes whole in time, with one timer and not one for each message."""
        if self._wire is None or not self._wire.partial:
            self._begun_s = 0.0
            return
        if began or not self._begun_s:
            self._begun_s = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._limits.message_s, self._overdue)

    def _overdue(self) -> None:
        self._timer = None
        if self._begun_s:
            left = self._begun_s + self._limits.message_s - self._loop.time()
            if left <= 0:
                self._end("half a message came, and no more")
            else:
                self._timer = self._loop.call_later(left, self._overdue)

    def _end(self, why: str) -> None:
        if self._state is _State.ENDED:
            return
        self._state = _State.ENDED
        self._untimed()
        if self._admission is not None:
            self._admission.up -= 1
            self._admission.half_open -= self._half_open
        if self._socket is not None:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            _abort(self._socket)  # after a shutdown that was answered there is nothing left to abort
        self._loop.call_soon(self._user.down, self, why)


def _text_of(error: OSError | OverflowError) -> str:
    """What is wrong, in lower case as log lines have it."""
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)


def _abort(sock: socket.socket) -> None:
    with suppress(OSError):  # gone already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    sock.close()


def _family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _cannot_listen(address: Address, kind: LinkCarrier, error: OSError) -> OSError:
    host, port = address
    shown = f"[{host}]" if ":" in host else host
    return OSError(error.errno, f"cannot listen on {shown}:{port} for M3UA over {kind.value}: {error.strerror}")
