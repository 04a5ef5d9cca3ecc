"""The one clock of a gateway."""

from __future__ import annotations

import time
from typing import Final


class Clock:
    """Microseconds since the Unix epoch that never go back.

    The wall clock is read once; from then on the monotonic clock counts, so that a step of the wall clock neither fires
    timers nor refills anyone's quota.
    """

    def __init__(self, not_before_us: int = 0) -> None:
        """`not_before_us` is a time that is past for certain: the clock starts there where the wall clock is behind."""
        wall_ns = time.time_ns()
        began_ns = max(wall_ns, not_before_us * 1_000)
        self._offset_ns = began_ns - time.monotonic_ns()
        self.ahead_us: Final = (began_ns - wall_ns) // 1_000
        """How far ahead of the wall clock it started."""

    def now_us(self) -> int:
        return (time.monotonic_ns() + self._offset_ns) // 1_000
