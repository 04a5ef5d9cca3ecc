"""SIP over TCP, on real sockets."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from typing import Final

import pytest
from peers import LOOPBACK
from stream_peers import FarEnd, gateway_side, request, response, soon, switch

from gateway.codecs.sip.framing import FramingLimits
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.call import Send
from gateway.transport.connections import Closing, Refusal, StreamLimits
from gateway.transport.endpoint import MOST_ROUNDS
from gateway.transport.streams import open_listener

TCP: Final = Transport.TCP


async def test_a_request_comes_in_and_its_answer_goes_back_on_the_same_connection() -> None:
    async with gateway_side(lambda _data, source: [Send(response(), source)]) as gateway:
        caller = await FarEnd.to(gateway.address)
        caller.send(request())
        assert await caller.receive() == response()
        data, source = await gateway.message()
        assert data == request()
        assert source == Hop(*caller.address, TCP, source.connection)
        assert source.connection >= 1
        await caller.close()
        assert await soon(gateway.proxy.gone.get()) == source


async def test_messages_come_out_whole_however_the_stream_is_cut() -> None:
    async with gateway_side() as gateway:
        caller = await FarEnd.to(gateway.address)
        caller.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent = [request(number, body=b"v=0\r\n" * number) for number in range(3)]
        for byte in b"".join(sent):
            caller.send(bytes((byte,)))
            await caller.writer.drain()
        assert [(await gateway.message())[0] for _ in sent] == sent
        caller.send(b"".join(sent * 100))
        assert [(await gateway.message())[0] for _ in sent * 100] == sent * 100
        await caller.close()


async def test_a_fast_connection_does_not_keep_others_waiting() -> None:
    """A turn's worth is taken at a time: what a second connection says comes before the end of what the first said."""
    async with gateway_side(limits=StreamLimits(messages_per_turn=4)) as gateway:
        fast, slow = await FarEnd.to(gateway.address), await FarEnd.to(gateway.address)
        fast.send(b"".join(request(number) for number in range(400)))
        slow.send(request(1_000))
        order = [(await gateway.message())[0] for _ in range(401)]
        assert order.index(request(1_000)) < 400
        assert [data for data in order if data != request(1_000)] == [request(number) for number in range(400)]
        await fast.close()
        await slow.close()


async def test_a_keep_alive_is_answered() -> None:
    async with gateway_side() as gateway:
        caller = await FarEnd.to(gateway.address)
        caller.send(b"\r\n\r\n")
        assert await soon(caller.reader.readexactly(2)) == b"\r\n"
        caller.send(request())
        assert (await gateway.message())[0] == request()
        await caller.close()


@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
async def test_requests_to_one_address_share_a_connection(host: str) -> None:
    async with switch(host=host) as callee, gateway_side(host=host) as gateway:
        for number in range(3):
            gateway.send(request(number), callee.hop)
        there = await callee.connection()
        assert [await there.receive() for _ in range(3)] == [request(number) for number in range(3)]
        gateway.send(request(3), callee.hop)
        assert await there.receive() == request(3)
        there.send(response(3))
        data, source = await gateway.message()
        assert data == response(3)
        assert source._replace(connection=0) == callee.hop
        assert source == (await soon(gateway.proxy.up.get()))[0]
        assert there.writer.get_extra_info("peername")[0] == host
        assert callee.came.empty()


async def test_a_connection_that_was_accepted_carries_no_requests_of_ours() -> None:
    """RFC 5923 section 5: its far port is the kernel's, and nobody said that it leads to a switch's listener."""
    async with switch() as callee, gateway_side() as gateway:
        caller = await FarEnd.to(gateway.address)
        caller.send(request())
        await gateway.message()
        gateway.send(request(2), callee.hop)
        assert await (await callee.connection()).receive() == request(2)
        await caller.close()


