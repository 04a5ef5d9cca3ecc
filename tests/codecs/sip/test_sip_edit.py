"""What the proxy changes in a message, and that it changes nothing else."""

from __future__ import annotations

import pytest
from codecs_at_hand import Codec
from hypothesis import given
from hypothesis import strategies as st
from sip_messages import PLAIN_INVITE, invite_with, requests, responses

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import headers

OUR_VIA = b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKtg.1\r\n"
OWN = OUR_VIA + b"Record-Route: <sip:192.0.2.1:5060;lr>\r\n"


@given(requests(), st.integers(0, 254))
def test_a_forwarded_request_without_our_lines_is_the_original_byte_for_byte(
    codec: Codec, data: bytes, hops: int
) -> None:
    message = codec.SipMessage(data)
    span = message.span(headers.MAX_FORWARDS)
    sent = codec.forwarded(message, OWN, hops, None)
    start = data.find(b"\r\n") + 2
    added = OWN if span is not None else OWN + b"Max-Forwards: %d\r\n" % hops
    assert sent[start : start + len(added)] == added
    restored = sent[:start] + sent[start + len(added) :]
    if span is not None:
        new = b"%d" % hops
        assert restored[span[0] : span[0] + len(new)] == new
        restored = restored[: span[0]] + data[span[0] : span[1]] + restored[span[0] + len(new) :]
    assert restored == data
    read_again = codec.SipMessage(sent)
    read_again.check()
    assert read_again.value(headers.MAX_FORWARDS) == b"%d" % hops
    assert codec.parse_via(read_again.required(headers.VIA)).branch == b"z9hG4bKtg.1"


@given(requests())
def test_completing_the_previous_hops_via_leaves_all_else_untouched(codec: Codec, data: bytes) -> None:
    message = codec.SipMessage(data)
    value = message.required(headers.VIA)
    completed = codec.completed_via(value, codec.parse_via(value), "192.0.2.99", 5099)
    assert completed is not None
    sent = codec.forwarded(message, OWN, 69, completed)
    span = message.spans(headers.VIA)[0]
    first = next(codec.split_list(data[span[0] : span[1]]))
    before = codec.forwarded(message, OWN, 69, None)
    original = data[span[0] + first[0] : span[0] + first[1]]
    position = sent.index(completed)
    assert sent[:position] + original + sent[position + len(completed) :] == before


@given(responses(), st.sampled_from([OUR_VIA, b"v:  " + OUR_VIA[5:-2] + b" \r\n", b"VIA : \r\n " + OUR_VIA[5:]]))
def test_a_response_with_our_via_put_back_is_the_original_byte_for_byte(codec: Codec, data: bytes, line: bytes) -> None:
    start = data.find(b"\r\n") + 2
    assert codec.without_top_via(codec.SipMessage(data[:start] + line + data[start:])) == data


@given(responses(), st.sampled_from([b",", b", ", b" ,\t", b",\r\n ", b" \r\n ,\r\n\t "]))
def test_our_via_is_taken_off_a_list_in_one_line(codec: Codec, data: bytes, comma: bytes) -> None:
    start = codec.SipMessage(data).spans(headers.VIA)[0][0]
    ours = b"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKtg.1"
    assert codec.without_top_via(codec.SipMessage(data[:start] + ours + comma + data[start:])) == data


@pytest.mark.parametrize("via", [b"Via: SIP/2.0/UDP h", b"v:SIP/2.0/UDP h", b"Via:  SIP/2.0/UDP h ", b"Via: h,"])
def test_a_response_with_no_via_but_ours_is_malformed(codec: Codec, via: bytes) -> None:
    with pytest.raises(Malformed, match="no Via but ours"):
        codec.without_top_via(codec.SipMessage(b"SIP/2.0 200 OK\r\n" + via + b"\r\nTo: x\r\n\r\n"))
    with pytest.raises(Malformed, match="missing"):
        codec.without_top_via(codec.SipMessage(b"SIP/2.0 200 OK\r\nTo: x\r\n\r\n"))


