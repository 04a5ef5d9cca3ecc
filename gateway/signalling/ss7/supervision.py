"""Requests to the other exchange about circuits, and how they are repeated until they are answered (Q.764 section 2.8).

What a request says, what answers it and which timers repeat it is one row of a table. A request is repeated at short
intervals; after minutes maintenance is told, and it is repeated at long ones, until the answer comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.codecs.ss7.isup import (
    IsupMessage,
    MessageType,
    P,
    RangeAndStatus,
    encode_range_and_status,
    isup_message,
    range_and_status,
)
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.call import Action, Ss7Changed
from gateway.signalling.ss7.circuits import Circuit, CircuitTable
from gateway.signalling.ss7.isup_signals import Signals
from gateway.signalling.ss7.isup_timers import Timer
from gateway.signalling.timers import TimerQueue

LARGEST_GROUP: Final = {Variant.ITU: 32, Variant.ANSI: 24}
"""Circuits that one message is about: of a reset 32 at the most (Q.763 section 3.43), in ANSI those of a T1 line."""
MOST_MARKED: Final = 32
"""Circuits that one CGB or CGU may be about (Q.763 section 3.43)."""
MAINTENANCE: Final = 0
HARDWARE: Final = 1
"""Circuit group supervision message type: why the group is blocked (Q.763 section 3.13)."""


class Request(Enum):
    """What is asked of the other exchange."""

    BLOCK = "BLO"
    UNBLOCK = "UBL"
    BLOCK_GROUP = "CGB"
    UNBLOCK_GROUP = "CGU"
    RESET_GROUP = "GRS"
    QUERY = "CQM"


class Procedure(NamedTuple):
    """How a request is made."""

    message: MessageType
    answer: MessageType
    repeat: Timer
    alert: Timer | None
    """When maintenance is told; None: the request is not repeated, and nobody waits for it."""


PROCEDURES: Final[Mapping[Request, Procedure]] = MappingProxyType(
    {
        Request.BLOCK: Procedure(MessageType.BLO, MessageType.BLA, Timer.T12, Timer.T13),
        Request.UNBLOCK: Procedure(MessageType.UBL, MessageType.UBA, Timer.T14, Timer.T15),
        Request.BLOCK_GROUP: Procedure(MessageType.CGB, MessageType.CGBA, Timer.T18, Timer.T19),
        Request.UNBLOCK_GROUP: Procedure(MessageType.CGU, MessageType.CGUA, Timer.T20, Timer.T21),
        Request.RESET_GROUP: Procedure(MessageType.GRS, MessageType.GRA, Timer.T22, Timer.T23),
        Request.QUERY: Procedure(MessageType.CQM, MessageType.CQR, Timer.T28, None),
    }
)
ANSWERS: Final = MappingProxyType({procedure.answer: request for request, procedure in PROCEDURES.items()})

MOST_NAMED: Final = 16
"""Ranges of circuits that are named in one line of the log."""
QUIET_US: Final = 240_000_000
"""That requests of a kind are not answered is told again after this time, in microseconds, at the earliest."""

Key = tuple[Request, int, int]
"""Request, first CIC, number of circuits."""


class Pending(NamedTuple):
    """A request that was sent and is not answered."""

    request: Request
    table: CircuitTable
    circuits: tuple[Circuit, ...]
    message: IsupMessage
    asked_at_us: int
    """When it was sent first."""

    @property
    def key(self) -> Key:
        return self.request, self.circuits[0].cic, len(self.circuits)


class Supervision:
    """Sends requests, repeats them, and finds the one that an answer belongs to. Times in microseconds."""

    def __init__(self, signals: Signals) -> None:
        self._signals: Final = signals
        self._timers: Final[TimerQueue[Timer, tuple[CircuitTable, Key]]] = TimerQueue()
        self._pending: Final[dict[tuple[CircuitTable, Key], Pending]] = {}
        self._told: Final[dict[tuple[CircuitTable, Request], int]] = {}
        """When it was told last that requests of a kind are not answered."""

    @property
    def next_us(self) -> int | None:
        return self._timers.next_us

    def ask(self, request: Request, circuits: Sequence[Circuit], at_us: int, actions: list[Action]) -> None:
        """Send a request about circuits of one table with consecutive CICs; one that contradicts it is given up."""
        table = circuits[0].table
        pending = Pending(request, table, tuple(circuits), _message(request, circuits), at_us)
        place = (table, pending.key)
        opposite = _OPPOSITES.get(request)
        if opposite is not None:
            self._give_up((table, (opposite, *pending.key[1:])))
        self._give_up(place)
        self._pending[place] = pending
        self._send(pending, at_us, actions)
        procedure = PROCEDURES[request]
        for timer in (procedure.repeat, procedure.alert):
            if timer is not None:
                self._timers.start(timer, place, at_us, table.durations[timer])

    def answered(
        self, table: CircuitTable, kind: int, first: int, count: int, *, wholly: bool = True
    ) -> Pending | None:
        """The request that is answered by a message of this type; None where nothing like it was asked.

        What an answer does not acknowledge `wholly` is asked again when its timers say so.
        """
        request = ANSWERS.get(MessageType(kind))
        if request is None:
            return None
        place = (table, (request, first, count))
        pending = self._pending.get(place)
        if wholly:
            self._give_up(place)
        return pending

    def asked_to_block(self, table: CircuitTable) -> set[int]:
        """CICs of which it was not acknowledged yet that they are to be blocked, or unblocked."""
        return {
            circuit.cic
            for pending in self._pending.values()
            if pending.table is table and pending.request in _OPPOSITES
            for circuit in pending.circuits
        }

    def forget(self, table: CircuitTable) -> None:
        """Nothing that was asked about these circuits is waited for any more."""
        for place in [place for place in self._pending if place[0] is table]:
            self._give_up(place)
        for request in Request:
            self._told.pop((table, request), None)

    def fire(self, at_us: int, actions: list[Action]) -> None:
        """Send again what was not answered."""
        unanswered: dict[tuple[CircuitTable, Request], None] = {}
        for timer, place in self._timers.due(at_us):
            pending = self._pending.get(place)
            if pending is None:
                continue
            table = pending.table
            table.counters[f"{timer} expired"] += 1
            procedure = PROCEDURES[pending.request]
            if procedure.alert is None:
                self._give_up(place)
                continue
            if timer is procedure.alert:
                self._timers.stop(procedure.repeat, place, table.durations[procedure.repeat])
            if timer is procedure.alert or pending.request is Request.RESET_GROUP:
                unanswered[table, pending.request] = None
            self._send(pending, at_us, actions)
            self._timers.start(timer, place, at_us, table.durations[timer])
        for table, request in unanswered:
            self._tell_unanswered(table, request, at_us, actions)

    def _tell_unanswered(self, table: CircuitTable, request: Request, at_us: int, actions: list[Action]) -> None:
        """One line about all circuits of a group for which nothing answers, and not another one for a while."""
        told_us = self._told.get((table, request))
        if told_us is not None and at_us < told_us + QUIET_US:
            return
        self._told[table, request] = at_us
        waiting = [
            circuit.cic
            for pending in self._pending.values()
            if pending.table is table and pending.request is request
            for circuit in pending.circuits
        ]
        procedure = PROCEDURES[request]
        text = f"{procedure.message.name} of {named(waiting)} not answered by {procedure.answer.name}"
        actions.append(Ss7Changed(f"trunk group {table.name}", text, good=False, at_us=at_us))

    def _send(self, pending: Pending, at_us: int, actions: list[Action]) -> None:
        # An ANSI exchange acts when it has had a group message twice within five seconds (T1.113.4).
        twice = pending.table.group.variant is Variant.ANSI and pending.request in _GROUP_WIDE
        for _ in range(2 if twice else 1):
            self._signals.send(pending.table, pending.circuits[0].cic, pending.message, at_us, actions)

    def _give_up(self, place: tuple[CircuitTable, Key]) -> None:
        pending = self._pending.pop(place, None)
        if pending is None:
            return
        procedure = PROCEDURES[pending.request]
        for timer in (procedure.repeat, procedure.alert):
            if timer is not None:
                self._timers.stop(timer, place, pending.table.durations[timer])


_OPPOSITES: Final = {
    Request.BLOCK: Request.UNBLOCK,
    Request.UNBLOCK: Request.BLOCK,
    Request.BLOCK_GROUP: Request.UNBLOCK_GROUP,
    Request.UNBLOCK_GROUP: Request.BLOCK_GROUP,
}
_GROUP_WIDE: Final = frozenset({Request.BLOCK_GROUP, Request.UNBLOCK_GROUP, Request.RESET_GROUP})


def runs(circuits: Sequence[Circuit]) -> list[list[Circuit]]:
    """Circuits, ascending, cut into runs of consecutive CICs that one message can be about."""
    found: list[list[Circuit]] = []
    for circuit in circuits:
        last = found[-1] if found else []
        longest = LARGEST_GROUP[circuit.table.group.variant]
        if last and last[-1].cic + 1 == circuit.cic and len(last) < longest:
            last.append(circuit)
        else:
            found.append([circuit])
    return found


def group_message(
    variant: Variant, kind: MessageType, cic: int, group: RangeAndStatus, supervision: int = MAINTENANCE
) -> IsupMessage:
    """GRS, GRA, CQM, CGB, CGBA, CGU or CGUA."""
    parameters = [(int(P.RANGE_AND_STATUS), encode_range_and_status(group))]
    if kind in _WITH_SUPERVISION:
        parameters.append((int(P.CIRCUIT_GROUP_SUPERVISION), bytes((supervision,))))
    return isup_message(variant, kind, cic, parameters)


_WITH_SUPERVISION: Final = frozenset({MessageType.CGB, MessageType.CGBA, MessageType.CGU, MessageType.CGUA})


def _message(request: Request, circuits: Sequence[Circuit]) -> IsupMessage:
    variant = circuits[0].table.group.variant
    kind = PROCEDURES[request].message
    cic = circuits[0].cic
    if request in {Request.BLOCK, Request.UNBLOCK}:
        return isup_message(variant, kind, cic)
    if request in {Request.RESET_GROUP, Request.QUERY}:
        return group_message(variant, kind, cic, RangeAndStatus(len(circuits) - 1))
    return group_message(variant, kind, cic, range_and_status([True] * len(circuits)))


def named(cics: Iterable[int]) -> str:
    """Circuits in words: ``circuits 1-24, 26``."""
    ranges: list[list[int]] = []
    for cic in sorted(set(cics)):
        if ranges and ranges[-1][1] + 1 == cic:
            ranges[-1][1] = cic
        else:
            ranges.append([cic, cic])
    words = [f"{first}-{last}" if first != last else str(first) for first, last in ranges[:MOST_NAMED]]
    kind = "circuit" if len(ranges) == 1 and ranges[0][0] == ranges[0][1] else "circuits"
    return f"{kind} {', '.join(words)}{' and others' if len(ranges) > MOST_NAMED else ''}"


def circuits_of(table: CircuitTable, message: IsupMessage, group: RangeAndStatus) -> list[Circuit | None]:
    """The circuits of a range, of whatever trunk group; None for a CIC that is not known."""
    first = message.cic or 0
    return [table.neighbours.get(cic) for cic in range(first, first + group.circuits)]
