"""What every carrier of signalling links does, on real sockets: those that this machine has."""

from __future__ import annotations

import asyncio

import pytest
from associations import LIMIT_S, MANAGEMENT, every_carrier, message, pair, soon

from gateway.codecs.ss7.m3ua import MAX_LENGTH
from gateway.transport.sctp import Arrived, LinkCarrier, Refusal, SctpLimits

pytestmark = pytest.mark.parametrize("kind", every_carrier())


async def test_a_message_goes_each_way_on_its_stream(kind: LinkCarrier) -> None:
    async with pair(kind) as sides:
        ours, theirs = await sides.associate()
        assert ours.send(0, message(1, message_class=MANAGEMENT))
        assert ours.send(1, message(2))
        assert await sides.server.user.message() == Arrived(theirs, 0, message(1, message_class=MANAGEMENT))
        assert await sides.server.user.message() == Arrived(theirs, 1, message(2))
        assert theirs.send(1, message(3))
        assert await sides.client.user.message() == Arrived(ours, 1, message(3))


async def test_both_ends_know_each_other_by_address(kind: LinkCarrier) -> None:
    async with pair(kind) as sides:
        ours, theirs = await sides.associate()
        assert ours.peer == theirs.local == sides.listener.local
        assert theirs.peer == ours.local


async def test_an_association_over_ipv6_carries_messages(kind: LinkCarrier) -> None:
    async with pair(kind, host="::1") as sides:
        ours, theirs = await sides.associate()
        assert theirs.peer[0] == "::1"
        assert ours.send(1, message())
        assert (await sides.server.user.message()).data == message()


@pytest.mark.parametrize("length", [8 + 4, 1_400, 1_500, 9_000, MAX_LENGTH])
async def test_a_message_of_any_length_arrives_whole(kind: LinkCarrier, length: int) -> None:
    async with pair(kind) as sides:
        ours, _ = await sides.associate()
        assert ours.send(1, message(length=length))
        assert (await sides.server.user.message()).data == message(length=length)


async def test_a_message_beyond_the_bound_is_not_taken(kind: LinkCarrier) -> None:
    async with pair(kind, limits=SctpLimits(message_bytes=1_000)) as sides:
        ours, _ = await sides.associate()
        assert not ours.send(1, message(length=1_004))
        assert ours.send(1, message(length=1_000))
        assert (await sides.server.user.message()).data == message(length=1_000)


async def test_many_messages_arrive_in_their_order_and_in_batches(kind: LinkCarrier) -> None:
    async with pair(kind) as sides:
        ours, _ = await sides.associate()
        sent = [message(number, length=60) for number in range(500)]
        assert all(ours.send(1, data) for data in sent)
        assert [(await sides.server.user.message()).data for _ in sent] == sent
        assert len(sides.server.user.turns) < len(sent)


async def test_what_waits_for_a_peer_that_does_not_read_is_bounded(kind: LinkCarrier) -> None:
    limits = SctpLimits(queued_bytes=10_000)
    async with pair(kind, limits=limits) as sides:
        ours, _ = await sides.associate()
        taken = [ours.send(1, message(number, length=1_000)) for number in range(12)]
        assert taken == [True] * 10 + [False] * 2
        for number in range(10):
            assert (await sides.server.user.message()).data == message(number, length=1_000)
        assert ours.send(1, message(99))
        assert (await sides.server.user.message()).data == message(99)


async def test_a_shutdown_delivers_what_was_taken(kind: LinkCarrier) -> None:
    async with pair(kind) as sides:
        ours, theirs = await sides.associate()
        sent = [message(number, length=400) for number in range(100)]
        assert all(ours.send(1, data) for data in sent)
        ours.shutdown()
        assert not ours.send(1, message())
        assert [(await sides.server.user.message()).data for _ in sent] == sent
        assert (await sides.server.user.end())[0] is theirs
        assert (await sides.client.user.end())[0] is ours


async def test_an_abort_is_noticed_by_the_peer(kind: LinkCarrier) -> None:
    async with pair(kind) as sides:
        ours, theirs = await sides.associate()
        ours.abort()
        assert not ours.send(1, message())
        assert await sides.client.user.end() == (ours, "aborted")
        assert (await sides.server.user.end())[0] is theirs


