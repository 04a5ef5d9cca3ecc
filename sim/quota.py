"""What a scenario may still send of a provider's rate limit, so that no scenario sees the one before it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from sim.cast import Limit


class Quota:
    """What the lab knows of a provider's token bucket, on the safe side: every call counts as if it were admitted."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._spent = 0.0
        self._at = 0.0

    def spend(self, calls: int, now_s: float) -> None:
        self._spent = min(self._left_over(now_s) + calls, self.limit.burst)
        self._at = now_s

    def until(self, calls: float, now_s: float) -> float:
        """Seconds until the bucket surely holds tokens for so many calls, or is full."""
        lacking = self._left_over(now_s) + min(calls, self.limit.burst) - self.limit.burst
        return max(lacking, 0.0) / self.limit.sustained_per_s

    def _left_over(self, now_s: float) -> float:
        return max(self._spent - (now_s - self._at) * self.limit.sustained_per_s, 0.0)


class Quotas:
    """The quota of every provider that has a limit."""

    def __init__(self, limits: Mapping[str, Limit]) -> None:
        self._quotas = {provider: Quota(limit) for provider, limit in limits.items()}

    def spent(self, provider: str, calls: int = 1) -> None:
        """Note calls that a provider placed just now."""
        if provider in self._quotas:
            self._quotas[provider].spend(calls, time.monotonic())

    async def wait_for(self, wanted: Callable[[str], float]) -> None:
        """Wait until every provider may place so many calls, or as many as it may at once."""
        for provider, quota in self._quotas.items():
            wait_s = quota.until(wanted(provider), time.monotonic())
            if wait_s > 0:
                await asyncio.sleep(wait_s)
