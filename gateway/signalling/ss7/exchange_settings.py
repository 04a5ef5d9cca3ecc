"""What the exchange is told before it starts, and what it counts while it runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from gateway.codecs.malformed import Malformed

MOST_FAULTS: Final = 256
"""Kinds of unreadable messages that are counted apart."""


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """What the exchange needs to know of itself."""

    emergency_numbers: frozenset[str] = frozenset({"911"})
    max_call_s: int = 14_400
    """A call between circuits that nobody ended is released after this time."""
    host: str = ""
    """Host part of the Call-ID of a call that came on a circuit; empty: the Call-ID has none."""
    network_blocked: bool = False
    """Calls that are too many, or of discontinued traffic, are released as blocked: cause 21, location "user"."""


class ExchangeCounters:
    """What happened, counted since the start. What belongs to one trunk group is counted in its `CircuitTable`."""

    def __init__(self) -> None:
        self.malformed: Counter[str] = Counter()
        """Messages that could not be read, by what was wrong."""
        self.messages: Counter[str] = Counter()
        """ISUP messages that came, by type: ``IAM``."""
        self.screened: Counter[str] = Counter()
        """Messages that the screening held back, by why."""
        self.strays: Counter[str] = Counter()
        """Messages of no circuit of ours, by why."""

    def unreadable(self, fault: Malformed) -> None:
        """A message could not be read."""
        known = fault.what in self.malformed or len(self.malformed) < MOST_FAULTS
        self.malformed[fault.what if known else "something else"] += 1
