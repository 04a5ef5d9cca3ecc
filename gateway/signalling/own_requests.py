"""Requests within a dialog that the gateway writes, in the place of one of its sides (RFC 3261 section 12.2.1.1).

A proxy does so only to end what nobody else will: a call that is discontinued, and the answer of a member that was
passed over.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.codecs.sip import SipMessage


def request_in_dialog(
    method: bytes,
    target: bytes,
    routes: Iterable[bytes],
    from_: bytes,
    to: bytes,
    call_id: bytes,
    cseq: int,
    lines: bytes = b"",
) -> bytes:
    """A request without body, and without Via, which is put in when it is known where it goes.

    `target` is the remote target, `routes` the route set, the nearest first; `from_` and `to` are whole values with
    their tags; `lines` are further header lines, each with its line end. A strict router first in the route set is
    heeded where the next hop is found.
    """
    head = b"".join(
        (
            b"Max-Forwards: 70\r\n",
            *(b"Route: %s\r\n" % route for route in routes),
            b"From: %s\r\nTo: %s\r\nCall-ID: %s\r\n" % (from_, to, call_id),
        )
    )
    end = b"CSeq: %d %s\r\n%sContent-Length: 0\r\n\r\n" % (cseq, method, lines)
    return b"%s %s SIP/2.0\r\n%s%s" % (method, target, head, end)


def with_via(request: SipMessage, via: bytes) -> bytes:
    """A request of our own with its only Via line, given without its line end."""
    line_end = request.data.find(b"\r\n") + 2
    return request.data[:line_end] + via + b"\r\n" + request.data[line_end:]
