"""Two ends of a signalling link as a gateway has them: M3UA's states above, every carrier below."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from associations import every_carrier, free_udp_port, soon
from peers import LOOPBACK, ScriptedProxy

from gateway.codecs.ss7.mtp3 import Mtp3Transfer, ServiceIndicator
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.links import Link, LinkCarrier, LinkRole
from gateway.signalling.call import Action
from gateway.signalling.ss7.m3ua_links import Indication, M3uaLinks, Resumed
from gateway.transport.clock import Clock
from gateway.transport.endpoint import SipEndpoint
from gateway.transport.links import LinkEndpoint
from gateway.transport.udp import UdpCarrier, open_socket

GATEWAY, TANDEM = 0x02891A, 0xF60E07


class M3uaPoint(ScriptedProxy):
    """In a signalling point's place: M3UA alone, which hands on what it is told."""

    def __init__(self, link: Link) -> None:
        super().__init__(lambda _data, _source: ())
        self.link = link
        self.m3ua = M3uaLinks([link])
        self.told: asyncio.Queue[Indication] = asyncio.Queue()

    def link_up(self, name: str, at_us: int) -> list[Action]:
        actions: list[Action] = []
        self._tell(self.m3ua.up(name, at_us, actions))
        return actions

    def link_down(self, name: str, at_us: int) -> list[Action]:
        actions: list[Action] = []
        self._tell(self.m3ua.down(name, at_us, actions))
        return actions

    def link_received(self, name: str, stream: int, data: bytes, at_us: int) -> list[Action]:
        actions: list[Action] = []
        self._tell(self.m3ua.receive(name, stream, data, at_us, actions))
        return actions

    def _tell(self, indications: list[Indication]) -> None:
        for indication in indications:
            self.told.put_nowait(indication)

    async def transfer(self) -> Mtp3Transfer:
        while not isinstance(one := await soon(self.told.get()), Mtp3Transfer):
            pass
        return one


class End:
    def __init__(self, link: Link) -> None:
        self.point = M3uaPoint(link)
        self.endpoint = SipEndpoint(self.point, Clock(), ())  # type: ignore[arg-type]
        self.endpoint.add(UdpCarrier(self.endpoint, open_socket(LOOPBACK, 0)))
        self.links = LinkEndpoint([link], self.point, self.endpoint)
        self.endpoint.links = self.links

    async def start(self) -> None:
        self.endpoint.start()
        await self.links.start()

    async def stop(self) -> None:
        self.links.close()
        self.endpoint.close()
        await self.links.wait_closed()
        await self.endpoint.wait_closed()

    def send(self, dpc: int, sls: int, data: bytes) -> bool:
        actions: list[Action] = []
        at_us = self.endpoint.clock.now_us()
        transfer = Mtp3Transfer(self.point.link.own, dpc, ServiceIndicator.ISUP, 2, 0, sls, data)
        sent = self.point.m3ua.send(transfer, (self.point.link.name,), at_us, actions)
        self.endpoint.act(actions, at_us)
        return sent


@pytest.mark.parametrize("kind", every_carrier())
async def test_a_link_becomes_active_and_transfers_go_both_ways(kind: LinkCarrier) -> None:
    udp_port = free_udp_port()
    link = Link("a", LinkRole.SERVER, Variant.ANSI, TANDEM, (LOOPBACK, 0), (GATEWAY,), 2, kind, udp_port=udp_port)
    async with AsyncExitStack() as both:
        server = End(link)
        both.push_async_callback(server.stop)
        await server.start()
        address = server.links.listening("a")
        assert address is not None
        client = End(replace(link, role=LinkRole.CLIENT, own=GATEWAY, address=address, destinations=(TANDEM,)))
        both.push_async_callback(client.stop)
        await client.start()
        assert await soon(client.point.told.get()) == Resumed(TANDEM)
        assert await soon(server.point.told.get()) == Resumed(GATEWAY)
        for sls in range(20):
            assert client.send(TANDEM, sls, bytes((sls, 0, 1)))
            assert (await server.point.transfer()).data == bytes((sls, 0, 1))
            assert server.send(GATEWAY, sls, bytes((sls, 0, 16)))
            assert (await client.point.transfer()).data == bytes((sls, 0, 16))
        assert (client.links.lost["a"], server.links.lost["a"]) == (0, 0)
