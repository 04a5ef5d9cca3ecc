"""Calls of a SIP caller that leave on a circuit, from the INVITE to the BYE (RFC 3398 section 7)."""

from __future__ import annotations

import pytest
from border import (
    EXCHANGE,
    OFFER,
    Border,
    Released,
    caller_says,
    invited,
    releases,
    says,
    seized,
    tag_in,
)
from playbook import CALLER, Datagram, Wait, decided, ended, progressed, reply, request, sends

from gateway.codecs.sip import SipMessage, headers
from gateway.codecs.ss7.isup import Cause, IsupMessage, MessageType, P, encode_cause, isup_message
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.call import EndedBy

FREE = b"\x16\x04"
NO_INDICATION = b"\x12\x04"
IN_BAND = b"\x01"


def message(
    kind: MessageType, parameters: dict[int, bytes] | None = None, variant: Variant = Variant.ANSI
) -> IsupMessage:
    return isup_message(variant, kind.value, 213, (parameters or {}).items())


def acm(indicators: bytes = NO_INDICATION, more: dict[int, bytes] | None = None) -> IsupMessage:
    return message(MessageType.ACM, {P.BACKWARD_CALL_INDICATORS: indicators} | (more or {}))


def cpg(event: int, more: dict[int, bytes] | None = None) -> IsupMessage:
    return message(MessageType.CPG, {P.EVENT_INFORMATION: bytes((event,))} | (more or {}))


ANM = message(MessageType.ANM)


def playing(variant: Variant = Variant.ANSI) -> Border:
    play = Border(variant)
    play.start(play.to_circuits)
    return play


def set_up(play: Border, *lines: bytes) -> None:
    play >> invited(*lines) << decided() << sends("100", CALLER) << seized(called="6365550199")


def answered(play: Border) -> None:
    set_up(play)
    play >> acm(FREE) << progressed() << sends("180", CALLER)
    play >> ANM << sends("200", CALLER)
    play >> caller_says("ACK", play.sent)


def body(data: bytes) -> bytes:
    return data.partition(b"\r\n\r\n")[2]


def test_a_call_is_set_up_answered_and_hung_up_by_its_caller() -> None:
    with playing() as play:
        set_up(play)
        play >> acm(FREE) << progressed() << sends("180", CALLER)
        assert body(play.sent).startswith(b"v=0\r\n")
        tag = tag_in(play.sent)
        play >> ANM << sends("200", CALLER)
        assert tag_in(play.sent) == tag
        answer = SipMessage(play.sent)
        assert answer.value(headers.CONTACT) == b"<sip:246-14-7@192.0.2.1:5060>"
        assert answer.value(headers.RECORD_ROUTE) == b"<sip:192.0.2.1:5060;lr>"
        assert b"m=audio " in body(play.sent)
        play >> caller_says("ACK", play.sent)
        play >> caller_says("BYE", play.sent, b"Reason: Q.850;cause=16", cseq=3)
        play << releases(16) << sends("200", CALLER) << ended(EndedBy.CALLER, 200)
        assert play.ledger.in_progress == 0


def test_the_called_side_hangs_up_with_its_cause() -> None:
    with playing() as play:
        answered(play)
        play >> Cause(31, 4) << sends("BYE", CALLER, lines=(b"Reason: Q.850;cause=31;location=RLN",))
        bye = SipMessage(play.sent)
        assert bye.request_uri == b"sip:+13145550100@192.0.2.10:5060"
        assert bye.value(headers.ROUTE) is None
        play >> reply_to(play.sent, 200) << ended(EndedBy.CALLED, 200)


def reply_to(data: bytes, status: int) -> Datagram:
    return reply(data, status, source=CALLER)


@pytest.mark.parametrize(
    ("cause", "status", "told", "said"),
    [
        (Cause(17, 4), "486", 486, b"Reason: Q.850;cause=17;location=RLN"),
        (Cause(1, 2), "404", 404, b"Reason: Q.850;cause=1;location=LN"),
        (Cause(19, 0), "480", 480, b"Reason: Q.850;cause=19;location=U"),
        (Cause(21, 0), "603", 603, b"Reason: Q.850;cause=21;location=U"),
        (Cause(34, 3), "500", 500, b"Reason: Q.850;cause=34;location=TN"),
        (Cause(23, 2, 2), "404", 404, b"Reason: Q.850;cause=1;location=LN"),
    ],
)
def test_a_release_before_the_answer_is_the_status_of_its_cause(
    cause: Cause, status: str, told: int, said: bytes
) -> None:
    with playing() as play:
        set_up(play)
        play >> cause << sends(status, CALLER, lines=(said,)) << ended(EndedBy.FAILURE, told)
        play >> caller_says("ACK", play.sent, branch="1")


