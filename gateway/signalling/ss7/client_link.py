"""A link of which we are the client: the one association there is, as `m3ua_links` asks of every link."""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.interconnection.links import Link
from gateway.signalling.ss7.asp_states import ClientState
from gateway.signalling.ss7.association import MessageCounts
from gateway.signalling.ss7.client_association import ClientAssociation
from gateway.signalling.ss7.link_readings import AssociationReading, LinkReading, by_error, by_type, refused_by
from gateway.signalling.ss7.turn import Deadlines, Turn

_DOWN: Final = ClientState.DOWN


class ClientLink:
    """One link of the configuration. Every method that is handed a turn puts there what is to be done."""

    def __init__(self, link: Link, deadlines: Deadlines) -> None:
        self.link: Final = link
        self._counts: Final = MessageCounts()
        self._association: Final = ClientAssociation(link, deadlines, self._counts)

    def up(self, name: str, turn: Turn) -> None:  # noqa: ARG002 - there is one, of the link's name
        self._association.lost(turn)
        self._association.connected(turn)

    def down(self, name: str, turn: Turn) -> None:  # noqa: ARG002
        self._association.lost(turn)

    def receive(self, name: str, stream: int, data: bytes, turn: Turn) -> None:  # noqa: ARG002
        if self._association.state is not _DOWN:
            self._association.receive(stream, data, turn)

    def leave(self, turn: Turn) -> None:
        self._association.leave(turn)

    def assume_up(self) -> None:
        self._association.assume_up()

    def is_usable(self, dpc: int) -> bool:
        return self._association.is_usable(dpc)

    def is_preferred(self, dpc: int) -> bool:
        return self._association.is_preferred(dpc)

    def send(self, transfer: Mtp3Transfer, share: int, turn: Turn) -> bool:  # noqa: ARG002 - all is the one's
        return self._association.send(transfer, turn)

    def reachable(self, code: int, turn: Turn, *, available: bool) -> None:
        """A process tells a signalling gateway nothing of destinations."""

    def reading(self) -> LinkReading:
        counts, association = self._counts, self._association
        return LinkReading(
            self.link.name,
            association.state.value,
            association.state is ClientState.ACTIVE,
            (AssociationReading(association.name, association.state.value),),
            by_type(counts.received),
            by_type(counts.sent),
            refused_by(counts),
            by_error(counts.errors),
            counts.lost,
            0,
            tuple(code for code in self.link.destinations if not self.is_usable(code)),
            {one.code: one.level for one in association.destinations.by_code.values() if one.level},
        )
