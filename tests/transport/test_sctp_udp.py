"""SCTP in UDP by libusrsctp: peers that vanish, restart, talk nonsense or never finish, networks that lose packets."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from associations import LIMIT_S, Side, User, free_udp_port, message, pair
from peers import LOOPBACK

from gateway.transport.sctp import (
    RESTARTED,
    Address,
    Association,
    LinkCarrier,
    Refusal,
    SctpLimits,
    missing_carriers,
    open_carrier,
    udp,
)
from gateway.transport.sctp.udp_stack import IDLE_PATHS, stack

UDP: Final = LinkCarrier.UDP

pytestmark = pytest.mark.skipif(UDP in missing_carriers(), reason=f"no udp: {missing_carriers().get(UDP)}")

COOKIE_ECHO: Final = 10


class Relay(asyncio.DatagramProtocol):
    """Between a client and the server's UDP port: passes on what it is told to."""

    def __init__(self) -> None:
        self.passes: Callable[[bytes], bool] = lambda _packet: True
        self.seen: Final[list[bytes]] = []
        self.port = 0
        self._client: Address | None = None
        self._front: asyncio.DatagramTransport | None = None
        self._back: asyncio.DatagramTransport | None = None

    def datagram_received(self, packet: bytes, address: Address) -> None:
        if address == self._server:
            if self._client is not None and self._front is not None and self.passes(packet):
                self._front.sendto(packet, self._client)
            return
        self._client = address
        self.seen.append(packet)
        if self._back is not None and self.passes(packet):
            self._back.sendto(packet)

    async def open(self, server_port: int) -> None:
        loop = asyncio.get_running_loop()
        self._server = (LOOPBACK, server_port)
        self._front, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(LOOPBACK, 0))
        self._back, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=self._server)
        self.port = self._front.get_extra_info("sockname")[1]

    def close(self) -> None:
        for transport in (self._front, self._back):
            if transport is not None:
                transport.close()


@asynccontextmanager
async def relayed(
    limits: SctpLimits | None = None,
) -> AsyncIterator[tuple[Relay, Side, Callable[[], Association], Side]]:
    """A server, and clients that reach it through a relay: relay, server, what makes an association, client."""
    server_port, relay = free_udp_port(), Relay()
    await relay.open(server_port)
    server = Side(open_carrier(UDP, limits, server_port), User())
    client = Side(open_carrier(UDP, limits, relay.port), User())
    listener = server.carrier.listen((LOOPBACK, 0), server.user, lambda _host: True)
    made: list[Association] = []

    def connect() -> Association:
        made.append(client.carrier.connect(listener.local, client.user))
        return made[-1]

    try:
        yield relay, server, connect, client
    finally:
        relay.close()
        listener.close()
        for association in made:
            association.abort()
        while not server.user.came.empty():
            server.user.came.get_nowait().abort()
        await asyncio.sleep(0)


def chunk(packet: bytes) -> int:
    """Type of the first chunk of a packet."""
    return packet[12]


async def test_lost_packets_are_sent_again() -> None:
    dice = random.Random(7)
    async with relayed() as (relay, server, connect, client):
        connect()
        ours = await client.user.association()
        theirs = await server.user.association()
        relay.passes = lambda _packet: dice.random() > 0.1
        sent = [message(number, length=900) for number in range(150)]
        assert all(ours.send(1 + number % 16, data) for number, data in enumerate(sent))
        arrived = [(await server.user.message()).data for _ in sent]
        assert sorted(arrived) == sorted(sent)
        relay.passes = lambda _packet: True
        theirs.abort()
        await client.user.end()


async def test_messages_of_one_stream_keep_their_order_whatever_the_network_does() -> None:
    dice = random.Random(3)
    async with relayed() as (relay, server, connect, client):
        connect()
        ours = await client.user.association()
        theirs = await server.user.association()
        relay.passes = lambda _packet: dice.random() > 0.1
        sent = [message(number) for number in range(60)]
        assert all(ours.send(5, data) for data in sent)
        assert [(await server.user.message()).data for _ in sent] == sent
        relay.passes = lambda _packet: True
        theirs.abort()
        await client.user.end()


async def test_a_peer_that_restarts_is_down_and_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    port = random.randrange(50_000, 60_000)
    async with relayed() as (relay, server, connect, client):
        monkeypatch.setattr(udp, "CHOSEN_PORTS", range(port, port + 1))
        first = connect()
        theirs = await server.user.association()
        await client.user.association()
        relay.passes = lambda _packet: False  # nobody hears that the first is gone
        first.abort()
        await client.user.end()
        relay.passes = lambda _packet: True
        connect()
        assert await server.user.end() == (theirs, RESTARTED)
        assert await server.user.association() is theirs
        second = await client.user.association()
        assert second.send(1, message(2))
        assert (await server.user.message()).data == message(2)
        assert theirs.send(1, message(3))
        assert (await client.user.message()).data == message(3)
        theirs.abort()


