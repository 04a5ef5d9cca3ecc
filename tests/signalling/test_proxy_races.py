"""What crosses on the wire: CANCEL and answers in every order, requests at once from both sides, and late messages."""

from __future__ import annotations

import pytest
from playbook import (
    CALLEE,
    CALLEE_TAGGED,
    CALLER,
    CALLER_TAGGED,
    SECOND_US,
    T0,
    Playbook,
    answered,
    ended,
    from_callee,
    in_dialog,
    progressed,
    reply,
    request,
    ringing,
    sends,
    started,
)

from gateway.signalling.call import EndedBy

# -- CANCEL -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [100, 180, 183])
def test_a_cancel_waits_for_the_first_provisional_response_whichever_it_is(status: int) -> None:
    """RFC 3261 section 9.1."""
    with Playbook() as play:
        invite = started(play)
        play >> request("CANCEL") << sends("200", CALLER)
        play >> reply(invite, status)
        if status > 100:
            play << progressed() << sends(str(status), CALLER)
        play << sends("CANCEL", CALLEE)
        play >> reply(invite, 487) << sends("ACK", CALLEE) << sends("487", CALLER) << ended(EndedBy.CANCEL, 487)


def test_a_2xx_that_comes_before_anything_else_beats_a_cancel_that_waits() -> None:
    """RFC 3261 section 9.1: once a final response has come there is nothing to cancel."""
    with Playbook() as play:
        invite = started(play)
        play >> request("CANCEL") << sends("200", CALLER)
        play >> reply(invite, 200) << progressed() << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)
        play >> in_dialog("BYE") << sends("BYE", CALLEE)
        play >> reply(play.sent, 200) << sends("200", CALLER) << ended(EndedBy.CALLER, 200)


@pytest.mark.parametrize("first", ["CANCEL", "INVITE"])
def test_the_answers_to_cancel_and_invite_may_come_in_either_order(first: str) -> None:
    with Playbook() as play:
        invite = ringing(play)
        play >> request("CANCEL") << sends("200", CALLER) << sends("CANCEL", CALLEE)
        cancel = play.sent
        if first == "CANCEL":
            play >> reply(cancel, 200)
        play >> reply(invite, 487) << sends("ACK", CALLEE) << sends("487", CALLER) << ended(EndedBy.CANCEL, 487)
        if first == "INVITE":
            play >> reply(cancel, 200)
        play >> request("ACK", cseq="1 ACK", to=CALLEE_TAGGED)
        assert play.until(40) == []
        assert play.proxy.transactions == 0


def test_a_2xx_after_the_cancel_makes_a_call_that_a_bye_ends() -> None:
    """RFC 3261 section 15: the caller has to hang up then."""
    with Playbook() as play:
        invite = ringing(play)
        play >> request("CANCEL") << sends("200", CALLER) << sends("CANCEL", CALLEE)
        play >> reply(invite, 200) << sends("200", CALLER)
        play >> request("CANCEL") << sends("200", CALLER)  # again, and too late
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)
        play >> in_dialog("BYE") << sends("BYE", CALLEE)
        play >> reply(play.sent, 200) << sends("200", CALLER) << ended(EndedBy.CALLER, 200)


def test_why_a_call_was_cancelled_goes_along() -> None:
    """RFC 3326 section 2: the callee shall know that the call was answered elsewhere."""
    with Playbook() as play:
        ringing(play)
        reasons = (b'Reason: SIP;cause=200;text="Call completed elsewhere"', b"Reason: Q.850;cause=26")
        play >> request("CANCEL", *reasons) << sends("200", CALLER) << sends("CANCEL", CALLEE, lines=reasons)
        assert play.sent.endswith(b"\r\nContent-Length: 0\r\n\r\n")


def test_a_reason_waits_with_its_cancel_and_is_bounded() -> None:
    with Playbook() as play:
        invite = started(play)
        play >> request("CANCEL", *[b"reason: Q.850;cause=16;text=" + b"x" * 900] * 9) << sends("200", CALLER)
        play >> reply(invite, 100) << sends("CANCEL", CALLEE)
        assert play.sent.count(b"\r\nReason: Q.850;cause=16;text=x") == 4
        assert len(play.sent) < 1_600


@pytest.mark.parametrize(
    "via",
    [b"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK2", b"Via: SIP/2.0/UDP 192.0.2.10:5061;rport;branch=z9hG4bK1"],
)
def test_a_cancel_of_another_transaction_is_481(via: bytes) -> None:
    """RFC 3261 sections 9.2 and 17.2.3: branch and sent-by must both be those of the INVITE."""
    with Playbook() as play:
        ringing(play)
        play >> request("CANCEL", via=via) << sends("481", CALLER)


