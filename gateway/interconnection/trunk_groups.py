"""Trunk groups: the facilities over which calls enter and leave the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final, NamedTuple

from gateway.interconnection.carriers import Ocn

Address = tuple[str, int]
"""IP address and port."""


class Transport(StrEnum):
    """What carries SIP (RFC 3261 section 18), as Via and URI parameters write it, in lower case."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Hop(NamedTuple):
    """A signalling peer as it is reached: where a message came from, or where one goes."""

    host: str
    """IP address, an IPv6 address without brackets."""
    port: int
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
    members: tuple[Hop, ...]
    """Signalling addresses of the far end: calls come from any of them and go to the first."""
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

    def mode_of(self, check: str) -> Mode:
        return self.modes.get(check, self.default_mode)
