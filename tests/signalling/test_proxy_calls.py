"""Calls through the proxy as scripts: the whole call, retransmissions, CANCEL, timers, BYE, requests in the dialog."""

from __future__ import annotations

import pytest
from playbook import (
    CALLEE,
    CALLER,
    REFUSED_NUMBER,
    SECOND_US,
    T0,
    Playbook,
    Wait,
    answered,
    decided,
    ended,
    from_callee,
    header,
    in_dialog,
    progressed,
    reply,
    request,
    ringing,
    sends,
    settings_with,
    started,
)

from gateway.codecs.sip import headers
from gateway.policy.verdict import Outcome
from gateway.signalling.call import EndedBy

OWN_VIA = b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKtg1.a4668c85a5011b00\r\n"
OWN_ROUTE = b"Record-Route: <sip:192.0.2.1:5060;lr>\r\n"


def test_the_whole_call_passes_with_our_lines_and_nothing_else_changed() -> None:
    with Playbook() as play:
        first = request("INVITE", b"X-Odd :\t\xff", b"t2: \r\n x", body=b"v=0\r\n\x00\xff")
        play >> first << decided() << sends("100", CALLER)
        as_sent = first.data.replace(b"Max-Forwards: 70", b"Max-Forwards: 69")
        line_end = as_sent.index(b"\r\n") + 2
        play << sends("INVITE", CALLEE, data=as_sent[:line_end] + OWN_VIA + OWN_ROUTE + as_sent[line_end:])
        invite = play.sent
        play.now_us += 2 * SECOND_US
        play >> reply(invite, 100)
        ring = reply(invite, 180)
        play >> ring << progressed() << sends("180", CALLER, data=ring.data.replace(OWN_VIA, b""))
        play.now_us += 3 * SECOND_US
        ok = reply(invite, 200)
        play >> ok << sends("200", CALLER, data=ok.data.replace(OWN_VIA, b""))
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE, lines=(b"Max-Forwards: 69",))
        assert play.ledger.in_progress == 1
        play.now_us += 4 * SECOND_US
        play >> in_dialog("BYE", branch="3") << sends("BYE", CALLEE)
        assert play.ledger.in_progress == 1
        play.now_us += SECOND_US
        play >> reply(play.sent, 200) << sends("200", CALLER) << ended(EndedBy.CALLER, 200)
        call = play.call
        assert call is not None
        assert (call.progressed_at_us, call.answered_at_us) == (T0 + 2 * SECOND_US, T0 + 5 * SECOND_US)
        assert call.ended_at_us == T0 + 9 * SECOND_US  # when the BYE came, not when it was answered
        assert play.ledger.in_progress == 0
        assert play.proxy.dialogs == 0
        assert play.until(40) == []
        assert play.proxy.transactions == 0
        assert play.proxy.next_wake_us is None


def test_a_repeated_invite_is_absorbed_and_answered_with_the_last_response() -> None:
    with Playbook() as play:
        invite = started(play)
        play >> request() << sends("100", CALLER)
        play >> reply(invite, 183) << progressed() << sends("183", CALLER)
        last = play.sent
        play >> request() << sends("183", CALLER, data=last)
        play >> reply(invite, 200) << sends("200", CALLER)
        play >> request()  # RFC 6026: absorbed in Accepted
        assert play.proxy.counters.absorbed == 3


def test_every_repeated_2xx_is_passed_on_and_every_ack_for_it() -> None:
    with Playbook() as play:
        invite = answered(play)
        for _ in range(3):
            play >> reply(invite, 200) << sends("200", CALLER)
            play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)


def test_a_failure_is_acknowledged_by_us_and_the_callers_ack_is_absorbed() -> None:
    with Playbook() as play:
        invite = started(play)
        busy = reply(invite, 486)
        play >> busy << sends("ACK", CALLEE) << sends("486", CALLER) << ended(EndedBy.FAILURE, 486)
        play >> busy << sends("ACK", CALLEE)
        play >> request() << sends("486", CALLER)
        play >> request("ACK", cseq="1 ACK", to="<sip:+16365550199@192.0.2.20>;tag=b")
        play >> request()  # confirmed: absorbed
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)
        assert play.until(40) == []
        assert play.proxy.transactions == 0


def test_the_ack_for_a_failure_carries_the_branch_of_the_invite_and_the_tag_of_the_failure() -> None:
    with Playbook() as play:
        invite = started(play)
        play >> reply(invite, 404, tag="x") << sends("ACK", CALLEE)
        assert header(play.sent, headers.VIA) == header(invite, headers.VIA)
        assert header(play.sent, headers.TO).endswith(b";tag=x")
        assert header(play.sent, headers.CSEQ) == b"1 ACK"
        play << sends("404", CALLER) << ended(EndedBy.FAILURE, 404)


def test_timer_a_repeats_the_invite_and_timer_b_gives_it_up() -> None:
    with Playbook() as play:
        started(play)
        told = play.until(32)
        repeats = [(when, "INVITE", CALLEE) for when in (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)]
        gone = (32.0, "MemberChanged", None)
        assert told == [*repeats, gone, (32.0, "408", CALLER), (32.0, "Ended", None)]
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)


