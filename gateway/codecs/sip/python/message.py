"""A SIP message as received: its lines, never rewritten, and the values of the fields that we read (RFC 3261).

A message is split into lines once, and every line's field is known by its name in whatever spelling. There is one
reading of a message: two parsers that read one message differently are how a number gets past a gateway. What a value
means is looked into only where it is asked for.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import headers
from gateway.codecs.sip.headers import Header

MAX_HEADERS: Final = 256
"""More header lines than this make a message malformed."""
LONGEST_NAME: Final = 128
"""Of a header field; a longer one is malformed."""
LONGEST_MESSAGE: Final = 1 << 24
"""In bytes; a longer one is malformed. No transport of ours carries one nearly as long."""

_TOKEN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~")
_MANDATORY: Final = (headers.VIA, headers.FROM, headers.TO, headers.CALL_ID, headers.CSEQ)
_METHODS: Final = frozenset(
    {b"INVITE", b"ACK", b"BYE", b"CANCEL", b"OPTIONS", b"REGISTER", b"PRACK", b"UPDATE", b"INFO", b"REFER"}
    | {b"SUBSCRIBE", b"NOTIFY", b"MESSAGE", b"PUBLISH"}
)
_WHITE: Final = (b" ", b"\t")

Span = tuple[int, int]
"""Start and end of a header field's value in the message, white space around it left out."""


