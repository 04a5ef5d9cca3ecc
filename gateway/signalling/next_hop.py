"""Where a request goes next, by its Route and Request-URI (RFC 3261 sections 16.4 and 16.6).

A message says where it wants to go, and whoever sends it may say anything. Within a dialog it goes where the other side
asked to be reached, by the Contact and Record-Route that it sent; the names in a message choose among those. A request
that opens a call goes to the trunk group that was decided, whatever Route it brought along.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, Uri, headers, parameter_of, parse_name_addr, parse_uri, split_list
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.locating import Target, target_of
from gateway.signalling.own_side import OwnSide
from gateway.signalling.rewriting import with_way

MAX_ROUTES: Final = 32
"""More entries in a Route than this make it malformed."""

_TRANSPORTS: Final = {transport.encode(): transport for transport in Transport}
_UDP: Final = Transport.UDP
_TLS: Final = Transport.TLS


class NextHops:
    """Reads what a request says of its way, and takes off what is said to us."""

    def __init__(self, own: OwnSide) -> None:
        self._own: Final = own

    def restored(self, request: SipMessage) -> SipMessage:
        """The request as it was before a strict router put our Record-Route into the Request-URI (section 16.4).

        What it took away stands at the end of the Route. Raises `Malformed` where that is no address.
        """
        if request.request_uri not in self._own.uris:
            return request
        routes = list(routes_of(request))
        if not routes:
            return request
        return with_way(request, parse_name_addr(routes[-1]).uri, routes[:-1])

    def out_of_dialog(self, request: SipMessage) -> tuple[SipMessage, bool]:
        """A request that opens a call without its Route, and whether the one entry of it is ours and still to be taken
        off.

        The trunk group that is decided is where it goes: no Route that the sender preloaded may lead past that one.
        Raises `Malformed` for a Route that is none.
        """
        value = request.value(headers.ROUTE)
        if value is None:
            return request, False
        if value in self._own.routes and len(request.spans(headers.ROUTE)) == 1:
            return request, True
        for route in routes_of(request):
            _uri_in(route)
        return with_way(request, request.request_uri, []), False

    def in_dialog(self, request: SipMessage, side: Hop, names: tuple[bytes, ...]) -> tuple[SipMessage, Hop, bool]:
        """The request as it goes on, where to, and whether the first Route is ours and still to be taken off.

        `side` is where the dialog's other side was reached before, `names` are the Contacts and Record-Routes that it
        sent. What is no address of that side, or a host name, goes to `side`. Raises `Malformed`.
        """
        value = request.value(headers.ROUTE)
        if value is None:
            return request, self._target_of(parse_uri(request.request_uri), side, names) or side, False
        if value in self._own.routes and len(request.spans(headers.ROUTE)) == 1:
            return request, self._target_of(parse_uri(request.request_uri), side, names) or side, True
        request = self.restored(request)
        routes = list(routes_of(request))
        entries = len(routes)
        while routes and self._own.owns(_uri_in(routes[0])):
            del routes[0]
        ours = entries - len(routes)
        if not routes:
            target = self._target_of(parse_uri(request.request_uri), side, names)
            return (request if ours == 1 else with_way(request, request.request_uri, [])), target or side, ours == 1
        uri = _uri_in(routes[0])
        target = self._target_of(uri, side, names)
        if target is None and _ip_address(uri.host) is not None:
            return with_way(request, request.request_uri, []), side, False  # nobody in the dialog gave that address
        if parameter_of(uri.parameters, b"lr") is None:  # a strict router, section 16.6 step 6
            strict = parse_name_addr(routes[0]).uri
            routes = [*routes[1:], b"<" + request.request_uri + b">"]
            return with_way(request, strict, routes), target or side, False
        return (request if ours == 1 else with_way(request, request.request_uri, routes)), target or side, ours == 1

    def name_in_dialog(self, request: SipMessage, names: tuple[bytes, ...]) -> Target | None:
        """Whom a request names as its next hop by a host name, where the dialog's other side gave that name; else None.

        Raises `Malformed`.
        """
        request = self.restored(request)
        onward = (parse_name_addr(route).uri for route in routes_of(request))
        uri = next((route for route in onward if not self._own.owns(parse_uri(route))), request.request_uri)
        target = target_of(uri)
        if target is None or target.is_address:
            return None
        given = (target_of(name) for name in _uris_in(names))
        return target if any(name is not None and name.host == target.host for name in given) else None

    def _target_of(self, uri: Uri, side: Hop, names: tuple[bytes, ...]) -> Hop | None:
        """The hop that a URI names, where it is one of that side and we can reach it; else None."""
        if uri.parameters and b"maddr" in uri.parameters.lower():
            host = _ip_address(parameter_of(uri.parameters, b"maddr") or b"")
        else:
            host = _ip_address(uri.host)
        if host is None:
            return None
        named = parameter_of(uri.parameters, b"transport") if uri.parameters else None
        transport = _TRANSPORTS.get(named.lower()) if named is not None else None
        if uri.scheme == b"sips":
            transport = _TLS
        if host == side.host:
            transport = transport or side.transport
            if transport is side.transport and uri.port in (0, side.port):
                return side
        elif named is not None and transport is None:
            return None
        transport = transport or _UDP
        target = Hop(host, uri.port or (5061 if transport is _TLS else 5060), transport)
        return target if _names_address(names, target) and self._own.can_reach(target) else None


def routes_of(request: SipMessage) -> Iterator[bytes]:
    """Every entry of the Route header fields, in order. Raises `Malformed` where there are too many."""
    count = 0
    for span in request.spans(headers.ROUTE):
        line = request.text(span)
        for start, end in split_list(line):
            count += 1
            if count > MAX_ROUTES:
                raise Malformed(f"more than {MAX_ROUTES} entries in Route", span[0])
            yield line[start:end]


def _uri_in(route: bytes) -> Uri:
    return parse_uri(parse_name_addr(route).uri)


def _names_address(names: tuple[bytes, ...], target: Hop) -> bool:
    """Whether the address and port stand in one of these values of Contact or Record-Route.

    At another port nobody may answer, and a BYE that nobody answers ends the call in the books while it goes on.
    """
    for raw in _uris_in(names):
        uri = parse_uri(raw)
        named = parameter_of(uri.parameters, b"maddr") if uri.parameters else None
        port = uri.port or (5061 if target.transport is _TLS else 5060)
        if port == target.port and target.host in (_ip_address(uri.host), _ip_address(named) if named else None):
            return True
    return False


def _uris_in(names: tuple[bytes, ...]) -> Iterator[bytes]:
    """Every URI in these values of Contact or Record-Route; what is none is passed over."""
    for value in names:
        for start, end in split_list(value):
            try:
                uri = parse_name_addr(value[start:end]).uri
                parse_uri(uri)
            except Malformed:  # it names nothing
                continue
            yield uri


@lru_cache(maxsize=1_024)
def _ip_address(host: bytes) -> str | None:
    """The address that a URI's host is; None for a name, which a socket would stop everything to look up."""
    text = host.decode("ascii", "replace")
    try:
        return str(IPv6Address(text[1:-1])) if text.startswith("[") else str(IPv4Address(text))
    except ValueError:
        return None
