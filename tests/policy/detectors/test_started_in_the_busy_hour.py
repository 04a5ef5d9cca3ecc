"""A gateway that is started in the busy hour sees first the ends of what is short, and accuses nobody for it."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

import pytest
from detected_calls import ADMITTED, BEGIN_US, SECOND_US, call

from gateway.policy.detectors.asr_acd import AsrAcd, AsrAcdSettings
from gateway.policy.detectors.detector import Detection, Detector
from gateway.policy.detectors.short_calls import ShortCalls, ShortCallsSettings
from gateway.policy.watch import Watch

PER_S = 20
EACH_SECOND: dict[str, tuple[float | None, ...]] = {
    "honest": (None,) * 8 + (4.0,) + (40.0, 90.0, 150.0, 200.0, 250.0, 300.0, 60.0, 120.0, 180.0, 240.0, 400.0),
    "a third answered, and over at once": (None,) * 14 + (3.0,) * 6,
}
"""How long each of the calls of a second talks; None: nobody answers it, for 10 s. Answered is after 8 s."""


def seen(detector: Detector, talks: tuple[float | None, ...], seconds: int) -> Iterator[Detection]:
    """What a detector sees in each second since the start."""
    watch = Watch((detector,), BEGIN_US)
    ends: list[tuple[float, int, float, float | None]] = []
    for second in range(seconds):
        for place, talked_s in enumerate(talks):
            at_s = second + place / PER_S
            one = call(at_s)
            watch.decided(one, ADMITTED)
            end_s = at_s + (10 if talked_s is None else 8 + talked_s)
            heappush(ends, (end_s, len(ends), at_s, talked_s))
        while ends and ends[0][0] <= second + 1:
            end_s, _, at_s, talked_s = heappop(ends)
            end_us = BEGIN_US + round(end_s * SECOND_US)
            answered_us = None if talked_s is None else end_us - round(talked_s * SECOND_US)
            watch.ended(call(at_s), ADMITTED, None, answered_us, end_us)
        yield from detector.judge(BEGIN_US + (second + 1) * SECOND_US)


@pytest.mark.parametrize("detector", [ShortCalls(ShortCallsSettings()), AsrAcd(AsrAcdSettings())])
def test_honest_calls_raise_nothing_when_only_their_shortest_have_ended(detector: Detector) -> None:
    assert list(seen(detector, EACH_SECOND["honest"], 600)) == []


@pytest.mark.parametrize("detector", [ShortCalls(ShortCallsSettings()), AsrAcd(AsrAcdSettings())])
def test_what_is_wrong_from_the_start_is_seen_within_two_minutes(detector: Detector) -> None:
    assert next(seen(detector, EACH_SECOND["a third answered, and over at once"], 120)) is not None
