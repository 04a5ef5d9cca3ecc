"""Traffic reduced and restored in steps (Q.764 section 2.10.2)."""

from __future__ import annotations

import pytest

from gateway.signalling.ss7.congestion import STEPS, Congestion
from gateway.signalling.ss7.isup_timers import ITU, Timer

T0 = 1_000_000_000
T29, T30 = ITU[Timer.T29], ITU[Timer.T30]


def let_through(congestion: Congestion, calls: int = 100) -> int:
    return sum(congestion.lets_through() for _ in range(calls))


def test_every_report_after_t29_takes_a_step_until_a_fifth_is_left() -> None:
    congestion = Congestion(ITU)
    at_us = T0
    for left in (80, 60, 40, 20, 20):
        congestion.reported(at_us)
        congestion.reported(at_us + T29 - 1)
        assert let_through(congestion) == left
        at_us += T29
    assert congestion.step == STEPS


def test_every_t30_without_a_report_restores_a_step() -> None:
    congestion = Congestion(ITU)
    congestion.reported(T0)
    congestion.reported(T0 + T29)
    congestion.wake(T0 + T30)
    assert congestion.step == 2, "the last report was later"
    congestion.wake(T0 + T29 + T30)
    assert congestion.step == 1
    congestion.wake(congestion.restored_us)
    assert (congestion.step, congestion.restored_us) == (0, 0)
    assert let_through(congestion) == 100


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_what_is_held_back_is_spread_evenly(step: int) -> None:
    congestion = Congestion(ITU)
    congestion.step = step
    for _ in range(10):
        assert sum(congestion.lets_through() for _ in range(STEPS + 1)) == STEPS + 1 - step
