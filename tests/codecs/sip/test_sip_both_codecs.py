"""The codec in C says of any bytes what the one in Python says: the same values, bytes, errors and places."""

from __future__ import annotations

import pytest
from codecs_at_hand import AT_HAND, PYTHON, WITHOUT_C, C
from everything_told import OWN_VIA, told_of_message, told_of_value
from hypothesis import given
from hypothesis import strategies as st
from sip_messages import NOISE, PLAIN_INVITE, addresses, invite_with, requests, responses, via_values

pytestmark = pytest.mark.skipif(C is None, reason=f"there is no codec in C to compare: {WITHOUT_C}")

ROUTES = (b"Route: <sip:192.0.2.1:5060;lr>,\r\n <sip:b>", b"route : <sip:192.0.2.1:5060;lr>", b"X: y")


def _say_the_same_of_message(data: bytes) -> None:
    python, c = (told_of_message(codec, data) for codec in AT_HAND)
    assert c == python
    assert [type(value) for value in c.values()] == [type(value) for value in python.values()]


@given(requests(), st.sampled_from(ROUTES))
def test_of_a_request(data: bytes, line: bytes) -> None:
    _say_the_same_of_message(data)
    start = data.find(b"\r\n") + 2
    _say_the_same_of_message(data[:start] + line + b"\r\n" + data[start:])


@given(responses(), st.sampled_from([b"", OWN_VIA + b"z9hG4bK1\r\n", b"v: " + OWN_VIA[5:] + b"z9hG4bK1,"]))
def test_of_a_response(data: bytes, ours: bytes) -> None:
    start = data.find(b"\r\n") + 2
    _say_the_same_of_message(data[:start] + ours + data[start:])


@given(st.one_of(requests(), responses()), st.data())
def test_of_a_message_that_was_changed_in_places(data: bytes, draw: st.DataObject) -> None:
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, len(data)))
        end = draw.draw(st.sampled_from([at, at, at + 1, at + 2, at + 20]))
        data = data[:at] + draw.draw(NOISE)[:30] + data[end:]
    _say_the_same_of_message(data)


@given(NOISE)
def test_of_arbitrary_bytes(noise: bytes) -> None:
    for data in (noise, PLAIN_INVITE[:-2] + noise + b"\r\n\r\n", noise + PLAIN_INVITE, invite_with(b"X: " + noise)):
        _say_the_same_of_message(data)


@given(st.one_of(NOISE, via_values(), addresses()), NOISE)
def test_of_a_value(value: bytes, noise: bytes) -> None:
    starts = (b"", b"SIP/2.0/UDP h", b"sip:", b"sips:a;b@h", b"tel:", b"<sip:a@b>", b'"a', b";tag=")
    for text in (value, *(start + noise for start in starts), value + noise):
        python, c = (told_of_value(codec, text) for codec in AT_HAND)
        assert c == python


@pytest.mark.parametrize("number", range(256))
def test_of_every_byte_in_every_place(number: int) -> None:
    byte = bytes([number])
    for start, end in ((b"SIP/2.0/UDP h", b";branch=x"), (b"sip:a", b"@h"), (b"sip:", b""), (b"<sip:a>", b";tag=x")):
        for text in (start + byte + end, start + end + byte, byte + start + end):
            python, c = (told_of_value(codec, text) for codec in AT_HAND)
            assert c == python
    for old in (b" ", b":", b"\r\n", b"V", b"70", b"1 I"):
        _say_the_same_of_message(PLAIN_INVITE.replace(old, byte))
        _say_the_same_of_message(PLAIN_INVITE.replace(old, old + byte))


@pytest.mark.parametrize("lines", [255, 256, 257, 10_000])
def test_of_ever_more_vias(lines: int) -> None:
    data = PLAIN_INVITE.replace(b"Max-Forwards: 70\r\n", b"Via: SIP/2.0/UDP h\r\n" * (lines - 6))
    _say_the_same_of_message(data)
    assert (told_of_message(PYTHON, data).get("message") is not None) is (lines > 256)


@pytest.mark.parametrize("byte", [b",", b"\\", b'"', b"<", b";", b" ", b"%", b"@", b"\r\n ", b"=", b"a"])
@pytest.mark.parametrize("name", [b"Via: ", b"Route: <a>,", b"X", b"CSeq: ", b'To: "', b"Content-Length: "])
def test_of_a_line_of_64_kilobytes(name: bytes, byte: bytes) -> None:
    _say_the_same_of_message(invite_with(name + byte * (65_536 // len(byte))))


def test_a_wrong_type_is_a_type_error_and_nothing_worse() -> None:
    assert C is not None
    message = C.SipMessage(PLAIN_INVITE)
    calls = (
        lambda: C.SipMessage("text"),
        lambda: C.SipMessage(),
        lambda: C.SipMessage(PLAIN_INVITE, data=1),
        lambda: message.value("Via"),
        lambda: message.has_any([b"Via"]),
        lambda: message.text(3),
        lambda: message.text(("a", "b")),
        lambda: C.parse_via(None),
        lambda: C.parameter_of(b"a"),
        lambda: C.parameter_of(b"a", 1),
        lambda: C.forwarded(PYTHON.SipMessage(PLAIN_INVITE), b"", 1, None),
        lambda: C.forwarded(message, b"", "1", None),
        lambda: C.forwarded(message, b"", 1, "x"),
        lambda: C.forwarded(message, b"", 1, None, push_route=True),
        lambda: C.completed_via(b"", (1, 2, 3, 4, 5, 6), "", 1),
        lambda: C.completed_via(b"", PYTHON.Via(b"", None, 1, b"", False, 0), "", 1),
        lambda: C.response_to(message, 100, b"Trying"),
        lambda: C.response_to(message, 100, "Trying", via=1),
        lambda: C.read_response(bytearray(), b""),
        lambda: setattr(message, "data", b""),
        lambda: list(C.split_list("a")),
    )
    for call in calls:
        with pytest.raises((TypeError, AttributeError)):
            call()
    with pytest.raises(UnicodeEncodeError):
        C.response_to(message, 400, "Ungültig")
    with pytest.raises(OverflowError):
        C.forwarded(message, b"", 1 << 70, None)
