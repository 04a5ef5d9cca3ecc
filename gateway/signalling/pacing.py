"""Work for many calls at once, a little at a time: whoever else is on the gateway must not feel it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

BATCH: Final = 100
INTERVAL_US: Final = 50_000
"""So many calls, each time that these microseconds have passed: 2,000 calls in a second."""

Item = TypeVar("Item")


class Paced(Generic[Item]):
    """What waits for its turn. Times are in microseconds."""

    def __init__(self) -> None:
        self._waiting: Final[deque[Item]] = deque()
        self._left = 0
        self._anew_us = 0
        """So many may still have their turn before that time; from then on a whole batch."""

    def add(self, items: Iterable[Item]) -> None:
        self._waiting.extend(items)

    @property
    def next_us(self) -> int | None:
        """When the next of it is due; None where nothing waits."""
        return self._anew_us if self._waiting else None

    def due(self, at_us: int) -> list[Item]:
        """What is to be done now. What is left then is due when the interval is over."""
        if not self._waiting:
            return []
        if at_us >= self._anew_us:
            self._left, self._anew_us = BATCH, at_us + INTERVAL_US
        count = min(self._left, len(self._waiting))
        self._left -= count
        return [self._waiting.popleft() for _ in range(count)]

    def __len__(self) -> int:
        return len(self._waiting)
