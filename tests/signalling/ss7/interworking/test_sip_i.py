"""ISUP messages that go along in the bodies of SIP messages (RFC 3204, RFC 3372, Q.1912.5 profile C)."""

from __future__ import annotations

import pytest
from border import OFFER, Border, caller_says, invited, releases, says, seized
from messages import iam_with, invite, sip_facts
from playbook import CALLEE, CALLER, Datagram, decided, ended, progressed, reply, sends
from test_circuits_to_sip import CALLING, CONTACT, IAM, of_callee
from test_sip_to_circuits import ANM, FREE, acm, cpg, message

from gateway.codecs import mime
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, response_to
from gateway.codecs.ss7.isup import (
    Cause,
    EventInformation,
    GenericName,
    IsupMessage,
    MessageType,
    P,
    PartyNumber,
    encode_cause,
    encode_name,
    encode_number,
    isup_message,
)
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.call import EndedBy
from gateway.signalling.ss7.interworking.bearers import Bearer
from gateway.signalling.ss7.interworking.encapsulated_iam import merged
from gateway.signalling.ss7.interworking.iam_of_invite import iam_of_invite
from gateway.signalling.ss7.interworking.sip_i import bodies_of, body_of, edition_of, speaks

EDITION = b"version=ansi88"


def lines_and_body(isup: IsupMessage, sdp: bytes = OFFER, edition: bytes = EDITION) -> tuple[bytes, bytes]:
    head, body = body_of(sdp, isup, edition)
    return head.rstrip(b"\r\n"), body


def bodies(data: bytes) -> tuple[bool, IsupMessage | None]:
    found = bodies_of(SipMessage(data))
    return found.sdp is not None, found.isup


def playing(*, from_circuits: bool = False, sip_i: str | None = "ansi88") -> Border:
    play = Border(sip_i=sip_i)
    play.start(play.from_circuits if from_circuits else play.to_circuits)
    return play


def released(cause: Cause) -> IsupMessage:
    return isup_message(Variant.ANSI, MessageType.REL, None, [(P.CAUSE_INDICATORS, encode_cause(cause))])


def without_cic(message: IsupMessage) -> bytes:
    return message.without_cic().data


# -- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sdp", [b"", OFFER])
@pytest.mark.parametrize("edition", [b"version=ansi88", b"version=gr317", b"version=nxv3;base=ansi88"])
def test_a_body_is_read_as_it_was_written(sdp: bytes, edition: bytes) -> None:
    head, body = body_of(sdp, IAM, edition)
    data = invite().data[:-2] + head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    found = bodies_of(SipMessage(data))
    assert found.isup is not None
    assert (found.sdp, found.isup.data, found.edition) == (sdp or None, without_cic(IAM), edition)
    assert found.isup.variant is Variant.ANSI


def test_the_message_in_a_body_has_no_cic() -> None:
    _, body = body_of(b"", IAM, EDITION)
    assert body == IAM.data[2:]


@pytest.mark.parametrize(
    ("token", "variant"),
    [("ansi88", Variant.ANSI), ("gr317", Variant.ANSI), ("nxv3;base=ansi88", Variant.ANSI), ("itu-t92+", Variant.ITU)],
)
def test_an_edition_is_one_of_a_variant(token: str, variant: Variant) -> None:
    assert [each for each in Variant if speaks(edition_of(token), each)] == [variant]


def test_what_is_of_another_variant_does_not_go_along() -> None:
    assert body_of(OFFER, IAM, b"version=itu-t92+") == (b"Content-Type: application/sdp\r\n", OFFER)
    assert body_of(b"", IAM, b"") == (b"", b"")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: application/isup;version=ansi88\r\nContent-Transfer-Encoding: base64",
        b"Content-Type: application/isup;version=ansi88\r\nContent-Disposition: signal",
    ],
)
def test_an_isup_body_that_cannot_be_read_is_malformed(head: bytes) -> None:
    content_type, body = mime.multipart_mixed([(b"Content-Type: application/sdp", OFFER), (head, b"\x01")])
    data = invite().data[:-2] + b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (content_type, len(body), body)
    with pytest.raises(Malformed):
        bodies_of(SipMessage(data))


