"""What the replay of a gateway must know of its circuits that its own exchange cannot: which ones were really seized.

The captured gateway and the one that repeats its decisions choose circuits alike, except after what happened before the
capture began. Where the captured one has seized another circuit for a call, the two circuits are taken for each other
from then on: the exchange of the replay goes on by its own numbers, and what the capture says is translated into them.
So both always have the same calls, and as many idle circuits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway.capture.circuit_ids import CircuitId
from gateway.capture.link_replay import MANAGEMENT_STREAM, LinkReplay
from gateway.capture.msu import LinkMessage
from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import IsupMessage, MessageType
from gateway.codecs.ss7.m3ua import MessageType as M3uaType
from gateway.codecs.ss7.m3ua import decode_m3ua, transfer_of
from gateway.codecs.ss7.mtp3 import Mtp3Transfer, ServiceIndicator, point_code_text
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.circuit_groups import CircuitGroup
from gateway.interconnection.links import Link
from gateway.interconnection.trunk_groups import Address, Hop
from gateway.signalling.call import Action, Carry
from gateway.signalling.ss7.signalling_point import SignallingPoint

LEARNT_WITHIN_US: Final = 5_000_000
"""How long after an IAM of the replay that of the captured gateway may come for the same call."""
MOST_SENT: Final = 10_000
"""IAMs of the replay that are waited for in the capture."""
_ISUP: Final = int(ServiceIndicator.ISUP)
_IAM: Final = int(MessageType.IAM)
_GROUP_OF: Final = {
    int(group): int(single)
    for group, single in (
        (MessageType.GRS, MessageType.RSC),
        (MessageType.CGB, MessageType.BLO),
        (MessageType.CGU, MessageType.UBL),
    )
}
"""What says of one circuit what a message of maintenance says of a range."""
_BEGINS: Final = frozenset(
    int(one)
    for one in (
        MessageType.IAM,
        MessageType.RSC,
        MessageType.GRS,
        MessageType.BLO,
        MessageType.UBL,
        MessageType.CGB,
        MessageType.CGU,
        MessageType.CQM,
        MessageType.CCR,
    )
)
"""Messages that mean something on a circuit of which the capture has shown nothing yet."""
_CIC_BITS: Final = {Variant.ANSI: 14, Variant.ITU: 12}

_Circuit = tuple[int, int]
"""Point code of the other exchange, and CIC."""


class _Sent(NamedTuple):
    at_us: int
    dpc: int
    cic: int
    numbers: tuple[str, str]


class CircuitReplay:
    """Translates the circuits of a capture into those of the replay's exchange."""

    def __init__(self, variants: dict[int, Variant]) -> None:
        """`variants`: what is spoken with each of the other exchanges, by their point codes."""
        self._variants: Final = variants
        self._ours: Final[dict[_Circuit, int]] = {}  # the capture's circuit to the replay's, where it is another
        self._theirs: Final[dict[_Circuit, int]] = {}
        self._begun: Final[set[_Circuit]] = set()  # circuits of which the capture has shown how they stand
        self._sent: Final[deque[_Sent]] = deque(maxlen=MOST_SENT)

    def received(self, transfer: Mtp3Transfer) -> list[Mtp3Transfer]:
        """What the replay's exchange is told in place of a message that reached the captured one.

        Nothing, for what belongs to a call from before the capture: its exchange would take it for a fault.
        """
        variant = self._variants.get(transfer.opc)
        data = transfer.data
        if variant is None or transfer.si != _ISUP or len(data) < 3:
            return [transfer]
        cic = _cic(data, variant)
        kind = data[2]
        if kind in _GROUP_OF:
            return self._of_range(transfer, variant, cic)
        if kind in _BEGINS:
            self._begun.add((transfer.opc, cic))
        elif (transfer.opc, cic) not in self._begun:
            return []
        return [self._on_circuit(transfer, variant, cic)]

    def would_send(self, actions: list[Action], at_us: int) -> None:
        """Remember the IAMs that the replay would send: the captured gateway has sent them too, on some circuit."""
        for action in actions:
            if not isinstance(action, Carry):
                continue
            message = decode_m3ua(action.data)
            if message.type != M3uaType.DATA:
                continue
            transfer = transfer_of(message)
            seizure = self._seizure(transfer)
            if seizure is not None:
                self._sent.append(_Sent(at_us, transfer.dpc, *seizure))

    def sent(self, transfer: Mtp3Transfer, at_us: int) -> None:
        """What the captured gateway sent: an IAM shows the circuit that it has chosen."""
        variant = self._variants.get(transfer.dpc)
        seizure = self._seizure(transfer)
        if variant is None or seizure is None:
            if variant is not None and transfer.si == _ISUP and transfer.data[2:3] and transfer.data[2] in _BEGINS:
                self._begun.add((transfer.dpc, _cic(transfer.data, variant)))
            return
        cic, numbers = seizure
        self._begun.add((transfer.dpc, cic))
        while self._sent and at_us - self._sent[0].at_us > LEARNT_WITHIN_US:
            self._sent.popleft()
        for place, one in enumerate(self._sent):
            if one.dpc == transfer.dpc and one.numbers == numbers:
                del self._sent[place]
                self._exchange(transfer.dpc, cic, one.cic)
                return

    def replayed_cic(self, adjacent: int, cic: int) -> int:
        """The circuit of the replay's exchange that is a circuit of the capture."""
        return self._ours.get((adjacent, cic), cic)

    def captured_cic(self, adjacent: int, cic: int) -> int:
        """The circuit of the capture that is a circuit of the replay's exchange."""
        return self._theirs.get((adjacent, cic), cic)

    def _seizure(self, transfer: Mtp3Transfer) -> tuple[int, tuple[str, str]] | None:
        """CIC and numbers of an IAM; None for anything else."""
        variant = self._variants.get(transfer.dpc)
        if variant is None or transfer.si != _ISUP or len(transfer.data) < 3 or transfer.data[2] != _IAM:
            return None
        try:
            iam = IsupMessage(transfer.data, variant)
            calling, called = iam.calling, iam.called
        except Malformed:
            return None
        digits = (calling.digits if calling is not None else "", called.digits if called is not None else "")
        return iam.cic or 0, digits

    def _exchange(self, adjacent: int, captured: int, replayed: int) -> None:
        """Take one circuit of the capture for one of the replay, and the two that were so for each other."""
        before = self._ours.get((adjacent, captured), captured)
        if before == replayed:
            return
        other = self._theirs.get((adjacent, replayed), replayed)
        for theirs, ours in ((captured, replayed), (other, before)):
            self._ours[adjacent, theirs] = ours
            self._theirs[adjacent, ours] = theirs

    def _on_circuit(self, transfer: Mtp3Transfer, variant: Variant, cic: int) -> Mtp3Transfer:
        ours = self._ours.get((transfer.opc, cic), cic)
        return transfer if ours == cic else transfer._replace(data=_with_cic(transfer.data, variant, ours))

    def _of_range(self, transfer: Mtp3Transfer, variant: Variant, cic: int) -> list[Mtp3Transfer]:
        """A message for a range: as it is where the circuits are the same ones, else one for each of them."""
        try:
            message = IsupMessage(transfer.data, variant)
            circuits = message.range_and_status
        except Malformed:
            return [transfer]
        if circuits is None:
            return [transfer]
        concerned = range(cic, cic + circuits.circuits)
        self._begun.update((transfer.opc, one) for one in concerned)
        if all(self._ours.get((transfer.opc, one), one) == one for one in concerned):
            return [transfer]
        flags = circuits.flags or (True,) * circuits.circuits
        single = bytes((_GROUP_OF[message.type],))
        named = (self._ours.get((transfer.opc, one), one) for one, flag in zip(concerned, flags, strict=False) if flag)
        return [transfer._replace(data=one.to_bytes(2, "little") + single) for one in named]


