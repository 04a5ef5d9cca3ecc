"""Trunk groups: the facilities over which calls enter and leave the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final, NamedTuple

from gateway.interconnection.carriers import Ocn, RateLimit
from gateway.interconnection.circuit_groups import CircuitGroup

Address = tuple[str, int]
"""IP address and port."""


class Transport(StrEnum):
    """What carries SIP (RFC 3261 section 18), as Via and URI parameters write it, in lower case; or SS7."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    SS7 = "ss7"  # no SIP at all: the peer is an exchange, `Hop.host` its point code, `Hop.port` a CIC


class Hop(NamedTuple):
    """A signalling peer as it is reached: where a message came from, or where one goes."""

    host: str
    """IP address, an IPv6 address without brackets; over SS7 a point code as it is written, ``246-14-7``."""
    port: int
    """Over SS7 a CIC: of a call its own, of a trunk group's member the first one of the group."""
    transport: Transport = Transport.UDP
    connection: int = 0
    """Number of the connection that a message came on; 0 for a datagram, and for a target on any connection."""

    @property
    def address(self) -> Address:
        return self.host, self.port

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport.value}:{host}:{self.port}"


class Side(Enum):
    """Who is at the far end of a trunk group."""

    PARTNER = "partner"  # the carrier partner (a CLEC): the group is governed by the amendment, L1 to L11
    HOST = "host"  # a switch of the host carrier


PARTNER_SIDE: Final = Side.PARTNER
"""For code that runs for every call: reading a member off its enumeration runs Python code on 3.11."""


class Mode(Enum):
    """How a check is run on a trunk group."""

    ENFORCE = "enforce"
    MONITOR = "monitor"  # judged, recorded and counted, not enforced
    OFF = "off"


class Service(Enum):
    """How a member of a trunk group stands: whether calls are sent to it."""

    IN_SERVICE = "in service"
    SUSPECT = "suspect"  # it failed, and not often enough to be taken out: it still gets calls
    PENALISED = "penalised"  # it asked to be left alone for a time: 503 with Retry-After (RFC 3261 section 21.5.4)
    OUT_OF_SERVICE = "out of service"


@dataclass(frozen=True, slots=True)
class Member:
    """One signalling address of a trunk group, and its share of the calls that leave on the group."""

    hop: Hop
    priority: int = 0
    """Members of the lowest priority are tried first (RFC 2782)."""
    weight: int = 1
    """Share of the calls among members of one priority. One with 0 gets calls only where no other of them can."""
    capacity: int | None = None
    """Calls sent to it that may be in progress; None: not bounded."""


@dataclass(frozen=True, slots=True)
class NamedMember:
    """Members of a trunk group that are known by a name: its addresses, as long as it has them, are members."""

    uri: str
    """SIP or SIPS URI of the name, with port and transport where they are given (RFC 3263)."""
    priority: int = 0
    """As of `Member`; among its addresses, that of their SRV records decides."""
    weight: int = 1
    """As of `Member`, for all its addresses together; they share it by the weights of their SRV records."""
    capacity: int | None = None
    """Calls that may be in progress on each address; None: not bounded."""


@dataclass(frozen=True, slots=True)
class Supervision:
    """How the members of a trunk group are watched, and when a call goes on to the next one. Times in microseconds."""

    probe_us: int = 0
    """An OPTIONS is sent to each member this often; 0: never."""
    failures: int = 3
    """Calls and probes in a row without a response, after which a member is out of service."""
    failover_us: int = 4_000_000
    """A member that has sent no response by then, not even 100, is passed over; so long may it take over a probe."""
    retry_us: int = 30_000_000
    """Where nothing is probed, a member that is out of service gets a call again after this."""
    retry_after_max_us: int = 300_000_000
    """A member is left alone no longer than this, whatever its Retry-After says."""


@dataclass(frozen=True, slots=True)
class TrunkGroup:
    """One trunk group and what the agreement ties to it.

    A partner-side group hands calls to one host switch, and is for that switch's LERG area alone (L9). A host-side
    group reaches the switch that it names.
    """

    name: str
    side: Side
    carrier: Ocn
    """OCN of the carrier at the far end: the partner, or the host."""
    switch: str
    """CLLI of the host switch that this group serves."""
    members: tuple[Member, ...]
    """Signalling addresses of the far end: calls come from any of them and are shared out among them."""
    certificate: str | None = None
    """A name that the far end's certificates carry, in lower case: who shows it over TLS is a member (RFC 5922)."""
    home_switch: str | None = None
    """Partner side: CLLI of the partner's own switch, where its providers' codes are homed (L1.4)."""
    dedicated: bool = False
    """Kept for one provider that was cut over (L8): nobody uses it until then, and nobody else afterwards."""
    default_mode: Mode = Mode.ENFORCE
    modes: Mapping[str, Mode] = field(default_factory=dict)
    """Check name -> mode, where it differs from `default_mode`."""
    tgrp: str | None = None
    """Label of this group in the Request-URI of a call that leaves on it (RFC 4904); None: the Request-URI stays."""
    trunk_context: str | None = None
    """Domain or global number in which `tgrp` means something; both are set, or neither."""
    capacity: int | None = None
    """Calls that it may have in progress, in either direction; None: not bounded."""
    limit: RateLimit | None = None
    """Partner side: of the calls that come on it, all together (L8); None: not limited."""
    source_limit: RateLimit | None = None
    """Partner side: of the calls of each source on it: a member's address, over connections its IP address; None: not
    limited."""
    supervision: Supervision = Supervision()
    names: tuple[NamedMember, ...] = ()
    """Members whose addresses are looked up. They are not among `members`."""
    circuits: CircuitGroup | None = None
    """Signalled by ISUP over these circuits, not by SIP. Its only member then stands for the exchange at their end."""
    sip_i: str | None = None
    """Edition of ISUP in which a call's ISUP messages go along in the bodies of its SIP messages: ``ansi88``, or
    ``nxv3;base=ansi88`` (RFC 3204 section 4.1). None: plain SIP."""

    def mode_of(self, check: str) -> Mode:
        return self.modes.get(check, self.default_mode)
