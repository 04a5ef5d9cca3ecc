"""The gateway's own side of SIP: how it names itself, knows its own name again, and answers for itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2s
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from zlib import crc32

from gateway.codecs.sip import edit, headers
from gateway.codecs.sip.grammar import Uri, parse_name_addr, parse_uri, split_list
from gateway.codecs.sip.message import SipMessage
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.policy.verdict import Finding

_UDP: Final = Transport.UDP


class Listener:
    """One address at which the gateway takes SIP, as it is written into messages."""

    def __init__(self, hop: Hop) -> None:
        """`hop`: transport, host and port under which peers reach us."""
        host = f"[{hop.host}]" if ":" in hop.host else hop.host  # RFC 3261 section 25.1, IPv6reference
        sent_by = f"{host}:{hop.port}".encode()
        parameters = b";lr" if hop.transport is _UDP else b";transport=%s;lr" % hop.transport.encode()
        self.hop: Final = hop
        self.via: Final = b"Via: SIP/2.0/%s %s;branch=" % (hop.transport.upper().encode(), sent_by)
        """A Via line of ours, up to its branch."""
        self.route: Final = b"<sip:" + sent_by + parameters + b">"
        self.record_route: Final = b"\r\nRecord-Route: " + self.route + b"\r\n"
        """What follows the branch where requests of the dialog are to come back to us."""
        self.host_and_port: Final = (host.encode(), hop.port)


class OwnSide:
    """What the proxy writes of itself into messages, and what it recognises as its own in them."""

    def __init__(self, listeners: Sequence[Hop], secret: bytes) -> None:
        """`listeners`: at least one, and at most one for a transport and IP version.

        `secret` is random for each run, at most 32 letters and digits: branches and tags come from it.
        """
        self._listeners: Final = {(hop.transport, ":" in hop.host): Listener(hop) for hop in listeners}
        self._first: Final = next(iter(self._listeners.values()))
        self._routes: Final = frozenset(listener.route for listener in self._listeners.values())
        self._hosts_and_ports: Final = frozenset(listener.host_and_port for listener in self._listeners.values())
        self._hops: Final = frozenset(listener.hop for listener in self._listeners.values())
        self._secret: Final = secret
        self._branch_seed: Final = blake2s(key=secret, digest_size=8)
        self._branches = 0

    def towards(self, hop: Hop) -> Listener:
        """The listener from which that peer is reached."""
        return self._listeners.get((hop.transport, ":" in hop.host), self._first)

    def new_branch(self) -> bytes:
        # Who was sent one branch must not know the next: responses to others' calls could be forged with it.
        self._branches += 1
        keyed = self._branch_seed.copy()
        keyed.update(b"%x" % self._branches)
        return b"z9hG4bKtg%x.%s" % (self._branches, keyed.hexdigest().encode())

    def is_first_route_of(self, request: SipMessage) -> bool:
        """Whether the first Route is our own Record-Route coming back."""
        value = request.value(headers.ROUTE)
        if value is None:
            return False
        if value in self._routes:
            return True
        uri = parse_uri(parse_name_addr(_first(value)).uri)
        return (uri.host, uri.port or 5060) in self._hosts_and_ports

    def next_hop(self, request: SipMessage, otherwise: Hop) -> Hop:
        """Where a request inside a dialog goes: the next Route, else the Request-URI, where these give an address.

        A name instead of an address sends it where the call's other side was reached before.
        """
        target = _address_in(request.request_uri)
        value = request.value(headers.ROUTE)
        if value is not None and (value not in self._routes or len(request.numbers(headers.ROUTE)) > 1):
            for route in _routes(request):
                uri = parse_uri(parse_name_addr(route).uri)
                if (uri.host, uri.port or 5060) not in self._hosts_and_ports:
                    target = _address_of(uri)
                    break
        if target is None or target in self._hops:
            return otherwise  # nor to ourselves, round and round until Max-Forwards is used up
        return target

    def answer(self, request: SipMessage, status: int, phrase: str, via: bytes | None, extra: bytes = b"") -> bytes:
        tag = b"" if status == 100 else self._tag_for(request)
        return edit.response(request, status, phrase, to_tag=tag, via=via, extra=extra)

    def _tag_for(self, request: SipMessage) -> bytes:
        """A To tag of ours: the same for the same request, so that no state is needed to give it twice."""
        return b"tg%08x" % crc32(request.required(headers.CALL_ID) + self._secret)


def _address_in(request_uri: bytes) -> Hop | None:
    return _address_of(parse_uri(request_uri))


def _address_of(uri: Uri) -> Hop | None:
    """The address that a URI names; None where it names a host, which a socket would stop everything to look up."""
    address = _ip_address(uri.host)
    return Hop(address, uri.port or 5060) if address is not None else None


@lru_cache(maxsize=1_024)
def _ip_address(host: bytes) -> str | None:
    text = host.decode("ascii", "replace")
    try:
        return str(IPv6Address(text[1:-1])) if text.startswith("[") else str(IPv4Address(text))
    except ValueError:
        return None


def _routes(request: SipMessage) -> Iterator[bytes]:
    for span in request.spans(headers.ROUTE):
        line = request.text(span)
        for start, end in split_list(line):
            yield line[start:end]


def _first(value: bytes) -> bytes:
    if b"," not in value:
        return value
    start, end = next(split_list(value))
    return value[start:end]


def reason_header(finding: Finding) -> bytes:
    """Why, for machines (RFC 3326): the Q.850 cause, and the check and clause behind the refusal."""
    if finding.refusal is None:
        return b""
    text = f"{finding.verdict.value} {finding.check} {finding.clause}"
    return f'Reason: Q.850;cause={finding.refusal.cause};text="{text}"\r\n'.encode("ascii", "replace")
