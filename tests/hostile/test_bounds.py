"""Whatever is sent, and however long or often: one answer or a counted drop, bounded memory, and honest calls go on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gateway.signalling.call import Send
from gateway.signalling.proxy_settings import ProxySettings
from tests.hostile.floods import FLOODS, Flood, first_answer, flood, let_time_pass
from tests.hostile.growing import LONGEST, REQUESTS, RESPONSES, Grow, sound
from tests.hostile.world import MAX_CALL_S, OURSELVES, World, answer_to, sent_on
from tests.wiring.small_gateway import HOST_NUMBER, OTHER_PROVIDER_NUMBER


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("grow", REQUESTS.values(), ids=REQUESTS)
def test_a_request_that_is_long_in_one_way_is_answered_once_forwarded_or_dropped(world: World, grow: Grow) -> None:
    for length in (2_000, LONGEST):
        world.receive(grow(sound(f"long{length}", world.caller), length), world.caller)
    world.settle()


@pytest.mark.parametrize("grow", RESPONSES.values(), ids=RESPONSES)
def test_a_response_that_is_long_in_one_way_goes_back_or_is_dropped(world: World, grow: Grow) -> None:
    (invite,) = sent_on(world.receive(sound("long", world.caller), world.caller), world.callee)
    for length in (2_000, LONGEST):
        world.receive(grow(answer_to(invite, 183), length), world.callee)
    world.settle()


def test_every_beginning_of_an_invite_is_dropped_or_answered_and_the_whole_one_still_goes_through(world: World) -> None:
    invite = sound("prefix", world.caller)
    for length in range(len(invite)):
        assert sent_on(world.receive(invite[:length], world.caller), world.callee) == []
    assert world.decided == 0
    assert len(sent_on(world.receive(invite, world.caller), world.callee)) == 1
    world.settle()


def test_no_change_of_a_single_byte_of_an_invite_does_any_harm(world: World) -> None:
    invite = sound("mutation", world.caller)
    bytes_tried = (0, 9, 10, 13, 32, 34, 44, 58, 59, 60, 62, 63, 64, 65, 92, 127, 128, 255)
    for position in range(len(invite)):
        for byte in bytes_tried:
            changed = invite[:position] + bytes([byte]) + invite[position + 1 :]
            for behind in sent_on(world.receive(changed, world.caller), world.callee):
                world.receive(answer_to(behind, 486), world.callee)
        world.pass_time(0.1)
    world.settle()


def test_no_change_of_a_single_byte_of_a_response_does_any_harm(world: World) -> None:
    for position in range(0, 400, 3):
        caller = sound(f"r{position}", world.caller, calling=OTHER_PROVIDER_NUMBER)  # whose calls are not limited
        (invite,) = sent_on(world.receive(caller, world.caller), world.callee)
        for status in (180, 200):
            response = answer_to(invite, status)
            for byte in (0, 10, 13, 32, 34, 44, 58, 59, 60, 62, 255):
                world.receive(response[:position] + bytes([byte]) + response[position + 1 :], world.callee)
        world.receive(answer_to(invite, 486), world.callee)
    world.settle()


def test_noise_is_dropped(world: World) -> None:
    noise = random.Random(4475)
    for length in (*range(64), *(64 << power for power in range(10))):
        assert world.receive(noise.randbytes(length), world.caller) == []
    assert world.proxy.next_wake_us is None


MAX_TRANSACTIONS, MAX_CALLS = 400, 300
AT_ONCE = 64
"""Transactions by which the table may be exceeded: those of the message at hand, and CANCELs."""


@pytest.mark.parametrize(
    "kind",
    [kind for kind in FLOODS.values() if kind is not FLOODS["half-open INVITEs to 911"]],
    ids=[name for name in FLOODS if "911" not in name],
)
def test_a_flood_fills_the_tables_to_their_bounds_and_stops_no_emergency_call(tmp_path: Path, kind: Flood) -> None:
    world = World(tmp_path, max_transactions=MAX_TRANSACTIONS, max_calls=MAX_CALLS)
    flood(world, kind, 4_000)
    assert world.proxy.transactions <= 2 * MAX_TRANSACTIONS + AT_ONCE
    assert world.proxy.dialogs <= MAX_CALLS
    assert first_answer(world, "sos", called="911") == "100 and forwarded"
    let_time_pass(world, 120)
    assert first_answer(world, "honest", called=HOST_NUMBER) == "100 and forwarded"


def test_a_call_that_finds_the_tables_full_is_told_when_to_come_again(tmp_path: Path) -> None:
    world = World(tmp_path, max_transactions=MAX_TRANSACTIONS, max_calls=MAX_CALLS)
    flood(world, FLOODS["half-open INVITEs of a member"], 1_000)
    (answer,) = world.proxy.receive(sound("honest", world.caller), world.caller, world.now_us)
    assert isinstance(answer, Send)
    assert answer.data.startswith(b"SIP/2.0 503 ")
    assert b"\r\nRetry-After: 2\r\n" in answer.data


def test_a_flood_of_emergency_calls_fills_its_reserve_and_no_more(tmp_path: Path) -> None:
    world = World(tmp_path, max_transactions=MAX_TRANSACTIONS, max_calls=MAX_CALLS)
    flood(world, FLOODS["half-open INVITEs to 911"], 4_000)
    reserve = ProxySettings((OURSELVES,), b"").emergency_reserve
    assert world.proxy.transactions <= MAX_TRANSACTIONS + reserve + AT_ONCE
    let_time_pass(world, 2 * MAX_CALL_S)
    assert (world.proxy.transactions, world.proxy.dialogs) == (0, 0)
