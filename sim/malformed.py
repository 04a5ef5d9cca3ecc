"""Hostile and broken datagrams, each with what a gateway owes it: a 400 where one can be answered, else a counted drop.

A request can be answered when its first line ends with a version of SIP, its header lines can be told apart, and it has
the fields of which a response is made: Via, From, To, Call-ID and CSeq (RFC 3261 section 8.2.6.2). What is wrong within
these fields doesn't hinder that; the answer goes to where the packet came from. A broken response is never answered
(section 18.1.2). Every datagram of the corpus is complete in itself; `{own}` in it stands for the sender's address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from sim.sip_text import Address, host_port


class Expected(Enum):
    """What the gateway does with a datagram."""

    ANSWERED_400 = "400"  # Bad Request
    ANSWERED_483 = "483"  # Too Many Hops (RFC 3261 section 16.3, item 3)
    ANSWERED_414 = "414"  # Request-URI Too Long (section 21.4.13)
    ANSWERED_416 = "416"  # Unsupported URI Scheme (section 16.3, item 2)
    ANSWERED_481 = "481"  # Call/Transaction Does Not Exist
    ANSWERED_420 = "420"  # Bad Extension (section 16.3, item 5)
    ANSWERED_505 = "505"  # Version Not Supported (RFC 4475 section 3.1.2.16)
    DROPPED = "dropped"

    @property
    def status(self) -> int | None:
        """The status of the answer; None where there is none."""
        return None if self is Expected.DROPPED else int(self.value)


@dataclass(frozen=True, slots=True)
class HostileDatagram:
    """One datagram of the corpus."""

    name: str
    template: bytes
    expected: Expected

    def payload(self, own: Address) -> bytes:
        """The bytes to send from the socket at `own`."""
        return self.template.replace(b"{own}", host_port(own).encode())


def _invite(mark: str, **changes: str | None) -> bytes:
    """A sound INVITE with some fields changed, keyword `call_id` for Call-ID; None leaves a field out."""
    values: dict[str, str | None] = {
        "start": "INVITE sip:+15735550123@127.0.0.1;user=phone SIP/2.0",
        "via": f"SIP/2.0/UDP {{own}};branch=z9hG4bKhostile-{mark}",
        "max_forwards": "70",
        "from": f"<sip:+13145550100@hostile.invalid>;tag={mark}",
        "to": "<sip:+15735550123@127.0.0.1>",
        "call_id": f"{mark}@hostile.invalid",
        "cseq": "1 INVITE",
        "contact": "<sip:hostile@{own}>",
        "content_length": "0",
        **changes,
    }
    lines = [values.pop("start") or ""]
    lines += [f"{_NAMES.get(key, key.title())}: {value}" for key, value in values.items() if value is not None]
    return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape")


_NAMES = {
    "max_forwards": "Max-Forwards",
    "call_id": "Call-ID",
    "cseq": "CSeq",
    "content_length": "Content-Length",
    "proxy_require": "Proxy-Require",
}


def _with_line(mark: str, line: bytes) -> bytes:
    """A sound INVITE with one more line behind the start line."""
    start, _, rest = _invite(mark).partition(b"\r\n")
    return start + b"\r\n" + line + b"\r\n" + rest


def _response(mark: str, start: str, **changes: str | None) -> bytes:
    return _invite(mark, start=start, max_forwards=None, contact=None, **changes)


_FIELD_FAULTS: tuple[tuple[str, dict[str, str | None], Expected], ...] = (
    ("no Via", {"via": None}, Expected.DROPPED),
    ("no From", {"from": None}, Expected.DROPPED),
    ("no To", {"to": None}, Expected.DROPPED),
    ("no Call-ID", {"call_id": None}, Expected.DROPPED),
    ("no CSeq", {"cseq": None}, Expected.DROPPED),
    ("an empty Call-ID", {"call_id": ""}, Expected.DROPPED),
    ("an absurd Via", {"via": "SIP/2.0/UDP ][;;;branch"}, Expected.ANSWERED_400),
    ("a Via port of 99999", {"via": "SIP/2.0/UDP 127.0.0.1:99999;branch=z9hG4bKhostile"}, Expected.ANSWERED_400),
    ("a Via without a protocol", {"via": "{own};branch=z9hG4bKhostile"}, Expected.ANSWERED_400),
    ("a CSeq of another method", {"cseq": "1 BYE"}, Expected.ANSWERED_400),
    ("a CSeq without a method", {"cseq": "1"}, Expected.ANSWERED_400),
    ("a CSeq over 2**31", {"cseq": "4294967295 INVITE"}, Expected.ANSWERED_400),
    ("a CSeq that is no number", {"cseq": "one INVITE"}, Expected.ANSWERED_400),
    ("a negative Content-Length", {"content_length": "-1"}, Expected.ANSWERED_400),
    ("a Content-Length that is no number", {"content_length": "all of it"}, Expected.ANSWERED_400),
    ("a Content-Length over the datagram", {"content_length": "9000"}, Expected.ANSWERED_400),
    ("a Content-Length of forty digits", {"content_length": "9" * 40}, Expected.ANSWERED_400),
    ("a Max-Forwards of 0", {"max_forwards": "0"}, Expected.ANSWERED_483),
    ("a Max-Forwards that is no number", {"max_forwards": "many"}, Expected.ANSWERED_400),
    ("a negative Max-Forwards", {"max_forwards": "-1"}, Expected.ANSWERED_400),
    ("a Max-Forwards over 255", {"max_forwards": "256"}, Expected.ANSWERED_400),
    ("a From that isn't an address", {"from": "<<<>;tag"}, Expected.ANSWERED_400),
    ("an unclosed quote in From", {"from": '"never closed <sip:a@b>;tag=1'}, Expected.ANSWERED_400),
    ("an extension that nobody knows", {"proxy_require": "mind-reading"}, Expected.ANSWERED_420),
)

_START_LINES: tuple[tuple[str, str, Expected], ...] = (
    ("a Request-URI with a space", "INVITE sip:+1573 5550123@127.0.0.1 SIP/2.0", Expected.ANSWERED_400),
    ("no Request-URI", "INVITE SIP/2.0", Expected.ANSWERED_400),
    ("an empty Request-URI", "INVITE  SIP/2.0", Expected.ANSWERED_400),
    ("a Request-URI of 4,000 bytes", f"INVITE sip:{'9' * 4000}@127.0.0.1 SIP/2.0", Expected.ANSWERED_414),
    ("a foreign scheme", "INVITE gopher:+15735550123 SIP/2.0", Expected.ANSWERED_416),
    ("another version", "INVITE sip:+15735550123@127.0.0.1 SIP/3.0", Expected.ANSWERED_505),
    ("HTTP", "GET / HTTP/1.1", Expected.DROPPED),
    ("a truncated start line", "INVI", Expected.DROPPED),
)

_RAW: tuple[tuple[str, Callable[[], bytes], Expected], ...] = (
    ("nothing at all", lambda: b"", Expected.DROPPED),
    ("a keep-alive of two line ends", lambda: b"\r\n\r\n", Expected.DROPPED),
    ("one NUL byte", lambda: b"\0", Expected.DROPPED),
    ("binary junk", lambda: bytes((n * 167 + 13) % 256 for n in range(1200)), Expected.DROPPED),
    ("65,000 bytes of one letter", lambda: b"A" * 65_000, Expected.DROPPED),
    ("a head without an end", lambda: _invite("open")[:-4], Expected.DROPPED),
    ("half an INVITE", lambda: _invite("half")[:150], Expected.DROPPED),
    ("two Call-IDs", lambda: _with_line("calls", b"Call-ID: another@hostile.invalid"), Expected.ANSWERED_400),
    ("two Froms", lambda: _with_line("froms", b"From: <sip:+15735550199@x.invalid>;tag=2"), Expected.ANSWERED_400),
    ("a compact and a long Call-ID", lambda: _with_line("both", b"i: another@hostile.invalid"), Expected.ANSWERED_400),
    ("two Content-Lengths", lambda: _with_line("lengths", b"l: 5"), Expected.ANSWERED_400),
    ("a line without a colon", lambda: _with_line("colon", b"this is no header field"), Expected.DROPPED),
    ("a field name with a space", lambda: _with_line("name", b"P Asserted Identity: x"), Expected.DROPPED),
    ("a NUL byte in a header", lambda: _with_line("nul", b"Subject: a\0b"), Expected.ANSWERED_400),
    ("a bare line feed", lambda: _with_line("feed", b"Subject: a\nPrivacy: none"), Expected.ANSWERED_400),
    ("2,000 header lines", lambda: _with_line("many", b"\r\n".join([b"X: y"] * 2000)), Expected.DROPPED),
    ("BYE of no call", lambda: _no_call("BYE"), Expected.ANSWERED_481),
    ("CANCEL of no call", lambda: _no_call("CANCEL"), Expected.ANSWERED_481),
    ("ACK of no call", lambda: _no_call("ACK"), Expected.DROPPED),
    ("a response to nothing", lambda: _response("stray", "SIP/2.0 200 OK"), Expected.DROPPED),
    ("status 999", lambda: _response("999", "SIP/2.0 999 Beyond"), Expected.DROPPED),
    ("status 20", lambda: _response("20", "SIP/2.0 20 OK"), Expected.DROPPED),
    ("a response without Via", lambda: _response("bare", "SIP/2.0 200 OK", via=None), Expected.DROPPED),
)


def _no_call(method: str) -> bytes:
    mark = f"no-call-{method.lower()}"
    to = "<sip:+15735550123@127.0.0.1>" + ("" if method == "CANCEL" else ";tag=nobody")
    return _invite(mark, start=f"{method} sip:+15735550123@127.0.0.1 SIP/2.0", cseq=f"1 {method}", to=to)


def corpus() -> tuple[HostileDatagram, ...]:
    """Every kind once; names are unique, and so are the Call-IDs and branches of those that have them."""
    kinds = [
        HostileDatagram(name, _invite(f"f{number}", **changes), expected)
        for number, (name, changes, expected) in enumerate(_FIELD_FAULTS)
    ]
    kinds += [
        HostileDatagram(name, _invite(f"s{number}", start=start), expected)
        for number, (name, start, expected) in enumerate(_START_LINES)
    ]
    kinds += [HostileDatagram(name, made(), expected) for name, made, expected in _RAW]
    return tuple(kinds)
