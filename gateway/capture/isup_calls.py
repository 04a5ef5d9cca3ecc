"""Which ISUP messages make a call: followed by circuit, from the IAM that seizes it until it is free again (Q.764).

A circuit is known by the two exchanges at its ends and its CIC. Messages of either direction belong to whatever call
has the circuit at the time.
"""

from __future__ import annotations

from itertools import count
from typing import Final

from gateway.capture.calls import AuditedCall, Leg, Place, Role, locator_of
from gateway.capture.circuit_use import Circuit, CircuitUse, End, Release
from gateway.capture.followed_calls import COPY_WITHIN_US, Followed, FollowedCalls, Placed, new_leg
from gateway.capture.msu import Msu
from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import Cause, IsupMessage, MessageType
from gateway.interconnection.trunk_groups import Address
from gateway.signalling.isup_attempt import circuit_call_id

DUAL_SEIZURE_US: Final = 5_000_000
"""Two IAMs from the two ends of a circuit, with nothing else between them, are a dual seizure within this time (T1.113
and Q.764 give no bound); later ones are two calls of which the capture lacks the release of the first."""

_IAM, _ACM, _CPG, _CON, _ANM = (
    int(one) for one in (MessageType.IAM, MessageType.ACM, MessageType.CPG, MessageType.CON, MessageType.ANM)
)
_REL, _RLC, _RSC, _GRS, _CGB, _UCIC = (
    int(one)
    for one in (
        MessageType.REL,
        MessageType.RLC,
        MessageType.RSC,
        MessageType.GRS,
        MessageType.CGB,
        MessageType.UCIC,
    )
)
_PROGRESS: Final = frozenset({_ACM, _CPG, _CON, _ANM})
_ANSWERS: Final = frozenset({_CON, _ANM})
_SAID_AGAIN: Final = frozenset({_REL, _RLC, _RSC, _GRS, _CGB})
"""Messages that are sent again until they are acknowledged (Q.764 timers T1, T5, T16 to T23), and RLC for each REL."""
_NAMES: Final = {int(one): one.name for one in MessageType}
_HARDWARE_FAILURE: Final = 1  # circuit group supervision message type (Q.763 section 3.13)

_CircuitKey = tuple[int, int, int, int]
"""Network indicator, the lower and the higher point code, CIC."""


def type_name(kind: int) -> str:
    """``IAM``; ``ISUP 0x7f`` for a type that is not known."""
    return _NAMES.get(kind) or f"ISUP {kind:#04x}"


class _Seizure:
    __slots__ = ("followed", "leg", "use")

    def __init__(self, followed: Followed, leg: Leg, use: CircuitUse) -> None:
        self.followed = followed
        self.leg = leg
        self.use = use


