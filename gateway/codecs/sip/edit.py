"""The few changes a proxy makes to a message (RFC 3261 section 16.6), spliced into the bytes as they came.

Whatever is not ours goes through untouched: every function copies the received bytes and replaces only the spans that
it names.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import headers
from gateway.codecs.sip.grammar import Via, parameter_of, split_list
from gateway.codecs.sip.message import SipMessage, Span

Edit = tuple[int, int, bytes]
"""Replace the bytes from start to end by these."""

_RPORT: Final = re.compile(rb";[ \t]*rport[ \t]*(?:=[ \t]*)?(?=;|\Z)", re.IGNORECASE)
_COPIED_IN_RESPONSES: Final = (headers.FROM, headers.TO, headers.CALL_ID, headers.CSEQ)


def splice(data: bytes, edits: list[Edit]) -> bytes:
    """`data` with the edits made; they must not overlap."""
    edits.sort()
    pieces = []
    position = 0
    for start, end, replacement in edits:
        pieces.append(data[position:start])
        pieces.append(replacement)
        position = end
    pieces.append(data[position:])
    return b"".join(pieces)


def forwarded(
    message: SipMessage, own: bytes, max_forwards: int, received: bytes | None, *, pop_route: bool = False
) -> bytes:
    """The request as it goes on.

    `own` is our Via line and, where wanted, our Record-Route line, each with its line end, put before all others;
    `max_forwards` the new value; `received` the previous hop's Via value completed as RFC 3261 section 18.2.1 asks,
    None where nothing is to complete; `pop_route` takes our own entry off the Route.
    """
    data = message.data
    start = message.first_line_end + 2
    edits: list[Edit] = []
    span = message.span(headers.MAX_FORWARDS)
    if span is not None:
        edits.append((start, start, own))
        edits.append((span[0], span[1], b"%d" % max_forwards))
    else:
        edits.append((start, start, own + b"Max-Forwards: %d\r\n" % max_forwards))
    if received is not None:
        via = message.span(headers.VIA)
        if via is not None:
            first = next(split_list(data[via[0] : via[1]]))
            edits.append((via[0] + first[0], via[0] + first[1], received))
    if pop_route:
        route = message.span(headers.ROUTE)
        if route is not None:
            edits.append((*_first_of_list(data, route), b""))
    return splice(data, edits)


def without_top_via(message: SipMessage) -> bytes:
    """A response with its first Via taken off.

    Raises `Malformed` where it is the only one: such a response is addressed to us and to nobody behind us.
    """
    span = message.span(headers.VIA)
    if span is None:
        raise Malformed("the Via header field is missing", message.head_end)
    data = message.data
    start, end = _first_of_list(data, span)
    if start < span[0] and not data.startswith(b"Via:", end) and len(message.spans(headers.VIA)) < 2:
        raise Malformed("the response carries no Via but ours", span[0])
    return data[:start] + data[end:]


def _first_of_list(data: bytes, span: Span) -> Span:
    """The span to cut so that the first value of a list goes: the line if it is alone, else up to the next value."""
    start, stop = span
    values = split_list(data[start:stop])
    next(values)
    following = next(values, None)
    if following is None:
        return _line_start(data, start), _line_end(data, stop)
    return start, start + following[0]


def _line_start(data: bytes, position: int) -> int:
    """Start of the header line that a value at `position` belongs to, over folds."""
    start = data.rfind(b"\r\n", 0, position) + 2
    while data[start] in b" \t":
        start = data.rfind(b"\r\n", 0, start - 2) + 2
    return start


def _line_end(data: bytes, position: int) -> int:
    """End of the header line that a value ending at `position` belongs to, over folds of nothing but white space."""
    end = data.find(b"\r\n", position) + 2
    while data[end] in b" \t":
        end = data.find(b"\r\n", end) + 2
    return end


def completed_via(value: bytes, via: Via, host: str, port: int) -> bytes | None:
    """The previous hop's Via with `received` and `rport` filled in (RFC 3261 section 18.2.1, RFC 3581 section 4).

    None where nothing is missing: the datagram came from where the Via says, and no rport was asked for.
    """
    address = host.encode()
    if via.rport:
        return _RPORT.sub(b";rport=%d" % port, value[: via.end], count=1) + b";received=" + address
    if via.host != address and via.host != b"[" + address + b"]":
        return value[: via.end] + b";received=" + address
    return None


def response(
    request: SipMessage, status: int, phrase: str, *, to_tag: bytes = b"", via: bytes | None = None, extra: bytes = b""
) -> bytes:
    """A response of our own to a request (RFC 3261 section 8.2.6).

    `to_tag` is added to a To without tag; `via` replaces the first Via value where it was completed; `extra` is further
    header lines, each with its line end. Raises `Malformed` where the request lacks what a response must repeat.
    """
    data = request.data
    pieces = [b"SIP/2.0 %d %s\r\n" % (status, phrase.encode("ascii"))]
    for number, (start, end) in enumerate(request.spans(headers.VIA)):
        value = data[start:end]
        if number == 0 and via is not None:
            value = splice(value, [(*next(split_list(value)), via)])
        pieces.append(b"Via: %s\r\n" % value)
    if len(pieces) == 1:
        raise Malformed("the Via header field is missing", request.head_end)
    for header in _COPIED_IN_RESPONSES:
        value = request.required(header)
        if header is headers.TO and to_tag and parameter_of(value.rpartition(b">")[2], b"tag") is None:
            value += b";tag=" + to_tag
        pieces.append(b"%s: %s\r\n" % (header.name.encode(), value))
    if status == 100 and (timestamp := request.value(headers.TIMESTAMP)) is not None:
        pieces.append(b"Timestamp: %s\r\n" % timestamp)
    pieces.append(extra)
    pieces.append(b"Content-Length: 0\r\n\r\n")
    return b"".join(pieces)


def ack_of_failure(invite: SipMessage, failure: SipMessage) -> bytes:
    """The ACK that a client transaction sends for a final response other than 2xx (RFC 3261 section 17.1.1.3)."""
    return _hop_by_hop(invite, b"ACK", failure.required(headers.TO))


def cancel_of(invite: SipMessage) -> bytes:
    """The CANCEL of an INVITE that we sent (RFC 3261 section 9.1)."""
    return _hop_by_hop(invite, b"CANCEL", invite.required(headers.TO))


def _hop_by_hop(invite: SipMessage, method: bytes, to: bytes) -> bytes:
    via = invite.required(headers.VIA)
    first = next(split_list(via))
    pieces = [
        b"%s %s SIP/2.0\r\nVia: %s\r\n" % (method, invite.request_uri, via[first[0] : first[1]]),
        *(b"Route: %s\r\n" % invite.text(span) for span in invite.spans(headers.ROUTE)),
        b"From: %s\r\nTo: %s\r\n" % (invite.required(headers.FROM), to),
        b"Call-ID: %s\r\nCSeq: %d %s\r\n" % (invite.required(headers.CALL_ID), invite.cseq()[0], method),
        b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
    ]
    return b"".join(pieces)
