"""SIP over UDP: one socket, the proxy behind it, and one timer."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
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
_KIND_BY_START: Final = {f"{method} ".encode()[:4]: method for method in _METHODS} | {
    f"SIP/2.0 {digit}".encode(): f"{digit}xx" for digit in range(1, 7)
}


def kind_of(data: bytes) -> str:
    """What a datagram is, by its first bytes: a method, a class of status, or ``other``."""
    start = data[:4]
    return _KIND_BY_START.get(data[:9] if start == b"SIP/" else start, "other")


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
        self._observers: Final = tuple(observers)
        self._tap: Final = tap
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_us = 0
        self.local: Final[Address] = sock.getsockname()[:2]
        self.messages: Final[Counter[tuple[str, str]]] = Counter()
        """SIP messages by direction (``in``, ``out``) and kind."""
        self.unsent = 0
        """Datagrams that the kernel did not take."""
        self.faults = 0
        """How often our own code failed: on a datagram, on a timer, in an observer."""

    def start(self) -> None:
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        receive = self._socket.recvfrom
        now = self._clock.now_us
        for _ in range(BATCH):
            try:
                data, source = receive(65_535)
            except BlockingIOError:
                break
            except OSError as error:
                LOG.warning("reading from %s:%d failed: %s", *self.local, error)
                break
            at_us = now()
            self.messages["in", kind_of(data)] += 1
            if self._tap is not None:
                self._show(self._tap, at_us, source[:2], self.local, data)
            try:
                actions = self._proxy.receive(data, source[:2], at_us)
            except Exception:  # a fault of ours on one datagram must not stop the calls of others
                self.faults += 1
                LOG.exception("a datagram of %d bytes from %s:%d was not handled", len(data), *source[:2])
                continue
            self.perform(actions, at_us)
        self._arm()

    def perform(self, actions: Iterable[Action], at_us: int) -> None:
        """Do what the proxy asks."""
        for action in actions:
            if isinstance(action, Send):
                self._send(action, at_us)
            else:
                self._tell(action)

    def _send(self, send: Send, at_us: int) -> None:
        try:
            self._socket.sendto(send.data, send.target)
        except (OSError, OverflowError) as error:  # a full buffer, or a target that cannot be: as good as lost
            self.unsent += 1
            LOG.debug("a datagram for %s:%d was not sent: %s", *send.target, error)
            return
        self.messages["out", kind_of(send.data)] += 1
        if self._tap is not None:
            self._show(self._tap, at_us, self.local, send.target, send.data)

    def _show(self, tap: Tap, at_us: int, source: Address, destination: Address, data: bytes) -> None:
        try:
            tap(at_us, source, destination, data)
        except Exception:  # who only looks on must not stop a call
            self.faults += 1
            LOG.exception("a datagram of %d bytes was not shown to the tap", len(data))

    def _tell(self, action: Decided | Progressed | Ended) -> None:
        for observer in self._observers:
            try:
                if type(action) is Decided:
                    observer.decided(action.call)
                elif type(action) is Progressed:
                    observer.progressed(action.call)
                else:
                    observer.ended(action.call)
            except Exception:  # as above
                self.faults += 1
                LOG.exception("%s was not told of a call", type(observer).__name__)

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
