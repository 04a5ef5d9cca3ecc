"""Less traffic for a way that is congested, and step by step more again (Q.764 section 2.10.2)."""

from __future__ import annotations

from typing import Final

from gateway.signalling.ss7.isup_timers import Durations, Timer

STEPS: Final = 4
"""In how many steps the traffic is reduced; the last one leaves a fifth of it."""


class Congestion:
    """How much of the traffic of one trunk group is held back. Times in microseconds."""

    __slots__ = ("_ignored_until_us", "_offered", "_t29_us", "_t30_us", "restored_us", "step")

    def __init__(self, durations: Durations) -> None:
        self._t29_us: Final = durations[Timer.T29]
        self._t30_us: Final = durations[Timer.T30]
        self.step = 0
        """How many steps the traffic is reduced by now."""
        self.restored_us = 0
        """When the next step is restored (T30); 0: nothing is reduced."""
        self._ignored_until_us = 0
        self._offered = 0

    def reported(self, at_us: int) -> None:
        """MTP says that the way is congested. What it says within T29 belongs to the step that was just taken."""
        if at_us < self._ignored_until_us:
            return
        self.step = min(self.step + 1, STEPS)
        self._ignored_until_us = at_us + self._t29_us
        self.restored_us = at_us + self._t30_us

    def wake(self, at_us: int) -> None:
        """T30: nothing was said of congestion for a while."""
        if self.step and self.restored_us <= at_us:
            self.step -= 1
            self.restored_us = at_us + self._t30_us if self.step else 0

    def lets_through(self) -> bool:
        """Whether the call that is offered now goes on: evenly spread, of five calls one less for each step."""
        if not self.step:
            return True
        self._offered += STEPS + 1 - self.step
        if self._offered < STEPS + 1:
            return False
        self._offered -= STEPS + 1
        return True
