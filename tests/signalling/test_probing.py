"""OPTIONS to the members of trunk groups, and what comes of their answers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playbook import CALLEE, GROUPS, OURSELVES, SECOND_US, T0, Playbook, Wait, header, member_is, reply, sends
from test_failover import OVER_TCP, SECOND, answer, host_group, playing, refused

from gateway.codecs.sip import SipMessage, headers
from gateway.interconnection.trunk_groups import Hop, Member, Service
from gateway.signalling.call import Action, Send

PERIOD_US = 30 * SECOND_US


def probed(play: Playbook, hop: Hop = CALLEE) -> bytes:
    """A member is asked now; the OPTIONS that it gets."""
    actions: list[Action] = []
    play.proxy.prober.probe(play.proxy.members.by_hop[hop], play.now_us, actions)
    (send,) = actions
    assert isinstance(send, Send)
    assert send.target == hop
    return send.data


def test_a_probe_is_a_request_of_our_own_to_the_member() -> None:
    with playing(probe_us=PERIOD_US) as play:
        options = SipMessage(probed(play))
        options.check()
        assert (options.method, options.request_uri) == (b"OPTIONS", b"sip:192.0.2.20:5060")
        assert options.required(headers.VIA).startswith(b"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK")
        assert options.required(headers.TO) == b"<sip:192.0.2.20:5060>"
        assert options.required(headers.FROM).startswith(b"<sip:192.0.2.1:5060>;tag=")


def test_a_probe_names_the_transport_and_the_brackets_of_its_target() -> None:
    with playing(Member(OVER_TCP), Member(Hop("2001:db8::5", 5070)), probe_us=PERIOD_US) as play:
        assert probed(play, OVER_TCP).startswith(b"OPTIONS sip:192.0.2.20:5060;transport=tcp SIP/2.0\r\n")
        assert probed(play, Hop("2001:db8::5", 5070)).startswith(b"OPTIONS sip:[2001:db8::5]:5070 SIP/2.0\r\n")


@pytest.mark.parametrize("status", [200, 404, 405, 483, 500, 501])
def test_any_answer_shows_that_a_member_is_there(status: int) -> None:
    with playing(probe_us=PERIOD_US, failures=1) as play:
        member = play.proxy.members.by_hop[CALLEE]
        play.proxy.members.failed(member, T0, T0, [])
        play >> reply(probed(play), status) << member_is(Service.IN_SERVICE, CALLEE)


@pytest.mark.parametrize("status", [408, 503])
def test_but_for_those_that_show_that_it_reaches_nobody_or_has_no_room(status: int) -> None:
    with playing(probe_us=PERIOD_US, failures=1) as play:
        play >> reply(probed(play), status) << member_is(Service.OUT_OF_SERVICE, CALLEE)


def test_a_503_with_retry_after_to_a_probe_is_a_penalty_and_ends_the_probing_for_its_time() -> None:
    with playing(probe_us=PERIOD_US) as play:
        play.proxy.prober.start(play.now_us)
        play >> answer(probed(play), 503, CALLEE, b"Retry-After: 100") << member_is(Service.PENALISED, CALLEE)
        told = play.until(99)
        assert {where for _, what, where in told if what == "OPTIONS"} == {SECOND}
        assert ("OPTIONS", CALLEE) in [(what, where) for _, what, where in play.until(60)]


def test_probes_without_an_answer_take_a_member_out_and_one_answer_brings_it_back() -> None:
    with playing(probe_us=PERIOD_US, failures=2) as play:
        for state in (Service.SUSPECT, Service.OUT_OF_SERVICE):
            options = probed(play)
            play >> Wait(0.5) << sends("OPTIONS", CALLEE, data=options)
            play >> Wait(1) << sends("OPTIONS", CALLEE, data=options)
            play >> Wait(2) << sends("OPTIONS", CALLEE, data=options)
            play >> Wait(0.5) << member_is(state, CALLEE)
        play >> reply(options, 200)  # too late: it was not waited for any longer
        play >> Wait(40)
        assert play.proxy.transactions == 0
        play >> reply(probed(play), 200) << member_is(Service.IN_SERVICE, CALLEE)


def test_when_no_member_answers_calls_are_refused_at_once() -> None:
    with playing(probe_us=PERIOD_US, failures=1) as play:
        play.proxy.prober.start(play.now_us)
        play.until(60)
        refused(play, 1, b"Trunk Group Out Of Service")


def test_a_member_that_owes_an_answer_is_not_asked_again() -> None:
    with playing(probe_us=SECOND_US, failover_us=10 * SECOND_US) as play:
        play.proxy.prober.start(play.now_us)
        branches = set()
        end_us = play.now_us + 9 * SECOND_US
        while (wake_us := play.proxy.next_wake_us) is not None and wake_us < end_us:
            for action in play.proxy.wake(wake_us):
                assert isinstance(action, Send)
                branches.add(header(action.data, headers.VIA))
        assert len(branches) == 2  # one for each member, however often it was repeated


def test_probes_come_in_their_period_and_not_all_at_once() -> None:
    members = tuple(Member(Hop(f"192.0.2.{number}", 5060)) for number in range(20, 40))
    with Playbook(groups=(GROUPS[0], host_group(*members, probe_us=PERIOD_US, failover_us=100_000))) as play:
        play.proxy.prober.start(play.now_us)
        told = [(when, where) for when, what, where in play.until(300) if what == "OPTIONS"]
        for member in members:
            times = [when for when, where in told if where == member.hop]
            assert 9 <= len(times) <= 11
            assert all(28.4 <= later - earlier <= 31.6 for earlier, later in pairwise(times))
        assert len({when for when, _ in told}) > len(told) // 2


def test_a_group_that_asks_for_none_is_not_probed() -> None:
    with Playbook() as play:
        play.proxy.prober.start(play.now_us)
        assert play.proxy.next_wake_us is None


def test_a_probe_for_which_there_is_no_way_counts_at_once() -> None:
    with playing(Member(OVER_TCP), Member(SECOND), probe_us=PERIOD_US, failures=1) as play:
        actions = play.proxy.undeliverable(Send(probed(play, OVER_TCP), OVER_TCP), play.now_us)
        (changed,) = actions
        member_is(Service.OUT_OF_SERVICE, OVER_TCP)(changed)
        assert play.proxy.transactions == 0


def test_an_answer_with_a_via_of_somebody_else_is_no_answer() -> None:
    with playing(probe_us=PERIOD_US, failures=1) as play:
        options = probed(play).replace(f"UDP {OURSELVES.host}".encode(), b"UDP 203.0.113.9")
        play >> reply(options, 503)
        assert play.proxy.counters.stray == 1
