"""Start lines, header fields in every spelling, and what a message must have before it opens a call."""

from __future__ import annotations

import pytest
from codecs_at_hand import Codec
from hypothesis import given
from sip_messages import NOISE, PLAIN_INVITE, invite_with, requests

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import headers
from gateway.codecs.sip.python.message import LONGEST_MESSAGE, MAX_HEADERS

END = b"\r\nVia: SIP/2.0/UDP h\r\n\r\n"


@pytest.mark.parametrize(
    ("line", "method", "uri", "status"),
    [
        (b"INVITE sip:1@h SIP/2.0", b"INVITE", b"sip:1@h", 0),
        (b"invite sip:1@h SIP/2.0", b"invite", b"sip:1@h", 0),  # methods are case-sensitive: an extension method
        (b"x-Y.!%*_+`'~ urn:service:sos SIP/2.0", b"x-Y.!%*_+`'~", b"urn:service:sos", 0),
        (b"OPTIONS \xff SIP/2.0", b"OPTIONS", b"\xff", 0),
        (b"SIP/2.0 100 Trying", b"", b"", 100),
        (b"SIP/2.0 699 ", b"", b"", 699),
        (b"SIP/2.0 200", b"", b"", 200),
        (b"SIP/2.0 480 Zur Zeit \xc3\xb6", b"", b"", 480),
    ],
)
def test_a_start_line_is_read(codec: Codec, line: bytes, method: bytes, uri: bytes, status: int) -> None:
    message = codec.SipMessage(line + END)
    assert (message.method, message.request_uri, message.status) == (method, uri, status)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"INVITE",
        b"INVITE sip:1@h",
        b"INVITE  SIP/2.0",
        b"INVITE  sip:1@h SIP/2.0",
        b"INVITE sip:1@h SIP/2.0 ",
        b"INVITE sip:1@h sip/2.0",
        b"INVITE sip:1@h SIP/3.0",
        b"INVITE sip:a b@h SIP/2.0",
        b" INVITE sip:1@h SIP/2.0",
        b"IN\xffITE sip:1@h SIP/2.0",
        b'"INVITE" sip:1@h SIP/2.0',
        b"SIP/2.0 99 Low",
        b"SIP/2.0 099 Low",
        b"SIP/2.0 700 High",
        b"SIP/2.0 20 Short",
        b"SIP/2.0 20",
        b"SIP/2.0 2",
        b"SIP/2.0 ",
        b"SIP/2.0 2000 Long",
        b"SIP/2.0 +20 Sign",
        "SIP/2.0 ２００ Wide".encode(),
        b"SIP/2.0  200 Two",
        b"SIP/2.0\t200 OK",
    ],
)
def test_what_is_no_start_line_is_malformed(codec: Codec, line: bytes) -> None:
    with pytest.raises(Malformed):
        codec.SipMessage(line + END)


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", b"INVITE sip:1@h SIP/2.0\r\n", PLAIN_INVITE[:-2]])
def test_a_head_without_its_empty_line_is_malformed(codec: Codec, data: bytes) -> None:
    with pytest.raises(Malformed):
        codec.SipMessage(data)


@pytest.mark.parametrize(
    "line",
    [
        b"Contact: <sip:x@y>",
        b"Contact:<sip:x@y>",
        b"Contact : <sip:x@y>",
        b"Contact\t :\t<sip:x@y> \t",
        b"CONTACT: <sip:x@y>",
        b"contact: <sip:x@y>",
        b"cOnTaCt: <sip:x@y>",
        b"m: <sip:x@y>",
        b"M:<sip:x@y>",
        b"m:   <sip:x@y>",
        b"Contact:\r\n <sip:x@y>",
        b"Contact: \r\n\t <sip:x@y>",
        b"Contact: <sip:x@y>\r\n ",
        b"Contact: <sip:x@y> \r\n \t\r\n ",
    ],
)
@pytest.mark.parametrize("behind", [(), (b"X-Last: 1",)], ids=["at the end of the head", "in the middle"])
def test_every_spelling_of_a_header_field_is_found(codec: Codec, line: bytes, behind: tuple[bytes, ...]) -> None:
    message = codec.SipMessage(invite_with(b"X-First: 1", line, *behind))
    span = message.span(headers.CONTACT)
    assert span is not None
    assert message.data[span[0] : span[1]] == b"<sip:x@y>"
    assert message.value(headers.CONTACT) == b"<sip:x@y>"
    assert message.spans(headers.CONTACT) == [span]


