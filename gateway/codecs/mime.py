"""Bodies of several parts (RFC 2046 section 5.1): finding the parts, and writing a body of some.

Parts are given as spans of the bytes that were handed in, so that what is read in one can be shown where it stands.
Line ends are CRLF, as in the SIP messages that carry such bodies (RFC 3261 section 7.4); parts may hold any bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed

MAX_PARTS: Final = 16
"""More parts than this in one body, those of nested bodies included, make it malformed."""
MAX_DEPTH: Final = 3
"""A multipart body may hold another one, and that one a third."""
MAX_HEADERS: Final = 4_096
"""Bytes of the header fields of one part."""
LONGEST_TYPE: Final = 1_024
"""Bytes of a Content-Type; a longer one is malformed."""

_TOKEN: Final = rb"[^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f-\xff]++"
_MEDIA_TYPE: Final = re.compile(rb"[ \t]*+(" + _TOKEN + rb")[ \t]*+/[ \t]*+(" + _TOKEN + rb")[ \t]*+(?=;|\Z)")
_PARAMETER: Final = re.compile(
    rb"[ \t]*+;[ \t]*+(" + _TOKEN + rb")[ \t]*+=[ \t]*+(?:\"((?:[^\"\\]++|\\.)*+)\"|([^;\"\s]++))", re.DOTALL
)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_FOLD: Final = re.compile(rb"\r\n[ \t]+")
_BOUNDARY: Final = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
"""RFC 2046 section 5.1.1: up to 70 characters, the last one no space."""


class MediaType(NamedTuple):
    """A Content-Type (RFC 2045 section 5.1)."""

    name: bytes
    """Type and subtype in lower case: ``multipart/mixed``."""
    parameters: dict[bytes, bytes]
    """By their names in lower case; quotes and escapes are undone."""


class Part(NamedTuple):
    """One part of a body that is not itself made of parts."""

    content_type: bytes
    """As it is written, unfolded; empty where none is given, which means plain text (RFC 2045 section 5.2)."""
    encoding: bytes
    """Content-Transfer-Encoding in lower case; empty where none is given."""
    start: int
    """Where its content starts in the bytes that were handed in, and ends."""
    end: int


def media_type(value: bytes) -> MediaType:
    """Take a Content-Type apart. Raises `Malformed`, also where a parameter is given twice."""
    if len(value) > LONGEST_TYPE:
        raise Malformed(f"the Content-Type is longer than {LONGEST_TYPE} bytes", LONGEST_TYPE)
    value = value.rstrip(b" \t;")
    match = _MEDIA_TYPE.match(value)
    if match is None:
        raise Malformed("the Content-Type is not 'type/subtype;parameters'")
    parameters: dict[bytes, bytes] = {}
    place = match.end()
    while place < len(value):
        found = _PARAMETER.match(value, place)
        if found is None:
            raise Malformed("a parameter of the Content-Type is not 'name=value'", place)
        name = found[1].lower()
        if name in parameters:
            raise Malformed(f"the Content-Type gives {name.decode('ascii', 'replace')} twice", place)
        parameters[name] = found[3] if found[3] is not None else _ESCAPED.sub(rb"\1", found[2])
        place = found.end()
    return MediaType(match[1].lower() + b"/" + match[2].lower(), parameters)


def parts_of(content_type: bytes, data: bytes, start: int, end: int) -> tuple[Part, ...]:
    """The parts of the body at ``data[start:end]``, of nested bodies too; a body of no parts is the one part.

    Raises `Malformed`, with an offset in `data`, where a delimiter, the boundary or a header field of a part cannot be
    read, or there are too many parts.
    """
    parts: list[Part] = []
    _collect(content_type, b"", data, (start, end), 1, parts)
    return tuple(parts)


def multipart_mixed(parts: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """Content-Type and body of a ``multipart/mixed`` of these parts: header lines without the last line end, content.

    The boundary is the first of its row that occurs in no part, so that the same parts make the same bytes.
    """
    number = 0
    while any(_boundary(number) in head or _boundary(number) in content for head, content in parts):
        number += 1
    boundary = _boundary(number)
    pieces = [b"--" + boundary + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts]
    return b"multipart/mixed;boundary=" + boundary, b"".join(pieces) + b"--" + boundary + b"--\r\n"


def _boundary(number: int) -> bytes:
    return b"tollgate-part-%d" % number


def _collect(
    content_type: bytes, encoding: bytes, data: bytes, span: tuple[int, int], depth: int, parts: list[Part]
) -> None:
    if not content_type[:16].lower().lstrip(b" \t").startswith(b"multipart"):
        if len(parts) == MAX_PARTS:
            raise Malformed(f"more than {MAX_PARTS} parts", span[0])
        parts.append(Part(content_type, encoding, *span))
        return
    if depth > MAX_DEPTH:
        raise Malformed(f"bodies of parts are nested more than {MAX_DEPTH} deep", span[0])
    try:
        kind = media_type(content_type)
    except Malformed as fault:
        raise Malformed(fault.what, span[0]) from None
    boundary = kind.parameters.get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise Malformed("the multipart body has no boundary of 1 to 70 characters", span[0])
    for begin, until in _between_delimiters(b"--" + boundary, data, span):
        head_end, type_of_part, encoding_of_part = _head(data, begin, until)
        _collect(type_of_part, encoding_of_part, data, (head_end, until), depth + 1, parts)


def _between_delimiters(delimiter: bytes, data: bytes, span: tuple[int, int]) -> list[tuple[int, int]]:
    """From behind each delimiter line to before the next one; what comes before the first and behind the last is noise.

    The line end before a delimiter belongs to it.
    """
    spans: list[tuple[int, int]] = []
    begin = -1
    place, end = span
    while True:
        found = _delimiter(delimiter, data, place, end, at_start=place == span[0])
        if found is None:
            raise Malformed("the delimiter that closes the multipart body is missing", end)
        line, behind, closing = found
        if begin >= 0:
            spans.append((begin, max(line, begin)))
        if closing:
            return spans
        if len(spans) == MAX_PARTS:
            raise Malformed(f"more than {MAX_PARTS} parts", line)
        # The line end is kept for the next delimiter, which may follow at once.
        begin, place = behind + 2, behind


def _delimiter(delimiter: bytes, data: bytes, place: int, end: int, *, at_start: bool) -> tuple[int, int, bool] | None:
    """The next delimiter line: where it starts, its line end before it included, where it ends, and whether it closes.

    A line that only begins like one is content (RFC 2046 section 5.1.1).
    """
    while True:
        if at_start and data.startswith(delimiter, place):
            line, behind = place, place + len(delimiter)
        else:
            line = data.find(b"\r\n" + delimiter, place, end)
            if line < 0:
                return None
            behind = line + 2 + len(delimiter)
        closing = data.startswith(b"--", behind)
        if closing:
            behind += 2
        while data[behind : behind + 1] in _PADDING and behind < end:
            behind += 1
        if data.startswith(b"\r\n", behind) or (closing and behind >= end):
            return line, behind, closing
        at_start, place = False, line + 2


_PADDING: Final = (b" ", b"\t")


def _head(data: bytes, start: int, end: int) -> tuple[int, bytes, bytes]:
    """Where the header fields of a part end, and its Content-Type and Content-Transfer-Encoding."""
    if data.startswith(b"\r\n", start):
        return start + 2, b"", b""
    blank = data.find(b"\r\n\r\n", start, min(end, start + MAX_HEADERS))
    if blank < 0 and end - start < MAX_HEADERS:
        blank = end  # header fields and no content
    if blank < 0:
        raise Malformed(f"the header fields of a part do not end within {MAX_HEADERS} bytes", start)
    found: dict[bytes, bytes] = {}
    for line in _FOLD.sub(b" ", data[start:blank]).split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon:
            raise Malformed("a header line of a part has no colon", start)
        name = name.strip().lower()
        if name in (b"content-type", b"c", b"content-transfer-encoding") and name in found:
            raise Malformed("a header field of a part stands more than once", start)
        found[name] = value.strip()
    encoding = found.get(b"content-transfer-encoding", b"").lower()
    return min(blank + 4, end), found.get(b"content-type", found.get(b"c", b"")), encoding