def test_without_an_idle_circuit_the_caller_is_told_so() -> None:
    with playing() as play:
        play.idle_circuits = False
        play >> invited() << decided() << sends("100", CALLER)
        play << sends("500", CALLER, lines=(b"Reason: Q.850;cause=34;location=LN",)) << ended(EndedBy.FAILURE, 500)
        assert len(play.agent) == 0


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (acm(), "183"),
        (acm(FREE), "180"),
        (acm(NO_INDICATION, {P.OPTIONAL_BACKWARD_CALL_INDICATORS: IN_BAND}), "183"),
        (cpg(1), "180"),
        (cpg(2), "183"),
        (cpg(3), "183"),
        (cpg(4), "181"),
        (cpg(5), "181"),
        (cpg(6), "181"),
        (cpg(0x81), "180"),
        (cpg(99), "183"),
    ],
)
def test_what_the_exchange_says_of_the_call_is_a_provisional_response(said: IsupMessage, status: str) -> None:
    with playing() as play:
        set_up(play)
        play >> said << progressed() << sends(status, CALLER)
        assert body(play.sent).startswith(b"v=0\r\n")


def test_a_cause_with_a_tone_is_said_before_the_call_ends() -> None:
    with playing() as play:
        set_up(play)
        cause = {P.CAUSE_INDICATORS: encode_cause(Cause(17, 4)), P.OPTIONAL_BACKWARD_CALL_INDICATORS: IN_BAND}
        play >> acm(NO_INDICATION, cause) << progressed()
        play << sends("183", CALLER, lines=(b"Reason: Q.850;cause=17;location=RLN",))


def test_a_cancelled_call_is_released() -> None:
    with playing() as play:
        set_up(play)
        play >> request("CANCEL") << sends("200", CALLER) << releases(16) << sends("487", CALLER)
        play << ended(EndedBy.CANCEL, 487)


def test_the_reason_of_a_cancel_is_the_cause_of_the_release() -> None:
    with playing() as play:
        set_up(play)
        play >> request("CANCEL", b"Reason: Q.850;cause=102;location=LN")
        play << sends("200", CALLER) << releases(102, 2) << sends("487", CALLER) << ended(EndedBy.CANCEL, 487)


def test_a_release_that_crosses_a_cancel_ends_the_call_once() -> None:
    with playing() as play:
        set_up(play)
        play >> Cause(16) << sends("480", CALLER) << ended(EndedBy.FAILURE, 480)
        play >> request("CANCEL") << sends("200", CALLER)


def test_a_2xx_is_repeated_until_its_ack_comes() -> None:
    with playing() as play:
        set_up(play)
        play >> ANM << progressed() << sends("200", CALLER)
        answer = play.sent
        assert play.until(4) == [(0.5, "200"), (1.5, "200"), (3.5, "200")]
        play >> caller_says("ACK", answer)
        assert [what for _, what in play.until(60)] == []


def test_a_2xx_without_an_ack_ends_the_call() -> None:
    with playing() as play:
        set_up(play)
        play >> ANM << progressed() << sends("200", CALLER)
        told = [what for _, what in play.until(32)]
        assert told.count("Released") == 1
        assert set(told[: told.index("Released")]) == {"200"}
        assert "BYE" in told


def test_no_bye_goes_out_before_the_ack() -> None:
    with playing() as play:
        set_up(play)
        play >> ANM << progressed() << sends("200", CALLER)
        answer = play.sent
        play >> Cause(16)
        play >> caller_says("ACK", answer) << sends("BYE", CALLER)


def test_byes_that_cross_are_both_answered() -> None:
    with playing() as play:
        answered(play)
        play >> Cause(16) << sends("BYE", CALLER)
        ours = play.sent
        answer = ours.replace(b"\r\nFrom: ", b"\r\nTo: ", 1)
        play >> caller_says("BYE", answer, cseq=3) << sends("200", CALLER) << ended(EndedBy.CALLER, 200)
        play >> reply_to(ours, 200)


