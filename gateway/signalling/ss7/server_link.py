"""A link of which we are the server: its associations, one for each process that connects, and what they serve."""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.interconnection.links import Link
from gateway.signalling.ss7.application_servers import ApplicationServers, RoutingContexts
from gateway.signalling.ss7.asp_states import AsState
from gateway.signalling.ss7.association import MessageCounts
from gateway.signalling.ss7.link_readings import AssociationReading, LinkReading, by_error, by_type, refused_by
from gateway.signalling.ss7.server_association import Reachability, ServerAssociation
from gateway.signalling.ss7.turn import Deadlines, Turn

MAX_ASSOCIATIONS: Final = 16
"""Associations of one link that are kept up at a time."""
_BEST_FIRST: Final = (AsState.ACTIVE, AsState.PENDING, AsState.INACTIVE, AsState.DOWN)


class ServerLink:
    """One link of the configuration. Every method that is handed a turn puts there what is to be done."""

    def __init__(self, link: Link, contexts: RoutingContexts, deadlines: Deadlines) -> None:
        self.link: Final = link
        self._deadlines: Final = deadlines
        self._counts: Final = MessageCounts()
        self._servers: Final = ApplicationServers(link, contexts, deadlines, self._counts)
        self._reachability: Final = Reachability(link.own)
        self._associations: Final[dict[str, ServerAssociation]] = {}
        self._is_locked_out = False

    # -- associations -------------------------------------------------------------------------------------------------

    def up(self, name: str, turn: Turn) -> None:
        self.down(name, turn)
        if len(self._associations) >= MAX_ASSOCIATIONS:
            turn.drop(name, f"{MAX_ASSOCIATIONS} associations of the link are up")
            return
        association = self._new(name)
        association.is_locked_out = self._is_locked_out
        association.start_beats(turn)

    def _new(self, name: str) -> ServerAssociation:
        association = ServerAssociation(
            name, self.link, self._servers, self._reachability, self._deadlines, self._counts
        )
        self._associations[name] = association
        return association

    def down(self, name: str, turn: Turn) -> None:
        association = self._associations.pop(name, None)
        if association is not None:
            association.lost(turn)

    def receive(self, name: str, stream: int, data: bytes, turn: Turn) -> None:
        association = self._associations.get(name)
        if association is not None:
            association.receive(stream, data, turn)

    def leave(self, turn: Turn) -> None:
        self._is_locked_out = True
        for association in self._associations.values():
            association.lock_out(turn)

    def assume_up(self) -> None:
        """Have one process be active without a peer: for a replay. No timer runs."""
        name = f"{self.link.name}#1"
        if name not in self._associations:
            association = self._new(name)
            association.is_up = True
            self._servers.configured.assume_active(association)

    # -- traffic ------------------------------------------------------------------------------------------------------

    def is_usable(self, dpc: int) -> bool:
        server = self._servers.serving(dpc)
        return server is not None and server.is_usable

    def is_preferred(self, dpc: int) -> bool:
        return self.is_usable(dpc)

    def send(self, transfer: Mtp3Transfer, share: int, turn: Turn) -> bool:
        server = self._servers.serving(transfer.dpc)
        return server is not None and server.send(transfer, share, turn)

    def reachable(self, code: int, turn: Turn, *, available: bool) -> None:
        """An exchange behind us can be reached, or no longer: the processes are told (DAVA, DUNA)."""
        if code in self.link.destinations:
            return
        self._reachability.by_code[code] = available
        for association in self._associations.values():
            association.announce((code,), turn, available=available)

    # -- readings -----------------------------------------------------------------------------------------------------

    def reading(self) -> LinkReading:
        servers, counts = self._servers.all(), self._counts
        state = min((server.state for server in servers), key=_BEST_FIRST.index)
        return LinkReading(
            self.link.name,
            state.value,
            state is AsState.ACTIVE,
            tuple(AssociationReading(one.name, one.state.value) for one in self._associations.values()),
            by_type(counts.received),
            by_type(counts.sent),
            refused_by(counts),
            by_error(counts.errors),
            counts.lost,
            sum(server.waiting for server in servers),
            tuple(code for code in self.link.destinations if not self.is_usable(code)),
            {},
        )
