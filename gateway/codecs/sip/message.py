"""A SIP message as received: bytes that are never rewritten, and what is read from them on demand (RFC 3261).

Reading is lazy. The header fields of a message inside a known dialog are found by their usual spelling, one search
each. A message that opens a call is indexed in full and must pass `check`, because two parsers that read one message
differently are how a number gets past a gateway.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import headers
from gateway.codecs.sip.headers import Header

MAX_HEADERS: Final = 256
"""More header lines than this make a message malformed."""

_TOKEN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~")
_MANDATORY: Final = (headers.VIA, headers.FROM, headers.TO, headers.CALL_ID, headers.CSEQ)
_METHODS: Final = frozenset(
    {b"INVITE", b"ACK", b"BYE", b"CANCEL", b"OPTIONS", b"REGISTER", b"PRACK", b"UPDATE", b"INFO", b"REFER"}
    | {b"SUBSCRIBE", b"NOTIFY", b"MESSAGE", b"PUBLISH"}
)

Span = tuple[int, int]
"""Start and end of a header field's value in the message, white space around it left out."""


class SipMessage:
    """One SIP request or response.

    The constructor reads the start line and finds the end of the head; anything else is read when it is asked for.
    Raises `Malformed` where the bytes are no SIP message; accessors raise it where their field is unreadable.
    """

    __slots__ = ("_index", "data", "first_line_end", "head_end", "method", "request_uri", "status")

    method: bytes
    """Method of a request; empty for a response."""
    request_uri: bytes
    """Request-URI of a request; empty for a response. It starts at byte ``len(method) + 1``."""
    status: int
    """Status code of a response; 0 for a request."""

    def __init__(self, data: bytes) -> None:
        self.data: Final = data
        self._index: dict[Header, list[Span]] | None = None
        first_line_end = data.find(b"\r\n")
        head_end = data.find(b"\r\n\r\n")
        if head_end < 0:
            raise Malformed("the header fields do not end with an empty line", len(data))
        self.first_line_end: Final = first_line_end
        self.head_end: Final = head_end
        if data.startswith(b"SIP/2.0 "):
            self._read_status_line()
        else:
            self._read_request_line()

    def _read_status_line(self) -> None:
        code = self.data[8:11]
        if not code.isdigit() or not b"100" <= code <= b"699" or self.data[11:12] not in (b" ", b"\r"):
            raise Malformed("the status code is not three digits from 100 to 699", 8)
        self.method = b""
        self.request_uri = b""
        self.status = int(code)

    def _read_request_line(self) -> None:
        parts = self.data[: self.first_line_end].split(b" ")
        if len(parts) != 3:
            raise Malformed("the first line is neither a request line nor a status line", 0)
        method, uri, version = parts
        if version != b"SIP/2.0":
            raise Malformed("the version is not SIP/2.0", len(method) + len(uri) + 2)
        if method not in _METHODS and (not method or not _TOKEN.issuperset(method)):
            raise Malformed("the method is not a token", 0)
        if not uri:
            raise Malformed("the Request-URI is empty", len(method) + 1)
        self.method = method
        self.request_uri = uri
        self.status = 0

    # -- header fields ------------------------------------------------------------------------------------------------

    def span(self, header: Header) -> Span | None:
        """Where the (first) value of a header field stands; None where it is absent."""
        data = self.data
        # A field that may stand more than once could stand earlier in another spelling, unless it is the first of all.
        if self._index is None and (header.single or data.startswith(header.needle, self.first_line_end)):
            start = data.find(header.needle, self.first_line_end, self.head_end + 2)
            if start >= 0:
                start += len(header.needle)
                end = data.find(b"\r\n", start)
                if data[end + 2] not in b" \t" and data[start] not in b" \t" and data[end - 1] not in b" \t":
                    return start, end
        spans = self.spans(header)
        return spans[0] if spans else None

    def value(self, header: Header) -> bytes | None:
        """The (first) value of a header field, unfolded and without white space around it; None where it is absent."""
        span = self.span(header)
        return self.text(span) if span is not None else None

    def required(self, header: Header) -> bytes:
        """As `value`, for a field that must be there and not be empty."""
        value = self.value(header)
        if not value:
            raise Malformed(f"the {header.name} header field is missing or empty", self.head_end)
        return value

    def spans(self, header: Header) -> list[Span]:
        """Where the values of a header field stand, in order; one span a line, commas not yet taken apart."""
        if self._index is None:
            self._index = self._build_index()
        return self._index.get(header, [])

    def text(self, span: Span) -> bytes:
        """The bytes of a value, unfolded (RFC 3261 section 7.3.1)."""
        value = self.data[span[0] : span[1]]
        if b"\r\n" in value:
            return b" ".join(line.strip() for line in value.split(b"\r\n")).strip()
        return value.strip()

    def _build_index(self) -> dict[Header, list[Span]]:
        index: dict[Header, list[Span]] = {}
        data = self.data
        spelling = headers.SPELLINGS
        count = 0
        for start, end in self._lines():
            count += 1
            colon = data.find(b":", start, end)
            if colon < 0:
                raise Malformed("a header line has no colon", start)
            header = spelling.get(data[start:colon])
            if header is None:
                header = self._unusual_name(start, colon)
                if header is None:
                    continue
            value_start = colon + 2
            if data[colon + 1] != 32 or data[value_start] in b" \t\r":
                value_start = colon + 1
                while value_start < end and data[value_start] in b" \t\r\n":
                    value_start += 1
            while end > value_start and data[end - 1] in b" \t\r\n":
                end -= 1
            if header in index:
                index[header].append((value_start, end))
            else:
                index[header] = [(value_start, end)]
        if count > MAX_HEADERS:
            raise Malformed(f"more than {MAX_HEADERS} header lines", self.head_end)
        return index

    def _lines(self) -> Iterator[Span]:
        """Start and end of every header line, folded lines joined to the one they continue."""
        data, stop = self.data, self.head_end
        start = self.first_line_end + 2
        folded = b"\r\n " in data or b"\r\n\t" in data
        while start <= stop:
            end = data.find(b"\r\n", start)
            if folded:
                while end < stop and data[end + 2] in b" \t":
                    end = data.find(b"\r\n", end + 2)
            yield start, end
            start = end + 2

    def _unusual_name(self, start: int, colon: int) -> Header | None:
        name = self.data[start:colon].rstrip(b" \t")
        if not name or not _TOKEN.issuperset(name):
            raise Malformed("the name of a header field is not a token", start)
        header = headers.SPELLINGS.get(name)
        return header if header is not None else headers.SPELLINGS.get(name.lower())

    # -- body and whole-message checks --------------------------------------------------------------------------------

    @property
    def body_offset(self) -> int:
        return self.head_end + 4

    def check(self) -> None:
        """Require of a request that opens a call what RFC 3261 sections 7, 8.1.1 and 18.3 require of a message.

        Raises `Malformed` for a missing or doubled header field, a bare line feed, a NUL byte, a CSeq that does not fit
        the method, or a body shorter than Content-Length says.
        """
        data, head_end = self.data, self.head_end
        if data.count(b"\n", 0, head_end) != data.count(b"\r\n", 0, head_end):
            raise Malformed("a line ends without a carriage return", self._bare_line_feed())
        if data.count(b"\r", 0, head_end) != data.count(b"\r\n", 0, head_end):
            raise Malformed("a carriage return stands without a line feed", head_end)
        if data.find(b"\x00", 0, head_end) >= 0:
            raise Malformed("a NUL byte stands in the header fields", data.find(b"\x00"))
        if self._index is None:
            self._index = self._build_index()
        index = self._index
        for header in _MANDATORY:
            spans = index.get(header)
            if spans is None or spans[0][0] == spans[0][1]:
                raise Malformed(f"the {header.name} header field is missing or empty", head_end)
        for header, spans in index.items():
            if header.single and len(spans) > 1:
                raise Malformed(f"the {header.name} header field stands more than once", spans[1][0])
        number, method = self.cseq()
        if method != self.method or number >= 1 << 31:
            raise Malformed("CSeq does not fit the request", index[headers.CSEQ][0][0])
        self._check_length()

    def _bare_line_feed(self) -> int:
        position = self.data.find(b"\n")
        while position > 0 and self.data[position - 1] == 13:
            position = self.data.find(b"\n", position + 1)
        return position

    def _check_length(self) -> None:
        value = self.value(headers.CONTENT_LENGTH)
        if value is None:
            return
        if not value.isdigit() or len(value) > 9:
            raise Malformed("Content-Length is not a number", self.spans(headers.CONTENT_LENGTH)[0][0])
        if int(value) > len(self.data) - self.body_offset:
            raise Malformed("the body is shorter than Content-Length says", len(self.data))

    def cseq(self) -> tuple[int, bytes]:
        """Sequence number and method of CSeq."""
        value = self.required(headers.CSEQ)
        number, *method = value.split(maxsplit=1)
        if not number.isdigit() or len(number) > 10:
            raise Malformed("CSeq does not start with a number", self.spans(headers.CSEQ)[0][0])
        return int(number), method[0] if method else b""