OURS = b"<sip:192.0.2.1:5060;lr>"


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([b"Route: " + OURS], []),
        ([b"Route:   " + OURS + b"  "], []),
        ([b"route:\r\n " + OURS + b"\r\n "], []),
        ([b"Route: " + OURS + b",<sip:b;lr>"], [b"Route: <sip:b;lr>"]),
        ([b"Route: " + OURS + b" ,\r\n <sip:b;lr>, <sip:c>"], [b"Route: <sip:b;lr>, <sip:c>"]),
        ([b"Route: " + OURS, b"Route: <sip:b;lr>"], [b"Route: <sip:b;lr>"]),
        ([b"ROUTE: " + OURS, b"X: 1", b"Route: <sip:b;lr>"], [b"X: 1", b"Route: <sip:b;lr>"]),
        ([b'Route: "a,b" ' + OURS + b",<sip:b;lr>"], [b"Route: <sip:b;lr>"]),
    ],
)
def test_our_own_route_is_taken_off_and_the_others_stay(codec: Codec, lines: list[bytes], left: list[bytes]) -> None:
    sent = codec.forwarded(codec.SipMessage(invite_with(*lines)), OWN, 70, None, pop_route=True)
    assert sent == codec.forwarded(codec.SipMessage(invite_with(*left)), OWN, 70, None)


@pytest.mark.parametrize(
    ("value", "host", "completed"),
    [
        (b"SIP/2.0/UDP 192.0.2.10:5060;branch=b", "192.0.2.10", None),
        (b"SIP/2.0/UDP [::1];branch=b", "::1", None),
        (b"SIP/2.0/UDP h;branch=b", "192.0.2.10", b"SIP/2.0/UDP h;branch=b;received=192.0.2.10"),
        (b"SIP/2.0/UDP h;rport;branch=b", "192.0.2.10", b"SIP/2.0/UDP h;rport=5099;branch=b;received=192.0.2.10"),
        (b"SIP/2.0/UDP h;branch=b;RPORT", "192.0.2.10", b"SIP/2.0/UDP h;branch=b;rport=5099;received=192.0.2.10"),
        (b"SIP/2.0/UDP h;rport=;branch=b", "192.0.2.10", b"SIP/2.0/UDP h;rport=5099;branch=b;received=192.0.2.10"),
        (b"SIP/2.0/UDP h;rport ;branch=b", "192.0.2.10", b"SIP/2.0/UDP h;rport=5099;branch=b;received=192.0.2.10"),
        (b"SIP/2.0/UDP h;rport,SIP/2.0/UDP g", "192.0.2.10", b"SIP/2.0/UDP h;rport=5099;received=192.0.2.10"),
        # One received is there when it goes on, whatever came (RFC 5118 section 4.5).
        (b"SIP/2.0/UDP h;received=1.1.1.1;branch=b", "192.0.2.10", b"SIP/2.0/UDP h;branch=b;received=192.0.2.10"),
        (b"SIP/2.0/UDP h; Received =[::1];rport", "192.0.2.10", b"SIP/2.0/UDP h;rport=5099;received=192.0.2.10"),
        (b"SIP/2.0/UDP h;received;x", "192.0.2.10", b"SIP/2.0/UDP h;x;received=192.0.2.10"),
        (b"SIP/2.0/UDP 192.0.2.10;received=9", "192.0.2.10", b"SIP/2.0/UDP 192.0.2.10;received=192.0.2.10"),
        (b'SIP/2.0/UDP h;x=";received=9";y', "1.1.1.1", b'SIP/2.0/UDP h;x=";received=9";y;received=1.1.1.1'),
        (b'SIP/2.0/UDP h;x=";rport";rport', "1.1.1.1", b'SIP/2.0/UDP h;x=";rport";rport=5099;received=1.1.1.1'),
        (b"SIP/2.0/UDP h;received=a,SIP/2.0/UDP g;received=b", "1.1.1.1", b"SIP/2.0/UDP h;received=1.1.1.1"),
    ],
)
def test_a_via_is_completed_by_where_the_datagram_came_from(
    codec: Codec, value: bytes, host: str, completed: bytes | None
) -> None:
    assert codec.completed_via(value, codec.parse_via(value), host, 5099) == completed