# -- calls from SIP ---------------------------------------------------------------------------------------------------


def isup_invited(isup: IsupMessage, *lines: bytes, edition: bytes = EDITION) -> Datagram:
    head, body = lines_and_body(isup, edition=edition)
    return invited(*lines, kind=head, body=body)


BODY_IAM = iam_with(CALLING | {P.USER_SERVICE_INFORMATION.value: b"\x80\x90\xa2", 0xEE: b"\x01"}, category=15)


def test_a_call_carries_isup_both_ways() -> None:
    with playing() as play:
        play >> isup_invited(BODY_IAM) << decided() << sends("100", CALLER) << seized()
        play >> acm(FREE) << progressed() << sends("180", CALLER)
        described, isup = bodies(play.sent)
        assert described
        assert isup is not None
        assert isup.data == without_cic(acm(FREE))
        play >> ANM << sends("200", CALLER)
        described, isup = bodies(play.sent)
        assert described
        assert isup is not None
        assert isup.type == MessageType.ANM
        assert b"application/isup;version=ansi88\r\n" in play.sent
        play >> caller_says("ACK", play.sent)
        suspend = message(MessageType.SUS, {P.SUSPEND_RESUME: b"\x01"})
        play >> suspend << sends("INFO", CALLER)
        assert bodies(play.sent)[1] is not None
        play >> reply(play.sent, 200, source=CALLER)
        play >> Cause(16, 4) << sends("BYE", CALLER)
        isup = bodies(play.sent)[1]
        assert isup is not None
        assert (isup.type, isup.cause) == (MessageType.REL, Cause(16, 4))


def test_a_release_before_the_answer_goes_along_with_the_final_response() -> None:
    with playing() as play:
        play >> isup_invited(BODY_IAM) << decided() << sends("100", CALLER) << seized()
        play >> Cause(17, 0) << sends("486", CALLER) << ended(EndedBy.FAILURE, 486)
        isup = bodies(play.sent)[1]
        assert isup is not None
        assert (isup.type, isup.cause) == (MessageType.REL, Cause(17, 0))


def test_the_release_in_the_body_of_a_bye_is_the_release_on_the_circuit() -> None:
    with playing() as play:
        play >> isup_invited(BODY_IAM) << decided() << sends("100", CALLER) << seized()
        play >> ANM << progressed() << sends("200", CALLER)
        play >> caller_says("ACK", play.sent)
        release = released(Cause(29, 5))
        head, body = lines_and_body(release, b"")
        bye = caller_says("BYE", play.sent, head, b"Content-Length: %d" % len(body), cseq=3)
        play >> bye._replace(data=bye.data + body) << releases(29, 5) << sends("200", CALLER)
        play << ended(EndedBy.CALLER, 200)


def test_info_carries_what_sip_has_no_word_for() -> None:
    with playing() as play:
        play >> isup_invited(BODY_IAM) << decided() << sends("100", CALLER) << seized()
        play >> ANM << progressed() << sends("200", CALLER)
        play >> caller_says("ACK", play.sent)
        resume = message(MessageType.RES, {P.SUSPEND_RESUME: b"\x00"})
        head, body = lines_and_body(resume, b"")
        info = caller_says("INFO", play.sent, head, b"Content-Length: %d" % len(body), cseq=3)
        play >> info._replace(data=info.data + body) << says(MessageType.RES) << sends("200", CALLER)


def test_to_a_caller_who_speaks_no_isup_none_is_sent() -> None:
    with playing() as play:
        play >> invited() << decided() << sends("100", CALLER) << seized()
        play >> acm(FREE) << progressed() << sends("180", CALLER)
        assert bodies(play.sent)[1] is None


# -- the IAM in the body ----------------------------------------------------------------------------------------------


def leaving(
    body: IsupMessage, *lines: bytes, uri: bytes = b"sip:+16365550199@h", from_: bytes = b"<sip:+13145550100@h>"
) -> IsupMessage:
    attempt = sip_facts(invite(uri, from_, *lines))
    restricted = any(line.startswith(b"Privacy: id") for line in lines)
    return merged(iam_of_invite(attempt, Variant.ANSI, Bearer.MU_LAW), body.without_cic(), restricted=restricted)