class SipMessage:
    """One SIP request or response.

    Raises `Malformed` where the bytes are no SIP message: no start line, a line that is no header line, no empty line
    at the end of the head. Accessors raise it where their field is unreadable.
    """

    __slots__ = ("_lines", "_numbers", "_starts", "_values", "data", "head_end", "method", "request_uri", "status")

    data: bytes
    head_end: int
    """Where the last header line ends, its line end left out."""
    method: bytes
    """Method of a request; empty for a response."""
    request_uri: bytes
    """Request-URI of a request; empty for a response. It starts at byte ``len(method) + 1``."""
    status: int
    """Status code of a response; 0 for a request."""

    def __init__(self, data: bytes) -> None:
        if len(data) > LONGEST_MESSAGE:
            raise Malformed(f"longer than {LONGEST_MESSAGE} bytes", LONGEST_MESSAGE)
        self.data = data
        self.head_end = head_end = data.find(b"\r\n\r\n")
        if head_end < 0:
            raise Malformed("the header fields do not end with an empty line", len(data))
        self._lines = lines = data[:head_end].split(b"\r\n")
        if len(lines) > MAX_HEADERS + 1:
            raise Malformed(f"more than {MAX_HEADERS} header lines", head_end)
        if data.startswith(b"SIP/2.0 "):
            self._read_status_line(lines[0])
        else:
            self._read_request_line(lines[0])
        self._starts: list[int] | None = None
        self._numbers: dict[Header, list[int]] | None = None
        self._values: dict[bytes, bytes] = {}
        self._read_lines()

    def _read_status_line(self, line: bytes) -> None:
        code = line[8:11]
        if len(code) != 3 or not code.isdigit() or not b"100" <= code <= b"699" or line[11:12] not in (b" ", b""):
            raise Malformed("the status code is not three digits from 100 to 699", 8)
        self.method = b""
        self.request_uri = b""
        self.status = int(code)

    def _read_request_line(self, line: bytes) -> None:
        parts = line.split(b" ")
        if len(parts) != 3:
            raise Malformed("the first line is neither a request line nor a status line", 0)
        self.method, self.request_uri, version = parts
        if version != b"SIP/2.0":
            raise Malformed("the version is not SIP/2.0", len(line) - len(version))
        if self.method not in _METHODS and (not self.method or not _TOKEN.issuperset(self.method)):
            raise Malformed("the method is not a token", 0)
        if not self.request_uri:
            raise Malformed("the Request-URI is empty", len(self.method) + 1)
        self.status = 0

    def _read_lines(self) -> None:
        """Find the values. Every line as nearly everybody writes it is the quick case; any other is read with care."""
        values = self._values
        repeated = False
        for line in self._lines[1:]:
            prefix, _, value = line.partition(b" ")
            if prefix in values:
                repeated = True
            else:
                values[prefix] = value
        usual = headers.USUAL_PREFIXES
        if not usual.issuperset(values) and not all(map(_starts_an_unread_field, values.keys() - usual)):
            self._read_unusual_lines()
        elif repeated:
            self._number_lines()

    def _read_unusual_lines(self) -> None:
        """Compact and oddly spelt names, folds, white space where it is allowed and nobody expects it."""
        self._lines = _unfolded(self._lines)
        self._values = {}
        for header, numbers in self._number_lines().items():
            value = self._lines[numbers[0]].partition(b":")[2]
            self._values[header.prefix] = _joined(value) if b"\r\n" in value else value

    def _number_lines(self) -> dict[Header, list[int]]:
        found: dict[Header, list[int]] = {}
        start = len(self._lines[0]) + 2
        for number, line in enumerate(self._lines[1:], 1):
            name, colon, _ = line.partition(b":")
            if not colon:
                raise Malformed("a header line has no colon", start)
            header = _header_of(name)
            if header is _NO_NAME:
                raise Malformed("the name of a header field is not a token", start)
            if header is not None:
                found.setdefault(header, []).append(number)
            start += len(line) + 2
        self._numbers = found
        return found

    # -- header fields ------------------------------------------------------------------------------------------------

    def value(self, header: Header) -> bytes | None:
        """The (first) value of a header field, unfolded and without white space around it; None where it is absent."""
        value = self._values.get(header.prefix)
        return value.strip() if value is not None else None

    def required(self, header: Header) -> bytes:
        """As `value`, for a field that must be there and not be empty."""
        value = self._values.get(header.prefix)
        if value is not None:
            value = value.strip()
        if not value:
            raise Malformed(f"the {header.name} header field is missing or empty", self.head_end)
        return value

    def has_any(self, wanted: tuple[Header, ...]) -> bool:
        """Whether any of these header fields is there."""
        values = self._values
        for header in wanted:  # noqa: SIM110 - a generator would cost more than the question
            if header.prefix in values:
                return True
        return False

    def span(self, header: Header) -> Span | None:
        """Where the (first) value of a header field stands; None where it is absent."""
        if header.prefix not in self._values:
            return None
        if self._numbers is not None:
            return self._span(self._numbers[header][0])
        start = self.data.find(b"\r\n" + header.prefix) + 2 + len(header.prefix)
        value = self._values[header.prefix]
        start += self.data.startswith(b" ", start)
        trimmed = value.strip()
        if len(trimmed) != len(value):
            start += len(value) - len(value.lstrip())
        return start, start + len(trimmed)

    def spans(self, header: Header) -> list[Span]:
        """Where the values of a header field stand, in order; one span a line, commas not yet taken apart."""
        if self._numbers is not None:
            return [self._span(number) for number in self._numbers.get(header, ())]
        span = self.span(header)
        return [span] if span is not None else []

    def lines(self, header: Header) -> list[Span]:
        """Where the lines of a header field stand, in order, each with its folds and its line end."""
        if self._numbers is not None:
            return [(self._start(number), self._start(number + 1)) for number in self._numbers.get(header, ())]
        if header.prefix not in self._values:
            return []
        start = self.data.find(b"\r\n" + header.prefix) + 2
        return [(start, self.data.find(b"\r\n", start) + 2)]

    def text(self, span: Span) -> bytes:
        """The bytes of a value, unfolded (RFC 3261 section 7.3.1)."""
        value = self.data[span[0] : span[1]]
        return _joined(value) if b"\r\n" in value else value.strip()

    def _start(self, number: int) -> int:
        if self._starts is None:
            self._starts = list(accumulate((len(line) + 2 for line in self._lines), initial=0))
        return self._starts[number]

    def _span(self, number: int) -> Span:
        line = self._lines[number]
        value = line[line.find(b":") + 1 :]
        begin = self._start(number) + len(line) - len(value.lstrip())
        return begin, begin + len(value.strip())

    # -- body and whole-message checks --------------------------------------------------------------------------------

    @property
    def body_offset(self) -> int:
        return self.head_end + 4

    def check(self) -> None:
        """Require of a request that opens a call what RFC 3261 sections 7, 8.1.1 and 18.3 require of a message.

        Raises `Malformed` for what `check_head` does not let pass, a CSeq that does not fit the method, or a body
        shorter than Content-Length says.
        """
        self.check_head()
        number, method = self.cseq()
        if method != self.method or number >= 1 << 31:
            raise Malformed("CSeq does not fit the request", self.spans(headers.CSEQ)[0][0])
        self.body_end()

    def check_head(self) -> None:
        """Require of any message that it can be read in one way only.

        Raises `Malformed` for a missing or doubled header field, a bare line feed or carriage return, a NUL byte.
        """
        data, head_end = self.data, self.head_end
        # The usual message was split at its line ends, so their number is known.
        line_ends = len(self._lines) - 1 if self._numbers is None else data.count(b"\r\n", 0, head_end)
        if data.count(b"\n", 0, head_end) != line_ends:
            raise Malformed("a line ends without a carriage return", self._bare_line_feed())
        if data.count(b"\r", 0, head_end) != line_ends:
            raise Malformed("a carriage return stands without a line feed", head_end)
        if data.find(b"\x00", 0, head_end) >= 0:
            raise Malformed("a NUL byte stands in the header fields", data.find(b"\x00"))
        for header in _MANDATORY:
            self.required(header)
        for header, numbers in self._numbers.items() if self._numbers is not None else ():
            if header.single and len(numbers) > 1:
                raise Malformed(f"the {header.name} header field stands more than once", self.spans(header)[1][0])

    def _bare_line_feed(self) -> int:
        position = self.data.find(b"\n")
        while position > 0 and self.data[position - 1] == 13:
            position = self.data.find(b"\n", position + 1)
        return position

    def body_end(self) -> int:
        """Where the body ends: as Content-Length says, else with the datagram. What stands behind it is noise.

        Raises `Malformed` where Content-Length is no number, stands there twice, or says more than has come (RFC 3261
        section 18.3): on a stream, somebody else's message could hide behind another reading of it.
        """
        value = self.value(headers.CONTENT_LENGTH)
        if value is None:
            return len(self.data)
        if self._numbers is not None and len(self._numbers[headers.CONTENT_LENGTH]) > 1:
            second = self.spans(headers.CONTENT_LENGTH)[1][0]
            raise Malformed("the Content-Length header field stands more than once", second)
        digits = value.lstrip(b"0")
        if not value.isdigit() or len(digits) > 9:
            raise Malformed("Content-Length is not a number", self.spans(headers.CONTENT_LENGTH)[0][0])
        end = self.body_offset + int(digits or b"0")
        if end > len(self.data):
            raise Malformed("the body is shorter than Content-Length says", len(self.data))
        return end

    def cseq(self) -> tuple[int, bytes]:
        """Sequence number and method of CSeq."""
        value = self.required(headers.CSEQ)
        number, *method = value.split(maxsplit=1)
        if not number.isdigit() or len(number) > 10:
            raise Malformed("CSeq does not start with a number", self.spans(headers.CSEQ)[0][0])
        return int(number), method[0] if method else b""