async def test_an_answer_goes_to_the_address_where_its_connection_is_gone() -> None:
    """RFC 3261 section 18.2.2."""
    async with switch() as caller, gateway_side() as gateway:
        first = await FarEnd.to(gateway.address)
        first.send(request())
        _, source = await gateway.message()
        first.reset()
        await soon(gateway.proxy.gone.get())
        gateway.send(response(), caller.hop._replace(connection=source.connection))
        assert await (await caller.connection()).receive() == response()


async def test_a_switch_that_was_started_again_is_reached_again() -> None:
    async with gateway_side() as gateway:
        async with switch() as callee:
            port = callee.hop.port
            gateway.send(request(1), callee.hop)
            assert await (await callee.connection()).receive() == request(1)
        await soon(gateway.proxy.gone.get())
        async with switch(port) as callee:
            gateway.send(request(2), callee.hop)
            assert await (await callee.connection()).receive() == request(2)


async def test_what_nobody_takes_comes_back_undelivered() -> None:
    with open_listener(LOOPBACK, 0, TCP) as probe:
        nobody = Hop(LOOPBACK, probe.getsockname()[1], TCP)
    async with gateway_side() as gateway:
        for number in range(2):
            gateway.send(request(number), nobody)
        assert [await soon(gateway.proxy.lost.get()) for _ in range(2)] == [
            Send(request(number), nobody) for number in range(2)
        ]
        assert gateway.table.closed[Closing.UNREACHED] == 1
        assert gateway.table.made == 0
        assert gateway.endpoint.unsent == 2


