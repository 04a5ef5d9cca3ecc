"""How many messages a second are looked at: of strangers, and of what came to nothing."""

from __future__ import annotations

from typing import Final

_ONE: Final = 1_000_000
"""Units of one message: one a microsecond and a second's rate of one."""


class Allowance:
    """So many a second, and at most a second's worth at once. Times are microseconds and are handed in."""

    __slots__ = ("_at_us", "_left", "_most", "_per_s", "used_up")

    def __init__(self, per_s: int) -> None:
        self._per_s: Final = per_s
        self._most: Final = per_s * _ONE
        self._left = self._most
        self._at_us = 0
        self.used_up = False
        """Whether nothing was left when it was last charged; `is_used_up` says whether that still holds."""

    def take(self, at_us: int) -> bool:
        """Whether one more may be looked at now; if so it is counted."""
        self._fill(at_us)
        if self._left < _ONE:
            return False
        self._left -= _ONE
        return True

    def is_empty(self, at_us: int) -> bool:
        """Whether `take` would say no."""
        self._fill(at_us)
        return self._left < _ONE

    def charge(self, at_us: int) -> None:
        """One more came to nothing: it is counted, whether or not there is anything left. It runs up no debt."""
        self._fill(at_us)
        self._left = max(self._left - _ONE, 0)
        self.used_up = self._left < _ONE

    def give_back(self) -> None:
        """One came to something: one more may come to nothing."""
        self._left = min(self._left + _ONE, self._most)

    def is_used_up(self, at_us: int) -> bool:
        """Whether there is nothing left now."""
        if self.used_up:
            self._fill(at_us)
            self.used_up = self._left < _ONE
        return self.used_up

    @property
    def is_whole(self) -> bool:
        """Whether nothing was taken of it, or all has come back, when it was last looked at."""
        return self._left >= self._most

    def _fill(self, at_us: int) -> None:
        if at_us > self._at_us:
            self._left = min(self._left + (at_us - self._at_us) * self._per_s, self._most)
            self._at_us = at_us
