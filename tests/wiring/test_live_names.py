"""A gateway that looks names up: at a real DNS server, with real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from name_server import NameServer, name_server
from small_gateway import HOST_NUMBER, LOOPBACK, Exchange, Switch

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
