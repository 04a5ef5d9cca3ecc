"""The outbox: which notices of the journal are still to be delivered, by which channel, and when to try again.

What is to be delivered stands in the journal, with the step that a notice tells of; what became of it is put there too,
so the outbox is what the one has and the other has not, and has no file of its own. Only how often a delivery was
tried is lost when the gateway stops: then all are tried at once. A notice may be delivered twice, where the gateway is
killed between the delivery and its entry; it has the same id both times.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from typing import Final

from gateway.interconnection.notices import Delivery, DeliveryState
from gateway.records.journal import OperatorJournal
from gateway.records.journal_entries import Entry, Kind, UnreadableEntryError, end_of, entry_of_end, notice_of

FIRST_PAUSE_US: Final = 5_000_000
LONGEST_PAUSE_US: Final = 3_600_000_000
MOST_ATTEMPTS: Final = 34
"""Then a delivery is given up: after about a day, as the pause doubles up to an hour."""
MOST_FAILED: Final = 100
"""Deliveries that were given up and are shown: the last ones."""
MOST_REASON: Final = 500
"""Characters kept of why a delivery failed."""


def pause_us(attempts: int) -> int:
    """How long to wait after so many attempts that failed, microseconds."""
    return min(FIRST_PAUSE_US << min(attempts - 1, 20), LONGEST_PAUSE_US)


class _Waiting:
    """A delivery that is pending."""

    __slots__ = ("attempts", "next_at_us", "reason")

    def __init__(self) -> None:
        self.attempts = 0
        self.next_at_us = 0
        self.reason = ""


class Outbox:
    """What is to be delivered. Safe to use from any thread; what it reads and writes blocks as the journal does."""

    def __init__(self, journal: OperatorJournal) -> None:
        """Raises `DatabaseFileError` where the journal cannot be read."""
        self._journal: Final = journal
        self._lock: Final = threading.Lock()
        self._waiting: Final[dict[str, dict[int, _Waiting]]] = {}
        """By channel and number of the notice's entry, which keep their order."""
        self._ended: Final[Counter[tuple[str, DeliveryState]]] = Counter()
        self._failed: Final[dict[tuple[int, str], str]] = {}
        self._seen = 0
        self._look()

    def due(self, channel: str, at_us: int, most: int = 16) -> tuple[Delivery, ...]:
        """Deliveries of a channel that are to be tried at a time, oldest notice first."""
        with self._lock:
            self._look()
            numbers = [
                number for number, waiting in self._waiting.get(channel, {}).items() if waiting.next_at_us <= at_us
            ]
            return tuple(self._delivery(number, channel) for number in numbers[:most])

    def next_at_us(self, channel: str) -> int | None:
        """When a delivery of a channel is due next; None where none is pending."""
        with self._lock:
            return min((waiting.next_at_us for waiting in self._waiting.get(channel, {}).values()), default=None)

    def delivered(self, delivery: Delivery, at_us: int) -> None:
        """It was delivered. Raises `DatabaseFileError` where that cannot be put into the journal: it stays pending."""
        with self._lock:
            self._end(delivery, DeliveryState.DELIVERED, at_us, "")

    def not_delivered(self, delivery: Delivery, at_us: int, reason: str) -> DeliveryState:
        """An attempt failed: it is tried again later, or given up. Raises `DatabaseFileError` as `delivered`."""
        with self._lock:
            waiting = self._waiting[delivery.channel][delivery.number]
            waiting.attempts += 1
            waiting.reason = reason[:MOST_REASON]
            waiting.next_at_us = at_us + pause_us(waiting.attempts)
            if waiting.attempts < MOST_ATTEMPTS:
                return DeliveryState.PENDING
            self._end(delivery, DeliveryState.FAILED, at_us, waiting.reason)
            return DeliveryState.FAILED

    def deliveries(self, most: int = MOST_FAILED) -> tuple[Delivery, ...]:
        """Those that are pending, and the last that were given up: up to `most` of each, oldest first."""
        with self._lock:
            self._look()
            pending = [(number, channel) for channel, each in self._waiting.items() for number in each]
            failed = list(self._failed)[-most:]
            return tuple(self._delivery(*each) for each in (*sorted(pending)[:most], *failed))

    def counts(self) -> dict[tuple[str, DeliveryState], int]:
        """Deliveries by channel and state, since the journal began."""
        with self._lock:
            self._look()
            pending = {(channel, DeliveryState.PENDING): len(each) for channel, each in self._waiting.items() if each}
            return pending | dict(self._ended)

    def _look(self) -> None:
        """Take up what has been put into the journal since the last time."""
        while entries := self._journal.of_kind(Kind.NOTICE, Kind.DELIVERY, after=self._seen):
            for entry in entries:
                with suppress(UnreadableEntryError):  # a damaged one is told of when the journal is verified
                    self._take_up(entry)
                self._seen = entry.sequence

    def _take_up(self, entry: Entry) -> None:
        if entry.kind == Kind.NOTICE:
            for channel in notice_of(entry).channels:
                self._waiting.setdefault(channel, {})[entry.sequence] = _Waiting()
        else:
            self._take_end(entry)

    def _take_end(self, entry: Entry) -> None:
        number, channel, state, reason = end_of(entry)
        if self._waiting.get(channel, {}).pop(number, None) is None:
            return
        self._ended[channel, state] += 1
        if state is DeliveryState.FAILED:
            self._failed[number, channel] = reason
            if len(self._failed) > MOST_FAILED:
                del self._failed[next(iter(self._failed))]

    def _end(self, delivery: Delivery, state: DeliveryState, at_us: int, reason: str) -> None:
        self._journal.append(entry_of_end(delivery, state, at_us, reason))
        self._look()

    def _delivery(self, number: int, channel: str) -> Delivery:
        entry = self._journal.entry(number)
        if entry is None:
            raise UnreadableEntryError(f"entry {number} is gone; `tollgate journal verify` says more")
        waiting = self._waiting.get(channel, {}).get(number)
        if waiting is None:
            reason = self._failed.get((number, channel), "")
            return Delivery(notice_of(entry), number, channel, DeliveryState.FAILED, MOST_ATTEMPTS, 0, reason)
        state = DeliveryState.PENDING
        return Delivery(notice_of(entry), number, channel, state, waiting.attempts, waiting.next_at_us, waiting.reason)
