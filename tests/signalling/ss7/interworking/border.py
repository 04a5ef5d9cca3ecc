"""Scripts for the border between SIP and circuits: a real proxy, the user agent, and circuits that are played by hand.

``play >> datagram(...) << sends(...)`` as in the proxy's own playbook; what goes to circuits is among the actions too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from playbook import CALLEE, GROUPS, Datagram, Discontinue, Ledger, Wait, first_word, request, settings_with

from gateway.codecs.sip import SipMessage
from gateway.codecs.ss7.isup import Cause, IsupMessage, MessageType
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.circuit_groups import CircuitGroup
from gateway.interconnection.denial_of_service import StandingBook
from gateway.interconnection.trunk_groups import Hop, Member, Transport, TrunkGroup
from gateway.policy.attribution import ProviderFinder
from gateway.policy.engine import Engine
from gateway.policy.routing import Router
from gateway.policy.verdict import Outcome
from gateway.signalling.call import Action, Call, Send, ToProxy
from gateway.signalling.isup_attempt import attempt_of_iam, circuit_call_id, nobodys_call
from gateway.signalling.proxy import SipProxy
from gateway.signalling.ss7.half_call import HalfCall
from gateway.signalling.ss7.interworking.interworking import Interworking
from gateway.signalling.ss7.interworking.settings import InterworkingSettings

T0: Final = 1_760_000_000_000_000
SECOND_US: Final = 1_000_000
EXCHANGE: Final = Hop("246-14-7", 1, Transport.SS7)
OFFER: Final = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
SDP_TYPE: Final = b"Content-Type: application/sdp"


def circuits(variant: Variant) -> CircuitGroup:
    return CircuitGroup(variant, 1, 2, ((1, 24),), ("link",))


class Seized(NamedTuple):
    """An IAM went out on a circuit."""

    iam: IsupMessage
    emergency: bool


class Said(NamedTuple):
    """A message of the call is to be said on the circuit."""

    message: IsupMessage


class Released(NamedTuple):
    """The circuit is to be released."""

    cause: Cause


class Circuit:
    """A circuit's half of a call, played by hand. What it is told joins the actions in its place."""

    def __init__(self) -> None:
        self.other: HalfCall | None = None

    def pass_on(self, message: IsupMessage, _at_us: int, actions: list[Action]) -> None:
        actions.append(Said(message))  # type: ignore[arg-type]

    def release(self, cause: Cause, _at_us: int, actions: list[Action]) -> None:
        actions.append(Released(cause))  # type: ignore[arg-type]