def test_a_folded_value_is_joined_by_one_space(codec: Codec) -> None:
    message = codec.SipMessage(invite_with(b"Privacy: id ;\r\n \t user\r\n\t;none"))
    assert message.value(headers.PRIVACY) == b"id ; user ;none"


def test_an_empty_value_is_there_and_empty(codec: Codec) -> None:
    for line in (b"Privacy:", b"Privacy: ", b"Privacy:\r\n ", b"privacy :\t"):
        message = codec.SipMessage(invite_with(line))
        assert message.value(headers.PRIVACY) == b""
        with pytest.raises(Malformed, match="Privacy header field is missing or empty"):
            message.required(headers.PRIVACY)


def test_a_name_inside_a_fold_or_the_body_is_no_header_field(codec: Codec) -> None:
    message = codec.SipMessage(invite_with(b"X: 1\r\n Privacy: id", body=b"\r\nPrivacy: id\r\n\r\n"))
    assert message.span(headers.PRIVACY) is None
    assert message.value(headers.PRIVACY) is None
    assert message.spans(headers.PRIVACY) == []


def test_the_first_via_is_the_first_in_whatever_spelling(codec: Codec) -> None:
    data = PLAIN_INVITE.replace(b"\r\nVia:", b"\r\nv: SIP/2.0/UDP first;branch=z9hG4bK0\r\nVia:")
    assert codec.SipMessage(data).value(headers.VIA) == b"SIP/2.0/UDP first;branch=z9hG4bK0"


@pytest.mark.parametrize(
    "line",
    [
        b"no colon",
        b"Subject",
        b"Subject ",
        b"Privacy id",
        b": no name",
        b"two words: x",
        b"sch\xc3\xb6n: x",
        b"(x): y",
        b"X" * 129 + b": y",
        b"X\r\n : y",
    ],
)
def test_a_line_that_is_no_header_line_is_malformed_and_shown(codec: Codec, line: bytes) -> None:
    data = invite_with(line)
    with pytest.raises(Malformed) as fault:
        codec.SipMessage(data)
    assert fault.value.offset == data.index(line)


@pytest.mark.parametrize("around", [b" ", b"\t", b"\x0b", b"\x0c", b"\r", b"\n"])
@pytest.mark.parametrize("name", [b"Contact: ", b"m:"])
def test_white_space_around_a_value_is_left_out_in_either_reading(codec: Codec, around: bytes, name: bytes) -> None:
    message = codec.SipMessage(invite_with(name + around + b"<sip:x@y>" + around))
    span = message.span(headers.CONTACT)
    assert message.value(headers.CONTACT) == b"<sip:x@y>"
    assert span is not None
    assert message.data[span[0] : span[1]] == b"<sip:x@y>"


def test_a_field_is_in_one_line_with_its_folds_and_its_line_end(codec: Codec) -> None:
    for lines in ((b"Route: <sip:a>",), (b"route :\r\n <sip:a>\r\n ",), (b"Route: <sip:a>", b"Route: <sip:b>")):
        message = codec.SipMessage(invite_with(*lines, b"X: 1"))
        found = [message.data[start:end] for start, end in message.lines(headers.ROUTE)]
        assert found == [line + b"\r\n" for line in lines]
        assert message.lines(headers.PRIVACY) == []


def test_a_message_longer_than_any_transport_carries_is_malformed(codec: Codec) -> None:
    codec.SipMessage(PLAIN_INVITE.ljust(LONGEST_MESSAGE))
    with pytest.raises(Malformed, match="longer than"):
        codec.SipMessage(PLAIN_INVITE.ljust(LONGEST_MESSAGE + 1))


def test_a_head_that_starts_with_a_fold_is_malformed(codec: Codec) -> None:
    with pytest.raises(Malformed):
        codec.SipMessage(PLAIN_INVITE.replace(b"SIP/2.0\r\nVia", b"SIP/2.0\r\n Via")).check()


def test_too_many_header_lines_are_malformed(codec: Codec) -> None:
    codec.SipMessage(invite_with(*[b"X: 1"] * (MAX_HEADERS - 7))).check()
    with pytest.raises(Malformed, match="header lines"):
        codec.SipMessage(invite_with(*[b"X: 1"] * (MAX_HEADERS - 6))).check()


