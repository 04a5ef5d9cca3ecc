"""A process at the far end of an association: it sends every message back on the stream that it came on.

python sctp_echo.py listen|connect CARRIER PORT UDP_PORT, on 127.0.0.1. Says ``ready`` when it listens, or is connected.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from gateway.transport.sctp import Arrived, Association, LinkCarrier, open_carrier


class Echo:
    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.over = asyncio.Event()

    def up(self, association: Association) -> None:  # noqa: ARG002 - the signature is an SCTP user's
        self.connected.set()

    def received(self, arrived: Sequence[Arrived]) -> None:
        for association, stream, data in arrived:
            association.send(stream, data)

    def down(self, association: Association, why: str) -> None:  # noqa: ARG002 - as above
        self.over.set()


async def main(what: str, kind: str, port: str, udp_port: str) -> None:
    carrier, echo, address = open_carrier(LinkCarrier(kind), udp_port=int(udp_port)), Echo(), ("127.0.0.1", int(port))
    if what == "listen":
        carrier.listen(address, echo, lambda _host: True)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()
    carrier.connect(address, echo)
    await echo.connected.wait()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await echo.over.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
