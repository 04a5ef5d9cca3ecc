"""The gateway's clock."""

from __future__ import annotations

import time

import pytest

from gateway.transport.clock import Clock

MINUTE_US = 60_000_000


def test_the_clock_starts_at_the_wall_clock_and_never_goes_back() -> None:
    before_us = time.time_ns() // 1_000
    clock = Clock()
    readings = [clock.now_us() for _ in range(1_000)]
    assert readings == sorted(readings)
    assert abs(readings[0] - before_us) < MINUTE_US


@pytest.mark.parametrize("step_ns", [-3_600_000_000_000, 3_600_000_000_000])
def test_a_step_of_the_wall_clock_moves_nothing(step_ns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    wall = time.time_ns
    before_us = clock.now_us()
    monkeypatch.setattr(time, "time_ns", lambda: wall() + step_ns)
    assert 0 <= clock.now_us() - before_us < MINUTE_US
