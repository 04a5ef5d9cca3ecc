"""The limit of a provider (L8): token bucket and calls in progress, keyed by OCN. The buckets themselves as well."""

from __future__ import annotations

from fractions import Fraction

import pytest
from attempts import AT_US, HOST_GROUP, OTHER_PROVIDER, PROVIDER, SECOND_US, attempt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn, RateLimit
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.checks.rate_limit import RateLimits
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.token_bucket import TokenBucket
from gateway.policy.verdict import Verdict


def check(sustained: float = 10, burst: int = 5, in_progress: int = 1000) -> RateLimits:
    """Both providers have this limit."""
    limit = RateLimit(sustained, burst, in_progress)
    ocns = (PROVIDER, OTHER_PROVIDER)
    return RateLimits(CarrierBook(Carrier(o, "a provider", CarrierKind.PROVIDER, limit=limit) for o in ocns))


def offer(limiter: RateLimits, at_us: int, provider: Ocn = PROVIDER) -> CallAttempt | None:
    """Offer a call as the engine does; the attempt if it was admitted."""
    call = attempt(provider=provider, at_us=at_us)
    if limiter.judge(call).verdict is Verdict.OVER_LIMIT:
        return None
    limiter.admitted(call)
    return call


def test_a_burst_passes_and_the_call_after_it_is_over_the_limit() -> None:
    limiter = check(sustained=10, burst=5)
    assert all(offer(limiter, AT_US) for _ in range(5))
    finding = limiter.judge(attempt())
    assert finding.verdict is Verdict.OVER_LIMIT
    assert finding.clause == "L8"
    assert finding.text == "OCN 901A is over its limit of 10 calls/s sustained with a burst of 5"
    assert finding.refusal == REFUSALS[Reason.OVER_LIMIT]
    assert finding.refusal.retry_after_s == 1


def test_a_token_is_back_after_exactly_the_time_between_two_calls() -> None:
    limiter = check(sustained=10, burst=1)
    assert offer(limiter, AT_US)
    assert not offer(limiter, AT_US + 99_999)
    assert offer(limiter, AT_US + 100_000)


def test_one_providers_flood_leaves_anothers_calls_alone() -> None:
    limiter = check(sustained=10, burst=5)
    for place in range(1000):
        offer(limiter, AT_US + place)
    assert all(offer(limiter, AT_US + 1000, OTHER_PROVIDER) for _ in range(5))


def test_judging_changes_nothing() -> None:
    limiter = check(burst=1)
    assert {limiter.judge(attempt()).verdict for _ in range(50)} == {Verdict.PASS}
    assert limiter.in_progress(PROVIDER) == 0


def test_calls_in_progress_are_limited_and_a_call_that_ends_makes_room() -> None:
    limiter = check(sustained=1000, burst=1000, in_progress=2)
    first, second = offer(limiter, AT_US), offer(limiter, AT_US)
    assert first is not None
    assert second is not None
    assert limiter.judge(attempt()).text == "OCN 901A is over its limit of 2 calls in progress"
    limiter.ended(first, AT_US + 1)
    assert limiter.in_progress(PROVIDER) == 1
    assert limiter.judge(attempt()).verdict is Verdict.PASS


def test_a_call_that_ends_twice_or_was_never_admitted_gives_nothing_back() -> None:
    limiter = check()
    call, stranger = offer(limiter, AT_US), attempt()
    other = offer(limiter, AT_US)
    assert call is not None
    assert other is not None
    limiter.ended(stranger, AT_US)
    limiter.ended(call, AT_US)
    limiter.ended(call, AT_US)
    assert limiter.in_progress(PROVIDER) == 1


def test_two_calls_with_one_call_id_are_two_calls_in_progress() -> None:
    limiter = check()
    assert offer(limiter, AT_US)
    assert offer(limiter, AT_US)
    assert limiter.in_progress(PROVIDER) == 2


def test_emergency_calls_are_never_limited_and_take_nothing() -> None:
    limiter = check(burst=1, in_progress=1)
    emergency = attempt(called="911", emergency=True)
    for _ in range(10):
        assert limiter.judge(emergency).verdict is Verdict.PASS
        limiter.admitted(emergency)
    assert limiter.in_progress(PROVIDER) == 0
    assert offer(limiter, AT_US)
    assert limiter.judge(emergency).verdict is Verdict.PASS


def test_calls_towards_a_provider_from_a_host_switch_do_not_count() -> None:
    limiter = check(burst=1)
    for _ in range(10):
        call = attempt(ingress=HOST_GROUP)
        assert limiter.judge(call).verdict is Verdict.PASS
        limiter.admitted(call)
    assert limiter.in_progress(PROVIDER) == 0


