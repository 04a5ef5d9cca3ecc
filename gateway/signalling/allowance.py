"""How many requests a second are looked at of senders that belong to no trunk group."""

from __future__ import annotations

from typing import Final

_ONE: Final = 1_000_000
"""Units of one request: one a microsecond and a second's rate of one."""


class Allowance:
    """So many a second, and at most a second's worth at once. Times are microseconds and are handed in."""

    def __init__(self, per_s: int) -> None:
        self._per_s: Final = per_s
        self._most: Final = per_s * _ONE
        self._left = self._most
        self._at_us = 0

    def take(self, at_us: int) -> bool:
        """Whether one more may be looked at now; if so it is counted."""
        if at_us > self._at_us:
            self._left = min(self._left + (at_us - self._at_us) * self._per_s, self._most)
            self._at_us = at_us
        if self._left < _ONE:
            return False
        self._left -= _ONE
        return True
