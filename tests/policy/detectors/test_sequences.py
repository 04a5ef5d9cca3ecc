"""Calling and called numbers that follow one another."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from attempts import OTHER_PROVIDER
from detected_calls import HOST_GROUP, PARTNER_GROUP, PROVIDER, call, judged, told

from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.detector import Subject, SubjectKind
from gateway.policy.detectors.sequences import MOST_BLOCKS, SEQUENCES, SequenceSettings
from gateway.policy.detectors.sequential_called import SequentialCalled
from gateway.policy.detectors.sequential_calling import SequentialCalling


def calls_to(lines: Iterable[int], *, every_s: float = 1, from_s: float = 0) -> list[CallAttempt]:
    return [call(from_s + place * every_s, called=f"+1636555{line:04}") for place, line in enumerate(lines)]


@pytest.mark.parametrize(("calls", "detected"), [(19, False), (20, False), (21, True)])
def test_more_than_twenty_calls_in_sequence_are_wardialling(calls: int, detected: bool) -> None:
    one = SequentialCalled(SequenceSettings())
    told(one, calls_to(range(calls)))
    assert bool(judged(one, calls)) is detected


def test_the_detection_says_from_where_to_where() -> None:
    one = SequentialCalled(SequenceSettings())
    told(one, calls_to(range(100, 140)))
    (found,) = judged(one, 40)
    assert found.detector == "sequential_called"
    assert found.subject == Subject(SubjectKind.PROVIDER, PROVIDER)
    assert (found.provider, found.trunk_group) == (PROVIDER, PARTNER_GROUP.name)
    assert dict(found.figures)["calls_in_sequence"] == 40
    assert found.text == (
        "called numbers 6365550100 to 6365550139 in sequence, 40 calls in 39 s on trunk group partner-1; over 20"
    )


def test_calling_numbers_are_followed_alike() -> None:
    one = SequentialCalling(SequenceSettings())
    told(one, (call(place, calling=f"+1314555{place:04}") for place in range(30)))
    (found,) = judged(one, 30)
    assert found.text.startswith("calling numbers 3145550000 to 3145550029 in sequence")


@pytest.mark.parametrize(
    ("lines", "detected"),
    [
        (range(0, 90, 3), True),  # every third
        (range(0, 120, 4), False),  # too far from one to the next
        (range(60, 30, -1), True),  # downwards
        ([line for line in range(30) for _ in range(2)], True),  # each twice
        ([7] * 60, False),  # one number over and over
        ([7, 8] * 30, False),  # to and fro
    ],
)
def test_how_the_numbers_of_a_sequence_may_follow(lines: Iterable[int], detected: bool) -> None:
    one = SequentialCalled(SequenceSettings())
    told(one, calls_to(lines))
    assert bool(judged(one, 59)) is detected


def test_honest_calls_between_them_do_not_hide_a_sequence() -> None:
    one, honest = SequentialCalled(SequenceSettings()), random.Random(7)
    for place in range(40):
        told(one, calls_to([place], from_s=place))
        told(one, calls_to([honest.randrange(300, 1_000) for _ in range(7)], from_s=place + 0.1, every_s=0.1))
    assert judged(one, 40) != []


def test_numbers_by_chance_make_no_sequence() -> None:
    one, honest = SequentialCalled(SequenceSettings()), random.Random(7)
    told(one, calls_to([honest.randrange(1_000) for _ in range(20_000)], every_s=0.01))
    assert judged(one, 200) == []


@pytest.mark.parametrize(("every_s", "detected"), [(29, True), (31, False)])
def test_a_sequence_that_waits_too_long_is_over(every_s: float, detected: bool) -> None:
    one = SequentialCalled(SequenceSettings(gap_s=30))
    told(one, calls_to(range(40), every_s=every_s))
    assert bool(judged(one, 40 * every_s - every_s)) is detected


@pytest.mark.parametrize(("at_s", "detected"), [(59, True), (61, False)])
def test_a_sequence_is_over_when_nothing_went_on_with_it(at_s: float, detected: bool) -> None:
    one = SequentialCalled(SequenceSettings(gap_s=30))
    told(one, calls_to(range(31)))
    assert bool(judged(one, at_s)) is detected


def test_a_sequence_of_several_providers_is_nobodys() -> None:
    one = SequentialCalled(SequenceSettings())
    for place in range(40):
        provider = PROVIDER if place % 2 else OTHER_PROVIDER
        told(one, [call(place, provider=provider, called=f"+1636555{place:04}")])
    (found,) = judged(one, 40)
    assert found.subject == Subject(SubjectKind.TRUNK_GROUP, PARTNER_GROUP.name)
    assert found.provider is None


def test_emergency_calls_and_calls_from_the_host_are_in_no_sequence() -> None:
    one = SequentialCalling(SequenceSettings())
    for place in range(60):
        calling = f"+1314555{place:04}"
        told(one, [call(place, calling=calling, emergency=True), call(place, calling=calling, group=HOST_GROUP)])
    assert judged(one, 60) == []


def test_what_is_kept_of_numbers_is_bounded() -> None:
    one = SequentialCalled(SequenceSettings())
    told(one, (call(0, called=f"+1{200 + place % 700}{200 + place // 700}0000") for place in range(5_000)))
    told(one, calls_to(range(0, 1_000, 100)))
    assert len(one._sequences._blocks) == MOST_BLOCKS
    assert max(len(block) for _, block in one._sequences._blocks.items()) <= SEQUENCES
