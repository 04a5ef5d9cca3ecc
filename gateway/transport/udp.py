"""SIP over UDP: one socket."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Send
from gateway.transport.datagrams import datagrams_of
from gateway.transport.endpoint import SipEndpoint
from gateway.transport.listening import cannot_listen

RECEIVE_BUFFER_BYTES: Final = 4 << 20
"""What waits to be read: a few thousand messages, so that a burst is not lost while one batch is decided."""
_SO_RCVBUFFORCE: Final = 33
"""asm-generic/socket.h; the socket module does not know it. With CAP_NET_ADMIN it goes beyond net.core.rmem_max."""
BATCHES: Final = 4
"""Read at most before the loop gets its turn."""

LOG = logging.getLogger("tollgate.transport")


class UdpCarrier:
    """Reads datagrams for the endpoint, and sends what it wants sent.

    A few batches at a time are read: HTTP and timers must not starve under a flood.
    """

    def __init__(self, endpoint: SipEndpoint, sock: socket.socket) -> None:
        self._endpoint: Final = endpoint
        self._socket: Final = sock
        self._datagrams: Final = datagrams_of(sock, Hop)
        self._now: Final = endpoint.clock.now_us
        self._loop = asyncio.get_running_loop()
        self.local: Final = Hop(*sock.getsockname()[:2])

    def start(self) -> None:
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    async def wait_closed(self) -> None:
        """Closed it is at once."""

    def send(self, messages: list[Send]) -> list[Send]:
        """Send each; those that the kernel did not take come back."""
        unsent = self._datagrams.send(messages)
        return [messages[number] for number in unsent] if unsent else []

    def _readable(self) -> None:
        """What has come while one batch was decided is taken up at once: a turn of the loop costs more than to ask."""
        for _ in range(BATCHES):
            try:
                arrived = self._datagrams.receive(self._now())
            except OSError as error:
                LOG.warning("reading from %s failed: %s", self.local, error)
                return
            if not arrived:
                return
            self._endpoint.receive(arrived, self.local)


def open_socket(host: str, port: int) -> socket.socket:
    """A bound, non-blocking UDP socket; port 0 lets the kernel choose.

    Raises OSError, whose text names the address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        _have_receive_buffer(sock, f"udp:{host}:{port}")
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own, or none
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise cannot_listen(f"udp:{host}:{port}", "SIP", error) from error
    return sock


def _have_receive_buffer(sock: socket.socket, name: str) -> None:
    """As much as is wanted, or as the kernel grants. In a flood a short buffer drops what nobody has looked at."""
    with suppress(OSError):  # not Linux, or no CAP_NET_ADMIN
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    granted = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    if granted < RECEIVE_BUFFER_BYTES:  # Linux grants twice what it counts for messages, and says so
        LOG.warning(
            "%s has a receive buffer of %d bytes, not %d: raise net.core.rmem_max, or a burst of messages is dropped",
            *(name, granted, RECEIVE_BUFFER_BYTES),
        )
