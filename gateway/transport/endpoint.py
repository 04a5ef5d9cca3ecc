"""Between the sockets and the proxy: messages go in with the time, and what the proxy asks for is done."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol

from gateway.codecs.sip.framing import Unframeable
from gateway.interconnection.trunk_groups import Hop, Service, Transport
from gateway.signalling.call import (
    Action,
    Call,
    Carry,
    Decided,
    Drop,
    Ended,
    Locate,
    MemberChanged,
    Progressed,
    Send,
    Ss7Changed,
)
from gateway.signalling.locating import Target
from gateway.transport.clock import Clock
from gateway.transport.flight_recorder import FlightRecorder
from gateway.transport.message_counts import MessageCounts

MOST_ROUNDS: Final = 16
"""Of sending, and sending again elsewhere what was not sent: more is given up."""
TICK_US: Final = 10_000
"""Timers are looked at no more often than this: SIP's own are a hundred times as long."""

LOG = logging.getLogger("tollgate.transport")

Tap = Callable[[int, Hop, Hop, bytes], None]
"""Called for every message in and out: time in microseconds, source, destination, payload."""

Locator = Callable[[Target], Awaitable[Sequence[Hop]]]
"""Finds out where a named host is: hops in the order in which they are to be tried. Raises nothing."""


class CallObserver(Protocol):
    """Who wants to know of calls: metrics, records."""

    def decided(self, call: Call) -> None: ...

    def progressed(self, call: Call) -> None: ...

    def ended(self, call: Call) -> None: ...


class Carrier(Protocol):
    """A socket, or many, that carry messages of one transport and IP version."""

    @property
    def local(self) -> Hop:
        """Where it takes messages."""

    def start(self) -> None:
        """Take messages from now on."""

    def send(self, messages: list[Send]) -> list[Send]:
        """Send each, or take it for a connection that is on its way; what is lost comes back."""

    def close(self) -> None:
        """Let go of the sockets."""

    async def wait_closed(self) -> None:
        """Until what `close` has begun is done."""


class Links(Protocol):
    """The associations of the signalling links."""

    def carry(self, message: Carry) -> None:
        """Send on the link's association; what has none is lost, and counted."""

    def drop(self, drop: Drop) -> None:
        """Abort the link's association."""


class Proxy(Protocol):
    """What stands behind the endpoint (`SipProxy`)."""

    @property
    def next_wake_us(self) -> int | None: ...

    def receive(self, data: bytes, source: Hop, at_us: int) -> list[Action]: ...

    def connected(self, hop: Hop, names: frozenset[str]) -> None: ...

    def closed(self, hop: Hop, at_us: int) -> list[Action]: ...

    def undeliverable(self, message: Send, at_us: int) -> list[Action]: ...

    def located(self, token: int, hops: Iterable[Hop], at_us: int) -> list[Action]: ...

    def wake(self, at_us: int) -> list[Action]: ...


