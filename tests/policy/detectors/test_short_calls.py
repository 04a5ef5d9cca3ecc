"""Calls that are answered and over at once."""

from __future__ import annotations

import pytest
from attempts import OTHER_PROVIDER
from detected_calls import BEGIN_US, HOST_GROUP, PARTNER_GROUP, PROVIDER, SECOND_US, about, call, judged, told_end

from gateway.interconnection.carriers import Ocn
from gateway.policy.detectors.detector import SubjectKind
from gateway.policy.detectors.short_calls import ShortCalls, ShortCallsSettings


def detector(**settings: float) -> ShortCalls:
    return ShortCalls(ShortCallsSettings(**settings))  # type: ignore[arg-type]


def end_calls(one: ShortCalls, *, short: int, long: int, at_s: float = 10, provider: Ocn | None = PROVIDER) -> None:
    for place in range(short + long):
        told_end(one, call(0, provider=provider), talked_s=3 if place < short else 120, at_s=at_s)


@pytest.mark.parametrize(
    ("short", "long", "detected"),
    [
        (14, 86, False),  # below
        (15, 85, False),  # at the threshold
        (16, 84, True),
        (49, 0, False),  # too few calls to say
        (50, 0, True),
    ],
)
def test_more_than_fifteen_percent_of_the_answered_calls_are_short(short: int, long: int, detected: bool) -> None:
    one = detector()
    end_calls(one, short=short, long=long)
    assert bool(about(judged(one, 11), SubjectKind.PROVIDER)) is detected


@pytest.mark.parametrize(("talked_s", "short"), [(5.9, 1), (6, 1), (6.1, 0)])
def test_a_call_of_six_seconds_is_a_short_one(talked_s: float, short: int) -> None:
    one = detector(minimum_answered=1, share_percent=0.1)
    told_end(one, call(0), talked_s=talked_s, at_s=10)
    assert len(about(judged(one, 11), SubjectKind.PROVIDER)) == short


def test_the_figures_are_those_of_the_window() -> None:
    one = detector()
    end_calls(one, short=30, long=70)
    (found,) = about(judged(one, 11), SubjectKind.PROVIDER)
    assert found.figures == (
        ("short_percent", 30.0),
        ("threshold", 15),
        ("short_calls", 30.0),
        ("answered_calls", 100.0),
    )
    assert found.text == "30 % of 100 answered calls were over within 6 s (30); over 15 %"
    assert found.excess == 2
    assert found.since_us <= BEGIN_US + 10 * SECOND_US <= found.at_us


@pytest.mark.parametrize(("at_s", "detected"), [(279, True), (310, False)])
def test_calls_that_ended_before_the_window_count_no_more(at_s: float, detected: bool) -> None:
    one = detector()
    end_calls(one, short=100, long=0, at_s=0)
    assert bool(judged(one, at_s)) is detected


def test_what_was_not_answered_or_cut_off_by_the_gateway_or_came_from_the_host_says_nothing() -> None:
    one = detector(minimum_answered=1)
    for _ in range(100):
        told_end(one, call(0), talked_s=None, at_s=10)
        told_end(one, call(0), talked_s=1, at_s=10, cut_off=True)
        told_end(one, call(0, group=HOST_GROUP), talked_s=1, at_s=10)
        told_end(one, call(0, group=None), talked_s=1, at_s=10)
    assert judged(one, 11) == []


def test_emergency_calls_count_for_nobody() -> None:
    one = detector()
    for _ in range(100):
        told_end(one, call(0, emergency=True), talked_s=1, at_s=10)
    assert judged(one, 11) == []


def test_short_calls_on_a_trunk_group_name_the_provider_whose_they_are() -> None:
    one = detector()
    end_calls(one, short=60, long=0)
    end_calls(one, short=0, long=100, provider=OTHER_PROVIDER)
    (found,) = about(judged(one, 11), SubjectKind.TRUNK_GROUP)
    assert (found.subject.name, found.trunk_group, found.provider) == (PARTNER_GROUP.name, PARTNER_GROUP.name, PROVIDER)


def test_the_number_of_providers_is_bounded() -> None:
    one = detector()
    for place in range(5_000):
        end_calls(one, short=1, long=0, provider=Ocn(f"{place:05}"))
    assert len(one._calls._providers) == 4_096
