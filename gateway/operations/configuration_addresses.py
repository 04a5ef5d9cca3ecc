"""How addresses and names are written in a configuration: listeners, members, DNS servers."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

from pydantic_core import PydanticCustomError

from gateway.codecs.malformed import Malformed
from gateway.interconnection.trunk_groups import Address, Hop, Transport
from gateway.signalling.locating import target_of

_TRANSPORTS = frozenset(transport.value for transport in Transport if transport is not Transport.SS7)
_NAMED = re.compile(
    r"(udp:|tcp:|tls:)?([A-Za-z0-9][A-Za-z0-9.-]{0,251}\.[A-Za-z][A-Za-z-]{0,61}[A-Za-z])(:[0-9]{1,5})?"
)


def refused(reason: str, remedy: str) -> PydanticCustomError:
    """The error of a value that this schema itself refuses, in a fault's two halves."""
    return PydanticCustomError("refused", "{reason}; {remedy}", {"reason": reason, "remedy": remedy})


def parse_address(text: object, *, any_port: bool = False) -> Address:
    """``127.0.0.1:5060`` or ``[::1]:5060`` as host and port. Port 0 (any free one) only where `any_port` is set."""
    if not isinstance(text, str):
        raise refused("is not text", 'write "ADDRESS:PORT" in quotes')
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        address = ip_address(host[1:-1] if bracketed else host)
    except ValueError:
        address = None
    if address is None or not colon or bracketed is not isinstance(address, IPv6Address):
        raise refused(f"{text[:80]!r} is not an IP address and port", 'write "192.0.2.1:5060" or "[2001:db8::1]:5060"')
    if "%" in host:  # no Via or Record-Route can carry it (RFC 3261 section 25.1)
        raise refused(f"{text[:80]!r} has a zone, which means nothing to others", "write an address that needs none")
    lowest = 0 if any_port else 1
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and lowest <= int(port) <= 65_535):
        raise refused(f"{port[:20]!r} is not a port", f"write a number from {lowest} to 65535")
    return str(address), int(port)


def parse_hop(text: object, *, any_port: bool = False) -> Hop:
    """An address with the transport before it, ``tcp:127.0.0.1:5060``; UDP where none is named."""
    if not isinstance(text, str):
        raise refused("is not text", 'write "ADDRESS:PORT" in quotes')
    transport, _, rest = text.partition(":")
    if transport not in _TRANSPORTS:
        return Hop(*parse_address(text, any_port=any_port))
    host, port = parse_address(rest, any_port=any_port)
    return Hop(host, port, Transport(transport))


def parse_member(text: object) -> Hop | str:
    """A member's address, or the URI of its name: ``switch.example``, ``tcp:switch.example:5070`` or a SIP URI.

    Without a scheme, a name ends in letters: a slip in an address must not become a name.
    """
    if not isinstance(text, str):
        raise refused("is not text", 'write "ADDRESS:PORT" in quotes')
    if text[:4].lower() == "sip:" or text[:5].lower() == "sips:":
        return _member_of_uri(text)
    named = _NAMED.fullmatch(text)
    if named is None:
        return parse_hop(text)
    transport, host, port = named.groups()
    return _member_of_uri(f"sip:{host}{port or ''}" + (f";transport={transport[:-1]}" if transport else ""))


def _member_of_uri(text: str) -> Hop | str:
    try:
        target = target_of(text.encode())
    except Malformed as fault:
        raise refused(f"{text[:80]!r}: {fault.what}", 'write "sip:switch.example;transport=tcp"') from None
    if target is None:
        reason = f"{text[:80]!r} names no host, or a transport other than udp, tcp and tls"
        raise refused(reason, 'write "sip:switch.example;transport=tcp"')
    if target.is_address:
        raise refused(f"{text[:80]!r} is an address and no name", 'write it as "tcp:192.0.2.1:5060"')
    return str(target)


def parse_dns_server(text: object) -> Address:
    """An IP address, with a port or, for port 53, without."""
    try:
        return str(ip_address(str(text))), 53
    except ValueError:
        return parse_address(text)
