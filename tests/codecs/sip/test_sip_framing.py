"""Messages out of a stream: whole ones however it is cut, and a break where it cannot be read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers
from gateway.codecs.sip.framing import Framing, FramingLimits, Unframeable, refusal_of

START: Final = b"OPTIONS sip:a@192.0.2.1 SIP/2.0\r\n"
REST: Final = (
    b"Via: SIP/2.0/TCP 192.0.2.9:5070;branch=z9hG4bK1\r\nFrom: <sip:b@192.0.2.9>;tag=1\r\nTo: <sip:a@192.0.2.1>\r\n"
    b"Call-ID: 1@b\r\nCSeq: 1 OPTIONS\r\n"
)


def message(length: bytes, body: bytes = b"") -> bytes:
    return START + REST + length + b"\r\n\r\n" + body


def plain(body: bytes) -> bytes:
    return message(b"Content-Length: %d" % len(body), body)


def framed(pieces: Iterable[bytes], limits: FramingLimits | None = None) -> tuple[list[bytes], str | None]:
    """What comes out of a stream, and why it broke."""
    framing = Framing(limits or FramingLimits())
    found = []
    for piece in pieces:
        framing.feed(piece)
        while messages := framing.messages(3):
            found += messages
    return found, framing.broken.what if framing.broken is not None else None


THREE: Final = (plain(b""), plain(b"v=0\r\n\r\nOPTIONS sip:x SIP/2.0\r\n\r\n"), message(b"l:3", b"\r\n\r"))


@pytest.mark.parametrize("cut", range(len(b"".join(THREE)) + 1))
def test_a_stream_cut_anywhere_gives_the_same_messages(cut: int) -> None:
    stream = b"".join(THREE)
    assert framed((stream[:cut], stream[cut:])) == ([*THREE], None)


def test_a_stream_fed_byte_by_byte_gives_the_same_messages() -> None:
    assert framed(bytes((byte,)) for byte in b"".join(THREE)) == ([*THREE], None)


@given(st.lists(st.binary(max_size=200), max_size=8), st.data())
def test_whatever_the_bodies_and_the_cuts_messages_come_out_as_they_were(
    bodies: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(plain(body) for body in bodies)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    pieces = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert framed(pieces) == ([plain(body) for body in bodies], None)


@given(st.lists(st.binary(max_size=300) | st.sampled_from([b"\r\n", b"\r\n\r\n", START, REST, b"l: 1\r\n\r\n"])))
def test_arbitrary_bytes_break_the_stream_or_wait_and_never_raise(pieces: list[bytes]) -> None:
    found, _ = framed(pieces, FramingLimits(head=400, body=100))
    assert all(len(whole) <= 500 for whole in found)


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1))
def test_how_a_broken_stream_is_cut_does_not_change_what_came_before_the_break(pieces: list[bytes]) -> None:
    stream = plain(b"x") + b"".join(pieces)
    assert framed([plain(b"x"), *pieces]) == framed([stream])


_SPELT: Final = st.sampled_from(
    [
        b"Content-Length",
        b"content-length",
        b"CONTENT-LENGTH",
        b"l",
        b"L",
        b"Content-Length ",
        b"l\t",
        b"Content-Lengths",
    ]
)
_VALUE: Final = st.sampled_from(
    [b"5", b" 5", b"5 ", b"\t5", b"\r\n 5", b" 5\r\n ", b"", b" ", b"-5", b"5 5", b"+5", b"0005"]
)


@given(st.lists(st.tuples(_SPELT, _VALUE), max_size=3))
def test_the_length_of_a_message_is_what_the_rest_of_the_gateway_reads(lines: list[tuple[bytes, bytes]]) -> None:
    """Two readings of one length would let a second message hide in a body, or a body be taken for a message."""
    data = message(b"X: y" + b"".join(b"\r\n%s:%s" % line for line in lines), b"12345")
    found, broken = framed([data])
    read = SipMessage(data)
    numbers = read.spans(headers.CONTENT_LENGTH)
    value = read.value(headers.CONTENT_LENGTH) or b""
    if len(numbers) == 1 and value.isdigit():
        assert (found, broken) == ([data], None)
    else:
        assert found == []
        assert broken is not None


@pytest.mark.parametrize(
    ("length", "what"),
    [
        (b"Content-Type: a/b", "the Content-Length header field is missing"),
        (b"X: a\r\n Content-Length: 5", "the Content-Length header field is missing"),
        (b"X-Content-Length: 5", "the Content-Length header field is missing"),
        (b"Content-Length: 5\r\nl: 5", "the Content-Length header field stands more than once"),
        (b"Content-Length: five", "Content-Length is not a number"),
        (b"Content-Length:", "Content-Length is not a number"),
        (b"Content-Length: -1", "Content-Length is not a number"),
        (b"Content-Length: 1, 2", "Content-Length is not a number"),
        (b"Content-Length: 65536", "the body is longer than 65535 bytes"),
        (b"Content-Length: 99999999999999999999", "the body is longer than 65535 bytes"),
    ],
)  # fmt: skip
def test_a_length_that_cannot_be_used_breaks_the_stream(length: bytes, what: str) -> None:
    whole, broken = framed([plain(b"1") + message(length, b"12345") + plain(b"2")])
    assert whole == [plain(b"1")]
    assert broken == what


def test_a_body_of_the_largest_size_comes_out_and_one_byte_more_does_not() -> None:
    limits = FramingLimits(head=1_000, body=100)
    assert framed([plain(bytes(100))], limits) == ([plain(bytes(100))], None)
    assert framed([plain(bytes(101))], limits) == ([], "the body is longer than 100 bytes")


def test_a_head_that_does_not_end_is_held_up_to_its_limit_and_no_further() -> None:
    limits = FramingLimits(head=1_000, body=100)
    begun = START + b"X: "
    assert framed([begun, bytes(1_000 - len(begun))], limits) == ([], None)
    assert framed([begun, bytes(1_001 - len(begun))], limits) == ([], "the head is longer than 1000 bytes")


def test_a_head_over_the_limit_is_answered_where_it_came_at_once() -> None:
    framing = Framing(FramingLimits(head=100, body=100))
    framing.feed(plain(b""))
    assert framing.messages(1) == []
    assert framing.broken is not None
    assert (framing.broken.status, framing.broken.head) == (513, plain(b""))


@pytest.mark.parametrize(
    "start",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00",
        b" INVITE",
        b"\n",
        b"\r\r",
        b"\r\nX\r\n\r\n"[:2] + b"\x80",
    ],
)
def test_what_is_no_sip_is_known_by_its_first_byte(start: bytes) -> None:
    """TLS on a port for TCP, among others: nobody waits for the rest of it."""
    assert framed([start]) == ([], "what comes is no SIP message")


@pytest.mark.parametrize(
    ("pieces", "pings"),
    [
        ([b"\r\n"], 0),
        ([b"\r\n\r\n"], 1),
        ([bytes((byte,)) for byte in b"\r\n\r\n"], 1),
        ([b"\r\n\r\n", b"\r\n\r\n"], 2),
        ([b"\r\n\r", b"\n" + plain(b"")], 1),
        ([plain(b"\r\n\r\n")], 0),
        ([plain(b"") + b"\r\n", plain(b"") + b"\r\n"], 0),
        ([b"\r\n\r\n" + plain(b"") + b"\r\n\r\n"], 1),
    ],
)
def test_two_empty_lines_between_messages_are_a_keep_alive(pieces: list[bytes], pings: int) -> None:
    framing = Framing(FramingLimits())
    seen = 0
    for piece in pieces:
        framing.feed(piece)
        framing.messages(10)
        seen += framing.pinged()
    assert seen == pings
    assert not framing.partial
    assert framing.broken is None


def test_a_request_that_cannot_be_taken_is_answered_from_its_head() -> None:
    framing = Framing(FramingLimits())
    framing.feed(message(b"Content-Length: 999999999"))
    framing.messages(1)
    assert framing.broken is not None
    answer = refusal_of(framing.broken, "192.0.2.7", 40_000)
    assert answer is not None
    read = SipMessage(answer)
    assert read.status == 413
    assert read.value(headers.VIA) == b"SIP/2.0/TCP 192.0.2.9:5070;branch=z9hG4bK1;received=192.0.2.7"
    assert read.value(headers.CALL_ID) == b"1@b"
    assert b";tag=" in read.required(headers.TO)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a;branch=1\r\nFrom: a\r\nTo: b\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n",
        (START + REST).replace(b"OPTIONS", b"ACK") + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        START + b"\r\n",
        START + b"Via: nonsense\r\n\r\n",
    ],
)
def test_what_is_no_request_or_wants_no_answer_gets_none(head: bytes) -> None:
    assert refusal_of(Unframeable("broken", head), "192.0.2.7", 1) is None


def test_a_break_is_a_fault_of_the_grammar_like_any_other() -> None:
    assert issubclass(Unframeable, Malformed)
