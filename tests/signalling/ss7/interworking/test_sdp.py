"""Session descriptions: what is offered, what is taken of an offer, and what no circuit can carry."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.malformed import Malformed
from gateway.signalling.ss7.interworking.bearers import Bearer
from gateway.signalling.ss7.interworking.sdp import Media, MediaSettings, NotAcceptable

SETTINGS = MediaSettings("192.0.2.30", 20_000, 100)
HEAD = b"v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"


def media() -> Media:
    return Media(SETTINGS, b"c1")


def streams(description: bytes) -> list[bytes]:
    return [line for line in description.split(b"\r\n") if line[:2] in (b"m=", b"a=")]


@pytest.mark.parametrize(
    ("offer", "answer", "bearer"),
    [
        (b"m=audio 4000 RTP/AVP 0 8\r\n", [b"m=audio %d RTP/AVP 0", b"a=rtpmap:0 PCMU/8000"], Bearer.MU_LAW),
        (b"m=audio 4000 RTP/AVP 8 0\r\n", [b"m=audio %d RTP/AVP 8", b"a=rtpmap:8 PCMA/8000"], Bearer.A_LAW),
        (
            b"m=audio 4000 RTP/AVP 111 9 0\r\na=rtpmap:111 opus/48000/2\r\n",
            [b"m=audio %d RTP/AVP 0", b"a=rtpmap:0 PCMU/8000"],
            Bearer.MU_LAW,
        ),
        (
            b"m=audio 4000 RTP/AVP 100\r\na=rtpmap:100 clearmode/8000\r\n",
            [b"m=audio %d RTP/AVP 100", b"a=rtpmap:100 CLEARMODE/8000"],
            Bearer.DIGITAL,
        ),
    ],
)
def test_the_first_format_that_a_circuit_can_carry_is_taken(offer: bytes, answer: list[bytes], bearer: Bearer) -> None:
    own = media()
    port, *rest = answer
    assert streams(own.answer(HEAD + offer)) == [port % own.port, *rest, b"a=sendrecv"]
    assert own.bearer is bearer
    assert own.port % 2 == 0
    assert 20_000 <= own.port < 20_100


@pytest.mark.parametrize(
    ("offer", "warning"),
    [
        (b"", 304),
        (b"m=video 4000 RTP/AVP 31\r\n", 304),
        (b"m=audio 4000 RTP/AVP 9\r\n", 305),
        (b"m=audio 0 RTP/AVP 0\r\n", 305),
        (b"m=audio 4000 RTP/SAVP 0\r\n", 305),
        (b"m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 L16/8000\r\n", 305),
    ],
)
def test_an_offer_without_such_a_stream_is_not_acceptable(offer: bytes, warning: int) -> None:
    with pytest.raises(NotAcceptable) as refused:
        media().answer(HEAD + offer)
    assert refused.value.warning == warning


def test_every_other_stream_is_refused_in_its_place() -> None:
    own = media()
    offer = b"m=image 5000 udptl t38\r\nm=audio 4000 RTP/AVP 8\r\nm=audio 4002 RTP/AVP 0\r\n"
    assert [line for line in streams(own.answer(HEAD + offer)) if line.startswith(b"m=")] == [
        *(b"m=image 0 udptl t38", b"m=audio %d RTP/AVP 8" % own.port, b"m=audio 0 RTP/AVP 0"),
    ]


@pytest.mark.parametrize(
    ("said", "answer", "held"),
    [
        (b"", b"sendrecv", False),
        (b"a=sendonly\r\n", b"recvonly", True),
        (b"a=recvonly\r\n", b"sendonly", False),
        (b"a=inactive\r\n", b"inactive", True),
    ],
)
@pytest.mark.parametrize("of_session", [True, False])
def test_who_is_put_on_hold_is_told_so(said: bytes, answer: bytes, held: bool, of_session: bool) -> None:
    own = media()
    stream = b"m=audio 4000 RTP/AVP 0\r\n"
    offer = HEAD + (said + stream if of_session else stream + said)
    assert streams(own.answer(offer))[-1] == b"a=" + answer
    assert own.held is held


def test_another_description_has_another_version_and_the_same_one_has_the_same() -> None:
    own = media()
    first, again = own.offer(Bearer.MU_LAW), own.offer(Bearer.MU_LAW)
    held = own.offer(Bearer.MU_LAW, hold=True)
    origins = [each.split(b"\r\n")[1].split() for each in (first, again, held)]
    assert [origin[2] for origin in origins] == [b"1", b"1", b"2"]
    assert len({origin[1] for origin in origins}) == 1


@pytest.mark.parametrize(
    ("bearer", "formats"), [(Bearer.MU_LAW, b"0 8"), (Bearer.A_LAW, b"8 0"), (Bearer.DIGITAL, b"97")]
)
def test_the_offer_is_what_the_bearer_asks_for(bearer: Bearer, formats: bytes) -> None:
    own = media()
    offer = own.offer(bearer)
    assert b"m=audio %d RTP/AVP %s\r\n" % (own.port, formats) in offer
    assert media().answer(offer)  # we understand ourselves


def test_an_ipv6_address_is_written_as_one() -> None:
    assert b"c=IN IP6 2001:db8::1\r\n" in Media(MediaSettings("2001:db8::1"), b"c1").offer(Bearer.MU_LAW)


@pytest.mark.parametrize(
    "offer",
    [b"", b"nonsense", b"v=0\r\nm=audio\r\n", b"v=0\r\nnonsense\r\n", b"v=0\r\n" + b"m=audio 1 RTP/AVP 0\r\n" * 17],
)
def test_what_is_no_session_description_is_malformed(offer: bytes) -> None:
    with pytest.raises(Malformed):
        media().answer(offer)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([b"m=audio 1 RTP/AVP 0", b"a=sendonly", b"a=rtpmap:", b"=", b"m=", b"\xff"])))
def test_arbitrary_lines_are_answered_refused_or_malformed(lines: list[bytes]) -> None:
    with suppress(Malformed, NotAcceptable):
        media().answer(HEAD + b"\r\n".join(lines))
