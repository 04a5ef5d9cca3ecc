"""Seldom changes to a request on its way; whatever is not changed stays byte for byte."""

from __future__ import annotations

from gateway.codecs.sip import SipMessage, rerouted
from gateway.codecs.sip.headers import Header


def with_way(request: SipMessage, uri: bytes, routes: list[bytes]) -> SipMessage:
    """The request with another Request-URI and another Route."""
    return SipMessage(rerouted(request, uri, routes))


def with_field(request: SipMessage, header: Header, line: bytes) -> SipMessage:
    """The request with this line in place of the header field's first one, or behind all others."""
    behind = request.head_end + 2
    start, end = next(iter(request.lines(header)), (behind, behind))
    return SipMessage(request.data[:start] + line + b"\r\n" + request.data[end:])
