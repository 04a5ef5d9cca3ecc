"""Refusals as 603+ (ATIS-1000099, 47 CFR 64.1200(k)(9)): where it is configured, and only where it fits."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from playbook import (
    CALLEE,
    CALLER,
    GROUPS,
    REFUSED_NUMBER,
    Discontinue,
    Playbook,
    answered,
    decided,
    ended,
    request,
    ringing,
    sends,
    settings_with,
)

from gateway.interconnection.carriers import RateLimit
from gateway.interconnection.denial_of_service import StandingBook
from gateway.policy.attribution import ProviderFinder
from gateway.policy.checks.rate_limit import RateLimits
from gateway.policy.engine import Engine
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.routing import Router
from gateway.policy.verdict import Finding, Outcome, Verdict
from gateway.signalling.call import EndedBy
from gateway.signalling.network_blocked import NetworkBlocked, released_by, said_of
from gateway.signalling.proxy import SipProxy

BLOCKED: Final = NetworkBlocked("https://host.example/blocked", "+13145550100", "noc@host.example")
LINE: Final = (
    b'Reason: SIP;cause=603;text="v=analytics1;url=https://host.example/blocked;tel=+13145550100;'
    b'email=noc@host.example";location=LN'
)
SETTINGS: Final = replace(settings_with(), network_blocked=BLOCKED)


def first_line(data: bytes) -> bytes:
    return data.partition(b"\r\n")[0]


def limited(blocked: NetworkBlocked | None) -> Playbook:
    groups = (replace(GROUPS[0], limit=RateLimit(1, 1, 10)), GROUPS[1])
    limits = RateLimits(None, groups)
    engine = Engine([limits], [limits], Router(groups, guide=None, ported=None, standings=StandingBook()))
    play = Playbook()
    play.proxy = SipProxy(replace(SETTINGS, network_blocked=blocked), engine, groups, ProviderFinder(None, None))
    return play


def test_a_call_over_a_limit_is_refused_with_whom_to_turn_to() -> None:
    with limited(BLOCKED) as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> request(branch="2", call_id="c2") << decided(Outcome.REFUSE)
        play << sends("603", CALLER, lines=(LINE, b'Reason: Q.850;cause=21;text="OVER_LIMIT rate_limit L8"'))
        assert first_line(play.sent) == b"SIP/2.0 603 Network Blocked"
        assert b"Retry-After" not in play.sent
        play << ended(EndedBy.REFUSAL, 603)


def test_without_the_setting_it_may_be_tried_again() -> None:
    with limited(None) as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> request(branch="2", call_id="c2") << decided(Outcome.REFUSE)
        play << sends("480", CALLER, lines=(b"Retry-After: 1",)) << ended(EndedBy.REFUSAL, 480)


def test_a_call_that_breaks_another_clause_is_refused_as_before() -> None:
    with Playbook(SETTINGS) as play:
        play >> request(uri=f"sip:+1{REFUSED_NUMBER}@192.0.2.20") << decided(Outcome.REFUSE)
        play << sends("604", CALLER, lines=(b"Retry-After: 30",)) << ended(EndedBy.REFUSAL, 604)


def test_a_call_that_is_discontinued_while_it_is_set_up_is_refused_so_too() -> None:
    with Playbook(SETTINGS) as play:
        ringing(play)
        play >> Discontinue() << sends("603", CALLER, lines=(LINE,)) << sends("CANCEL", CALLEE)
        play << ended(EndedBy.DISCONTINUED, 603)


def test_a_bye_names_the_cause_alone() -> None:
    with Playbook(SETTINGS) as play:
        answered(play)
        play >> Discontinue() << ended(EndedBy.DISCONTINUED, 200) << sends("BYE", CALLER)
        assert b"cause=603" not in play.sent
        play << sends("BYE", CALLEE)


def test_what_the_gate_sheds_is_said_so() -> None:
    with limited(BLOCKED) as play:
        play.now_us += 1_000_000
        answers = []
        for number in range(2_000):
            name = str(number)
            actions = play.proxy.receive(*request(branch=name, call_id=name), play.now_us)
            answers += [action.data for action in actions if hasattr(action, "data") and action.target == CALLER]
        assert play.proxy.counters.shed["calls refused"] > 0
        assert first_line(answers[-1]) == b"SIP/2.0 603 Network Blocked"
        assert LINE in answers[-1].split(b"\r\n")


@pytest.mark.parametrize(
    ("ways", "text"),
    [
        (NetworkBlocked(url="https://h/"), "v=analytics1;url=https://h/"),
        (NetworkBlocked(telephone="+13145550100"), "v=analytics1;tel=+13145550100"),
        (NetworkBlocked(email="a@h", location="TN"), "v=analytics1;email=a@h"),
    ],
)
def test_any_of_the_ways_is_enough(ways: NetworkBlocked, text: str) -> None:
    finding = Finding("c", Verdict.DISCONTINUED, "L8", refusal=REFUSALS[Reason.DISCONTINUED])
    line = f'Reason: SIP;cause=603;text="{text}";location={ways.location}\r\n'
    assert said_of(finding, ways).lines.startswith(line.encode())


@pytest.mark.parametrize(
    ("verdict", "reason", "blocked", "cause", "location", "status"),
    [
        (Verdict.OVER_LIMIT, Reason.OVER_LIMIT, True, 21, 0, 603),
        (Verdict.DISCONTINUED, Reason.DISCONTINUED, True, 21, 0, 603),
        (Verdict.OUTSIDE, Reason.OUTSIDE_FOOTPRINT, True, 3, 2, 404),
        (Verdict.OVER_LIMIT, Reason.OVER_LIMIT, False, 42, 2, 480),
        (Verdict.DISCONTINUED, Reason.DISCONTINUED, False, 21, 2, 403),
    ],
)
def test_on_circuits_it_is_cause_21_of_the_user(
    verdict: Verdict, reason: Reason, blocked: bool, cause: int, location: int, status: int
) -> None:
    said, told = released_by(Finding("c", verdict, "L8", refusal=REFUSALS[reason]), blocked)
    assert (said.value, said.location, told) == (cause, location, status)
