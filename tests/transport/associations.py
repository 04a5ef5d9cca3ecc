"""What stands around associations in their tests: users that say what they were told, and a server with a client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import pytest
from peers import LOOPBACK

from gateway.transport.sctp import (
    Address,
    Arrived,
    Association,
    LinkCarrier,
    Listener,
    SctpCarrier,
    SctpLimits,
    missing_carriers,
    open_carrier,
)

LIMIT_S: Final = 10.0
"""What has not come after this time fails the test."""
TRANSFER: Final = 1
MANAGEMENT: Final = 0


def every_carrier() -> list[object]:
    """For parametrizing: all kinds; those that this machine has not are skipped, and the reason is named."""
    missing = missing_carriers()
    return [
        pytest.param(
            kind,
            id=kind.value,
            marks=[pytest.mark.skip(f"no {kind.value}: {missing[kind]}")] if kind in missing else [],
        )
        for kind in (LinkCarrier.KERNEL, LinkCarrier.UDP, LinkCarrier.TCP)
    ]


def message(number: int = 1, length: int = 16, message_class: int = TRANSFER) -> bytes:
    """An M3UA message as far as a carrier looks into it."""
    head = bytes((1, 0, message_class, 1)) + length.to_bytes(4, "big") + number.to_bytes(4, "big")
    return head + bytes(length - len(head))


@dataclass
class User:
    """Keeps what it was told, and lets a test wait for it."""

    came: asyncio.Queue[Association] = field(default_factory=asyncio.Queue)
    went: asyncio.Queue[tuple[Association, str]] = field(default_factory=asyncio.Queue)
    messages: asyncio.Queue[Arrived] = field(default_factory=asyncio.Queue)
    turns: list[int] = field(default_factory=list)
    """How many messages each turn had."""
    on_message: Callable[[Arrived], None] = lambda _arrived: None

    def up(self, association: Association) -> None:
        self.came.put_nowait(association)

    def down(self, association: Association, why: str) -> None:
        self.went.put_nowait((association, why))

    def received(self, arrived: Sequence[Arrived]) -> None:
        self.turns.append(len(arrived))
        for one in arrived:
            self.messages.put_nowait(one)
            self.on_message(one)

    async def association(self) -> Association:
        return await soon(self.came.get())

    async def message(self) -> Arrived:
        return await soon(self.messages.get())

    async def end(self) -> tuple[Association, str]:
        return await soon(self.went.get())


@dataclass
class Side:
    carrier: SctpCarrier
    user: User


@dataclass
class Pair:
    """A server and a client on the loopback."""

    server: Side
    listener: Listener
    client: Side
    made: list[Association] = field(default_factory=list)

    def connect(self) -> Association:
        association = self.client.carrier.connect(self.listener.local, self.client.user)
        self.made.append(association)
        return association

    async def associate(self) -> tuple[Association, Association]:
        """An association that is up: the client's end, the server's."""
        self.connect()
        ours = await self.client.user.association()
        return ours, await self.server.user.association()


@asynccontextmanager
async def pair(
    kind: LinkCarrier,
    *,
    limits: SctpLimits | None = None,
    admit: Callable[[str], bool] = lambda _host: True,
    host: str = LOOPBACK,
) -> AsyncIterator[Pair]:
    udp_port = free_udp_port(host)
    server = Side(open_carrier(kind, limits, udp_port), User())
    client = Side(open_carrier(kind, limits, udp_port), User())
    listener = server.carrier.listen((host, 0), server.user, admit)
    both = Pair(server, listener, client)
    try:
        yield both
    finally:
        listener.close()
        for association in both.made:
            association.abort()
        while not server.user.came.empty():
            server.user.came.get_nowait().abort()
        await asyncio.sleep(0)


def free_udp_port(host: str = LOOPBACK) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        port: int = sock.getsockname()[1]
        return port


def free_tcp_address() -> Address:
    """Where nobody listens."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        address: Address = sock.getsockname()
        return address


async def soon(awaitable):  # type: ignore[no-untyped-def]
    async with asyncio.timeout(LIMIT_S):
        return await awaitable