class SipEndpoint:
    """Hands messages to the proxy, does what it asks, and keeps its one timer."""

    def __init__(
        self,
        proxy: Proxy,
        clock: Clock,
        observers: Sequence[CallObserver],
        tap: Tap | None = None,
        locator: Locator | None = None,
        recorder: FlightRecorder | None = None,
    ) -> None:
        """`locator` is needed by a proxy that asks to locate, and by no other. `recorder` holds the last messages."""
        self._proxy: Final = proxy
        self.clock: Final = clock
        self._listeners: Final[dict[type[Action], tuple[Callable[[Call], None], ...]]] = {
            Decided: tuple(observer.decided for observer in observers),
            Progressed: tuple(observer.progressed for observer in observers),
            Ended: tuple(observer.ended for observer in observers),
        }
        self._tap: Final = tap
        self._recorder: Final = recorder
        self._locator: Final = locator
        self._locating: Final[set[asyncio.Task[None]]] = set()
        self._carriers: Final[dict[tuple[str, bool], Carrier]] = {}
        self.links: Links | None = None
        """What carries SS7, where there is any."""
        self._sole: Transport | None = None
        """The transport of the only carrier there is, where there is but one."""
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_us = 0
        self._received: Final = MessageCounts()
        self._sent: Final = MessageCounts()
        self.unsent = 0
        """Messages that no socket took."""
        self.unframed: Final[Counter[str]] = Counter()
        """Streams that could not be read any further, by what was wrong."""
        self.faults = 0
        """How often our own code failed: on a message, on a timer, in an observer."""

    def add(self, carrier: Carrier) -> None:
        """Send by this carrier what goes to peers of its transport and IP version."""
        self._carriers[_kind_of(carrier.local)] = carrier
        self._sole = carrier.local.transport if len(self._carriers) == 1 else None

    @property
    def carriers(self) -> tuple[Carrier, ...]:
        """In the order in which they were added."""
        return tuple(self._carriers.values())

    @property
    def local(self) -> Hop:
        """Where it takes messages: the first carrier's address."""
        return self.carriers[0].local

    @property
    def messages(self) -> dict[tuple[str, str], int]:
        """SIP messages so far, by direction (``in``, ``out``) and kind: a method, or a class of status."""
        counted = (("in", self._received), ("out", self._sent))
        return {(way, kind): count for way, counts in counted for kind, count in counts.by_kind().items()}

    def start(self) -> None:
        for carrier in self._carriers.values():
            carrier.start()
        self._arm()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for task in self._locating:
            task.cancel()
        for carrier in self._carriers.values():
            carrier.close()

    async def wait_closed(self) -> None:
        for carrier in self._carriers.values():
            await carrier.wait_closed()

    # -- what the carriers call ---------------------------------------------------------------------------------------

    def receive(self, arrived: Sequence[tuple[bytes, Hop, int]], local: Hop) -> None:
        """Messages, each with its source and when it was read; `local` is where they came to.

        All are decided before anything is sent: a system call leaves a processor cold for the interpreter. Kept apart,
        the calls cost what they cost, and everything between them runs at twice the speed.
        """
        handle, count, tap = self._proxy.receive, self._received.count, self._tap
        actions: list[Action] = []
        if self._recorder is not None:
            self._recorder.received(arrived, local)
        for data, source, at_us in arrived:
            count(data)
            if tap is not None:
                self._show(tap, at_us, source, local, data)
            try:
                actions += handle(data, source, at_us)
            except Exception:  # a fault of ours on one message must not stop the calls of others
                self.faults += 1
                LOG.exception("a message of %d bytes from %s was not handled", len(data), source)
        if arrived:
            self.perform(actions, arrived[-1][2])
        self._arm()

    def connected(self, hop: Hop, names: frozenset[str]) -> None:
        """A connection is up; `names` are those of its verified certificate."""
        try:
            self._proxy.connected(hop, names)
        except Exception:  # as above
            self.faults += 1
            LOG.exception("the connection %s was not handled", hop)

    def closed(self, hop: Hop) -> None:
        """A connection that was up is gone."""
        at_us = self.clock.now_us()
        try:
            self.perform(self._proxy.closed(hop, at_us), at_us)
        except Exception:  # as above
            self.faults += 1
            LOG.exception("the end of connection %s was not handled", hop)
        self._arm()

    def unframeable(self, fault: Unframeable, source: Hop) -> None:
        """A stream could not be read any further."""
        LOG.info("%s: %s", source, fault)
        self.unframed[fault.what] += 1

    def undelivered(self, messages: Sequence[Send]) -> None:
        """Messages that a carrier had taken, and could not send after all."""
        at_us = self.clock.now_us()
        self.unsent += len(messages)
        self.perform(self._undeliverable(messages, at_us), at_us)
        self._arm()

    def act(self, actions: Iterable[Action], at_us: int) -> None:
        """Do what the proxy asked for when it was told of something else than SIP: a signalling link."""
        self.perform(actions, at_us)
        self._arm()

    def perform(self, actions: Iterable[Action], at_us: int) -> None:
        """Do what the proxy asks, and what it asks for where a message could not be sent."""
        for _ in range(MOST_ROUNDS):
            lost = self._perform(actions, at_us)
            if not lost:
                return
            self.unsent += len(lost)
            actions = self._undeliverable(lost, at_us)
        LOG.warning("%d messages were given up: they found no way in %d rounds", len(lost), MOST_ROUNDS)

    def _perform(self, actions: Iterable[Action], at_us: int) -> list[Send]:
        """Once. Gives back what could not be sent."""
        outgoing: dict[tuple[str, bool], list[Send]] = {}
        usual: list[Send] = []
        for action in actions:
            if type(action) is Send:
                if action.target.transport is self._sole:
                    usual.append(action)
                else:
                    outgoing.setdefault(_kind_of(action.target), []).append(action)
            elif type(action) is Locate:
                self._locate(action)
            elif isinstance(action, MemberChanged):
                LOG.log(
                    logging.INFO if action.after is Service.IN_SERVICE else logging.WARNING,
                    "trunk group %s: member %s was %s, is %s",
                    *(action.trunk_group, action.member, action.before.value, action.after.value),
                )
            elif type(action) is Carry:
                if self.links is not None:
                    self.links.carry(action)
            elif isinstance(action, Decided | Progressed | Ended):
                self._tell(action)
            elif isinstance(action, Drop):
                if self.links is not None:
                    self.links.drop(action)
            elif isinstance(action, Ss7Changed):
                LOG.log(logging.INFO if action.good else logging.WARNING, "%s: %s", action.subject, action.what)
        if usual:
            outgoing[_kind_of(self.local)] = usual
        lost: list[Send] = []
        for kind, messages in outgoing.items():
            carrier = self._carriers.get(kind)
            unsent = carrier.send(messages) if carrier is not None else messages
            lost += unsent
            if self._recorder is not None and carrier is not None:
                went = [message for message in messages if message not in unsent] if unsent else messages
                self._recorder.sent(went, carrier.local, at_us)
            for message in messages:
                if not unsent or message not in unsent:
                    self._sent.count(message.data)
                    if self._tap is not None and carrier is not None:
                        self._show(self._tap, at_us, carrier.local, message.target, message.data)
        return lost

    def _undeliverable(self, messages: Sequence[Send], at_us: int) -> list[Action]:
        actions: list[Action] = []
        for message in messages:
            try:
                actions += self._proxy.undeliverable(message, at_us)
            except Exception:  # as above
                self.faults += 1
                LOG.exception("a message that could not be sent to %s was not handled", message.target)
        return actions

    # -- small steps --------------------------------------------------------------------------------------------------

    def _show(self, tap: Tap, at_us: int, source: Hop, destination: Hop, data: bytes) -> None:
        try:
            tap(at_us, source, destination, data)
        except Exception:  # who only looks on must not stop a call
            self.faults += 1
            LOG.exception("a message of %d bytes was not shown to the tap", len(data))

    def _locate(self, action: Locate) -> None:
        task = self._loop.create_task(self._located(action))
        self._locating.add(task)
        task.add_done_callback(self._locating.discard)

    async def _located(self, action: Locate) -> None:
        try:
            hops = await self._locator(action.target) if self._locator is not None else ()
            at_us = self.clock.now_us()
            self.perform(self._proxy.located(action.token, hops, at_us), at_us)
        except Exception:  # as above; the request goes on when it has waited long enough
            self.faults += 1
            LOG.exception("a request that waited for %s was not sent on", action.target)
        self._arm()

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
        delay_us = max(wake_us - self.clock.now_us(), 0) + TICK_US
        self._timer_at_us = wake_us + TICK_US
        self._timer = self._loop.call_later(delay_us / 1e6, self._wake)

    def _wake(self) -> None:
        self._timer = None
        at_us = self.clock.now_us()
        try:
            self.perform(self._proxy.wake(at_us), at_us)
        except Exception:  # as above
            self.faults += 1
            LOG.exception("a timer was not handled")
        self._arm()


def _kind_of(hop: Hop) -> tuple[str, bool]:
    """Transport and IP version: what decides which carrier reaches a peer."""
    return hop.transport, ":" in hop.host
