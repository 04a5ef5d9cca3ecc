"""The signalling links: M3UA associations below, the service of MTP to its users above (RFC 4666, Q.701 section 8).

Bytes and the time go in; what is to be sent comes out as actions, what the users are to be told as indications. A
client's association has the name of its link, those of a server are called ``NAME#1``, ``NAME#2`` ... by the transport.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.codecs.ss7.mtp3 import Mtp3Transfer, point_code_text
from gateway.interconnection.links import Link, LinkRole, TrafficMode
from gateway.signalling.call import Action
from gateway.signalling.ss7.application_servers import RoutingContexts
from gateway.signalling.ss7.client_link import ClientLink
from gateway.signalling.ss7.link_readings import LinkReading
from gateway.signalling.ss7.mtp_indications import Congested, Indication, Paused, Resumed
from gateway.signalling.ss7.server_link import ServerLink
from gateway.signalling.ss7.turn import Deadlines, Turn

__all__ = ["Congested", "Indication", "LinkReading", "M3uaLinks", "Paused", "Resumed"]

AnyLink = ClientLink | ServerLink


class M3uaLinks:
    """All links. Times in microseconds; every method that is handed `actions` appends what is to be done."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._deadlines: Final = Deadlines()
        contexts = RoutingContexts(link.routing_context for link in links if link.routing_context is not None)
        self._links: Final[dict[str, AnyLink]] = {
            link.name: ClientLink(link, self._deadlines)
            if link.role is LinkRole.CLIENT
            else ServerLink(link, contexts, self._deadlines)
            for link in links
        }
        self._by_override: Final = frozenset(link.name for link in links if link.traffic_mode is TrafficMode.OVERRIDE)
        self._destinations: Final = {code: link.variant for link in links for code in link.destinations}
        self._reachable: Final[set[int]] = set()

    # -- what the transport tells -------------------------------------------------------------------------------------

    def up(self, link: str, at_us: int, actions: list[Action]) -> list[Indication]:
        """An association is there. Too many of a link, and those of no link, are dropped."""
        turn = Turn(at_us, actions)
        found = self._link_of(link)
        if found is None:
            turn.drop(link, "no link has this name")
        else:
            found.up(link, turn)
        return self._end(turn)

    def down(self, link: str, at_us: int, actions: list[Action]) -> list[Indication]:
        """An association is gone, whoever ended it."""
        turn = Turn(at_us, actions)
        found = self._link_of(link)
        if found is not None:
            found.down(link, turn)
        return self._end(turn)

    def receive(self, link: str, stream: int, data: bytes, at_us: int, actions: list[Action]) -> list[Indication]:
        """A message came on an association, on a stream of SCTP. What cannot be taken is answered with ERR."""
        turn = Turn(at_us, actions)
        found = self._link_of(link)
        if found is not None:
            found.receive(link, stream, data, turn)
        return self._end(turn)

    @property
    def next_us(self) -> int | None:
        """A time before which `wake` has nothing to do; None while there is nothing to wait for."""
        return self._deadlines.next_us

    def wake(self, at_us: int, actions: list[Action]) -> list[Indication]:
        """Do what is due."""
        turn = Turn(at_us, actions)
        for timer, owner in self._deadlines.take(at_us):
            owner.expired(timer, turn)
        return self._end(turn)

    def _link_of(self, association: str) -> AnyLink | None:
        found = self._links.get(association)
        if found is None:
            name, mark, _ = association.rpartition("#")
            found = self._links.get(name) if mark else None
        return found

    # -- what MTP's users ask -----------------------------------------------------------------------------------------

    def send(self, transfer: Mtp3Transfer, links: tuple[str, ...], at_us: int, actions: list[Action]) -> bool:
        """Send a message of a user part by one of these links (MTP-TRANSFER); False where there is no way.

        Links in override mode are taken in the order given, others share by link selection, so that what has one link
        selection keeps its order. A link that the network has restricted is used where there is no other.
        """
        turn = Turn(at_us, actions)
        count = len(links)
        if count == 1:
            way = self._links.get(links[0])
            return way is not None and way.send(transfer, transfer.sls, turn)
        if not count:
            return False
        first = 0 if links[0] in self._by_override else transfer.sls % count
        share = transfer.sls // count
        ways = [way for at in range(count) if (way := self._links.get(links[(first + at) % count])) is not None]
        dpc = transfer.dpc
        for way in ways:
            if way.is_preferred(dpc) and way.send(transfer, share, turn):
                return True
        return any(way.send(transfer, share, turn) for way in ways if way.is_usable(dpc))

    def reachable(self, dpc: int, links: tuple[str, ...]) -> bool:
        """Whether anything can be sent to this point code by one of these links."""
        for name in links:
            way = self._links.get(name)
            if way is not None and way.is_usable(dpc):
                return True
        return False

    def written_in(self, link: str, opc: int, dpc: int) -> tuple[str, str]:
        """Two point codes as the network of a link writes them."""
        variant = self._links[link].link.variant
        return point_code_text(opc, variant), point_code_text(dpc, variant)

    def destination(self, dpc: int, available: bool, at_us: int, actions: list[Action]) -> None:
        """An exchange that is reached through us is available, or no longer: the processes of servers are told."""
        turn = Turn(at_us, actions)
        for link in self._links.values():
            link.reachable(dpc, turn, available=available)

    def leave(self, at_us: int, actions: list[Action]) -> list[Indication]:
        """Take every link out of service, as before a shutdown: ASPIA, DEREG REQ, ASPDN; of servers ASPDN ACK."""
        turn = Turn(at_us, actions)
        for link in self._links.values():
            link.leave(turn)
        return self._end(turn)

    def assume_up(self) -> list[Indication]:
        """Take every link to be active without a peer, for a replay: nothing is sent for it, and no timer runs."""
        turn = Turn(0, [])
        for link in self._links.values():
            link.assume_up()
        turn.changed = True
        return self._end(turn)

    # -- what they are told -------------------------------------------------------------------------------------------

    def _end(self, turn: Turn) -> list[Indication]:
        if turn.changed:
            self._review(turn)
        return turn.indications

    def _review(self, turn: Turn) -> None:
        """Find out anew which exchanges can be reached; they come before what a message just brought from there."""
        news: list[Indication] = []
        for code, variant in self._destinations.items():
            now = any(link.is_usable(code) for link in self._links.values())
            if now == (code in self._reachable):
                continue
            if now:
                self._reachable.add(code)
                news.append(Resumed(code))
            else:
                self._reachable.discard(code)
                news.append(Paused(code))
            for name in self._names_to(code):
                what = "available" if now else "unavailable"
                turn.tell(name, f"destination {point_code_text(code, variant)} {what}", good=now)
        turn.indications[:0] = news

    def _names_to(self, code: int) -> Iterable[str]:
        return [name for name, link in self._links.items() if code in link.link.destinations]

    def readings(self) -> tuple[LinkReading, ...]:
        """How every link stands, in the order of the configuration."""
        return tuple(link.reading() for link in self._links.values())
