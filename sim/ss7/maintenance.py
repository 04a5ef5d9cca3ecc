"""Circuit maintenance of a simulated switch: blocking, reset, continuity and queries, asked by either end.

What the neighbour asks is done at once and acknowledged (Q.764 section 2.8); what the switch asks itself is kept until
the acknowledgement comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from gateway.codecs.ss7.isup import (
    CircuitState,
    IsupMessage,
    MessageType,
    P,
    RangeAndStatus,
    decode_range_and_status,
    encode_circuit_states,
    encode_range_and_status,
    isup_message,
    range_and_status,
)
from sim.ss7.circuit_call import Send
from sim.ss7.circuits import Circuit, Trunks

LARGEST_GROUP: Final = 24
"""Circuits in one group message of ANSI (T1.113.4: the range is at most 23)."""


class Maintenance:
    """Does what maintenance messages ask, and asks for it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.unacknowledged: set[tuple[str, int, MessageType]] = set()
        """Trunk group, CIC and message of what was asked and not acknowledged yet."""

    # -- asked by the switch ------------------------------------------------------------------------------------------

    def block(self, trunks: Trunks, cics: Sequence[int], *, group: bool) -> None:
        """Tell the neighbour not to use circuits: BLO for each, or CGB for all of a stretch."""
        self._ask(trunks, cics, MessageType.CGB if group else MessageType.BLO)
        for cic in cics:
            trunks.circuits[cic].blocked_here = True

    def unblock(self, trunks: Trunks, cics: Sequence[int], *, group: bool) -> None:
        self._ask(trunks, cics, MessageType.CGU if group else MessageType.UBL)
        for cic in cics:
            trunks.circuits[cic].blocked_here = False

    def reset(self, trunks: Trunks, cics: Sequence[int], *, group: bool) -> None:
        """Clear circuits of whatever is on them: RSC for each, or GRS for all of a stretch."""
        for cic in cics:
            _clear(trunks.circuits[cic])
            trunks.circuits[cic].clearing = True
        self._ask(trunks, cics, MessageType.GRS if group else MessageType.RSC)

    def _ask(self, trunks: Trunks, cics: Sequence[int], kind: MessageType) -> None:
        """A group message for each stretch; a range of one circuit there is not (Q.763 section 3.43 a)."""
        single = _SINGLE.get(kind, kind)
        for stretch in _stretches(cics) if kind in _SINGLE else ([cic] for cic in cics):
            asked = kind if len(stretch) > 1 else single
            self.unacknowledged.add((trunks.name, stretch[0], asked))
            if asked in _SINGLE:
                self._say_group(trunks, asked, stretch[0], [True] * len(stretch))
            else:
                self._say(trunks, asked, stretch[0])

    # -- asked by the neighbour ---------------------------------------------------------------------------------------

    def take(self, trunks: Trunks, message: IsupMessage) -> bool:
        """Do what a message asks; False where it is none of maintenance."""
        handler = _HANDLERS.get(message.type)
        if handler is None or message.cic is None:
            return False
        handler(self, trunks, message, message.cic)
        return True

    def _block(self, trunks: Trunks, _message: IsupMessage, cic: int) -> None:
        trunks.circuits[cic].blocked_there = True
        self._say(trunks, MessageType.BLA, cic)

    def _unblock(self, trunks: Trunks, _message: IsupMessage, cic: int) -> None:
        trunks.circuits[cic].blocked_there = False
        self._say(trunks, MessageType.UBA, cic)

    def _reset(self, trunks: Trunks, _message: IsupMessage, cic: int) -> None:
        """The circuit is idle, and no longer blocked from there; a blocking of ours is said again (Q.764 2.9.3.1)."""
        circuit = trunks.circuits[cic]
        _clear(circuit)
        circuit.blocked_there = False
        if circuit.blocked_here:
            self._ask(trunks, (cic,), MessageType.BLO)
        self._say(trunks, MessageType.RLC, cic)

    def _block_group(self, trunks: Trunks, message: IsupMessage, cic: int) -> None:
        self._group(trunks, message, cic, MessageType.CGBA, blocked=True)

    def _unblock_group(self, trunks: Trunks, message: IsupMessage, cic: int) -> None:
        self._group(trunks, message, cic, MessageType.CGUA, blocked=False)

    def _group(self, trunks: Trunks, message: IsupMessage, cic: int, answer: MessageType, *, blocked: bool) -> None:
        flags = _range_of(message).flags
        for number, flag in enumerate(flags, start=cic):
            if flag and number in trunks.circuits:
                trunks.circuits[number].blocked_there = blocked
        self._say_group(trunks, answer, cic, flags)

    def _reset_group(self, trunks: Trunks, message: IsupMessage, cic: int) -> None:
        count = _range_of(message).circuits
        blocked = []
        for number in range(cic, cic + count):
            circuit = trunks.circuits.get(number)
            if circuit is not None:
                _clear(circuit)
                circuit.blocked_there = False
            blocked.append(circuit is not None and circuit.blocked_here)
        self._say_group(trunks, MessageType.GRA, cic, blocked)

    def _query(self, trunks: Trunks, message: IsupMessage, cic: int) -> None:
        asked = _range_of(message)
        states = [_state_of(trunks.circuits.get(number)) for number in range(cic, cic + asked.circuits)]
        parameters = (
            (P.RANGE_AND_STATUS, encode_range_and_status(RangeAndStatus(asked.range))),
            (P.CIRCUIT_STATE, encode_circuit_states(states)),
        )
        self._send(trunks, isup_message(trunks.variant, MessageType.CQR, cic, parameters))

    def _check_continuity(self, trunks: Trunks, _message: IsupMessage, cic: int) -> None:
        """A check tone is looped back (T1.113.4 section 2.1.8); no tone is in the lab."""
        self._say(trunks, MessageType.LPA, cic)

    def _unequipped(self, trunks: Trunks, _message: IsupMessage, cic: int) -> None:
        trunks.circuits[cic].unequipped = True

    def _acknowledged(self, trunks: Trunks, message: IsupMessage, cic: int) -> None:
        asked = _ACKNOWLEDGES[MessageType(message.type)]
        self.unacknowledged.discard((trunks.name, cic, asked))
        if asked is MessageType.GRS:
            status = _range_of(message)
            for number, flag in enumerate(status.flags, start=cic):
                if number in trunks.circuits:
                    trunks.circuits[number].clearing = False
                    trunks.circuits[number].blocked_there = flag

    def reset_acknowledged(self, trunks: Trunks, cic: int) -> None:
        """RLC came on a circuit without a call: it answers our RSC."""
        self.unacknowledged.discard((trunks.name, cic, MessageType.RSC))
        trunks.circuits[cic].clearing = False
        trunks.circuits[cic].blocked_there = False

    # -- saying -------------------------------------------------------------------------------------------------------

    def _say(self, trunks: Trunks, kind: MessageType, cic: int) -> None:
        self._send(trunks, isup_message(trunks.variant, kind, cic, ()))

    def _say_group(self, trunks: Trunks, kind: MessageType, cic: int, flags: Sequence[bool]) -> None:
        status = range_and_status(flags)
        if kind is MessageType.GRS:
            status = RangeAndStatus(status.range)
        parameters: list[tuple[int, bytes]] = [(P.RANGE_AND_STATUS, encode_range_and_status(status))]
        if kind in _SUPERVISED:
            parameters.insert(0, (P.CIRCUIT_GROUP_SUPERVISION, b"\0"))
        self._send(trunks, isup_message(trunks.variant, kind, cic, parameters))


