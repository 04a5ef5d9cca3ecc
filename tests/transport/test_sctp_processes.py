"""Associations between two processes, of which one is killed."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from associations import User, every_carrier, free_tcp_address, free_udp_port, message, soon
from peers import LOOPBACK
from test_links import client_link, gateway

from gateway.signalling.call import Carry
from gateway.transport.sctp import LinkCarrier, open_carrier

pytestmark = pytest.mark.parametrize("kind", every_carrier())

ROOT: Final = Path(__file__).parents[2]


@asynccontextmanager
async def echo(what: str, kind: LinkCarrier, port: int, udp_port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that is ready; killed at the end, if it was not before."""
    program = str(Path(__file__).with_name("sctp_echo.py"))
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, program, what, kind.value, str(port), str(udp_port)),
        env={**os.environ, "PYTHONPATH": path},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 30.0) == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_thousand_messages_go_to_another_process_and_back(kind: LinkCarrier) -> None:
    port, udp_port, user = free_tcp_address()[1], free_udp_port(), User()
    async with echo("listen", kind, port, udp_port):
        open_carrier(kind, udp_port=udp_port).connect((LOOPBACK, port), user)
        association = await user.association()
        sent = [message(number, length=100) for number in range(1_000)]
        assert all(association.send(1, data) for data in sent)
        assert [(await user.message()).data for _ in sent] == sent
        association.shutdown()
        await user.end()


async def test_a_server_that_is_killed_and_comes_back_is_down_and_up(kind: LinkCarrier) -> None:
    port, udp_port = free_tcp_address()[1], free_udp_port()
    async with gateway(client_link("stl", (LOOPBACK, port), carrier=kind, udp_port=udp_port)) as client:
        async with echo("listen", kind, port, udp_port) as process:
            assert await client.point.event() == ("up", "stl")
            process.kill()
            await process.wait()
            client.perform(Carry("stl", 1, message(1)))
            assert await client.point.event() == ("down", "stl")
        async with echo("listen", kind, port, udp_port):
            assert await client.point.event() == ("up", "stl")
            client.perform(Carry("stl", 1, message(2)))
            assert await client.point.event() == ("message", "stl", 1, message(2))


async def test_a_client_that_is_killed_is_noticed_by_its_server(kind: LinkCarrier) -> None:
    port, udp_port, user = free_tcp_address()[1], free_udp_port(), User()
    listener = open_carrier(kind, udp_port=udp_port).listen((LOOPBACK, port), user, lambda _host: True)
    async with echo("connect", kind, port, udp_port) as process:
        association = await user.association()
        process.kill()
        await process.wait()
        association.send(1, message(1))
        assert (await user.end())[0] is association
    listener.close()
    await soon(asyncio.sleep(0))
