"""A response on its way back: what a proxy must know of it to take its own Via off and pass it on."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import headers
from gateway.codecs.sip.python.edit import without_top_via
from gateway.codecs.sip.python.grammar import parse_via
from gateway.codecs.sip.python.message import SipMessage

_TEXT: Final = rb"[\t -\xff]*+"
_NOT_BLANK: Final = rb"[!-\xff]" + _TEXT


def _once(group: int, name: str, value: bytes) -> bytes:
    """A line that may stand once, of which the value is that group: where it has matched, nothing matches any more."""
    return rb"(?(%d)(?!)|%b: (%b))" % (group, name.encode(), value)


_LINES: Final = (
    rb"(?:[ABDEGHJKN-SU-Zabdeghjkn-su-z][A-Za-z0-9-]+|Contact|Call-Info|Content-Disposition): " + _TEXT,
    _once(4, "To", _NOT_BLANK),
    _once(5, "CSeq", rb"[0-9]{1,10} ([A-Za-z]+)"),
    _once(7, "Content-Length", rb"[0-9]{1,9}"),
    _once(8, "From", _NOT_BLANK),
    _once(9, "Call-ID", _NOT_BLANK),
    _once(10, "Content-Type", _NOT_BLANK),
)
"""No spelling of a field that may stand once only starts like those of the first kind."""
_QUICK: Final = re.compile(
    rb"SIP/2\.0 ([1-6][0-9][0-9]) " + _TEXT + rb"\r\n(Via: [^;\r\n\x00]+;branch=)([0-9A-Za-z.]+)(?=\r\nVia: )"
    rb"(?:\r\n(?:" + rb"|".join(_LINES) + rb")){1,200}\r\n\r\n"
)


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
    sent, in front of another one; any other is read in full, to the same effect. Raises `Malformed` where it is no
    response that could be passed on: a header field that must be there is not, or stands there twice.
    """
    quick = _QUICK.match(data)
    if quick is not None and quick[2] == own_via:
        response = _read_quickly(data, quick)
        if response is not None:
            return response
    message = SipMessage(data)
    via = parse_via(message.required(headers.VIA))
    if via.sent_by != own_via.rpartition(b" ")[2].removesuffix(b";branch="):
        return None
    message.check_head()
    message.body_end()
    try:
        onward = without_top_via(message)
    except Malformed:
        onward = b""
    method = message.cseq()[1]
    return RelayedResponse(message.status, via.branch, method, message.required(headers.TO), onward)


def _read_quickly(data: bytes, quick: re.Match[bytes]) -> RelayedResponse | None:
    """The response as nearly everybody writes it; None for any other.

    Our Via stands alone on its line in front of another one; names are spelt in full, with one space behind the colon;
    nothing is folded or doubled; the body ends with the datagram.
    """
    status, _, branch, to, _, method, length, from_, call_id, _ = quick.groups()
    if to is None or method is None or length is None or from_ is None or call_id is None:
        return None
    if quick.end() + int(length) != len(data):
        return None
    onward = data[: quick.start(2)] + data[quick.end(3) + 2 :]
    return RelayedResponse(int(status), branch, method, to.rstrip(), onward)
