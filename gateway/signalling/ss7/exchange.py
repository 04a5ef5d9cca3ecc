"""The exchange: ISUP in, the engine's decision, ISUP out on another circuit, or a call handed over to SIP (Q.764).

Free of I/O: what MTP brings goes in with the time, actions come out. A call between two circuits has its books here; of
one that leaves over SIP, and of one that came over SIP, the SIP proxy keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import Cause, IsupMessage, MessageType, P, isup_message
from gateway.codecs.ss7.mtp3 import Mtp3Transfer, ServiceIndicator
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.blocking import BlockingBook
from gateway.interconnection.denial_of_service import StandingBook
from gateway.interconnection.trunk_groups import TrunkGroup
from gateway.policy.attribution import ProviderFinder
from gateway.policy.engine import Engine
from gateway.signalling.call import Action, Wanted
from gateway.signalling.gate import Gate
from gateway.signalling.members import TrunkMembers
from gateway.signalling.ss7.call_processing import CallProcessing
from gateway.signalling.ss7.circuit_states import CircuitState, Event
from gateway.signalling.ss7.circuits import Circuit, CircuitHalf, CircuitTable
from gateway.signalling.ss7.closing import Closing
from gateway.signalling.ss7.conversion import in_words_of
from gateway.signalling.ss7.exchange_settings import ExchangeCounters, ExchangeSettings
from gateway.signalling.ss7.half_call import HalfCall
from gateway.signalling.ss7.isup_events import NOT_OF_A_CALL, event_of, event_of_iam, is_incomplete
from gateway.signalling.ss7.isup_signals import Send, Signals
from gateway.signalling.ss7.maintenance import Maintenance
from gateway.signalling.ss7.new_isup_calls import NewIsupCalls, SipSide, with_digits
from gateway.signalling.ss7.transit import TransitCalls

_ISUP: Final = int(ServiceIndicator.ISUP)
_IAM: Final = bytes((MessageType.IAM,))
_NAMES: Final = {int(kind): kind.name for kind in MessageType}
_SAYS_NOTHING: Final = frozenset(
    {
        MessageType.UCIC,
        MessageType.CFN,
        MessageType.RLC,
        MessageType.BLA,
        MessageType.UBA,
        MessageType.CGBA,
        MessageType.CGUA,
        MessageType.GRA,
        MessageType.CQR,
    }
)
"""Messages that need no UCIC where their circuit is not known: they are answers themselves."""


class _Adjacent:
    """What is between us and one other exchange."""

    def __init__(self, tables: list[CircuitTable]) -> None:
        self.tables: Final = tables
        self.variant: Final[Variant] = tables[0].group.variant
        self.by_cic: Final = {cic: circuit for table in tables for cic, circuit in table.by_cic.items()}
        for table in tables:
            table.neighbours = self.by_cic


class Exchange:
    """The SS7 side of the gateway. Times are microseconds; `actions` is what is to be done or told."""

    def __init__(
        self,
        settings: ExchangeSettings,
        groups: Iterable[TrunkGroup],
        engine: Engine,
        find_provider: ProviderFinder,
        members: TrunkMembers,
        send: Send,
        standings: StandingBook,
        blockings: BlockingBook,
    ) -> None:
        """`groups`: trunk groups; those with circuits are the exchange's. `members`, which the engine asks for room, is
        told of the circuits.
        """
        self.counters: Final = ExchangeCounters()
        self.tables: Final = {
            group.name: CircuitTable(group, group.circuits) for group in groups if group.circuits is not None
        }
        for name, table in self.tables.items():
            members.have_circuits(name, table)
        adjacent: dict[tuple[int, int], list[CircuitTable]] = {}
        for table in self.tables.values():
            adjacent.setdefault((table.group.adjacent, table.group.own), []).append(table)
        self._adjacent: Final = {codes: _Adjacent(tables) for codes, tables in adjacent.items()}
        self._congested: Final[set[CircuitTable]] = set()
        """Groups whose traffic is reduced now."""
        signals = Signals(send)
        self._signals: Final = signals
        self._transit: Final = TransitCalls(engine, settings.max_call_s * 1_000_000)
        self._calls: Final = CallProcessing(signals, self._take_call, _add_digits)
        self._maintenance: Final = Maintenance(signals, self._calls)
        self._closing: Final = Closing(self.tables.values(), standings, blockings, self._maintenance)
        self._new_calls: Final = NewIsupCalls(
            settings, self.counters, engine, find_provider, members, self.tables, self._calls, self._transit
        )

    # -- what MTP says ------------------------------------------------------------------------------------------------

    def receive(self, transfer: Mtp3Transfer, at_us: int, actions: list[Action]) -> str | None:
        """One message. Gives back why it could not be taken, for the log; None where it was.

        Never raises: what cannot be read is counted and dropped (Q.764 section 2.9.5.2).
        """
        if at_us >= self._closing.next_us:
            self._closing.settle(at_us, actions)
        adjacent = self._adjacent.get((transfer.opc, transfer.dpc))
        if adjacent is None or transfer.si != _ISUP:
            why = "no circuits between those point codes" if adjacent is None else "not ISUP"
            self.counters.strays[why] += 1
            return why
        try:
            message = IsupMessage(transfer.data, adjacent.variant)
            name = _NAMES.get(message.type, "unknown")
            self.counters.messages[name] += 1
            circuit = adjacent.by_cic.get(message.cic or 0)
            if message.type == MessageType.UPT:  # of the exchange, not of a circuit
                there = isup_message(adjacent.variant, MessageType.UPA, message.cic)
                self._signals.send(adjacent.tables[0], message.cic or 0, there, at_us, actions)
            elif circuit is None:
                self._unequipped(adjacent, message, at_us, actions)
                return "no trunk group has the circuit that it is of"
            else:
                self._of_circuit(circuit, message, at_us, actions)
        except Malformed as fault:
            self.counters.unreadable(fault)
            return f"it cannot be read: {fault.what}"
        return None

    def resumed(self, dpc: int, at_us: int, actions: list[Action]) -> None:
        """An exchange can be reached. The first time, its circuits are reset: nobody knows how they were left.

        After an outage it is asked how it sees them: what was said meanwhile is lost.
        """
        self._settle(at_us, actions)
        for table in self._towards(dpc):
            if table.reachable:
                continue
            table.reachable, table.reachable_since_us = True, at_us
            if not table.started:
                table.started = True
                self._maintenance.reset(table, at_us, actions)
            else:
                self._maintenance.queries.ask(table, at_us, actions)

    def paused(self, dpc: int, at_us: int, actions: list[Action]) -> None:
        """An exchange cannot be reached: it gets no new calls. Those that are up go on (Q.764 section 2.13)."""
        self._settle(at_us, actions)
        for table in self._towards(dpc):
            table.reachable, table.reachable_since_us = False, at_us

    def congested(self, dpc: int, level: int, at_us: int) -> None:
        """The way to an exchange is congested, where `level` is above 0: it gets fewer new calls for a while."""
        if level:
            for table in self._towards(dpc):
                self._is_congested(table, at_us)

    def assume_up(self, at_us: int, actions: list[Action]) -> None:
        """In a replay: every exchange can be reached, and every circuit is idle, whatever was said before it began."""
        self._settle(at_us, actions)
        for table in self.tables.values():
            table.reachable = table.started = True

    def went_out(self, transfer: Mtp3Transfer, at_us: int) -> None:
        """In a replay: what the captured gateway sent. Which circuit it seized is known from that alone."""
        if transfer.data[2:3] == _IAM:
            for table in self._towards(transfer.dpc):
                with suppress(Malformed):
                    self._calls.went_out(table, IsupMessage(transfer.data, table.group.variant), at_us)

    def _towards(self, dpc: int) -> list[CircuitTable]:
        return [table for table in self.tables.values() if table.group.adjacent == dpc]

    # -- what others want ---------------------------------------------------------------------------------------------

    @property
    def sip(self) -> SipSide | None:
        """Where calls go that leave over SIP."""
        return self._new_calls.sip

    @sip.setter
    def sip(self, side: SipSide) -> None:
        self._new_calls.sip = side

    @property
    def gate(self) -> Gate | None:
        """What stands before the engine, for calls on circuits as for those over SIP."""
        return self._new_calls.gate

    @gate.setter
    def gate(self, gate: Gate) -> None:
        self._new_calls.gate = gate

    @property
    def accepting(self) -> bool:
        """False while draining: new calls are refused, but for emergency calls."""
        return self._new_calls.accepting

    @accepting.setter
    def accepting(self, accepting: bool) -> None:
        self._new_calls.accepting = accepting

    def seize(
        self,
        group: TrunkGroup,
        iam: IsupMessage,
        other: HalfCall,
        at_us: int,
        actions: list[Action],
        *,
        emergency: bool = False,
    ) -> CircuitHalf | None:
        """A call that came over SIP leaves on a circuit; None where there is none, or no way to its other end.

        `iam` is sent with the circuit's own CIC. `other` is told what comes back.
        """
        table = self.tables[group.name]
        said = in_words_of(table.group.variant, iam)
        if not table.reachable or not said:
            return None
        half = self._calls.half_for(table, said[0], other, emergency=emergency)
        half.controlling = True
        return half if self._calls.seize(half, at_us, actions) else None

    def steps_changed(self, at_us: int, actions: list[Action]) -> None:
        """An operator has taken a step: a cut-over, or a trunk group blocked or opened."""
        self._settle(at_us, actions)

    def unacknowledged(self, trunk_group: str) -> int:
        """Its circuits whose blocking or unblocking the other exchange has not acknowledged."""
        return self._maintenance.unacknowledged(self.tables[trunk_group])

    def end_calls(self, wanted: Wanted, cause: int, at_us: int, actions: list[Action]) -> None:
        """Release every call between circuits that is wanted, but for emergency calls, with a Q.850 cause.

        Of many calls the first are released at once, and the others in `wake`, where they are still wanted by then.
        Each is an `Ended` by DISCONTINUED.
        """
        self._transit.end_calls(wanted, Cause(cause), at_us, actions)

    def stop(self, at_us: int, actions: list[Action]) -> None:
        """The gateway stops: every call between circuits is ended in the books."""
        self._transit.end_all(at_us, actions)

    # -- time ---------------------------------------------------------------------------------------------------------

    @property
    def next_us(self) -> int | None:
        """When `wake` has something to do, at the earliest."""
        due = [self._calls.timers.next_us, self._maintenance.supervision.next_us, self._transit.next_us]
        due += [table.congestion.restored_us for table in self._congested]
        due.append(self._closing.step_us)
        return min((next_us for next_us in due if next_us is not None), default=None)

    def wake(self, at_us: int, actions: list[Action]) -> None:
        """Do what is due."""
        if at_us >= self._closing.next_us:
            self._closing.settle(at_us, actions)
        self._calls.fire(at_us, actions)
        self._maintenance.supervision.fire(at_us, actions)
        self._transit.wake(at_us, actions)
        for table in tuple(self._congested):
            table.congestion.wake(at_us)
            if not table.congestion.step:
                self._congested.discard(table)

    def _is_congested(self, table: CircuitTable, at_us: int) -> None:
        table.congestion.reported(at_us)
        self._congested.add(table)

    def _settle(self, at_us: int, actions: list[Action]) -> None:
        self._closing.settle(at_us, actions)

    # -- messages -----------------------------------------------------------------------------------------------------

    def _of_circuit(self, circuit: Circuit, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        kind = message.type
        if kind == MessageType.IAM:
            self._iam(circuit, message, at_us, actions)
            return
        if self._maintenance.receive(circuit, message, at_us, actions):
            return
        event = event_of(message)
        if event is None:
            if kind in NOT_OF_A_CALL:
                circuit.table.counters[_NAMES[kind]] += 1
            else:
                self._maintenance.confused(circuit, message, at_us, actions)
            return
        if event is Event.REL and message.value(P.AUTOMATIC_CONGESTION_LEVEL) is not None:
            self._is_congested(circuit.table, at_us)  # the exchange itself is: Q.764 section 2.10.1
        if event is Event.CONTINUITY and circuit.half is not None and is_incomplete(circuit.half.iam):
            event = Event.CONTINUITY_INCOMPLETE
        self._calls.apply(circuit, event, at_us, actions, message)
        half = circuit.half
        if circuit.state is CircuitState.INCOMING_DIGITS and half is not None and not is_incomplete(half.iam):
            self._calls.apply(circuit, Event.COMPLETE, at_us, actions)

    def _iam(self, circuit: Circuit, iam: IsupMessage, at_us: int, actions: list[Action]) -> None:
        table = circuit.table
        if circuit.state is CircuitState.OUTGOING_SETUP:
            if circuit.ours:
                table.counters["glare, ours"] += 1
                self._calls.apply(circuit, Event.PREVAILED, at_us, actions)
                return
            table.counters["glare, theirs"] += 1
            self._calls.apply(circuit, Event.YIELDED, at_us, actions)
        if circuit.state not in {CircuitState.IDLE, CircuitState.UNEQUIPPED}:
            self._calls.apply(circuit, Event.IAM, at_us, actions, iam)
            return
        half = CircuitHalf(self._calls, table, iam, incoming=True)
        if circuit.stays_blocked and not self._is_emergency(half, circuit.cic, at_us):
            table.counters["IAM on a blocked circuit"] += 1
            self._maintenance.tell_blocked(circuit, at_us, actions)
            return
        # Who seizes a circuit has it unblocked: section 2.8.2.1.
        circuit.remotely_blocked = circuit.failed_remotely = False
        event = event_of_iam(iam)
        circuit.half, half.circuit = half, circuit
        self._calls.apply(circuit, event, at_us, actions, iam)

    def _is_emergency(self, half: CircuitHalf, cic: int, at_us: int) -> bool:
        try:
            return self._new_calls.attempt_of(half, cic, at_us).emergency
        except Malformed:  # which no emergency call is
            return False

    def _take_call(self, half: CircuitHalf, at_us: int, actions: list[Action]) -> None:
        self._new_calls.take(half, at_us, actions)

    def _unequipped(self, adjacent: _Adjacent, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        """UCIC: there is no such circuit here (Q.764 section 2.12)."""
        table = adjacent.tables[0]
        table.counters["message of an unknown circuit"] += 1
        if message.type not in _SAYS_NOTHING:
            ucic = isup_message(adjacent.variant, MessageType.UCIC, message.cic)
            self._signals.send(table, message.cic or 0, ucic, at_us, actions)


def _add_digits(half: CircuitHalf, sam: IsupMessage) -> None:
    subsequent = sam.number(P.SUBSEQUENT_NUMBER)
    if subsequent is not None:
        half.iam = with_digits(half.iam, subsequent)
