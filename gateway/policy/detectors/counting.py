"""What detectors count with: bounded in memory, and in constant time for each event."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import PARTNER_SIDE
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.detector import LONGEST_CALL_ID, SAMPLE_CALLS

SECOND_US: Final = 1_000_000
MOST_SUBJECTS: Final = 4_096
"""Subjects of one kind that a detector follows; the one that was heard of longest ago is forgotten first."""
MOST_SENDERS: Final = 64
"""Providers that are told apart on one trunk group."""
NEARLY_ALL_PERCENT: Final = 80
"""What happens on a trunk group is one provider's doing where so much of it is."""
_PANES: Final = 10
_HALVED_AT: Final = 4_096

Key = TypeVar("Key")
Value = TypeVar("Value")


class Subjects(Generic[Key, Value]):
    """What is known of each subject, bounded: beyond `most`, what was asked for longest ago is forgotten."""

    def __init__(self, most: int = MOST_SUBJECTS) -> None:
        self._most: Final = most
        self._known: Final[OrderedDict[Key, Value]] = OrderedDict()
        self._latest: Key | None = None

    def get(self, key: Key) -> Value | None:
        """What is known of a subject, which is the latest heard of from now on."""
        known = self._known
        value = known.get(key)
        if value is not None and key != self._latest:
            known.move_to_end(key)
            self._latest = key
        return value

    def put(self, key: Key, value: Value) -> Value:
        """Follow a new subject."""
        known = self._known
        if len(known) >= self._most:
            known.popitem(last=False)
        known[key] = value
        self._latest = key
        return value

    def items(self) -> Iterator[tuple[Key, Value]]:
        """Every subject, the one that was heard of longest ago first."""
        return iter(self._known.items())

    def drop(self, key: Key) -> None:
        """Forget a subject."""
        self._known.pop(key, None)

    def __len__(self) -> int:
        return len(self._known)


class SlidingCount:
    """A sum over the last seconds, in ten panes: what is older than the window, and up to a tenth of it less, is gone.

    Times may go back a little, as those of packets do: what comes late counts as the latest.
    """

    __slots__ = ("_pane_us", "_panes", "_place", "_until_us", "total")

    def __init__(self, window_s: float) -> None:
        self._pane_us = max(round(window_s * SECOND_US) // _PANES, 1)
        self._panes = [0] * _PANES
        self._place = 0
        """Of the latest pane."""
        self._until_us = 0
        """The end of the latest pane: a multiple of the length of one."""
        self.total = 0
        """The sum as of the last `add` or `advance`."""

    def add(self, at_us: int, amount: int = 1) -> None:
        """Add to the sum."""
        if at_us >= self._until_us:
            self.advance(at_us)
        self._panes[self._place] += amount
        self.total += amount

    def advance(self, at_us: int) -> int:
        """Let go of what is older than the window. Gives the sum."""
        if at_us < self._until_us:
            return self.total
        passed = (at_us - self._until_us) // self._pane_us + 1
        self._until_us += passed * self._pane_us
        panes, place = self._panes, self._place
        for _ in range(min(passed, _PANES)):
            place = place + 1 if place + 1 < _PANES else 0
            self.total -= panes[place]
            panes[place] = 0
        self._place = place
        return self.total

    @property
    def since_us(self) -> int:
        """The beginning of what the sum is of."""
        return self._until_us - _PANES * self._pane_us

    def covered_s(self, at_us: int) -> float:
        """How many seconds the sum is of at a time: the window, or up to a tenth of it less."""
        return (at_us - self.since_us) / SECOND_US


class Answers:
    """How many calls were answered in the last seconds, those that are still up included.

    What ends first is what was short, or was never answered: after a start of the gateway, and while traffic grows, the
    calls that have ended say little of all. Those that began, less those that ended without an answer, are the
    answered ones, and the few that still ring.
    """

    __slots__ = ("_begun", "_unanswered")

    def __init__(self, window_s: float) -> None:
        self._begun: Final = SlidingCount(window_s)
        self._unanswered: Final = SlidingCount(window_s)

    def begun(self, at_us: int) -> None:
        """A call was let through."""
        self._begun.add(at_us)

    def unanswered(self, at_us: int) -> None:
        """A call that was let through has ended without an answer."""
        self._unanswered.add(at_us)

    def number(self, ended: int, at_us: int) -> int:
        """So many, of which `ended` have ended."""
        return max(self._begun.advance(at_us) - self._unanswered.advance(at_us), ended)


class Senders:
    """Whose the calls of a trunk group are: by provider, the latest calls weighing most."""

    __slots__ = ("_counts", "_total")

    def __init__(self) -> None:
        self._counts: dict[Ocn | None, int] = {}
        self._total = 0

    def add(self, provider: Ocn | None, count: int = 1) -> None:
        """Count calls of a provider, or (None) of no known one. Beyond `MOST_SENDERS` they are not told apart."""
        counts = self._counts
        if provider in counts or len(counts) < MOST_SENDERS:
            counts[provider] = counts.get(provider, 0) + count
        self._total += count
        if self._total > _HALVED_AT:
            halved = {sender: known // 2 for sender, known in counts.items() if known > 1}
            self._counts, self._total = halved, self._total // 2

    def clear(self) -> None:
        if self._total:
            self._counts, self._total = {}, 0

    def sole(self) -> Ocn | None:
        """The provider whose nearly all of them are (`NEARLY_ALL_PERCENT`); None where they are of several, or of no
        known one.
        """
        for sender, count in self._counts.items():
            if count * 100 >= self._total * NEARLY_ALL_PERCENT:
                return sender
        return None

    @property
    def number(self) -> int:
        """How many known providers, `MOST_SENDERS` at most."""
        return len(self._counts) - (None in self._counts)

    def __str__(self) -> str:
        sole = self.sole()
        if sole is not None:
            return f"OCN {sole}"
        number = self.number
        if number == 0:
            return "no known provider"
        some = f"{number} or more" if len(self._counts) >= MOST_SENDERS else f"{number}"
        return f"{some} provider{'' if number == 1 else 's'}" + (" and unknown ones" if None in self._counts else "")


class Samples:
    """Call-IDs of the latest calls."""

    __slots__ = ("_call_ids",)

    def __init__(self) -> None:
        self._call_ids: deque[str] = deque(maxlen=SAMPLE_CALLS)

    def add(self, attempt: CallAttempt) -> None:
        self._call_ids.append(attempt.call_id[:LONGEST_CALL_ID])

    def taken(self) -> tuple[str, ...]:
        """Oldest first."""
        return tuple(self._call_ids)


def over_partners(attempt: CallAttempt) -> bool:
    """Whether a call is a provider's to answer for: it came over a partner's trunks (L8), and is no emergency call."""
    ingress = attempt.ingress
    return ingress is not None and ingress.side is PARTNER_SIDE and not attempt.emergency