# -- answers ----------------------------------------------------------------------------------------------------------


def test_a_late_provisional_response_goes_nowhere() -> None:
    with Playbook() as play:
        invite = answered(play)
        play >> reply(invite, 180)
        play >> reply(invite, 183, tag="c")


def test_a_2xx_is_passed_on_again_while_it_may_be_repeated_and_not_later() -> None:
    """RFC 6026 section 7: the Accepted state lasts 64*T1; after it a proxy does not forward stray responses."""
    with Playbook() as play:
        invite = answered(play)
        play.now_us += 31 * SECOND_US
        play >> reply(invite, 200) << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)
        play.until(40)
        play >> reply(invite, 200)
        assert play.proxy.counters.stray == 1
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)  # an ACK has no transaction, and the dialog is up


def test_two_telephones_that_answer_are_two_dialogs_and_the_call_ends_with_the_last() -> None:
    """RFC 3261 section 13.2.2.4: a forked call may be answered twice; the caller hangs up on one of them."""
    with Playbook() as play:
        invite = started(play)
        for tag in "xy":
            play >> reply(invite, 200, tag)
            if tag == "x":
                play << progressed()
            play << sends("200", CALLER)
        for number, tag in enumerate("xy", 2):
            to = f"<sip:+16365550199@192.0.2.20>;tag={tag}"
            play >> in_dialog("ACK", branch=f"a{tag}", cseq=1, to=to) << sends("ACK", CALLEE)
            play >> in_dialog("BYE", branch=tag, cseq=number, to=to) << sends("BYE", CALLEE)
            play >> reply(play.sent, 200) << sends("200", CALLER)
            if tag == "y":
                play << ended(EndedBy.CALLER, 200)
        assert play.proxy.dialogs == 0


@pytest.mark.parametrize("status", [600, 603, 604, 606])
def test_a_global_failure_passes(status: int) -> None:
    with Playbook() as play:
        invite = ringing(play)
        play >> reply(invite, status) << sends("ACK", CALLEE) << sends(str(status), CALLER)
        play << ended(EndedBy.FAILURE, status)


@pytest.mark.parametrize("status", [180, 183, 199])
def test_a_provisional_response_other_than_100_to_anything_but_an_invite_goes_nowhere(status: int) -> None:
    """RFC 4320 section 4.1."""
    with Playbook() as play:
        answered(play)
        play >> in_dialog("INFO") << sends("INFO", CALLEE)
        play >> reply(play.sent, status)


# -- BYE --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 202, 408, 481])
def test_a_bye_ends_the_call_when_it_is_answered_as_of_when_it_came(status: int) -> None:
    """RFC 3261 section 15.1.1: on 2xx, 408 and 481 the call is over."""
    with Playbook() as play:
        answered(play)
        play.now_us = T0 + 5 * SECOND_US
        play >> from_callee("BYE") << sends("BYE", CALLER)
        play.now_us = T0 + 6 * SECOND_US
        play >> reply(play.sent, status, source=CALLER) << sends(str(status), CALLEE) << ended(EndedBy.CALLED, 200)
        assert play.call is not None
        assert play.call.ended_at_us == T0 + 5 * SECOND_US


@pytest.mark.parametrize("status", [400, 401, 403, 407, 420, 500])
def test_a_bye_that_the_other_side_refuses_ends_nothing(status: int) -> None:
    """Else a BYE that nobody can honour would end the call in the books while both sides talk on."""
    with Playbook() as play:
        answered(play)
        play >> in_dialog("BYE", b"Require: nonsense") << sends("BYE", CALLEE)
        play >> reply(play.sent, status) << sends(str(status), CALLER)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (1, 1)
        play >> in_dialog("BYE", branch="3", cseq=3) << sends("BYE", CALLEE)
        play >> reply(play.sent, 200) << sends("200", CALLER) << ended(EndedBy.CALLER, 200)


def test_a_bye_to_a_telephone_that_only_rang_ends_nothing() -> None:
    with Playbook() as play:
        invite = started(play)
        play >> reply(invite, 180, "x") << progressed() << sends("180", CALLER)
        play >> reply(invite, 200, "y") << sends("200", CALLER)
        play >> in_dialog("BYE", to="<sip:+16365550199@192.0.2.20>;tag=x") << sends("BYE", CALLEE)
        play >> reply(play.sent, 200) << sends("200", CALLER)
        assert play.proxy.dialogs == 1


