"""A gateway that looks names up: at a real DNS server, with real sockets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from name_server import NameServer, name_server
from small_gateway import HOST_NUMBER, LOOPBACK, Exchange, Switch

from gateway.interconnection.trunk_groups import NamedMember
from gateway.operations.configuration import Configuration
from gateway.wiring.live import running


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    exchange = Exchange(tmp_path)
    yield exchange
    exchange.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[NameServer]:
    async with name_server() as server:
        yield server


def asking(configuration: Configuration, server: NameServer, *, in_dialog: bool) -> Configuration:
    return replace(configuration, dns=replace(configuration.dns, servers=(server.address,), in_dialog=in_dialog))


def naming_the_host(exchange: Exchange, server: NameServer, uri: str) -> Configuration:
    """The host's trunk group has this name and no address."""
    configuration = asking(exchange.configuration, server, in_dialog=False)
    named = {"members": (), "names": (NamedMember(uri),)}
    groups = (replace(group, **named) if group.name == "host" else group for group in configuration.trunk_groups)
    return replace(configuration, trunk_groups=tuple(groups))


@pytest.mark.parametrize("in_dialog", [True, False])
async def test_a_bye_follows_the_name_in_the_contact_where_that_is_set(
    exchange: Exchange, server: NameServer, in_dialog: bool
) -> None:
    elsewhere = Switch()
    port = elsewhere.address[1]
    server.records["A telephone.example"] = [f"telephone.example. 60 IN A {LOOPBACK}"]
    async with running(asking(exchange.configuration, server, in_dialog=in_dialog)) as gateway:
        address = gateway.address
        exchange.partner.send("INVITE", address, "by-name")
        invite = await exchange.host.receive("INVITE ")
        exchange.host.answer(invite, f"200 OK\r\nContact: <sip:x@telephone.example:{port}>", address)
        await exchange.partner.receive("SIP/2.0 200 ")
        exchange.partner.send("ACK", address, "by-name", to_tag="b")
        await exchange.host.receive("ACK ")
        bye = (
            f"BYE sip:x@telephone.example:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {LOOPBACK}:{exchange.partner.address[1]};branch=z9hG4bK2\r\n"
            "Max-Forwards: 70\r\n"
            f"From: <sip:+13145550100@{LOOPBACK}>;tag=a\r\nTo: <sip:{HOST_NUMBER}@{LOOPBACK}>;tag=b\r\n"
            "Call-ID: by-name\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
        )
        exchange.partner.socket.sendto(bye.encode(), address)
        reached = elsewhere if in_dialog else exchange.host
        reached.answer(await reached.receive("BYE "), "200 OK", address)
        await exchange.partner.receive("SIP/2.0 200 ")
    assert server.asked == ({"A telephone.example": 1} if in_dialog else {})
    elsewhere.socket.close()


async def test_a_member_that_is_a_name_is_looked_up_and_gets_calls_and_makes_them(
    exchange: Exchange, server: NameServer, caplog: pytest.LogCaptureFixture
) -> None:
    port = exchange.host.address[1]
    server.records["A switch.example"] = [f"switch.example. 60 IN A {LOOPBACK}"]
    configuration = naming_the_host(exchange, server, f"sip:switch.example:{port}")
    caplog.set_level("INFO", "tollgate.dns")
    async with running(configuration) as gateway:
        await exchange.set_up(gateway.address, "to-a-name")
        await exchange.hang_up(gateway.address, "to-a-name")
        (status,) = [group for group in gateway.status()["trunk_groups"] if group["name"] == "host"]
        metrics = (await gateway.metrics.render()).decode()
    assert server.asked == {"A switch.example": 1}
    (name,) = status["names"]
    assert (name["name"], name["addresses"]) == (f"sip:switch.example:{port}", [f"udp:{LOOPBACK}:{port}"])
    assert (name["failure"], name["located"] is None) == (None, False)
    assert [member["address"] for member in status["members"]] == [f"udp:{LOOPBACK}:{port}"]
    assert f"sip:switch.example:{port} is now udp:{LOOPBACK}:{port}" in caplog.text
    labels = f'name="sip:switch.example:{port}",trunk_group="host"'
    assert f"tollgate_name_addresses{{{labels}}} 1.0" in metrics
    assert f"tollgate_name_failing{{{labels}}} 0.0" in metrics
    assert "tollgate_dns_queries_total 1.0" in metrics
    assert "tollgate_dns_failures_total 0.0" in metrics
    assert "tollgate_dns_cached_answers 1.0" in metrics


async def test_a_gateway_whose_names_are_not_there_starts_and_refuses_their_calls(
    exchange: Exchange, server: NameServer
) -> None:
    configuration = naming_the_host(exchange, server, "sip:switch.example")
    async with running(configuration) as gateway:
        answer = await exchange.refused(gateway.address, "to-nobody")
        (status,) = [group for group in gateway.status()["trunk_groups"] if group["name"] == "host"]
        metrics = (await gateway.metrics.render()).decode()
    assert answer.startswith("SIP/2.0 480 ")
    assert 'tollgate_name_failing{name="sip:switch.example",trunk_group="host"} 1.0' in metrics
    assert status["names"][0]["failure"] == "switch.example has no address"
    assert status["members"] == []


def test_the_library_is_not_loaded_where_no_name_is_looked_up() -> None:
    program = "import gateway.wiring.live, gateway.wiring.names, sys; print('dns' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "False\n"