_SINGLE: Final[Mapping[MessageType, MessageType]] = {
    MessageType.CGB: MessageType.BLO,
    MessageType.CGU: MessageType.UBL,
    MessageType.GRS: MessageType.RSC,
}
"""Group message -> what asks the same of one circuit."""
_SUPERVISED: Final = frozenset((MessageType.CGB, MessageType.CGU, MessageType.CGBA, MessageType.CGUA))
_ACKNOWLEDGES: Final = {
    MessageType.BLA: MessageType.BLO,
    MessageType.UBA: MessageType.UBL,
    MessageType.CGBA: MessageType.CGB,
    MessageType.CGUA: MessageType.CGU,
    MessageType.GRA: MessageType.GRS,
}
_Handler = Callable[[Maintenance, Trunks, IsupMessage, int], None]
_HANDLERS: Final[Mapping[int, _Handler]] = {
    MessageType.BLO: Maintenance._block,
    MessageType.UBL: Maintenance._unblock,
    MessageType.RSC: Maintenance._reset,
    MessageType.CGB: Maintenance._block_group,
    MessageType.CGU: Maintenance._unblock_group,
    MessageType.GRS: Maintenance._reset_group,
    MessageType.CQM: Maintenance._query,
    MessageType.CCR: Maintenance._check_continuity,
    MessageType.UCIC: Maintenance._unequipped,
    **dict.fromkeys(_ACKNOWLEDGES, Maintenance._acknowledged),
}


def _stretches(cics: Iterable[int]) -> Iterator[list[int]]:
    """Circuits that one message can name: consecutive ones, at most `LARGEST_GROUP`."""
    stretch: list[int] = []
    for cic in sorted(cics):
        if stretch and (cic != stretch[-1] + 1 or len(stretch) == LARGEST_GROUP):
            yield stretch
            stretch = []
        stretch.append(cic)
    if stretch:
        yield stretch


def _range_of(message: IsupMessage) -> RangeAndStatus:
    return decode_range_and_status(message.value(P.RANGE_AND_STATUS) or b"")


def _clear(circuit: Circuit) -> None:
    if circuit.call is not None:
        circuit.call.reset()
    circuit.call, circuit.clearing = None, False


def _state_of(circuit: Circuit | None) -> CircuitState:
    """As CQR says it (Q.763 section 3.14)."""
    if circuit is None:
        return CircuitState(maintenance=3, call=0, hardware=0)
    blocked = circuit.blocked_here | circuit.blocked_there << 1
    if circuit.call is None:
        return CircuitState(maintenance=blocked, call=3, hardware=0)
    return CircuitState(maintenance=blocked, call=2 if circuit.call.outgoing else 1, hardware=0)