class Border:
    """`sent` is the data of the last SIP message that was expected."""

    def __init__(
        self,
        variant: Variant = Variant.ANSI,
        *,
        sip_i: str | None = None,
        max_calls: int = 1_000,
        groups: Sequence[TrunkGroup] = GROUPS,
    ) -> None:
        partner, host = groups
        member = (Member(EXCHANGE),)
        self.on_circuits: Final = replace(host, members=member, circuits=circuits(variant))
        self.to_circuits: Final = (partner, self.on_circuits)
        self.from_circuits: Final = (
            replace(partner, members=member, circuits=circuits(variant)),
            replace(host, members=(Member(CALLEE),), sip_i=sip_i),
        )
        self.variant: Final = variant
        self._max_calls: Final = max_calls
        self.now_us = T0
        self.sent = b""
        self.told: Final[list[object]] = []
        self.circuit = Circuit()
        self.idle_circuits = True
        self.call: Call | None = None

    def start(self, groups: Sequence[TrunkGroup]) -> None:
        self.ledger = Ledger()
        engine = Engine([self.ledger], [self.ledger], Router(groups, guide=None, ported=None, standings=StandingBook()))
        settings = settings_with(max_calls=self._max_calls)
        self.proxy = SipProxy(settings, engine, groups, ProviderFinder(None, None))
        self.engine = engine
        self.agent = Interworking(InterworkingSettings(settings.listeners[0]), groups, self)

    def seize(
        self,
        _group: TrunkGroup,
        iam: IsupMessage,
        other: HalfCall,
        _at_us: int,
        actions: list[Action],
        *,
        emergency: bool = False,
    ) -> HalfCall | None:
        if not self.idle_circuits:
            return None
        actions.append(Seized(iam, emergency))  # type: ignore[arg-type]
        self.circuit.other = other
        return self.circuit

    def _settle(self, actions: list[Action]) -> None:
        """As the signalling point does it: in memory what is for memory, the rest is told."""
        left = list(actions)
        while left:
            action = left.pop(0)
            answers: list[Action] = []
            if isinstance(action, Send) and action.target.transport is Transport.SS7:
                self.agent.receive(action.data, action.target, self.now_us, answers)
            elif isinstance(action, ToProxy):
                if action.call is None:
                    answers = self.proxy.receive(action.data, action.source, self.now_us)
                else:
                    answers = self.proxy.open_decided(action.data, action.source, action.call, self.now_us)
            else:
                self.told.append(action)
            left += answers

    # -- events -------------------------------------------------------------------------------------------------------

    def __rshift__(self, event: Datagram | Wait | IsupMessage | Cause | Discontinue) -> Border:
        assert self.told == [], "nobody expected this"
        actions: list[Action] = []
        if isinstance(event, Wait):
            self.now_us += round(event.seconds * SECOND_US)
            actions = self.proxy.wake(self.now_us)
            self.agent.wake(self.now_us, actions)
        elif isinstance(event, Datagram):
            actions = self.proxy.receive(event.data, event.source, self.now_us)
        elif isinstance(event, Discontinue):
            actions = self.proxy.end_calls(event.wanted, event.cause, event.text, self.now_us)
        else:
            other = self.circuit.other
            assert other is not None
            if isinstance(event, IsupMessage):
                other.pass_on(event, self.now_us, actions)
            else:
                other.release(event, self.now_us, actions)
        self._settle(actions)
        return self

    def call_in(self, iam: IsupMessage, number: int = 0) -> Border:
        """An IAM has come on a circuit, and its call is decided."""
        ingress = self.from_circuits[0]
        at_us = self.now_us
        call_id = circuit_call_id("246-14-7", "2-137-26", (iam.cic or 0) + number, at_us) + "@192.0.2.1"
        attempt = attempt_of_iam(
            iam,
            at_us=at_us,
            call_id=call_id,
            source=Hop("246-14-7", iam.cic or 0, Transport.SS7),
            ingress=ingress,
            find_provider=nobodys_call,
            emergency_numbers=frozenset({"911"}),
        )
        self.call = Call(attempt, self.engine.decide(attempt, self.proxy.members.room_for))
        assert self.call.decision.outcome is Outcome.ADMIT
        actions: list[Action] = []
        self.circuit.other = self.agent.call_from_circuit(self.call, iam, self.circuit, at_us, actions)
        self._settle(actions)
        return self

    # -- expectations -------------------------------------------------------------------------------------------------

    def __lshift__(self, expectation: Callable[[object], None]) -> Border:
        assert self.told, "nothing is left"
        action = self.told.pop(0)
        expectation(action)
        if isinstance(action, Send):
            self.sent = action.data
        return self

    def __enter__(self) -> Border:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: object) -> None:
        if kind is None:
            assert self.told == [], "nobody expected this"

    def until(self, seconds: float) -> list[tuple[float, str]]:
        """Wake whenever somebody asks for it: when, and what was said to whom."""
        told: list[tuple[float, str]] = []
        start_us, end_us = self.now_us, self.now_us + round(seconds * SECOND_US)
        while True:
            due = [next_us for next_us in (self.proxy.next_wake_us, self.agent.next_us) if next_us is not None]
            if not due or min(due) > end_us:
                break
            self.now_us = max(self.now_us, min(due))
            actions = self.proxy.wake(self.now_us)
            self.agent.wake(self.now_us, actions)
            self._settle(actions)
            for each in self.told:
                what = first_word(each.data) if isinstance(each, Send) else type(each).__name__
                told.append(((self.now_us - start_us) / SECOND_US, what))
            self.told.clear()
        self.now_us = end_us
        return told


def seized(*, emergency: bool = False, called: str | None = None) -> Callable[[object], None]:
    def expect(action: object) -> None:
        assert isinstance(action, Seized), action
        assert action.emergency is emergency
        if called is not None:
            number = action.iam.called
            assert number is not None
            assert number.digits == called

    return expect


def says(kind: MessageType, **values: object) -> Callable[[object], None]:
    """A message of this type is said on the circuit, of which these properties have these values."""

    def expect(action: object) -> None:
        assert isinstance(action, Said), action
        assert action.message.type == kind.value, MessageType(action.message.type).name
        for name, value in values.items():
            assert getattr(action.message, name) == value, (name, getattr(action.message, name))

    return expect


def releases(value: int, location: int = 10) -> Callable[[object], None]:
    def expect(action: object) -> None:
        assert isinstance(action, Released), action
        assert (action.cause.value, action.cause.location) == (value, location)

    return expect


def invited(*lines: bytes, body: bytes = OFFER, kind: bytes = SDP_TYPE, **values: str) -> Datagram:
    """An INVITE of the SIP caller with an offer."""
    own = (b"Contact: <sip:+13145550100@192.0.2.10:5060>", *lines)
    with_body = (*own, kind, b"Content-Length: %d" % len(body)) if body else own
    return request("INVITE", *with_body, body=body, **values)  # type: ignore[arg-type]


def tag_in(data: bytes) -> str:
    """The To tag of a response."""
    to = SipMessage(data)
    return to.data.partition(b"\r\nTo: ")[2].partition(b"\r\n")[0].partition(b";tag=")[2].decode()


def caller_says(
    method: str, answer: bytes, *lines: bytes, cseq: int = 2, branch: str = "2", body: bytes = b""
) -> Datagram:
    """A request of the SIP caller in the dialog that this response made."""
    to = f"<sip:+16365550199@192.0.2.20>;tag={tag_in(answer)}"
    number = 1 if method == "ACK" and cseq == 2 else cseq
    if body:
        lines = (*lines, SDP_TYPE, b"Content-Length: %d" % len(body))
    return request(method, *lines, branch=branch, cseq=f"{number} {method}", to=to, body=body)
