"""Locating SIP servers (RFC 3263 section 4): which questions to ask, and which peers the answers name.

`locating` asks nothing itself. It is a generator that gives rounds of questions, is sent their answers, and in the end
returns the candidates; so it runs in a test against a table, and live behind a resolver.

What could not be found out is not taken as absent: a lost NAPTR answer would turn TLS into UDP, a lost SRV answer would
send calls to whatever else has the domain's name. Then nothing is located, and the reason given.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from ipaddress import IPv6Address, ip_address
from itertools import groupby
from typing import Final, NamedTuple

from gateway.codecs.sip import parameter_of, parse_uri
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.dns_records import Answer, IpAddress, Naptr, Question, RecordType, Srv, canonical_name

MAX_SERVERS: Final = 32
"""Servers of one SRV answer whose addresses are asked for: those of the best priorities, the heaviest first."""
MAX_CANDIDATES: Final = 64

_SERVICES: Final = {"SIP+D2U": Transport.UDP, "SIP+D2T": Transport.TCP, "SIPS+D2T": Transport.TLS}
_LABELS: Final = {Transport.UDP: "_sip._udp", Transport.TCP: "_sip._tcp", Transport.TLS: "_sips._tcp"}
_TRANSPORTS: Final = {transport.value: transport for transport in Transport}


class Target(NamedTuple):
    """Whom a URI names (RFC 3263 section 4: TARGET), and how it wants them reached."""

    host: str
    """IP address without brackets, or a name as `canonical_name` gives it."""
    port: int | None = None
    transport: Transport | None = None
    secure: bool = False
    """It is a SIPS URI: nothing but TLS will do."""

    @property
    def is_address(self) -> bool:
        """Whether it is known without asking anybody."""
        return _address(self.host) is not None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port is not None else ""
        transport = f";transport={self.transport.value}" if self.transport is not None else ""
        return f"{'sips' if self.secure else 'sip'}:{host}{port}{transport}"


class Candidate(NamedTuple):
    """One address of one server."""

    hop: Hop
    priority: int = 0
    weight: int = 0
    """Share among servers of one priority (RFC 2782); that of the server, which may have several addresses."""
    server: str = ""
    """Name of the server, of which this is an address."""


class Located(NamedTuple):
    """The end of a search."""

    candidates: tuple[Candidate, ...]
    """By priority, the addresses of one server together; `in_order_of_trial` draws by weight."""
    ttl_s: int | None
    """Seconds for which this holds; None for ever, where nothing was asked."""
    failure: str = ""
    """Why there are no candidates, or not all, for a person."""


Draw = Callable[[int], int]
"""Gives a whole number from 0 to its argument, both included, each as likely."""

_Round = tuple[Question, ...]


def target_of(uri: bytes) -> Target | None:
    """Whom a SIP or SIPS URI names: its maddr, else its host (RFC 3263 section 4).

    None where it names nobody who can be located: a transport that the gateway does not speak, a host that is no name.
    Raises `Malformed`.
    """
    parsed = parse_uri(uri)
    maddr = parameter_of(parsed.parameters, b"maddr")
    transport = parameter_of(parsed.parameters, b"transport")
    known = _TRANSPORTS.get(transport.decode("ascii", "replace").lower()) if transport is not None else None
    host = (maddr or parsed.host).decode("ascii", "replace")
    name = _address(host) or canonical_name(host)
    if name is None or (transport is not None and known is None):
        return None
    return Target(name, parsed.port or None, known, secure=parsed.scheme.lower() == b"sips")


def locating(target: Target, listeners: Iterable[Hop]) -> Generator[_Round, Sequence[Answer], Located]:
    """Locate a target's servers, as far as the gateway can reach them from its `listeners`.

    Yields rounds of questions, all of which may be asked at once, and must be sent the answers in the same order.
    """
    search = _Search(target, listeners)
    try:
        candidates = yield from search.candidates()
    except _NotLocated as end:
        return Located((), search.ttl_s, str(end))
    if not candidates:
        return Located((), search.ttl_s, "; ".join(search.failures) or f"{target.host} has no address")
    return Located(tuple(candidates[:MAX_CANDIDATES]), search.ttl_s, "; ".join(search.failures))


class _NotLocated(Exception):
    """The search is over and has found nothing; the text says why."""


class _Search:
    """One search: what is looked for, and what the answers so far allow to say."""

    def __init__(self, target: Target, listeners: Iterable[Hop]) -> None:
        self._target: Final = target
        self._reach: Final = [(listener.transport, ":" in listener.host) for listener in listeners]
        self._transports: Final = {transport for transport, _ in self._reach}
        self.ttl_s: int | None = None
        """The shortest of the answers so far."""
        self.failures: list[str] = []
        """Addresses that could not be found out, while others could."""

    def candidates(self) -> Generator[_Round, Sequence[Answer], list[Candidate]]:
        """RFC 3263 sections 4.1 and 4.2."""
        target = self._target
        transport = self._transport_by_uri()
        address = _address(target.host)
        if address is not None or target.port is not None:
            transport = self._spoken(transport or self._default)
            port = target.port or _port_of(transport)
            if address is None:
                return (yield from self._addresses_of([Srv(0, 0, port, target.host)], transport))
            if (transport, ":" in address) not in self._reach:
                raise _NotLocated(f"no listener of the gateway speaks {transport.value} to {address}")
            return [Candidate(Hop(address, port, transport))]
        services = None
        if transport is None:
            services = yield from self._services_by_naptr()
        if services is None:
            return (yield from self._by_name_of_service(transport))
        for transport, name in services:
            servers = (yield from self._servers([name]))[0]
            if servers:
                return (yield from self._addresses_of(servers, transport))
        raise _NotLocated(f"the services that NAPTR {target.host} names have no server")

    @property
    def _default(self) -> Transport:
        return Transport.TLS if self._target.secure else Transport.UDP

    def _transport_by_uri(self) -> Transport | None:
        """What the URI itself says of the transport."""
        transport = self._target.transport
        if not self._target.secure or transport is None:
            return transport
        if transport is Transport.UDP:
            raise _NotLocated("a SIPS URI cannot be reached over UDP")
        return Transport.TLS  # RFC 3261 section 26.2.2: transport=tcp of a SIPS URI is TLS over TCP

    def _spoken(self, transport: Transport) -> Transport:
        if transport not in self._transports:
            raise _NotLocated(f"the gateway has no listener for {transport.value}")
        return transport

    def _services_by_naptr(self) -> Generator[_Round, Sequence[Answer], list[tuple[Transport, str]] | None]:
        """Transport and SRV name of each service that can be used, the preferred first; None without any of SIP."""
        (answer,) = yield from self._ask([Question(self._target.host, RecordType.NAPTR)])
        known = [
            (record, _SERVICES[service])
            for record in answer.records
            if isinstance(record, Naptr) and (service := record.service.upper()) in _SERVICES
        ]
        if not known:
            return None
        usable = [
            (record, transport)
            for record, transport in known
            if record.flags.lower() == "s" and not record.regexp and record.replacement
            if transport in self._transports and (transport is Transport.TLS or not self._target.secure)
        ]
        if not usable:
            raise _NotLocated(f"NAPTR {self._target.host} names no service that the gateway has a listener for")
        order = min(
            record.order for record, _ in usable
        )  # once one matches, no other order counts (RFC 3403 section 4.1)
        chosen = sorted(
            (record.preference, record.replacement, transport) for record, transport in usable if record.order == order
        )
        return [(transport, name) for _, name, transport in chosen]

    def _by_name_of_service(self, wanted: Transport | None) -> Generator[_Round, Sequence[Answer], list[Candidate]]:
        """SRV by the well-known names of the services, else the plain address of the domain."""
        host = self._target.host
        if wanted is not None:
            transports = [self._spoken(wanted)]
        elif self._target.secure:
            transports = [self._spoken(Transport.TLS)]
        else:
            transports = [transport for transport in (Transport.UDP, Transport.TCP) if transport in self._transports]
        found = yield from self._servers([f"{_LABELS[transport]}.{host}" for transport in transports])
        for transport, servers in zip(transports, found, strict=True):
            if servers:
                return (yield from self._addresses_of(servers, transport))
        if any(servers is not None for servers in found):
            raise _NotLocated(f"{host} says by SRV that the service is not there")
        transport = self._spoken(wanted or self._default)
        return (yield from self._addresses_of([Srv(0, 0, _port_of(transport), host)], transport))

    def _servers(self, names: Sequence[str]) -> Generator[_Round, Sequence[Answer], list[list[Srv] | None]]:
        """The servers of each service, the best first; None where there is no SRV record, which says nothing."""
        answers = yield from self._ask([Question(name, RecordType.SRV) for name in names])
        found: list[list[Srv] | None] = []
        for answer in answers:
            servers = [record for record in answer.records if isinstance(record, Srv)]
            found.append(
                sorted((server for server in servers if server.target and server.port), key=_rank) if servers else None
            )
        return found

    def _addresses_of(
        self, servers: Sequence[Srv], transport: Transport
    ) -> Generator[_Round, Sequence[Answer], list[Candidate]]:
        """The addresses of each server, of the IP versions that the gateway speaks."""
        servers = servers[:MAX_SERVERS]
        types = [RecordType.AAAA if v6 else RecordType.A for spoken, v6 in self._reach if spoken is transport]
        names = dict.fromkeys(server.target for server in servers)
        questions = [Question(name, kind) for name in names for kind in types]
        answers = yield tuple(questions)
        hosts: dict[str, list[str]] = {name: [] for name in names}
        for question, answer in zip(questions, answers, strict=True):
            self._note(answer)
            if answer.failure:
                self.failures.append(f"{question}: {answer.failure}")
            hosts[question.name] += [record.host for record in answer.records if isinstance(record, IpAddress)]
        candidates: dict[Hop, Candidate] = {}
        for server in servers:
            for host in filter(_is_of_one_peer, hosts[server.target]):
                hop = Hop(host, server.port, transport)
                candidates.setdefault(hop, Candidate(hop, server.priority, server.weight, server.target))
        return list(candidates.values())

    def _ask(self, questions: Sequence[Question]) -> Generator[_Round, Sequence[Answer], Sequence[Answer]]:
        """Ask what must be known to go on."""
        answers = yield tuple(questions)
        for question, answer in zip(questions, answers, strict=True):
            self._note(answer)
            if answer.failure:
                raise _NotLocated(f"{question}: {answer.failure}")
        return answers

    def _note(self, answer: Answer) -> None:
        self.ttl_s = answer.ttl_s if self.ttl_s is None else min(self.ttl_s, answer.ttl_s)


def in_order_of_trial(candidates: Sequence[Candidate], draw: Draw) -> tuple[Candidate, ...]:
    """Candidates in the order in which RFC 2782 has them tried: by priority, within one drawn by weight.

    A server's addresses stay together. Takes candidates as `Located` has them.
    """
    ordered: list[Candidate] = []
    for _, equals in groupby(candidates, key=lambda candidate: candidate.priority):
        servers = [tuple(addresses) for _, addresses in groupby(equals, key=_server_of)]
        servers.sort(key=lambda addresses: addresses[0].weight > 0)  # RFC 2782: those of weight 0 at the beginning
        while servers:
            mark, running = draw(sum(addresses[0].weight for addresses in servers)), 0
            for place, addresses in enumerate(servers):
                running += addresses[0].weight
                if running >= mark:
                    ordered += servers.pop(place)
                    break
            else:
                raise ValueError("draw gives more than it was asked for")
    return tuple(ordered)


def _server_of(candidate: Candidate) -> tuple[str, int, int]:
    return candidate.server, candidate.hop.port, candidate.weight


def _rank(server: Srv) -> tuple[int, int, str, int]:
    return server.priority, -server.weight, server.target, server.port


def _port_of(transport: Transport) -> int:
    return 5061 if transport is Transport.TLS else 5060


def _address(host: str) -> str | None:
    """An IP address, with or without brackets, in its usual form."""
    try:
        return str(IPv6Address(host[1:-1])) if host.startswith("[") else str(ip_address(host))
    except ValueError:
        return None


def _is_of_one_peer(host: str) -> bool:
    address = ip_address(host)
    return not (address.is_unspecified or address.is_multicast or host == "255.255.255.255")
