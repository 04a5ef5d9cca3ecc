"""Which carriers this machine has, and why it has not the others."""

from __future__ import annotations

from typing import Final

from gateway.interconnection.links import LinkCarrier
from gateway.transport.sctp import kernel, usrsctp
from gateway.transport.sctp.carrier import SctpCarrier, SctpLimits
from gateway.transport.sctp.kernel import KernelSockets
from gateway.transport.sctp.sockets import SocketCarrier
from gateway.transport.sctp.tcp import TcpSockets
from gateway.transport.sctp.udp import UdpSctpCarrier

DEFAULT_UDP_PORT: Final = 9_899
"""For SCTP in UDP, registered with IANA (RFC 6951 section 8)."""
BEST_FIRST: Final = (LinkCarrier.KERNEL, LinkCarrier.UDP, LinkCarrier.TCP)


def missing_carriers() -> dict[LinkCarrier, str]:
    """The carriers that this machine has not, each with what is missing."""
    found = {LinkCarrier.KERNEL: kernel.missing(), LinkCarrier.UDP: usrsctp.missing()}
    return {kind: reason for kind, reason in found.items() if reason is not None}


def available_carriers() -> tuple[LinkCarrier, ...]:
    """The carriers that this machine has, the best first: what `LinkCarrier.AUTO` stands for is the first."""
    missing = missing_carriers()
    return tuple(kind for kind in BEST_FIRST if kind not in missing)


def open_carrier(
    carrier: LinkCarrier = LinkCarrier.AUTO, limits: SctpLimits | None = None, udp_port: int = DEFAULT_UDP_PORT
) -> SctpCarrier:
    """A carrier of that kind; of `AUTO`, the best there is. Its `kind` says which it is.

    `udp_port` is that of the listening end of the carrier `udp`: where a listener takes datagrams, and where `connect`
    sends them to. The end that connects sends from a port that the system chooses (RFC 6951 section 5.3: answers go
    back to the port that a packet came from).

    Raises OSError, whose text says what is missing.
    """
    kind = available_carriers()[0] if carrier is LinkCarrier.AUTO else carrier
    missing = missing_carriers().get(kind)
    if missing is not None:
        raise OSError(f"this machine has no carrier {kind.value}: {missing}")
    bounds = limits or SctpLimits()
    if kind is LinkCarrier.UDP:
        return UdpSctpCarrier(bounds, udp_port)
    return SocketCarrier(KernelSockets() if kind is LinkCarrier.KERNEL else TcpSockets(), bounds)
