"""An IAM whose circuit is ready and whose digits are there: the engine decides it, and it goes on or is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import (
    Cause,
    GenericAddressType,
    IsupMessage,
    P,
    PartyNumber,
    encode_nature_of_connection,
    encode_number,
    isup_message,
)
from gateway.codecs.ss7.mtp3 import point_code_text
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.policy.attribution import ProviderFinder
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.engine import Engine
from gateway.signalling.call import Action, Call, Decided, Ended, EndedBy
from gateway.signalling.gate import Gate
from gateway.signalling.gatekeeper import OVER_ALLOWANCE
from gateway.signalling.isup_attempt import attempt_of_iam, circuit_call_id, is_emergency_number
from gateway.signalling.members import TrunkMembers
from gateway.signalling.network_blocked import released_by
from gateway.signalling.ss7.call_processing import NO_CIRCUIT, CallProcessing
from gateway.signalling.ss7.circuits import CircuitHalf, CircuitTable
from gateway.signalling.ss7.conversion import in_words_of
from gateway.signalling.ss7.exchange_settings import ExchangeCounters, ExchangeSettings
from gateway.signalling.ss7.half_call import HalfCall
from gateway.signalling.ss7.interworking.numbers import service_nature
from gateway.signalling.ss7.transit import TransitCalls

EXCHANGE_ROUTING_ERROR: Final = Cause(25)
SWITCHING_EQUIPMENT_CONGESTION: Final = Cause(42)
NETWORK_OUT_OF_ORDER: Final = Cause(38)
PROTOCOL_ERROR: Final = Cause(111)
INTERWORKING: Final = Cause(127)


class SipSide(Protocol):
    """Where calls go that came on a circuit and leave over SIP (`Interworking`)."""

    def call_from_circuit(
        self, call: Call, iam: IsupMessage, half: HalfCall, at_us: int, actions: list[Action]
    ) -> HalfCall:
        """The engine has let the call through: call its SIP side, and keep its books. `iam` is as it came.

        Gives back the SIP half, which is told what comes on the circuit; `half` is told what comes over SIP.
        """


class NewIsupCalls:
    """Has calls decided that come on circuits, and opens those that are let through."""

    def __init__(
        self,
        settings: ExchangeSettings,
        counters: ExchangeCounters,
        engine: Engine,
        find_provider: ProviderFinder,
        members: TrunkMembers,
        tables: Mapping[str, CircuitTable],
        calls: CallProcessing,
        transit: TransitCalls,
    ) -> None:
        self._settings: Final = settings
        self._shed: Final = released_by(OVER_ALLOWANCE, settings.network_blocked)[0]
        self._counters: Final = counters
        self._engine: Final = engine
        self._find_provider: Final = find_provider.provider_of
        self._members: Final = members
        self._tables: Final = tables
        self._calls: Final = calls
        self._transit: Final = transit
        self.sip: SipSide | None = None
        """None: there is no SIP side, and no call leaves over it."""
        self.gate: Gate | None = None
        """What stands before the engine; None: nothing does."""
        self.accepting = True
        """False while draining: new calls are refused, those that are up go on."""

    def attempt_of(self, half: CircuitHalf, cic: int, at_us: int) -> CallAttempt:
        """The facts of a call on a circuit. Raises `Malformed` where it has none of its called number."""
        group = half.table.group
        caller = point_code_text(group.adjacent, group.variant)
        call_id = circuit_call_id(caller, point_code_text(group.own, group.variant), cic, at_us)
        return attempt_of_iam(
            half.iam,
            at_us=at_us,
            call_id=f"{call_id}@{self._settings.host}" if self._settings.host else call_id,
            source=Hop(caller, cic, Transport.SS7),
            ingress=half.table.trunk_group,
            find_provider=self._find_provider,
            emergency_numbers=self._settings.emergency_numbers,
        )

    def take(self, half: CircuitHalf, at_us: int, actions: list[Action]) -> None:
        """Decide the call that has come on the circuit of this half."""
        circuit = half.circuit
        if circuit is None:
            return
        try:
            attempt = self.attempt_of(half, circuit.cic, at_us)
            if attempt.emergency and attempt.routing_number is not None:
                half.iam = _undipped(half.iam, attempt, self._settings.emergency_numbers)
            onward = _onward(half.iam, attempt)
        except Malformed as fault:
            self._counters.unreadable(fault)
            half.release(PROTOCOL_ERROR, at_us, actions)
            return
        if onward is None:
            half.table.counters["hop counter used up"] += 1
            half.release(EXCHANGE_ROUTING_ERROR, at_us, actions)
            return
        half.emergency = attempt.emergency
        if not (self.accepting or attempt.emergency):
            half.table.counters["refused while draining"] += 1
            half.release(SWITCHING_EQUIPMENT_CONGESTION, at_us, actions)
            return
        gate = self.gate
        if gate is not None and not gate.passes_on_circuit(attempt):
            half.table.counters["refused in a flood"] += 1
            half.release(self._shed, at_us, actions)
            return
        call = Call(attempt, self._engine.decide(attempt, self._members.room_for))
        egress = call.decision.egress
        if gate is not None:
            gate.decided_on_circuit(attempt, refused=egress is None)
        if egress is None:
            self._refuse(half, call, at_us, actions)
        elif egress.circuits is not None:
            self._forward(half, call, onward, self._tables[egress.name], at_us, actions)
        elif self.sip is not None:
            half.controlling = True
            half.other = self.sip.call_from_circuit(call, half.iam, half, at_us, actions)
        else:
            raise AssertionError(f"{egress.name} is reached over SIP, and there is no SIP side")

    def _refuse(self, half: CircuitHalf, call: Call, at_us: int, actions: list[Action]) -> None:
        finding = call.decision.refused_by
        if finding is None:
            raise AssertionError("a refused call names the finding that refused it")
        actions.append(Decided(call))
        cause, call.final_status = released_by(finding, self._settings.network_blocked)
        call.ended_by = EndedBy.REFUSAL
        call.ended_at_us = at_us
        half.release(cause, at_us, actions)
        actions.append(Ended(call))

    def _forward(
        self, half: CircuitHalf, call: Call, iam: IsupMessage, table: CircuitTable, at_us: int, actions: list[Action]
    ) -> None:
        member = self._members.member_for(call.decision)
        if member is None:
            raise AssertionError("a trunk group with circuits has a member")
        actions.append(Decided(call))
        ingress = self._members.state_of(call.attempt.ingress)
        transit, caller = self._transit.open(call, half, ingress, member)
        said = in_words_of(table.group.variant, iam)
        if not said:
            caller.release(INTERWORKING, at_us, actions)
            return
        if not table.reachable:
            caller.release(NETWORK_OUT_OF_ORDER, at_us, actions)
            return
        callee = self._calls.half_for(table, said[0], caller, emergency=call.attempt.emergency)
        transit.callee = callee
        if not self._calls.seize(callee, at_us, actions):
            caller.release(NO_CIRCUIT, at_us, actions)


def with_digits(iam: IsupMessage, subsequent: PartyNumber) -> IsupMessage:
    """An IAM with the digits of a SAM behind its own.

    Raises `Malformed` where it has no called number to read, or no room for them.
    """
    called = iam.called
    if called is None:
        raise Malformed("the IAM has no called party number")
    longer = called._replace(digits=(called.digits + subsequent.digits)[:MOST_DIGITS])
    try:
        return iam.replaced({P.CALLED_PARTY_NUMBER: encode_number(P.CALLED_PARTY_NUMBER, longer, iam.variant)})
    except ValueError as unfit:
        raise Malformed(f"the digits of the SAM do not fit into the IAM: {unfit}") from unfit


MOST_DIGITS: Final = 32


def _undipped(iam: IsupMessage, attempt: CallAttempt, emergency_numbers: frozenset[str]) -> IsupMessage:
    """The IAM of a call to 911 without the portability dip that somebody made for it: there is one place where it goes,
    and whoever names another beside it does not have it carried there unjudged. Raises `Malformed`.
    """
    both = (attempt.called.number, attempt.routing_number)
    emergency = [each for each in both if each is not None and is_emergency_number(each, emergency_numbers)]
    if not emergency:  # one by the caller's category: its number may be anybody's
        return iam
    number = PartyNumber(emergency[0].digits, service_nature(iam.variant))
    called = (int(P.CALLED_PARTY_NUMBER), encode_number(P.CALLED_PARTY_NUMBER, number, iam.variant))
    kept = [(code, value) for code, value in iam.parameters if not _says_of_the_dip(code, value, iam.variant)]
    try:
        return isup_message(iam.variant, iam.type, iam.cic, [called, *kept])
    except ValueError as unfit:
        raise Malformed(f"the IAM's parameters do not fit into one: {unfit}") from unfit


def _says_of_the_dip(code: int, value: bytes, variant: Variant) -> bool:
    if code == P.CALLED_PARTY_NUMBER:
        return True
    if variant is Variant.ANSI:
        return code == P.GENERIC_ADDRESS and value[:1] == _PORTED
    return code == P.CALLED_DIRECTORY_NUMBER


_PORTED: Final = bytes((GenericAddressType.PORTED.value,))


def _onward(iam: IsupMessage, attempt: CallAttempt) -> IsupMessage | None:
    """The IAM as it leaves: one hop less, and its continuity checked (Q.764 sections 2.1.8 and 2.1.9).

    None where it has come through too many exchanges already. A hop counter that cannot be read goes on as it came, and
    so does an emergency call of which nothing can be changed. Raises `Malformed` where it is another's.
    """
    changes: dict[int, bytes | None] = {}
    nature = iam.nature_of_connection
    if nature is not None and nature.continuity:
        changes[int(P.NATURE_OF_CONNECTION)] = encode_nature_of_connection(nature._replace(continuity=0))
    hops = attempt.hops
    if hops is not None:
        if hops <= 1:
            return None
        spare = (iam.value(P.HOP_COUNTER) or b"\0")[0] & 0xE0
        changes[int(P.HOP_COUNTER)] = bytes((spare | hops - 1,))
    try:
        return iam.replaced(changes) if changes else iam
    except Malformed:
        if not attempt.emergency:
            raise
        return iam
