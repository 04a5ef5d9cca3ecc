"""Timers without a clock: what is due at a time that is handed in.

RFC 3261 knows few durations, and every timer of one duration is due in the order in which it was started. So each
duration has a queue, starting and stopping cost the same however many run, and the earliest deadline is at the head of
one of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

Event = TypeVar("Event")
Owner = TypeVar("Owner")

_NEVER: Final = 1 << 62


class TimerQueue(Generic[Event, Owner]):
    """Timers, each the pair of an event and the owner whom it concerns. Times are in microseconds."""

    def __init__(self) -> None:
        self._queues: dict[tuple[Event, int], OrderedDict[Owner, int]] = {}
        self._next_us = _NEVER

    @property
    def next_us(self) -> int | None:
        """A time before which nothing is due; None while no timer was started."""
        return self._next_us if self._next_us < _NEVER else None

    def start(self, event: Event, owner: Owner, at_us: int, duration_us: int) -> None:
        """Fire `event` for `owner` after a duration; a running timer of that event and duration starts again."""
        queue = self._queues.get((event, duration_us))
        if queue is None:
            queue = self._queues[event, duration_us] = OrderedDict()
        deadline = at_us + duration_us
        queue[owner] = deadline
        queue.move_to_end(owner)
        if deadline < self._next_us:
            self._next_us = deadline

    def stop(self, event: Event, owner: Owner, duration_us: int) -> None:
        """Forget a timer; nothing happens where none runs."""
        queue = self._queues.get((event, duration_us))
        if queue is not None:
            queue.pop(owner, None)

    def due(self, at_us: int) -> Iterator[tuple[Event, Owner]]:
        """Every timer that is due, each once. Timers started meanwhile fire on a later call."""
        fired: list[tuple[Event, Owner]] = []
        for (event, _), queue in self._queues.items():
            while queue:
                owner, deadline = next(iter(queue.items()))
                if deadline > at_us:
                    break
                del queue[owner]
                fired.append((event, owner))
        self._next_us = min((next(iter(queue.values())) for queue in self._queues.values() if queue), default=_NEVER)
        return iter(fired)

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())
