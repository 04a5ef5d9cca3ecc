"""A message of the signalling as it passed the gateway: what a flight recorder holds and a capture is written from."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from gateway.interconnection.trunk_groups import Address


class Carried(StrEnum):
    """What carried a message."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    M3UA = "m3ua"  # the message is M3UA's, not SIP's


class SeenMessage(NamedTuple):
    """One message, in or out."""

    at_us: int
    """Microseconds since the Unix epoch."""
    source: Address
    """IP address, an IPv6 address without brackets, and port."""
    destination: Address
    data: bytes
    carried: Carried
