"""So many a second, what is charged, and what is given back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.signalling.allowance import Allowance

T0 = 1_760_000_000_000_000
SECOND_US = 1_000_000


def test_an_allowance_is_a_seconds_worth_and_comes_back_evenly() -> None:
    allowance = Allowance(10)
    assert [allowance.take(T0) for _ in range(11)] == [True] * 10 + [False]
    assert allowance.is_empty(T0 + 99_999)
    assert allowance.take(T0 + 100_000)
    assert not allowance.take(T0 + 100_000)


def test_what_is_charged_runs_up_no_debt() -> None:
    allowance = Allowance(10)
    for _ in range(1_000):
        allowance.charge(T0)
    assert allowance.is_used_up(T0 + 99_999)
    assert not allowance.is_used_up(T0 + 100_000)


def test_what_is_given_back_can_be_charged_again_and_is_never_more_than_the_whole() -> None:
    allowance = Allowance(2)
    for _ in range(2):
        allowance.charge(T0)
    assert allowance.is_used_up(T0)
    allowance.give_back()
    assert not allowance.is_used_up(T0)
    assert not allowance.is_whole
    for _ in range(10):
        allowance.give_back()
    assert allowance.is_whole
    assert [allowance.take(T0) for _ in range(3)] == [True, True, False]


def test_an_allowance_of_nothing_lets_nothing_through() -> None:
    assert not Allowance(0).take(T0)
    assert Allowance(0).is_empty(T0 + 1_000 * SECOND_US)


@given(st.integers(1, 50), st.lists(st.integers(-50_000, 400_000), max_size=200))
def test_in_any_time_no_more_is_taken_than_its_rate_and_a_seconds_worth(per_s: int, gaps_us: list[int]) -> None:
    allowance = Allowance(per_s)
    at_us = latest_us = T0
    taken = 0
    for gap_us in gaps_us:
        at_us += gap_us
        latest_us = max(latest_us, at_us)
        taken += allowance.take(at_us)
    assert taken <= per_s * (1 + (latest_us - T0) / SECOND_US)
