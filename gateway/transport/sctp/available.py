"""Which carriers this machine has, and why it has not the others."""

from __future__ import annotations

from typing import Final

from gateway.interconnection.links import LinkCarrier
from gateway.transport.sctp.carrier import SctpCarrier, SctpLimits
from gateway.transport.sctp.sockets import SocketCarrier
from gateway.transport.sctp.tcp import TcpSockets

DEFAULT_UDP_PORT: Final = 9_899
"""For SCTP in UDP, registered with IANA (RFC 6951 section 8)."""


def missing_carriers() -> dict[LinkCarrier, str]:
    """The carriers that this machine has not, each with what is missing."""
    return {}


def available_carriers() -> tuple[LinkCarrier, ...]:
    """The carriers that this machine has, the best first: what `LinkCarrier.AUTO` stands for is the first."""
    missing = missing_carriers()
    return tuple(kind for kind in (LinkCarrier.TCP,) if kind not in missing)


def open_carrier(
    carrier: LinkCarrier = LinkCarrier.AUTO, limits: SctpLimits | None = None, udp_port: int = DEFAULT_UDP_PORT
) -> SctpCarrier:
    """A carrier of that kind; of `AUTO`, the best there is. Its `kind` says which it is.

    `udp_port` is that of the listening end of the carrier `udp`: where a listener takes datagrams, and where `connect`
    sends them to. The end that connects sends from a port that the system chooses (RFC 6951 section 5.3: answers go
    back to the port that a packet came from).

    Raises OSError, whose text says what is missing.
    """
    del udp_port
    kind = available_carriers()[0] if carrier is LinkCarrier.AUTO else carrier
    if kind is LinkCarrier.TCP:
        return SocketCarrier(TcpSockets(), limits)
    raise OSError(f"this machine has no carrier {kind.value}: {missing_carriers()[kind]}")
