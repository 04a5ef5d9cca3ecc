"""Signalling links: names, reconnects, bounds, and the way between associations, the point and the endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from associations import User, every_carrier, free_tcp_address, free_udp_port, message, soon
from peers import LOOPBACK, Peer, ScriptedProxy

from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.links import Address, Link, LinkCarrier, LinkRole
from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Action, Carry, Drop, Send
from gateway.transport.clock import Clock
from gateway.transport.endpoint import SipEndpoint
from gateway.transport.links import LinkEndpoint, LinkTap
from gateway.transport.sctp import Refusal, SctpLimits, available_carriers, open_carrier
from gateway.transport.udp import UdpCarrier, open_socket

OWN: Final = 0x02891A


class ScriptedPoint(ScriptedProxy):
    """In a signalling point's place: does what a function says of each event, and lets a test wait for the event."""

    def __init__(self) -> None:
        super().__init__(lambda _data, _source: ())
        self.events: Final[asyncio.Queue[tuple[object, ...]]] = asyncio.Queue()
        self.on_up: Callable[[str], Sequence[Action]] = lambda _name: ()
        self.on_down: Callable[[str], Sequence[Action]] = lambda _name: ()
        self.on_message: Callable[[str, int, bytes], Sequence[Action]] = lambda _name, _stream, _data: ()

    def link_up(self, name: str, at_us: int) -> list[Action]:  # noqa: ARG002 - the signature is the point's
        self.events.put_nowait(("up", name))
        return list(self.on_up(name))

    def link_down(self, name: str, at_us: int) -> list[Action]:  # noqa: ARG002 - as above
        self.events.put_nowait(("down", name))
        return list(self.on_down(name))

    def link_received(self, name: str, stream: int, data: bytes, at_us: int) -> list[Action]:  # noqa: ARG002
        self.events.put_nowait(("message", name, stream, data))
        return list(self.on_message(name, stream, data))

    async def event(self) -> tuple[object, ...]:
        found: tuple[object, ...] = await soon(self.events.get())
        return found


def server_link(name: str = "rb", address: Address = (LOOPBACK, 0), **options: Any) -> Link:
    options = {"carrier": LinkCarrier.TCP, "reconnect_us": 20_000, **options}
    return Link(name, LinkRole.SERVER, Variant.ANSI, OWN, address, (), **options)


def client_link(name: str = "rb", address: Address = (LOOPBACK, 0), **options: Any) -> Link:
    options = {"carrier": LinkCarrier.TCP, "reconnect_us": 20_000, **options}
    return Link(name, LinkRole.CLIENT, Variant.ANSI, OWN, address, (), **options)


class Gateway:
    """Links with their endpoint, and what stands behind both."""

    def __init__(self, links: Sequence[Link], tap: LinkTap | None = None, limits: SctpLimits | None = None) -> None:
        self.point: Final = ScriptedPoint()
        self.endpoint: Final = SipEndpoint(self.point, Clock(), ())  # type: ignore[arg-type]
        self.endpoint.add(UdpCarrier(self.endpoint, open_socket(LOOPBACK, 0)))
        self.links: Final = LinkEndpoint(links, self.point, self.endpoint, tap, limits)
        self.endpoint.links = self.links

    def perform(self, *actions: Action) -> None:
        self.endpoint.act(actions, self.endpoint.clock.now_us())


@asynccontextmanager
async def gateway(*links: Link, tap: LinkTap | None = None, limits: SctpLimits | None = None) -> AsyncIterator[Gateway]:
    one = Gateway(links, tap, limits)
    one.endpoint.start()
    await one.links.start()
    try:
        yield one
    finally:
        one.links.close()
        one.endpoint.close()
        await one.links.wait_closed()
        await one.endpoint.wait_closed()