class IsupCalls:
    """Finds the call and the leg of each ISUP message."""

    def __init__(self, calls: FollowedCalls) -> None:
        self._calls: Final = calls
        self._circuits: Final[dict[_CircuitKey, _Seizure]] = {}
        self._numbers: Final = count(1)
        calls.when_closed.append(self._closed)

    def place(self, message: IsupMessage, msu: Msu, file: str) -> Placed | None:
        """Where a message belongs; None where it is of no call. One for several circuits is of the first of them."""
        place = Place(file, msu.frame, msu.at_us)
        if message.type == _IAM:
            return self._seized(msu, message, place, file)
        if message.type in (_GRS, _CGB):
            return self._group(msu, message, place)
        seizure = self._circuits.get(_key(msu, message.cic or 0))
        if seizure is None:
            return None
        return self._laid(seizure, msu, message, place)

    def on_circuit(self, source: Address) -> Placed | None:
        """The call that an exchange, its point code as it is written, has set up on a circuit."""
        for seizure in self._circuits.values():
            if seizure.leg.source == source and seizure.use.ended is None:
                return Placed(seizure.followed, seizure.leg, Role.ON_CIRCUIT)
        return None

    # -- seizing ------------------------------------------------------------------------------------------------------

    def _seized(self, msu: Msu, message: IsupMessage, place: Place, file: str) -> Placed | None:
        transfer, cic = msu.transfer, message.cic or 0
        key = _key(msu, cic)
        before = self._circuits.get(key)
        circuit = Circuit(msu.variant, transfer.ni, transfer.opc, transfer.dpc, cic)
        gives_way = False
        if before is not None and before.use.ended is None:
            same_way = before.use.circuit == circuit
            if same_way and self._is_copy(before, msu):
                return self._laid(before, msu, message, place)
            if not same_way and _is_dual_seizure(before.use, before.leg, msu.at_us):
                gives_way = not _controls(circuit)
                before.use.dual_seizure = True
                if not gives_way:
                    _end(before.use, End.GAVE_WAY, place)
            else:
                _end(before.use, End.NO_RLC if before.use.release is not None else End.REUSED, place)
        seizure = self._new(circuit, msu, place, file)
        if before is not None and before.use.dual_seizure and before.use.circuit.opc == circuit.dpc:
            seizure.use.dual_seizure = gives_way or before.use.end is End.GAVE_WAY
        if gives_way:
            _end(seizure.use, End.GAVE_WAY, place)
        else:
            self._circuits[key] = seizure
        calls, leg = self._calls, seizure.leg
        calls.repetition(seizure.followed, _way(leg, msu, forward=True), msu.at_us, None)
        calls.counts[Role.INITIAL_IAM] += 1
        calls.add_message(leg, place, "IAM", Role.INITIAL_IAM, forward=True)
        return Placed(seizure.followed, leg, Role.INITIAL_IAM)

    def _new(self, circuit: Circuit, msu: Msu, place: Place, file: str) -> _Seizure:
        source, destination = circuit.source, circuit.destination
        call = AuditedCall(circuit_call_id(source[0], destination[0], circuit.cic, msu.at_us), place)
        followed = self._calls.begin(next(self._numbers), call)
        leg = new_leg(call, source, destination, locator_of(msu, file), hash(msu.transfer.data))
        carrier = (msu.source, msu.destination) if msu.source is not None and msu.destination is not None else None
        leg.circuit = CircuitUse(circuit, carrier)
        self._calls.add_leg(followed, leg, len(msu.transfer.data))
        return _Seizure(followed, leg, leg.circuit)

    def _is_copy(self, seizure: _Seizure, msu: Msu) -> bool:
        """Whether an IAM is one that was captured at another point too: no exchange sends one again on its circuit."""
        leg = seizure.leg
        same = leg.payload_hash == hash(msu.transfer.data)
        return same and abs(msu.at_us - leg.first.place.at_us) < COPY_WITHIN_US

    # -- what follows -------------------------------------------------------------------------------------------------

    def _laid(self, seizure: _Seizure, msu: Msu, message: IsupMessage, place: Place) -> Placed | None:
        use, leg, kind = seizure.use, seizure.leg, message.type
        forward = msu.transfer.opc == use.circuit.opc
        role = self._calls.repetition(seizure.followed, _way(leg, msu, forward=forward), msu.at_us, None)
        if role is Role.RETRANSMISSION and kind not in _SAID_AGAIN:
            role = None
        if use.ended is not None and role is None and kind not in (_REL, _RLC):
            return None  # the call is over: this is of another one, whose IAM the capture does not hold
        if role is None:
            role = Role.ON_CIRCUIT
            if use.ended is None:
                _change(use, message, place, forward=forward)
        self._calls.counts[role] += 1
        self._calls.add_message(leg, place, type_name(kind), role, forward=forward)
        return Placed(seizure.followed, leg, role)

    def _group(self, msu: Msu, message: IsupMessage, place: Place) -> Placed | None:
        """A message for a range of circuits: a reset ends all calls on them, and so does a hardware failure."""
        first = message.cic or 0
        try:
            concerned = _concerned(message)
        except Malformed:
            concerned = ()
        found: Placed | None = None
        end = End.RESET if message.type == _GRS else End.BLOCKED
        for offset in concerned:
            seizure = self._circuits.get(_key(msu, first + offset))
            if seizure is None or seizure.use.ended is not None:
                continue
            _end(seizure.use, end, place)
            forward = msu.transfer.opc == seizure.use.circuit.opc
            self._calls.add_message(seizure.leg, place, type_name(message.type), Role.ON_CIRCUIT, forward=forward)
            found = found or Placed(seizure.followed, seizure.leg, Role.ON_CIRCUIT)
        if found is not None:
            self._calls.counts[Role.ON_CIRCUIT] += 1
        return found

    def joined(self, newer: Followed, older: Followed) -> None:
        """A call that had just begun was made part of another one."""
        for leg in newer.call.legs:
            if leg.circuit is not None:
                seizure = self._circuits.get(_key_of(leg.circuit.circuit))
                if seizure is not None and seizure.leg is leg:
                    seizure.followed = older

    def _closed(self, followed: Followed, early: bool) -> None:
        for leg in followed.call.legs:
            use = leg.circuit
            if use is None:
                continue
            key = _key_of(use.circuit)
            seizure = self._circuits.get(key)
            if seizure is not None and seizure.leg is leg:
                del self._circuits[key]
            if use.ended is None:
                if use.release is not None:
                    use.end = End.NO_RLC
                elif early:
                    use.end = End.NOT_FOLLOWED


