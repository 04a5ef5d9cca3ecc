"""SIP over UDP: one socket, the proxy behind it, and one timer."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from gateway.interconnection.trunk_groups import Address
from gateway.signalling.call import Action, Call, Decided, Ended, Progressed, Send
from gateway.signalling.proxy import SipProxy
from gateway.transport.clock import Clock

BATCH: Final = 64
"""Datagrams read at most before the loop gets its turn: HTTP and timers must not starve under a flood."""

RECEIVE_BUFFER_BYTES: Final = 4 << 20
TICK_US: Final = 10_000
"""Timers are looked at no more often than this: SIP's own are a hundred times as long."""

LOG = logging.getLogger("tollgate.transport")

Tap = Callable[[int, Address, Address, bytes], None]
"""Called for every datagram in and out: time in microseconds, source, destination, payload."""


class CallObserver(Protocol):
    """Who wants to know of calls: metrics, records."""

    def decided(self, call: Call) -> None: ...

    def progressed(self, call: Call) -> None: ...

    def ended(self, call: Call) -> None: ...


_METHODS: Final = (
    *("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "UPDATE"),
    *("INFO", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH"),
)


class MessageCounts:
    """Counts datagrams by what their first bytes say they are."""

    def __init__(self) -> None:
        self._cells: Final = {f"{method} ".encode()[:4]: [0] for method in _METHODS}
        self._classes: Final = {b"%d" % digit: [0] for digit in range(1, 7)}
        self._other: Final = [0]

    def count(self, data: bytes) -> None:
        cell = self._classes.get(data[8:9]) if data.startswith(b"SIP/2.0 ") else self._cells.get(data[:4])
        (self._other if cell is None else cell)[0] += 1

    def by_kind(self) -> dict[str, int]:
        counts = {method: self._cells[f"{method} ".encode()[:4]][0] for method in _METHODS}
        counts |= {f"{digit.decode()}xx": cell[0] for digit, cell in self._classes.items()}
        return counts | {"other": self._other[0]}


class UdpTransport:
    """Reads datagrams, hands them to the proxy with the time, and does what it asks."""

    def __init__(
        self,
        proxy: SipProxy,
        sock: socket.socket,
        clock: Clock,
        observers: Sequence[CallObserver],
        tap: Tap | None = None,
    ) -> None:
        self._proxy: Final = proxy
        self._socket: Final = sock
        self._clock: Final = clock
        self._listeners: Final[dict[type[Action], tuple[Callable[[Call], None], ...]]] = {
            Decided: tuple(observer.decided for observer in observers),
            Progressed: tuple(observer.progressed for observer in observers),
            Ended: tuple(observer.ended for observer in observers),
        }
        self._tap: Final = tap
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_us = 0
        self.local: Final[Address] = sock.getsockname()[:2]
        self._received: Final = MessageCounts()
        self._sent: Final = MessageCounts()
        self.unsent = 0
        """Datagrams that the kernel did not take."""
        self.faults = 0
        """How often our own code failed: on a datagram, on a timer, in an observer."""

    @property
    def messages(self) -> dict[tuple[str, str], int]:
        """SIP messages so far, by direction (``in``, ``out``) and kind: a method, or a class of status."""
        counted = (("in", self._received), ("out", self._sent))
        return {(way, kind): count for way, counts in counted for kind, count in counts.by_kind().items()}

    def start(self) -> None:
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        """Read what has come, decide, then send: in that order for a whole batch, not for each datagram.

        A system call leaves a processor cold for the interpreter. Kept apart, the calls cost what they cost, and
        everything between them runs at twice the speed.
        """
        arrived = self._receive()
        handle = self._proxy.receive
        actions: list[Action] = []
        for data, source, at_us in arrived:
            try:
                actions += handle(data, source, at_us)
            except Exception:  # a fault of ours on one datagram must not stop the calls of others
                self.faults += 1
                LOG.exception("a datagram of %d bytes from %s:%d was not handled", len(data), *source)
        if arrived:
            self.perform(actions, arrived[-1][2])
        self._arm()

    def _receive(self) -> list[tuple[bytes, Address, int]]:
        """Up to a batch of datagrams: bytes, source, and when each was read."""
        receive, count, now = self._socket.recvfrom, self._received.count, self._clock.now_us
        arrived: list[tuple[bytes, Address, int]] = []
        try:
            while len(arrived) < BATCH:
                data, source = receive(65_535)
                arrived.append((data, source[:2], now()))
        except BlockingIOError:
            pass
        except OSError as error:
            LOG.warning("reading from %s:%d failed: %s", *self.local, error)
        for data, source, at_us in arrived:
            count(data)
            if self._tap is not None:
                self._show(self._tap, at_us, source, self.local, data)
        return arrived

    def perform(self, actions: Iterable[Action], at_us: int) -> None:
        """Do what the proxy asks."""
        for action in actions:
            if type(action) is Send:
                data, target = action
                try:
                    self._socket.sendto(data, target)
                except (OSError, OverflowError) as error:  # a full buffer, or a target that cannot be: as good as lost
                    self.unsent += 1
                    LOG.debug("a datagram for %s:%d was not sent: %s", *target, error)
                    continue
                self._sent.count(data)
                if self._tap is not None:
                    self._show(self._tap, at_us, self.local, target, data)
            elif not isinstance(action, Send):
                self._tell(action)

    def _show(self, tap: Tap, at_us: int, source: Address, destination: Address, data: bytes) -> None:
        try:
            tap(at_us, source, destination, data)
        except Exception:  # who only looks on must not stop a call
            self.faults += 1
            LOG.exception("a datagram of %d bytes was not shown to the tap", len(data))

    def _tell(self, action: Decided | Progressed | Ended) -> None:
        call = action.call
        for listen in self._listeners[type(action)]:
            try:
                listen(call)
            except Exception:  # as above
                self.faults += 1
                LOG.exception("%s failed on a call", getattr(listen, "__qualname__", listen))

    def _arm(self) -> None:
        """Have one timer at the proxy's earliest deadline."""
        wake_us = self._proxy.next_wake_us
        if wake_us is None or (self._timer is not None and self._timer_at_us <= wake_us + TICK_US):
            return
        if self._timer is not None:
            self._timer.cancel()
        delay_us = max(wake_us - self._clock.now_us(), 0) + TICK_US
        self._timer_at_us = wake_us + TICK_US
        self._timer = self._loop.call_later(delay_us / 1e6, self._wake)

    def _wake(self) -> None:
        self._timer = None
        at_us = self._clock.now_us()
        try:
            self.perform(self._proxy.wake(at_us), at_us)
        except Exception:  # as above
            self.faults += 1
            LOG.exception("a timer was not handled")
        self._arm()


def open_socket(host: str, port: int) -> socket.socket:
    """A bound, non-blocking UDP socket; port 0 lets the kernel choose.

    Raises OSError, whose text names the address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on udp:{host}:{port} for SIP: {error.strerror}") from error
    return sock
