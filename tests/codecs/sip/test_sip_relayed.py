"""Responses on their way back: the quick way of reading one and the full one say the same."""

from __future__ import annotations

import pytest
from codecs_at_hand import Codec
from hypothesis import given
from hypothesis import strategies as st
from sip_messages import NOISE, responses

from gateway.codecs.malformed import Malformed

OWN = b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch="
OUR_LINE = OWN + b"z9hG4bKtg1.ab\r\n"
RINGING = (
    b"SIP/2.0 180 Ringing\r\n" + OUR_LINE + b"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r\n"
    b"From: <sip:+13145550100@192.0.2.10>;tag=a\r\n"
    b"To: <sip:+16365550199@192.0.2.20>;tag=b\r\n"
    b"Call-ID: c1@192.0.2.10\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Content-Length: 0\r\n\r\n"
)
TO = b"<sip:+16365550199@192.0.2.20>;tag=b"


def test_a_response_is_read_and_loses_our_via(codec: Codec) -> None:
    onward = RINGING.replace(OUR_LINE, b"")
    assert codec.read_response(RINGING, OWN) == (180, b"z9hG4bKtg1.ab", b"INVITE", TO, onward)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Via: SIP/2.0/UDP 192.0.2.1", b"v: SIP/2.0/UDP 192.0.2.1"),
        (b"bKtg1.ab\r\nVia: ", b"bKtg1.ab;received=192.0.2.1\r\nVia: "),
        (b"bKtg1.ab\r\nVia: ", b"bKtg1.ab\t\r\nVia: "),
        (b"bKtg1.ab\r\nVia: ", b"bKtg1.ab\r\n \r\nVia: "),
        (b"bKtg1.ab\r\nVia: ", b"bKtg1.ab\r\nv: "),
        (b"bKtg1.ab\r\nVia: ", b"bKtg1.ab,"),
        (b"To: ", b"To:  "),
        (b"To: ", b"t:"),
        (b";tag=b\r\n", b";tag=b \r\n"),
        (b";tag=b\r\n", b";tag=b\r\n \r\n"),
        (b"CSeq: ", b"cseq : "),
        (b"1 INVITE", b"1  INVITE"),
        (b"1 INVITE", b"1 INVITE\t"),
        (b"1 INVITE", b"1\r\n INVITE"),
        (b" Ringing", b""),
    ],
)
def test_a_response_in_an_unusual_spelling_says_the_same(codec: Codec, old: bytes, new: bytes) -> None:
    assert old in RINGING
    response = codec.read_response(RINGING.replace(old, new), OWN)
    assert response is not None
    assert response[:4] == (180, b"z9hG4bKtg1.ab", b"INVITE", TO)
    assert b"192.0.2.1:5060" not in response.onward


@pytest.mark.parametrize(
    "via",
    [
        b"Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKtg1.ab\r\n",
        b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKtg1.ab\r\nVia: SIP/2.0/UDP h\r\n",
        b"Via: SIP/2.0/UDP 192.0.2.1:50600;branch=z9hG4bKtg1.ab\r\n",
    ],
)
def test_a_response_to_somebody_elses_request_is_none(codec: Codec, via: bytes) -> None:
    data = RINGING.replace(OUR_LINE, via)
    ours = b"192.0.2.1;" in via  # the default port is ours
    assert (codec.read_response(data, OWN) is not None) is ours


def test_a_response_with_no_via_but_ours_can_go_nowhere(codec: Codec) -> None:
    data = b"".join(line for line in RINGING.splitlines(True) if b"192.0.2.10:" not in line)
    response = codec.read_response(data, OWN)
    assert response is not None
    assert response.onward == b""


@pytest.mark.parametrize("end", range(len(RINGING)))
def test_a_response_cut_off_anywhere_is_malformed(codec: Codec, end: int) -> None:
    with pytest.raises(Malformed):
        codec.read_response(RINGING[:end], OWN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"SIP/2.0 180", b"SIP/2.0 18"),
        (b"SIP/2.0 180", b"SIP/2.0 099"),
        (b"SIP/2.0 180", b"SIP/2.0 700"),
        (b"To: " + TO, b"To: "),
        (b"CSeq: 1 INVITE", b"CSeq: x INVITE"),
        (b"CSeq: 1 INVITE", b"CSeq: 12345678901 INVITE"),
        (b"CSeq: 1 INVITE\r\n", b""),
        (b"\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n", b"\r\n\r\nCSeq: 1 INVITE\r\n\r\n"),
    ],
)
def test_a_response_that_lacks_what_the_proxy_must_know_is_malformed(codec: Codec, old: bytes, new: bytes) -> None:
    assert old in RINGING
    with pytest.raises(Malformed):
        codec.read_response(RINGING.replace(old, new), OWN)