async def test_a_switch_that_does_not_take_the_connection_in_time_is_given_up() -> None:
    with socket.socket() as full:
        full.bind((LOOPBACK, 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        async with gateway_side(limits=StreamLimits(connect_s=0.2)) as gateway:
            target = Hop(*full.getsockname(), TCP)
            gateway.send(request(), target)
            assert await soon(gateway.proxy.lost.get()) == Send(request(), target)
        for filler in fillers:
            filler.close()


async def test_what_waits_for_a_connection_is_bounded() -> None:
    async with switch() as callee, gateway_side(limits=StreamLimits(queued_bytes=1_000)) as gateway:
        big = request(1, body=bytes(600))
        gateway.send(big, callee.hop)
        gateway.send(big, callee.hop)
        assert await soon(gateway.proxy.lost.get()) == Send(big, callee.hop)
        there = await callee.connection()
        assert await soon(there.reader.readexactly(len(big))) == big


async def test_a_peer_that_does_not_read_is_cut_off_and_nothing_grows() -> None:
    limits = StreamLimits(queued_bytes=100_000)
    async with switch() as callee, gateway_side(limits=limits) as gateway:
        gateway.send(request(), callee.hop)
        there = await callee.connection()
        there.writer.transport.pause_reading()  # type: ignore[attr-defined]
        big = request(1, body=bytes(60_000))
        sent = 0
        while gateway.proxy.gone.empty():
            assert sent < 2_000
            gateway.send(big, callee.hop)
            sent += 1
            await asyncio.sleep(0)
        assert gateway.table.closed[Closing.SLOW_READER] == 1


async def test_a_message_that_does_not_come_to_its_end_closes_the_connection() -> None:
    """However often another byte of it comes."""
    async with gateway_side(limits=StreamLimits(message_s=0.3)) as gateway:
        caller = await FarEnd.to(gateway.address)
        closed = asyncio.ensure_future(caller.rest())
        for byte in request() * 100:
            if closed.done():
                break
            caller.send(bytes((byte,))[:1] if byte not in b"\r\n" else b"x")
            await asyncio.wait([closed], timeout=0.02)
        assert await soon(closed) == b""
        await caller.close()
        assert gateway.table.closed[Closing.SLOW_MESSAGE] == 1


async def test_an_idle_connection_is_closed() -> None:
    async with gateway_side(limits=StreamLimits(idle_s=0.2)) as gateway:
        caller = await FarEnd.to(gateway.address)
        assert await caller.rest() == b""
        await caller.close()
        assert gateway.table.closed[Closing.IDLE] == 1
        assert gateway.table.accepted == 0


@pytest.mark.parametrize(
    ("length", "status"),
    [(b"Content-Length: 4000000000", b"413"), (b"Content-Length: x", b"400"), (b"Subject: none", b"400")],
)
async def test_a_length_that_cannot_be_is_answered_and_the_connection_closed(length: bytes, status: bytes) -> None:
    async with gateway_side() as gateway:
        caller = await FarEnd.to(gateway.address)
        caller.send(request(1) + request(2).replace(b"Content-Length: 0", length) + bytes(300_000))
        answer = await caller.rest()
        assert answer.startswith(b"SIP/2.0 %s " % status)
        assert answer.count(b"SIP/2.0 ") == 1
        assert (await gateway.message())[0] == request(1)
        await caller.close()
        await soon(gateway.proxy.gone.get())
        assert gateway.table.closed[Closing.MALFORMED] == 1
        assert gateway.proxy.received.empty()
        assert sum(gateway.endpoint.unframed.values()) == 1


async def test_a_connection_is_gone_before_another_one_takes_its_place() -> None:
    """What is sent by the new one must not be taken for lost when the old one has closed at last."""
    async with switch() as callee, gateway_side() as gateway:
        gateway.send(request(1), callee.hop)
        broken = await callee.connection()
        assert await broken.receive() == request(1)
        broken.send(request(1).replace(b"Content-Length: 0", b"Content-Length: x"))
        assert (await broken.receive()).startswith(b"SIP/2.0 400 ")
        assert gateway.proxy.gone.qsize() == 1
        gateway.send(request(2), callee.hop)
        assert await (await callee.connection()).receive() == request(2)
        assert await broken.rest() == b""
        await broken.close()
        await soon(gateway.proxy.gone.get())
        assert gateway.table.closed[Closing.MALFORMED] == 1
        assert gateway.proxy.gone.empty()


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", bytes(70_000), b"x" * 70_000])
async def test_what_is_no_sip_closes_the_connection(data: bytes) -> None:
    async with gateway_side(limits=StreamLimits(framing=FramingLimits(head=10_000))) as gateway:
        caller = await FarEnd.to(gateway.address)
        caller.send(data)
        assert await caller.rest() == b""
        assert gateway.table.closed[Closing.MALFORMED] == 1
        await caller.close()


async def test_a_peer_that_has_said_all_still_gets_its_answer() -> None:
    async with gateway_side() as gateway:
        caller = await FarEnd.to(gateway.address)
        caller.send(request())
        caller.writer.write_eof()
        _, source = await gateway.message()
        gateway.send(b"SIP/2.0 100 Trying\r\nContent-Length: 0\r\n\r\n", source)
        gateway.send(response(), source)
        assert await caller.rest() == b"SIP/2.0 100 Trying\r\nContent-Length: 0\r\n\r\n" + response()
        assert await soon(gateway.proxy.gone.get()) == source
        await caller.close()


async def test_a_peer_that_has_said_all_is_not_waited_for_without_end() -> None:
    async with gateway_side(limits=StreamLimits(half_closed_s=0.2)) as gateway:
        caller = await FarEnd.to(gateway.address)
        caller.send(request())
        caller.writer.write_eof()
        assert await caller.rest() == b""
        assert gateway.table.closed[Closing.PEER] == 1
        await caller.close()


async def test_a_connection_that_is_reset_is_reported_gone() -> None:
    async with gateway_side() as gateway:
        caller = await FarEnd.to(gateway.address)
        caller.send(request())
        _, source = await gateway.message()
        caller.reset()
        assert await soon(gateway.proxy.gone.get()) == source
        assert gateway.table.accepted == 0


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [(StreamLimits(connections=3), Refusal.TOTAL), (StreamLimits(per_address=3), Refusal.PER_ADDRESS)],
)
async def test_connections_beyond_a_bound_are_closed_and_counted(limits: StreamLimits, refusal: Refusal) -> None:
    async with gateway_side(lambda _data, source: [Send(response(), source)], limits=limits) as gateway:
        kept = [await FarEnd.to(gateway.address) for _ in range(3)]
        for end in kept:
            end.send(request())
            await end.receive()
        beyond = await FarEnd.to(gateway.address)
        assert await beyond.rest() == b""
        assert gateway.table.refused[refusal] == 1
        await kept[0].close()
        await soon(gateway.proxy.gone.get())
        again = await FarEnd.to(gateway.address)
        again.send(request())
        assert await again.receive() == response()
        for end in (*kept[1:], beyond, again):
            await end.close()


async def test_strangers_have_a_share_of_the_connections_and_switches_have_the_rest() -> None:
    limits = StreamLimits(connections=16)
    async with gateway_side(limits=limits, known=lambda host: host == "127.0.0.2", host="0.0.0.0") as gateway:  # noqa: S104
        strangers = [await FarEnd.to((LOOPBACK, gateway.address[1])) for _ in range(3)]
        assert await strangers[2].rest() == b""
        assert gateway.table.refused[Refusal.STRANGERS] == 1
        sock = socket.create_connection((LOOPBACK, gateway.address[1]), source_address=("127.0.0.2", 0))
        known = FarEnd(*await soon(asyncio.open_connection(sock=sock)))
        known.send(request())
        assert (await gateway.message())[0] == request()
        await strangers[0].close()
        await soon(gateway.proxy.gone.get())
        again = await FarEnd.to((LOOPBACK, gateway.address[1]))
        again.send(request(2))
        assert (await gateway.message())[0] == request(2)
        for end in (*strangers[1:], known, again):
            await end.close()


async def test_what_is_undelivered_may_be_sent_elsewhere_but_not_round_and_round() -> None:
    async with switch() as callee, gateway_side() as gateway:
        elsewhere = Send(request(2), callee.hop)
        nowhere = Hop(LOOPBACK, 9, Transport.UDP)  # no carrier for UDP here
        gateway.proxy.otherwise = lambda message: [elsewhere] if message.target == nowhere else ()
        gateway.send(request(1), nowhere)
        assert await (await callee.connection()).receive() == request(2)
        gateway.proxy.otherwise = lambda message: [message]
        gateway.send(request(1), nowhere)
        assert gateway.endpoint.unsent == 1 + MOST_ROUNDS


async def test_a_process_without_files_left_waits_and_then_takes_connections_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.transport.streams.PAUSE_S", 0.05)
    async with gateway_side(lambda _data, source: [Send(response(), source)]) as gateway:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        caller = socket.socket()
        caller.setblocking(False)
        taken = [os.dup(caller.fileno()) for _ in range(8)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(taken) + 1, hard))
        try:
            while gateway.table.refused[Refusal.OUT_OF_FILES] == 0:
                caller.connect_ex(gateway.address)
                await asyncio.sleep(0.01)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in taken:
                os.close(descriptor)
        end = FarEnd(*await soon(asyncio.open_connection(sock=caller)))
        end.send(request())
        assert await end.receive() == response()
        assert gateway.table.refused[Refusal.OUT_OF_FILES] < 20
        await end.close()


async def test_closing_closes_what_is_up_and_gives_up_what_is_on_its_way() -> None:
    async with switch() as callee:
        async with gateway_side() as gateway:
            caller = await FarEnd.to(gateway.address)
            caller.send(request())
            await gateway.message()
            gateway.send(request(), callee.hop)
        assert await caller.rest() == b""
        assert gateway.table.accepted == gateway.table.made == 0
        await caller.close()


def test_a_port_in_use_is_an_error_that_names_transport_and_address() -> None:
    with open_listener(LOOPBACK, 0, TCP) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"tcp:{LOOPBACK}:{port} .*Address already in use"):
            open_listener(LOOPBACK, port, TCP)


def test_both_ip_versions_can_have_the_same_port() -> None:
    with open_listener("0.0.0.0", 0, TCP) as first:  # noqa: S104 - that is the point
        open_listener("::", first.getsockname()[1], TCP).close()
