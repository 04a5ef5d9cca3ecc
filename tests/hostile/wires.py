"""How the switches of a torture run and the gateway reach each other: UDP, TCP, TLS."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import trustme

from gateway.interconnection.trunk_groups import Hop, Member, Transport
from gateway.operations.configuration import Configuration, TlsSettings
from tests.wiring.small_gateway import LOOPBACK, Exchange, Switch

PATIENCE_S: Final = 5.0
"""What has not come after this time is taken not to come any more."""
MESSAGE_S: Final = 0.3
"""That the gateway waits for the rest of a message on a stream."""
TURNS: Final = 12
"""Of the loop, for what the kernel holds already to be read, through TLS if need be."""
_LENGTH: Final = re.compile(rb"\r\n(?:content-length|l)[ \t]*:\s*(\d+)", re.IGNORECASE)


class Wire(Protocol):
    """What one switch says to the gateway, and hears of it."""

    name: str
    """As in Via."""
    local: Hop

    def send(self, data: bytes) -> None: ...

    async def receive(self) -> bytes:
        """The next message. One that never comes is a TimeoutError."""
        ...

    async def waiting(self) -> bytes | None:
        """A message that is there already."""
        ...

    async def closed(self) -> None:
        """Until the gateway has closed the connection; and have another one. Over UDP there is nothing to wait for."""
        ...

    async def another(self) -> AbstractAsyncContextManager[Wire]:
        """A second connection of the same switch, for a while."""
        ...


class DatagramWire:
    """UDP, from a switch's own socket."""

    name = "UDP"

    def __init__(self, switch: Switch, gateway: Hop) -> None:
        self._socket: Final[socket.socket] = switch.socket
        self._gateway: Final = gateway.address
        self.local = Hop(*switch.address)

    def send(self, data: bytes) -> None:
        self._socket.sendto(data, self._gateway)

    async def receive(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.get_running_loop().sock_recv(self._socket, 65_535)

    async def waiting(self) -> bytes | None:
        try:
            return self._socket.recv(65_535)
        except BlockingIOError:
            return None

    async def closed(self) -> None:
        raise AssertionError("no case asks for the end of a connection over UDP")

    async def another(self) -> AbstractAsyncContextManager[Wire]:
        raise AssertionError("no case asks for a second connection over UDP")


Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class StreamWire:
    """One connection at a time: made by the switch, or taken by it when the gateway makes one."""

    def __init__(self, local: Hop, connect: Connect) -> None:
        self.local = local
        self.name = local.transport.upper()
        self._connect: Final = connect
        self._ends: Final[list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = []
        self._came: asyncio.Queue[bytes] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        end = await self._connect()
        self._ends.append(end)
        self._reading = asyncio.create_task(self._read(end[0]))

    def send(self, data: bytes) -> None:
        self._ends[-1][1].write(data)

    async def receive(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            if self._reading is None:
                await self.open()
            return await self._came.get()

    async def waiting(self) -> bytes | None:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return self._came.get_nowait() if not self._came.empty() else None

    async def closed(self) -> None:
        assert self._reading is not None
        async with asyncio.timeout(PATIENCE_S):
            await self._reading
        self._ends[-1][1].close()
        await self.open()

    async def another(self) -> AbstractAsyncContextManager[Wire]:
        return _opened(StreamWire(self.local, self._connect))

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        for _, writer in self._ends:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Messages as they come, until the connection ends."""
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                self._came.put_nowait(head + await reader.readexactly(int(found[1]) if found is not None else 0))


@asynccontextmanager
async def _opened(wire: StreamWire) -> AsyncIterator[Wire]:
    await wire.open()
    try:
        yield wire
    finally:
        await wire.close()


@dataclass(frozen=True, slots=True)
class Ends:
    """Both switches of an exchange, on wires of one transport, and the gateway's configuration for it."""

    configuration: Configuration
    connect: Callable[[tuple[Hop, ...]], Awaitable[tuple[Wire, Wire]]]
    """From the gateway's listeners: the partner's wire and the host's. The host's is up when the gateway made it."""


@asynccontextmanager
async def ends(transport: Transport, exchange: Exchange, folder: Path) -> AsyncIterator[Ends]:
    """The switches of this exchange on wires of a transport. `folder` takes the gateway's certificates."""
    if transport is Transport.UDP:

        async def with_datagrams(listeners: tuple[Hop, ...]) -> tuple[Wire, Wire]:
            return DatagramWire(exchange.partner, listeners[0]), DatagramWire(exchange.host, listeners[0])

        yield Ends(exchange.configuration, with_datagrams)
        return
    tls = _Certificates(folder) if transport is Transport.TLS else None
    accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(
            lambda *end: accepted.put_nowait(end), LOOPBACK, 0, ssl=tls.server if tls is not None else None
        )
        stack.callback(server.close)
        host = StreamWire(Hop(LOOPBACK, server.sockets[0].getsockname()[1], transport), accepted.get)
        stack.push_async_callback(host.close)
        of_partner = Hop(LOOPBACK, exchange.partner.address[1], transport)

        async def with_streams(listeners: tuple[Hop, ...]) -> tuple[Wire, Wire]:
            gateway = next(hop for hop in listeners if hop.transport is transport)
            secured = {"ssl": tls.client, "server_hostname": "gateway.example"} if tls is not None else {}
            partner = StreamWire(of_partner, lambda: asyncio.open_connection(*gateway.address, **secured))
            stack.push_async_callback(partner.close)
            await partner.open()
            return partner, host

        yield Ends(_over_streams(exchange.configuration, of_partner, host.local, tls), with_streams)


def _over_streams(configuration: Configuration, partner: Hop, host: Hop, tls: _Certificates | None) -> Configuration:
    shared, dedicated, egress = configuration.trunk_groups
    return replace(
        configuration,
        listen=(Hop(LOOPBACK, 0), Hop(LOOPBACK, 0, partner.transport)),
        record_route_hosts=(LOOPBACK,) * 2,
        connections=replace(configuration.connections, message_seconds=MESSAGE_S),
        tls=tls.settings if tls is not None else None,
        trunk_groups=(
            replace(shared, members=(Member(partner),), certificate=tls and "partner.example"),
            dedicated,
            replace(egress, members=(Member(host),), certificate=tls and "host.example"),
        ),
    )


class _Certificates:
    """Of an authority that everybody trusts: the gateway's in files, the switches' in contexts."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        own = authority.issue_cert("gateway.example", LOOPBACK)
        self.settings: Final = TlsSettings(folder / "own.pem", folder / "own.key", folder / "ca.pem")
        own.cert_chain_pems[0].write_to_path(self.settings.certificate)
        own.private_key_pem.write_to_path(self.settings.key)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        self.client: Final = self._context(authority, ssl.PROTOCOL_TLS_CLIENT, "partner.example")
        self.server: Final = self._context(authority, ssl.PROTOCOL_TLS_SERVER, "host.example")

    @staticmethod
    def _context(authority: trustme.CA, protocol: int, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        authority.configure_trust(context)
        authority.issue_cert(name).configure_cert(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context
