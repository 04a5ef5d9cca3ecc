"""Calls that the gateway ends itself, as scripts: what each side is sent, and what may cross it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playbook import (
    CALLEE,
    CALLEE_TAGGED,
    CALLER,
    CALLER_TCP,
    GROUPS,
    OURSELVES,
    SECOND_US,
    T0,
    Closed,
    Discontinue,
    Found,
    Playbook,
    Undeliverable,
    Wait,
    answered,
    decided,
    ended,
    from_callee,
    groups_with,
    header,
    in_dialog,
    locates,
    progressed,
    reply,
    request,
    ringing,
    sends,
    settings_with,
    started,
)

from gateway.codecs.sip import headers
from gateway.interconnection.trunk_groups import Hop, Member, Service, Transport
from gateway.signalling.call import Call, Ended, EndedBy, Send
from gateway.signalling.pacing import BATCH, INTERVAL_US

REASON = b'Reason: Q.850;cause=21;text="DISCONTINUED 7001 L8"'
OWN_ROUTE = b"Record-Route: <sip:192.0.2.1:5060;lr>"
CONTACT = b"Contact: <sip:b@192.0.2.20:5080>"


def first_line(data: bytes) -> bytes:
    return data.partition(b"\r\n")[0]


def hung_up(play: Playbook, caller: Hop = CALLER, callee: Hop = CALLEE) -> tuple[bytes, bytes]:
    """The BYEs to both sides of the only call."""
    play << ended(EndedBy.DISCONTINUED, 200) << sends("BYE", caller, lines=(REASON,))
    to_caller = play.sent
    play << sends("BYE", callee, lines=(REASON,))
    return to_caller, play.sent


def test_a_call_that_is_up_gets_a_bye_to_both_sides_as_the_other_side_would_write_it() -> None:
    with Playbook() as play:
        contact = b"Contact: <sip:a@192.0.2.10:5060>"
        play >> request("INVITE", contact, cseq="41 INVITE") << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE)
        play >> reply(play.sent, 200, lines=(CONTACT, OWN_ROUTE)) << progressed() << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=41) << sends("ACK", CALLEE)
        play >> Discontinue()
        to_caller, to_callee = hung_up(play, callee=Hop("192.0.2.20", 5080))
        assert to_caller == (
            b"BYE sip:a@192.0.2.10:5060 SIP/2.0\r\n"
            + b"Via: "
            + header(to_caller, headers.VIA)
            + b"\r\nMax-Forwards: 70\r\n"
            b"From: <sip:+16365550199@192.0.2.20>;tag=b\r\nTo: <sip:+13145550100@192.0.2.10>;tag=a\r\n"
            b"Call-ID: c1\r\nCSeq: 1 BYE\r\n" + REASON + b"\r\nContent-Length: 0\r\n\r\n"
        )
        assert to_callee == (
            b"BYE sip:b@192.0.2.20:5080 SIP/2.0\r\n"
            + b"Via: "
            + header(to_callee, headers.VIA)
            + b"\r\nMax-Forwards: 70\r\n"
            b"From: <sip:+13145550100@192.0.2.10>;tag=a\r\nTo: <sip:+16365550199@192.0.2.20>;tag=b\r\n"
            b"Call-ID: c1\r\nCSeq: 42 BYE\r\n" + REASON + b"\r\nContent-Length: 0\r\n\r\n"
        )
        assert header(to_caller, headers.VIA).startswith(b"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKtg")
        assert header(to_caller, headers.VIA) != header(to_callee, headers.VIA)
        assert play.ledger.in_progress == 0
        assert play.proxy.dialogs == 1  # what crosses the BYEs is still of this call
        play >> reply(to_caller, 200, source=CALLER)
        play >> reply(to_callee, 200)
        assert play.proxy.dialogs == 0
        assert play.until(40) == []
        assert play.proxy.transactions == 0
        assert play.proxy.next_wake_us is None


@pytest.mark.parametrize("status", [200, 401, 408, 481, 500, 503])
def test_whatever_a_side_answers_it_is_over(status: int) -> None:
    """RFC 3261 section 15.1.1."""
    with Playbook() as play:
        answered(play)
        play >> Discontinue()
        to_caller, to_callee = hung_up(play)
        play >> reply(to_callee, status)
        play >> reply(to_caller, 100, source=CALLER)
        assert play.proxy.dialogs == 1
        play >> reply(to_caller, status, source=CALLER)
        assert play.proxy.dialogs == 0


def test_a_side_that_says_nothing_is_told_for_half_a_minute() -> None:
    with Playbook() as play:
        answered(play)
        play >> Discontinue()
        to_caller, _ = hung_up(play)
        play >> reply(to_caller, 200, source=CALLER)
        told = play.until(33)
        assert [what for _, what, _ in told] == ["BYE"] * 10
        assert {target for _, _, target in told} == {CALLEE}
        assert play.proxy.dialogs == 0
        assert play.until(40) == []
        assert play.proxy.transactions == 0


def test_a_connection_that_cannot_carry_the_bye_ends_that_side() -> None:
    settings = settings_with(listeners=(OURSELVES, Hop(OURSELVES.host, OURSELVES.port, Transport.TCP)))
    with Playbook(settings, groups_with(caller=CALLER_TCP)) as play:
        caller = CALLER_TCP._replace(connection=7)
        play >> request(source=caller) << decided() << sends("100", caller) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 200) << progressed() << sends("200", caller)
        play >> request("ACK", cseq="1 ACK", to=CALLEE_TAGGED, branch="2", source=caller) << sends("ACK", CALLEE)
        play >> Discontinue()
        to_caller, to_callee = hung_up(play, caller=caller)
        play >> reply(to_callee, 200)
        assert play.proxy.dialogs == 1
        play >> Undeliverable(Send(to_caller, caller))
        assert play.proxy.dialogs == 0
        play >> Closed(caller)


# -- the way there ----------------------------------------------------------------------------------------------------


def test_each_side_is_reached_by_its_own_route_set() -> None:
    with Playbook() as play:
        routes = (b"Record-Route: <sip:192.0.2.10;lr>, <sip:p2.example;lr>", b"Record-Route: <sip:p3.example;lr>")
        play >> request("INVITE", *routes, b"Contact: <sip:a@10.0.0.1>") << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE)
        lines = (
            b"Record-Route: <sip:q3.example;lr>",
            b"Record-Route: <sip:192.0.2.20;lr>, <sip:192.0.2.1:5060;lr>",
            *routes,
            b"Contact: <sip:b@10.0.0.2>",
        )
        play >> reply(play.sent, 200, lines=lines) << progressed() << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)
        play >> Discontinue()
        to_caller, to_callee = hung_up(play)
        assert first_line(to_caller) == b"BYE sip:a@10.0.0.1 SIP/2.0"
        assert header(to_caller, headers.ROUTE) == b"<sip:192.0.2.10;lr>, <sip:p2.example;lr>, <sip:p3.example;lr>"
        assert first_line(to_callee) == b"BYE sip:b@10.0.0.2 SIP/2.0"
        assert header(to_callee, headers.ROUTE) == b"<sip:192.0.2.20;lr>, <sip:q3.example;lr>"


def test_a_strict_router_gets_itself_in_the_request_uri_and_the_target_behind() -> None:
    """RFC 3261 section 12.2.1.1."""
    with Playbook() as play:
        strict = (b"Record-Route: <sip:192.0.2.10>", b"Record-Route: <sip:p2.example;lr>")
        play >> request("INVITE", *strict, b"Contact: <sip:a@10.0.0.1>") << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE)
        play >> reply(play.sent, 200, lines=(CONTACT,)) << progressed() << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)
        play >> Discontinue()
        to_caller, _ = hung_up(play, callee=Hop("192.0.2.20", 5080))
        assert first_line(to_caller) == b"BYE sip:192.0.2.10 SIP/2.0"
        assert header(to_caller, headers.ROUTE) == b"<sip:p2.example;lr>, <sip:a@10.0.0.1>"


@pytest.mark.parametrize(
    "contact",
    [
        None,
        b"Contact: *",
        b"Contact: <sip:b@>",
        b"Contact: <sip:b@" + b"b" * 600 + b">",
        b"Contact: <tel:+13145550100>",
    ],
)
def test_a_side_that_names_no_address_is_reached_where_it_was_reached_before(contact: bytes | None) -> None:
    with Playbook() as play:
        answered(play, *([contact] if contact is not None else []))
        play >> Discontinue()
        _, to_callee = hung_up(play)
        assert first_line(to_callee).startswith(b"BYE ")


def test_a_host_name_is_looked_up_where_that_is_asked_for() -> None:
    with Playbook(settings_with(locate_in_dialog=True)) as play:
        answered(play, b"Contact: <sip:b@host.example>")
        play >> Discontinue() << ended(EndedBy.DISCONTINUED, 200) << sends("BYE", CALLER)
        to_caller = play.sent
        play << locates("sip:host.example")
        play >> Found((Hop("192.0.2.77", 5060),)) << sends("BYE", Hop("192.0.2.77", 5060))
        to_callee = play.sent
        play >> reply(to_caller, 200, source=CALLER)
        play >> reply(to_callee, 200, source=Hop("192.0.2.77", 5060))
        assert play.proxy.dialogs == 0


@pytest.mark.parametrize("by_caller", [True, False])
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_the_target_is_the_one_of_the_last_refresh(method: str, by_caller: bool) -> None:
    """RFC 3261 section 12.2.1.2, RFC 3311 section 5."""
    with Playbook() as play:
        answered(play, CONTACT)
        moved = b"Contact: <sip:moved@%s>" % (b"192.0.2.10" if by_caller else b"192.0.2.20")
        here, there = (CALLER, CALLEE) if by_caller else (CALLEE, CALLER)
        again = in_dialog(method, moved, branch="7") if by_caller else from_callee(method, moved)
        play >> again
        if method == "INVITE":
            play << sends("100", here)
        play << sends(method, there)
        refreshed = b"Contact: <sip:refreshed@%s>" % (b"192.0.2.20" if by_caller else b"192.0.2.10")
        play >> reply(play.sent, 200, tag="b" if by_caller else "a", source=there, lines=(refreshed,))
        play << sends("200", here)
        play >> Discontinue()
        to_caller, to_callee = hung_up(play)
        to_mover, to_other = (to_caller, to_callee) if by_caller else (to_callee, to_caller)
        assert first_line(to_mover).startswith(b"BYE sip:moved@")
        assert first_line(to_other).startswith(b"BYE sip:refreshed@")


def test_each_side_has_its_own_numbers_in_cseq() -> None:
    with Playbook() as play:
        answered(play)
        play >> in_dialog("INFO", cseq=17, branch="i") << sends("INFO", CALLEE)
        play >> reply(play.sent, 200) << sends("200", CALLER)
        play >> from_callee("INFO", cseq=900, branch="j") << sends("INFO", CALLER)
        play >> reply(play.sent, 200, source=CALLER) << sends("200", CALLEE)
        play >> in_dialog("BYE", cseq=18, branch="k") << sends("BYE", CALLEE)
        play >> reply(play.sent, 500) << sends("500", CALLER)  # refused: the call is still up
        play >> Discontinue()
        to_caller, to_callee = hung_up(play)
        assert header(to_caller, headers.CSEQ) == b"901 BYE"
        assert header(to_callee, headers.CSEQ) == b"19 BYE"


def test_every_telephone_that_answered_is_hung_up_on_and_the_caller_for_each() -> None:
    with Playbook() as play:
        invite = ringing(play)
        for tag in "bd":
            contact = f"Contact: <sip:{tag}@192.0.2.20>".encode()
            play >> reply(invite, 200, tag=tag, lines=(contact, OWN_ROUTE)) << sends("200", CALLER)
            play >> in_dialog("ACK", cseq=1, to=f"<sip:+16365550199@192.0.2.20>;tag={tag}") << sends("ACK", CALLEE)
        play >> Discontinue() << ended(EndedBy.DISCONTINUED, 200)
        sent = []
        for target in (CALLER, CALLER, CALLEE, CALLEE):
            play << sends("BYE", target)
            sent.append(play.sent)
        assert [header(each, headers.FROM)[-6:] for each in sent[:2]] == [b";tag=b", b";tag=d"]
        assert [header(each, headers.TO)[-6:] for each in sent[2:]] == [b";tag=b", b";tag=d"]
        assert [first_line(each) for each in sent[2:]] == [
            b"BYE sip:%s@192.0.2.20 SIP/2.0" % tag for tag in (b"b", b"d")
        ]
        for each, source in zip(sent, (CALLER, CALLER, CALLEE, CALLEE), strict=True):
            assert play.proxy.dialogs == 1
            play >> reply(each, 200, source=source)
        assert play.proxy.dialogs == 0


def test_a_telephone_that_answers_after_the_end_is_hung_up_on_by_us() -> None:
    with Playbook() as play:
        invite = answered(play)
        play >> Discontinue()
        for each, source in zip(hung_up(play), (CALLER, CALLEE), strict=True):
            play >> reply(each, 200, source=source)
        play >> reply(invite, 200, tag="late") << sends("ACK", CALLEE) << sends("BYE", CALLEE)
        assert header(play.sent, headers.TO).endswith(b";tag=late")
        play >> reply(invite, 200) << sends("ACK", CALLEE)  # the one that was hung up on has not seen its ACK


# -- what crosses it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_caller", [True, False])
@pytest.mark.parametrize("status", [200, 481])
def test_a_bye_that_crosses_ours_is_passed_on_and_the_call_ends_once(status: int, by_caller: bool) -> None:
    with Playbook() as play:
        answered(play)
        play >> Discontinue()
        to_caller, to_callee = hung_up(play)
        bye = in_dialog("BYE", branch="x") if by_caller else from_callee("BYE", branch="x")
        here, there = (CALLER, CALLEE) if by_caller else (CALLEE, CALLER)
        play >> bye << sends("BYE", there)
        play >> reply(play.sent, status, source=there) << sends(str(status), here)
        play >> reply(to_caller, 481, source=CALLER)
        play >> reply(to_callee, 481)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)
        assert play.until(40) == []


@pytest.mark.parametrize("by_caller", [True, False])
def test_a_bye_that_is_under_way_does_not_keep_a_call_from_being_ended(by_caller: bool) -> None:
    with Playbook() as play:
        answered(play)
        here, there = (CALLER, CALLEE) if by_caller else (CALLEE, CALLER)
        play >> (in_dialog("BYE", branch="x") if by_caller else from_callee("BYE", branch="x")) << sends("BYE", there)
        theirs = play.sent
        play >> Discontinue()
        to_caller, to_callee = hung_up(play)
        play >> reply(theirs, 200, source=there) << sends("200", here)
        play >> reply(to_caller, 481, source=CALLER)
        play >> reply(to_callee, 481)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)


def test_a_refresh_that_crosses_the_end_is_passed_on() -> None:
    with Playbook() as play:
        answered(play)
        play >> Discontinue()
        hung_up(play)
        play >> in_dialog("INVITE", branch="x") << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 481) << sends("ACK", CALLEE) << sends("481", CALLER)
        assert play.ledger.in_progress == 0


def test_a_call_is_ended_once_however_often_it_is_asked_for() -> None:
    with Playbook() as play:
        answered(play)
        play >> Discontinue()
        to_caller, to_callee = hung_up(play)
        play >> Discontinue()
        play >> Wait(0.4)
        for each, source in ((to_caller, CALLER), (to_callee, CALLEE)):
            play >> reply(each, 200, source=source)
        play >> Discontinue()
        assert play.proxy.stop(play.now_us) == []


def test_the_gateway_that_stops_meanwhile_ends_it_no_second_time() -> None:
    with Playbook() as play:
        answered(play)
        play >> Discontinue()
        hung_up(play)
        assert play.proxy.stop(play.now_us) == []


# -- before the ACK ---------------------------------------------------------------------------------------------------


def test_a_caller_that_has_not_acknowledged_is_told_when_it_has() -> None:
    """RFC 3261 section 15: it may not have seen the 2xx, which the called side says again until it has."""
    with Playbook() as play:
        invite = ringing(play)
        play >> reply(invite, 200) << sends("200", CALLER)
        play >> Discontinue() << ended(EndedBy.DISCONTINUED, 200)
        assert play.ledger.in_progress == 0
        play >> reply(invite, 200) << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE) << sends("BYE", CALLER) << sends("BYE", CALLEE)
        to_callee = play.sent
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)
        play >> reply(to_callee, 200)
        assert play.proxy.dialogs == 1


def test_a_call_whose_ack_will_never_come_is_ended_at_once() -> None:
    with Playbook() as play:
        invite = ringing(play)
        play >> reply(invite, 200) << sends("200", CALLER)
        play.now_us += 33 * SECOND_US
        play >> Discontinue()
        hung_up(play)


def test_an_answer_that_is_never_acknowledged_is_ended_by_who_answered() -> None:
    """RFC 3261 section 13.3.1.4."""
    with Playbook() as play:
        invite = ringing(play)
        play >> reply(invite, 200) << sends("200", CALLER)
        play >> Discontinue() << ended(EndedBy.DISCONTINUED, 200)
        play.now_us += 32 * SECOND_US
        play >> from_callee("BYE") << sends("BYE", CALLER)
        play >> reply(play.sent, 481, source=CALLER) << sends("481", CALLEE)
        assert play.proxy.dialogs == 0


# -- calls that are being set up --------------------------------------------------------------------------------------


def given_up(play: Playbook) -> None:
    """The caller of the only call is told, and the books are closed."""
    play << sends("403", CALLER, lines=(REASON,))
    assert first_line(play.sent) == b"SIP/2.0 403 Traffic Discontinued"


def test_a_ringing_call_is_refused_to_its_caller_and_cancelled_on_the_called_side() -> None:
    with Playbook() as play:
        invite = ringing(play)
        play >> Discontinue()
        given_up(play)
        play << sends("CANCEL", CALLEE, lines=(REASON,)) << ended(EndedBy.DISCONTINUED, 403)
        cancel = play.sent
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)
        play >> reply(cancel, 200)
        play >> reply(invite, 487) << sends("ACK", CALLEE)
        play >> request("ACK", cseq="1 ACK", to=CALLEE_TAGGED)
        assert play.until(40) == []
        assert play.proxy.transactions == 0


def test_a_call_that_nobody_has_answered_to_is_cancelled_when_somebody_does() -> None:
    """RFC 3261 section 9.1: no CANCEL before a provisional response."""
    with Playbook() as play:
        invite = started(play)
        play >> Discontinue()
        given_up(play)
        play << ended(EndedBy.DISCONTINUED, 403)
        play >> request("ACK", cseq="1 ACK", to=CALLEE_TAGGED)
        play >> reply(invite, 180) << sends("CANCEL", CALLEE, lines=(REASON,))
        play >> reply(play.sent, 200)
        play >> reply(invite, 487) << sends("ACK", CALLEE)
        assert play.until(40) == []
        assert play.proxy.transactions == 0


def test_a_call_to_somebody_who_says_nothing_is_forgotten_and_held_against_nobody() -> None:
    with Playbook() as play:
        started(play)
        play >> Discontinue()
        given_up(play)
        play << ended(EndedBy.DISCONTINUED, 403)
        play >> request("ACK", cseq="1 ACK", to=CALLEE_TAGGED)
        assert play.until(70) == []
        assert play.proxy.transactions == 0


@pytest.mark.parametrize("ringing_first", [True, False])
def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up_by_us(ringing_first: bool) -> None:
    with Playbook() as play:
        invite = ringing(play) if ringing_first else started(play)
        play >> Discontinue()
        given_up(play)
        if ringing_first:
            play << sends("CANCEL", CALLEE)
        play << ended(EndedBy.DISCONTINUED, 403)
        play >> reply(invite, 200) << sends("ACK", CALLEE) << sends("BYE", CALLEE)
        play >> reply(play.sent, 200)
        play >> reply(invite, 200) << sends("ACK", CALLEE)


def test_a_cancel_of_the_caller_that_crosses_the_refusal_changes_nothing() -> None:
    with Playbook() as play:
        invite = ringing(play)
        play >> Discontinue()
        given_up(play)
        play << sends("CANCEL", CALLEE) << ended(EndedBy.DISCONTINUED, 403)
        play >> request("CANCEL", cseq="1 CANCEL") << sends("200", CALLER)
        play >> reply(invite, 487) << sends("ACK", CALLEE)


def test_a_call_that_its_caller_has_cancelled_is_not_cancelled_twice() -> None:
    with Playbook() as play:
        invite = ringing(play)
        play >> request("CANCEL", cseq="1 CANCEL") << sends("200", CALLER) << sends("CANCEL", CALLEE)
        play >> Discontinue()
        given_up(play)
        play << ended(EndedBy.DISCONTINUED, 403)
        play >> reply(invite, 487) << sends("ACK", CALLEE)


def test_a_call_that_is_tried_on_its_second_member_is_given_up_on_both() -> None:
    second = Hop("192.0.2.21", 5060)
    groups = (GROUPS[0], replace(GROUPS[1], members=(Member(CALLEE), Member(second))))
    with Playbook(groups=groups) as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        first = play.sent
        play >> reply(first, 503) << sends("ACK", CALLEE) << sends("INVITE", second)
        play >> reply(play.sent, 180, source=second) << progressed() << sends("180", CALLER)
        play >> Discontinue()
        given_up(play)
        play << sends("CANCEL", second) << ended(EndedBy.DISCONTINUED, 403)


# -- which calls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("up", [True, False])
def test_an_emergency_call_is_never_ended(up: bool) -> None:
    """L10."""
    with Playbook() as play:
        play >> request(uri="sip:911@192.0.2.20") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        if up:
            play >> reply(play.sent, 200) << progressed() << sends("200", CALLER)
            play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)
        play >> Discontinue()
        assert play.proxy.dialogs == 1


def test_only_the_calls_that_are_wanted_end() -> None:
    def wanted(call: Call, _at_us: int) -> bool:
        return call.attempt.call_id == "c2"

    with Playbook() as play:
        for name in ("c1", "c2", "c3"):
            play >> request(call_id=name, branch=name) << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> Discontinue(wanted) << sends("403", CALLER) << ended(EndedBy.DISCONTINUED, 403)
        assert play.call is not None
        assert play.call.attempt.call_id == "c2"
        assert play.proxy.dialogs == 2


def test_many_calls_are_ended_a_few_at_a_time() -> None:
    count = BATCH * 2 + 7
    with Playbook() as play:
        for number in range(count):
            play >> request(call_id=f"c{number}", branch=f"n{number}")
            play << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        over = [
            each for each in play.proxy.end_calls(lambda _, __: True, 21, "L8", play.now_us) if isinstance(each, Ended)
        ]
        assert len(over) == BATCH
        for more in (BATCH, 7):
            assert play.proxy.wake(play.now_us + INTERVAL_US - 1) == []
            assert play.proxy.next_wake_us == play.now_us + INTERVAL_US
            play.now_us += INTERVAL_US
            over = [each for each in play.proxy.wake(play.now_us) if isinstance(each, Ended)]
            assert len(over) == more
        assert play.proxy.dialogs == 0


def test_each_call_is_asked_about_again_when_it_is_its_turn() -> None:
    count, until_us = BATCH * 2 + 50, T0 + INTERVAL_US
    with Playbook() as play:
        for number in range(count):
            play >> request(call_id=f"c{number}", branch=f"n{number}")
            play << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        over = play.proxy.end_calls(lambda _, at_us: at_us < until_us, 21, "L8", play.now_us)
        assert len([each for each in over if isinstance(each, Ended)]) == BATCH
        assert "Ended" not in {what for _, what, _ in play.until(1)}
        assert play.proxy.dialogs == play.ledger.in_progress == count - BATCH
        play >> Discontinue(lambda call, _: call.attempt.call_id == "c249")
        play << sends("403", CALLER) << ended(EndedBy.DISCONTINUED, 403)


def test_calls_that_need_not_end_any_more_hold_up_no_others() -> None:
    count, until_us = BATCH * 4, T0 + INTERVAL_US
    with Playbook() as play:
        for number in range(count + 1):
            play >> request(call_id=f"c{number}", branch=f"n{number}")
            play << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        last = f"c{count}"
        play.proxy.end_calls(lambda call, at_us: at_us < until_us and call.attempt.call_id != last, 21, "L8", T0)
        play.proxy.end_calls(lambda call, _: call.attempt.call_id == last, 21, "L8", T0)
        assert play.proxy.dialogs == count + 1 - BATCH
        play.now_us = until_us
        over = [each.call for each in play.proxy.wake(until_us) if isinstance(each, Ended)]
        assert [call.attempt.call_id for call in over] == [last]


def test_a_few_calls_more_need_not_wait() -> None:
    with Playbook() as play:
        for name in ("c1", "c2"):
            play >> request(call_id=name, branch=name) << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
            play >> Discontinue() << sends("403", CALLER) << ended(EndedBy.DISCONTINUED, 403)


def test_a_call_that_ends_while_it_waits_for_its_turn_is_left_alone() -> None:
    with Playbook() as play:
        invites = []
        for number in range(BATCH + 1):
            play >> request(call_id=f"c{number}", branch=f"n{number}")
            play << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
            invites.append(play.sent)
        play.proxy.end_calls(lambda _, __: True, 21, "L8", play.now_us)
        play >> reply(invites[-1], 486) << sends("ACK", CALLEE) << sends("486", CALLER) << ended(EndedBy.FAILURE, 486)
        play >> Wait(0.1)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("DISCONTINUED L8", b'Reason: Q.850;cause=21;text="DISCONTINUED L8"'),
        ('a "b" \\ c', b'Reason: Q.850;cause=21;text="a \\"b\\" \\\\ c"'),
        ("a\r\nVia: b", b'Reason: Q.850;cause=21;text="a  Via: b"'),
        ("x" * 1_000, b'Reason: Q.850;cause=21;text="' + b"x" * 160 + b'"'),
        ("naïve", b'Reason: Q.850;cause=21;text="na?ve"'),
    ],
)
def test_whatever_the_text_is_it_stays_one_quoted_string(text: str, line: bytes) -> None:
    with Playbook() as play:
        answered(play)
        play >> Discontinue(text=text) << ended(EndedBy.DISCONTINUED, 200)
        play << sends("BYE", CALLER, lines=(line,)) << sends("BYE", CALLEE, lines=(line,))


def test_a_member_that_does_not_answer_its_bye_stays_in_service() -> None:
    with Playbook() as play:
        answered(play)
        play >> Discontinue()
        hung_up(play)
        assert "MemberChanged" not in {what for _, what, _ in play.until(40)}
        assert play.proxy.members.by_hop[CALLEE].service is Service.IN_SERVICE