@pytest.mark.parametrize(
    "line",
    [
        *(b"To: <sip:another@h>", b"t: <sip:another@h>", b"TO :<sip:another@h>", b"to: <sip:another@h>"),
        *(b"CSeq: 2 INVITE", b"cseq: 1 BYE", b"Content-Length: 0", b"l: 0", b"CONTENT-LENGTH: 9"),
        *(b"From: <sip:another@h>;tag=x", b"f: <sip:another@h>", b"Call-ID: another", b"Call-Id: another", b"i: x"),
        *(
            b"Content-Type: a/b\r\nContent-Type: c/d",
            b"Content-Type: a/b\r\nc: c/d",
            b"no colon",
            b": no name",
            b"a b: c",
        ),
        *(b"X: a\nTo: <sip:another@h>", b"X: a\rTo: b", b"X: \x00", b"X: \n", b"X: \r", b"\x00: y"),
    ],
)
@pytest.mark.parametrize("before", [b"From: ", b"Call-ID: ", b"\r\n\r\n"])
def test_a_response_that_others_could_read_in_another_way_is_malformed(
    codec: Codec, line: bytes, before: bytes
) -> None:
    place = RINGING.index(before) + (2 if before == b"\r\n\r\n" else 0)
    new = RINGING[:place] + line + b"\r\n" + RINGING[place:]
    with pytest.raises(Malformed):
        codec.read_response(new, OWN)


_PLACES = st.integers(RINGING.index(OUR_LINE) + len(OUR_LINE), len(RINGING))
_PIECES = st.one_of(
    st.sampled_from(
        [b"\r\n", b"\r", b"\n", b" ", b":", b"\x00", b"To: x\r\n", b"t:x\r\n", b"l: 0\r\n", b"CSeq: 1 A\r\n"]
    ),
    st.sampled_from([b"\r\nCall-Id: x", b"\r\nX-A: b", b"\r\nContent-Type: a", b"\r\n b", b"\x85", b"\x7f", b"\x0b"]),
    st.binary(max_size=3),
)


@given(st.lists(st.tuples(_PLACES, st.integers(0, 9), _PIECES), max_size=3))
def test_a_response_is_read_quickly_as_it_is_read_with_care(
    codec: Codec, changes: list[tuple[int, int, bytes]]
) -> None:
    data = RINGING
    for place, gone, piece in changes:
        data = data[:place] + piece + data[place + gone :]
    odd = b"X-Odd : so that it is read with care\r\n"
    careful = data.replace(OUR_LINE, odd + OUR_LINE, 1)
    try:
        slow = codec.read_response(careful, OWN)
    except Malformed:
        with pytest.raises(Malformed):
            codec.read_response(data, OWN)
        return
    assert codec.read_response(data, OWN) == slow._replace(onward=slow.onward.replace(odd, b"", 1))


@given(responses(), st.sampled_from([b"", b"\r\n", b"Via: x\r\n"]), NOISE)
def test_arbitrary_responses_raise_nothing_but_malformed(
    codec: Codec, data: bytes, between: bytes, noise: bytes
) -> None:
    start = data.find(b"\r\n") + 2
    for made in (data[:start] + OUR_LINE + between + data[start:], data[:start] + OUR_LINE + noise, noise):
        try:
            codec.read_response(made, OWN)
        except Malformed:
            continue


@pytest.mark.parametrize("transport", [b"UDP", b"TCP", b"TLS"])
@pytest.mark.parametrize("host", [b"192.0.2.1:5060", b"[2001:db8::1]:5061"])
@pytest.mark.parametrize("between", [b"", b"Record-Route: <sip:192.0.2.1;lr>\r\n"])
def test_a_response_is_ours_over_every_transport_wherever_its_lines_stand(
    codec: Codec, transport: bytes, host: bytes, between: bytes
) -> None:
    own = b"Via: SIP/2.0/%s %s;branch=" % (transport, host)
    rest = b"%sVia: SIP/2.0/TCP 192.0.2.9:5070;branch=z9hG4bK1\r\n" % between
    rest += b"From: <sip:c@d>;tag=2\r\nTo: <sip:a@b>;tag=1\r\nCall-ID: e\r\nCSeq: 1 BYE\r\n"
    data = b"SIP/2.0 200 OK\r\n%sz9hG4bKours\r\n%sContent-Length: 0\r\n\r\n" % (own, rest)
    response = codec.read_response(data, own)
    assert response is not None
    assert (response.branch, response.method) == (b"z9hG4bKours", b"BYE")
    assert response.onward == b"SIP/2.0 200 OK\r\n%sContent-Length: 0\r\n\r\n" % rest
