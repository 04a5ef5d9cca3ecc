"""Few calls are answered, and those not for long."""

from __future__ import annotations

import pytest
from detected_calls import PROVIDER, REFUSED, about, call, judged, told_end

from gateway.policy.detectors.asr_acd import AsrAcd, AsrAcdSettings
from gateway.policy.detectors.detector import SubjectKind


def end_calls(one: AsrAcd, *, answered: int, unanswered: int, talked_s: float = 10, at_s: float = 10) -> None:
    for place in range(answered + unanswered):
        told_end(one, call(0), talked_s=talked_s if place < answered else None, at_s=at_s)


@pytest.mark.parametrize(
    ("answered", "unanswered", "talked_s", "detected"),
    [
        (41, 59, 10, False),
        (40, 60, 10, False),  # at the threshold
        (39, 61, 10, True),
        (39, 61, 29.9, True),
        (39, 61, 30, False),  # few are answered, and they talk
        (0, 49, 0, False),  # too few calls to say
        (0, 50, 0, True),
    ],
)
def test_both_ratios_must_be_low(answered: int, unanswered: int, talked_s: float, detected: bool) -> None:
    one = AsrAcd(AsrAcdSettings())
    end_calls(one, answered=answered, unanswered=unanswered, talked_s=talked_s)
    assert bool(about(judged(one, 11), SubjectKind.PROVIDER)) is detected


def test_the_figures_are_both_ratios_beside_their_thresholds() -> None:
    one = AsrAcd(AsrAcdSettings())
    end_calls(one, answered=20, unanswered=80, talked_s=12.5)
    found, on_group = judged(one, 11)
    assert found.figures == (
        ("asr_percent", 20.0),
        ("threshold", 40),
        ("acd_s", 12.5),
        ("acd_threshold_s", 30),
        ("calls", 100.0),
        ("answered_calls", 20.0),
    )
    assert found.text == "20 % of 100 calls were answered, for 12.5 s on average; under 40 % and 30 s"
    assert found.excess == 2
    assert on_group.provider == PROVIDER


@pytest.mark.parametrize(("at_s", "detected"), [(279, True), (310, False)])
def test_calls_that_ended_before_the_window_count_no_more(at_s: float, detected: bool) -> None:
    one = AsrAcd(AsrAcdSettings())
    end_calls(one, answered=0, unanswered=60, at_s=0)
    assert bool(judged(one, at_s)) is detected


def test_a_call_that_the_gateway_refused_or_ended_is_no_seizure() -> None:
    one = AsrAcd(AsrAcdSettings())
    for _ in range(100):
        told_end(one, call(0), talked_s=None, at_s=10, decision=REFUSED)
        told_end(one, call(0), talked_s=None, at_s=10, cut_off=True)
    assert judged(one, 11) == []


def test_emergency_calls_count_for_nobody() -> None:
    one = AsrAcd(AsrAcdSettings())
    for _ in range(100):
        told_end(one, call(0, emergency=True), talked_s=None, at_s=10)
    assert judged(one, 11) == []
