"""Feedback on overload to upstreams that offer to heed it (RFC 7339, RFC 7415): which responses, and which figures."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import pytest
from playbook import (
    CALLEE,
    CALLER,
    GROUPS,
    SECOND_US,
    STRANGER,
    Datagram,
    Playbook,
    decided,
    ended,
    from_callee,
    header,
    in_dialog,
    progressed,
    reply,
    request,
    sends,
    settings_with,
)

from gateway.codecs.sip import headers
from gateway.interconnection.carriers import RateLimit
from gateway.interconnection.denial_of_service import StandingBook
from gateway.policy.attribution import ProviderFinder
from gateway.policy.checks.rate_limit import RateLimits
from gateway.policy.engine import Engine
from gateway.policy.routing import Router
from gateway.policy.verdict import Outcome
from gateway.signalling.call import Decided, EndedBy, Send
from gateway.signalling.proxy import SipProxy

VIA = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%s;oc;oc-algo=%s"
BARE = b"SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%s"
TOLD = re.compile(rb';oc=(\d+);oc-algo="(loss|rate)";oc-validity=(\d+);oc-seq=(\d{1,12}\.\d{1,5})\Z')


TEN: Final = RateLimit(10, 10, 1_000)


def playing(limit: RateLimit = TEN) -> Playbook:
    """A proxy whose partner's trunk group has this limit."""
    groups = (replace(GROUPS[0], limit=limit), GROUPS[1])
    limits = RateLimits(None, groups)
    play = Playbook()
    engine = Engine([limits], [limits], Router(groups, guide=None, ported=None, standings=StandingBook()))
    play.proxy = SipProxy(settings_with(), engine, groups, ProviderFinder(None, None), limits)
    return play


def offering(method: str = "INVITE", branch: str = "1", algorithms: str = '"loss"', **values: str) -> Datagram:
    return request(method, branch=branch, via=(VIA % (branch, algorithms)).encode(), **values)  # type: ignore[arg-type]


def told(data: bytes) -> tuple[int, str, int, float]:
    """Amount, algorithm, validity in milliseconds, sequence number."""
    found = TOLD.search(header(data, headers.VIA))
    assert found is not None, header(data, headers.VIA)
    return int(found[1]), found[2].decode(), int(found[3]), float(found[4])


def test_every_response_to_an_upstream_that_offers_tells_it_and_the_offer_goes_no_further() -> None:
    """RFC 7339 sections 5.2, 5.6 and 5.11: in our own responses and in those of the other side, 100 included."""
    with playing() as play:
        play >> offering() << decided() << sends("100", CALLER)
        sequence = [told(play.sent)]
        play << sends("INVITE", CALLEE)
        invite = play.sent
        assert b"oc" not in invite.partition(b"From:")[0]
        play >> reply(invite, 180) << progressed() << sends("180", CALLER)
        sequence.append(told(play.sent))
        play >> reply(invite, 200) << sends("200", CALLER)
        sequence.append(told(play.sent))
        assert header(play.sent, headers.VIA).startswith(BARE % b"1")
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)
        play >> offering("BYE", "3", cseq="2 BYE", to="<sip:+16365550199@192.0.2.20>;tag=b") << sends("BYE", CALLEE)
        play >> reply(play.sent, 200) << sends("200", CALLER)
        sequence.append(told(play.sent))
        play << ended(EndedBy.CALLER, 200)
        assert [each[:3] for each in sequence] == [(0, "loss", 0)] * 4
        assert [each[3] for each in sequence] == sorted({each[3] for each in sequence})


@pytest.mark.parametrize(
    "via",
    [
        None,
        b"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1;oc",
        b'Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1;oc-algo="loss"',
        b'Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1;oc;oc-algo="A,B"',
        b'Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1;x="oc;oc-algo"',
    ],
)
def test_who_does_not_offer_it_is_told_nothing(via: bytes | None) -> None:
    with playing() as play:
        play >> request(via=via) << decided() << sends("100", CALLER)
        assert TOLD.search(header(play.sent, headers.VIA)) is None
        play << sends("INVITE", CALLEE)
        play >> reply(play.sent, 486) << sends("ACK", CALLEE) << sends("486", CALLER)
        assert TOLD.search(header(play.sent, headers.VIA)) is None
        play << ended(EndedBy.FAILURE, 486)


