"""Work for many calls at once, a little at a time: whoever else is on the gateway must not feel it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

BATCH: Final = 100
INTERVAL_US: Final = 50_000
"""So many calls, each time that these microseconds have passed: 2,000 calls in a second."""
MOST_ASKED: Final = 10 * BATCH
"""So many are asked about for that: those that nothing is to be done with any more hold up nobody behind them."""

Item = TypeVar("Item")


class Paced(Generic[Item]):
    """What waits for its turn. Times are in microseconds."""

    def __init__(self) -> None:
        self._waiting: Final[deque[Item]] = deque()
        self._left = 0
        self._anew_us = 0
        """So many may still have their turn before that time; from then on a whole batch."""
        self._to_ask = 0

    def add(self, items: Iterable[Item]) -> None:
        self._waiting.extend(items)

    @property
    def next_us(self) -> int | None:
        """When the next of it is due; None where nothing waits."""
        return self._anew_us if self._waiting else None

    def due(self, at_us: int, is_wanted: Callable[[Item, int], bool]) -> list[Item]:
        """What is to be done now. What is left then is due when the interval is over.

        What `is_wanted` no longer wants, asked with the time when its turn has come, is dropped.
        """
        waiting = self._waiting
        if not waiting:
            return []
        if at_us >= self._anew_us:
            self._left, self._to_ask, self._anew_us = BATCH, MOST_ASKED, at_us + INTERVAL_US
        due: list[Item] = []
        while waiting and self._left and self._to_ask:
            item = waiting.popleft()
            self._to_ask -= 1
            if is_wanted(item, at_us):
                self._left -= 1
                due.append(item)
        return due

    def __len__(self) -> int:
        return len(self._waiting)