@given(requests())
def test_a_response_of_our_own_repeats_what_it_must(codec: Codec, data: bytes) -> None:
    request = codec.SipMessage(data)
    answer = codec.SipMessage(codec.response_to(request, 403, "Forbidden", to_tag=b"ours", extra=b"X: 1\r\n"))
    assert (answer.status, answer.data[answer.body_offset :]) == (403, b"")
    for header in (headers.FROM, headers.CALL_ID, headers.CSEQ):
        assert answer.required(header) == request.required(header)
    assert [answer.text(span) for span in answer.spans(headers.VIA)] == [
        request.text(span) for span in request.spans(headers.VIA)
    ]
    to, original = answer.required(headers.TO), request.required(headers.TO)
    assert to == original if codec.parse_name_addr(original).tag else to == original + b";tag=ours"


@pytest.mark.parametrize(
    "to", [b"<sip:1@h>;TAG=x", b"<sip:1@h>; tag=x", b"sip:1@h;tag=x", b'"a" <sip:1@h>;x="y";tag=x']
)
def test_a_to_that_has_a_tag_gets_no_second_one(codec: Codec, to: bytes) -> None:
    request = codec.SipMessage(PLAIN_INVITE.replace(b"To: <sip:+16365550199@192.0.2.20>", b"To: " + to))
    assert codec.SipMessage(codec.response_to(request, 481, "Gone", to_tag=b"ours")).required(headers.TO) == to


@pytest.mark.parametrize("name", [b"Via", b"From", b"To", b"Call-ID", b"CSeq"])
def test_a_request_without_what_an_answer_repeats_cannot_be_answered(codec: Codec, name: bytes) -> None:
    data = b"".join(line for line in PLAIN_INVITE.splitlines(True) if not line.startswith(name + b":"))
    with pytest.raises(Malformed, match=name.decode()):
        codec.response_to(codec.SipMessage(data), 400, "Bad Request")


def test_a_100_repeats_the_timestamp_and_takes_no_tag(codec: Codec) -> None:
    request = codec.SipMessage(invite_with(b"Timestamp: 54.21"))
    answer = codec.SipMessage(codec.response_to(request, 100, "Trying"))
    assert answer.value(headers.TIMESTAMP) == b"54.21"
    assert codec.SipMessage(codec.response_to(request, 180, "Ringing")).value(headers.TIMESTAMP) is None


@given(requests())
def test_ack_and_cancel_are_the_invites_own(codec: Codec, data: bytes) -> None:
    invite = codec.SipMessage(codec.forwarded(codec.SipMessage(data), OWN, 70, None))
    failure = codec.SipMessage(codec.response_to(invite, 486, "Busy", to_tag=b"theirs"))
    for method, made in (
        (b"ACK", codec.ack_of_failure(invite, failure.required(headers.TO))),
        (b"CANCEL", codec.cancel_of(invite)),
    ):
        message = codec.SipMessage(made)
        assert (message.method, message.request_uri) == (method, invite.request_uri)
        assert message.cseq() == (invite.cseq()[0], method)
        assert message.spans(headers.VIA) == [message.span(headers.VIA)]
        assert message.required(headers.VIA) == OUR_VIA[5:-2]
        for header in (headers.FROM, headers.CALL_ID):
            assert message.required(header) == invite.required(header)
        to = failure if method == b"ACK" else invite
        assert message.required(headers.TO) == to.required(headers.TO)