ASSERTED = b"P-Asserted-Identity: <sip:+13145550100@h>"


def test_what_only_the_body_knows_goes_on() -> None:
    said = leaving(BODY_IAM, ASSERTED)
    assert said.value(0xEE) == b"\x01"
    assert said.value(P.USER_SERVICE_INFORMATION) == b"\x80\x90\xa2"
    assert said.category == 15
    assert said.calling == BODY_IAM.calling


def test_where_the_two_differ_the_header_fields_are_right() -> None:
    other = encode_number(P.CALLING_PARTY_NUMBER, PartyNumber("3145559999", screening=3), Variant.ANSI)
    body = iam_with(
        {P.CALLING_PARTY_NUMBER.value: other, P.HOP_COUNTER.value: b"\x1f"}, called=PartyNumber("2125550000")
    )
    said = leaving(body, ASSERTED)
    assert said.called == PartyNumber("6365550199")
    assert said.calling == PartyNumber("3145550100", screening=3)


def test_the_body_takes_back_no_privacy() -> None:
    name = {P.GENERIC_NAME.value: encode_name(GenericName("Acme"))}
    said = leaving(iam_with(CALLING | name), b"Privacy: id", from_=b"<sip:anonymous@anonymous.invalid>")
    assert said.calling == PartyNumber("3145550100", presentation=1, screening=3)
    assert said.name == GenericName("Acme", presentation=1)
    said = leaving(iam_with(CALLING | name), ASSERTED, b"Privacy: id", from_=b"<sip:anonymous@anonymous.invalid>")
    assert said.calling == PartyNumber("3145550100", presentation=1, screening=3)


def test_portability_is_as_the_request_uri_says() -> None:
    ported = {
        P.GENERIC_ADDRESS.value: encode_number(P.GENERIC_ADDRESS, PartyNumber("6365550199", kind=0xC0), Variant.ANSI)
    }
    body = iam_with(ported, called=PartyNumber("3145550000"), ported=True)
    said = leaving(body)
    forward = said.forward_call
    assert forward is not None
    assert (said.called, said.generic, forward.ported) == (PartyNumber("6365550199"), (), False)
    said = leaving(body, uri=b"sip:+16365550199;npdi;rn=+13145550000@h")
    forward = said.forward_call
    assert forward is not None
    assert (said.called, forward.ported) == (PartyNumber("3145550000"), True)
    assert said.generic == (PartyNumber("6365550199", kind=0xC0),)


CHARGES = tuple(
    (P.CHARGE_NUMBER.value, encode_number(P.CHARGE_NUMBER, PartyNumber(digits), Variant.ANSI))
    for digits in ("3145550177", "2125559999")
)


def twice(iam: IsupMessage, *again: tuple[int, bytes]) -> IsupMessage:
    return isup_message(iam.variant, MessageType.IAM, None, [*iam.parameters, *again])


@pytest.mark.parametrize("lines", [(ASSERTED,), (ASSERTED, b"P-Charge-Info: <sip:+13145550177@h;user=phone>")])
def test_a_second_parameter_that_no_check_has_read_does_not_go_on(lines: tuple[bytes, ...]) -> None:
    dialled = (P.CALLED_PARTY_NUMBER.value, encode_number(P.CALLED_PARTY_NUMBER, PartyNumber("212"), Variant.ANSI))
    said = leaving(twice(iam_with(CALLING), *CHARGES, dialled), *lines)
    assert said.values(P.CHARGE_NUMBER) == (CHARGES[0][1],)
    assert len(said.values(P.CALLED_PARTY_NUMBER)) == 1


def test_of_a_body_that_could_not_be_judged_nothing_goes_on() -> None:
    other = encode_number(P.CALLING_PARTY_NUMBER, PartyNumber("2125559999", screening=3), Variant.ANSI)
    body = twice(iam_with(CALLING), (P.CALLING_PARTY_NUMBER.value, other), *CHARGES)
    head, data = lines_and_body(body)
    with playing() as play:
        play >> invited(*head.split(b"\r\n")[1:], body=data, kind=head.partition(b"\r\n")[0]) << decided()
        play << sends("100", CALLER)
        iam = play.told.pop(0).iam  # type: ignore[attr-defined]
        assert iam.value(P.CHARGE_NUMBER) is None
        assert len(iam.values(P.CALLING_PARTY_NUMBER)) == 1


