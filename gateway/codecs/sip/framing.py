"""Messages out of a stream of bytes: SIP over TCP and TLS (RFC 3261 sections 7.5 and 18.3).

Bytes go in as they come off a connection, whole messages come out. A stream whose framing is broken cannot be read any
further: nobody knows where its next message begins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, completed_via, headers, parse_via, response_to

_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\n(?i:content-length|l)[ \t]*:([^\r]*(?:\r(?!\n)[^\r]*|\r\n[ \t][^\r]*)*)")
"""Content-Length as `SipMessage` reads it: a name in any case, full or compact, a value that may be folded."""
_FIRST_BYTES: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~")
"""A method is a token, and a status line starts with a letter (RFC 3261 section 25.1)."""


@dataclass(frozen=True, slots=True)
class FramingLimits:
    """The largest message that is taken off a stream, in bytes."""

    head: int = 32_768
    """Start line and header fields, with the empty line behind them."""
    body: int = 65_535


class Unframeable(Malformed):
    """The stream cannot be read any further: the connection is to be closed.

    `head` is the head of the message, for an answer with `status` and `phrase`; empty where it never ended.
    """

    def __init__(self, what: str, head: bytes = b"", status: int = 400, phrase: str = "") -> None:
        super().__init__(what, len(head))
        self.head: Final = head
        self.status: Final = status
        self.phrase: Final = phrase or f"Bad Request: {what}"


class Framing:
    """Cuts one stream into messages. Holds at most what was fed since messages were last taken, and one message."""

    __slots__ = ("_empty_lines", "_held", "_limits", "_pong", "_searched", "_whole", "broken")

    broken: Unframeable | None
    """Why the stream cannot be read any further; None while it can."""

    def __init__(self, limits: FramingLimits) -> None:
        self._limits = limits
        self._held = bytearray()
        self._searched = 0
        """No end of a head begins before this place."""
        self._whole = 0
        """Length of the message that is coming, once its head has come; else 0."""
        self._empty_lines = 0
        """Since the last message, or the last ping."""
        self._pong = False
        self.broken = None

    def feed(self, data: bytes) -> None:
        """What came off the connection."""
        self._held += data

    def messages(self, most: int) -> list[bytes]:
        """Whole messages, in order and at most so many. Fewer than `most`: the next has yet to come, or `broken`."""
        found: list[bytes] = []
        if self.broken is None:
            try:
                while len(found) < most and (message := self._next()) is not None:
                    found.append(message)
            except Unframeable as fault:
                self.broken = fault
                self._held.clear()
        return found

    @property
    def partial(self) -> bool:
        """Whether part of a message has come, and the rest has not."""
        return bool(self._held)

    def pinged(self) -> bool:
        """Whether the peer has sent a keep-alive since the last call, to be answered with CRLF (RFC 5626 4.4.1)."""
        pong, self._pong = self._pong, False
        return pong

    def _next(self) -> bytes | None:
        held = self._held
        if not self._whole:
            if not held:
                return None
            if held[0] not in _FIRST_BYTES:
                self._skip_empty_lines()
            end = held.find(_END_OF_HEAD, self._searched)
            if end < 0:
                self._searched = max(len(held) - 3, 0)
                if len(held) > self._limits.head:
                    raise Unframeable(f"the head is longer than {self._limits.head} bytes")
                return None
            self._whole = self._length_of(bytes(held[: end + 4]))
        if len(held) < self._whole:
            return None
        message = bytes(held[: self._whole])
        del held[: self._whole]
        self._whole = self._searched = self._empty_lines = 0
        return message

    def _skip_empty_lines(self) -> None:
        """Empty lines before a message: to be passed over (RFC 3261 section 7.5), two of them a ping."""
        held = self._held
        begin = 0
        while held.startswith(b"\r\n", begin):
            begin += 2
        self._empty_lines += begin // 2
        if self._empty_lines >= 2:
            self._empty_lines = 0
            self._pong = True
        del held[:begin]
        self._searched = 0
        if held and held[0] not in _FIRST_BYTES and held != b"\r":
            raise Unframeable("what comes is no SIP message")

    def _length_of(self, head: bytes) -> int:
        """Length of the whole message."""
        if len(head) > self._limits.head:
            what = f"the head is longer than {self._limits.head} bytes"
            raise Unframeable(what, head, 513, "Message Too Large")
        values = _LENGTH.findall(head, 0, len(head) - 2)
        if len(values) != 1:
            what = "stands more than once" if values else "is missing"
            raise Unframeable(f"the Content-Length header field {what}", head)
        value = values[0].strip()
        if not value.isdigit():
            raise Unframeable("Content-Length is not a number", head)
        if len(value) > 9 or int(value) > self._limits.body:
            what = f"the body is longer than {self._limits.body} bytes"
            raise Unframeable(what, head, 413, "Request Entity Too Large")
        return len(head) + int(value)


def refusal_of(fault: Unframeable, host: str, port: int) -> bytes | None:
    """The answer to a request that cannot be taken off the stream; `host` and `port` are where it came from.

    None where there is nothing to answer: a response, an ACK, or no request at all.
    """
    try:
        request = SipMessage(fault.head)
        if request.status or request.method == b"ACK":
            return None
        value = request.required(headers.VIA)
        via = completed_via(value, parse_via(value), host, port)
        tag = b"tg%08x" % crc32(request.required(headers.CALL_ID))
        return response_to(request, fault.status, fault.phrase, to_tag=tag, via=via)
    except Malformed:
        return None
