"""What the corpus leaves behind in a proxy once time has passed: nothing."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from sim.malformed import corpus
from tests.hostile.cases import CALLED, names_for, requests
from tests.hostile.world import STRANGER, World, answer_to, sent_on

GROWTH_BYTES = 64 << 10
"""Of memory that may differ between two runs of the corpus: caches that are not full yet."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def play(world: World, round_number: int) -> None:
    """Every request of the corpus, half of those that go on answered; and the lab's datagrams from a stranger."""
    for number, data in enumerate(requests(own=world.caller)):
        unique = data.replace(b"m%d" % number, b"r%dm%d" % (round_number, number))
        for invite in sent_on(world.receive(unique, world.caller), world.callee):
            if number % 2:
                world.receive(answer_to(invite, 200 if number % 3 else 486), world.callee)
    for kind in corpus():
        world.receive(kind.payload(STRANGER.address), STRANGER)
    world.check_books()


def test_nothing_is_left_of_the_corpus_when_all_timers_have_passed(world: World) -> None:
    play(world, 0)
    assert world.decided > 30
    assert world.proxy.transactions > 0
    world.settle()
    assert world.ended == world.decided


def test_memory_does_not_grow_with_the_number_of_times_that_the_corpus_was_sent(world: World) -> None:
    for number in range(2):
        play(world, number)
        world.settle()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(2, 6):
            play(world, number)
            world.settle()
        assert tracemalloc.get_traced_memory()[0] - before < GROWTH_BYTES
    finally:
        tracemalloc.stop()


def test_the_counts_by_fault_are_bounded_however_many_faults_come(world: World) -> None:
    """Each is a label of a metric: a sender must not be able to make up new ones."""
    for number in range(5):
        play(world, number)
        if number == 0:
            kinds = len(world.proxy.counters.malformed)
    assert len(world.proxy.counters.malformed) == kinds


def test_an_ordinary_call_goes_through_after_the_corpus(world: World) -> None:
    play(world, 0)
    invite = (
        f"INVITE sip:{CALLED}@lab.example SIP/2.0\n"
        "Via: SIP/2.0/UDP {own};branch=z9hG4bKordinary\nMax-Forwards: 70\nFrom: <sip:+13145550100@lab.example>;tag=a\n"
        f"To: <sip:{CALLED}@lab.example>\nCall-ID: ordinary\nCSeq: 1 INVITE\nContent-Length: 0\n\n"
    )
    data = invite.replace("{own}", names_for("x", own=world.caller)["own"]).replace("\n", "\r\n").encode()
    (behind,) = sent_on(world.receive(data, world.caller), world.callee)
    assert world.receive(answer_to(behind, 200), world.callee)
    assert world.proxy.dialogs >= 1