@asynccontextmanager
async def joined(kind: LinkCarrier = LinkCarrier.TCP) -> AsyncIterator[tuple[Gateway, Gateway]]:
    """A gateway with a server link ``rb``, and one with a client link ``stl`` to it, up."""
    udp_port = free_udp_port()
    async with gateway(server_link(carrier=kind, udp_port=udp_port)) as server:
        address = server.links.listening("rb")
        assert address is not None
        async with gateway(client_link("stl", address, carrier=kind, udp_port=udp_port)) as client:
            assert await client.point.event() == ("up", "stl")
            assert await server.point.event() == ("up", "rb#1")
            yield server, client


async def dial(server: Gateway, name: str = "rb") -> User:
    """An association of somebody else with a server link."""
    address, user = server.links.listening(name), User()
    assert address is not None
    open_carrier(LinkCarrier.TCP).connect(address, user)
    return user


@pytest.mark.parametrize("kind", every_carrier())
async def test_messages_go_between_two_points(kind: LinkCarrier) -> None:
    async with joined(kind) as (server, client):
        assert (server.links.carriers, client.links.carriers) == ({"rb": kind}, {"stl": kind})
        client.perform(Carry("stl", 1, message(1)))
        assert await server.point.event() == ("message", "rb#1", 1, message(1))
        server.perform(Carry("rb#1", 1, message(2)))
        assert await client.point.event() == ("message", "stl", 1, message(2))


@pytest.mark.parametrize("kind", every_carrier())
async def test_a_client_whose_peer_is_gone_comes_back(kind: LinkCarrier) -> None:
    async with joined(kind) as (server, client):
        server.perform(Drop("rb#1", "a test"))
        assert await server.point.event() == ("down", "rb#1")
        assert await client.point.event() == ("down", "stl")
        assert await client.point.event() == ("up", "stl")
        assert await server.point.event() == ("up", "rb#1")
        assert (server.links.opened["rb"], client.links.opened["stl"]) == (2, 2)


async def test_what_an_event_asks_for_is_done() -> None:
    async with gateway(server_link()) as server:
        server.point.on_up = lambda name: [Carry(name, 0, message(1, message_class=3))]
        server.point.on_message = lambda name, stream, data: [Carry(name, stream, data)]
        user = await dial(server)
        association = await user.association()
        assert (await user.message()).data == message(1, message_class=3)
        association.send(1, message(2))
        assert (await user.message()).data == message(2)
        association.abort()


async def test_an_event_of_a_link_may_send_sip_and_set_the_timer() -> None:
    async with gateway(server_link()) as server:
        peer = Peer()
        server.point.on_up = lambda _name: [Send(b"OPTIONS", Hop(*peer.address))]
        server.point.wakes_at_us = server.endpoint.clock.now_us() + 1_000
        user = await dial(server)
        assert await peer.receive() == b"OPTIONS"
        await soon(server.point.woken.wait())
        (await user.association()).abort()
        peer.close()


async def test_messages_of_one_turn_are_all_handled_before_an_answer_is_sent() -> None:
    sent: list[int] = []

    def tap(_at_us: int, _source: Address, _destination: Address, data: bytes) -> None:
        sent.append(data[11])

    async with gateway(server_link(), tap=tap) as server:
        server.point.on_message = lambda name, _stream, data: [Carry(name, 1, message(data[11] + 100))]
        user = await dial(server)
        association = await user.association()
        for number in range(3):
            association.send(1, message(number))
        assert [(await user.message()).data for _ in range(3)] == [message(number + 100) for number in range(3)]
        assert sent == [0, 1, 2, 100, 101, 102]
        association.abort()


async def test_the_tap_sees_both_directions_with_their_addresses() -> None:
    seen: list[tuple[Address, Address, bytes]] = []
    async with gateway(server_link(), tap=lambda _at_us, *shown: seen.append(shown)) as server:
        server.point.on_message = lambda name, stream, _data: [Carry(name, stream, message(2))]
        user = await dial(server)
        association = await user.association()
        association.send(1, message(1))
        await user.message()
        local = server.links.listening("rb")
        assert seen == [(association.local, local, message(1)), (local, association.local, message(2))]
        association.abort()


