"""A gateway with a signalling link and circuits, as its operator sees it: status, metrics, steps."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from small_gateway import Exchange

from gateway.codecs.ss7.isup import MessageType as IsupType
from gateway.codecs.ss7.m3ua import MessageType, m3ua_data, written
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import StepKind
from gateway.interconnection.links import LinkCarrier
from gateway.operations.control_plane import Order
from gateway.signalling.call import Action
from gateway.signalling.ss7.application_server import RECOVERY_US
from gateway.wiring.live import Gateway, running
from gateway.wiring.ss7 import unavailable_carriers
from tests.signalling.ss7.exchange_playbook import of_group
from tests.signalling.ss7.m3ua_ends import OURS, THEIRS

CIRCUITS = """
[[links]]
name = "rb"
role = "server"
point_code = "246-14-7"
address = "127.0.0.1:0"
destinations = ["2-137-26"]
carrier = "tcp"

[[trunk_groups]]
name = "trunks"
side = "partner"
carrier = "7001"
switch = "WNVLMOXADS0"
home_switch = "STLSMO09DS1"
circuits = { point_code = "2-137-26", cics = ["1-4"], links = ["rb"] }

[[trunk_groups]]
name = "kept"
side = "partner"
carrier = "7001"
switch = "WNVLMOXADS0"
home_switch = "STLSMO09DS1"
circuits = { point_code = "2-137-26", cics = ["5-8"], links = ["rb"] }
dedicated = true
"""


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    exchange = Exchange(tmp_path, CIRCUITS)
    async with running(exchange.configuration) as gateway:
        yield gateway
    exchange.close()


def group(gateway: Gateway, name: str = "trunks") -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in gateway.status()["trunk_groups"] if each["name"] == name)
    return found


def says(gateway: Gateway, kind: MessageType) -> list[Action]:
    """What comes of an M3UA message of the other exchange."""
    assert gateway.point is not None
    return gateway.point.link_received("rb#1", 0, written(kind), gateway.clock.now_us())


def acknowledges(gateway: Gateway, kind: IsupType, first: int, marked: bool) -> None:
    """The other exchange answers what it was asked about four circuits."""
    assert gateway.point is not None
    answer = of_group(kind, first, [marked] * 4).data
    gateway.point.receive_transfer(Mtp3Transfer(THEIRS, OURS, 5, 2, 0, 0, answer), gateway.clock.now_us())


def comes_up(gateway: Gateway) -> None:
    assert gateway.point is not None
    gateway.point.link_up("rb#1", gateway.clock.now_us())
    says(gateway, MessageType.ASPUP)
    says(gateway, MessageType.ASPAC)


def in_service(gateway: Gateway) -> dict[str, float]:
    """The metric, by trunk group."""
    families = gateway.metrics.collect()
    return {
        sample.labels["trunk_group"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "tollgate_member_in_service"
    }


async def test_the_member_of_a_group_whose_link_is_down_is_out_of_service(gateway: Gateway) -> None:
    assert [member["state"] for member in group(gateway)["members"]] == ["out of service"]
    assert in_service(gateway)["trunks"] == 0
    comes_up(gateway)
    assert [member["state"] for member in group(gateway)["members"]] == ["out of service"]  # all circuits are reset
    acknowledges(gateway, IsupType.GRA, 1, marked=False)
    assert [member["state"] for member in group(gateway)["members"]] == ["in service"]
    assert in_service(gateway)["trunks"] == 1


async def test_link_and_circuits_agree_on_whether_the_exchange_can_be_reached(gateway: Gateway) -> None:
    def said() -> tuple[str, bool]:
        return gateway.status()["links"][0]["destinations"]["2-137-26"], group(gateway)["circuits"]["reachable"]

    assert gateway.point is not None
    assert said() == ("unavailable", False)
    comes_up(gateway)
    assert said() == ("available", True)
    lost_at_us = gateway.clock.now_us()
    gateway.point.link_down("rb#1", lost_at_us)
    assert said() == ("available", True)  # T(r): messages wait for a process to come back
    assert gateway.status()["links"][0]["state"] == "pending"
    gateway.point.wake(lost_at_us + RECOVERY_US)
    assert said() == ("unavailable", False)


async def test_a_link_that_asks_for_a_carrier_that_is_missing_is_named(gateway: Gateway) -> None:
    said = unavailable_carriers(gateway.configuration, {LinkCarrier.TCP: "no TCP here", LinkCarrier.UDP: "no UDP"})
    assert list(said) == ["link rb: this machine has no carrier tcp: no TCP here"]


async def test_status_says_who_blocks_and_what_the_other_exchange_has_acknowledged(gateway: Gateway) -> None:
    blocked = {"operator": False, "dedicated": True, "circuits": 3, "acknowledged": 0}
    assert group(gateway, "kept")["circuits"]["blocked"] == blocked
    comes_up(gateway)
    acknowledges(gateway, IsupType.GRA, 5, marked=False)
    assert group(gateway, "kept")["circuits"]["blocked"] == blocked
    assert gateway.point is not None
    cgba = of_group(IsupType.CGBA, 6, [True] * 3).data
    gateway.point.receive_transfer(Mtp3Transfer(THEIRS, OURS, 5, 2, 0, 0, cgba), gateway.clock.now_us())
    assert group(gateway, "kept")["circuits"]["blocked"] == blocked | {"acknowledged": 3}


async def test_a_step_is_answered_with_how_far_it_has_come_at_the_exchange(gateway: Gateway) -> None:
    said = gateway.control.block("trunks", True, "op", "floods")
    assert (said["exchange_reachable"], said["circuits_unacknowledged"]) == (False, 3)
    comes_up(gateway)
    acknowledges(gateway, IsupType.GRA, 1, marked=False)
    acknowledges(gateway, IsupType.GRA, 5, marked=False)
    said = await gateway.control.step(Order(StepKind.CUTOVER, Ocn("901A"), "op", "L8", trunk_group="kept"))
    assert (said["exchange_reachable"], said["circuits_unacknowledged"]) == (True, 3)


async def test_a_message_with_wrong_point_codes_or_of_no_circuit_is_told_once(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    assert gateway.point is not None
    comes_up(gateway)
    of_no_circuit, from_nowhere = of_group(IsupType.GRA, 99, [False] * 4).data, THEIRS + 1
    for opc in (THEIRS, from_nowhere) * 2:
        transfer = Mtp3Transfer(opc, OURS, 5, 2, 0, 0, of_no_circuit)
        at_us = gateway.clock.now_us()
        gateway.transport.act(gateway.point.link_received("rb#1", 1, m3ua_data(transfer), at_us), at_us)
    said = [record.getMessage() for record in caplog.records if "was held back" in record.getMessage()]
    assert len(said) == 2
    assert "link rb: a message from 2-137-26 to 246-14-7 was held back: no trunk group has the circuit" in said[0]
    assert "link rb: a message from 2-137-27 to 246-14-7 was held back: " in said[1]


async def test_a_link_that_does_not_connect_says_why_in_status(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = CIRCUITS.replace('role = "server"', 'role = "client"').replace("127.0.0.1:0", f"127.0.0.1:{port}")
    exchange = Exchange(tmp_path, client)
    async with running(exchange.configuration) as gateway, asyncio.timeout(10):
        while (error := gateway.status()["links"][0]["last_error"]) is None:  # noqa: ASYNC110 - nobody is told of it
            await asyncio.sleep(0.01)
        assert error["text"].startswith(f"127.0.0.1:{port} cannot be reached: ")
        assert error["at"].startswith("20")
    exchange.close()
