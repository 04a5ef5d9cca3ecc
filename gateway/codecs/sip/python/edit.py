"""The few changes a proxy makes to a message (RFC 3261 section 16.6).

Whatever is not ours goes through untouched: a change says which bytes of the message as it came give way to which
others, and all bytes between the changes are copied.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import headers
from gateway.codecs.sip.headers import Header
from gateway.codecs.sip.python.grammar import Via, parameter_of, parse_name_addr, split_list, split_parameters
from gateway.codecs.sip.python.message import SipMessage, Span

_COPIED_IN_RESPONSES: Final = (headers.FROM, headers.TO, headers.CALL_ID, headers.CSEQ)

_Change = tuple[int, int, bytes]
"""Start and end of what gives way in the message, and what comes in its place."""


def forwarded(
    message: SipMessage, own: bytes, max_forwards: int, received: bytes | None, *, pop_route: bool = False
) -> bytes:
    """The request as it goes on.

    `own` is our Via line and, where wanted, our Record-Route line, each with its line end, put before all others;
    `max_forwards` the new value; `received` the previous hop's Via value completed as RFC 3261 section 18.2.1 asks,
    None where nothing is to complete; `pop_route` takes our own entry off the Route. What stands behind the body does
    not go on. Raises `Malformed` where it cannot be told where the body ends, and where there is no Via to complete or
    no Route to take off.
    """
    end = message.body_end()
    changes: list[_Change] = []
    hops = message.span(headers.MAX_FORWARDS)
    if hops is not None:
        changes.append((*hops, b"%d" % max_forwards))
    else:
        own += b"Max-Forwards: %d\r\n" % max_forwards
    if received is not None:
        changes.append((*_first_value(message, headers.VIA), received))
    if pop_route:
        changes.append((*(_first_and_comma(message, headers.ROUTE) or message.lines(headers.ROUTE)[0]), b""))
    start = message.data.find(b"\r\n") + 2
    return _changed(message.data[:end], [(start, start, own), *sorted(changes)])


def without_top_via(message: SipMessage) -> bytes:
    """A response with its first Via taken off, and without what stands behind its body.

    Raises `Malformed` where it is the only one: such a response is addressed to us and to nobody behind us; and where
    it cannot be told where the body ends.
    """
    first = _first_and_comma(message, headers.VIA)
    if first is None:
        vias = message.spans(headers.VIA)
        if len(vias) == 1:
            raise Malformed("the response carries no Via but ours", vias[0][0])
        first = message.lines(headers.VIA)[0]
    return _changed(message.data[: message.body_end()], [(*first, b"")])


def _changed(data: bytes, changes: list[_Change]) -> bytes:
    """The message with changes that follow one another and don't overlap."""
    pieces: list[bytes] = []
    copied = 0
    for start, end, new in changes:
        pieces += (data[copied:start], new)
        copied = end
    pieces.append(data[copied:])
    return b"".join(pieces)


def _required_span(message: SipMessage, header: Header) -> Span:
    span = message.span(header)
    if span is None:
        raise Malformed(f"the {header.name} header field is missing", message.head_end)
    return span


def _first_value(message: SipMessage, header: Header) -> Span:
    """Where the first value of the first line of a header field stands."""
    start, end = _required_span(message, header)
    value = message.data[start:end]
    if b"," not in value:
        return start, end
    first = next(split_list(value))
    return start + first[0], start + first[1]


def _first_and_comma(message: SipMessage, header: Header) -> Span | None:
    """The first of several values in one line, as far as the second; None where the line has only one."""
    start, end = _required_span(message, header)
    value = message.data[start:end]
    if b"," not in value:
        return None
    values = split_list(value)
    first, second = next(values), next(values, None)
    return (start + first[0], start + second[0]) if second is not None else None


def completed_via(value: bytes, via: Via, host: str, port: int) -> bytes | None:
    """The previous hop's Via with `received` and `rport` filled in (RFC 3261 section 18.2.1, RFC 3581 section 4).

    None where nothing is missing: the datagram came from where the Via says, and no rport was asked for. A `received`
    that is there already goes: who sends has no say in whence it comes, and no parameter may stand there twice.
    """
    address = host.encode()
    lower = value.lower()
    received = b"received" in lower
    if (
        via.rport
        and not received
        and value.endswith(b";rport")
        and via.end == len(value)
        and lower.count(b"rport") == 1
    ):
        return b"%s=%d;received=%s" % (value, port, address)
    first = value[: via.end]
    if via.rport or received:
        first = _with_rport(first, port if via.rport else None)
    if via.rport or len(first) != via.end or (via.host != address and via.host != b"[" + address + b"]"):
        return first + b";received=" + address
    return None