_NO_NAME: Final = Header("")


@lru_cache(maxsize=1_024)
def _header_of(name: bytes) -> Header | None:
    """The header field that a line's name means; None for one that we do not read, `_NO_NAME` for what is no name."""
    trimmed = name.rstrip(b" \t")
    if not trimmed or len(name) > LONGEST_NAME or not _TOKEN.issuperset(trimmed):
        return _NO_NAME
    return headers.BY_NAME.get(trimmed.lower())


@lru_cache(maxsize=1_024)
def _starts_an_unread_field(prefix: bytes) -> bool:
    """Whether this is the plain name, with its colon, of a field that we do not read.

    Anything else (a compact form, a fold, a line without a colon) means that the message must be read with care.
    """
    return prefix.endswith(b":") and _header_of(prefix[:-1]) is None


def _unfolded(lines: list[bytes]) -> list[bytes]:
    """Physical lines as logical ones: a line that starts with white space continues the one before it."""
    logical = [[lines[0]]]
    for line in lines[1:]:
        if not line.startswith(_WHITE):
            logical.append([line])
        elif len(logical) > 1:
            logical[-1].append(line)
        else:
            raise Malformed("the first header line continues nothing", len(lines[0]) + 2)
    return [b"\r\n".join(parts) for parts in logical]


def _joined(value: bytes) -> bytes:
    return b" ".join(part.strip() for part in value.split(b"\r\n")).strip()