def test_the_called_side_is_an_upstream_of_its_own_requests() -> None:
    with playing() as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 200) << progressed() << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)
        bye = from_callee("BYE").data.replace(b";branch=z9hG4bK9", b';branch=z9hG4bK9;oc;oc-algo="loss"')
        play >> Datagram(bye, CALLEE) << sends("BYE", CALLER)
        play >> reply(play.sent, 200, source=CALLER) << sends("200", CALLEE)
        assert told(play.sent)[:3] == (0, "loss", 0)
        play << ended(EndedBy.CALLED, 200)


def test_a_stranger_is_told_nothing() -> None:
    with playing() as play:
        via = b'Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1;oc;oc-algo="loss"'
        play >> request("OPTIONS", via=via, source=STRANGER) << sends("200", STRANGER)
        assert TOLD.search(header(play.sent, headers.VIA)) is None


def test_what_the_other_side_wrote_into_the_via_does_not_reach_the_upstream() -> None:
    """RFC 7339 section 5.4."""
    with playing() as play:
        play >> offering() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        forged = reply(play.sent, 180).data.replace(b";branch=z9hG4bK1\r", b";branch=z9hG4bK1;OC=90;oc-seq=9.9\r")
        assert b"OC=90" in forged
        play >> Datagram(forged, CALLEE) << progressed() << sends("180", CALLER)
        assert told(play.sent)[:3] == (0, "loss", 0)
        assert b"OC=90" not in play.sent


@pytest.mark.parametrize("rport", [";rport", ";rport;received=10.0.0.1"])
def test_the_via_is_completed_as_any_other(rport: str) -> None:
    """RFC 3581 section 4."""
    with playing() as play:
        via = f'Via: SIP/2.0/UDP 192.0.2.10:5060;oc;branch=z9hG4bK1;oc-algo="loss"{rport}'.encode()
        play >> request("OPTIONS", via=via) << sends("200", CALLER)
        value = header(play.sent, headers.VIA)
        assert value.startswith(BARE % b"1" + b";rport=5060;received=192.0.2.10;oc=0;")


def test_what_stands_behind_its_via_in_the_same_line_stays() -> None:
    with playing() as play:
        via = b'Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1;oc;oc-algo="loss,rate" , SIP/2.0/UDP x;branch=z;oc'
        play >> request("OPTIONS", via=via) << sends("200", CALLER)
        value = header(play.sent, headers.VIA)
        assert value.endswith(b" , SIP/2.0/UDP x;branch=z;oc")
        assert TOLD.search(value.partition(b" ,")[0]) is not None


def test_a_refused_call_tells_it_too() -> None:
    with playing(RateLimit(1, 1, 1)) as play:
        play >> offering() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> offering(branch="2", call_id="c2") << decided(Outcome.REFUSE) << sends("480", CALLER)
        told(play.sent)
        play << ended(EndedBy.REFUSAL, 480)


def test_a_call_that_is_shed_unread_tells_it_too() -> None:
    with playing(RateLimit(1, 1, 1)) as play:
        answers = []
        for number in range(2_000):
            name = str(number)
            for action in play.proxy.receive(*offering(branch=name, call_id=name), play.now_us):
                if isinstance(action, Send) and action.target == CALLER:
                    answers.append(action.data)
        assert play.proxy.counters.shed["calls refused"] > 0
        assert answers[-1].startswith(b"SIP/2.0 480 Too Many Calls In Vain\r\n")
        assert told(answers[-1])[1] == "loss"


# -- the figures ------------------------------------------------------------------------------------------------------


def new_call(play: Playbook, algorithms: str = '"loss"', *, uri: str = "sip:+16365550199@h") -> bool:
    """A call is attempted; whether it is refused. `sent` is what its caller is told first, if anything."""
    name = str(play.now_us)
    actions = play.proxy.receive(*offering(branch=name, call_id=name, algorithms=algorithms, uri=uri), play.now_us)
    play.sent = next((each.data for each in actions if isinstance(each, Send) and each.target == CALLER), b"")
    return not any(isinstance(each, Decided) and each.call.decision.outcome is Outcome.ADMIT for each in actions)


