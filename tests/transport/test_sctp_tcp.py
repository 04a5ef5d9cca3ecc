"""M3UA on TCP: messages cut by their own length, whatever comes."""

from __future__ import annotations

import asyncio
import socket

import pytest
from associations import MANAGEMENT, free_tcp_address, message, pair, soon
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.ss7.m3ua import MAX_LENGTH
from gateway.transport.sctp import LinkCarrier, SctpLimits
from gateway.transport.sctp.sockets import abort
from gateway.transport.sctp.tcp import MessageCutter

LENGTHS = st.lists(st.integers(12, 1_000), max_size=20)


@given(LENGTHS, st.lists(st.integers(1, 300), min_size=1))
def test_messages_come_out_whole_however_the_stream_is_cut(lengths: list[int], pieces: list[int]) -> None:
    sent = [message(number, length) for number, length in enumerate(lengths)]
    stream, cutter, cut = b"".join(sent), MessageCutter(), []
    position = turn = 0
    while position < len(stream):
        size = pieces[turn % len(pieces)]
        messages, fault = cutter.cut(stream[position : position + size])
        assert fault is None
        cut += messages
        position, turn = position + size, turn + 1
    assert cut == sent
    assert not cutter.partial


@given(st.lists(st.binary(min_size=1, max_size=100)))
def test_no_stream_is_too_strange_to_be_cut(pieces: list[bytes]) -> None:
    cutter = MessageCutter()
    for piece in pieces:
        messages, fault = cutter.cut(piece)
        assert all(len(one) >= 8 for one in messages)
        if fault is not None:
            break


@pytest.mark.parametrize(
    ("data", "cut", "fault"),
    [
        (b"", 0, None),
        (message()[:7], 0, None),
        (message(length=MAX_LENGTH), 1, None),
        (message(length=MAX_LENGTH + 1), 0, "an M3UA message of 65536 octets"),
        (message() + message()[:4] + bytes(4), 1, "an M3UA message of 0 octets"),
        (bytes.fromhex("0100010100000007"), 0, "an M3UA message of 7 octets"),
        (bytes.fromhex("0100030300000008"), 1, None),  # BEAT without data
        (b"GET / HTTP/1.1\r\n\r\n", 0, "version 71 of M3UA, not 1"),
    ],
)
def test_a_stream_is_cut_by_length_up_to_what_cannot_be_one(data: bytes, cut: int, fault: str | None) -> None:
    messages, found = MessageCutter().cut(data)
    assert (len(messages), found) == (cut, fault)
    byte_by_byte = MessageCutter()
    faults = [byte_by_byte.cut(data[at : at + 1])[1] for at in range(len(data))]
    assert next(filter(None, faults), None) == fault


async def test_garbage_ends_the_association() -> None:
    async with pair(LinkCarrier.TCP) as sides:
        reader, writer = await asyncio.open_connection(*sides.listener.local)
        theirs = await sides.server.user.association()
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await sides.server.user.end() == (theirs, "version 71 of M3UA, not 1")
        with pytest.raises(ConnectionResetError):
            await soon(reader.read())
        writer.close()


async def test_half_a_message_is_not_waited_for_without_end() -> None:
    async with pair(LinkCarrier.TCP, limits=SctpLimits(message_s=0.1)) as sides:
        reader, writer = await asyncio.open_connection(*sides.listener.local)
        theirs = await sides.server.user.association()
        writer.write(message(1) + message(2)[:10])
        assert (await sides.server.user.message()).data == message(1)
        assert await sides.server.user.end() == (theirs, "half a message came, and no more")
        with pytest.raises(ConnectionResetError):
            await soon(reader.read())
        writer.close()


async def test_a_peer_that_closes_its_side_is_down() -> None:
    async with pair(LinkCarrier.TCP) as sides:
        _, writer = await asyncio.open_connection(*sides.listener.local)
        theirs = await sides.server.user.association()
        writer.write(message())
        writer.close()
        assert (await sides.server.user.message()).data == message()
        assert await sides.server.user.end() == (theirs, "the peer closed the connection")


async def test_what_was_sent_before_the_peer_closed_its_side_still_reaches_it() -> None:
    async with pair(LinkCarrier.TCP) as sides:
        sides.server.user.on_message = lambda arrived: arrived.association.send(0, arrived.data) and None
        reader, writer = await asyncio.open_connection(*sides.listener.local)
        theirs = await sides.server.user.association()
        writer.write(message(length=60_000))
        writer.write_eof()
        assert await sides.server.user.end() == (theirs, "the peer closed the connection")
        assert await soon(reader.read()) == message(length=60_000)
        writer.close()


async def test_a_peer_that_aborts_with_much_unread_is_down_all_the_same() -> None:
    """Some loops stop looking at a socket that had an error, however much is left to be read on it."""
    async with pair(LinkCarrier.TCP) as sides:
        sock = socket.create_connection(sides.listener.local)
        theirs = await sides.server.user.association()
        sock.sendall(message(length=1_000) * 100)
        abort(sock)
        assert (await sides.server.user.end())[0] is theirs


async def test_messages_of_management_are_on_stream_0_and_data_on_1() -> None:
    async with pair(LinkCarrier.TCP) as sides:
        ours, _ = await sides.associate()
        ours.send(9, message(1))
        ours.send(0, message(2, message_class=MANAGEMENT))
        assert [(await sides.server.user.message()).stream for _ in range(2)] == [1, 0]


async def test_nobody_listens() -> None:
    async with pair(LinkCarrier.TCP) as sides:
        association = sides.client.carrier.connect(free_tcp_address(), sides.client.user)
        assert await sides.client.user.end() == (association, "connection refused")


async def test_a_shutdown_that_the_peer_does_not_answer_becomes_an_abort() -> None:
    async with pair(LinkCarrier.TCP, limits=SctpLimits(closing_s=0.1)) as sides:
        _, writer = await asyncio.open_connection(*sides.listener.local)
        theirs = await sides.server.user.association()
        theirs.shutdown()
        assert await sides.server.user.end() == (theirs, "shut down, and the peer did not answer")
        writer.close()
