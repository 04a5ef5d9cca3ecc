"""The IAM in the body of an INVITE (SIP-I): found, read by the edition it names, and never a reason to fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.sip import SipMessage
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Hop
from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.attribution import UNKNOWN, Attribution
from gateway.policy.call_attempt import CallAttempt, Protocol
from gateway.signalling.sip_attempt import attempt_of

IAM = bytes.fromhex(
    "010060110a03060d038090a207031013525500000a0703171252552143c008c003101352557777"
    "eb0703101252559999ea0100c4031252553d011400"
)
ITU_IAM = bytes.fromhex(
    "010060010a00020a0804104402976400000a088415212155153204c0090684102121559599091d038090a33d011400"
)
EMERGENCY_IAM = IAM.replace(bytes.fromhex("c008c003101352557777"), bytes.fromhex("c005c083101901"))
SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nt=0 0\r\n"
ANSI_TYPE = b"application/ISUP;version=ansi88"


def _nobody(_calling: TelephoneNumber | None, _rn: TelephoneNumber | None, _at_us: int) -> Attribution:
    return UNKNOWN


def _attempt(
    content_type: bytes, body: bytes, *, uri: bytes = b"sip:+13125557777@h", lines: tuple[bytes, ...] = ()
) -> tuple[CallAttempt, bytes]:
    head = [
        b"INVITE " + uri + b" SIP/2.0",
        b"Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1",
        b"From: <sip:+12125551234@192.0.2.10>;tag=a",
        b"To: <sip:+13125557777@192.0.2.20>",
        b"Call-ID: c1",
        b"CSeq: 1 INVITE",
        b"Content-Type: " + content_type,
        b"Content-Length: %d" % len(body),
        *lines,
    ]
    data = b"\r\n".join(head) + b"\r\n\r\n" + body
    attempt = attempt_of(
        SipMessage(data),
        at_us=7,
        source=Hop("192.0.2.10", 5060),
        ingress=None,
        find_provider=_nobody,
        emergency_numbers=frozenset({"911"}),
    )
    return attempt, data


def _mixed(*parts: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    pieces = [b"--b\r\nContent-Type: " + kind + b"\r\n\r\n" + content + b"\r\n" for kind, content in parts]
    return b"multipart/mixed;boundary=b", b"".join(pieces) + b"--b--\r\n"


@pytest.mark.parametrize(
    ("content_type", "iam", "variant"),
    [
        (ANSI_TYPE, IAM, Variant.ANSI),
        (b"application/isup; version=GR317", IAM, Variant.ANSI),
        (b"application/isup;version=ansi92;base=ansi88", IAM, Variant.ANSI),
        (b"application/isup;version=nxv3;base=ansi88", IAM, Variant.ANSI),
        (b"application/isup;version=nxv3", IAM, Variant.ANSI),  # by its layout
        (b"application/isup", ITU_IAM, Variant.ITU),
        (b'application/isup;version="itu-t92+"', ITU_IAM, Variant.ITU),
        (b"application/isup;version=etsi121;base=itu-t92+", ITU_IAM, Variant.ITU),
    ],
)
def test_the_body_is_read_by_the_edition_that_its_type_names(content_type: bytes, iam: bytes, variant: Variant) -> None:
    attempt, _ = _attempt(content_type, iam)
    assert attempt.encapsulated is not None
    assert attempt.unreadable_body is None
    assert (attempt.protocol, attempt.encapsulated.protocol) == (Protocol.SIP, Protocol.ISUP)
    assert attempt.encapsulated.variant is variant


def test_what_the_body_says_stands_where_it_is_in_the_message() -> None:
    attempt, data = _attempt(*_mixed((b"application/sdp", SDP), (ANSI_TYPE, IAM)))
    body = attempt.encapsulated
    assert body is not None
    assert (str(body.calling.number), str(body.called.number)) == ("+12125551234", "+13125557777")
    for fact in (body.calling, body.called, *body.charge, body.jurisdiction, body.originating_line):
        assert fact is not None
        assert data[fact.offset : fact.offset + len(fact.raw)] == fact.raw
    assert (attempt.calling.field, body.calling.field) == ("From", "Calling party number")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"application/sdp", SDP),
        (b"application/sdp;charset=utf-8", SDP),
        (b"application/isupx", IAM),
        (b"text/plain", b""),
        _mixed((b"application/sdp", SDP), (b"text/plain", b"hello")),
    ],
)
def test_a_body_without_isup_says_nothing(content_type: bytes, body: bytes) -> None:
    attempt, _ = _attempt(content_type, body)
    assert (attempt.encapsulated, attempt.unreadable_body) == (None, None)


@pytest.mark.parametrize(
    ("content_type", "body", "why"),
    [
        (ANSI_TYPE, b"", "ends before its type"),
        (ANSI_TYPE, b"\x01\x00", "ends within"),
        (ANSI_TYPE, b"\x10", "no initial address message"),
        (ANSI_TYPE, IAM[:30], ""),
        (ANSI_TYPE + b";version=itu", IAM, "gives version twice"),
        (b"multipart/mixed", IAM, "no boundary"),
        (b"multipart/mixed;boundary=b", b"--b\r\n\r\n", "delimiter that closes"),
        (*_mixed((ANSI_TYPE, IAM), (ANSI_TYPE, IAM)), "two ISUP messages"),
        (*_mixed((ANSI_TYPE + b"\r\nContent-Transfer-Encoding: base64", b"AQ==")), "encoded as base64"),
    ],
)
def test_a_body_that_can_not_be_read_is_kept_with_the_reason(content_type: bytes, body: bytes, why: str) -> None:
    attempt, data = _attempt(content_type, body)
    assert attempt.encapsulated is None
    kept = attempt.unreadable_body
    assert kept is not None
    assert why in kept.value
    assert data[kept.offset : kept.offset + len(kept.raw)] == kept.raw


def test_only_the_request_uri_makes_an_emergency_call_of_an_invite() -> None:
    attempt, _ = _attempt(ANSI_TYPE, EMERGENCY_IAM)
    assert attempt.encapsulated is not None
    assert (attempt.encapsulated.emergency, attempt.emergency) == (True, False)
    attempt, _ = _attempt(ANSI_TYPE, b"\x01", uri=b"urn:service:sos")
    assert attempt.emergency


@pytest.mark.parametrize(
    ("lines", "hops"), [((), 70), ((b"Max-Forwards: 0068",), 68), ((b"Max-Forwards: many",), None)]
)
def test_the_hops_of_an_invite_are_its_max_forwards(lines: tuple[bytes, ...], hops: int | None) -> None:
    assert _attempt(b"application/sdp", SDP, lines=lines)[0].hops == hops


@pytest.mark.parametrize(
    ("uri", "carrier"),
    [
        (b"sip:+13125557777@h", None),
        (b"sip:+13125557777;cic=0288@h;user=phone", "0288"),
        (b"sip:+13125557777;cic=+1-0288@h;user=phone", "0288"),
        (b"tel:+13125557777;CIC=288;cic-context=+1", "288"),
    ],
)
def test_the_carrier_of_an_invite_is_its_cic(uri: bytes, carrier: str | None) -> None:
    attempt, data = _attempt(b"application/sdp", SDP, uri=uri)
    if carrier is None:
        assert attempt.carrier is None
        return
    assert attempt.carrier is not None
    assert attempt.carrier.value == carrier
    assert data[attempt.carrier.offset :].startswith(attempt.carrier.raw)


@given(st.binary(max_size=60), st.sampled_from([ANSI_TYPE, b"application/isup", b"multipart/mixed;boundary=b"]))
def test_whatever_the_body_holds_the_call_is_read(body: bytes, content_type: bytes) -> None:
    attempt, _ = _attempt(content_type, body)
    assert str(attempt.called.number) == "+13125557777"


@given(st.integers(0, len(IAM) - 1), st.integers(0, 255))
def test_whatever_is_wrong_with_the_iam_in_a_body_it_is_read_or_kept_with_the_reason(place: int, octet: int) -> None:
    damaged = bytearray(IAM)
    damaged[place] = octet
    attempt, data = _attempt(*_mixed((ANSI_TYPE, bytes(damaged))))
    assert (attempt.encapsulated is None) != (attempt.unreadable_body is None)
    body = attempt.encapsulated
    if body is not None and body.calling.offset >= 0:
        assert data[body.calling.offset :].startswith(body.calling.raw)
