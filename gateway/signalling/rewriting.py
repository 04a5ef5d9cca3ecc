"""Seldom changes to a request on its way; whatever is not changed stays byte for byte."""

from __future__ import annotations

from gateway.codecs.sip import headers
from gateway.codecs.sip.message import SipMessage


def with_way(request: SipMessage, uri: bytes, routes: list[bytes]) -> SipMessage:
    """The request with another Request-URI and another Route."""
    lines = request.lines.copy()
    if uri != request.request_uri:
        lines[0] = b"%s %s SIP/2.0" % (request.method, uri)
    numbers = request.numbers(headers.ROUTE)
    for number in reversed(numbers):
        del lines[number]
    if routes:
        lines.insert(numbers[0] if numbers else len(lines), b"Route: " + b", ".join(routes))
    return _made_of(request, lines)


def with_field(request: SipMessage, names: tuple[bytes, ...], line: bytes) -> SipMessage:
    """The request with this line in place of the header field's first one, or behind all others.

    `names` are the field's full and compact names in lower case.
    """
    lines = request.lines.copy()
    for number, old in enumerate(lines):
        if number and old.partition(b":")[0].strip().lower() in names:
            lines[number] = line
            break
    else:
        lines.append(line)
    return _made_of(request, lines)


def _made_of(request: SipMessage, lines: list[bytes]) -> SipMessage:
    return SipMessage(b"\r\n".join(lines) + request.data[request.head_end :])
