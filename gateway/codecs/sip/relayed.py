"""A response on its way back: what a proxy must know of it to take its own Via off and pass it on."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import edit, headers
from gateway.codecs.sip.grammar import parameter_of, parse_name_addr, parse_via
from gateway.codecs.sip.message import SipMessage

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
    sent_by = own_via[own_via.rfind(b" ") + 1 : -len(b";branch=")]
    if via.sent_by != sent_by:
        return None
    message.body_end()
    try:
        onward = edit.without_top_via(message)
    except Malformed:
        onward = b""
    method = message.cseq()[1]
    return RelayedResponse(message.status, via.branch, method, message.required(headers.TO), onward)


def _read_quickly(data: bytes, start: int, branch_start: int) -> RelayedResponse | None:
    """The response as nearly everybody writes it; None for any other.

    Our Via stands alone on its line in front of another one, To and CSeq are spelt in full and not folded.
    """
    end = data.find(b"\r\n", branch_start)
    branch = data[branch_start:end]
    to = data.find(b"\r\nTo: ", end)
    cseq = data.find(b"\r\nCSeq: ", end)
    if to < 0 or cseq < 0 or not data.startswith(b"Via: ", end + 2) or b";" in branch or b"," in branch:
        return None
    to_end = data.find(b"\r\n", to + 6)
    cseq_end = data.find(b"\r\n", cseq + 8)
    head_end = data.find(b"\r\n\r\n", end)
    if head_end < to or head_end < cseq:
        return None  # one of them was found in the body, or the head has no end
    length = data.find(b"\r\nContent-Length: ", end, head_end)
    digits = data[length + 18 : data.find(b"\r\n", length + 18)]
    if length < 0 or not digits.isdigit() or len(digits) > 9 or head_end + 4 + int(digits) != len(data):
        return None
    status = _STATUS.get(data[8:12])
    number, _, method = data[cseq + 8 : cseq_end].partition(b" ")
    if (
        status is None
        or not number.isdigit()
        or len(number) > 10
        or data[to_end + 2] in b" \t"
        or data[cseq_end + 2] in b" \t"
    ):
        return None
    return RelayedResponse(status, branch, method, data[to + 6 : to_end], data[:start] + data[end + 2 :])


def tag_of(value: bytes) -> bytes:
    """The tag parameter of a From or To value; empty where there is none."""
    parameters = value.rpartition(b">")[2]
    brackets = value.count(b">")
    if b'"' in parameters or brackets > 1 or (brackets and b"<" not in value):
        # What stands in quotes is no tag, and it is the first bracket behind the address that ends it.
        return parse_name_addr(value).tag
    if parameters.startswith(b";tag=") and parameters.count(b";") == 1:
        return parameters[5:].strip()
    return parameter_of(parameters, b"tag") or b""
