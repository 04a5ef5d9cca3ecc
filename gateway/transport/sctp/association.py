"""What all associations have in common: their states, their queue, their deadlines and their counts."""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import Final, NamedTuple, Protocol

from gateway.interconnection.links import Address
from gateway.transport.sctp.carrier import RESTARTED, Admission, Arrived, SctpLimits, SctpUser


class WireRead(NamedTuple):
    """What one reading gave. A change comes after the messages, and ends the reading."""

    messages: list[tuple[int, bytes]]
    """Stream and message."""
    ended: str | None = None
    """Why nothing more will come."""
    came_up: bool = False
    restarted: bool = False
    """The peer began anew."""
    more: bool = False
    """There may be more than a turn's worth."""


class Wire(Protocol):
    """Messages in and out of the socket of one association. All methods but `abort` raise OSError where it is gone."""

    @property
    def local(self) -> Address: ...

    @property
    def queued(self) -> int:
        """Bytes that were pushed and not yet flushed."""

    @property
    def partial(self) -> bool:
        """Whether the beginning of a message has come."""

    def opened(self) -> None:
        """The association is up."""

    def receive(self) -> WireRead:
        """A turn's worth of what has come."""

    def push(self, stream: int, data: bytes) -> None:
        """Have a message sent by the next `flush`."""

    def flush(self) -> bool:
        """Send what is taken now; whether that was all."""

    def shutdown(self) -> None:
        """Deliver what was sent, and end."""

    def abort(self) -> None:
        """End at once, and let go of the socket."""


class _State(Enum):
    CONNECTING = auto()
    UP = auto()
    CLOSING = auto()  # takes no more messages, and waits for those that it has to be delivered
    ENDED = auto()


class WiredAssociation:
    """An association on a wire. Who knows when the wire can be read or written calls `_readable` and `_writable`."""

    def __init__(self, limits: SctpLimits, user: SctpUser, peer: Address, admission: Admission | None = None) -> None:
        """`admission` counts an association that was accepted; None: it is of our own making."""
        self.peer: Final = peer
        self.local: Address = ("", 0)
        self._limits: Final = limits
        self._user: Final = user
        self._admission: Final = admission
        self._half_open = False
        self._loop: Final = asyncio.get_running_loop()
        self._wire: Wire | None = None
        self._state = _State.CONNECTING
        self._flushing = False
        """A flush is due, or waits for the wire."""
        self._timer: asyncio.TimerHandle | None = None
        self._begun_s = 0.0
        """When the message that is not yet whole began to come; 0 where none is coming."""

    # -- what its user calls ------------------------------------------------------------------------------------------

    def send(self, stream: int, data: bytes) -> bool:
        wire, limits = self._wire, self._limits
        if self._state is not _State.UP or wire is None or len(data) > limits.message_bytes:
            return False
        if wire.queued + len(data) > limits.queued_bytes:
            return False
        wire.push(stream, data)
        self._flush_soon()
        return True

    def shutdown(self) -> None:
        if self._state is _State.CONNECTING:
            self.abort()
        elif self._state is _State.UP:
            self._state = _State.CLOSING
            self._within(self._limits.closing_s, "shut down, and the peer did not answer")
            self._flush_soon()

    def abort(self) -> None:
        self._end("aborted")

    # -- what its carrier calls ---------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Have `_readable` called from now on."""
        raise NotImplementedError

    def _watch_writable(self) -> None:
        """Have `_writable` called, once."""
        raise NotImplementedError

    def _unwatch(self) -> None:
        """Have nothing called any more."""
        raise NotImplementedError

    def _connecting(self, wire: Wire) -> None:
        """It is on its way."""
        self._wire = wire
        self._within(self._limits.connect_s, "no answer")

    def _accepted(self, wire: Wire) -> None:
        """It came from a listener."""
        self._wire = wire
        if self._admission is not None:
            self._admission.up += 1
            self._admission.half_open += 1
            self._half_open = True
        self._within(self._limits.first_message_s, "no message came")
        self._open()

    def _connected(self) -> None:
        """It is up, of our own making."""
        self._untimed()
        self._open()

    def _readable(self) -> bool:
        """Take what has come; whether more was left."""
        if self._wire is None or self._state is _State.ENDED:
            return False
        try:
            messages, ended, came_up, restarted, more = self._wire.receive()
        except OSError as error:
            self._end(text_of(error))
            return False
        if messages:
            if self._half_open:
                self._spoken()
            self._user.received([Arrived(self, stream, data) for stream, data in messages])
        if ended is not None:
            self._end(ended)
        elif came_up and self._state is _State.CONNECTING:
            self._connected()
        elif restarted and self._state is _State.UP:
            self._restart()
        elif self._state is _State.UP and not self._half_open:
            self._look_for_half_a_message(began=bool(messages))
        return more or came_up or restarted

    def _writable(self) -> None:
        if self._flushing:
            self._flush()

    def _end(self, why: str) -> None:
        if self._state is _State.ENDED:
            return
        self._state = _State.ENDED
        self._untimed()
        if self._admission is not None:
            self._admission.up -= 1
            self._admission.half_open -= self._half_open
        self._unwatch()
        if self._wire is not None:
            self._wire.abort()  # after a shutdown that was answered there is nothing left to abort
        self._loop.call_soon(self._user.down, self, why)

    # -- small steps --------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._wire is None:
            return
        try:
            self._wire.opened()
            self.local = self._wire.local
        except OSError as error:
            self._end(text_of(error))
            return
        self._state = _State.UP
        self._user.up(self)
        if self._state is _State.UP:  # still, whatever the user did
            self._watch()

    def _restart(self) -> None:
        self._user.down(self, RESTARTED)
        if self._state is _State.UP:
            self._user.up(self)

    def _spoken(self) -> None:
        """The peer of an association that was accepted has sent its first message."""
        self._half_open = False
        if self._admission is not None:
            self._admission.half_open -= 1
        if self._state is _State.UP:
            self._untimed()

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._wire is None or self._state is _State.ENDED:
            return
        try:
            done = self._wire.flush()
            if done and self._state is _State.CLOSING:
                self._wire.shutdown()
        except OSError as error:
            self._end(text_of(error))
            return
        if not done:
            self._flushing = True
            self._watch_writable()

    def _within(self, seconds: float, why: str) -> None:
        self._untimed()
        self._timer = self._loop.call_later(seconds, self._end, why)

    def _untimed(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_for_half_a_message(self, *, began: bool) -> None:
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


def text_of(error: OSError | OverflowError) -> str:
    """What is wrong, in lower case as log lines have it."""
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)


def shown(address: Address) -> str:
    """As it is written: an IPv6 address in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
