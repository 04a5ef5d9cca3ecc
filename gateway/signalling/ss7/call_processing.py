"""Call processing control of ISUP (Q.764 section 2): walks the circuits' table and does what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import Cause, IsupMessage, MessageType
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.call import Action, Ss7Changed
from gateway.signalling.ss7.circuit_states import BUSY, EXPIRY, MESSAGES, TIMERS, CircuitState, Do, Event, step
from gateway.signalling.ss7.circuits import Circuit, CircuitHalf, CircuitTable
from gateway.signalling.ss7.conversion import in_words_of
from gateway.signalling.ss7.half_call import HalfCall
from gateway.signalling.ss7.isup_signals import Signals, release_message
from gateway.signalling.ss7.isup_timers import Timer
from gateway.signalling.ss7.supervision import named
from gateway.signalling.timers import TimerQueue

NORMAL_UNSPECIFIED: Final = Cause(31)
NO_CIRCUIT: Final = Cause(34)
TEMPORARY_FAILURE: Final = Cause(41)
CAUSES: Final = {
    Event.T2: Cause(102),
    Event.T6: Cause(102),
    Event.T7: Cause(102),
    Event.T8: TEMPORARY_FAILURE,
    Event.T9: Cause(19),
    Event.FAILED: TEMPORARY_FAILURE,
    Event.UCIC: TEMPORARY_FAILURE,
    Event.RESET: TEMPORARY_FAILURE,
    Event.RESET_IN_GROUP: TEMPORARY_FAILURE,
}
"""With what a call is released that an event ends, where no message says it (Q.850; RFC 3398 section 7.2.2)."""

MOST_ATTEMPTS: Final = 4
"""Circuits on which one call is tried."""
MOST_SAID: Final = 16
"""Messages after an IAM that are said again on the next circuit."""

_CONTROLLING_ONLY: Final = frozenset({Timer.T2, Timer.T6})
"""Timers of the exchange that has control of the call (Q.764 section 2.4)."""
_TIMERS: Final = frozenset(EXPIRY.values())
_OUR_EVENTS: Final[dict[int, Event]] = {
    MessageType.ACM: Event.SEND_ACM,
    MessageType.CON: Event.SEND_CON,
    MessageType.ANM: Event.SEND_ANM,
}

TakeCall = Callable[[CircuitHalf, int, list[Action]], None]
"""Has the call of an incoming half decided, and goes on with it."""
AddDigits = Callable[[CircuitHalf, IsupMessage], None]
"""Adds the digits of a SAM to the IAM of an incoming half. May raise `Malformed`."""


class CallProcessing:
    """The calls on all circuits (`HalfCalls`). Times are in microseconds; `actions` is what is to be done or told."""

    def __init__(self, signals: Signals, take_call: TakeCall, add_digits: AddDigits) -> None:
        self._signals: Final = signals
        self._take_call: Final = take_call
        self._add_digits: Final = add_digits
        self.timers: Final[TimerQueue[Timer, Circuit]] = TimerQueue()

    # -- what halves ask for ------------------------------------------------------------------------------------------

    def half_for(
        self, table: CircuitTable, iam: IsupMessage, other: HalfCall, *, emergency: bool = False
    ) -> CircuitHalf:
        """The half of a call that is to leave on a circuit of this group."""
        half = CircuitHalf(self, table, iam, incoming=False)
        half.other = other
        half.emergency = emergency
        return half

    def seize(self, half: CircuitHalf, at_us: int, actions: list[Action]) -> bool:
        """Send its IAM on the circuit whose turn it is; False where there is none, and nothing was sent."""
        circuit = half.table.choose(emergency=half.emergency)
        if circuit is None:
            return False
        self._send_iam(half, circuit, at_us, actions)
        return True

    def say(self, half: CircuitHalf, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        circuit = half.circuit
        if circuit is None:
            return
        acm_sent = circuit.state is not CircuitState.INCOMING_SETUP
        for each in in_words_of(circuit.table.group.variant, message, acm_sent=acm_sent):
            event = _OUR_EVENTS.get(each.type, Event.SEND_OTHER)
            if circuit.state is CircuitState.OUTGOING_SETUP and len(half.said) < MOST_SAID:
                half.said.append(each)
            self.apply(circuit, event, at_us, actions, each)

    def let_go(
        self, half: CircuitHalf, cause: Cause, rel: IsupMessage | None, at_us: int, actions: list[Action]
    ) -> None:
        if half.circuit is not None:
            said = in_words_of(half.table.group.variant, rel) if rel is not None else ()
            self.apply(half.circuit, Event.RELEASE, at_us, actions, said[0] if said else None, cause)

    # -- what happens to circuits -------------------------------------------------------------------------------------

    def apply(
        self,
        circuit: Circuit,
        event: Event,
        at_us: int,
        actions: list[Action],
        message: IsupMessage | None = None,
        cause: Cause | None = None,
    ) -> None:
        """An event, with the message that it is, or the cause that goes with it."""
        before, half = circuit.state, circuit.half
        taken, expected = step(before, event)
        if not expected and event in MESSAGES:
            circuit.table.counters["unexpected message"] += 1
        self._enter(circuit, taken.next, event, at_us)
        cause = cause or _cause_of(event, message)
        for do in taken.do:
            self._do(do, circuit, half, message, cause, event, at_us, actions)

    def went_out(self, table: CircuitTable, sent: IsupMessage, at_us: int) -> None:
        """In a replay: the captured gateway sent this IAM. The call that it is of is on this circuit, and no other."""
        target = table.by_cic.get(sent.cic or 0)
        if target is None or target.half is not None:
            return
        for circuit in table.by_cic.values():
            half = circuit.half
            if circuit.state is not CircuitState.OUTGOING_SETUP or half is None:
                continue
            if half.iam.with_cic(target.cic).data == sent.data:
                circuit.half = None
                self._enter(circuit, CircuitState.IDLE, Event.YIELDED, at_us)
                half.circuit, target.half = target, half
                half.tried.add(target.cic)
                self._enter(target, CircuitState.OUTGOING_SETUP, Event.SEIZE, at_us)
                return

    def fire(self, at_us: int, actions: list[Action]) -> None:
        """Do what is due."""
        stuck: dict[CircuitTable, list[int]] = {}
        for timer, circuit in self.timers.due(at_us):
            event = EXPIRY[timer]
            circuit.table.counters[f"{timer} expired"] += 1
            if event is Event.T17 and circuit.state is CircuitState.RESETTING:
                stuck.setdefault(circuit.table, []).append(circuit.cic)
            self.apply(circuit, event, at_us, actions)
        for table, cics in stuck.items():
            text = f"RSC of {named(cics)} not answered by RLC: no calls go there until it is"
            actions.append(Ss7Changed(f"trunk group {table.name}", text, good=False, at_us=at_us))

    # -- steps --------------------------------------------------------------------------------------------------------

    def _do(
        self,
        do: Do,
        circuit: Circuit,
        half: CircuitHalf | None,
        message: IsupMessage | None,
        cause: Cause,
        event: Event,
        at_us: int,
        actions: list[Action],
    ) -> None:
        signals = self._signals
        if do is Do.PASS:
            if half is not None and half.other is not None and message is not None:
                half.other.pass_on(message, at_us, actions)
        elif do is Do.SEND:
            if message is not None:
                signals.send(circuit.table, circuit.cic, message, at_us, actions)
        elif do is Do.SEND_RLC:
            signals.bare(circuit, MessageType.RLC, at_us, actions)
        elif do is Do.SEND_REL:
            self._send_rel(circuit, message, cause, event, at_us, actions)
        elif do is Do.RELEASE_OTHER:
            if half is not None:
                half.timed_out = event in _TIMERS
                half.released_by = message if event is Event.REL and _has_cause(message) else None
                circuit.table.releases[cause.value] += 1
                if half.other is not None:
                    half.other.release(cause, at_us, actions)
        elif do is Do.TAKE_CALL:
            if half is not None:
                self._take_call(half, at_us, actions)
        elif do is Do.ADD_DIGITS:
            if half is not None and message is not None:
                self._add_digits(half, message)
                if circuit.state is CircuitState.INCOMING_DIGITS:
                    self._start(Timer.T10, circuit, at_us)
        elif do is Do.REPEAT:
            if half is not None:
                self._repeat(half, at_us, actions)
        elif do is Do.SEND_RSC:
            signals.bare(circuit, MessageType.RSC, at_us, actions)
        elif do is Do.SEND_LPA and circuit.table.group.variant is Variant.ANSI:
            signals.bare(circuit, MessageType.LPA, at_us, actions)

    def _enter(self, circuit: Circuit, state: CircuitState, event: Event, at_us: int) -> None:
        """Put a circuit into a state: its timers start and stop, and a half whose call is over on it leaves it."""
        before = circuit.state
        circuit.state = state
        circuit.since_us = at_us
        running, wanted = TIMERS.get(before, ()), TIMERS.get(state, ())
        for timer in running:
            if timer not in wanted:
                self.timers.stop(timer, circuit, circuit.table.durations[timer])
        for timer in wanted:
            if timer not in running or EXPIRY[timer] is event:
                self._start(timer, circuit, at_us)
        if state is before:
            return
        if state not in BUSY and circuit.half is not None:
            circuit.half.circuit = None
            circuit.half = None
        circuit.table.settle(circuit)

    def _start(self, timer: Timer, circuit: Circuit, at_us: int) -> None:
        half = circuit.half
        if timer in _CONTROLLING_ONLY and (half is None or not half.controlling):
            return
        self.timers.start(timer, circuit, at_us, circuit.table.durations[timer])

    def _send_rel(
        self,
        circuit: Circuit,
        message: IsupMessage | None,
        cause: Cause,
        event: Event,
        at_us: int,
        actions: list[Action],
    ) -> None:
        rel = circuit.rel
        if event is not Event.T1 or rel is None:
            given = message if event is Event.RELEASE else None
            rel = release_message(circuit, cause) if given is None else given
            circuit.rel = rel
            if event is Event.RELEASE:
                circuit.table.releases[cause.value] += 1
        self._signals.send(circuit.table, circuit.cic, rel, at_us, actions)

    def _send_iam(self, half: CircuitHalf, circuit: Circuit, at_us: int, actions: list[Action]) -> None:
        half.tried.add(circuit.cic)
        half.circuit, circuit.half = circuit, half
        self.apply(circuit, Event.SEIZE, at_us, actions, half.iam)

    def _repeat(self, half: CircuitHalf, at_us: int, actions: list[Action]) -> None:
        """Automatic repeat attempt (Q.764 section 2.8.1.2)."""
        table = half.table
        table.counters["repeated attempt"] += 1
        circuit = table.choose(half.tried, emergency=half.emergency) if len(half.tried) < MOST_ATTEMPTS else None
        if circuit is None:
            if half.other is not None:
                half.other.release(NO_CIRCUIT, at_us, actions)
            return
        self._send_iam(half, circuit, at_us, actions)
        for message in half.said:
            self._signals.send(table, circuit.cic, message, at_us, actions)


def _cause_of(event: Event, message: IsupMessage | None) -> Cause:
    """The cause in a REL; else what the event means."""
    if event is Event.REL and message is not None and _has_cause(message):
        return message.cause or NORMAL_UNSPECIFIED
    return CAUSES.get(event, NORMAL_UNSPECIFIED)


def _has_cause(message: IsupMessage | None) -> bool:
    """Whether a REL says why, so that it can be read: another one is not passed on as it is."""
    try:
        return message is not None and message.cause is not None
    except Malformed:
        return False
