"""Datagrams in and out of one UDP socket: many to a system call where the compiled module is there, else one by one.

The compiled module is `_datagrams.c`, which `make native` builds; what is written out here does the same.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final, Protocol

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Send

MOST: Final = 64
"""Datagrams read at most at a time."""
LARGEST: Final = 65_535
"""Bytes of a datagram."""
REMEMBERED_PEERS: Final = 4_096
"""Sources whose hop is kept, so that it is not made anew for each datagram."""

MakePeer = Callable[[str, int], Hop]


class Datagrams(Protocol):
    """The datagrams of one non-blocking socket."""

    def receive(self, at_us: int, /) -> list[tuple[bytes, Hop, int]]:
        """Up to 64 datagrams that have come, each with its source and `at_us`. Raises OSError."""

    def send(self, messages: list[Send], /) -> list[int]:
        """Send messages in order. The numbers of those that were not sent: the kernel did not take them, or their
        target is no address of the socket's IP version.
        """


class PlainDatagrams:
    """One system call for each datagram."""

    def __init__(self, sock: socket.socket, peer: MakePeer) -> None:
        self._socket: Final = sock
        self._make_peer: Final = peer
        self._peers: dict[tuple[str, int], Hop] = {}

    def receive(self, at_us: int, /) -> list[tuple[bytes, Hop, int]]:
        receive, peers = self._socket.recvfrom, self._peers
        arrived: list[tuple[bytes, Hop, int]] = []
        try:
            while len(arrived) < MOST:
                data, source = receive(LARGEST)
                arrived.append((data, peers.get(source) or self._peer(source), at_us))
        except BlockingIOError:
            pass
        except OSError:
            if not arrived:  # else it is told at the next reading
                raise
        return arrived

    def send(self, messages: list[Send], /) -> list[int]:
        sendto = self._socket.sendto
        unsent: list[int] = []
        for number, (data, target) in enumerate(messages):
            try:
                sendto(data, (target.host, target.port))
            except (OSError, OverflowError):  # a full buffer, or a target that cannot be: as good as lost
                unsent.append(number)
        return unsent

    def _peer(self, source: tuple[str, int]) -> Hop:
        if len(self._peers) >= REMEMBERED_PEERS:
            self._peers.clear()
        peer = self._peers[source] = self._make_peer(source[0], source[1])
        return peer


def datagrams_of(sock: socket.socket, peer: MakePeer) -> Datagrams:
    """The quickest way there is to the datagrams of a socket; `peer` makes the hop of a source."""
    try:
        from gateway.transport import _datagrams
    except ImportError:
        return PlainDatagrams(sock, peer)
    return _datagrams.Datagrams(sock.fileno(), sock.family == socket.AF_INET6, peer)
