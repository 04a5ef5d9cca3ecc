"""A token bucket: so many a second, and a burst of so many at once."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

_MICROSECONDS: Final = 1_000_000


class TokenBucket:
    """A token bucket as the generic cell rate algorithm (ITU-T I.371 annex A): one number of state, integers only.

    Kept is the theoretical arrival time: the time at which the bucket would be full again. Times are multiplied by the
    numerator of the rate, so that the time between two tokens is a whole number for any rate that configuration can
    state, and nothing is lost to rounding however long the gateway runs. Times are microseconds and are handed in.
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

    def is_full(self, at_us: int) -> bool:
        """Whether it holds its whole burst: as a new one would."""
        return self._full_at <= at_us * self._scale
