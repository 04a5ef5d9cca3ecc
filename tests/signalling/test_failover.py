"""A call whose member of the trunk group fails goes on to the next one, and its caller does not notice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playbook import (
    CALLEE,
    CALLER,
    GROUPS,
    SECOND_US,
    T0,
    Datagram,
    Playbook,
    Wait,
    decided,
    ended,
    header,
    in_dialog,
    member_is,
    progressed,
    reply,
    request,
    sends,
)

from gateway.codecs.sip import SipMessage, headers, response_to
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, Member, Service, Side, Supervision, Transport, TrunkGroup
from gateway.policy.verdict import Outcome
from gateway.signalling.call import Action, Decided, Ended, EndedBy, Send

SECOND = Hop("192.0.2.21", 5060)
THIRD = Hop("192.0.2.22", 5060)


def host_group(*members: Member, capacity: int | None = None, **supervision: int) -> TrunkGroup:
    return TrunkGroup(
        "TG-HOST",
        Side.HOST,
        Ocn("9740"),
        "CLMAMOXADS0",
        members or (Member(CALLEE), Member(SECOND, priority=1)),
        capacity=capacity,
        supervision=Supervision(**supervision),
    )


def playing(*members: Member, capacity: int | None = None, **supervision: int) -> Playbook:
    return Playbook(groups=(GROUPS[0], host_group(*members, capacity=capacity, **supervision)))


def answer(to: bytes, status: int, source: Hop, *lines: bytes, tag: str = "b") -> Datagram:
    extra = b"".join(line + b"\r\n" for line in lines)
    return Datagram(response_to(SipMessage(to), status, "Answer", to_tag=tag.encode(), extra=extra), source)


def started_at_first(play: Playbook) -> bytes:
    play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
    return play.sent


def passed_over(play: Playbook) -> tuple[bytes, bytes]:
    """The first member sends nothing for four seconds: the INVITE to it, and the one to the second."""
    first = started_at_first(play)
    play >> Wait(0.5) << sends("INVITE", CALLEE, data=first)
    play >> Wait(1.0) << sends("INVITE", CALLEE, data=first)
    play >> Wait(2.0) << sends("INVITE", CALLEE, data=first)
    play >> Wait(0.5) << member_is(Service.SUSPECT, CALLEE) << sends("INVITE", SECOND)
    return first, play.sent


# -- the next member has the call -------------------------------------------------------------------------------------


def test_a_member_that_sends_nothing_is_passed_over_and_the_call_is_the_next_ones() -> None:
    with playing() as play:
        first, second = passed_over(play)
        assert header(first, headers.VIA) != header(second, headers.VIA)
        assert header(second, headers.MAX_FORWARDS) == b"69"
        play >> reply(second, 180, source=SECOND) << progressed() << sends("180", CALLER)
        play >> reply(second, 200, source=SECOND) << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=1, uri="sip:gateway.example") << sends("ACK", SECOND)
        play >> in_dialog("BYE", uri="sip:gateway.example") << sends("BYE", SECOND)
        play >> reply(play.sent, 200, source=SECOND) << sends("200", CALLER) << ended(EndedBy.CALLER, 200)
        assert play.call is not None
        assert play.call.egress_member == SECOND
        assert play.proxy.members.failovers == {("TG-HOST", "timeout"): 1}
        assert [member.calls for member in play.proxy.members.by_hop.values()] == [0, 0, 0]


def test_a_member_that_is_back_stays_in_service_when_a_call_of_its_outage_runs_out_of_time() -> None:
    with playing() as play:
        started_at_first(play)
        play.until(1)
        play >> request(branch="x", call_id="c2") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play.until(3)
        play >> request(branch="y", call_id="c3") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 180) << member_is(Service.IN_SERVICE, CALLEE) << progressed() << sends("180", CALLER)
        told = play.until(1)
        assert ("INVITE", SECOND) in [(what, where) for _, what, where in told]
        assert play.proxy.members.by_hop[CALLEE].service is Service.IN_SERVICE


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_member_that_answers_5xx_is_passed_over_and_the_caller_is_told_nothing(status: int) -> None:
    with playing() as play:
        first = started_at_first(play)
        play >> reply(first, 100)
        play >> reply(first, status) << sends("ACK", CALLEE) << sends("INVITE", SECOND)
        play >> reply(play.sent, 200, source=SECOND) << progressed() << sends("200", CALLER)
        cause = "503" if status == 503 else "5xx"
        assert play.proxy.members.failovers == {("TG-HOST", cause): 1}


@pytest.mark.parametrize("status", [302, 404, 408, 486, 603])
def test_any_other_final_response_is_the_callers(status: int) -> None:
    with playing() as play:
        first = started_at_first(play)
        play >> reply(first, status) << sends("ACK", CALLEE) << sends(str(status), CALLER)
        play << ended(EndedBy.FAILURE, status)


def test_what_the_caller_was_told_cannot_be_taken_back() -> None:
    with playing() as play:
        first = started_at_first(play)
        play >> reply(first, 183) << progressed() << sends("183", CALLER)
        play >> reply(first, 500) << sends("ACK", CALLEE) << sends("500", CALLER) << ended(EndedBy.FAILURE, 500)


def test_a_member_that_has_sent_100_gets_its_time() -> None:
    with playing() as play:
        first = started_at_first(play)
        play >> reply(first, 100)
        play >> Wait(30)
        play >> reply(first, 180) << progressed() << sends("180", CALLER)


def test_retry_after_keeps_further_calls_away_until_it_is_over() -> None:
    with playing() as play:
        first = started_at_first(play)
        play >> answer(first, 503, CALLEE, b"Retry-After: 20 (busy);duration=60") << sends("ACK", CALLEE)
        play << member_is(Service.PENALISED, CALLEE) << sends("INVITE", SECOND)
        play >> reply(play.sent, 486, source=SECOND) << sends("ACK", SECOND) << sends("486", CALLER)
        play << ended(EndedBy.FAILURE, 486)
        play >> request(branch="x", call_id="c2") << decided() << sends("100", CALLER) << sends("INVITE", SECOND)
        play >> reply(play.sent, 486, source=SECOND) << sends("ACK", SECOND) << sends("486", CALLER)
        play << ended(EndedBy.FAILURE, 486)
        play.until(19)
        assert play.proxy.wake(T0 + 20 * SECOND_US)[-1].after is Service.IN_SERVICE  # type: ignore[union-attr]
        play >> request(branch="y", call_id="c3") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)


# -- nobody is left ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "told", "by"),
    [
        (503, 503, "500", EndedBy.FAILURE),  # RFC 3261 section 16.7 step 6: the gateway itself is in service
        (503, 502, "502", EndedBy.FAILURE),
        (502, 503, "502", EndedBy.FAILURE),
        (500, 504, "500", EndedBy.FAILURE),
    ],
)
def test_when_all_have_failed_the_caller_is_told_the_best_of_it(one: int, other: int, told: str, by: EndedBy) -> None:
    with playing() as play:
        first = started_at_first(play)
        play >> reply(first, one) << sends("ACK", CALLEE) << sends("INVITE", SECOND)
        play >> reply(play.sent, other, source=SECOND) << sends("ACK", SECOND) << sends(told, CALLER)
        play << ended(by, int(told))


def test_a_timeout_among_the_failures_is_told_as_408() -> None:
    with playing() as play:
        _, second = passed_over(play)
        play >> reply(second, 503, source=SECOND) << sends("ACK", SECOND) << sends("408", CALLER)
        play << ended(EndedBy.TIMEOUT, 408)


def test_the_only_members_503_is_told_as_500() -> None:
    with playing(Member(CALLEE)) as play:
        first = started_at_first(play)
        play >> reply(first, 503) << sends("ACK", CALLEE) << sends("500", CALLER) << ended(EndedBy.FAILURE, 500)


def test_the_last_member_gets_the_whole_of_timer_b() -> None:
    with playing() as play:
        passed_over(play)
        told = play.until(40)
        ends = [(round(when), what) for when, what, _ in told if what in ("408", "Ended")]
        assert ends[:2] == [(32, "408"), (32, "Ended")]
        assert {where for _, what, where in told if what == "INVITE"} == {SECOND}


def test_after_the_time_of_timer_b_no_further_member_is_tried() -> None:
    with playing() as play:
        first = started_at_first(play)
        play >> reply(first, 100)
        play >> Wait(33)
        play >> reply(first, 500) << sends("ACK", CALLEE) << sends("500", CALLER) << ended(EndedBy.FAILURE, 500)


# -- the caller gives up ----------------------------------------------------------------------------------------------


def test_a_call_that_its_caller_has_cancelled_goes_to_nobody_else() -> None:
    with playing() as play:
        first = started_at_first(play)
        play >> reply(first, 100)
        play >> request("CANCEL", cseq="1 CANCEL") << sends("200", CALLER) << sends("CANCEL", CALLEE)
        play >> reply(first, 503) << sends("ACK", CALLEE) << sends("500", CALLER) << ended(EndedBy.CANCEL, 500)


def test_a_cancel_after_failover_reaches_the_member_that_has_the_call() -> None:
    with playing() as play:
        _, second = passed_over(play)
        play >> reply(second, 180, source=SECOND) << progressed() << sends("180", CALLER)
        play >> request("CANCEL", cseq="1 CANCEL") << sends("200", CALLER) << sends("CANCEL", SECOND)
        play >> reply(second, 487, source=SECOND) << sends("ACK", SECOND) << sends("487", CALLER)
        play << ended(EndedBy.CANCEL, 487)


# -- answers that come too late ---------------------------------------------------------------------------------------


def test_a_late_ringing_of_the_member_that_was_passed_over_is_cancelled_and_not_told() -> None:
    with playing() as play:
        first, second = passed_over(play)
        play >> reply(first, 180) << sends("CANCEL", CALLEE)
        assert header(play.sent, headers.VIA) == header(first, headers.VIA)
        play >> reply(first, 487) << sends("ACK", CALLEE)
        play >> reply(second, 200, source=SECOND) << progressed() << sends("200", CALLER)


def test_a_late_answer_of_the_member_that_was_passed_over_is_acknowledged_and_ended() -> None:
    with playing() as play:
        first, second = passed_over(play)
        late = answer(
            first,
            200,
            CALLEE,
            b"Contact: <sip:here@192.0.2.33:5070>",
            b"Record-Route: <sip:192.0.2.30;lr>, <sip:192.0.2.31;lr>",
            b"Record-Route: <sip:192.0.2.1:5060;lr>",
            tag="late",
        )
        outer = Hop("192.0.2.31", 5060)
        lines = (b"Route: <sip:192.0.2.31;lr>, <sip:192.0.2.30;lr>",)
        play >> late << sends("ACK", outer, lines=(*lines, b"CSeq: 1 ACK")) << sends("BYE", outer, lines=lines)
        bye = play.sent
        assert bye.startswith(b"BYE sip:here@192.0.2.33:5070 SIP/2.0\r\nVia: ")
        assert header(bye, headers.CSEQ) == b"2 BYE"
        assert header(bye, headers.TO).endswith(b";tag=late")
        assert header(bye, headers.FROM) == header(first, headers.FROM)
        play >> late << sends("ACK", outer)  # the 2xx again: its ACK was lost
        play >> reply(bye, 200)
        play >> reply(second, 200, source=SECOND) << progressed() << sends("200", CALLER)
        play >> in_dialog("BYE", branch="7", uri="sip:x") << sends("BYE", SECOND)


def test_a_late_answer_ends_even_a_call_that_everybody_else_has_given_up() -> None:
    with playing() as play:
        first, second = passed_over(play)
        play >> reply(second, 500, source=SECOND) << sends("ACK", SECOND) << sends("408", CALLER)
        play << ended(EndedBy.TIMEOUT, 408)
        play >> reply(first, 200) << sends("ACK", Hop("192.0.2.20", 5060)) << sends("BYE", Hop("192.0.2.20", 5060))


def test_in_the_end_no_transaction_and_no_dialog_is_left() -> None:
    with playing() as play:
        first, second = passed_over(play)
        play >> reply(first, 180) << sends("CANCEL", CALLEE)
        play >> reply(second, 486, source=SECOND) << sends("ACK", SECOND) << sends("486", CALLER)
        play << ended(EndedBy.FAILURE, 486)
        play.until(300)
        assert (play.proxy.transactions, play.proxy.dialogs) == (0, 0)


# -- no way to the member ---------------------------------------------------------------------------------------------

OVER_TCP = Hop("192.0.2.20", 5060, Transport.TCP)


def lost(play: Playbook, data: bytes, target: Hop) -> list[Action]:
    return play.proxy.undeliverable(Send(data, target), play.now_us)


def test_a_connection_that_does_not_come_up_passes_the_call_on_at_once() -> None:
    with playing(Member(OVER_TCP), Member(SECOND, priority=1)) as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", OVER_TCP)
        actions = lost(play, play.sent, OVER_TCP)
        member_is(Service.SUSPECT, OVER_TCP)(actions[0])
        sends("INVITE", SECOND)(actions[1])
        assert len(actions) == 2
        assert play.proxy.members.failovers == {("TG-HOST", "transport"): 1}


def test_no_way_to_the_only_member_is_told_as_500() -> None:
    with playing(Member(OVER_TCP)) as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", OVER_TCP)
        actions = lost(play, play.sent, OVER_TCP)
        member_is(Service.SUSPECT, OVER_TCP)(actions[0])
        sends("500", CALLER)(actions[1])
        ended(EndedBy.FAILURE, 500)(actions[2])


def test_a_datagram_that_was_not_sent_is_no_fault_of_the_member() -> None:
    with playing() as play:
        first = started_at_first(play)
        assert lost(play, first, CALLEE) == []
        play >> Wait(0.5) << sends("INVITE", CALLEE, data=first)


# -- room -------------------------------------------------------------------------------------------------------------


def refused(play: Playbook, number: int, phrase: bytes) -> None:
    play >> request(branch=f"r{number}", call_id=f"r{number}") << decided(Outcome.REFUSE)
    play << sends("480", CALLER, lines=(b'Reason: Q.850;cause=34;text="NO_CIRCUIT capacity ITU-T Q.850"',))
    assert play.sent.startswith(b"SIP/2.0 480 " + phrase)
    assert b"\r\nRetry-After: " in play.sent
    play << ended(EndedBy.REFUSAL, 480)


def test_a_full_trunk_group_refuses_until_a_call_ends_but_no_emergency_call() -> None:
    with playing(capacity=1) as play:
        first = started_at_first(play)
        refused(play, 1, b"Trunk Group Full")
        assert play.ledger.in_progress == 1
        play >> request(branch="e", call_id="e", uri="sip:911@192.0.2.20") << decided()
        play << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 486) << sends("ACK", CALLEE) << sends("486", CALLER) << ended(EndedBy.FAILURE, 486)
        refused(play, 2, b"Trunk Group Full")
        play >> reply(first, 486) << sends("ACK", CALLEE) << sends("486", CALLER) << ended(EndedBy.FAILURE, 486)
        play >> request(branch="n", call_id="n") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)


def test_a_call_that_comes_on_a_full_trunk_group_is_refused_as_well() -> None:
    partner = TrunkGroup("TG-PARTNER", Side.PARTNER, Ocn("7001"), "CLMAMOXADS0", (Member(CALLER),), capacity=1)
    with Playbook(groups=(partner, GROUPS[1])) as play:
        started_at_first(play)
        refused(play, 1, b"Trunk Group Full")


def test_full_members_pass_their_calls_to_the_next_and_then_refuse() -> None:
    with playing(Member(CALLEE, capacity=1), Member(SECOND, priority=1, capacity=1)) as play:
        started_at_first(play)
        play >> request(branch="2", call_id="2") << decided() << sends("100", CALLER) << sends("INVITE", SECOND)
        refused(play, 1, b"Trunk Group Full")


def test_without_a_member_in_service_calls_are_refused_and_emergency_calls_tried_all_the_same() -> None:
    with playing(failures=1, probe_us=60 * SECOND_US) as play:
        for member in play.proxy.members.groups["TG-HOST"].members:
            play.proxy.members.failed(member, T0, T0, [])
        refused(play, 1, b"Trunk Group Out Of Service")
        play >> request(branch="e", call_id="e", uri="sip:911@192.0.2.20") << decided()
        play << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 500) << sends("ACK", CALLEE) << sends("INVITE", SECOND)
        play >> reply(play.sent, 200, source=SECOND) << member_is(Service.IN_SERVICE, SECOND)
        play << progressed() << sends("200", CALLER)


# -- whatever happens -------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("cancel"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("bye"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("wait"), st.integers(0, 40), st.just(0)),
        st.tuples(st.just("lost"), st.integers(0, 30), st.just(0)),
        st.tuples(
            st.just("answer"), st.integers(0, 30), st.sampled_from([100, 180, 200, 302, 408, 486, 500, 503, 603])
        ),
        st.tuples(st.just("overload"), st.integers(0, 30), st.integers(0, 40)),
    ),
    max_size=50,
)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_in_whatever_order_things_happen_every_call_is_counted_once_and_let_go(
    steps: list[tuple[str, int, int]],
) -> None:
    members = (Member(CALLEE, capacity=2), Member(SECOND), Member(OVER_TCP._replace(host="192.0.2.23"), priority=1))
    play = playing(*members, capacity=4, failures=2)
    invites: list[Send] = []
    up: set[int] = set()

    def note(actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(data, _) if data.startswith((b"INVITE", b"BYE")):
                    invites.append(action)
                case Decided(call) if call.decision.egress is not None:
                    up.add(id(call))
                    kept.append(call)
                case Ended(call) if call.decision.egress is not None:
                    up.remove(id(call))  # KeyError: ended twice, or never decided

    kept: list[object] = []
    for what, number, value in steps:
        play.now_us += SECOND_US // 10
        name = f"c{number}"
        match what:
            case "call":
                note(play.proxy.receive(request(branch=name, call_id=name).data, CALLER, play.now_us))
            case "cancel":
                cancel = request("CANCEL", branch=name, call_id=name, cseq="1 CANCEL")
                note(play.proxy.receive(cancel.data, CALLER, play.now_us))
            case "bye":
                bye = request("BYE", branch=f"b{name}", call_id=name, cseq="2 BYE", to="<sip:x@192.0.2.20>;tag=b")
                note(play.proxy.receive(bye.data, CALLER, play.now_us))
            case "wait":
                play.now_us += number * SECOND_US
                note(play.proxy.wake(play.now_us))
            case "lost" if invites:
                note(play.proxy.undeliverable(invites[number % len(invites)], play.now_us))
            case "answer" if invites:
                to = invites[number % len(invites)]
                note(play.proxy.receive(reply(to.data, value).data, to.target, play.now_us))
            case "overload" if invites:
                to = invites[number % len(invites)]
                late = answer(to.data, 503, to.target, b"Retry-After: %d" % value)
                note(play.proxy.receive(late.data, to.target, play.now_us))
        assert counts(play) == (len(up), len(up), len(up))
        assert play.ledger.in_progress == len(up)
    note(play.proxy.stop(play.now_us))
    assert counts(play) == (0, 0, 0)
    play.until(20_000)
    assert (play.proxy.transactions, play.proxy.dialogs, up) == (0, 0, set())


def counts(play: Playbook) -> tuple[int, int, int]:
    """Calls in progress: on the group they came on, on the group they left on, and on all of its members."""
    partner, host = play.proxy.members.groups.values()
    return partner.calls, host.calls, sum(member.calls for member in host.members)