@pytest.mark.parametrize(
    ("uri", "routes", "before", "after"),
    [
        (b"sip:x@y", [], [], []),
        (b"sip:x@y", [b"<sip:a>", b"<sip:b>"], [b"X: 1"], [b"X: 1", b"Route: <sip:a>, <sip:b>"]),
        (b"sip:x@y", [], [b"Route: <sip:a>", b"X: 1", b"route:\r\n <sip:b>\r\n "], [b"X: 1"]),
        (b"sip:x@y", [b"<sip:c>"], [b"Route: <sip:a>", b"X: 1", b"Route: <sip:b>"], [b"Route: <sip:c>", b"X: 1"]),
    ],
)
def test_a_rerouted_request_has_the_uri_and_the_route_that_it_was_given(
    codec: Codec, uri: bytes, routes: list[bytes], before: list[bytes], after: list[bytes]
) -> None:
    request = codec.SipMessage(invite_with(*before, body=b"v=0"))
    for wanted in (uri, request.request_uri):
        expected = invite_with(*after, body=b"v=0").replace(request.request_uri, wanted, 1)
        assert codec.rerouted(request, wanted, routes) == expected


@pytest.mark.parametrize(
    ("length", "end"), [(b"Content-Length: 2", 2), (b"l:002", 2), (b"Content-Length: 0", 0), (b"X: 1", 5)]
)
def test_what_stands_behind_the_body_does_not_go_on(codec: Codec, length: bytes, end: int) -> None:
    request = PLAIN_INVITE.replace(b"Content-Length: 0", length) + b"body!"
    message = codec.SipMessage(request)
    assert message.body_end() == message.body_offset + end
    assert codec.forwarded(message, OWN, 70, None).partition(b"\r\n\r\n")[2] == b"body!"[:end]
    response = request.replace(b"INVITE sip:+16365550199@192.0.2.20 SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n" + OUR_VIA)
    assert codec.without_top_via(codec.SipMessage(response)).partition(b"\r\n\r\n")[2] == b"body!"[:end]
    relayed = codec.read_response(response, OUR_VIA[: -len(b"z9hG4bKtg.1\r\n")])
    assert relayed.onward.partition(b"\r\n\r\n")[2] == b"body!"[:end]


@pytest.mark.parametrize("length", [b"Content-Length: 6", b"l: x", b"l: 1\r\nContent-Length: 1", b"l: 1\r\n 1", b"l:"])
def test_a_message_whose_body_has_no_end_does_not_go_on(codec: Codec, length: bytes) -> None:
    request = PLAIN_INVITE.replace(b"Content-Length: 0", length) + b"body!"
    response = request.replace(b"INVITE sip:+16365550199@192.0.2.20 SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n" + OUR_VIA)
    for edit in (
        lambda: codec.forwarded(codec.SipMessage(request), OWN, 70, None),
        lambda: codec.without_top_via(codec.SipMessage(response)),
        lambda: codec.read_response(response, OUR_VIA[: -len(b"z9hG4bKtg.1\r\n")]),
    ):
        with pytest.raises(Malformed):
            edit()


@pytest.mark.parametrize(
    ("to", "tagged"),
    [
        (b"<sip:a@h>", b"<sip:a@h>;tag=ours"),
        (b"<sip:a@h>;tag=b", b"<sip:a@h>;tag=b"),
        (b'<sip:a@h>;x=">";tag=b', b'<sip:a@h>;x=">";tag=b'),
        (b'<sip:a@h>;x=">;tag=no"', b'<sip:a@h>;x=">;tag=no";tag=ours'),
        (b"tag=b", b"tag=b;tag=ours"),
        (b'"open <sip:a@h>;tag=b', b'"open <sip:a@h>;tag=b'),
    ],
)
def test_our_tag_is_added_where_there_is_none_and_only_there(codec: Codec, to: bytes, tagged: bytes) -> None:
    request = codec.SipMessage(PLAIN_INVITE.replace(b"<sip:+16365550199@192.0.2.20>\r\nCall", to + b"\r\nCall"))
    answer = codec.response_to(request, 486, "Busy Here", to_tag=b"ours")
    assert b"\r\nTo: " + tagged + b"\r\n" in answer
