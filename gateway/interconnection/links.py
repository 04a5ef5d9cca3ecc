"""Signalling links to other exchanges: M3UA associations (RFC 4666), and what carries them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from gateway.codecs.ss7.variant import Variant

Address = tuple[str, int]
"""IP address and port."""


class LinkRole(Enum):
    """Which end of an M3UA association we are."""

    CLIENT = "client"  # the application server process: it opens the association and asks to become active
    SERVER = "server"  # the signalling gateway process: it accepts associations and answers


class LinkCarrier(Enum):
    """What carries the chunks of SCTP, or stands in for it."""

    AUTO = "auto"  # the first of the others that this machine has
    KERNEL = "kernel"  # SCTP of the operating system (RFC 9260)
    UDP = "udp"  # SCTP in UDP (RFC 6951), by libusrsctp
    TCP = "tcp"  # M3UA messages one after the other on TCP, cut by their own length; not RFC 4666


class TrafficMode(IntEnum):
    """How the active processes of one application server share its traffic (RFC 4666 section 3.4.1)."""

    OVERRIDE = 1
    LOADSHARE = 2
    BROADCAST = 3


@dataclass(frozen=True, slots=True)
class Link:
    """One M3UA association. Times in microseconds."""

    name: str
    role: LinkRole
    variant: Variant
    own: int
    """Our point code on it."""
    address: Address
    """Client: where the peer listens. Server: where we do."""
    destinations: tuple[int, ...]
    """Point codes that are reached by it."""
    network_indicator: int = 2
    carrier: LinkCarrier = LinkCarrier.AUTO
    peers: tuple[str, ...] = ()
    """Server: IP addresses from which an association is accepted; none: from any."""
    routing_context: int | None = None
    register: bool = False
    """Client: register a routing key for our point code, and take the routing context that comes back."""
    traffic_mode: TrafficMode = TrafficMode.LOADSHARE
    heartbeat_us: int = 30_000_000
    """A BEAT is sent after so long without a message; an association that leaves two unanswered is restarted. 0: none.
    """
    reconnect_us: int = 5_000_000
    """Client: a new association is tried after this."""
    udp_port: int = 9899
    """Of the carrier `udp`: where the listening end has its UDP socket (RFC 6951). A client has any port."""