def _key(msu: Msu, cic: int) -> _CircuitKey:
    transfer = msu.transfer
    if transfer.opc < transfer.dpc:
        return transfer.ni, transfer.opc, transfer.dpc, cic
    return transfer.ni, transfer.dpc, transfer.opc, cic


def _key_of(circuit: Circuit) -> _CircuitKey:
    low, high = sorted((circuit.opc, circuit.dpc))
    return circuit.network_indicator, low, high, circuit.cic


def _way(leg: Leg, msu: Msu, *, forward: bool) -> tuple[int, tuple[str, int], tuple[str, int]]:
    """A message's bytes and way, as copies of it have them too."""
    bytes_hash = hash(msu.transfer.data)
    return (bytes_hash, leg.source, leg.destination) if forward else (bytes_hash, leg.destination, leg.source)


def _controls(circuit: Circuit) -> bool:
    """Whether the exchange that has seized a circuit has the say over it (Q.764 section 2.9.1.4)."""
    return (circuit.cic % 2 == 0) == (circuit.opc > circuit.dpc)


def _is_dual_seizure(use: CircuitUse, leg: Leg, at_us: int) -> bool:
    nothing_since = use.progressed is None and use.release is None
    return nothing_since and at_us - leg.first.place.at_us < DUAL_SEIZURE_US


def _end(use: CircuitUse, end: End, place: Place) -> None:
    use.end, use.ended = end, place


def _change(use: CircuitUse, message: IsupMessage, place: Place, *, forward: bool) -> None:
    """What a message says of the circuit that is in use."""
    kind = message.type
    if kind in _PROGRESS and not forward:
        use.progressed = use.progressed or place
        if kind in _ANSWERS:
            use.answered = use.answered or place
    elif kind == _REL:
        use.release = use.release or Release(place, forward, _cause(message))
    elif kind == _RLC:
        _end(use, End.RELEASED if use.release is not None else End.NO_REL, place)
    elif kind == _RSC:
        _end(use, End.RESET, place)
    elif kind == _UCIC and not forward:
        _end(use, End.UNEQUIPPED, place)


def _cause(message: IsupMessage) -> Cause | None:
    try:
        return message.cause
    except Malformed:
        return None


def _concerned(message: IsupMessage) -> tuple[int, ...]:
    """Which circuits a group message ends the calls of, counted from its own CIC. Raises Malformed."""
    circuits = message.range_and_status
    if circuits is None:
        return ()
    if message.type == _GRS:
        return tuple(range(circuits.circuits))
    if message.circuit_group_supervision != _HARDWARE_FAILURE:
        return ()
    return tuple(offset for offset, blocked in enumerate(circuits.flags) if blocked)
