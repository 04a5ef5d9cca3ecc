"""Calls that come on a circuit and leave over SIP, from the IAM to the REL (RFC 3398 section 8)."""

from __future__ import annotations

import pytest
from border import OFFER, SDP_TYPE, Border, releases, says
from messages import iam_with
from playbook import CALLEE, Datagram, Wait, decided, ended, progressed, request, sends

from gateway.codecs.sip import SipMessage, headers, response_to
from gateway.codecs.ss7.isup import (
    BackwardCallIndicators,
    Cause,
    EventInformation,
    MessageType,
    OptionalBackwardCallIndicators,
    P,
    PartyNumber,
    encode_number,
    isup_message,
)
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.call import EndedBy

CALLING = {
    P.CALLING_PARTY_NUMBER.value: encode_number(
        P.CALLING_PARTY_NUMBER, PartyNumber("3145550100", screening=3), Variant.ANSI
    )
}
IAM = iam_with(CALLING)
CONTACT = b"Contact: <sip:192.0.2.20:5060>"


def playing(variant: Variant = Variant.ANSI, max_calls: int = 1_000) -> Border:
    play = Border(variant, max_calls=max_calls)
    play.start(play.from_circuits)
    return play


def called(play: Border) -> bytes:
    play.call_in(IAM) << decided() << sends("INVITE", CALLEE)
    return play.sent


def reply(to: bytes, status: int, *lines: bytes, body: bytes = b"", tag: bytes = b"b") -> Datagram:
    """What the called side answers."""
    extra = b"".join(line + b"\r\n" for line in (CONTACT, *lines, *((SDP_TYPE,) if body else ())))
    data = response_to(SipMessage(to), status, "Answer", to_tag=tag, extra=extra)
    if body:
        data = data.replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)) + body
    return Datagram(data, CALLEE)


def answered(play: Border) -> bytes:
    invite = called(play)
    play >> reply(invite, 200, body=OFFER) << progressed() << says(MessageType.CON)
    play << sends("ACK", CALLEE)
    return invite


def of_callee(method: str, invite: bytes, *lines: bytes, cseq: int = 7) -> Datagram:
    """A request of the called side in the dialog."""
    message = SipMessage(invite)
    from_, call_id = message.required(headers.FROM).decode(), message.required(headers.CALL_ID).decode()
    to = message.required(headers.TO).decode() + ";tag=b"
    return request(
        *(method, *lines),
        from_=to,
        to=from_,
        call_id=call_id,
        cseq=f"{cseq} {method}",
        source=CALLEE,
        branch=f"c{cseq}",
    )


def test_the_invite_is_what_the_iam_says() -> None:
    with playing() as play:
        invite = SipMessage(called(play))
        assert invite.request_uri == b"sip:+16365550199@192.0.2.20:5060;user=phone"
        assert invite.value(headers.CALL_ID) == b"246-14-7.2-137-26.9001.1760000000000000@192.0.2.1"
        assert invite.value(headers.P_ASSERTED_IDENTITY) == b"<sip:+13145550100@192.0.2.1;user=phone>"
        assert invite.value(headers.CONTACT) == b"<sip:246-14-7@192.0.2.1:5060>"
        assert invite.value(headers.MAX_FORWARDS) == b"69"
        assert invite.data.partition(b"\r\n\r\n")[2].startswith(b"v=0\r\n")
        vias = [invite.text(span) for span in invite.spans(headers.VIA)]
        assert vias[1].startswith(b"SIP/2.0/TCP 246-14-7.invalid:1;branch=z9hG4bK")
        assert b"received" not in vias[1]


def test_a_call_is_set_up_answered_and_hung_up_by_its_caller() -> None:
    with playing() as play:
        invite = called(play)
        play >> reply(invite, 100)
        play >> reply(invite, 180) << progressed()
        play << says(
            MessageType.ACM, backward_call=BackwardCallIndicators(2, 1, interworking=True, isup_all_the_way=False)
        )
        play >> reply(invite, 200, body=OFFER) << says(MessageType.ANM) << sends("ACK", CALLEE)
        assert SipMessage(play.sent).request_uri == b"sip:192.0.2.20:5060"
        play >> Cause(16, 0) << sends("BYE", CALLEE, lines=(b"Reason: Q.850;cause=16;location=U",))
        play >> reply(play.sent, 200) << ended(EndedBy.CALLER, 200)
        assert play.ledger.in_progress == 0
        assert play.call is not None
        assert play.call.egress_member == CALLEE


def test_an_answer_before_anything_else_is_a_connect() -> None:
    with playing() as play:
        answered(play)


def test_the_called_side_hangs_up_with_its_cause() -> None:
    with playing() as play:
        invite = answered(play)
        play >> of_callee("BYE", invite, b"Reason: Q.850;cause=31;location=RLN") << releases(31, 4)
        play << sends("200", CALLEE) << ended(EndedBy.CALLED, 200)


