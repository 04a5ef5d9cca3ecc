"""What stands around streams in their tests: far ends with real sockets, and a gateway's side that says what it saw."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from peers import LOOPBACK, ScriptedProxy

from gateway.interconnection.trunk_groups import Address, Hop, Transport
from gateway.signalling.call import Action, Send
from gateway.transport.clock import Clock
from gateway.transport.connections import ConnectionTable, StreamLimits
from gateway.transport.endpoint import SipEndpoint
from gateway.transport.streams import StreamCarrier, open_listener
from gateway.transport.tls import TlsContexts

LIMIT_S: Final = 10.0
"""What has not come after this time fails the test."""


def request(number: int = 1, method: str = "OPTIONS", body: bytes = b"", port: int = 5060) -> bytes:
    return (
        f"{method} sip:+16365550199@{LOOPBACK} SIP/2.0\r\n"
        f"Via: SIP/2.0/TCP {LOOPBACK}:{port};branch=z9hG4bK{number}\r\n"
        f"From: <sip:+13145550100@{LOOPBACK}>;tag=a\r\n"
        f"To: <sip:+16365550199@{LOOPBACK}>\r\n"
        f"Call-ID: {number}@{LOOPBACK}\r\n"
        f"CSeq: 1 {method}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def response(number: int = 1) -> bytes:
    return f"SIP/2.0 200 OK\r\nCall-ID: {number}@{LOOPBACK}\r\nContent-Length: 0\r\n\r\n".encode()


class WatchfulProxy(ScriptedProxy):
    """In a proxy's place: keeps what it was told, and lets a test wait for it."""

    def __init__(self, answer: Callable[[bytes, Hop], Sequence[Action]]) -> None:
        super().__init__(answer)
        self.received: Final[asyncio.Queue[tuple[bytes, Hop]]] = asyncio.Queue()
        self.up: Final[asyncio.Queue[tuple[Hop, frozenset[str]]]] = asyncio.Queue()
        self.gone: Final[asyncio.Queue[Hop]] = asyncio.Queue()
        self.otherwise: Callable[[Send], Sequence[Action]] = lambda _message: ()
        self.lost: Final[asyncio.Queue[Send]] = asyncio.Queue()

    def receive(self, data: bytes, source: Hop, at_us: int) -> list[Action]:
        self.received.put_nowait((data, source))
        return super().receive(data, source, at_us)

    def connected(self, hop: Hop, names: frozenset[str]) -> None:
        self.up.put_nowait((hop, names))

    def closed(self, hop: Hop, at_us: int) -> list[Action]:  # noqa: ARG002 - the signature is the proxy's
        self.gone.put_nowait(hop)
        return []

    def undeliverable(self, message: Send, at_us: int) -> list[Action]:  # noqa: ARG002 - as above
        self.lost.put_nowait(message)
        return list(self.otherwise(message))


@dataclass
class GatewaySide:
    proxy: WatchfulProxy
    endpoint: SipEndpoint
    table: ConnectionTable
    carrier: StreamCarrier

    @property
    def address(self) -> Address:
        return self.carrier.local.address

    def send(self, data: bytes, target: Hop) -> None:
        self.endpoint.perform([Send(data, target)], self.endpoint.clock.now_us())

    async def message(self) -> tuple[bytes, Hop]:
        return await soon(self.proxy.received.get())


@asynccontextmanager
async def gateway_side(
    answer: Callable[[bytes, Hop], Sequence[Action]] = lambda _data, _source: (),
    *,
    limits: StreamLimits | None = None,
    tls: TlsContexts | None = None,
    names: Mapping[Address, str] | None = None,
    host: str = LOOPBACK,
    known: Callable[[str], bool] = lambda _host: True,
) -> AsyncIterator[GatewaySide]:
    proxy = WatchfulProxy(answer)
    endpoint = SipEndpoint(proxy, Clock(), ())
    table = ConnectionTable(limits or StreamLimits(), endpoint.clock.now_us, known)
    sock = open_listener(host, 0, Transport.TCP if tls is None else Transport.TLS)
    carrier = StreamCarrier(endpoint, sock, table, tls, names)
    endpoint.add(carrier)
    endpoint.start()
    try:
        yield GatewaySide(proxy, endpoint, table, carrier)
    finally:
        endpoint.close()
        await endpoint.wait_closed()
        table.close()


async def soon(awaitable):  # type: ignore[no-untyped-def]
    async with asyncio.timeout(LIMIT_S):
        return await awaitable


class FarEnd:
    """One connection of a switch, at its own end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader: Final = reader
        self.writer: Final = writer

    @classmethod
    async def to(cls, address: Address, context: ssl.SSLContext | None = None) -> FarEnd:
        secured = {"ssl": context, "server_hostname": ""} if context is not None else {}
        return cls(*await soon(asyncio.open_connection(*address, **secured)))

    @property
    def address(self) -> Address:
        address: Address = self.writer.get_extra_info("sockname")[:2]
        return address

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def receive(self) -> bytes:
        """The next message without a body."""
        data: bytes = await soon(self.reader.readuntil(b"\r\n\r\n"))
        return data

    async def rest(self) -> bytes:
        """All that comes until the connection is closed; what a reset leaves of it."""
        pieces = []
        try:
            while piece := await soon(self.reader.read(65_536)):
                pieces.append(piece)
        except ConnectionError:
            pass
        return b"".join(pieces)

    def reset(self) -> None:
        """Close the connection without a word."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await soon(self.writer.wait_closed())


@dataclass
class Switch:
    """A listening switch: connections that come to it can be waited for."""

    server: asyncio.Server
    came: asyncio.Queue[FarEnd] = field(default_factory=asyncio.Queue)
    ends: list[FarEnd] = field(default_factory=list)

    @property
    def hop(self) -> Hop:
        host, port = self.server.sockets[0].getsockname()[:2]
        return Hop(host, port, Transport.TCP)

    async def connection(self) -> FarEnd:
        end: FarEnd = await soon(self.came.get())
        return end

    async def stop(self) -> None:
        self.server.close()
        for end in self.ends:
            await end.close()
        await soon(self.server.wait_closed())


@asynccontextmanager
async def switch(port: int = 0, host: str = LOOPBACK, context: ssl.SSLContext | None = None) -> AsyncIterator[Switch]:
    came: asyncio.Queue[FarEnd] = asyncio.Queue()
    ends: list[FarEnd] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(FarEnd(reader, writer))
        came.put_nowait(ends[-1])

    server = await asyncio.start_server(take, host, port, ssl=context, reuse_address=True)
    made = Switch(server, came, ends)
    try:
        yield made
    finally:
        await made.stop()