def test_a_body_of_another_variant_or_type_is_left_aside() -> None:
    own = leaving(ANM)
    assert own.data == leaving(iam_with(variant=Variant.ITU, called=PartyNumber("16365550199", 4))).data


# -- calls from circuits ----------------------------------------------------------------------------------------------


def isup_reply(to: bytes, status: int, isup: IsupMessage, sdp: bytes = b"") -> Datagram:
    head, body = lines_and_body(isup, sdp)
    data = response_to(SipMessage(to), status, "Answer", to_tag=b"b", extra=CONTACT + b"\r\n" + head + b"\r\n")
    return Datagram(data.replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)) + body, CALLEE)


def test_the_iam_goes_along_and_what_comes_back_is_said_as_it_is() -> None:
    with playing(from_circuits=True) as play:
        play.call_in(IAM) << decided() << sends("INVITE", CALLEE)
        described, isup = bodies(play.sent)
        assert described
        assert isup is not None
        assert isup.data == without_cic(IAM)
        sent = play.sent
        (
            play
            >> isup_reply(sent, 183, acm(b"\x06\x14"))
            << progressed()
            << says(MessageType.ACM, data=b"\x06\x06\x14\x00")
        )
        play >> isup_reply(sent, 180, cpg(1)) << says(MessageType.CPG, event=EventInformation(1))
        play >> isup_reply(sent, 200, ANM, OFFER) << says(MessageType.ANM) << sends("ACK", CALLEE)
        play >> Cause(16, 0) << sends("BYE", CALLEE)
        isup = bodies(play.sent)[1]
        assert isup is not None
        assert isup.cause == Cause(16, 0)


def test_a_second_acm_is_progress() -> None:
    with playing(from_circuits=True) as play:
        play.call_in(IAM) << decided() << sends("INVITE", CALLEE)
        sent = play.sent
        play >> isup_reply(sent, 183, acm()) << progressed() << says(MessageType.ACM)
        play >> isup_reply(sent, 180, acm(FREE)) << says(MessageType.CPG, event=EventInformation(1))


def test_the_release_in_a_final_response_is_the_release_on_the_circuit() -> None:
    with playing(from_circuits=True) as play:
        play.call_in(IAM) << decided() << sends("INVITE", CALLEE)
        release = isup_message(
            Variant.ANSI, MessageType.REL, None, [(P.CAUSE_INDICATORS, encode_cause(Cause(23, 4, 2)))]
        )
        play >> isup_reply(play.sent, 404, release) << sends("ACK", CALLEE) << ended(EndedBy.FAILURE, 404)
        play << releases(23, 4)


def test_info_of_the_called_side_is_said_on_the_circuit() -> None:
    with playing(from_circuits=True) as play:
        play.call_in(IAM) << decided() << sends("INVITE", CALLEE)
        sent = play.sent
        play >> isup_reply(sent, 200, ANM, OFFER) << progressed() << says(MessageType.ANM) << sends("ACK", CALLEE)
        suspend = message(MessageType.SUS, {P.SUSPEND_RESUME: b"\x01"})
        head, body = lines_and_body(suspend, b"")
        info = of_callee("INFO", sent, head, b"Content-Length: %d" % len(body))
        play >> info._replace(data=info.data + body) << says(MessageType.SUS) << sends("200", CALLEE)


def test_a_trunk_group_of_plain_sip_gets_no_isup() -> None:
    with playing(from_circuits=True, sip_i=None) as play:
        play.call_in(IAM) << decided() << sends("INVITE", CALLEE)
        assert bodies(play.sent)[1] is None


def test_a_trunk_group_of_another_edition_gets_no_isup() -> None:
    with playing(from_circuits=True, sip_i="itu-t92+") as play:
        play.call_in(IAM) << decided() << sends("INVITE", CALLEE)
        assert bodies(play.sent)[1] is None
