"""LERG and the ported numbers are read again while calls are up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from small_gateway import OUTSIDE_NUMBER, Exchange

from gateway.interconnection.carriers import Ocn
from gateway.operations.control_plane import StepRefused
from gateway.wiring.live import Gateway, running


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    exchange = Exchange(tmp_path)
    yield exchange
    exchange.close()


def home_the_outside_code_on_the_hosts_switch(exchange: Exchange) -> None:
    """From now on, the tables say that the number outside the LERG area is inside."""
    lerg6 = exchange.configuration.lerg_folder / "lerg6.csv"
    lerg6.write_text(lerg6.read_text().replace("KANSASCITY,KSCYMO05DS0", "WENTZVILLE,WNVLMOXADS0"))


async def test_a_new_edition_decides_the_next_call_and_leaves_those_that_are_up(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        await exchange.set_up(gateway.address, "up")
        assert "footprint L9" in await exchange.refused(gateway.address, "before", called=OUTSIDE_NUMBER)
        home_the_outside_code_on_the_hosts_switch(exchange)
        in_force = await gateway.control.reload()
        assert (in_force["lerg_rows"], in_force["row_faults"]) == (5, 0)
        await exchange.set_up(gateway.address, "after", called=OUTSIDE_NUMBER)
        assert gateway.policy.limiter.in_progress(Ocn("901A")) == 2
        await exchange.hang_up(gateway.address, "up")
        await exchange.hang_up(gateway.address, "after")
        assert gateway.status()["calls_in_progress"] == 0
        assert [provider["calls_in_progress"] for provider in gateway.status()["providers"]] == [0, 0, 0]


async def test_tables_that_cannot_be_read_leave_the_old_ones_in_force(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        lerg6 = exchange.configuration.lerg_folder / "lerg6.csv"
        lerg6.rename(lerg6.with_suffix(".away"))
        with pytest.raises(StepRefused, match=r"lerg6\.csv.*the tables in force stay"):
            await gateway.control.reload()
        await exchange.set_up(gateway.address, "still decided")


async def test_two_readings_do_not_run_at_once(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        first, second = await asyncio.gather(gateway.control.reload(), gateway.control.reload(), return_exceptions=True)
        assert isinstance(first, dict)
        assert isinstance(second, StepRefused)
        await gateway.control.reload()


async def ask_over_http(gateway: Gateway, token: str) -> tuple[int, dict[str, object]]:
    host, port = gateway.operations_address
    headers = {"Authorization": f"Bearer {token}"}
    async with ClientSession() as session, session.post(f"http://{host}:{port}/reload", headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_reload_over_http_needs_the_token_and_tells_what_is_in_force(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        assert (await ask_over_http(gateway, "guessed"))[0] == 401
        status, document = await ask_over_http(gateway, gateway.api_token())
        assert (status, document["lerg_rows"]) == (200, 5)
        (exchange.configuration.lerg_folder / "lerg1.csv").unlink()
        status, document = await ask_over_http(gateway, gateway.api_token())
        assert status == 409
        assert "lerg1.csv" in str(document["error"])
