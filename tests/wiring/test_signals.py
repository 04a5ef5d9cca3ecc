"""From SIGTERM to the end: calls get their time, and a second signal takes it from them."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from small_gateway import LOOPBACK, Exchange

from gateway.interconnection.trunk_groups import Hop
from gateway.records.call_records import RECORDS_FILE, read_calls
from gateway.transport.udp import open_socket
from gateway.wiring.process import _serve

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the loop takes no signals there")


class Said(logging.Handler):
    """What the gateway says of its life, to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put_nowait(record.getMessage())

    async def wait_for(self, start: str) -> str:
        async with asyncio.timeout(10):
            while not (line := await self.lines.get()).startswith(start):
                pass
            return line


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    exchange = Exchange(tmp_path)
    yield exchange
    exchange.close()


@pytest.fixture
async def said() -> Said:
    return Said()


@pytest.fixture
def listening(said: Said) -> Iterator[Said]:
    log = logging.getLogger("tollgate")
    level = log.level
    log.addHandler(said)
    log.setLevel(logging.INFO)
    yield said
    log.removeHandler(said)
    log.setLevel(level)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_calls_end_and_a_second_one_stops_at_once(
    exchange: Exchange, listening: Said, number: signal.Signals
) -> None:
    with open_socket(LOOPBACK, 0) as probe:
        address = (LOOPBACK, probe.getsockname()[1])
    serving = asyncio.create_task(_serve(replace(exchange.configuration, listen=(Hop(*address),)), 3_600))
    await listening.wait_for(f"SIP on udp:{LOOPBACK}:{address[1]}, operations on http {LOOPBACK}:")
    await exchange.set_up(address, "ends")
    await exchange.set_up(address, "endless")
    os.kill(os.getpid(), number)
    await listening.wait_for("draining: calls in progress get 3600 s to end")
    await exchange.hang_up(address, "ends")
    assert not serving.done()
    os.kill(os.getpid(), number)
    assert await listening.wait_for("stopped") == "stopped: 2 call records written, 0 lost"
    async with asyncio.timeout(10):
        await serving
    ended = {call.call_id: call.ended_by for call in read_calls(exchange.configuration.state_folder / RECORDS_FILE)}
    assert ended == {"ends": "caller", "endless": "shutdown"}


async def test_a_hangup_signal_has_the_tables_read_again(exchange: Exchange, listening: Said) -> None:
    serving = asyncio.create_task(_serve(exchange.configuration, 0))
    await listening.wait_for("SIP on ")
    os.kill(os.getpid(), signal.SIGHUP)
    assert await listening.wait_for("tables read again") == "tables read again: 5 LERG 6 rows, 0 rows not used"
    (exchange.configuration.lerg_folder / "lerg6.csv").unlink()
    os.kill(os.getpid(), signal.SIGHUP)
    assert "lerg6.csv" in await listening.wait_for("the tables in force stay")
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await serving
