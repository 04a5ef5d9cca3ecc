"""Connections to the operations API that say nothing, say it slowly, or are too many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from http_control import Control
from metrics_examples import Stand, metrics_of

from gateway.operations import http_connections
from gateway.operations.http_api import operations_app, serve
from gateway.operations.http_connections import MOST_CONNECTIONS, HttpConnections

LOOPBACK = "127.0.0.1"
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    async with serve(operations_app(Control(), metrics_of(Stand()), None), LOOPBACK, 0) as port:
        yield port


async def answered(peer: Peer) -> bytes:
    """The status line of the answer to a request; nothing where the connection is gone."""
    reader, writer = peer
    try:
        writer.write(REQUEST)
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(b'{"status": "ok"}'))
    except (ConnectionError, asyncio.IncompleteReadError):
        return b""
    return head.split(b"\r\n")[0]


async def is_closed(peer: Peer) -> bool:
    try:
        async with asyncio.timeout(10):
            return await peer[0].read() == b""
    except ConnectionError:
        return True


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "HEAD_S", 0.05)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("begun", [b"", b"GET", REQUEST[:-2]])
async def test_a_head_that_does_not_come_closes_the_connection(begun: bytes) -> None:
    async with served() as port:
        peer = await asyncio.open_connection(LOOPBACK, port)
        peer[1].write(begun)
        assert await is_closed(peer)
        peer[1].close()


@pytest.mark.usefixtures("impatient")
async def test_a_second_head_has_to_come_in_time_as_well() -> None:
    async with served() as port:
        peer = await asyncio.open_connection(LOOPBACK, port)
        assert await answered(peer) == b"HTTP/1.1 200 OK"
        peer[1].write(REQUEST[:-2])
        assert await is_closed(peer)
        peer[1].close()


async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with served() as port:
        peer = await asyncio.open_connection(LOOPBACK, port)
        assert [await answered(peer) for _ in range(3)] == [b"HTTP/1.1 200 OK"] * 3
        peer[1].close()


async def test_a_connection_whose_peer_asks_for_nothing_more_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "IDLE_S", 0.05)
    async with served() as port:
        peer = await asyncio.open_connection(LOOPBACK, port)
        assert await answered(peer) == b"HTTP/1.1 200 OK"
        assert await is_closed(peer)
        peer[1].close()


async def test_whoever_holds_connections_and_says_nothing_keeps_nobody_out() -> None:
    async with served() as port:
        held = [await asyncio.open_connection(LOOPBACK, port) for _ in range(MOST_CONNECTIONS)]
        newcomer = await asyncio.open_connection(LOOPBACK, port)
        assert await answered(newcomer) == b"HTTP/1.1 200 OK"
        assert await is_closed(held[0])  # which has waited for longest
        assert await answered(held[1]) == b"HTTP/1.1 200 OK"
        third = await asyncio.open_connection(LOOPBACK, port)
        assert await is_closed(held[2])  # the first of those that have asked for nothing yet
        for _, writer in (*held, newcomer, third):
            writer.close()


class Wire(asyncio.Transport):
    """A transport that only remembers its end."""

    aborted = False

    def abort(self) -> None:
        self.aborted = True


async def test_a_connection_that_is_being_answered_gives_way_to_nobody() -> None:
    table = HttpConnections(asyncio.Protocol, most=1)
    first, second, third = Wire(), Wire(), Wire()
    answered = table()
    answered.connection_made(first)
    table.head_is_read(first)
    table().connection_made(second)
    assert (first.aborted, second.aborted, len(table)) == (False, True, 1)
    table.answered(first)
    table().connection_made(third)
    assert (first.aborted, third.aborted, len(table)) == (True, False, 1)
    answered.connection_lost(None)
    assert len(table) == 1