def test_timers_g_and_h_repeat_a_failure_until_it_is_given_up() -> None:
    with Playbook() as play:
        invite = started(play)
        play >> reply(invite, 486) << sends("ACK", CALLEE) << sends("486", CALLER) << ended(EndedBy.FAILURE, 486)
        told = play.until(100)
        assert told == [(when, "486", CALLER) for when in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)]
        assert play.proxy.transactions == 0


def test_timer_c_cancels_a_call_that_rings_too_long() -> None:
    with Playbook() as play:
        invite = ringing(play)
        play >> Wait(100)
        play >> reply(invite, 180) << sends("180", CALLER)  # starts timer C again
        assert play.until(185) == [(185.0, "CANCEL", CALLEE)]
        play >> reply(invite, 487) << sends("ACK", CALLEE) << sends("487", CALLER) << ended(EndedBy.TIMEOUT, 487)


def test_a_callee_that_ignores_the_cancel_of_timer_c_is_given_up() -> None:
    with Playbook() as play:
        ringing(play)
        told = play.until(185 + 32)
        assert told[0] == (185.0, "CANCEL", CALLEE)
        assert {what for _, what, _ in told[1:-2]} == {"CANCEL"}
        assert told[-2:] == [(217.0, "408", CALLER), (217.0, "Ended", None)]
        assert play.call is not None
        assert play.call.ended_by is EndedBy.TIMEOUT
        play.until(100)
        assert play.proxy.transactions == 0


def test_timers_e_and_f_repeat_a_bye_and_forget_it_without_a_408() -> None:
    with Playbook() as play:
        answered(play)
        play >> in_dialog("BYE") << sends("BYE", CALLEE)
        told = play.until(40)
        repeats = [(when, "BYE", CALLEE) for when in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)]
        # RFC 4320 section 4.1: the caller is told that its BYE is on the way as late as our repeats become seldom.
        assert told == [*repeats[:3], (3.5, "100", CALLER), *repeats[3:], (32.0, "Ended", None)]
        assert (play.proxy.transactions, play.proxy.dialogs) == (0, 0)


def test_after_a_provisional_response_timer_e_is_t2() -> None:
    with Playbook() as play:
        answered(play)
        play >> in_dialog("INFO") << sends("INFO", CALLEE)
        info = play.sent
        play >> reply(info, 100)
        assert [when for when, _, _ in play.until(13)] == [0.5, 4.5, 8.5, 12.5]


def test_cancel_after_a_provisional_response_goes_on_at_once() -> None:
    with Playbook() as play:
        invite = ringing(play)
        play >> request("CANCEL") << sends("200", CALLER) << sends("CANCEL", CALLEE)
        cancel = play.sent
        assert header(cancel, headers.VIA) == header(invite, headers.VIA)
        assert header(cancel, headers.CSEQ) == b"1 CANCEL"
        play >> request("CANCEL") << sends("200", CALLER)
        play >> reply(cancel, 200)
        play >> reply(invite, 487) << sends("ACK", CALLEE) << sends("487", CALLER) << ended(EndedBy.CANCEL, 487)


def test_cancel_before_a_provisional_response_waits_for_one() -> None:
    with Playbook() as play:
        invite = started(play)
        play >> request("CANCEL") << sends("200", CALLER)
        play >> reply(invite, 100) << sends("CANCEL", CALLEE)
        play >> reply(invite, 487) << sends("ACK", CALLEE) << sends("487", CALLER) << ended(EndedBy.CANCEL, 487)


def test_a_cancelled_invite_that_nobody_answers_ends_by_cancel() -> None:
    with Playbook() as play:
        started(play)
        play >> request("CANCEL") << sends("200", CALLER)
        assert play.until(32)[-2:] == [(32.0, "487", CALLER), (32.0, "Ended", None)]
        assert play.call is not None
        assert play.call.ended_by is EndedBy.CANCEL


def test_a_200_that_crosses_the_cancel_wins() -> None:
    with Playbook() as play:
        invite = ringing(play)
        play >> request("CANCEL") << sends("200", CALLER) << sends("CANCEL", CALLEE)
        cancel = play.sent
        play >> reply(invite, 200) << sends("200", CALLER)
        play >> reply(cancel, 481)
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)
        play >> in_dialog("BYE") << sends("BYE", CALLEE)


def test_cancel_of_nothing_is_481_and_of_an_answered_call_changes_nothing() -> None:
    with Playbook() as play:
        play >> request("CANCEL") << sends("481", CALLER)
        answered(play)
        play >> request("CANCEL") << sends("200", CALLER)
        assert play.proxy.dialogs == 1


def test_a_cancel_that_cannot_be_answered_leaves_nothing_behind() -> None:
    with Playbook() as play:
        data = request("CANCEL").data.replace(b"From:", b"X:")
        for branch in (b"z9hG4bK7", b"z9hG4bK8"):
            play.proxy.receive(data.replace(b"z9hG4bK1", branch), CALLER, T0)
        assert play.proxy.transactions == 0
        assert sum(play.proxy.counters.malformed.values()) == 2


