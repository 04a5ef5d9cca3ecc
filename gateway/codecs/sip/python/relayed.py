"""A response on its way back: what a proxy must know of it to take its own Via off and pass it on."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import headers
from gateway.codecs.sip.python.edit import without_top_via
from gateway.codecs.sip.python.grammar import parse_via
from gateway.codecs.sip.python.message import SipMessage

_STATUS: Final = {b"%d " % code: code for code in range(100, 700)}


class RelayedResponse(NamedTuple):
    """A response to a request that we sent on."""

    status: int
    branch: bytes
    """Of the first Via, which is ours."""
    method: bytes
    """Of CSeq."""
    to: bytes
    """Value of To."""
    onward: bytes
    """The response without our Via; empty where there is no other Via, so that it can go nowhere."""


def read_response(data: bytes, own_via: bytes) -> RelayedResponse | None:
    """Read a response; None where its first Via is not ours.

    `own_via` is a Via line of ours up to and with ``;branch=``. Nearly every response comes with that line as it was
    sent, in front of another one; any other is read in full. Raises `Malformed` where it is no response that could be
    passed on.
    """
    start = data.find(b"\r\n") + 2
    if data.startswith(own_via, start):
        quick = _read_quickly(data, start, start + len(own_via))
        if quick is not None:
            return quick
    message = SipMessage(data)
    via = parse_via(message.required(headers.VIA))
    if via.sent_by != own_via.rpartition(b" ")[2].removesuffix(b";branch="):
        return None
    message.body_end()
    try:
        onward = without_top_via(message)
    except Malformed:
        onward = b""
    method = message.cseq()[1]
    return RelayedResponse(message.status, via.branch, method, message.required(headers.TO), onward)


def _read_quickly(data: bytes, start: int, branch_start: int) -> RelayedResponse | None:
    """The response as nearly everybody writes it; None for any other.

    Our Via stands alone on its line in front of another one; To, CSeq and Content-Length are spelt in full, with one
    space after the colon and none at the end, and not folded; the body ends with the datagram. The lines between are
    passed on unread.
    """
    end = data.find(b"\r\n", branch_start)
    head_end = data.find(b"\r\n\r\n", end) if end >= 0 else -1
    if head_end < 0 or not data.startswith(b"Via: ", end + 2):
        return None
    to = data.find(b"\r\nTo: ", end, head_end)
    cseq = data.find(b"\r\nCSeq: ", end, head_end)
    length = data.find(b"\r\nContent-Length: ", end, head_end)
    if to < 0 or cseq < 0 or length < 0 or data.find(b"\r\nContent-Length: ", length + 1, head_end) >= 0:
        return None
    length_end = data.find(b"\r\n", length + 18)
    digits = data[length + 18 : length_end]
    if not digits.isdigit() or len(digits) > 9 or head_end + 4 + int(digits) != len(data):
        return None
    to_end = data.find(b"\r\n", to + 6)
    cseq_end = data.find(b"\r\n", cseq + 8)
    status = _STATUS.get(data[8:12])
    branch = data[branch_start:end]
    value = data[to + 6 : to_end]
    number, _, method = data[cseq + 8 : cseq_end].partition(b" ")
    if (
        status is None
        or not branch.replace(b".", b"").isalnum()
        or not value
        or value != value.strip()
        or not number.isdigit()
        or len(number) > 10
        or not method.isalpha()
        or data[to_end + 2] in b" \t"
        or data[cseq_end + 2] in b" \t"
        or data[length_end + 2] in b" \t"
    ):
        return None
    return RelayedResponse(status, branch, method, value, data[:start] + data[end + 2 :])
