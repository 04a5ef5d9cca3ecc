"""A SIP message as lines of bytes: read, changed line by line, written back; what is not changed stays byte for byte.

This is the simulator's only door to the SIP codec. The codec says whether a datagram is a SIP message and takes its
values apart; here stand the lines themselves, all of them, because the cast adds, takes off and alters lines. A
datagram that the codec can't read is None, never an exception.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import NamedTuple

from gateway.codecs import sip
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers

Address = tuple[str, int]
"""IP address (without brackets) and UDP port."""

_LONG_NAMES = {h.compact.encode(): h.name.lower().encode() for h in headers.ALL if h.compact is not None}
_ALWAYS = (headers.VIA, headers.FROM, headers.TO, headers.CALL_ID)


class Field(NamedTuple):
    """One header field as it stands on the wire."""

    name: bytes
    """Lower case, long form: ``via`` also where the message has ``v``."""
    value: bytes
    """Unfolded, without the space around it."""
    raw: bytes
    """The line or folded lines, without the last CRLF."""


def field(name: str, value: str) -> Field:
    """A new header field. Raises ValueError where the value would break out of its line."""
    line = f"{name}: {value}".encode("utf-8", "surrogateescape")
    if b"\r" in line or b"\n" in line:
        raise ValueError(f"header field {name}: a value has no line break in it, got {value!r}")
    return Field(name.lower().encode(), value.encode("utf-8", "surrogateescape"), line)


@dataclass(frozen=True, slots=True)
class SipText:
    """A SIP message in three parts (RFC 3261 section 7)."""

    start_line: bytes
    fields: tuple[Field, ...]
    body: bytes

    def __bytes__(self) -> bytes:
        return b"\r\n".join([self.start_line, *(f.raw for f in self.fields), b"", self.body])

    def first(self, name: bytes) -> bytes | None:
        """The value of the first field of that name, None where there is none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate.value
        return None

    def text(self, name: str) -> str | None:
        """As `first`, as text."""
        value = self.first(name.lower().encode())
        return None if value is None else value.decode("utf-8", "surrogateescape")

    def values(self, name: bytes) -> list[bytes]:
        """Every value of a list-valued field, comma-separated ones each on its own, in order (section 7.3.1)."""
        return [item for f in self.fields if f.name == name for item in split_list(f.value)]

    @property
    def is_request(self) -> bool:
        return not self.start_line.startswith(b"SIP/2.0 ")

    @property
    def method(self) -> bytes:
        """Method of a request; of a response, the method of its CSeq."""
        if self.is_request:
            return self.start_line.partition(b" ")[0]
        return (self.first(b"cseq") or b"").rpartition(b" ")[2]

    @property
    def request_uri(self) -> bytes:
        return self.start_line.partition(b" ")[2].rpartition(b" ")[0]

    @property
    def status(self) -> int:
        """Status code of a response; 0 where there is none."""
        digits = self.start_line[8:11]
        return int(digits) if digits.isdigit() else 0

    @property
    def phrase(self) -> str:
        return self.start_line[12:].decode("utf-8", "surrogateescape")


def read(data: bytes) -> SipText | None:
    """The message in a datagram, or None where it isn't one that can be answered or matched."""
    try:
        parsed = SipMessage(data)
        for needed in _ALWAYS:
            parsed.required(needed)
        parsed.cseq()
    except Malformed:
        return None
    start_line, *lines = data[: parsed.head_end].split(b"\r\n")
    fields: list[Field] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and fields:
            last = fields[-1]
            fields[-1] = Field(last.name, last.value + b" " + line.strip(), last.raw + b"\r\n" + line)
            continue
        name, _, value = line.partition(b":")
        name = name.strip().lower()
        fields.append(Field(_LONG_NAMES.get(name, name), value.strip(), line))
    return SipText(start_line, tuple(fields), data[parsed.body_offset :])


def split_list(value: bytes) -> list[bytes]:
    """The members of a comma-separated list; commas within quotes and angle brackets don't separate."""
    return [value[start:end] for start, end in sip.split_list(value)]


def parameter(value: bytes, name: bytes) -> bytes | None:
    """A header parameter's value (``;tag=...``), looked for behind the angle brackets; b"" where it has no value."""
    _, semicolon, parameters = value.rpartition(b">")[2].partition(b";")
    return sip.parameter_of(semicolon + parameters, name)


def uri_of(value: bytes) -> bytes:
    """The URI of a name-addr or addr-spec (RFC 3261 section 25.1); empty where there is none."""
    try:
        return sip.parse_name_addr(value).uri
    except Malformed:
        return b""


def address_of(uri: bytes) -> Address | None:
    """Where a sip URI with a numeric host leads; None for any other URI. The port defaults to 5060."""
    try:
        parsed = sip.parse_uri(uri)
    except Malformed:
        return None
    return _numeric(parsed.host, parsed.port or 5060) if parsed.scheme == b"sip" else None


def _numeric(host: bytes, port: int) -> Address | None:
    text = host.decode("ascii", "replace").strip("[]")
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return None
    return (text, port) if 0 < port < 65536 else None


def host_port(address: Address) -> str:
    """As it stands in a URI or a Via: IPv6 in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def via_target(via: bytes) -> Address | None:
    """Where a response with this Via on top goes: received and rport before sent-by (RFC 3261 18.2.2, RFC 3581)."""
    try:
        parsed = sip.parse_via(via)
    except Malformed:
        return None
    received, rport = parameter(via, b"received"), parameter(via, b"rport")
    return _numeric(received or parsed.host, int(rport) if rport and rport.isdigit() else parsed.port)
