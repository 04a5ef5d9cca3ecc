"""The lossy relay: a network that fails by a fixed pattern, and of which the nodes see nothing."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from sim.lossy_relay import Address, Impairment, LossyRelay, Node, Pattern

LIMIT_S: Final = 10.0
ROUGH: Final = Impairment(lose=0.1, duplicate=0.1, reorder=0.1, late_s=0.02, jitter_s=0.01)


class Peer(asyncio.DatagramProtocol):
    """A node: it keeps what comes, with where it came from."""

    def __init__(self) -> None:
        self.received: Final[asyncio.Queue[tuple[bytes, Address]]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.received.put_nowait((data, (addr[0], addr[1])))


def free_address() -> Address:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        host, port = free.getsockname()
        return host, port


@asynccontextmanager
async def peer(node: Node) -> AsyncIterator[tuple[Peer, asyncio.DatagramTransport]]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(Peer, local_addr=node.own)
    try:
        yield protocol, transport
    finally:
        transport.close()


@asynccontextmanager
async def network(impairment: Impairment) -> AsyncIterator[tuple[LossyRelay, Node, Node]]:
    here, there = Node(free_address(), free_address()), Node(free_address(), free_address())
    relay = LossyRelay((here, there), impairment, seed=1)
    await relay.open()
    try:
        yield relay, here, there
    finally:
        relay.close()


async def test_a_datagram_arrives_from_the_address_by_which_its_sender_is_known() -> None:
    async with network(Impairment()) as (_, here, there), peer(here) as (_, sender), peer(there) as (receiver, _):
        sender.sendto(b"INVITE", there.known_as)
        assert await asyncio.wait_for(receiver.received.get(), LIMIT_S) == (b"INVITE", here.known_as)


async def test_a_doubled_datagram_arrives_twice() -> None:
    always = Impairment(duplicate=1.0, late_s=0.001)
    async with network(always) as (relay, here, there), peer(here) as (_, sender), peer(there) as (receiver, _):
        sender.sendto(b"BYE", there.known_as)
        arrived = [await asyncio.wait_for(receiver.received.get(), LIMIT_S) for _ in range(2)]
        assert [data for data, _ in arrived] == [b"BYE", b"BYE"]
        assert relay.tally == {"doubled": 1}


async def test_a_datagram_from_elsewhere_goes_nowhere() -> None:
    async with network(Impairment()) as (relay, _, there), peer(Node(free_address(), free_address())) as (_, stranger):
        relay.arrived(b"INVITE", stranger.get_extra_info("sockname"), there)
        assert relay.tally == {"from elsewhere": 1}


def test_the_same_seed_gives_the_same_fates_and_another_gives_others() -> None:
    def fates(seed: str) -> list[object]:
        pattern = Pattern(ROUGH, seed)
        return [pattern.next() for _ in range(200)]

    assert fates("1") == fates("1")
    assert fates("1") != fates("2")


def test_a_share_of_the_datagrams_is_lost_doubled_and_held_back() -> None:
    pattern = Pattern(ROUGH, "1")
    counted = Counter(pattern.next().what for _ in range(10_000))
    assert set(counted) == {"lost", "doubled", "held back", "passed"}
    assert 900 < counted["lost"] < 1_100
    assert 800 < counted["doubled"] < 1_000
    assert 700 < counted["held back"] < 900


def test_one_share_does_not_shift_the_pattern_of_another() -> None:
    rough, losing = Pattern(ROUGH, "1"), Pattern(Impairment(lose=0.1), "1")
    lost = [(rough.next().what == "lost", losing.next().what == "lost") for _ in range(1_000)]
    assert all(one is other for one, other in lost)


@pytest.mark.parametrize("wrong", [{"lose": 1.5}, {"reorder": -0.1}, {"jitter_s": 5.0}, {"late_s": -1.0}])
def test_an_impairment_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Impairment(**wrong)


def test_a_node_outside_this_machine_is_refused() -> None:
    with pytest.raises(ValueError, match="loopback"):
        LossyRelay((Node(("192.0.2.1", 5060), ("127.0.0.1", 5060)),), Impairment(), seed=1)


def test_an_address_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        LossyRelay((Node(("127.0.0.1", 5060), ("127.0.0.1", 5060)),), Impairment(), seed=1)
