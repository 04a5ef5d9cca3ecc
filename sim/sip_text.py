"""A SIP message as lines of bytes: read, changed line by line, written back; what is not changed stays byte for byte.

This is the simulator's only door to SIP parsing. It reads what the cast itself and a gateway send; a datagram that it
can't read is None, never an exception.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import NamedTuple

Address = tuple[str, int]
"""IP address (without brackets) and UDP port."""

MAX_FIELDS = 256
"""More header fields than this and the message is not read: the cast sends fewer than 30."""

_COMPACT = {  # RFC 3261 section 7.3.3, 20; RFC 3265; RFC 8224
    b"v": b"via",
    b"f": b"from",
    b"t": b"to",
    b"i": b"call-id",
    b"m": b"contact",
    b"l": b"content-length",
    b"c": b"content-type",
    b"e": b"content-encoding",
    b"s": b"subject",
    b"k": b"supported",
    b"y": b"identity",
}


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
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return None
    lines = head.split(b"\r\n")
    if len(lines) > MAX_FIELDS or not _is_start_line(lines[0]):
        return None
    fields: list[Field] = []
    for line in lines[1:]:
        if line[:1] in (b" ", b"\t") and fields:
            last = fields[-1]
            fields[-1] = Field(last.name, last.value + b" " + line.strip(), last.raw + b"\r\n" + line)
            continue
        name, colon, value = line.partition(b":")
        if not colon:
            return None
        name = name.strip().lower()
        fields.append(Field(_COMPACT.get(name, name), value.strip(), line))
    message = SipText(lines[0], tuple(fields), body)
    if any(message.first(name) is None for name in (b"via", b"from", b"to", b"call-id", b"cseq")):
        return None
    return message


def _is_start_line(line: bytes) -> bool:
    if line.startswith(b"SIP/2.0 "):
        return line[8:11].isdigit()
    return line.endswith(b" SIP/2.0") and line.count(b" ") == 2


def split_list(value: bytes) -> list[bytes]:
    """The members of a comma-separated list; commas within quotes and angle brackets don't separate."""
    if b"," not in value:
        return [value]
    members: list[bytes] = []
    quoted, bracketed, start = False, False, 0
    for at, byte in enumerate(value):
        if byte == 0x22:
            quoted = not quoted
        elif quoted:
            continue
        elif byte in b"<>":
            bracketed = byte == 0x3C
        elif byte == 0x2C and not bracketed:
            members.append(value[start:at].strip())
            start = at + 1
    members.append(value[start:].strip())
    return members


def parameter(value: bytes, name: bytes) -> bytes | None:
    """A header parameter's value (``;tag=...``), looked for behind the angle brackets; b"" where it has no value."""
    for part in value.rpartition(b">")[2].split(b";")[1:]:
        key, _, content = part.partition(b"=")
        if key.strip().lower() == name:
            return content.strip()
    return None


def uri_of(value: bytes) -> bytes:
    """The URI of a name-addr or addr-spec (RFC 3261 section 25.1), without header parameters."""
    _, bracket, rest = value.partition(b"<")
    return rest.partition(b">")[0] if bracket else value.partition(b";")[0].strip()


def address_of(uri: bytes) -> Address | None:
    """Where a sip URI with a numeric host leads; None for any other URI. The port defaults to 5060."""
    scheme, colon, rest = uri.partition(b":")
    if not colon or scheme.lower() != b"sip":
        return None
    return parse_host_port(rest.rpartition(b"@")[2].partition(b";")[0].partition(b"?")[0])


def parse_host_port(text: bytes) -> Address | None:
    """``127.0.0.1:5060``, ``[::1]:5060``; None where the host is no IP address or the port no port."""
    decoded = text.decode("ascii", "replace").strip()
    host, port = decoded, "5060"
    if decoded.startswith("["):
        host, _, rest = decoded[1:].partition("]")
        port = rest[1:] or port
    elif ":" in decoded:
        host, _, port = decoded.partition(":")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        return None
    return host, int(port)


def host_port(address: Address) -> str:
    """As it stands in a URI or a Via: IPv6 in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def via_target(via: bytes) -> Address | None:
    """Where a response with this Via on top goes: received and rport before sent-by (RFC 3261 18.2.2, RFC 3581)."""
    sent_by = parse_host_port(via.partition(b";")[0].rpartition(b" ")[2])
    received, rport = parameter(via, b"received"), parameter(via, b"rport")
    if sent_by is None and received is None:
        return None
    host = received.decode("ascii", "replace").strip("[]") if received else (sent_by or ("", 0))[0]
    port = int(rport) if rport and rport.isdigit() else (sent_by or ("", 5060))[1]
    return host, port
