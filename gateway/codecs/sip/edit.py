"""The few changes a proxy makes to a message (RFC 3261 section 16.6).

Whatever is not ours goes through untouched: a message is put together again from its lines as they came, and a change
replaces one value in a line, takes a line out, or puts lines of ours before the others.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import headers
from gateway.codecs.sip.grammar import Via, parameter_of, split_list
from gateway.codecs.sip.message import SipMessage

_QUOTED: Final = rb'"(?:[^"\\]|\\.)*+"|'
_RPORT: Final = re.compile(_QUOTED + rb"(;\s*rport\s*(?:=\s*)?(?=;|\Z))", re.IGNORECASE | re.DOTALL)
_RECEIVED: Final = re.compile(_QUOTED + rb"(;\s*received\s*(?:=[^;]*)?(?=;|\Z))", re.IGNORECASE | re.DOTALL)
"""The parameter in the group, and what stands in quotes, where it is none, without it."""
_COPIED_IN_RESPONSES: Final = (headers.FROM, headers.TO, headers.CALL_ID, headers.CSEQ)
_WHITE: Final = b" \t\r\n"


def forwarded(
    message: SipMessage, own: bytes, max_forwards: int, received: bytes | None, *, pop_route: bool = False
) -> bytes:
    """The request as it goes on.

    `own` is our Via line and, where wanted, our Record-Route line, each with its line end, put before all others;
    `max_forwards` the new value; `received` the previous hop's Via value completed as RFC 3261 section 18.2.1 asks,
    None where nothing is to complete; `pop_route` takes our own entry off the Route. What stands behind the body does
    not go on. Raises `Malformed` where it cannot be told where the body ends.
    """
    end = message.body_end()
    lines = message.lines.copy()
    hops = message.numbers(headers.MAX_FORWARDS)
    if hops:
        lines[hops[0]] = _with_value(lines[hops[0]], b"%d" % max_forwards)
    else:
        own += b"Max-Forwards: %d\r\n" % max_forwards
    if received is not None:
        number = message.numbers(headers.VIA)[0]
        lines[number] = _with_first_value(lines[number], received)
    if pop_route:
        number = message.numbers(headers.ROUTE)[0]
        rest = _without_first_value(lines[number])
        if rest is None:
            del lines[number]
        else:
            lines[number] = rest
    lines[1] = own + lines[1] if len(lines) > 1 else own
    return b"\r\n".join(lines) + message.data[message.head_end : end]


def without_top_via(message: SipMessage) -> bytes:
    """A response with its first Via taken off, and without what stands behind its body.

    Raises `Malformed` where it is the only one: such a response is addressed to us and to nobody behind us; and where
    it cannot be told where the body ends.
    """
    numbers = message.numbers(headers.VIA)
    if not numbers:
        raise Malformed("the Via header field is missing", message.head_end)
    lines = message.lines.copy()
    rest = _without_first_value(lines[numbers[0]])
    if rest is not None:
        lines[numbers[0]] = rest
    elif len(numbers) > 1:
        del lines[numbers[0]]
    else:
        raise Malformed("the response carries no Via but ours", message.spans(headers.VIA)[0][0])
    return b"\r\n".join(lines) + message.data[message.head_end : message.body_end()]


def _with_value(line: bytes, value: bytes) -> bytes:
    """A header line with another value; its name and the white space around the value stay."""
    old = line[line.find(b":") + 1 :].lstrip(_WHITE)
    return line[: len(line) - len(old)] + value + old[len(old.rstrip(_WHITE)) :]


def _with_first_value(line: bytes, value: bytes) -> bytes:
    if b"," not in line:
        return _with_value(line, value)
    start = line.find(b":") + 1
    first = next(split_list(line[start:]))
    return line[: start + first[0]] + value + line[start + first[1] :]


def _without_first_value(line: bytes) -> bytes | None:
    """A header line that lists several values without the first of them; None where it is the only one."""
    if b"," not in line:
        return None
    start = line.find(b":") + 1
    values = split_list(line[start:])
    first, second = next(values), next(values, None)
    return line[: start + first[0]] + line[start + second[0] :] if second is not None else None


def completed_via(value: bytes, via: Via, host: str, port: int) -> bytes | None:
    """The previous hop's Via with `received` and `rport` filled in (RFC 3261 section 18.2.1, RFC 3581 section 4).

    None where nothing is missing: the datagram came from where the Via says, and no rport was asked for. A `received`
    that is there already goes: who sends has no say in whence it comes, and no parameter may stand there twice.
    """
    address = host.encode()
    if value.endswith(b";rport") and via.end == len(value) and b"eceived" not in value:
        return b"%s=%d;received=%s" % (value, port, address)
    first = value[: via.end]
    stale = b"received" in first.lower()
    if stale:
        first = _RECEIVED.sub(lambda found: b"" if found[1] is not None else found[0], first)
        stale = len(first) != via.end
    if via.rport:
        asked = next(found for found in _RPORT.finditer(first) if found[1] is not None)
        return first[: asked.start()] + b";rport=%d" % port + first[asked.end() :] + b";received=" + address
    if stale or (via.host != address and via.host != b"[" + address + b"]"):
        return first + b";received=" + address
    return None


def response(
    request: SipMessage, status: int, phrase: str, *, to_tag: bytes = b"", via: bytes | None = None, extra: bytes = b""
) -> bytes:
    """A response of our own to a request (RFC 3261 section 8.2.6).

    `to_tag` is added to a To without tag; `via` replaces the first Via value where it was completed; `extra` is further
    header lines, each with its line end. Raises `Malformed` where the request lacks what a response must repeat.
    """
    lines = request.lines
    numbers = request.numbers(headers.VIA)
    if not numbers:
        raise Malformed("the Via header field is missing", request.head_end)
    pieces = [b"SIP/2.0 %d %s" % (status, phrase.encode("ascii")), *(lines[number] for number in numbers)]
    if via is not None:
        pieces[1] = _with_first_value(pieces[1], via)
    for place in range(1, len(pieces)):
        if not pieces[place].startswith(b"Via: "):
            pieces[place] = b"Via: " + pieces[place].partition(b":")[2].strip(_WHITE)
    for header in _COPIED_IN_RESPONSES:
        value = request.required(header)
        if header is headers.TO and to_tag and parameter_of(value.rpartition(b">")[2], b"tag") is None:
            value += b";tag=" + to_tag
        pieces.append(b"%s: %s" % (header.key, value))
    if status == 100 and (timestamp := request.value(headers.TIMESTAMP)) is not None:
        pieces.append(b"Timestamp: " + timestamp)
    pieces.append(extra + b"Content-Length: 0\r\n\r\n")
    return b"\r\n".join(pieces)


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