@pytest.mark.parametrize(
    ("status", "lines", "cause", "location", "told"),
    [
        (486, (), 17, 10, 486),
        (404, (), 1, 10, 404),
        (480, (b"Reason: Q.850;cause=19;location=U",), 19, 0, 480),
        (503, (), 41, 10, 500),
        (503, (b"Reason: Q.850;cause=42",), 42, 10, 500),
        (603, (), 21, 10, 603),
        (488, (b'Warning: 305 h "Incompatible media format"',), 65, 10, 488),
        (302, (), 127, 10, 302),
    ],
)
def test_a_refused_call_is_released_with_the_cause_of_its_status_or_of_its_reason(
    status: int, lines: tuple[bytes, ...], cause: int, location: int, told: int
) -> None:
    with playing() as play:
        invite = called(play)
        play >> reply(invite, status, *lines) << sends("ACK", CALLEE) << ended(EndedBy.FAILURE, told)
        play << releases(cause, location)
        play.until(60)
        assert len(play.agent) == 0
        assert play.proxy.transactions == 0


@pytest.mark.parametrize(
    ("status", "body", "free", "event", "in_band"),
    [
        (180, b"", 1, None, False),
        (180, OFFER, 1, None, True),
        (181, b"", 0, 6, False),
        (182, b"", 0, None, False),
        (183, b"", 0, None, False),
        (183, OFFER, 0, None, True),
    ],
)
def test_the_first_provisional_response_is_an_acm(
    status: int, body: bytes, free: int, event: int | None, in_band: bool
) -> None:
    with playing() as play:
        play >> reply(called(play), status, body=body) << progressed()
        backward = BackwardCallIndicators(2, free, interworking=True, isup_all_the_way=False)
        optional = OptionalBackwardCallIndicators(in_band=True) if in_band else None
        play << says(MessageType.ACM, backward_call=backward, optional_backward=optional)
        if event is not None:
            play << says(MessageType.CPG, event=EventInformation(event))


@pytest.mark.parametrize(
    ("status", "body", "event"), [(180, b"", 1), (181, b"", 6), (182, b"", 2), (183, b"", 2), (183, OFFER, 3)]
)
def test_every_later_one_is_a_cpg(status: int, body: bytes, event: int) -> None:
    with playing() as play:
        invite = called(play)
        play >> reply(invite, 183) << progressed() << says(MessageType.ACM)
        play >> reply(invite, status, body=body) << says(MessageType.CPG, event=EventInformation(event))


def test_an_exchange_that_has_heard_nothing_gets_an_early_acm() -> None:
    with playing() as play:
        invite = called(play)
        play >> Wait(0.5) << sends("INVITE", CALLEE)
        play >> reply(invite, 100)
        play >> Wait(9.6)
        play << says(
            MessageType.ACM, backward_call=BackwardCallIndicators(2, 0, interworking=True, isup_all_the_way=False)
        )
        play >> reply(invite, 180) << progressed() << says(MessageType.CPG, event=EventInformation(1))


def test_a_call_that_its_caller_gives_up_is_cancelled() -> None:
    with playing() as play:
        invite = called(play)
        play >> reply(invite, 180) << progressed() << says(MessageType.ACM)
        play >> Cause(16) << sends("CANCEL", CALLEE, lines=(b"Reason: Q.850;cause=16;location=LN",))
        play >> reply(play.sent, 200)
        play >> reply(invite, 487) << sends("ACK", CALLEE) << ended(EndedBy.CANCEL, 487)
        play.until(60)
        assert len(play.agent) == 0


def test_a_call_that_is_given_up_before_any_response_is_cancelled_when_one_comes() -> None:
    with playing() as play:
        invite = called(play)
        play >> Cause(16)
        play >> reply(invite, 100) << sends("CANCEL", CALLEE)


def test_an_answer_that_crosses_the_cancel_is_ended() -> None:
    with playing() as play:
        invite = called(play)
        play >> reply(invite, 180) << progressed() << says(MessageType.ACM)
        play >> Cause(16) << sends("CANCEL", CALLEE)
        play >> reply(invite, 200) << sends("ACK", CALLEE) << sends("BYE", CALLEE)
        play >> reply(play.sent, 200) << ended(EndedBy.CALLER, 200)


def test_a_2xx_that_is_repeated_is_acknowledged_again() -> None:
    with playing() as play:
        invite = answered(play)
        play >> reply(invite, 200, body=OFFER) << sends("ACK", CALLEE)


def test_a_second_telephone_that_answers_is_hung_up_on() -> None:
    with playing() as play:
        invite = answered(play)
        play >> reply(invite, 200, body=OFFER, tag=b"c") << sends("ACK", CALLEE) << sends("BYE", CALLEE)
        assert SipMessage(play.sent).required(headers.TO).endswith(b";tag=c")
        play >> reply(play.sent, 200)
        play >> of_callee("BYE", invite) << releases(16) << sends("200", CALLEE) << ended(EndedBy.CALLED, 200)


def test_a_telephone_that_has_not_answered_cannot_hang_up() -> None:
    with playing() as play:
        invite = called(play)
        play >> reply(invite, 180) << progressed() << says(MessageType.ACM)
        play >> of_callee("BYE", invite) << sends("481", CALLEE)
        play >> reply(invite, 200, body=OFFER) << says(MessageType.ANM) << sends("ACK", CALLEE)