def test_a_bye_in_an_early_dialog_leaves_the_end_of_the_call_to_the_invite() -> None:
    """RFC 3261 section 15.1.2: the callee answers the INVITE with 487 then."""
    with Playbook() as play:
        invite = ringing(play)
        play >> in_dialog("BYE") << sends("BYE", CALLEE)
        play >> reply(play.sent, 200) << sends("200", CALLER)
        play >> reply(invite, 487) << sends("ACK", CALLEE) << sends("487", CALLER) << ended(EndedBy.FAILURE, 487)


# -- requests in the dialog -------------------------------------------------------------------------------------------


def test_re_invites_that_cross_are_491_on_both_sides_and_the_call_goes_on() -> None:
    """RFC 3261 section 14.1."""
    with Playbook() as play:
        answered(play)
        play >> in_dialog("INVITE", branch="4") << sends("100", CALLER) << sends("INVITE", CALLEE)
        ours = play.sent
        play >> from_callee("INVITE") << sends("100", CALLEE) << sends("INVITE", CALLER)
        theirs = play.sent
        play >> reply(ours, 491) << sends("ACK", CALLEE) << sends("491", CALLER)
        play >> reply(theirs, 491, source=CALLER) << sends("ACK", CALLER) << sends("491", CALLEE)
        play >> request("ACK", branch="4", cseq="2 ACK", to=CALLEE_TAGGED)
        play >> from_callee("ACK")
        assert (play.proxy.dialogs, play.ledger.in_progress) == (1, 1)


@pytest.mark.parametrize(
    "method", ["INFO", "UPDATE", "PRACK", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "OPTIONS", "x-new"]
)
@pytest.mark.parametrize("who", ["caller", "callee"])
def test_every_method_passes_within_a_dialog_from_either_side(method: str, who: str) -> None:
    with Playbook() as play:
        answered(play)
        if who == "caller":
            play >> in_dialog(method, branch="6") << sends(method, CALLEE)
            play >> reply(play.sent, 200) << sends("200", CALLER)
        else:
            play >> from_callee(method) << sends(method, CALLER)
            play >> reply(play.sent, 200, source=CALLER) << sends("200", CALLEE)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (1, 1)


def test_a_prack_names_the_response_that_it_acknowledges_and_both_pass() -> None:
    """RFC 3262 sections 3 and 4."""
    with Playbook() as play:
        invite = started(play)
        ring = reply(invite, 183, lines=(b"Require: 100rel", b"RSeq: 813520"))
        play >> ring << progressed() << sends("183", CALLER, lines=(b"RSeq: 813520",))
        (
            play
            >> in_dialog("PRACK", b"RAck: 813520 1 INVITE")
            << sends("PRACK", CALLEE, lines=(b"RAck: 813520 1 INVITE",))
        )
        play >> reply(play.sent, 200) << sends("200", CALLER)
        play >> reply(invite, 200) << sends("200", CALLER)


def test_a_subscription_within_the_call_outlives_neither_it_nor_ends_it() -> None:
    """RFC 3515: the NOTIFYs of a REFER use the call's dialog; after the BYE they belong to nothing."""
    with Playbook() as play:
        answered(play)
        play >> in_dialog("REFER", b"Refer-To: <sip:x@example.com>", branch="r") << sends("REFER", CALLEE)
        play >> reply(play.sent, 202) << sends("202", CALLER)
        notify = from_callee("NOTIFY", b"Event: refer", b"Subscription-State: active;expires=60")
        play >> notify << sends("NOTIFY", CALLER)
        play >> reply(play.sent, 200, source=CALLER) << sends("200", CALLEE)
        play >> in_dialog("BYE", branch="b", cseq=3) << sends("BYE", CALLEE)
        play >> reply(play.sent, 200) << sends("200", CALLER) << ended(EndedBy.CALLER, 200)
        late = from_callee("NOTIFY", b"Subscription-State: terminated;reason=noresource", branch="n2", cseq=8)
        play >> late << sends("481", CALLEE)


def test_a_request_of_the_dialog_turned_round_is_none_of_it() -> None:
    with Playbook() as play:
        answered(play)
        play >> request("INFO", branch="5", from_=CALLEE_TAGGED, to=CALLER_TAGGED.replace("tag=a", "tag=b"))
        play << sends("481", CALLER)
