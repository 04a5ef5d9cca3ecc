"""A flood on real sockets: seen by the detectors, throttled by the gateway itself, told to the partner (L8, L10)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from small_gateway import OTHER_PROVIDER_NUMBER, OUTSIDE_NUMBER, Exchange

from gateway.cli.status_table import lines_of
from gateway.wiring.live import Gateway, running

FLOODER = "902B"
CALL = {"calling": OTHER_PROVIDER_NUMBER, "called": OUTSIDE_NUMBER}
SETTINGS = """
[denial_of_service]
automatic = ["throttle"]

[detectors.invite_flood]
cold_per_second = 10
minimum_per_second = 5
hold_seconds = 2

[detectors.calling_share]
enabled = false
"""


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    exchange = Exchange(tmp_path, SETTINGS)
    yield exchange
    exchange.close()


def state_of(gateway: Gateway, ocn: str) -> str:
    (provider,) = (each for each in gateway.status()["providers"] if each["ocn"] == ocn)
    return str(provider["standing"]["state"])


async def flood(exchange: Exchange, gateway: Gateway) -> None:
    """Calls of one provider, 50 a second, until it is throttled."""
    acknowledging = asyncio.create_task(acknowledge(exchange, gateway))
    number = 0
    async with asyncio.timeout(60):
        while state_of(gateway, FLOODER) == "normal":
            for _ in range(5):
                number += 1
                exchange.partner.send("INVITE", gateway.address, f"flood-{number}", **CALL)
            await asyncio.sleep(0.1)
    await acknowledging


async def acknowledge(exchange: Exchange, gateway: Gateway) -> None:
    """Every final answer, until none comes for a second."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            async with asyncio.timeout(1):
                answer = (await loop.sock_recv(exchange.partner.socket, 65_535)).decode()
            (call_id,) = re.findall(r"^Call-ID: (\S+)", answer, re.MULTILINE)
            tag = re.findall(r"^To: [^;\r]*;tag=(\S+)\r", answer, re.MULTILINE)
            if not answer.startswith("SIP/2.0 1"):
                exchange.partner.send("ACK", gateway.address, call_id, to_tag=tag[0], **CALL)
    except TimeoutError:
        return


async def scraped(gateway: Gateway) -> str:
    host, port = gateway.operations_address
    async with ClientSession() as session, session.get(f"http://{host}:{port}/metrics") as answer:
        return await answer.text()


async def test_a_flood_is_throttled_with_evidence_and_notice_and_nobody_else_is(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        await flood(exchange, gateway)
        status = gateway.status()
        alerts = {alert["detector"]: alert for alert in status["denial_of_service"]["alerts"]}
        assert alerts["invite_flood"]["ocn"] == FLOODER
        (step,) = status["steps"]
        assert (step["step"], step["ocn"], step["who"]) == ("throttle", FLOODER, "tollgate")
        assert step["why"].startswith("invite_flood: ")
        assert state_of(gateway, "901A") == "normal"
        assert any("throttled" in line and FLOODER in line for line in lines_of(status))
        (bundle,) = (exchange.configuration.state_folder / "evidence").iterdir()
        document = json.loads((bundle / "evidence.json").read_text())
        assert document["detections"][0]["detector"] == "invite_flood"
        assert b"flood-1\r\n" in (bundle / "attack.pcapng").read_bytes()
        async with asyncio.timeout(10):
            while gateway.status()["notices"]["delivered"] < 1:  # noqa: ASYNC110 - nobody is told of it
                await asyncio.sleep(0.05)
        (notice,) = (exchange.configuration.state_folder / "notices").iterdir()
        assert "Subject: Other provider (902B) throttled" in notice.read_text()
        metrics = await scraped(gateway)
        assert 'tollgate_provider_state{ocn="902B",state="throttled"} 1.0' in metrics
        assert 'tollgate_alerts{detector="invite_flood"}' in metrics
        await exchange.set_up(gateway.address, "innocent")
        await exchange.set_up(gateway.address, "help", calling=OTHER_PROVIDER_NUMBER, called="911")
