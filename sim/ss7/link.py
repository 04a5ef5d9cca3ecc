"""A signalling link of a simulated switch: its associations on a carrier, and what they bring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.transport import sctp
from sim.sip_text import Address
from sim.ss7.association import Association, Side, State

RECONNECT_S: Final = 0.1
"""An application server process tries again after this."""


class LinkLog(Protocol):
    """Keeps what was sent, for a capture."""

    def sent_m3ua(self, source: Address, destination: Address, message: bytes) -> None: ...

    def ended_m3ua(self, source: Address, destination: Address) -> None: ...


class SignallingLink:
    """The way to one neighbour, as client or as server. It is a `gateway.transport.sctp.SctpUser`.

    A client comes back by itself when the association is lost, but not while it was told to stay away (`lose`). A
    server that was told so takes no association for longer than it takes to drop it.
    """

    def __init__(
        self,
        side: Side,
        deliver: Callable[[Mtp3Transfer], None],
        *,
        carrier: sctp.SctpCarrier,
        changed: Callable[[], None] = lambda: None,
        log: LinkLog | None = None,
        routing_context: int | None = None,
    ) -> None:
        self.side = side
        self.lost = False
        """It was told to stay away."""
        self._deliver, self._changed = deliver, changed
        self._carrier = carrier
        self._log = log
        self._routing_context = routing_context
        self._associations: dict[sctp.Association, Association] = {}
        self._neighbour: Address | None = None
        self._listener: sctp.Listener | None = None
        self._dialled: sctp.Association | None = None
        self._again: asyncio.TimerHandle | None = None
        self._closed = False

    def listen(self, address: Address) -> Address:
        """Accept associations; where, with the port, is returned. Raises OSError."""
        self._listener = self._carrier.listen(address, self, lambda _host: True)
        return self._listener.local

    def connect(self, neighbour: Address) -> None:
        """Begin an association, and again whenever it is lost."""
        self._neighbour = neighbour
        self._dial()

    def close(self) -> None:
        self._closed = True
        if self._again is not None:
            self._again.cancel()
        if self._listener is not None:
            self._listener.close()
        for association in (*self._associations, *((self._dialled,) if self._dialled is not None else ())):
            association.abort()

    @property
    def associations(self) -> tuple[Association, ...]:
        """Those that are up."""
        return tuple(self._associations.values())

    @property
    def active(self) -> bool:
        return any(one.state is State.ACTIVE for one in self._associations.values())

    @property
    def faults(self) -> list[str]:
        """What came and should not have, on the associations that are up."""
        return [fault for one in self._associations.values() for fault in one.faults]

    def transfer(self, transfer: Mtp3Transfer) -> bool:
        """Send on one of the active associations, the same for one SLS; False where there is none."""
        active = [one for one in self._associations.values() if one.state is State.ACTIVE]
        return bool(active) and active[transfer.sls % len(active)].transfer(transfer)

    def lose(self) -> None:
        """Abort every association and stay away."""
        self.lost = True
        for association in tuple(self._associations):
            if self._log is not None:
                self._log.ended_m3ua(association.local, association.peer)
            association.abort()

    def restore(self) -> None:
        """Come back after `lose`."""
        self.lost = False
        if self._neighbour is not None and not self._associations:
            self._dial()

    # -- gateway.transport.sctp.SctpUser ------------------------------------------------------------------------------

    def up(self, association: sctp.Association) -> None:
        if self.lost or self._closed:
            association.abort()
            return

        def send(stream: int, data: bytes) -> None:
            if self._log is not None:
                self._log.sent_m3ua(association.local, association.peer, data)
            association.send(stream, data)

        context = self._routing_context
        peer = Association(self.side, send=send, deliver=self._deliver, changed=self._changed, routing_context=context)
        self._associations[association] = peer
        peer.up()

    def received(self, arrived: Sequence[sctp.Arrived]) -> None:
        for association, stream, data in arrived:
            peer = self._associations.get(association)
            if peer is not None:
                peer.take(stream, data)

    def down(self, association: sctp.Association, why: str) -> None:  # noqa: ARG002 - whatever the reason
        peer = self._associations.pop(association, None)
        if peer is not None:
            peer.down()
        if association is self._dialled:
            self._dialled = None
            if not self._closed and not self.lost:
                self._again = asyncio.get_running_loop().call_later(RECONNECT_S, self._dial)

    def _dial(self) -> None:
        if self._closed or self.lost or self._dialled is not None or self._neighbour is None:
            return
        self._dialled = self._carrier.connect(self._neighbour, self)