def second_of(play: Playbook, number: int, algorithms: str = '"loss"', *, uri: str = "sip:+16365550199@h") -> int:
    """So many new calls, over a second; how many were refused."""
    refused = 0
    for _ in range(number):
        refused += new_call(play, algorithms, uri=uri)
        play.now_us += SECOND_US // number
    return refused


def test_what_was_too_much_in_a_second_is_held_back_in_the_next() -> None:
    play = playing()
    refused = second_of(play, 40)  # all but the burst, and what comes to it in the second
    new_call(play)
    assert told(play.sent)[:3] == (100 * refused // 40, "loss", 2_000)


def test_a_rate_is_told_where_it_is_offered_and_is_what_was_not_too_much() -> None:
    """RFC 7415 section 3.4: requests in a second."""
    play = playing()
    refused = second_of(play, 40, '"loss,rate"')
    new_call(play, '"loss,rate"')
    assert told(play.sent)[:3] == (40 - refused, "rate", 2_000)


def test_who_offers_another_algorithm_than_before_begins_anew() -> None:
    play = playing()
    second_of(play, 40, '"loss,rate"')
    new_call(play)
    assert told(play.sent)[:3] == (0, "loss", 0)


def test_what_an_upstream_was_told_runs_out() -> None:
    """RFC 7339 section 4.3."""
    play = playing()
    second_of(play, 40)
    play.now_us += 3 * SECOND_US
    new_call(play)
    assert told(play.sent)[:3] == (0, "loss", 0)


def test_it_ends_with_a_validity_of_0_when_nothing_was_too_much_for_long_enough() -> None:
    """RFC 7339 section 5.7."""
    play = playing()
    second_of(play, 40)
    seen = []
    for _ in range(6):
        second_of(play, 2)
        seen.append(told(play.sent)[:3])
    amounts = [amount for amount, _, validity_ms in seen if validity_ms]
    assert len(amounts) >= 2
    assert amounts == sorted(amounts, reverse=True)
    assert seen[-1] == (0, "loss", 0)


def test_emergency_calls_are_never_too_much_and_hear_nothing_of_it() -> None:
    """L10."""
    play = playing(RateLimit(1, 1, 1))
    assert second_of(play, 5) == 4
    assert second_of(play, 20, uri="sip:911@h") == 0
    assert TOLD.search(header(play.sent, headers.VIA)) is None
    new_call(play)
    assert told(play.sent)[:3] == (80, "loss", 2_000)  # four of five, and of no emergency call


def test_an_emergency_call_behind_a_strict_router_hears_nothing_of_it_either() -> None:
    """RFC 3261 section 16.4."""
    play = playing(RateLimit(1, 1, 1))
    strict = offering(uri="sip:192.0.2.1:5060;lr")
    routed = strict.data.replace(b"Max-Forwards", b"Route: <sip:911@h>\r\nMax-Forwards", 1)
    actions = play.proxy.receive(routed, strict.source, play.now_us)
    (trying,) = [each.data for each in actions if isinstance(each, Send) and each.target == CALLER]
    assert TOLD.search(header(trying, headers.VIA)) is None


@pytest.mark.parametrize("flood", [50, 100, 400])
@pytest.mark.parametrize("algorithm", ["loss", "rate"])
def test_an_upstream_that_heeds_it_is_hardly_refused_and_keeps_what_it_is_allowed(algorithm: str, flood: int) -> None:
    """It has `flood` calls a second, and sends as many of them as it is told to."""
    limit, seconds = 20, 20
    play = playing(RateLimit(limit, limit, 100_000))
    offered = '"loss,rate"' if algorithm == "rate" else '"loss"'
    share, owed = 1.0, 0.0
    sent = refused = 0
    for number in range(flood * seconds):
        play.now_us += SECOND_US // flood
        owed = min(owed + share, 2.0)
        if owed >= 1:
            owed -= 1
            was_refused = new_call(play, offered)
            if number >= flood * 5:
                sent, refused = sent + 1, refused + was_refused
            if not play.sent:
                continue  # beyond what is answered of a flood
            amount, _, validity_ms, _ = told(play.sent)
            share = 1.0 if not validity_ms else amount / flood if algorithm == "rate" else 1 - amount / 100
    assert sent - refused >= 0.8 * limit * (seconds - 5)
    assert refused <= 0.25 * sent
