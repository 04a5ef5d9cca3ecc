"""A provider stays within its sustained rate, its burst and its calls in progress (L8)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from gateway.interconnection.carriers import CarrierBook, Ocn, RateLimit
from gateway.interconnection.trunk_groups import PARTNER_SIDE
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.facts import NO_TRUNK_GROUP, not_judged, passed, violation
from gateway.policy.refusals import Reason
from gateway.policy.verdict import Finding, Verdict

_MICROSECONDS: Final = 1_000_000


class TokenBucket:
    """A token bucket as the generic cell rate algorithm (ITU-T I.371 annex A): one number of state, integers only.

    Kept is the theoretical arrival time: the time at which the bucket would be full again. Times are multiplied by the
    numerator of the rate, so that the time between two tokens is a whole number for any rate that configuration can
    state, and nothing is lost to rounding however long the gateway runs.
    """

    __slots__ = ("_burst_time", "_full_at", "_scale", "_token_time")

    def __init__(self, sustained_per_s: float, burst: int) -> None:
        """`sustained_per_s` tokens a second, to a thousandth; 0 lets nothing through. `burst` tokens at most."""
        rate = Fraction(sustained_per_s).limit_denominator(1000)
        self._scale = rate.numerator
        self._token_time = _MICROSECONDS * rate.denominator
        self._burst_time = burst * self._token_time if rate > 0 else 0
        self._full_at = 0

    def has_token(self, at_us: int) -> bool:
        now = at_us * self._scale
        missing = self._full_at - now if self._full_at > now else 0
        return missing + self._token_time <= self._burst_time

    def take(self, at_us: int) -> None:
        """Take a token. An empty bucket stays empty: what is admitted over the limit (monitor mode) runs up no debt."""
        now = at_us * self._scale
        self._full_at = min(max(self._full_at, now) + self._token_time, max(self._full_at, now + self._burst_time))


@dataclass(frozen=True, slots=True)
class _Limited:
    """A provider's limit and the two findings it can give, made once: a flood must be cheap to refuse."""

    bucket: TokenBucket
    most_in_progress: int
    over_rate: Finding
    over_in_progress: Finding


class RateLimitOfProvider:
    """Limits each provider by its OCN, on partner-side trunk groups.

    `judge` only looks; `admitted` takes the token and counts the call as in progress; `ended` gives the place back.
    So a refused call takes nothing from anyone. Emergency calls are neither limited nor counted here, nor are calls of
    no known provider, which the admission check refuses. An OCN without a limit passes and is counted.
    """

    name: Final = "rate_limit"
    clause: Final = "L8"

    def __init__(self, carriers: CarrierBook | None) -> None:
        self._limited: dict[Ocn, _Limited] = {}
        for carrier in carriers if carriers is not None else ():
            if carrier.limit is not None:
                self._limited[carrier.ocn] = self._limited_by(carrier.ocn, carrier.limit)
        self._in_progress: dict[Ocn, int] = {}
        # By identity, and holding the attempt so that its identity isn't reused: a Call-ID is the sender's to choose
        # and to repeat. Its size is the number of calls in progress.
        self._counted: dict[int, CallAttempt] = {}
        self._pass = passed(self.name, self.clause)
        self._no_ingress = not_judged(self.name, self.clause, NO_TRUNK_GROUP)

    def _limited_by(self, ocn: Ocn, limit: RateLimit) -> _Limited:
        over = f"OCN {ocn} is over its limit of"
        rate = f"{over} {limit.sustained_per_s:g} calls/s sustained with a burst of {limit.burst}"
        in_progress = f"{over} {limit.in_progress} calls in progress"
        return _Limited(
            TokenBucket(limit.sustained_per_s, limit.burst),
            limit.in_progress,
            violation(self.name, Verdict.OVER_LIMIT, self.clause, Reason.OVER_LIMIT, rate, ()),
            violation(self.name, Verdict.OVER_LIMIT, self.clause, Reason.OVER_LIMIT, in_progress, ()),
        )

    def judge(self, attempt: CallAttempt) -> Finding:
        ingress, provider = attempt.ingress, attempt.provider
        if ingress is None:
            return self._no_ingress
        if provider is None or attempt.emergency or ingress.side is not PARTNER_SIDE:
            return self._pass
        limited = self._limited.get(provider)
        if limited is None:
            return self._pass
        if self._in_progress.get(provider, 0) >= limited.most_in_progress:
            return limited.over_in_progress
        if not limited.bucket.has_token(attempt.at_us):
            return limited.over_rate
        return self._pass

    def admitted(self, attempt: CallAttempt) -> None:
        """Take a token and a place. Telling it twice of one call counts once."""
        ingress, provider = attempt.ingress, attempt.provider
        if provider is None or attempt.emergency or ingress is None or ingress.side is not PARTNER_SIDE:
            return
        if id(attempt) in self._counted:
            return
        self._counted[id(attempt)] = attempt
        self._in_progress[provider] = self._in_progress.get(provider, 0) + 1
        limited = self._limited.get(provider)
        if limited is not None:
            limited.bucket.take(attempt.at_us)

    def ended(self, attempt: CallAttempt, at_us: int) -> None:  # noqa: ARG002 - the time is for other counting checks
        """Give the place back; without effect for a call that was never counted, or is told of twice."""
        if self._counted.pop(id(attempt), None) is None or attempt.provider is None:
            return
        left = self._in_progress[attempt.provider] - 1
        if left:
            self._in_progress[attempt.provider] = left
        else:
            del self._in_progress[attempt.provider]

    def in_progress(self, ocn: Ocn) -> int:
        """Calls of this provider that are up or being set up over the partners' trunks."""
        return self._in_progress.get(ocn, 0)