def test_a_reinvite_is_answered_and_acknowledged() -> None:
    with playing() as play:
        answered(play)
        hold = OFFER + b"a=sendonly\r\n"
        play >> caller_says("INVITE", play.sent, b"Contact: <sip:+13145550100@192.0.2.10:5060>", cseq=3, body=hold)
        play << sends("100", CALLER) << sends("200", CALLER)
        assert b"a=recvonly\r\n" in body(play.sent)
        play >> caller_says("ACK", play.sent, cseq=3, branch="3")
        assert play.until(60) == []


def test_in_itu_isup_a_hold_is_told_to_the_exchange() -> None:
    with playing(Variant.ITU) as play:
        play >> invited() << decided() << sends("100", CALLER) << seized(called="16365550199")
        play >> message(MessageType.ANM, variant=Variant.ITU) << progressed() << sends("200", CALLER)
        play >> caller_says("ACK", play.sent)
        hold = OFFER + b"a=inactive\r\n"
        play >> caller_says("UPDATE", play.sent, cseq=3, body=hold)
        play << says(MessageType.CPG) << sends("200", CALLER)
        play >> caller_says("UPDATE", play.sent, cseq=4, branch="4", body=OFFER)
        play << says(MessageType.CPG) << sends("200", CALLER)


@pytest.mark.parametrize(
    ("method", "lines", "status"),
    [
        ("OPTIONS", (), "200"),
        ("INFO", (), "200"),
        ("INFO", (b"Content-Type: application/dtmf-relay", b"Content-Length: 8"), "415"),
        ("REFER", (b"Refer-To: <sip:x@y>",), "501"),
        ("PRACK", (b"RAck: 1 1 INVITE",), "481"),
    ],
)
def test_other_requests_within_the_call_are_answered(method: str, lines: tuple[bytes, ...], status: str) -> None:
    with playing() as play:
        answered(play)
        datagram = caller_says(method, play.sent, *lines, cseq=3)
        if b"Content-Length: 8" in lines:
            datagram = datagram._replace(data=datagram.data + b"Signal=5")
        play >> datagram << sends(status, CALLER)


def test_an_offer_that_no_circuit_can_carry_is_not_accepted() -> None:
    video = OFFER.replace(b"audio", b"video")
    opus = OFFER.replace(b"RTP/AVP 0 8 101", b"RTP/AVP 101")
    for offer, warning in ((video, b"304"), (opus, b"305")):
        with playing() as play:
            play >> invited(body=offer) << decided() << sends("100", CALLER) << sends("488", CALLER)
            assert b"\r\nWarning: " + warning in play.sent
            play << ended(EndedBy.FAILURE, 488)


def test_without_an_offer_the_answer_makes_one() -> None:
    with playing() as play:
        play >> invited(body=b"") << decided() << sends("100", CALLER) << seized()
        play >> acm(FREE) << progressed() << sends("180", CALLER)
        assert body(play.sent) == b""
        play >> ANM << sends("200", CALLER)
        assert b"m=audio " in body(play.sent)
        assert b"RTP/AVP 0 8\r\n" in body(play.sent)


def test_what_is_said_reliably_waits_for_its_prack() -> None:
    with playing() as play:
        set_up(play, b"Require: 100rel")
        play >> acm() << progressed() << sends("183", CALLER, lines=(b"Require: 100rel", b"RSeq: 1"))
        first = play.sent
        play >> cpg(1)
        play >> ANM
        assert play.until(2) == [(0.5, "183"), (1.5, "183")]
        play >> caller_says("PRACK", first, b"RAck: 1 1 INVITE") << sends("200", CALLER)
        play << sends("180", CALLER, lines=(b"RSeq: 2",))
        play >> caller_says("PRACK", first, b"RAck: 2 1 INVITE", cseq=3, branch="3") << sends("200", CALLER)
        play << sends("200", CALLER)
        play >> caller_says("ACK", play.sent)
        assert play.until(60) == []


def test_a_prack_that_never_comes_ends_the_call() -> None:
    with playing() as play:
        set_up(play, b"Require: 100rel")
        play >> acm() << progressed() << sends("183", CALLER)
        told = [what for _, what in play.until(32)]
        assert {"504", "Released", "Ended"} <= set(told[told.count("183") :])


