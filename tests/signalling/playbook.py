"""Scripts for the proxy: what comes in, at which time, and every action that it must ask for.

``play >> datagram(...) << sends(...)``: an event goes in, the expected actions are taken off in order, and the next
event may come only when none is left over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Final, NamedTuple

from gateway.codecs.sip import SipMessage, headers, response_to
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import StandingBook
from gateway.interconnection.trunk_groups import Hop, Member, Service, Side, Transport, TrunkGroup
from gateway.policy.attribution import ProviderFinder
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.engine import Engine
from gateway.policy.routing import Router
from gateway.policy.verdict import Finding, Outcome, Refusal, Verdict
from gateway.signalling.call import (
    Action,
    Call,
    Decided,
    Ended,
    EndedBy,
    Locate,
    MemberChanged,
    Progressed,
    Send,
    Wanted,
)
from gateway.signalling.proxy import SipProxy
from gateway.signalling.proxy_settings import ProxySettings

T0: Final = 1_760_000_000_000_000
SECOND_US: Final = 1_000_000
CALLER: Final = Hop("192.0.2.10", 5060)
CALLEE: Final = Hop("192.0.2.20", 5060)
STRANGER: Final = Hop("203.0.113.9", 5060)
OURSELVES: Final = Hop("192.0.2.1", 5060)
GROUPS: Final = (
    TrunkGroup("TG-PARTNER", Side.PARTNER, Ocn("7001"), "CLMAMOXADS0", (Member(CALLER),)),
    TrunkGroup("TG-HOST", Side.HOST, Ocn("9740"), "CLMAMOXADS0", (Member(CALLEE),)),
)
CALLER_TCP: Final = Hop("192.0.2.10", 5060, Transport.TCP)
CALLEE_TCP: Final = Hop("192.0.2.20", 5060, Transport.TCP)
REFUSED_NUMBER: Final = "3145550403"


class Ledger:
    """A check that counts calls in progress and refuses one number."""

    name = "ledger"
    clause = "L9"

    def __init__(self) -> None:
        self.in_progress = 0

    def judge(self, attempt: CallAttempt) -> Finding:
        number = attempt.called.number
        if number is not None and number.digits == REFUSED_NUMBER:
            return Finding(self.name, Verdict.OUTSIDE, self.clause, refusal=Refusal(604, "Not Here", 1, 30))
        return Finding(self.name, Verdict.PASS, self.clause)

    def admitted(self, _attempt: CallAttempt) -> None:
        self.in_progress += 1

    def ended(self, _attempt: CallAttempt, _at_us: int) -> None:
        self.in_progress -= 1


def groups_with(caller: Hop = CALLER, callee: Hop = CALLEE) -> tuple[TrunkGroup, ...]:
    return (replace(GROUPS[0], members=(Member(caller),)), replace(GROUPS[1], members=(Member(callee),)))


def proxy_with(ledger: Ledger, settings: ProxySettings, groups: Sequence[TrunkGroup] = GROUPS) -> SipProxy:
    engine = Engine([ledger], [ledger], Router(groups, guide=None, ported=None, standings=StandingBook()))
    return SipProxy(settings, engine, groups, ProviderFinder(None, None))


def settings_with(
    *,
    host: str = OURSELVES.host,
    listeners: tuple[Hop, ...] = (),
    max_calls: int = 1_000,
    max_call_s: int = 14_400,
    max_transactions: int = 1_000,
    strangers_per_s: int = 50,
    emergency_reserve: int = 1_000,
    session_expires_s: int = 0,
    min_se_s: int = 0,
    locate_in_dialog: bool = False,
) -> ProxySettings:
    return ProxySettings(
        listeners or (Hop(host, OURSELVES.port),),
        b"secret",
        max_calls=max_calls,
        max_call_s=max_call_s,
        max_transactions=max_transactions,
        strangers_per_s=strangers_per_s,
        emergency_reserve=emergency_reserve,
        session_expires_s=session_expires_s,
        min_se_s=min_se_s,
        locate_in_dialog=locate_in_dialog,
    )


class Datagram(NamedTuple):
    data: bytes
    source: Hop


class Wait(NamedTuple):
    """Time passes; the proxy is woken once, at its end."""

    seconds: float


class Closed(NamedTuple):
    """A connection is gone."""

    hop: Hop


class Found(NamedTuple):
    """A name was located: the hops that it leads to. The latest that was asked for, where no token is given."""

    hops: tuple[Hop, ...]
    token: int = 0


class Undeliverable(NamedTuple):
    """The transport could not send this."""

    message: Send


def any_call(_call: Call, _at_us: int) -> bool:
    return True


class Discontinue(NamedTuple):
    """The gateway is to end calls: those of which `wanted` says so."""

    wanted: Wanted = any_call
    cause: int = 21
    text: str = "DISCONTINUED 7001 L8"


Expectation = Callable[[Action], None]


class Playbook:
    """One script. `sent` is the data of the last expected Send."""

    def __init__(self, settings: ProxySettings | None = None, groups: Sequence[TrunkGroup] = GROUPS) -> None:
        self.ledger = Ledger()
        self.proxy = proxy_with(self.ledger, settings or settings_with(), groups)
        self.now_us = T0
        self.sent = b""
        self.token = 0
        self.call: Call | None = None
        self._left: list[Action] = []

    def __enter__(self) -> Playbook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is None:
            assert self._left == [], "nobody expected this"

    def __rshift__(self, event: Datagram | Wait | Closed | Found | Undeliverable | Discontinue) -> Playbook:
        assert self._left == [], "nobody expected this"
        if isinstance(event, Wait):
            self.now_us += round(event.seconds * SECOND_US)
            self._left = self.proxy.wake(self.now_us)
        elif isinstance(event, Closed):
            self._left = self.proxy.closed(event.hop, self.now_us)
        elif isinstance(event, Found):
            self._left = self.proxy.located(event.token or self.token, event.hops, self.now_us)
        elif isinstance(event, Undeliverable):
            self._left = self.proxy.undeliverable(event.message, self.now_us)
        elif isinstance(event, Discontinue):
            self._left = self.proxy.end_calls(event.wanted, event.cause, event.text, self.now_us)
        else:
            self._left = self.proxy.receive(event.data, event.source, self.now_us)
        return self

    def __lshift__(self, expectation: Expectation) -> Playbook:
        assert self._left, "no action is left"
        action = self._left.pop(0)
        expectation(action)
        if isinstance(action, Send):
            self.sent = action.data
        elif isinstance(action, Locate):
            self.token = action.token
        elif not isinstance(action, MemberChanged):
            self.call = action.call
        return self

    def until(self, seconds: float) -> list[tuple[float, str, Hop | None]]:
        """Wake whenever the proxy asks for it: when, what (first words of what is sent), where to."""
        assert self._left == [], "nobody expected this"
        told: list[tuple[float, str, Hop | None]] = []
        end_us = self.now_us + round(seconds * SECOND_US)
        start_us = self.now_us
        while (wake_us := self.proxy.next_wake_us) is not None and wake_us <= end_us:
            self.now_us = max(self.now_us, wake_us)  # it may ask too early, for a timer that was stopped since
            for action in self.proxy.wake(self.now_us):
                when = (self.now_us - start_us) / SECOND_US
                if isinstance(action, Send):
                    told.append((when, first_word(action.data), action.target))
                else:
                    told.append((when, type(action).__name__, None))
        self.now_us = end_us
        return told


def first_word(data: bytes) -> str:
    """The method of a request, the status of a response."""
    message = SipMessage(data)
    return str(message.status) if message.status else message.method.decode()


def sends(what: str, target: Hop, *, lines: tuple[bytes, ...] = (), data: bytes | None = None) -> Expectation:
    """A Send of this method or status; `lines` must be among its header lines; `data`, if given, all of it."""

    def expect(action: Action) -> None:
        assert isinstance(action, Send), action
        assert (first_word(action.data), action.target) == (what, target), action.data
        for line in lines:
            assert line in action.data.split(b"\r\n"), (line, action.data)
        assert data is None or action.data == data

    return expect


def locates(target: str) -> Expectation:
    def expect(action: Action) -> None:
        assert isinstance(action, Locate), action
        assert str(action.target) == target

    return expect


def decided(outcome: Outcome = Outcome.ADMIT) -> Expectation:
    def expect(action: Action) -> None:
        assert isinstance(action, Decided), action
        assert action.call.decision.outcome is outcome

    return expect


def member_is(service: Service, member: Hop) -> Expectation:
    def expect(action: Action) -> None:
        assert isinstance(action, MemberChanged), action
        assert (action.after, action.member) == (service, member)

    return expect


def progressed() -> Expectation:
    def expect(action: Action) -> None:
        assert isinstance(action, Progressed), action

    return expect


def ended(ended_by: EndedBy, status: int | None) -> Expectation:
    def expect(action: Action) -> None:
        assert isinstance(action, Ended), action
        assert (action.call.ended_by, action.call.final_status) == (ended_by, status)
        assert action.call.ended_at_us is not None

    return expect


def request(
    method: str = "INVITE",
    *lines: bytes,
    branch: str = "1",
    via: bytes | None = None,
    uri: str = "sip:+16365550199@192.0.2.20",
    from_: str = "<sip:+13145550100@192.0.2.10>;tag=a",
    to: str = "<sip:+16365550199@192.0.2.20>",
    call_id: str = "c1",
    cseq: str | None = None,
    hops: bytes | None = b"70",
    source: Hop = CALLER,
    body: bytes = b"",
) -> Datagram:
    """A request as the caller's switch sends it, or with whatever differs."""
    cseq = cseq or f"1 {method}"
    head = [f"{method} {uri} SIP/2.0".encode()]
    host = f"[{source.host}]" if ":" in source.host else source.host
    usual = f"Via: SIP/2.0/{source.transport.upper()} {host}:{source.port};branch=z9hG4bK{branch}".encode()
    head.append(usual if via is None else via)
    head += [f"From: {from_}".encode(), f"To: {to}".encode(), f"Call-ID: {call_id}".encode(), f"CSeq: {cseq}".encode()]
    if hops is not None:
        head.append(b"Max-Forwards: " + hops)
    return Datagram(b"\r\n".join((*head, *lines)) + b"\r\n\r\n" + body, source)


