"""The sockets of a gateway, as its configuration lists them, and what carries SIP over each."""

from __future__ import annotations

import logging
import socket
from collections.abc import Container, Mapping, Sequence
from typing import Final

from gateway.codecs.sip.framing import FramingLimits
from gateway.interconnection.trunk_groups import Address, Hop, Transport
from gateway.operations.configuration import Configuration
from gateway.operations.readings import ConnectionFigures
from gateway.transport.connections import ConnectionTable, StreamLimits
from gateway.transport.endpoint import SipEndpoint
from gateway.transport.streams import StreamCarrier, open_listener
from gateway.transport.tls import TlsContexts, TlsFiles
from gateway.transport.udp import UdpCarrier, open_socket

_UDP: Final = Transport.UDP
OTHER_FILES: Final = 128
"""Open beside connections: databases, HTTP, listeners, tables that are read."""

LOG = logging.getLogger("tollgate")


def open_sockets(configuration: Configuration) -> list[socket.socket]:
    """One bound socket for each listener. Raises OSError, whose text names the address; then none stays open."""
    sockets: list[socket.socket] = []
    try:
        for host, port, transport, _ in configuration.listen:
            sockets.append(open_socket(host, port) if transport is _UDP else open_listener(host, port, transport))
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def advertised(configuration: Configuration, sockets: Sequence[socket.socket]) -> tuple[Hop, ...]:
    """Where peers reach each listener: under the host that the configuration says, and the port that is bound."""
    named = zip(configuration.listen, configuration.record_route_hosts, sockets, strict=True)
    return tuple(Hop(host, sock.getsockname()[1], hop.transport) for hop, host, sock in named)


def certificates_of(configuration: Configuration) -> dict[Address, str]:
    """Which name the certificate of a TLS peer must carry, by its address; where none is said, it is its IP address."""
    return {
        member.hop.address: group.certificate
        for group in configuration.trunk_groups
        for member in group.members
        if group.certificate is not None and member.hop.transport is Transport.TLS
    }


def add_carriers(
    endpoint: SipEndpoint,
    configuration: Configuration,
    sockets: Sequence[socket.socket],
    certificates: Mapping[Address, str],
    switches: Container[str],
) -> ConnectionTable:
    """Have the endpoint send and receive by these sockets. Gives the table of all connections.

    `certificates` is as of `certificates_of`, `switches` are the hosts of all members; both may change later. Raises
    OSError where a file of TLS cannot be used any more.
    """
    table = ConnectionTable(stream_limits(configuration), endpoint.clock.now_us, switches.__contains__)
    for hop, sock in zip(configuration.listen, sockets, strict=True):
        if hop.transport is _UDP:
            endpoint.add(UdpCarrier(endpoint, sock))
        elif hop.transport is Transport.TCP:
            endpoint.add(StreamCarrier(endpoint, sock, table))
        else:
            endpoint.add(StreamCarrier(endpoint, sock, table, _contexts(configuration), certificates))
    return table


def _contexts(configuration: Configuration) -> TlsContexts:
    tls = configuration.tls
    if tls is None:
        raise AssertionError("the rules of the configuration ask for [tls] where a listener is for it")
    return TlsContexts(TlsFiles(tls.certificate, tls.key, tls.authorities))


def allow_files(configuration: Configuration) -> None:
    """Let the process have a file for every connection that it may hold, as far as the system lets it."""
    if not any(hop.transport is not _UDP for hop in configuration.listen):
        return
    try:
        import resource
    except ImportError:  # not a Unix: there is no such limit
        return
    wanted = 2 * configuration.connections.max_accepted + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        remedy = "raise it (LimitNOFILE, ulimit -n), or lower connections.max_accepted"
        LOG.warning("%d open files are allowed, and all connections would take %d; %s", allowed, wanted, remedy)


def connection_figures(table: ConnectionTable) -> ConnectionFigures:
    return ConnectionFigures(
        up={"in": table.accepted, "out": table.made},
        handshakes=table.handshakes,
        opened=table.opened,
        refused={refusal.value: count for refusal, count in table.refused.items()},
        closed={closing.value: count for closing, count in table.closed.items()},
    )


def stream_limits(configuration: Configuration) -> StreamLimits:
    limits = configuration.connections
    return StreamLimits(
        connections=limits.max_accepted,
        per_address=limits.max_per_address,
        handshakes=limits.max_handshakes,
        handshake_s=limits.handshake_seconds,
        connect_s=limits.connect_seconds,
        message_s=limits.message_seconds,
        idle_s=limits.idle_seconds,
        half_closed_s=limits.half_closed_seconds,
        queued_bytes=limits.max_queued_bytes,
        messages_per_turn=limits.messages_per_turn,
        framing=FramingLimits(limits.max_head_bytes, limits.max_body_bytes),
    )