def _cic(data: bytes, variant: Variant) -> int:
    return (data[0] | data[1] << 8) & ((1 << _CIC_BITS[variant]) - 1)


def _with_cic(data: bytes, variant: Variant, cic: int) -> bytes:
    """A message on another circuit; the spare bits of its CIC stay."""
    spare = (data[0] | data[1] << 8) >> _CIC_BITS[variant] << _CIC_BITS[variant]
    return (spare | cic).to_bytes(2, "little") + data[2:]


class ExchangeReplay:
    """The SS7 side of a gateway that decides again."""

    def __init__(self, point: SignallingPoint, groups: Sequence[CircuitGroup], links: Sequence[Link]) -> None:
        """`groups` are those of all its trunk groups with circuits, `links` those by which they are signalled."""
        self.point: Final = point
        self.own: Final = frozenset(group.own for group in groups)
        """Its point codes."""
        self._codes: Final = {point_code_text(group.adjacent, group.variant): group.adjacent for group in groups}
        self.learnt: Final = CircuitReplay({group.adjacent: group.variant for group in groups})
        self._links: Final = LinkReplay(links)

    def take_of_link(self, message: LinkMessage, at_us: int) -> list[Action]:
        """What the point does about a message that reached it on a link, or about the end of an association."""
        name, begins = self._links.association_of(message)
        if name is None:
            return []
        if not message.message:
            return self.point.link_down(name, at_us)
        actions = self.point.link_up(name, at_us) if begins else []
        return actions + self.point.link_received(name, MANAGEMENT_STREAM, message.message, at_us)

    def captured(self, source: Hop) -> Address:
        """Where a call came from in the capture that came to the replay's exchange from `source`."""
        adjacent = self._codes.get(source.host)
        return source.host, source.port if adjacent is None else self.learnt.captured_cic(adjacent, source.port)

    def replayed(self, made_of: tuple[str, str, int, int]) -> CircuitId:
        """What the replay makes a Call-ID of, where the captured gateway has made it of this circuit."""
        source, destination, cic, _ = made_of
        adjacent = self._codes.get(source)
        return source, destination, cic if adjacent is None else self.learnt.replayed_cic(adjacent, cic)