def test_an_extension_that_is_required_and_unknown_is_refused() -> None:
    with playing() as play:
        play >> invited(b"Require: resource-priority, 100rel") << decided() << sends("100", CALLER)
        play << sends("420", CALLER, lines=(b"Unsupported: resource-priority",)) << ended(EndedBy.FAILURE, 420)


def test_a_name_is_no_number_of_any_exchange() -> None:
    with playing() as play:
        play >> invited(uri="sip:alice@192.0.2.20") << decided() << sends("100", CALLER)
        play << sends("404", CALLER) << ended(EndedBy.FAILURE, 404)


def test_an_emergency_call_is_seized_as_one() -> None:
    with playing() as play:
        play >> invited(uri="urn:service:sos") << decided() << sends("100", CALLER)
        play << seized(emergency=True, called="911")


def test_a_body_that_cannot_be_read_is_refused() -> None:
    with playing() as play:
        datagram = invited(kind=b"Content-Type: multipart/mixed", body=b"nonsense")
        play >> datagram << decided() << sends("100", CALLER) << sends("400", CALLER)
        play << ended(EndedBy.FAILURE, 400)


@pytest.mark.parametrize("network", [True, False])
def test_a_suspended_subscriber_puts_the_caller_on_hold_and_a_suspending_network_does_not(network: bool) -> None:
    with playing() as play:
        answered(play)
        suspended = message(MessageType.SUS, {P.SUSPEND_RESUME: bytes((network,))})
        resumed = message(MessageType.RES, {P.SUSPEND_RESUME: bytes((network,))})
        if network:
            play >> suspended
            play >> resumed
            return
        play >> suspended << sends("INVITE", CALLER)
        assert b"a=inactive\r\n" in body(play.sent)
        play >> reply_to(play.sent, 200) << sends("ACK", CALLER)
        play >> resumed << sends("INVITE", CALLER)
        assert b"a=sendrecv\r\n" in body(play.sent)
        play >> reply_to(play.sent, 500) << sends("ACK", CALLER)


def test_a_probe_of_the_exchange_is_answered() -> None:
    play = playing()
    datagram = request("OPTIONS", uri="sip:246-14-7@192.0.2.1")
    told: list[object] = []
    play.agent.receive(datagram.data, EXCHANGE, play.now_us, told)  # type: ignore[arg-type]
    assert getattr(told[0], "data", b"").startswith(b"SIP/2.0 200 OK")


def test_what_belongs_to_no_call_is_said_so() -> None:
    play = playing()
    for method, answer in (("BYE", b"SIP/2.0 481"), ("ACK", None)):
        told: list[object] = []
        data = request(method, to="<sip:x@y>;tag=z").data
        play.agent.receive(data, EXCHANGE, play.now_us, told)  # type: ignore[arg-type]
        assert (getattr(told[0], "data", b"")[:11] if told else None) == answer


def test_nothing_is_kept_of_calls_that_are_over() -> None:
    play = playing()
    answered(play)
    play >> Cause(16) << sends("BYE", CALLER)
    play >> reply_to(play.sent, 200) << ended(EndedBy.CALLED, 200)
    play.until(40)
    assert len(play.agent) == 0
    assert play.proxy.transactions == 0


def test_the_same_call_gives_the_same_bytes() -> None:
    said = []
    for _ in range(2):
        play = playing()
        set_up(play)
        play >> acm(FREE) << progressed() << sends("180", CALLER)
        ringing = play.sent
        play >> ANM << sends("200", CALLER)
        said.append((ringing, play.sent))
    assert said[0] == said[1]


def test_a_circuit_that_is_released_twice_is_released_once() -> None:
    with playing() as play:
        answered(play)
        ok = play.sent
        play >> caller_says("BYE", ok, cseq=3)
        assert isinstance(play.told[0], Released)
        play << releases(16) << sends("200", CALLER) << ended(EndedBy.CALLER, 200)
        assert play.circuit.other is not None
        play.circuit.other.release(Cause(16), play.now_us, [])


def test_time_passes_and_nothing_is_due() -> None:
    with playing() as play:
        set_up(play)
        play >> Wait(10)


def test_an_invite_that_comes_again_is_a_loop() -> None:
    with playing() as play:
        set_up(play)
        told: list[object] = []
        play.agent.receive(invited(branch="other").data, EXCHANGE, play.now_us, told)  # type: ignore[arg-type]
        assert getattr(told[0], "data", b"").startswith(b"SIP/2.0 482 Loop Detected")
