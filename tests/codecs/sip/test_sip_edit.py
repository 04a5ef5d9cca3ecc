"""What the proxy changes in a message, and that it changes nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sip_messages import PLAIN_INVITE, invite_with, requests, responses

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import (
    SipMessage,
    ack_of_failure,
    cancel_of,
    completed_via,
    forwarded,
    headers,
    parse_name_addr,
    parse_via,
    response_to,
    split_list,
    without_top_via,
)

OUR_VIA = b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKtg.1\r\n"
OWN = OUR_VIA + b"Record-Route: <sip:192.0.2.1:5060;lr>\r\n"


@given(requests(), st.integers(0, 254))
def test_a_forwarded_request_without_our_lines_is_the_original_byte_for_byte(data: bytes, hops: int) -> None:
    message = SipMessage(data)
    span = message.span(headers.MAX_FORWARDS)
    sent = forwarded(message, OWN, hops, None)
    start = data.find(b"\r\n") + 2
    added = OWN if span is not None else OWN + b"Max-Forwards: %d\r\n" % hops
    assert sent[start : start + len(added)] == added
    restored = sent[:start] + sent[start + len(added) :]
    if span is not None:
        new = b"%d" % hops
        assert restored[span[0] : span[0] + len(new)] == new
        restored = restored[: span[0]] + data[span[0] : span[1]] + restored[span[0] + len(new) :]
    assert restored == data
    read_again = SipMessage(sent)
    read_again.check()
    assert read_again.value(headers.MAX_FORWARDS) == b"%d" % hops
    assert parse_via(read_again.required(headers.VIA)).branch == b"z9hG4bKtg.1"


@given(requests())
def test_completing_the_previous_hops_via_leaves_all_else_untouched(data: bytes) -> None:
    message = SipMessage(data)
    value = message.required(headers.VIA)
    completed = completed_via(value, parse_via(value), "192.0.2.99", 5099)
    assert completed is not None
    sent = forwarded(message, OWN, 69, completed)
    span = message.spans(headers.VIA)[0]
    first = next(split_list(data[span[0] : span[1]]))
    before = forwarded(message, OWN, 69, None)
    original = data[span[0] + first[0] : span[0] + first[1]]
    position = sent.index(completed)
    assert sent[:position] + original + sent[position + len(completed) :] == before


@given(responses(), st.sampled_from([OUR_VIA, b"v:  " + OUR_VIA[5:-2] + b" \r\n", b"VIA : \r\n " + OUR_VIA[5:]]))
def test_a_response_with_our_via_put_back_is_the_original_byte_for_byte(data: bytes, line: bytes) -> None:
    start = data.find(b"\r\n") + 2
    assert without_top_via(SipMessage(data[:start] + line + data[start:])) == data


@given(responses(), st.sampled_from([b",", b", ", b" ,\t", b",\r\n ", b" \r\n ,\r\n\t "]))
def test_our_via_is_taken_off_a_list_in_one_line(data: bytes, comma: bytes) -> None:
    start = SipMessage(data).spans(headers.VIA)[0][0]
    ours = b"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKtg.1"
    assert without_top_via(SipMessage(data[:start] + ours + comma + data[start:])) == data


@pytest.mark.parametrize("via", [b"Via: SIP/2.0/UDP h", b"v:SIP/2.0/UDP h", b"Via:  SIP/2.0/UDP h ", b"Via: h,"])
def test_a_response_with_no_via_but_ours_is_malformed(via: bytes) -> None:
    with pytest.raises(Malformed, match="no Via but ours"):
        without_top_via(SipMessage(b"SIP/2.0 200 OK\r\n" + via + b"\r\nTo: x\r\n\r\n"))
    with pytest.raises(Malformed, match="missing"):
        without_top_via(SipMessage(b"SIP/2.0 200 OK\r\nTo: x\r\n\r\n"))


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
def test_our_own_route_is_taken_off_and_the_others_stay(lines: list[bytes], left: list[bytes]) -> None:
    sent = forwarded(SipMessage(invite_with(*lines)), OWN, 70, None, pop_route=True)
    assert sent == forwarded(SipMessage(invite_with(*left)), OWN, 70, None)


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
def test_a_via_is_completed_by_where_the_datagram_came_from(value: bytes, host: str, completed: bytes | None) -> None:
    assert completed_via(value, parse_via(value), host, 5099) == completed


@given(requests())
def test_a_response_of_our_own_repeats_what_it_must(data: bytes) -> None:
    request = SipMessage(data)
    answer = SipMessage(response_to(request, 403, "Forbidden", to_tag=b"ours", extra=b"X: 1\r\n"))
    assert (answer.status, answer.data[answer.body_offset :]) == (403, b"")
    for header in (headers.FROM, headers.CALL_ID, headers.CSEQ):
        assert answer.required(header) == request.required(header)
    assert [answer.text(span) for span in answer.spans(headers.VIA)] == [
        request.text(span) for span in request.spans(headers.VIA)
    ]
    to, original = answer.required(headers.TO), request.required(headers.TO)
    assert to == original if parse_name_addr(original).tag else to == original + b";tag=ours"


@pytest.mark.parametrize(
    "to", [b"<sip:1@h>;TAG=x", b"<sip:1@h>; tag=x", b"sip:1@h;tag=x", b'"a" <sip:1@h>;x="y";tag=x']
)
def test_a_to_that_has_a_tag_gets_no_second_one(to: bytes) -> None:
    request = SipMessage(PLAIN_INVITE.replace(b"To: <sip:+16365550199@192.0.2.20>", b"To: " + to))
    assert SipMessage(response_to(request, 481, "Gone", to_tag=b"ours")).required(headers.TO) == to


@pytest.mark.parametrize("name", [b"Via", b"From", b"To", b"Call-ID", b"CSeq"])
def test_a_request_without_what_an_answer_repeats_cannot_be_answered(name: bytes) -> None:
    data = b"".join(line for line in PLAIN_INVITE.splitlines(True) if not line.startswith(name + b":"))
    with pytest.raises(Malformed, match=name.decode()):
        response_to(SipMessage(data), 400, "Bad Request")


def test_a_100_repeats_the_timestamp_and_takes_no_tag() -> None:
    request = SipMessage(invite_with(b"Timestamp: 54.21"))
    answer = SipMessage(response_to(request, 100, "Trying"))
    assert answer.value(headers.TIMESTAMP) == b"54.21"
    assert SipMessage(response_to(request, 180, "Ringing")).value(headers.TIMESTAMP) is None


@given(requests())
def test_ack_and_cancel_are_the_invites_own(data: bytes) -> None:
    invite = SipMessage(forwarded(SipMessage(data), OWN, 70, None))
    failure = SipMessage(response_to(invite, 486, "Busy", to_tag=b"theirs"))
    for method, made in (
        (b"ACK", ack_of_failure(invite, failure.required(headers.TO))),
        (b"CANCEL", cancel_of(invite)),
    ):
        message = SipMessage(made)
        assert (message.method, message.request_uri) == (method, invite.request_uri)
        assert message.cseq() == (invite.cseq()[0], method)
        assert message.spans(headers.VIA) == [message.span(headers.VIA)]
        assert message.required(headers.VIA) == OUR_VIA[5:-2]
        for header in (headers.FROM, headers.CALL_ID):
            assert message.required(header) == invite.required(header)
        to = failure if method == b"ACK" else invite
        assert message.required(headers.TO) == to.required(headers.TO)