async def test_a_peer_whose_port_is_gone_is_noticed_at_the_next_message() -> None:
    """No ABORT comes of a process that was killed: its host says that nobody has the port."""
    async with relayed() as (relay, server, connect, client):
        connect()
        await client.user.association()
        theirs = await server.user.association()
        relay.close()
        await asyncio.sleep(0)
        assert theirs.send(1, message())
        assert await server.user.end() == (theirs, "nobody has its UDP port")


async def test_a_port_that_nobody_has_fails_a_new_association_at_once() -> None:
    user = User()
    association = open_carrier(UDP, udp_port=free_udp_port()).connect((LOOPBACK, 2905), user)
    assert await user.end() == (association, "nobody has its UDP port")


async def test_a_loop_still_reads_after_an_icmp_error() -> None:
    """The server's socket has an error of a peer that is gone, and another peer to hear."""
    async with pair(UDP) as sides:
        ours, _ = await sides.associate()
        stack_path = next(path for path in stack().paths.values() if path.udp.acceptors)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
            gone.bind((LOOPBACK, 0))
            gone_address = gone.getsockname()
        path = stack().path(stack_path.udp, gone_address)
        for number in range(20):
            path.udp.send(path, bytes(16))
            assert ours.send(1, message(number))
            assert (await sides.server.user.message()).data == message(number)
        stack().forget(path)


async def test_a_peer_that_does_not_answer_is_given_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        user = User()
        carrier = open_carrier(UDP, SctpLimits(connect_s=0.2), silent.getsockname()[1])
        association = carrier.connect((LOOPBACK, 2905), user)
        assert await user.end() == (association, "no answer")


async def test_handshakes_that_are_never_finished_cost_no_association() -> None:
    async with relayed(SctpLimits(connect_s=0.1, associations=2, half_open=2)) as (relay, server, connect, client):
        relay.passes = lambda packet: chunk(packet) != COOKIE_ECHO
        for _ in range(5):
            connect()
            assert (await client.user.end())[1] == "no answer"
        assert server.user.came.empty()
        assert any(chunk(packet) == COOKIE_ECHO for packet in relay.seen)
        relay.passes = lambda _packet: True
        connect()
        await server.user.association()


async def test_a_cookie_that_was_changed_makes_no_association() -> None:
    async with relayed(SctpLimits(connect_s=0.3)) as (relay, server, connect, client):
        connect()
        await client.user.association()
        (await server.user.association()).abort()
        await client.user.end()
        echo = next(packet for packet in relay.seen if chunk(packet) == COOKIE_ECHO)
        for at in range(16, len(echo)):
            relay.datagram_received(echo[:at] + bytes((echo[at] ^ 1,)) + echo[at + 1 :], (LOOPBACK, 1))
        assert server.user.came.empty()
        connect()
        ours = await client.user.association()
        assert ours.send(1, message())
        assert (await server.user.message()).data == message()


GARBAGE: Final = (
    b"",
    b"\0",
    bytes(11),
    bytes(12),
    bytes(16),
    bytes(65_000),
    b"OPTIONS sip:tollgate SIP/2.0\r\n\r\n",
    message(),
)


async def test_garbage_on_the_udp_port_is_thrown_away() -> None:
    dice = random.Random(11)
    async with relayed() as (relay, server, connect, client):
        connect()
        ours = await client.user.association()
        theirs = await server.user.association()
        assert ours.send(1, message(1))
        assert (await server.user.message()).data == message(1)
        real = list(relay.seen)
        for packet in [*GARBAGE, *(dice.randbytes(dice.randrange(200)) for _ in range(200))]:
            relay.datagram_received(packet, (LOOPBACK, 1))
        for _ in range(500):
            packet = bytearray(dice.choice(real))
            for _ in range(dice.randrange(1, 4)):
                packet[dice.randrange(len(packet))] = dice.randrange(256)
            relay.datagram_received(bytes(packet[: dice.randrange(1, len(packet) + 1)]), (LOOPBACK, 1))
        assert ours.send(1, message(2))
        assert await server.user.message() == (theirs, 1, message(2))
        assert server.user.went.empty()
        theirs.abort()


async def test_an_init_with_a_parameter_of_no_length_is_thrown_away() -> None:
    """libusrsctp 0.9.5 would never come back from it."""
    async with relayed() as (relay, server, connect, client):
        connect()
        ours = await client.user.association()
        ports = ours.local[1].to_bytes(2, "big") + ours.peer[1].to_bytes(2, "big")
        init = bytes.fromhex("01000018 00000001 00040000 0011 0011 00000001 8008 0000")
        packet = ports + bytes(8) + init
        relay.datagram_received(packet[:8] + crc32c(packet).to_bytes(4, "little") + init, (LOOPBACK, 1))
        assert ours.send(1, message())
        assert (await server.user.message()).data == message()