def reply(to: bytes, status: int, tag: str = "b", source: Hop = CALLEE, lines: tuple[bytes, ...] = ()) -> Datagram:
    """What the called side answers to a request that it was sent; `lines` are further header lines."""
    extra = b"".join(line + b"\r\n" for line in lines)
    return Datagram(response_to(SipMessage(to), status, "Answer", to_tag=tag.encode(), extra=extra), source)


CALLEE_TAGGED: Final = "<sip:+16365550199@192.0.2.20>;tag=b"
CALLER_TAGGED: Final = "<sip:+13145550100@192.0.2.10>;tag=a"


def in_dialog(
    method: str,
    *lines: bytes,
    branch: str = "2",
    cseq: int = 2,
    to: str = CALLEE_TAGGED,
    uri: str = "sip:+16365550199@192.0.2.20",
) -> Datagram:
    """A request of the caller in the dialog."""
    return request(method, *lines, branch=branch, cseq=f"{cseq} {method}", to=to, uri=uri)


def from_callee(method: str, *lines: bytes, branch: str = "9", cseq: int = 7) -> Datagram:
    """A request of the called side in the dialog."""
    return request(
        method,
        *lines,
        branch=branch,
        cseq=f"{cseq} {method}",
        uri="sip:+13145550100@192.0.2.10",
        from_=CALLEE_TAGGED,
        to=CALLER_TAGGED,
        source=CALLEE,
    )


def started(play: Playbook) -> bytes:
    """A call is let through; the INVITE that the called side gets."""
    play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
    return play.sent


def ringing(play: Playbook) -> bytes:
    invite = started(play)
    play >> reply(invite, 180) << progressed() << sends("180", CALLER)
    return invite


def answered(play: Playbook, *lines: bytes) -> bytes:
    """A call is up: 180, 200 and ACK have passed; `lines` are in the 200."""
    invite = ringing(play)
    play >> reply(invite, 200, lines=lines) << sends("200", CALLER)
    play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)
    return invite


def header(data: bytes, name: headers.Header) -> bytes:
    return SipMessage(data).required(name)