async def test_each_association_of_a_server_has_a_name_which_the_next_takes_over() -> None:
    async with gateway(server_link()) as server:
        users = [await dial(server) for _ in range(3)]
        names = [await server.point.event() for _ in users]
        assert sorted(names) == [("up", "rb#1"), ("up", "rb#2"), ("up", "rb#3")]
        assert server.links.up == {"rb": 3}
        server.perform(Drop("rb#2", "a test"))
        assert await server.point.event() == ("down", "rb#2")
        await dial(server)
        assert await server.point.event() == ("up", "rb#2")


async def test_links_that_share_an_address_are_told_apart_by_their_peers() -> None:
    address = free_tcp_address()
    links = (server_link("any", address), server_link("named", address, peers=(LOOPBACK,)))
    async with gateway(*links) as server:
        await dial(server, "any")
        assert await server.point.event() == ("up", "named#1")


async def test_who_is_no_peer_gets_no_association() -> None:
    async with gateway(server_link(peers=("192.0.2.1",))) as server:
        user = await dial(server)
        await user.end()
        assert server.links.refused[Refusal.PEER] == 1
        assert server.point.events.empty()


async def test_a_message_for_a_link_that_is_down_is_lost_and_counted() -> None:
    async with gateway(client_link("stl", free_tcp_address()), server_link()) as one:
        one.perform(Carry("stl", 1, message()), Carry("rb#1", 1, message()), Carry("rb#1", 1, message()))
        assert one.links.lost == {"stl": 1, "rb": 2}
        one.perform(Drop("stl", "it is not up"))


async def test_a_client_waits_for_its_server_to_come() -> None:
    address = free_tcp_address()
    async with gateway(client_link("stl", address)) as client:
        async with gateway(server_link(address=address)) as server:
            assert await server.point.event() == ("up", "rb#1")
            assert await client.point.event() == ("up", "stl")
        assert await client.point.event() == ("down", "stl")


async def test_a_fault_of_the_point_stops_neither_the_link_nor_others() -> None:
    async with joined() as (server, client):

        def fail(_name: str, _stream: int, data: bytes) -> Sequence[Action]:
            if data == message(1):
                raise RuntimeError("a fault")
            return ()

        server.point.on_message = fail
        client.perform(Carry("stl", 1, message(1)), Carry("stl", 1, message(2)))
        assert (await server.point.event())[3] == message(1)
        assert (await server.point.event())[3] == message(2)
        assert server.links.faults == 1


async def test_a_fault_on_up_or_down_is_counted() -> None:
    def fail(_name: str) -> Sequence[Action]:
        raise RuntimeError("a fault")

    async with gateway(server_link()) as server:
        server.point.on_up = server.point.on_down = fail
        user = await dial(server)
        (await user.association()).abort()
        assert await server.point.event() == ("up", "rb#1")
        assert await server.point.event() == ("down", "rb#1")
        assert server.links.faults == 2


async def test_a_stop_is_a_shutdown_of_all_associations() -> None:
    async with joined() as (server, client):
        server.links.close()
        assert await client.point.event() == ("down", "stl")
        assert await server.point.event() == ("down", "rb#1")
        await soon(server.links.wait_closed())
        assert server.links.up == {"rb": 0}


async def test_an_address_that_cannot_be_listened_on_is_named() -> None:
    async with gateway(server_link()) as server:
        taken = server.links.listening("rb")
        other = Gateway((server_link(address=taken or (LOOPBACK, 0)),))
        with pytest.raises(OSError, match=r"cannot listen on 127\.0\.0\.1:\d+ for M3UA over tcp"):
            await other.links.start()
        other.links.close()
        other.endpoint.close()


async def test_auto_is_the_best_carrier_there_is() -> None:
    async with gateway(server_link(carrier=LinkCarrier.AUTO, udp_port=free_udp_port())) as server:
        assert server.links.carriers == {"rb": available_carriers()[0]}
