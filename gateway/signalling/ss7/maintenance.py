"""Circuit supervision: blocking, resets, queries, unequipped circuits, both ways (Q.764 sections 2.8, 2.9.3, 2.12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import (
    Cause,
    IsupMessage,
    MessageType,
    P,
    RangeAndStatus,
    encode_cause,
    isup_message,
    range_and_status,
)
from gateway.signalling.call import Action
from gateway.signalling.ss7.call_processing import CallProcessing
from gateway.signalling.ss7.circuit_query import CircuitQueries
from gateway.signalling.ss7.circuit_states import CircuitState, Event
from gateway.signalling.ss7.circuits import RESETTING_STATES, Circuit, CircuitTable
from gateway.signalling.ss7.isup_signals import Signals
from gateway.signalling.ss7.supervision import (
    HARDWARE,
    MOST_MARKED,
    Request,
    Supervision,
    circuits_of,
    group_message,
    runs,
)

MESSAGE_UNKNOWN: Final = 97
"""Message type non-existent or not implemented (Q.850)."""


_Handler = Callable[[Circuit, IsupMessage, int, list[Action]], None]
_GroupHandler = Callable[[CircuitTable, IsupMessage, RangeAndStatus, int, list[Action]], None]


class Maintenance:
    """Keeps both ends of the circuits of one mind. Times in microseconds; `actions` is what is to be done or told."""

    def __init__(self, signals: Signals, calls: CallProcessing) -> None:
        self._signals: Final = signals
        self._calls: Final = calls
        self.supervision: Final = Supervision(signals)
        self.queries: Final = CircuitQueries(signals, self.supervision, calls)
        self._handlers: Final[Mapping[int, _Handler]] = {
            MessageType.BLO: self._blo,
            MessageType.UBL: self._ubl,
            MessageType.BLA: self._bla,
            MessageType.UBA: self._uba,
            MessageType.RSC: self._rsc,
            MessageType.UCIC: self._ucic,
        }
        self._group_handlers: Final[Mapping[int, _GroupHandler]] = {
            MessageType.GRS: self._grs,
            MessageType.GRA: self._gra,
            MessageType.CGB: self._cgb,
            MessageType.CGU: self._cgu,
            MessageType.CGBA: self._cgba,
            MessageType.CGUA: self._cgua,
            MessageType.CQM: self.queries.answer,
            MessageType.CQR: self.queries.learn,
        }

    # -- what the other exchange says ---------------------------------------------------------------------------------

    def receive(self, circuit: Circuit, message: IsupMessage, at_us: int, actions: list[Action]) -> bool:
        """A message; False where it is none of circuit supervision. Raises `Malformed` where it cannot be read."""
        handler = self._handlers.get(message.type)
        if handler is not None:
            handler(circuit, message, at_us, actions)
            return True
        of_group = self._group_handlers.get(message.type)
        if of_group is None:
            return False
        group = message.range_and_status
        if group is None:
            raise Malformed("a message about a group of circuits has no range")
        of_group(circuit.table, message, group, at_us, actions)
        return True

    def confused(self, circuit: Circuit, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        """CFN: the message is of a type that is not known here (Q.764 section 2.9.5.3)."""
        table = circuit.table
        cause = encode_cause(Cause(MESSAGE_UNKNOWN, diagnostics=bytes((message.type,))))
        table.counters["unknown message"] += 1
        cfn = isup_message(table.group.variant, MessageType.CFN, circuit.cic, ((P.CAUSE_INDICATORS, cause),))
        self._signals.send(table, circuit.cic, cfn, at_us, actions)

    # -- what we want -------------------------------------------------------------------------------------------------

    def reset(self, table: CircuitTable, at_us: int, actions: list[Action]) -> None:
        """Put every circuit of a group into the idle state at both ends (Q.764 section 2.9.3.2)."""
        self.supervision.forget(table)
        for circuit in table.by_cic.values():
            circuit.remotely_blocked = circuit.failed_remotely = False
            if circuit.unblocking:  # who is reset forgets that it was blocked
                self._unblocked([circuit])
        for run in runs(list(table.by_cic.values())):
            if len(run) > 1:
                for circuit in run:
                    self._calls.apply(circuit, Event.RESET_IN_GROUP, at_us, actions)
                self.supervision.ask(Request.RESET_GROUP, run, at_us, actions)
                continue
            self._calls.apply(run[0], Event.RESET, at_us, actions)
            if run[0].stays_blocked:  # what a reset group is told with its acknowledgement
                self._tell_blocked(run, at_us, actions)

    def close(self, table: CircuitTable, at_us: int, actions: list[Action]) -> None:
        """Block a group but for the circuits that are kept for emergency calls. Calls in progress go on."""
        able = [circuit for circuit in table.by_cic.values() if _may_carry_calls(circuit)]
        kept = {circuit.cic for circuit in able[: table.group.emergency_reserve]}
        self._block([c for c in table.by_cic.values() if c.cic not in kept and not c.stays_blocked], at_us, actions)

    def open(self, table: CircuitTable, at_us: int, actions: list[Action]) -> None:
        """Unblock what was blocked; each circuit carries calls again when the other exchange has acknowledged it."""
        blocked = []
        for circuit in table.by_cic.values():
            if circuit.locally_blocked:
                circuit.unblocking = True
                blocked.append(circuit)
        known = [circuit for circuit in blocked if table.started and circuit.state is not CircuitState.UNEQUIPPED]
        self._unblocked([circuit for circuit in blocked if circuit not in known])
        for run in runs(known):
            self.supervision.ask(Request.UNBLOCK if len(run) == 1 else Request.UNBLOCK_GROUP, run, at_us, actions)

    def tell_blocked(self, circuit: Circuit, at_us: int, actions: list[Action]) -> None:
        """Say again that a circuit is blocked: the other exchange has seized it all the same."""
        self._tell_blocked([circuit], at_us, actions)

    def unacknowledged(self, table: CircuitTable) -> int:
        """Circuits that we have blocked or want unblocked, while the other exchange has not said that it knows."""
        asked = self.supervision.asked_to_block(table)
        return sum(
            circuit.locally_blocked and (not table.started or circuit.cic in asked or circuit.state in RESETTING_STATES)
            for circuit in table.by_cic.values()
        )

    def _keep_reserve(self, table: CircuitTable, at_us: int, actions: list[Action]) -> None:
        """Unblock others for emergency calls, where those that were kept for them have come to carry none."""
        if not table.closed:
            return
        able = [circuit for circuit in table.by_cic.values() if _may_carry_calls(circuit)]
        blocked = [circuit for circuit in able if circuit.stays_blocked]
        for circuit in blocked[: max(table.group.emergency_reserve - (len(able) - len(blocked)), 0)]:
            circuit.unblocking = True
            self.supervision.ask(Request.UNBLOCK, [circuit], at_us, actions)

    def _block(self, circuits: Sequence[Circuit], at_us: int, actions: list[Action]) -> None:
        for circuit in circuits:
            circuit.locally_blocked = True
            circuit.unblocking = False
            circuit.table.settle(circuit)
        if circuits and circuits[0].table.started:
            self._tell_blocked(circuits, at_us, actions)

    def _tell_blocked(self, circuits: Sequence[Circuit], at_us: int, actions: list[Action]) -> None:
        for run in runs([circuit for circuit in circuits if circuit.state is not CircuitState.UNEQUIPPED]):
            self.supervision.ask(Request.BLOCK if len(run) == 1 else Request.BLOCK_GROUP, run, at_us, actions)

    @staticmethod
    def _unblocked(circuits: Sequence[Circuit]) -> None:
        for circuit in circuits:
            circuit.locally_blocked = circuit.unblocking = False
            circuit.table.settle(circuit)

    # -- one circuit --------------------------------------------------------------------------------------------------

    def _blo(self, circuit: Circuit, _message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        circuit.remotely_blocked = True
        circuit.table.settle(circuit)
        self._signals.bare(circuit, MessageType.BLA, at_us, actions)
        self._calls.apply(circuit, Event.BLOCKED, at_us, actions)
        self._keep_reserve(circuit.table, at_us, actions)

    def _ubl(self, circuit: Circuit, _message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        circuit.remotely_blocked = False
        circuit.table.settle(circuit)
        self._signals.bare(circuit, MessageType.UBA, at_us, actions)

    def _bla(self, circuit: Circuit, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        self.supervision.answered(circuit.table, message.type, circuit.cic, 1)
        if not circuit.locally_blocked:  # it holds for blocked what is not: section 2.9.2.3
            self.supervision.ask(Request.UNBLOCK, [circuit], at_us, actions)

    def _uba(self, circuit: Circuit, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        pending = self.supervision.answered(circuit.table, message.type, circuit.cic, 1)
        if pending is not None and circuit.unblocking:
            self._unblocked([circuit])
        elif circuit.stays_blocked:  # as above
            self.supervision.ask(Request.BLOCK, [circuit], at_us, actions)

    def _rsc(self, circuit: Circuit, _message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        """The other exchange has lost what it knew of the circuit: section 2.9.3.1."""
        circuit.remotely_blocked = circuit.failed_remotely = False
        if circuit.stays_blocked:
            self._tell_blocked([circuit], at_us, actions)
        self._calls.apply(circuit, Event.RSC, at_us, actions)
        circuit.table.settle(circuit)

    def _ucic(self, circuit: Circuit, _message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        circuit.table.counters["unequipped circuit"] += 1
        self._calls.apply(circuit, Event.UCIC, at_us, actions)
        self._keep_reserve(circuit.table, at_us, actions)

    # -- groups -------------------------------------------------------------------------------------------------------

    def _grs(
        self, table: CircuitTable, message: IsupMessage, group: RangeAndStatus, at_us: int, actions: list[Action]
    ) -> None:
        if not 1 <= group.range < MOST_MARKED:
            table.counters["unexpected message"] += 1
            return
        circuits = circuits_of(table, message, group)
        status = range_and_status([circuit is not None and circuit.stays_blocked for circuit in circuits])
        self._answer(table, MessageType.GRA, message, status, at_us, actions)
        known = [circuit for circuit in circuits if circuit is not None]
        in_use = [circuit for circuit in known if circuit.state is not CircuitState.IDLE]
        for circuit in known:
            circuit.remotely_blocked = circuit.failed_remotely = False
            circuit.table.settle(circuit)
        for circuit in in_use:  # a call that is tried again may come to one that is idle already
            self._calls.apply(circuit, Event.GROUP_RESET, at_us, actions)

    def _gra(
        self, table: CircuitTable, message: IsupMessage, group: RangeAndStatus, at_us: int, actions: list[Action]
    ) -> None:
        pending = self.supervision.answered(table, message.type, message.cic or 0, group.circuits)
        flags = group.flags or (False,) * group.circuits
        for circuit, blocked in zip(circuits_of(table, message, group), flags, strict=True):
            if circuit is not None:
                circuit.remotely_blocked = blocked
                if pending is not None:
                    self._calls.apply(circuit, Event.RESET_ACKNOWLEDGED, at_us, actions)
                circuit.table.settle(circuit)
        if pending is not None:
            blocked_here = [circuit for circuit in pending.circuits if circuit.stays_blocked]
            self._tell_blocked(blocked_here, at_us, actions)

    def _cgb(
        self, table: CircuitTable, message: IsupMessage, group: RangeAndStatus, at_us: int, actions: list[Action]
    ) -> None:
        marked = self._marked(table, message, group)
        if marked is None:
            return
        hardware = message.circuit_group_supervision == HARDWARE
        self._acknowledge(table, MessageType.CGBA, message, group, at_us, actions)
        for circuit in marked:  # all of them first: a call that is tried again must not come to one of them
            if hardware:
                circuit.failed_remotely = True
            else:
                circuit.remotely_blocked = True
            circuit.table.settle(circuit)
        for circuit in marked:
            self._calls.apply(circuit, Event.FAILED if hardware else Event.BLOCKED, at_us, actions)
        for concerned in {circuit.table.name: circuit.table for circuit in marked}.values():
            self._keep_reserve(concerned, at_us, actions)

    def _cgu(
        self, table: CircuitTable, message: IsupMessage, group: RangeAndStatus, at_us: int, actions: list[Action]
    ) -> None:
        marked = self._marked(table, message, group)
        if marked is None:
            return
        hardware = message.circuit_group_supervision == HARDWARE
        self._acknowledge(table, MessageType.CGUA, message, group, at_us, actions)
        for circuit in marked:
            if hardware:
                circuit.failed_remotely = False
            else:
                circuit.remotely_blocked = False
            circuit.table.settle(circuit)

    def _cgba(
        self, table: CircuitTable, message: IsupMessage, group: RangeAndStatus, at_us: int, actions: list[Action]
    ) -> None:
        self._answered(table, message, group)
        for circuit, marked in zip(circuits_of(table, message, group), group.flags, strict=False):
            if circuit is not None and marked and not circuit.locally_blocked:
                self.supervision.ask(Request.UNBLOCK, [circuit], at_us, actions)

    def _cgua(
        self, table: CircuitTable, message: IsupMessage, group: RangeAndStatus, at_us: int, actions: list[Action]
    ) -> None:
        asked = self._answered(table, message, group)
        for circuit, marked in zip(circuits_of(table, message, group), group.flags, strict=False):
            if circuit is None or not marked or not circuit.locally_blocked:
                continue
            if circuit.unblocking and asked:
                self._unblocked([circuit])
            elif not circuit.unblocking:
                self.supervision.ask(Request.BLOCK, [circuit], at_us, actions)

    def _answered(self, table: CircuitTable, message: IsupMessage, group: RangeAndStatus) -> bool:
        """Whether a CGBA or CGUA answers what was asked. What it leaves out is asked again."""
        wholly = bool(group.flags) and all(group.flags)
        first = message.cic or 0
        return self.supervision.answered(table, message.type, first, group.circuits, wholly=wholly) is not None

    # -- small steps --------------------------------------------------------------------------------------------------

    @staticmethod
    def _marked(table: CircuitTable, message: IsupMessage, group: RangeAndStatus) -> list[Circuit] | None:
        """The circuits whose status bit is set; None where the message is about more than it may be."""
        flags = group.flags
        if group.range < 1 or not flags or sum(flags) > MOST_MARKED:
            table.counters["unexpected message"] += 1
            return None
        circuits = zip(circuits_of(table, message, group), flags, strict=True)
        return [circuit for circuit, marked in circuits if marked and circuit is not None]

    def _acknowledge(
        self,
        table: CircuitTable,
        kind: MessageType,
        message: IsupMessage,
        group: RangeAndStatus,
        at_us: int,
        actions: list[Action],
    ) -> None:
        """With the bits of those circuits that there are."""
        circuits = circuits_of(table, message, group)
        known = [marked and circuit is not None for circuit, marked in zip(circuits, group.flags, strict=True)]
        self._answer(table, kind, message, range_and_status(known), at_us, actions)

    def _answer(
        self,
        table: CircuitTable,
        kind: MessageType,
        message: IsupMessage,
        group: RangeAndStatus,
        at_us: int,
        actions: list[Action],
    ) -> None:
        supervision = message.circuit_group_supervision or 0
        answer = group_message(table.group.variant, kind, message.cic or 0, group, supervision)
        self._signals.send(table, message.cic or 0, answer, at_us, actions)


def _may_carry_calls(circuit: Circuit) -> bool:
    """Whether a circuit would carry calls, were it idle and not blocked by us."""
    return circuit.state is not CircuitState.UNEQUIPPED and not (circuit.remotely_blocked or circuit.failed_remotely)