def _with_rport(value: bytes, port: int | None) -> bytes:
    """One Via with its first empty rport filled in, where there is a port for it, and without any received."""
    sent_by, *parameters = split_parameters(value)
    pieces = [sent_by]
    for parameter in parameters:
        name, _, text = parameter.partition(b"=")
        name = name.strip().lower()
        if name == b"rport" and port is not None and not text.strip():
            pieces.append(b"rport=%d" % port)
            port = None
        elif name != b"received":
            pieces.append(parameter)
    return b";".join(pieces)


def via_without(value: bytes, via: Via, names: Set[bytes]) -> bytes:
    """The first Via of a header value, which reads as `via`, without the parameters of these names in lower case."""
    sent_by, *parameters = split_parameters(value[: via.end])
    kept = (each for each in parameters if each.partition(b"=")[0].strip().lower() not in names)
    return b";".join((sent_by, *kept))


def with_first_via(message: SipMessage, value: bytes) -> bytes:
    """The message with this as its first Via. Raises `Malformed` where it has none."""
    return _changed(message.data, [(*_first_value(message, headers.VIA), value)])


def response_to(
    request: SipMessage, status: int, phrase: str, *, to_tag: bytes = b"", via: bytes | None = None, extra: bytes = b""
) -> bytes:
    """A response of our own to a request (RFC 3261 section 8.2.6).

    `to_tag` is added to a To without tag; `via` replaces the first Via value where it was completed; `extra` is further
    header lines, each with its line end. Raises `Malformed` where the request lacks what a response must repeat.
    """
    data = request.data
    pieces = [b"SIP/2.0 %d %s\r\n" % (status, phrase.encode("ascii"))]
    first = _first_value(request, headers.VIA)
    for start, end in request.spans(headers.VIA):
        if via is not None and len(pieces) == 1:
            pieces.append(b"Via: %s%s%s\r\n" % (data[start : first[0]], via, data[first[1] : end]))
        else:
            pieces.append(b"Via: %s\r\n" % data[start:end])
    for header in _COPIED_IN_RESPONSES:
        value = request.required(header)
        if header is headers.TO and to_tag and not _has_tag(value):
            value += b";tag=" + to_tag
        pieces.append(b"%s: %s\r\n" % (header.key, value))
    if status == 100 and (timestamp := request.value(headers.TIMESTAMP)) is not None:
        pieces.append(b"Timestamp: %s\r\n" % timestamp)
    pieces.append(extra + b"Content-Length: 0\r\n\r\n")
    return b"".join(pieces)


def _has_tag(to: bytes) -> bool:
    """In a To that cannot be read, what stands behind the last bracket decides: it is to be answered all the same."""
    try:
        parameters = parse_name_addr(to).parameters
    except Malformed:
        parameters = to.rpartition(b">")[2]
    return parameter_of(parameters, b"tag") is not None


def rerouted(request: SipMessage, uri: bytes, routes: list[bytes]) -> bytes:
    """The request with another Request-URI and another Route, in one line where the first one stood."""
    changes: list[_Change] = []
    if uri != request.request_uri:
        start = len(request.method) + 1
        changes.append((start, start + len(request.request_uri), uri))
    lines = request.lines(headers.ROUTE)
    new = b"Route: %s\r\n" % b", ".join(routes) if routes else b""
    if lines:
        changes += [(*lines[0], new), *((start, end, b"") for start, end in lines[1:])]
    elif new:
        end = request.head_end + 2
        changes.append((end, end, new))
    return _changed(request.data, changes)


def ack_of_failure(invite: SipMessage, to: bytes) -> bytes:
    """The ACK that a client transaction sends for a final response other than 2xx (RFC 3261 section 17.1.1.3).

    `to` is the To of that response, with its tag.
    """
    return _hop_by_hop(invite, b"ACK", to)


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