def test_a_refused_call_is_decided_answered_and_ended_at_once() -> None:
    with Playbook() as play:
        refused = request(uri=f"sip:{REFUSED_NUMBER}@h")
        play >> refused << decided(Outcome.REFUSE)
        play << sends("604", CALLER, lines=(b"Retry-After: 30", b'Reason: Q.850;cause=1;text="OUTSIDE ledger L9"'))
        play << ended(EndedBy.REFUSAL, 604)
        play >> refused << sends("604", CALLER)
        play >> request("ACK", cseq="1 ACK")
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)
        assert play.until(40) == []
        assert play.proxy.transactions == 0


def test_the_called_side_may_hang_up() -> None:
    with Playbook() as play:
        answered(play)
        play >> from_callee("BYE") << sends("BYE", CALLER)
        play >> reply(play.sent, 200, source=CALLER) << sends("200", CALLEE) << ended(EndedBy.CALLED, 200)
        assert play.proxy.dialogs == 0


def test_crossing_byes_end_the_call_once() -> None:
    with Playbook() as play:
        answered(play)
        play >> in_dialog("BYE") << sends("BYE", CALLEE)
        one = play.sent
        play >> from_callee("BYE") << sends("BYE", CALLER)
        other = play.sent
        play >> reply(one, 200) << sends("200", CALLER) << ended(EndedBy.CALLER, 200)
        play >> reply(other, 481, source=CALLER) << sends("481", CALLEE)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)


def test_a_challenged_bye_may_come_again() -> None:
    with Playbook() as play:
        answered(play)
        play >> in_dialog("BYE") << sends("BYE", CALLEE)
        play >> reply(play.sent, 407) << sends("407", CALLER)
        play >> in_dialog("BYE", branch="3", cseq=3) << sends("BYE", CALLEE)


def test_a_re_invite_passes_from_either_side_and_its_failure_does_not_end_the_call() -> None:
    with Playbook() as play:
        answered(play)
        play >> in_dialog("INVITE", branch="4") << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 200) << sends("200", CALLER)
        play >> in_dialog("ACK", branch="5") << sends("ACK", CALLEE)
        play >> from_callee("INVITE") << sends("100", CALLEE) << sends("INVITE", CALLER)
        play >> reply(play.sent, 488, source=CALLER) << sends("ACK", CALLER) << sends("488", CALLEE)
        play >> from_callee("ACK")
        assert (play.proxy.dialogs, play.ledger.in_progress) == (1, 1)


def test_a_re_invite_without_answer_is_408_and_the_call_goes_on() -> None:
    with Playbook() as play:
        answered(play)
        play >> in_dialog("INVITE", branch="4") << sends("100", CALLER) << sends("INVITE", CALLEE)
        assert play.until(32)[-1] == (32.0, "408", CALLER)
        assert play.ledger.in_progress == 1


def test_a_second_invite_that_fails_while_the_call_rings_does_not_end_it() -> None:
    with Playbook() as play:
        invite = ringing(play)
        play >> in_dialog("INVITE", branch="4") << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 491) << sends("ACK", CALLEE) << sends("491", CALLER)
        play >> reply(invite, 200) << sends("200", CALLER)
        play >> in_dialog("BYE", branch="5", cseq=3) << sends("BYE", CALLEE)


@pytest.mark.parametrize("method", ["PRACK", "UPDATE", "INFO"])
def test_requests_in_an_early_dialog_pass(method: str) -> None:
    with Playbook() as play:
        ringing(play)
        play >> in_dialog(method) << sends(method, CALLEE)
        play >> reply(play.sent, 200) << sends("200", CALLER)


def test_every_telephone_of_a_forked_call_may_be_spoken_to() -> None:
    with Playbook() as play:
        invite = started(play)
        play >> reply(invite, 180, tag="x") << progressed() << sends("180", CALLER)
        play >> reply(invite, 183, tag="y") << sends("183", CALLER)
        for branch, tag in enumerate("xy", 2):
            to = f"<sip:+16365550199@192.0.2.20>;tag={tag}"
            play >> in_dialog("PRACK", branch=str(branch), to=to) << sends("PRACK", CALLEE)
        play >> reply(invite, 200, tag="y") << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=1, to="<sip:+16365550199@192.0.2.20>;tag=y") << sends("ACK", CALLEE)


def test_a_call_that_nobody_ends_is_ended_in_the_books() -> None:
    with Playbook(settings_with(max_call_s=600)) as play:
        answered(play)
        assert play.until(700) == [(600.0, "Ended", None)]
        assert play.call is not None
        assert play.call.ended_by is EndedBy.TIMEOUT
        assert (play.proxy.dialogs, play.proxy.transactions, play.ledger.in_progress) == (0, 0, 0)
        play >> in_dialog("BYE") << sends("481", CALLER)


def test_stopping_ends_every_call_once() -> None:
    with Playbook() as play:
        answered(play)
        assert [type(action).__name__ for action in play.proxy.stop(play.now_us)] == ["Ended"]
        assert play.proxy.stop(play.now_us) == []
        assert play.ledger.in_progress == 0
