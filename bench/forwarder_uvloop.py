"""A bare UDP forwarder on uvloop: the least that any Python process between two SIP peers has to do.

It reads no byte of what it forwards. What comes from the caller's address goes to the called address, and anything
else goes to the caller. Run as a process of its own: ``python -m bench.forwarder_uvloop CALLER_PORT CALLED_PORT``;
it prints the port on which it listens, on loopback, when it is ready, and ends on SIGTERM.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from typing import cast

import uvloop

LOOPBACK = "127.0.0.1"
RECEIVE_BUFFER = 4 << 20
"""Bytes asked for; the kernel grants at most net.core.rmem_max."""


class Forwarder(asyncio.DatagramProtocol):
    """Forwards between two addresses, telling the direction by the source."""

    def __init__(self, caller: tuple[str, int], called: tuple[str, int]) -> None:
        self._caller = caller
        self._called = called
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(data, self._called if addr == self._caller else self._caller)


async def forward(caller_port: int, called_port: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Forwarder((LOOPBACK, caller_port), (LOOPBACK, called_port)), local_addr=(LOOPBACK, 0)
    )
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    print(transport.get_extra_info("sockname")[1], flush=True)
    await ended.wait()
    transport.close()


if __name__ == "__main__":
    uvloop.run(forward(int(sys.argv[1]), int(sys.argv[2])))
