"""Messages that can be made as long as one likes, each in one way: where reading costs more than in proportion to the
length, one of these shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.interconnection.trunk_groups import Hop
from tests.hostile.cases import CALLED, CALLING

Grow = Callable[[bytes, int], bytes]
"""A sound message, the length wanted in bytes -> the message at about that length."""


def sound(mark: str, source: Hop, *, calling: str = CALLING, called: str = CALLED) -> bytes:
    """An INVITE with nothing wrong in it."""
    lines = (
        f"INVITE sip:{called}@lab.example SIP/2.0",
        f"Via: SIP/2.0/UDP {source.host}:{source.port};branch=z9hG4bK{mark}",
        "Max-Forwards: 70",
        f"From: <sip:{calling}@lab.example>;tag={mark}",
        f"To: <sip:{called}@lab.example>",
        f"Call-ID: {mark}",
        "CSeq: 1 INVITE",
        f"Contact: <sip:{calling}@{source.host}:{source.port}>",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


def _in(place: bytes, piece: bytes, *, end: bytes = b"") -> Grow:
    """`piece` as often as fits behind the first `place`, then `end`."""

    def grow(data: bytes, length: int) -> bytes:
        start = data.index(place) + len(place)
        times = max(length - len(data) - len(end), 0) // len(piece)
        return data[:start] + piece * times + end + data[start:]

    return grow


def _end_of_via(piece: bytes) -> Grow:
    """`piece` as often as fits behind the first Via's branch."""

    def grow(data: bytes, length: int) -> bytes:
        return data.replace(b"\r\nMax", piece * (max(length - len(data), 0) // len(piece)) + b"\r\nMax", 1)

    return grow


def _line(name: bytes, piece: bytes, *, end: bytes = b"") -> Grow:
    """One more header line, of which the value is `piece` as often as fits."""

    def grow(data: bytes, length: int) -> bytes:
        head, tail = data[: data.index(b"\r\nMax")], data[data.index(b"\r\nMax") :]
        times = max(length - len(data) - len(name) - len(end) - 4, 0) // len(piece)
        return b"%s\r\n%s: %s%s%s" % (head, name, piece * times, end, tail)

    return grow


def _lines(line: bytes) -> Grow:
    """As many further header lines as fit."""
    return _in(b"SIP/2.0\r\n", line + b"\r\n")


def _whole(piece: bytes) -> Grow:
    return lambda _, length: piece * (length // len(piece))


def _body(data: bytes, length: int) -> bytes:
    size = max(length - len(data), 0)
    return data.replace(b"Content-Length: 0", b"Content-Length: %d" % size) + b"\r\n" * (size // 2) + b"x" * (size % 2)


LONGEST: Final = 65_400
"""Fits a datagram over IPv4, and with it whatever a way adds beside its pieces."""
FROM_NAME: Final = b"\r\nFrom: "
_ADDRESS: Final = b"<sip:+13145550100@h>"

REQUESTS: Final[dict[str, Grow]] = {
    "header lines, unknown": _lines(b"X: y"),
    "header lines, each of another name": lambda data, length: data.replace(
        b"SIP/2.0\r\n", b"SIP/2.0\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(max(length - len(data), 0) // 11))
    ),
    "255 long header lines": lambda data, length: _lines(b"X: " + b"y" * (length // 256))(data, length),
    "lines without a colon": _lines(b"X"),
    "folds of one line": _line(b"Subject", b"\r\n x"),
    "folds of From": _in(FROM_NAME, b"\r\n "),
    "Vias, a line each": _in(b"SIP/2.0\r\n", b"v:SIP/2.0/UDP h\r\n"),
    "Vias in one line": _line(b"Via", b"SIP/2.0/UDP h,", end=b"SIP/2.0/UDP h"),
    "parameters of the first Via": _end_of_via(b";x=y"),
    "flags of the first Via": _end_of_via(b";x"),
    "quoted parameters of the first Via": _end_of_via(b';y="z"'),
    "rports of the first Via": _end_of_via(b";rport"),
    "spaces of the first Via": _in(b"Via: SIP/2.0/UDP", b" "),
    "a branch": _in(b";branch=z9hG4bK", b"x"),
    "a display name": _in(FROM_NAME, b"x "),
    "quoted strings before an asserted identity": _line(b"P-Asserted-Identity", b'"a"', end=_ADDRESS),
    "escapes in a quoted display name": lambda data, length: data.replace(
        FROM_NAME, FROM_NAME + b'"' + b'\\"' * (max(length - len(data), 0) // 2) + b'"'
    ),
    "an open quote and escapes": lambda data, length: data.replace(
        FROM_NAME, FROM_NAME + b'"' + b"\\\\" * (max(length - len(data), 0) // 2)
    ),
    "open angle brackets": _in(FROM_NAME, b"<"),
    "parameters of From": _in(b"@lab.example>", b";a=b"),
    "quoted parameters of From": _in(b"@lab.example>", b';a="b;"'),
    "open quotes in parameters of From": _in(b"@lab.example>", b';a="\\'),
    "parameters of To": _in(b"+16365550199@lab.example>", b";a"),
    "a Request-URI": _in(b"INVITE sip:", b"9"),
    "escapes in the Request-URI": _in(b"INVITE sip:", b"%39"),
    "parameters of the Request-URI": _in(b"INVITE sip:+16365550199@lab.example", b";a=b"),
    "rn in the Request-URI": _in(b"INVITE sip:+16365550199", b";rn=1"),
    "a Call-ID": _in(b"\r\nCall-ID: ", b"x"),
    "digits of CSeq": _in(b"\r\nCSeq: ", b"0"),
    "digits of Max-Forwards": _in(b"\r\nMax-Forwards: ", b"0"),
    "digits of Content-Length": _in(b"\r\nContent-Length: ", b"0"),
    "asserted identities in one line": _line(b"P-Asserted-Identity", _ADDRESS + b",", end=_ADDRESS),
    "asserted identities, a line each": _lines(b"P-Asserted-Identity: " + _ADDRESS),
    "commas in an asserted identity": _line(b"P-Asserted-Identity", b","),
    "diversions": _line(b"Diversion", _ADDRESS + b";reason=x,", end=_ADDRESS),
    "an open quote in a diversion": _line(b"Diversion", b'"\\"'),
    "history": _line(b"History-Info", _ADDRESS + b";index=1,", end=_ADDRESS),
    "charge": _line(b"P-Charge-Info", _ADDRESS + b",", end=_ADDRESS),
    "privacy": _line(b"Privacy", b"id;", end=b"id"),
    "a PASSporT": _line(b"Identity", b"eyJ", end=b".eyJ9.x;info=<https://h>"),
    "dots of a PASSporT": _line(b"Identity", b"."),
    "brackets of a PASSporT": _line(b"Identity", b"W1tb"),
    "PASSporTs, a line each": _lines(b"Identity: eyJ9.eyJ9.x"),
    "routes in one line": _line(b"Route", b"<sip:192.0.2.9;lr>,", end=b"<sip:192.0.2.9;lr>"),
    "routes, a line each": _lines(b"Route: <sip:192.0.2.9;lr>"),
    "Proxy-Require": _line(b"Proxy-Require", b"a,"),
    "a name of a header field": _in(b"SIP/2.0\r\n", b"x", end=b": y\r\n"),
    "spaces before a colon": _lines(b"Subject" + b" " * 200 + b": y"),
    "an unknown header field": _line(b"X", b"y"),
    "NULs in a header field": _line(b"X", b"\0"),
    "bare line feeds": _line(b"X", b"\n"),
    "bare carriage returns": _line(b"X", b"\r"),
    "a body": _body,
    "octets behind the body": lambda data, length: data + b"INVITE " * (max(length - len(data), 0) // 7),
    "line ends alone": _whole(b"\r\n"),
    "NULs alone": _whole(b"\0"),
    "binary": _whole(bytes(range(256))),
    "colons": _whole(b":"),
    "a start line": _whole(b"INVITE sip:x "),
    "a start line of versions": _whole(b" SIP/2.0"),
}
"""Of a request that opens a call."""

RESPONSES: Final[dict[str, Grow]] = {
    "response: Vias, a line each": _in(b"Answer\r\n", b"v:SIP/2.0/UDP h\r\n"),
    "response: header lines": _in(b"Answer\r\n", b"X: y\r\n"),
    "response: 250 long header lines": lambda data, length: _in(
        b"Answer\r\n", b"X: " + b"y" * (length // 252) + b"\r\n"
    )(data, length),
    "response: folds": _in(b"\r\nTo: ", b"\r\n "),
    "response: Vias behind ours": _in(b"\r\nVia: SIP/2.0/UDP ", b"h,SIP/2.0/UDP "),
    "response: parameters of To": _in(b"+16365550199@lab.example>", b";a=b"),
    "response: quoted parameters of To": _in(b"+16365550199@lab.example>", b';a="b;"'),
    "response: digits of CSeq": _in(b"\r\nCSeq: ", b"0"),
    "response: a reason phrase": _in(b"SIP/2.0 183 ", b"x"),
    "response: a body": _body,
}
"""Of a 183 that answers an INVITE of ours, with `Answer` as its phrase."""