def test_a_provider_without_a_limit_passes_and_is_counted() -> None:
    limiter = RateLimits(None)
    assert all(offer(limiter, AT_US) for _ in range(100))
    assert limiter.in_progress(PROVIDER) == 100


def test_without_a_trunk_group_nothing_is_judged() -> None:
    assert check().judge(attempt(ingress=None)).verdict is Verdict.NOT_JUDGED


@pytest.mark.parametrize("limit", [RateLimit(0, 5, 5), RateLimit(5, 0, 5), RateLimit(5, 5, 0)])
def test_a_limit_of_nothing_lets_nothing_through(limit: RateLimit) -> None:
    limiter = check(limit.sustained_per_s, limit.burst, limit.in_progress)
    assert [offer(limiter, AT_US + second * SECOND_US) for second in range(5)] == [None] * 5


def test_calls_let_in_over_the_limit_in_monitor_mode_run_up_no_debt() -> None:
    limiter = check(sustained=10, burst=1, in_progress=100_000)
    for _ in range(10_000):
        limiter.admitted(attempt())
    assert not offer(limiter, AT_US + 99_999)
    assert offer(limiter, AT_US + 100_000)


RATES = st.one_of(st.integers(1, 500).map(float), st.floats(0.5, 500))


@given(
    RATES,
    st.integers(1, 20),
    st.lists(st.integers(0, 40_000), min_size=1, max_size=200),
    st.data(),
)
def test_over_any_window_no_more_is_admitted_than_the_burst_and_the_sustained_rate(
    sustained: float, burst: int, gaps_us: list[int], data: st.DataObject
) -> None:
    bucket = TokenBucket(sustained, burst)
    at_us, admitted = AT_US, []
    for gap in gaps_us:
        at_us += gap
        if bucket.has_token(at_us):
            bucket.take(at_us)
            admitted.append(at_us)
    start = data.draw(st.integers(AT_US, at_us))
    end = data.draw(st.integers(start, at_us))
    rate = Fraction(sustained).limit_denominator(1000)
    assert sum(start <= time <= end for time in admitted) <= burst + rate * (end - start) / SECOND_US


@given(st.integers(1, 20), st.lists(st.integers(-50_000, 50_000), min_size=1, max_size=100))
def test_a_clock_that_goes_back_gives_nobody_tokens(burst: int, steps_us: list[int]) -> None:
    bucket = TokenBucket(10, burst)
    at_us, latest, admitted = AT_US, AT_US, 0
    for step in steps_us:
        at_us += step
        latest = max(latest, at_us)
        if bucket.has_token(at_us):
            bucket.take(at_us)
            admitted += 1
    assert admitted <= burst + Fraction(10 * (latest - min(AT_US, at_us)), SECOND_US) + 1


class TwoProviders(RuleBasedStateMachine):
    """Calls of two providers offered, ended and offered over the limit, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.limiter = check(sustained=5, burst=3, in_progress=4)
        self.at_us = AT_US
        self.up: list[CallAttempt] = []

    @rule(gap_us=st.integers(0, SECOND_US))
    def time_passes(self, gap_us: int) -> None:
        self.at_us += gap_us

    @rule(provider=st.sampled_from([PROVIDER, OTHER_PROVIDER]))
    def a_refused_call_takes_nothing_from_anyones_quota(self, provider: Ocn) -> None:
        def state() -> list[tuple[int, Verdict]]:
            return [
                (
                    self.limiter.in_progress(ocn),
                    self.limiter.judge(attempt(provider=ocn, at_us=self.at_us + later_us)).verdict,
                )
                for ocn in (PROVIDER, OTHER_PROVIDER)
                for later_us in (0, 100_000, 200_000, 600_000)
            ]

        before = state()
        call = offer(self.limiter, self.at_us, provider)
        if call is None:
            assert state() == before
        else:
            self.up.append(call)

    @rule(provider=st.sampled_from([PROVIDER, OTHER_PROVIDER]))
    def a_call_is_let_in_whatever_the_limit_says(self, provider: Ocn) -> None:
        call = attempt(provider=provider, at_us=self.at_us)
        self.limiter.admitted(call)
        self.up.append(call)

    @rule(data=st.data())
    def a_call_ends(self, data: st.DataObject) -> None:
        if self.up:
            place = data.draw(st.integers(0, len(self.up) - 1))
            self.limiter.ended(self.up.pop(place), self.at_us)

    @invariant()
    def in_progress_is_the_number_of_calls_that_are_up(self) -> None:
        for ocn in (PROVIDER, OTHER_PROVIDER):
            assert self.limiter.in_progress(ocn) == sum(call.provider == ocn for call in self.up)


TwoProviders.TestCase.settings = settings(max_examples=50, stateful_step_count=30)
TestTwoProviders = TwoProviders.TestCase