async def test_an_abort_is_told_once_and_not_from_within_the_call(kind: LinkCarrier) -> None:
    async with pair(kind) as sides:
        ours, _ = await sides.associate()
        ours.abort()
        ours.abort()
        ours.shutdown()
        assert sides.client.user.went.empty()
        await sides.client.user.end()
        await sides.server.user.end()
        assert sides.client.user.went.empty()


async def test_an_answer_sent_while_handling_a_message_arrives(kind: LinkCarrier) -> None:
    async with pair(kind) as sides:
        sides.server.user.on_message = lambda arrived: arrived.association.send(arrived.stream, arrived.data) and None
        ours, _ = await sides.associate()
        for number in range(20):
            assert ours.send(1, message(number))
        assert [(await sides.client.user.message()).data for _ in range(20)] == [message(n) for n in range(20)]


async def test_an_abort_while_handling_a_message_ends_the_association(kind: LinkCarrier) -> None:
    async with pair(kind) as sides:
        sides.server.user.on_message = lambda arrived: arrived.association.abort()
        ours, theirs = await sides.associate()
        assert ours.send(1, message())
        assert await sides.server.user.end() == (theirs, "aborted")
        assert (await sides.client.user.end())[0] is ours


async def test_an_address_that_is_no_peers_gets_no_association(kind: LinkCarrier) -> None:
    async with pair(kind, admit=lambda host: host != "127.0.0.1", limits=SctpLimits(connect_s=1.0)) as sides:
        association = sides.connect()
        ended, _ = await sides.client.user.end()
        assert ended is association
        assert sides.server.user.came.empty()
        assert sides.listener.refused[Refusal.PEER] >= 1


async def test_no_more_associations_are_taken_than_may_be(kind: LinkCarrier) -> None:
    async with pair(kind, limits=SctpLimits(associations=2)) as sides:
        first, theirs = await sides.associate()
        second, _ = await sides.associate()
        third = sides.connect()
        while (await sides.client.user.end())[0] is not third:
            pass
        assert sides.listener.refused[Refusal.ASSOCIATIONS] == 1
        assert first.send(1, message())
        assert (await sides.server.user.message()).association is theirs
        second.abort()
        await sides.server.user.end()
        await sides.associate()


async def test_no_more_associations_are_silent_than_may_be(kind: LinkCarrier) -> None:
    async with pair(kind, limits=SctpLimits(half_open=1)) as sides:
        first, _ = await sides.associate()
        second = sides.connect()
        while (await sides.client.user.end())[0] is not second:
            pass
        assert sides.listener.refused[Refusal.HALF_OPEN] == 1
        assert first.send(1, message())
        await sides.server.user.message()
        await sides.associate()


async def test_an_association_on_which_nothing_comes_is_ended(kind: LinkCarrier) -> None:
    async with pair(kind, limits=SctpLimits(first_message_s=0.05)) as sides:
        ours, theirs = await sides.associate()
        assert await sides.server.user.end() == (theirs, "no message came")
        assert (await sides.client.user.end())[0] is ours


async def test_a_flood_of_associations_leaves_those_that_are_up_alone(kind: LinkCarrier) -> None:
    async with pair(kind, limits=SctpLimits(associations=8, half_open=4, connect_s=3.0)) as sides:
        ours, theirs = await sides.associate()
        assert ours.send(1, message(1))
        assert (await sides.server.user.message()).data == message(1)
        flood = [sides.connect() for _ in range(100)]
        assert ours.send(1, message(2))
        assert (await sides.server.user.message()).association is theirs
        refused = [sides.listener.refused]
        async with asyncio.timeout(LIMIT_S):
            while refused[0].total() < len(flood) - 4:
                await sides.client.user.went.get()
        assert ours.send(1, message(3))
        assert (await sides.server.user.message()).data == message(3)


async def test_an_address_that_is_taken_is_named(kind: LinkCarrier) -> None:
    async with pair(kind) as sides:
        with pytest.raises(OSError, match=rf"127\.0\.0\.1:{sides.listener.local[1]} for M3UA over {kind.value}"):
            sides.server.carrier.listen(sides.listener.local, sides.server.user, lambda _host: True)


async def test_a_closed_listener_takes_nobody_and_keeps_what_is_up(kind: LinkCarrier) -> None:
    async with pair(kind, limits=SctpLimits(connect_s=1.0)) as sides:
        ours, _ = await sides.associate()
        sides.listener.close()
        late = sides.connect()
        assert (await sides.client.user.end())[0] is late
        assert ours.send(1, message())
        assert (await soon(sides.server.user.message())).data == message()