def test_a_second_telephone_that_hangs_up_first_takes_nobody_along() -> None:
    with playing() as play:
        invite = answered(play)
        play >> reply(invite, 200, body=OFFER, tag=b"c") << sends("ACK", CALLEE) << sends("BYE", CALLEE)
        bye = of_callee("BYE", invite)
        play >> bye._replace(data=bye.data.replace(b";tag=b\r\n", b";tag=c\r\n", 1)) << sends("481", CALLEE)
        play >> of_callee("BYE", invite, cseq=8) << releases(16) << sends("200", CALLEE)
        play << ended(EndedBy.CALLED, 200)


def test_a_reliable_provisional_response_is_acknowledged() -> None:
    reliably = (b"Require: 100rel", b"RSeq: 5")
    with playing() as play:
        invite = called(play)
        play >> reply(invite, 183, *reliably, body=OFFER) << progressed() << says(MessageType.ACM)
        play << sends("PRACK", CALLEE, lines=(b"RAck: 5 1 INVITE", b"CSeq: 2 PRACK"))
        play >> reply(play.sent, 200)
        play >> reply(invite, 183, *reliably, body=OFFER)  # said again
        play >> reply(invite, 180, b"Require: 100rel", b"RSeq: 6") << says(MessageType.CPG)
        play << sends("PRACK", CALLEE, lines=(b"RAck: 6 1 INVITE", b"CSeq: 3 PRACK"))
        play >> reply(play.sent, 200)
        play >> reply(invite, 200) << says(MessageType.ANM) << sends("ACK", CALLEE, lines=(b"CSeq: 1 ACK",))
        play >> Cause(16) << sends("BYE", CALLEE, lines=(b"CSeq: 4 BYE",))


def test_requests_of_the_called_side_are_answered() -> None:
    with playing() as play:
        invite = answered(play)
        play >> of_callee("OPTIONS", invite) << sends("200", CALLEE)
        play >> of_callee("UPDATE", invite, cseq=8) << sends("200", CALLEE)
        play >> of_callee("INVITE", invite, CONTACT, cseq=9) << sends("100", CALLEE) << sends("200", CALLEE)
        ack = of_callee("ACK", invite, cseq=9)
        play >> ack._replace(data=ack.data.replace(b"z9hG4bKc9", b"z9hG4bKack"))
        assert play.until(60) == []


def test_a_called_side_that_never_answers_leaves_the_call_to_the_timers_of_isup() -> None:
    with playing() as play:
        play >> reply(called(play), 180) << progressed() << says(MessageType.ACM)
        assert [what for _, what in play.until(120)] == []


def test_a_call_without_room_is_ended_in_the_books_and_released() -> None:
    with playing(max_calls=0) as play:
        play.call_in(IAM) << decided() << ended(EndedBy.FAILURE, 503) << releases(42)
        assert play.ledger.in_progress == 0


def test_a_call_that_has_come_too_far_is_released() -> None:
    with playing() as play:
        play.call_in(iam_with({P.HOP_COUNTER.value: b"\x00"})) << decided() << ended(EndedBy.FAILURE, 483)
        play << releases(25)


def test_the_bearer_of_the_iam_is_offered() -> None:
    with playing() as play:
        digital = IAM.replaced({P.USER_SERVICE_INFORMATION: b"\x88\x90"})
        play.call_in(digital) << decided() << sends("INVITE", CALLEE)
        assert b" RTP/AVP 97\r\na=rtpmap:97 CLEARMODE/8000\r\n" in play.sent


def test_the_same_call_gives_the_same_bytes() -> None:
    one, other = (called(playing()) for _ in range(2))
    assert one == other


def test_another_call_on_the_circuit_has_other_tags_and_branches() -> None:
    play = playing()
    first = SipMessage(called(play))
    play.now_us += 1_000_000
    play.call_in(IAM) << decided() << sends("INVITE", CALLEE)
    second = SipMessage(play.sent)
    for header in (headers.FROM, headers.CALL_ID):
        assert first.required(header) != second.required(header)
    vias = [[message.text(span) for span in message.spans(headers.VIA)] for message in (first, second)]
    assert vias[0][1] != vias[1][1]


def test_what_the_callers_exchange_says_before_the_answer_needs_no_word() -> None:
    with playing() as play:
        called(play)
        play >> isup_message(Variant.ANSI, MessageType.FOT, 9001)


def test_parameters_that_cannot_be_read_stop_nobodys_call() -> None:
    with playing() as play:
        nonsense = dict.fromkeys((P.GENERIC_ADDRESS, P.CHARGE_NUMBER, P.JURISDICTION_INFORMATION), b"\xff")
        play.call_in(iam_with(nonsense)) << decided() << sends("INVITE", CALLEE)
        assert SipMessage(play.sent).request_uri == b"sip:+16365550199@192.0.2.20:5060;user=phone"
