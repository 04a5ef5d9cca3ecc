"""Signalling links: the associations that the configuration asks for, under the names that the point knows them by."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Final, Protocol

from gateway.interconnection.links import Address, Link, LinkCarrier, LinkRole
from gateway.signalling.call import Action, Carry, Drop
from gateway.transport.endpoint import SipEndpoint
from gateway.transport.sctp.available import missing_carriers, open_carrier
from gateway.transport.sctp.carrier import RESTARTED, Arrived, Association, Listener, Refusal, SctpCarrier, SctpLimits

LOG = logging.getLogger("tollgate.transport")

LinkTap = Callable[[int, Address, Address, bytes], None]
"""Called for every M3UA message in and out: time in microseconds, source, destination, message."""


class LinkPoint(Protocol):
    """What stands behind the associations (`SignallingPoint`).

    An association is called by the name of its link; one that a server accepted by the link's name, ``#`` and a number.
    """

    def link_up(self, name: str, at_us: int) -> list[Action]: ...

    def link_down(self, name: str, at_us: int) -> list[Action]: ...

    def link_received(self, name: str, stream: int, data: bytes, at_us: int) -> list[Action]: ...


class LinkEndpoint:
    """Keeps the associations of all links, and hands what comes on them to the point."""

    def __init__(
        self,
        links: Sequence[Link],
        point: LinkPoint,
        endpoint: SipEndpoint,
        tap: LinkTap | None = None,
        limits: SctpLimits | None = None,
    ) -> None:
        """`endpoint` performs what the point asks for. Raises OSError where a link's carrier is not available."""
        self._links: Final = tuple(links)
        self._point: Final = point
        self._endpoint: Final = endpoint
        self._tap: Final = tap
        self._limits: Final = limits or SctpLimits()
        self._carriers: Final = {link.name: _carrier_of(link, self._limits) for link in self._links}
        self.carriers: Final[dict[str, LinkCarrier]] = {name: carrier.kind for name, carrier in self._carriers.items()}
        """What carries each link."""
        self._clients: Final = [
            _Client(self, link, self._carriers[link.name]) for link in self._links if link.role is LinkRole.CLIENT
        ]
        self._listeners: Final[list[tuple[tuple[Link, ...], Listener]]] = []
        self._up: Final[dict[str, Association]] = {}
        """Associations that are up, by their names."""
        self._names: Final[dict[Association, str]] = {}
        self.closing = False
        self._emptied: Final = asyncio.Event()
        self.opened: Final[Counter[str]] = Counter({link.name: 0 for link in self._links})
        """Associations that came up since the start, by link."""
        self.lost: Final[Counter[str]] = Counter({link.name: 0 for link in self._links})
        """Messages that no association took, by link."""
        self.last_errors: Final[dict[str, tuple[str, int]]] = {}
        """What went wrong on a link last and when, in microseconds: it did not connect, or its association ended."""
        self.faults = 0
        """How often the point failed on an event."""

    # -- what the gateway calls ---------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen for the servers' peers, and begin the clients' associations.

        Raises OSError, whose text names the address that cannot be listened on.
        """
        missing = "; ".join(f"no {kind.value}: {reason}" for kind, reason in missing_carriers().items())
        for name, kind in self.carriers.items():
            LOG.info("link %s is carried by %s%s", name, kind.value, f" ({missing})" if missing else "")
        for links in _sharing_a_listener(self._links, self.carriers):
            server = _Server(self, links)
            carrier = self._carriers[links[0].name]
            self._listeners.append((links, carrier.listen(links[0].address, server, server.admits)))
        for client in self._clients:
            client.connect()

    def close(self) -> None:
        """Accept and try no more, and shut the associations down."""
        self.closing = True
        for _, listener in self._listeners:
            listener.close()
        for client in self._clients:
            client.close()
        for association in [*self._up.values()]:
            association.shutdown()
        self._look_whether_all_are_gone()

    async def wait_closed(self) -> None:
        """Until all associations are down; those whose peers do not answer are aborted after `closing_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.closing_s + 1.0):
                await self._emptied.wait()

    def carry(self, message: Carry) -> None:
        association = self._up.get(message.link)
        if association is None or not association.send(message.stream, message.data):
            self.lost[self._link_in(message.link)] += 1
        elif self._tap is not None:
            self._show(self._tap, self._endpoint.clock.now_us(), association.local, association.peer, message.data)

    def drop(self, drop: Drop) -> None:
        association = self._up.get(drop.link)
        if association is not None:
            LOG.warning("link %s: its association is aborted: %s", drop.link, drop.why)
            association.abort()

    # -- readings -----------------------------------------------------------------------------------------------------

    @property
    def up(self) -> dict[str, int]:
        """Associations that are up, by link."""
        counted = dict.fromkeys(self.carriers, 0)
        for name in self._up:
            counted[self._link_in(name)] += 1
        return counted

    @property
    def refused(self) -> Counter[Refusal]:
        """Associations that no listener took, since the start."""
        counted = Counter(dict.fromkeys(Refusal, 0))
        for _, listener in self._listeners:
            counted.update(listener.refused)
        return counted

    def listening(self, name: str) -> Address | None:
        """Where a server link takes associations, with the port that the system chose where it was asked to."""
        for links, listener in self._listeners:
            if any(link.name == name for link in links):
                return listener.local
        return None

    # -- what happens to associations ---------------------------------------------------------------------------------

    def came_up(self, association: Association, name: str) -> None:
        """An association is up, and has that name until it is down."""
        self._up[name] = association
        self._names[association] = name
        self.opened[self._link_in(name)] += 1
        LOG.info("link %s: an association with %s:%d is up", name, *association.peer)
        at_us = self._endpoint.clock.now_us()
        try:
            self._endpoint.act(self._point.link_up(name, at_us), at_us)
        except Exception:  # a fault of ours on one link must not stop the others
            self._fault(name)

    def went_down(self, association: Association, why: str) -> None:
        """An association that was up is no more."""
        name = self._names.pop(association)
        del self._up[name]
        LOG.log(logging.INFO if self.closing else logging.WARNING, "link %s: its association is down: %s", name, why)
        at_us = self._endpoint.clock.now_us()
        self.last_errors[self._link_in(name)] = (f"its association is down: {why}", at_us)
        try:
            self._endpoint.act(self._point.link_down(name, at_us), at_us)
        except Exception:  # as above
            self._fault(name)
        self._look_whether_all_are_gone()

    def not_reached(self, name: str, text: str) -> None:
        """A client's association did not come up."""
        self.last_errors[name] = (text, self._endpoint.clock.now_us())

    def received(self, arrived: Sequence[Arrived]) -> None:
        """Messages that came on associations: all are handled before anything is sent."""
        handle, names, tap = self._point.link_received, self._names, self._tap
        at_us = self._endpoint.clock.now_us()
        actions: list[Action] = []
        for association, stream, data in arrived:
            name = names.get(association)
            if name is None:
                continue
            if tap is not None:
                self._show(tap, at_us, association.peer, association.local, data)
            try:
                actions += handle(name, stream, data, at_us)
            except Exception:  # as above
                self._fault(name)
        self._endpoint.act(actions, at_us)

    # -- small steps --------------------------------------------------------------------------------------------------

    def free_name(self, link: Link) -> str:
        """For another association of a server link."""
        return next(name for number in count(1) if (name := f"{link.name}#{number}") not in self._up)

    def _link_in(self, name: str) -> str:
        """The link of an association's name."""
        return name if name in self.carriers else name.rpartition("#")[0]

    def _look_whether_all_are_gone(self) -> None:
        if self.closing and not self._up:
            self._emptied.set()

    def _fault(self, name: str) -> None:
        self.faults += 1
        LOG.exception("what happened on link %s was not handled", name)

    def _show(self, tap: LinkTap, at_us: int, source: Address, destination: Address, data: bytes) -> None:
        try:
            tap(at_us, source, destination, data)
        except Exception:  # who only looks on must not stop a call
            self.faults += 1
            LOG.exception("a message of %d bytes was not shown to the tap", len(data))


class _Client:
    """The association of one client link, made again whenever it is down."""

    def __init__(self, endpoint: LinkEndpoint, link: Link, carrier: SctpCarrier) -> None:
        self._endpoint: Final = endpoint
        self._link: Final = link
        self._carrier: Final = carrier
        self._association: Association | None = None
        """Up, or on its way."""
        self._up = False
        self._retry: asyncio.TimerHandle | None = None
        self._said = False
        """That the peer cannot be reached."""
        self.received: Final = endpoint.received

    def connect(self) -> None:
        self._retry = None
        self._association = self._carrier.connect(self._link.address, self)

    def close(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        if self._association is not None:
            self._association.shutdown()

    def up(self, association: Association) -> None:
        self._up, self._said = True, False
        self._endpoint.came_up(association, self._link.name)

    def down(self, association: Association, why: str) -> None:
        if self._up:
            self._up = False
            self._endpoint.went_down(association, why)
        elif not self._endpoint.closing:
            text = f"{association.peer[0]}:{association.peer[1]} cannot be reached: {why}"
            self._endpoint.not_reached(self._link.name, text)
            if not self._said:
                self._said = True
                LOG.warning("link %s: %s", self._link.name, text)
        if why != RESTARTED:
            self._association = None
            if not self._endpoint.closing:
                loop = asyncio.get_running_loop()
                self._retry = loop.call_later(self._link.reconnect_us / 1e6, self.connect)


class _Server:
    """The associations that one listener accepts, for the links that share its address."""

    def __init__(self, endpoint: LinkEndpoint, links: tuple[Link, ...]) -> None:
        self._endpoint: Final = endpoint
        self._links: Final = links
        self.received: Final = endpoint.received

    def admits(self, host: str) -> bool:
        """Whether a link takes associations from that IP address."""
        return self._link_of(host) is not None

    def up(self, association: Association) -> None:
        link = self._link_of(association.peer[0])
        if link is not None:
            self._endpoint.came_up(association, self._endpoint.free_name(link))

    def down(self, association: Association, why: str) -> None:
        self._endpoint.went_down(association, why)

    def _link_of(self, host: str) -> Link | None:
        """The link that names that peer, else the one that takes any."""
        for link in self._links:
            if host in link.peers:
                return link
        return next((link for link in self._links if not link.peers), None)


def _carrier_of(link: Link, limits: SctpLimits) -> SctpCarrier:
    try:
        return open_carrier(link.carrier, limits, link.udp_port)
    except OSError as error:
        raise OSError(f"link {link.name}: {error}") from error


def _sharing_a_listener(links: Sequence[Link], carriers: dict[str, LinkCarrier]) -> list[tuple[Link, ...]]:
    """Server links, those together that listen on the same address of the same carrier."""
    shared: dict[tuple[LinkCarrier, Address, int, str], list[Link]] = {}
    for link in links:
        if link.role is LinkRole.SERVER:
            alone = "" if link.address[1] else link.name  # each has the port that the system chooses for it
            shared.setdefault((carriers[link.name], link.address, link.udp_port, alone), []).append(link)
    return [tuple(together) for together in shared.values()]