def crc32c(data: bytes) -> int:
    """Checksum of a packet whose own is 0 (RFC 9260 appendix A)."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


async def test_two_associations_of_one_path_and_ports_do_not_disturb_each_other() -> None:
    """The old one is aborted and the new one is up before the server has read of the first."""
    async with pair(UDP) as sides:
        ours, theirs = await sides.associate()
        path = next(path for path in stack().paths.values() if path.udp.acceptors and path.peers)
        ports, peer = next(iter(path.peers.items()))
        other = Newcomer()
        stack().join(path, ports, other)
        stack().leave(path, ports, peer)
        assert path.peers == {ports: other}
        stack().leave(path, ports, other)
        assert not path.peers
        stack().join(path, ports, peer)
        assert ours.send(1, message())
        assert (await sides.server.user.message()).association is theirs


class Newcomer:
    """An association that has the ports of one that is not yet gone."""

    tag = b""

    def unreachable(self) -> None:
        raise AssertionError("nobody said so")


async def test_who_is_no_peer_leaves_nothing_behind() -> None:
    async with pair(UDP, admit=lambda _host: False, limits=SctpLimits(connect_s=0.2)) as sides:
        sides.connect()
        known = {path.remote for path in stack().paths.values() if path.udp.acceptors}
        assert (await sides.client.user.end())[1] == "no answer"
        assert {path.remote for path in stack().paths.values() if path.udp.acceptors} == known
        assert sides.listener.refused[Refusal.PEER] == 1


async def test_paths_without_an_association_are_bounded() -> None:
    async with pair(UDP) as sides:
        ours, theirs = await sides.associate()
        used = next(path for path in stack().paths.values() if path.udp.acceptors and path.peers)
        for port in range(1, IDLE_PATHS + 500):
            stack().path(used.udp, ("192.0.2.1", port))
        assert len(used.udp.paths) <= IDLE_PATHS + 1
        assert ours.send(1, message())
        assert (await sides.server.user.message()).association is theirs


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_process_forgets_the_paths_and_sockets_of_what_is_over() -> None:
    descriptors, paths = open_files(), len(stack().paths)
    for _ in range(5):
        async with pair(UDP) as sides:
            ours, _ = await sides.associate()
            ours.shutdown()
            await sides.client.user.end()
            await sides.server.user.end()
    assert len(stack().paths) == paths
    assert open_files() == descriptors


async def test_links_share_a_udp_port_and_are_told_apart_by_their_sctp_ports() -> None:
    port = free_udp_port()
    carrier, users = open_carrier(UDP, udp_port=port), [User(), User()]
    listeners = [carrier.listen((LOOPBACK, 0), user, lambda _host: True) for user in users]
    client = User()
    for listener, user in zip(listeners, users, strict=True):
        ours = carrier.connect(listener.local, client)
        theirs = await user.association()
        assert theirs.local == listener.local
        assert ours is await client.association()
        ours.abort()
        await user.end()
        listener.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((LOOPBACK, port))  # nobody needs it any more


async def test_one_sctp_port_on_two_addresses_is_two_listeners() -> None:
    port, users, made = free_udp_port(), [User(), User()], []
    first = open_carrier(UDP, udp_port=port).listen((LOOPBACK, 0), users[0], lambda _host: True)
    second = open_carrier(UDP, udp_port=port).listen(("127.0.0.2", first.local[1]), users[1], lambda _host: True)
    client = User()
    for listener, user in ((second, users[1]), (first, users[0])):
        made.append(open_carrier(UDP, udp_port=port).connect(listener.local, client))
        assert (await user.association()).local == listener.local
        listener.close()
    for association in made:
        association.abort()
        await client.end()
    async with asyncio.timeout(LIMIT_S):
        await asyncio.gather(*(user.went.get() for user in users))


async def test_a_udp_port_that_is_taken_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((LOOPBACK, 0))
        port = taken.getsockname()[1]
        with pytest.raises(
            OSError, match=rf"cannot listen on 127\.0\.0\.1:2905 for M3UA over udp, in UDP port {port}: "
        ):
            open_carrier(UDP, udp_port=port).listen((LOOPBACK, 2905), User(), lambda _host: True)


async def test_a_port_that_is_none_fails_the_association() -> None:
    user = User()
    association = open_carrier(UDP).connect((LOOPBACK, 70_000), user)
    assert (await user.end())[0] is association
