"""The circuits of a trunk group: how each stands, and which is seized next (Q.764 section 2.9.1)."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Container
from itertools import islice
from typing import Final, Protocol

from gateway.codecs.ss7.isup import Cause, IsupMessage
from gateway.interconnection.circuit_groups import CircuitGroup
from gateway.interconnection.trunk_groups import TrunkGroup
from gateway.policy.engine import NO_ROOM_FINDING
from gateway.policy.verdict import Finding
from gateway.signalling.call import Action
from gateway.signalling.ss7.circuit_findings import CircuitFindings
from gateway.signalling.ss7.circuit_states import BUSY, CircuitState
from gateway.signalling.ss7.congestion import Congestion
from gateway.signalling.ss7.half_call import HalfCall
from gateway.signalling.ss7.isup_timers import Durations, durations_of

MOST_LOOKED_AT: Final = 128
"""Circuits of a trunk group that are asked why none of them is idle: so many tell, and a refused call stays cheap."""
_IDLE: Final = CircuitState.IDLE


class Circuit:
    """One circuit. It carries a new call of ours only while it is idle and nobody blocks it."""

    __slots__ = (
        "cic",
        "failed_remotely",
        "half",
        "locally_blocked",
        "ours",
        "rel",
        "remotely_blocked",
        "since_us",
        "state",
        "table",
        "unblocking",
    )

    def __init__(self, table: CircuitTable, cic: int) -> None:
        self.table: Final = table
        self.cic: Final = cic
        self.ours: Final = table.group.controls(cic)
        """We have the say over it where both ends seize it at once."""
        self.state = _IDLE
        self.since_us = 0
        """When anything happened on it last."""
        self.half: CircuitHalf | None = None
        """The half of a call that is on it."""
        self.rel: IsupMessage | None = None
        """With what it was released: to be sent again until RLC comes."""
        self.locally_blocked = False
        """We blocked it for maintenance: the other exchange seizes it no more, and neither do we."""
        self.unblocking = False
        """We asked to have it unblocked, and were not answered yet."""
        self.remotely_blocked = False
        """The other exchange blocked it for maintenance."""
        self.failed_remotely = False
        """The other exchange blocked it for a hardware failure."""

    @property
    def stays_blocked(self) -> bool:
        """We blocked it, and have not asked to have it unblocked: the other exchange is held to it."""
        return self.locally_blocked and not self.unblocking

    @property
    def free(self) -> bool:
        return self.state is _IDLE and not (self.locally_blocked or self.remotely_blocked or self.failed_remotely)


class HalfCalls(Protocol):
    """Who speaks on the circuits (`CallProcessing`)."""

    def say(self, half: CircuitHalf, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        """Send a message of the other half."""

    def let_go(
        self, half: CircuitHalf, cause: Cause, rel: IsupMessage | None, at_us: int, actions: list[Action]
    ) -> None:
        """Release the circuit, with the REL that released the other half where there is one, else with the cause."""


class CircuitHalf:
    """The half of a call that is on a circuit (`HalfCall`): the same one when the call moves to another circuit."""

    __slots__ = (
        "_calls",
        "circuit",
        "controlling",
        "emergency",
        "iam",
        "incoming",
        "other",
        "released_by",
        "said",
        "table",
        "timed_out",
        "tried",
    )

    def __init__(self, calls: HalfCalls, table: CircuitTable, iam: IsupMessage, *, incoming: bool) -> None:
        self._calls: Final = calls
        self.table: Final = table
        self.iam = iam
        """As it came, or is to be sent."""
        self.incoming: Final = incoming
        self.circuit: Circuit | None = None
        """The circuit that it is on; None once that is released."""
        self.other: HalfCall | None = None
        self.controlling = False
        """Ours is the first or the last exchange of the call: its other half speaks SIP."""
        self.emergency = False
        self.said: list[IsupMessage] = []
        """What was sent after the IAM while nothing came back: to be said again on another circuit."""
        self.tried: set[int] = set()
        """CICs on which the call was tried."""
        self.timed_out = False
        """It was a timer of ours that released it."""
        self.released_by: IsupMessage | None = None
        """The REL that came for it."""

    def pass_on(self, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        self._calls.say(self, message, at_us, actions)

    def release(self, cause: Cause, at_us: int, actions: list[Action]) -> None:
        self._calls.let_go(self, cause, None, at_us, actions)

    def release_like(self, half: CircuitHalf | None, cause: Cause, at_us: int, actions: list[Action]) -> None:
        """Release this half as that one was: with all that its REL carried, or with the cause where it had none."""
        self._calls.let_go(self, cause, half.released_by if half is not None else None, at_us, actions)


class CircuitTable:
    """The circuits of one trunk group."""

    def __init__(self, trunk_group: TrunkGroup, group: CircuitGroup) -> None:
        self.trunk_group: Final = trunk_group
        self.group: Final = group
        self.durations: Final[Durations] = durations_of(group.variant)
        self.by_cic: Final = {cic: Circuit(self, cic) for cic in group}
        self.neighbours: dict[int, Circuit] = self.by_cic
        """The circuits of all trunk groups between the two exchanges: one message may be about several."""
        self._ours: Final[OrderedDict[int, Circuit]] = OrderedDict()
        self._theirs: Final[OrderedDict[int, Circuit]] = OrderedDict()
        self._findings: Final = CircuitFindings(trunk_group.name, group)
        self._why_none_idle: Finding | None = None
        """Known since the last call that found no circuit, until anything happens to one of them."""
        for circuit in self.by_cic.values():
            self.settle(circuit)
        self.reachable = False
        """There is a way to the exchange at the other end."""
        self.reachable_since_us = 0
        """When that changed last; 0: not yet."""
        self.started = False
        """The circuits were reset when that exchange was reached for the first time."""
        self.blocked_by_operator = False
        self.unowned = False
        """Dedicated, and no provider is cut over to it now (L8)."""
        self.congestion: Final = Congestion(self.durations)
        self.counters: Final[Counter[str]] = Counter()
        """What happened on it, by name: ``glare yielded``, ``T7 expired``, ``unexpected message``."""
        self.releases: Final[Counter[int]] = Counter()
        """Calls that were released, by the cause that came or was sent first."""

    @property
    def name(self) -> str:
        return self.trunk_group.name

    @property
    def closed(self) -> bool:
        """Blocked as a whole: it carries emergency calls, and no other new ones."""
        return self.blocked_by_operator or self.unowned

    @property
    def why_closed(self) -> Finding | None:
        """Why no new call may come on it either, but for emergency calls; None where one may."""
        if self.blocked_by_operator:
            return self._findings.blocked
        return self._findings.kept if self.unowned else None

    # -- selection ----------------------------------------------------------------------------------------------------

    def settle(self, circuit: Circuit) -> None:
        """The circuit was released, blocked, unblocked: have it among those to be seized, or no more."""
        self._why_none_idle = None
        idle = self._ours if circuit.ours else self._theirs
        if not circuit.free:
            idle.pop(circuit.cic, None)
        elif circuit.cic not in idle:
            idle[circuit.cic] = circuit

    def choose(self, tried: Container[int] = (), *, emergency: bool = False) -> Circuit | None:
        """The circuit to seize next, of those that are not in `tried`; None where there is none.

        Of those that we control the one that has been idle for the longest, else of the others the one that was
        released last: so both ends seldom seize the same (method 2 of Q.764 section 2.9.1.3).
        """
        if self.closed and not emergency:
            return None
        for circuit in self._ours.values():
            if circuit.cic not in tried:
                return circuit
        for circuit in reversed(self._theirs.values()):
            if circuit.cic not in tried:
                return circuit
        return None

    def why_no_call(self) -> Finding | None:
        """Why a call that is offered now finds no circuit; None where it does. While the way is congested, one in so
        many does not.
        """
        if self.closed:
            return self.why_closed
        if not self.reachable:
            return self._findings.unreachable
        if not (self._ours or self._theirs):
            if self._why_none_idle is None:
                self._why_none_idle = self._most_frequent_reason()
            return self._why_none_idle
        return None if self.congestion.lets_through() else self._findings.congested

    def _most_frequent_reason(self) -> Finding:
        counted = Counter(_reading(circuit) for circuit in islice(self.by_cic.values(), MOST_LOOKED_AT))
        state = counted.most_common(1)[0][0]
        findings = self._findings
        return {
            "resetting": findings.resetting,
            "blocked locally": findings.opening,
            "blocked remotely": findings.blocked_remotely,
            "unequipped": findings.unequipped,
        }.get(state, NO_ROOM_FINDING)

    # -- readings -----------------------------------------------------------------------------------------------------

    @property
    def in_service(self) -> bool:
        """The exchange can be reached, and a circuit carries calls, or would if we did not block it."""
        return self.reachable and any(_in_service(circuit) for circuit in self.by_cic.values())

    @property
    def since_us(self) -> int:
        """Since when it stands as it does, for whoever looks on: 0, where nothing has happened yet."""
        if not self.reachable or self.in_service:
            return self.reachable_since_us
        return max(circuit.since_us for circuit in self.by_cic.values())

    def by_state(self) -> dict[str, int]:
        """Circuits, by how they stand for whoever looks on: each is counted once."""
        counted = dict.fromkeys(READINGS, 0)
        for circuit in self.by_cic.values():
            counted[_reading(circuit)] += 1
        return counted


READINGS: Final = ("idle", "busy", "blocked locally", "blocked remotely", "resetting", "unequipped", "releasing")
"""How a circuit may stand, in readings."""

RESETTING_STATES: Final = frozenset({CircuitState.RESETTING, CircuitState.STUCK, CircuitState.GROUP_RESETTING})


_OUT_OF_SERVICE: Final = RESETTING_STATES | {CircuitState.UNEQUIPPED}


def _in_service(circuit: Circuit) -> bool:
    return circuit.state not in _OUT_OF_SERVICE and not (circuit.remotely_blocked or circuit.failed_remotely)


def _reading(circuit: Circuit) -> str:
    state = circuit.state
    if state in BUSY:
        return "busy"
    if state in RESETTING_STATES:
        return "resetting"
    if state is CircuitState.UNEQUIPPED:
        return "unequipped"
    if state is not _IDLE:
        return "releasing"
    if circuit.locally_blocked:
        return "blocked locally"
    return "blocked remotely" if circuit.remotely_blocked or circuit.failed_remotely else "idle"
