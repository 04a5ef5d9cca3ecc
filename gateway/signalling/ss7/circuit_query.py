"""How each end sees the circuits, asked and answered (Q.764 section 2.8.3): CQM and CQR."""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.isup import CircuitState as QueriedState
from gateway.codecs.ss7.isup import (
    IsupMessage,
    MessageType,
    P,
    RangeAndStatus,
    encode_circuit_states,
    encode_range_and_status,
    isup_message,
)
from gateway.signalling.call import Action
from gateway.signalling.ss7.call_processing import CallProcessing
from gateway.signalling.ss7.circuit_states import BUSY, OUTGOING, CircuitState, Event
from gateway.signalling.ss7.circuits import Circuit, CircuitTable
from gateway.signalling.ss7.isup_signals import Signals
from gateway.signalling.ss7.supervision import MOST_MARKED, Request, Supervision, circuits_of, runs

_TRANSIENT: Final = 0
_UNEQUIPPED: Final = 3
_IDLE_THERE: Final = 3
_BLOCKED_THERE: Final = 1
"""Locally, as the other exchange sees it."""
_BLOCKED_HERE: Final = 2


class CircuitQueries:
    """Asks and answers. Times in microseconds; `actions` is what is to be done or told."""

    def __init__(self, signals: Signals, supervision: Supervision, calls: CallProcessing) -> None:
        self._signals: Final = signals
        self._supervision: Final = supervision
        self._calls: Final = calls

    def ask(self, table: CircuitTable, at_us: int, actions: list[Action]) -> None:
        """Ask how the other exchange sees the circuits (Q.764 section 2.8.3); its answer is brought into line."""
        for run in runs(list(table.by_cic.values())):
            self._supervision.ask(Request.QUERY, run, at_us, actions)

    def answer(
        self, table: CircuitTable, message: IsupMessage, group: RangeAndStatus, at_us: int, actions: list[Action]
    ) -> None:
        """CQM: say how we see the circuits, with a CQR."""
        if group.range >= MOST_MARKED:
            table.counters["unexpected message"] += 1
            return
        states = encode_circuit_states([_queried(circuit) for circuit in circuits_of(table, message, group)])
        value = encode_range_and_status(RangeAndStatus(group.range))
        parameters = ((P.RANGE_AND_STATUS, value), (P.CIRCUIT_STATE, states))
        cqr = isup_message(table.group.variant, MessageType.CQR, message.cic, parameters)
        self._signals.send(table, message.cic or 0, cqr, at_us, actions)

    def learn(
        self, table: CircuitTable, message: IsupMessage, group: RangeAndStatus, at_us: int, actions: list[Action]
    ) -> None:
        """CQR: bring both views of each circuit into line (Q.764 section 2.8.3.2): messages were lost."""
        asked = self._supervision.answered(table, message.type, message.cic or 0, group.circuits)
        if asked is None:
            return
        states = message.circuit_states or ()
        for circuit, state in zip(asked.circuits, states, strict=False):
            if circuit.since_us < asked.asked_at_us:  # else both were on their way at once
                self._align(circuit, state, at_us, actions)

    def _align(self, circuit: Circuit, state: QueriedState, at_us: int, actions: list[Action]) -> None:
        if state.call == _TRANSIENT:
            if state.maintenance == _UNEQUIPPED:
                self._calls.apply(circuit, Event.UCIC, at_us, actions)
            return
        circuit.remotely_blocked = bool(state.maintenance & _BLOCKED_THERE)
        circuit.failed_remotely = bool(state.hardware & _BLOCKED_THERE)
        circuit.table.settle(circuit)
        blocked_from_here = bool(state.maintenance & _BLOCKED_HERE)
        if blocked_from_here is not circuit.locally_blocked and not circuit.unblocking:
            self._supervision.ask(
                Request.BLOCK if circuit.locally_blocked else Request.UNBLOCK, [circuit], at_us, actions
            )
        busy = circuit.state in BUSY
        if (state.call == _IDLE_THERE) is busy and (busy or circuit.state is CircuitState.IDLE):
            self._calls.apply(circuit, Event.RESET, at_us, actions)


def _queried(circuit: Circuit | None) -> QueriedState:
    """How we see a circuit, for a CQR (Q.763 section 3.14)."""
    if circuit is None or circuit.state is CircuitState.UNEQUIPPED:
        return QueriedState(_UNEQUIPPED, _TRANSIENT, 0)
    if circuit.state is CircuitState.IDLE or circuit.failed_remotely:
        call = 3
    elif circuit.state in BUSY:
        call = 2 if circuit.state in OUTGOING else 1
    else:
        return QueriedState(0, _TRANSIENT, 0)
    maintenance = (1 if circuit.locally_blocked else 0) | (2 if circuit.remotely_blocked else 0)
    return QueriedState(maintenance, call, 2 if circuit.failed_remotely else 0)
