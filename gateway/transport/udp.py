"""SIP over UDP: one socket."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import Final

from gateway.interconnection.trunk_groups import Address, Hop
from gateway.signalling.call import Send
from gateway.transport.endpoint import SipEndpoint

BATCH: Final = 64
"""Datagrams read at most before the loop gets its turn: HTTP and timers must not starve under a flood."""

RECEIVE_BUFFER_BYTES: Final = 4 << 20
REMEMBERED_PEERS: Final = 4_096
"""Sources whose hop is kept, so that it is not made anew for each datagram."""

LOG = logging.getLogger("tollgate.transport")


class UdpCarrier:
    """Reads datagrams for the endpoint, and sends what it wants sent."""

    def __init__(self, endpoint: SipEndpoint, sock: socket.socket) -> None:
        self._endpoint: Final = endpoint
        self._socket: Final = sock
        self._now: Final = endpoint.clock.now_us
        self._loop = asyncio.get_running_loop()
        self._peers: dict[Address, Hop] = {}
        self.local: Final = Hop(*sock.getsockname()[:2])

    def start(self) -> None:
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def send(self, messages: Sequence[Send]) -> list[Send]:
        """Send each; those that the kernel did not take come back."""
        sendto = self._socket.sendto
        unsent: list[Send] = []
        for message in messages:
            target = message.target
            try:
                sendto(message.data, (target.host, target.port))
            except (OSError, OverflowError) as error:  # a full buffer, or a target that cannot be: as good as lost
                LOG.debug("a datagram for %s was not sent: %s", target, error)
                unsent.append(message)
        return unsent

    def _readable(self) -> None:
        """Read what has come, up to a batch, and hand it on."""
        receive, now = self._socket.recvfrom, self._now
        arrived: list[tuple[bytes, Hop, int]] = []
        try:
            while len(arrived) < BATCH:
                data, source = receive(65_535)
                arrived.append((data, self._peers.get(source) or self._peer(source), now()))
        except BlockingIOError:
            pass
        except OSError as error:
            LOG.warning("reading from %s failed: %s", self.local, error)
        self._endpoint.receive(arrived, self.local)

    def _peer(self, source: tuple[str, int]) -> Hop:
        if len(self._peers) >= REMEMBERED_PEERS:
            self._peers.clear()
        hop = self._peers[source] = Hop(*source[:2])
        return hop


def open_socket(host: str, port: int) -> socket.socket:
    """A bound, non-blocking UDP socket; port 0 lets the kernel choose.

    Raises OSError, whose text names the address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on udp:{host}:{port} for SIP: {error.strerror}") from error
    return sock
