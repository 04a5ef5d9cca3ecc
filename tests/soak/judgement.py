"""What must hold at the end of a soak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from gateway.records.call_records import RECORDS_FILE, read_calls
from gateway.records.call_rows import CallRecord
from gateway.signalling.call import EndedBy

EXPIRED: Final = EndedBy.EXPIRED.value
TIMEOUT: Final = EndedBy.TIMEOUT.value
SILENCE: Final = "silence"
"""What a caller saw that gave a call up and did not wait to hear of its end."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The gateway at one moment."""

    at_s: float
    rss_mib: float
    files: int
    """File descriptors."""
    calls: int
    transactions: int
    connections: int

    def __str__(self) -> str:
        return (
            f"{self.at_s:6.0f} s  {self.rss_mib:6.1f} MiB  {self.files:3} files  {self.calls:5} calls up  "
            f"{self.transactions:6} transactions  {self.connections:3} connections"
        )


FLAT: Final = (
    ("rss_mib", "MiB of memory", 0.10, 8.0),
    ("files", "file descriptors", 0.0, 8.0),
    ("transactions", "transactions", 0.25, 1_500.0),
    ("connections", "connections", 0.0, 2.0),
)
"""What must not grow; by which part of itself it may; and how much of it is noise."""


def grown(samples: Sequence[Sample]) -> tuple[list[str], list[str]]:
    """The last quarter beside the second (in the first the tables fill): figures to say, and what is wrong."""
    quarter = len(samples) // 4
    if quarter < 3:
        return [], [f"only {len(samples)} samples of the gateway: give the soak more time"]
    figures, faults = [], []
    for name, words, share, noise in FLAT:
        early = median(getattr(sample, name) for sample in samples[quarter : 2 * quarter])
        late = median(getattr(sample, name) for sample in samples[-quarter:])
        figures.append(f"{words}: {early:.1f} in the second quarter, {late:.1f} in the last")
        if late > early * (1 + share) + noise:
            faults.append(f"the gateway's {words} grew from {early:.1f} to {late:.1f}")
    return figures, faults


@dataclass
class Account:
    """Each call of the callers' journals beside the records."""

    seen: Counter[str]
    """By what the caller saw: a status, silence, or nothing because it was killed."""
    abandoned: Counter[str]
    """Calls of killed callers, by who ended them in the records."""
    faults: list[str]


def account(folder: Path) -> Account:
    """Each call of the journals is in the records once, with what its caller saw."""
    records: dict[str, list[CallRecord]] = {}
    for record in read_calls(folder / "state" / RECORDS_FILE):
        records.setdefault(record.call_id, []).append(record)
    result = Account(Counter(), Counter(), [])
    for journal in sorted(folder.glob("*.journal")):
        told: dict[str, list[str]] = {}
        for line in journal.read_text(encoding="ascii").splitlines():
            call_id, _, what = line.partition(" ")
            told.setdefault(call_id, []).append(what)
        for call_id, (began, *outcome) in told.items():
            found = records.get(call_id, [])
            result.seen[outcome[0] if outcome else "caller killed"] += 1
            result.faults += _compared(call_id, outcome, found)
            if not outcome and found:
                result.abandoned[found[0].ended_by or "nobody"] += 1
                if began == "begins-with-timer" and found[0].answered_at_us and found[0].ended_by == TIMEOUT:
                    result.faults.append(f"{call_id}: nobody refreshed its session, and it was up to the longest time")
    if not all(result.seen[what] for what in ("200", "480", "caller killed")):
        result.faults.append(f"the run did not have what it is for: {dict(result.seen)}")
    if not result.abandoned[EXPIRED] or not result.abandoned[TIMEOUT]:
        result.faults.append(f"of killed callers, no call outlived its session or its time: {dict(result.abandoned)}")
    return result


def _compared(call_id: str, outcome: list[str], records: list[CallRecord]) -> list[str]:
    """What the records say otherwise than the caller; a caller that was killed has seen nothing."""
    if len(records) > 1:
        return [f"{call_id}: is in the records {len(records)} times"]
    if not outcome:
        return []
    what = outcome[0]
    if not records:
        return [] if what == SILENCE else [f"{call_id}: its caller saw {what}, and it is not in the records"]
    (record,) = records
    status = "487" if what == SILENCE else what.split()[0]
    if str(record.final_status) != status:
        return [f"{call_id}: its caller saw {what}, the records say {record.final_status}"]
    if what == "200" and record.ended_by != EndedBy.CALLER.value:
        return [f"{call_id}: its caller hung up, the records say that it was ended by {record.ended_by}"]
    return []
