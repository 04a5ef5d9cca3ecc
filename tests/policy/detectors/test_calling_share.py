"""One calling number makes too many of a trunk group's calls."""

from __future__ import annotations

import pytest
from detected_calls import HOST_GROUP, PARTNER_GROUP, PROVIDER, call, judged, told
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.detectors.calling_share import COUNTERS, CallingShare, CallingShareSettings
from gateway.policy.detectors.detector import Subject, SubjectKind

ONE = "+13145550100"


def others(number: int) -> list[str]:
    return [f"+1314556{place:04}" for place in range(number)]


def detector(**settings: float) -> CallingShare:
    return CallingShare(CallingShareSettings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("of_one", "of_others", "detected"),
    [
        (19, 81, False),
        (20, 80, False),  # at the threshold
        (21, 79, True),
        (99, 0, False),  # too few calls to say
        (100, 0, True),
    ],
)
def test_one_number_makes_more_than_a_fifth_of_the_calls(of_one: int, of_others: int, detected: bool) -> None:
    one = detector()
    told(one, (call(1, calling=number) for number in [ONE] * of_one + others(of_others)))
    assert bool(judged(one, 2)) is detected


def test_the_detection_is_about_the_number_on_its_trunk_group() -> None:
    one = detector()
    told(one, (call(1, calling=number) for number in [ONE] * 40 + others(60)))
    (found,) = judged(one, 2)
    assert found.subject == Subject(SubjectKind.CALLING_NUMBER, "3145550100")
    assert (found.trunk_group, found.provider) == (PARTNER_GROUP.name, PROVIDER)
    assert found.figures == (
        ("share_percent", 40.0),
        ("threshold", 20),
        ("calls", 40.0),
        ("calls_of_trunk_group", 100.0),
    )
    assert found.text == "40 % of the 100 calls on trunk group partner-1 are from this number (40); over 20 %"


@pytest.mark.parametrize(("at_s", "detected"), [(31, True), (59, True), (61, False)])
def test_calls_of_this_half_window_and_of_the_one_before_count(at_s: float, detected: bool) -> None:
    one = detector(window_s=60)
    told(one, (call(1, calling=ONE) for _ in range(100)))
    assert bool(judged(one, at_s)) is detected


def test_calls_without_a_number_count_among_the_others_and_are_nobodys_share() -> None:
    one = detector()
    told(one, (call(1, calling=number) for number in [ONE] * 20 + ["anonymous"] * 80))
    assert judged(one, 2) == []


def test_emergency_calls_and_calls_from_the_host_count_for_nobody() -> None:
    one = detector()
    told(one, (call(1, emergency=True) for _ in range(200)))
    told(one, (call(1, group=HOST_GROUP) for _ in range(200)))
    assert judged(one, 2) == []


def test_one_number_is_found_among_as_many_spoofed_ones_as_one_likes() -> None:
    one = detector()
    spoofed = [f"+1314{place:07}" for place in range(2_000_000, 2_010_000)]
    calls = [ONE if place % 4 == 0 else number for place, number in enumerate(spoofed)]
    told(one, (call(1, calling=number) for number in calls))
    (found,) = judged(one, 2)
    assert found.subject.name == "3145550100"
    (group,) = (group for _, group in one._groups.items())
    assert len(group.now.numbers) <= COUNTERS


@given(st.lists(st.integers(0, 400), max_size=600))
def test_a_number_is_never_counted_over_and_hardly_short(numbers: list[int]) -> None:
    one = detector()
    told(one, (call(1, calling=f"+1314556{number:04}") for number in numbers))
    counted = {}
    for _, group in one._groups.items():
        counted = {digits: known.count for digits, known in group.now.numbers.items()}
    for number in set(numbers):
        count = counted.get(f"314556{number:04}", 0)
        assert numbers.count(number) - len(numbers) / COUNTERS <= count <= numbers.count(number)