@pytest.mark.parametrize("name", [b"Via", b"From", b"To", b"Call-ID", b"CSeq"])
def test_a_message_that_opens_a_call_has_the_mandatory_fields(codec: Codec, name: bytes) -> None:
    without = b"".join(line for line in PLAIN_INVITE.splitlines(True) if not line.startswith(name + b":"))
    with pytest.raises(Malformed, match=name.decode()):
        codec.SipMessage(without).check()
    empty = b"".join(
        name + b": \r\n" if line.startswith(name + b":") else line for line in PLAIN_INVITE.splitlines(True)
    )
    with pytest.raises(Malformed, match=name.decode()):
        codec.SipMessage(empty).check()


@pytest.mark.parametrize(
    "line",
    [
        b"f: <sip:1@h>;tag=z",
        b"t: <sip:911@h>",
        b"TO : <sip:911@h>",
        b"i: other",
        b"cseq: 1 INVITE",
        b"max-forwards: 3",
        b"l: 0",
        b"c: a/b\r\nContent-Type: c/d",
    ],
)
def test_a_field_that_may_stand_once_is_not_hidden_in_a_second_spelling(codec: Codec, line: bytes) -> None:
    with pytest.raises(Malformed, match="more than once"):
        codec.SipMessage(invite_with(line)).check()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Max-Forwards: 70\r\n", b"Max-Forwards: 70\nTo: <sip:911@h>\r\n"),
        (b"Max-Forwards: 70\r\n", b"X: 1\rTo: <sip:911@h>\r\n"),
        (b"Max-Forwards: 70\r\n", b"X: \x00\r\n"),
        (b"SIP/2.0\r\n", b"SIP/2.0\r\n\n"),
        (b"CSeq: 1 INVITE", b"CSeq: 1 BYE"),
        (b"CSeq: 1 INVITE", b"CSeq: 1 invite"),
        (b"CSeq: 1 INVITE", b"CSeq: 1"),
        (b"CSeq: 1 INVITE", b"CSeq: INVITE"),
        (b"CSeq: 1 INVITE", b"CSeq: -1 INVITE"),
        (b"CSeq: 1 INVITE", b"CSeq: 1 INVITE x"),
        (b"CSeq: 1 INVITE", b"CSeq: 2147483648 INVITE"),
        (b"CSeq: 1 INVITE", b"CSeq: " + b"9" * 5000 + b" INVITE"),
        (b"CSeq: 1 INVITE", "CSeq: ２ INVITE".encode()),
        (b"Content-Length: 0", b"Content-Length: 1"),
        (b"Content-Length: 0", b"Content-Length: -1"),
        (b"Content-Length: 0", b"Content-Length:"),
        (b"Content-Length: 0", b"Content-Length: " + b"9" * 5000),
        (b"Content-Length: 0", b"Content-Length: 0, 0"),
    ],
)
def test_a_message_that_two_parsers_would_read_in_two_ways_is_malformed(codec: Codec, old: bytes, new: bytes) -> None:
    assert old in PLAIN_INVITE
    with pytest.raises(Malformed):
        codec.SipMessage(PLAIN_INVITE.replace(old, new)).check()


@pytest.mark.parametrize("cseq", [b"2147483647 INVITE", b"0 INVITE", b"1  INVITE", b"1\tINVITE", b"1\r\n INVITE"])
def test_cseq_may_have_any_white_space_in_it(codec: Codec, cseq: bytes) -> None:
    message = codec.SipMessage(PLAIN_INVITE.replace(b"1 INVITE", cseq))
    message.check()
    assert message.cseq() == (int(cseq.split()[0]), b"INVITE")


def test_a_datagram_may_be_longer_than_content_length(codec: Codec) -> None:
    codec.SipMessage(PLAIN_INVITE + b"padding").check()


@given(requests())
def test_both_ways_of_finding_a_field_agree_on_what_passes_the_check(codec: Codec, data: bytes) -> None:
    quick, full = codec.SipMessage(data), codec.SipMessage(data)
    full.check()
    for header in headers.ALL:
        spans = full.spans(header)
        assert quick.span(header) == (spans[0] if spans else None), header
        quick = codec.SipMessage(data)  # one that has been indexed would no longer search


@given(NOISE)
def test_arbitrary_bytes_raise_nothing_but_malformed(codec: Codec, noise: bytes) -> None:
    for data in (noise, PLAIN_INVITE[:-2] + noise + b"\r\n\r\n", noise + PLAIN_INVITE, PLAIN_INVITE + noise):
        try:
            message = codec.SipMessage(data)
        except Malformed:
            continue
        for header in headers.ALL:
            for read in (message.span, message.value, message.required, message.spans):
                try:
                    read(header)
                except Malformed:
                    break
        for ask in (message.check, message.cseq):
            try:
                ask()
            except Malformed:
                continue
