"""The journal of what was done about providers and trunk groups: what, by whom, why; kept for good (L8).

It has a file of its own, ``journal.db``, apart from the call records. A step is rare and must be on the disk before it
takes effect (``synchronous = FULL``), while call records come by the thousand and may lag; the records are pruned, and
may be deleted to free a full disk, while a step must outlive them; and no step waits for a batch of records.

A step and the notices that tell of it are one transaction, so that no step is in force of which nobody will be told,
and nobody is told of a step that is not in force. Entries are chained by their hashes
(`gateway.records.journal_entries`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Final

from gateway.interconnection.blocking import Blocking
from gateway.interconnection.denial_of_service import Step
from gateway.interconnection.notices import Notice
from gateway.interconnection.operator_steps import Steps
from gateway.records.database import open_for_reading
from gateway.records.journal_entries import (
    Entry,
    Head,
    Kind,
    NewEntry,
    UnfitEntryError,
    UnreadableEntryError,
    blocking_of,
    entry_of_blocking,
    entry_of_notice,
    entry_of_recommendation,
    entry_of_step,
    step_of,
)
from gateway.records.journal_file import JOURNAL_FILE, SCHEMA, JournalFile, entries_in, reading

__all__ = [
    "JOURNAL_FILE",
    "MOST_ENTRIES",
    "Entry",
    "Head",
    "Kind",
    "MakeNotices",
    "NewEntry",
    "OperatorJournal",
    "UnfitEntryError",
    "open_journal",
    "read_entries",
    "read_steps",
    "step_of",
]

MakeNotices = Callable[[Entry], Iterable[Notice]]
"""Makes the notices that tell of an entry, once it has its number and its hash."""

_OPEN: Final = """
kind = 'recommendation' AND sequence NOT IN (
    SELECT number FROM (
        SELECT coalesce(json_extract(body, '$.approves'), json_extract(body, '$.dismisses')) AS number
        FROM entries WHERE kind IN ('step', 'dismissal') AND json_valid(body)
    ) WHERE number IS NOT NULL
)
"""
_IS_STEP: Final = "kind IN ('step', 'blocking')"
_LAST: Final = 2**63 - 1
"""The last number that an entry could have."""
MOST_ENTRIES: Final = 1_000
"""Given at a time."""


def _recommends(entry: Entry) -> bool:
    """Whether an entry says all that a recommendation says."""
    try:
        step_of(entry)
    except UnreadableEntryError:
        return False
    return isinstance(entry.body.get("decide_by_us"), int) and isinstance(entry.body.get("detections", []), list)


def _nobody(_: Entry) -> Iterable[Notice]:
    return ()


class OperatorJournal:
    """Appends durably and reads back. Safe to use from any thread.

    What appends blocks for one disk flush, a few milliseconds, and raises `UnavailableError` if the entry could not be
    written and `UnfitEntryError` if it cannot be: then nothing of it is in the journal, and it must not take effect.
    What reads raises `UnavailableError`, and `UnreadableEntryError` where an entry was damaged.
    """

    def __init__(self, path: Path) -> None:
        """Opens or creates the journal. Raises `DatabaseFileError`, whose text says what to do."""
        self._file: Final = JournalFile(path)

    def close(self) -> None:
        self._file.close()

    # -- appending ----------------------------------------------------------------------------------------------------

    def append(self, new: NewEntry, notices: MakeNotices = _nobody) -> Entry:
        """Put an entry behind the last one, and behind it the notices that tell of it: all of them, or none.

        What approves or dismisses a recommendation is unfit where that is not open.
        """
        with self._file.writing() as file:
            decides = new.body.get("approves", new.body.get("dismisses"))
            if decides is not None:
                self._must_be_open(decides, new.subject)
            entry = file.append(new)
            for notice in notices(entry):
                file.append(entry_of_notice(notice))
        return entry

    def append_step(
        self,
        step: Step,
        *,
        key: str | None = None,
        request: str | None = None,
        answer: Mapping[str, Any] | None = None,
        evidence: Mapping[str, Any] | None = None,
        declines: Mapping[str, Any] | None = None,
        notices: MakeNotices = _nobody,
    ) -> Entry:
        """`key`, `request` and `answer`: of the request that asked for it, so that the same request again gets the same
        answer (`by_key`). `evidence`: what `EvidenceStore.write` gave. `declines`: the steps that the gateway is not to
        take, and for which alerts.
        """
        beside = _beside(request=request, answer=answer, evidence=evidence, declines=declines)
        return self.append(entry_of_step(step, key, beside), notices)

    def append_blocking(
        self,
        step: Blocking,
        *,
        key: str | None = None,
        request: str | None = None,
        answer: Mapping[str, Any] | None = None,
    ) -> Entry:
        """`key`, `request`, `answer` as of `append_step`."""
        return self.append(entry_of_blocking(step, key, _beside(request=request, answer=answer)))

    def append_recommendation(
        self,
        step: Step,
        *,
        decide_by_us: int,
        detections: Iterable[Mapping[str, Any]] = (),
        evidence: Mapping[str, Any] | None = None,
    ) -> Entry:
        """`step` is what is recommended: its `why` says why, its time is when. It waits for an operator until it is
        approved by a step (`Step.approves`) or dismissed.
        """
        beside = _beside(detections=[dict(each) for each in detections], evidence=evidence)
        return self.append(entry_of_recommendation(step, decide_by_us, beside))

    def append_dismissal(
        self,
        recommendation: Entry,
        at_us: int,
        who: str,
        why: str,
        *,
        key: str | None = None,
        request: str | None = None,
        answer: Mapping[str, Any] | None = None,
        declines: Mapping[str, Any] | None = None,
    ) -> Entry:
        """A recommendation is not followed. `key`, `request`, `answer`, `declines` as of `append_step`."""
        body = {"dismisses": recommendation.sequence} | _beside(request=request, answer=answer, declines=declines)
        return self.append(NewEntry(at_us, Kind.DISMISSAL, recommendation.subject, body, who, why, key))

    def _must_be_open(self, recommendation: object, subject: str) -> None:
        if not self._file.entries(f"{_OPEN} AND sequence = ? AND subject = ?", recommendation, subject):
            raise UnfitEntryError(
                f"no recommendation {recommendation} about {subject} is open: it was decided already, or there is none"
            )

    # -- reading ------------------------------------------------------------------------------------------------------

    def steps(self) -> Steps:
        """Every step, those of a kind in the order in which they were appended."""
        return _steps(self._file.entries(_IS_STEP))

    def by_key(self, key: str) -> Entry | None:
        """What was done for the request of an idempotency key; None for one that is new."""
        found = self._file.entries("key = ?", key, limit=1)
        return found[0] if found else None

    def entry(self, sequence: int) -> Entry | None:
        """The entry of a number; None where there is none."""
        found = self._file.entries("sequence = ?", max(0, min(sequence, _LAST)), limit=1)
        return found[0] if found else None

    def entries(self, after: int = 0, limit: int = MOST_ENTRIES, subject: str | None = None) -> tuple[Entry, ...]:
        """Up to `limit` entries behind number `after`, but no more than `MOST_ENTRIES`, in their order; of one subject,
        or of all.
        """
        return self._file.entries(*_after(after, subject), limit=max(0, min(limit, MOST_ENTRIES)))

    def of_kind(self, *kinds: str, after: int = 0) -> tuple[Entry, ...]:
        """Up to `MOST_ENTRIES` entries of some kinds behind number `after`, in their order, but for damaged ones."""
        places = ",".join("?" * len(kinds))
        return self._file.readable(f"kind IN ({places}) AND sequence > ?", *kinds, after, limit=MOST_ENTRIES)

    def open_recommendations(self) -> tuple[Entry, ...]:
        """Those that were neither approved nor dismissed, oldest first, but for damaged ones. `step_of` says what each
        recommends.
        """
        return tuple(entry for entry in self._file.readable(_OPEN) if _recommends(entry))

    def head(self) -> Head:
        """How far the journal goes."""
        return self._file.head()

    def last_us(self) -> int:
        """The latest time that an entry has, microseconds since the Unix epoch; 0 where there is none."""
        return self._file.last_us()

    def bundles(self) -> frozenset[str]:
        """The bundles of evidence that entries refer to."""
        found = self._file.entries("json_extract(body, '$.evidence.id') IS NOT NULL")
        return frozenset(str(entry.evidence["id"]) for entry in found if entry.evidence is not None)


def read_steps(path: Path) -> Steps:
    """Every step of a journal that is not ours to write to: not a byte of it changes, and nothing is left beside it.

    Where a running gateway, or one that was killed, has its ``-wal`` there, the steps in that are read too; of the
    folder SQLite then writes the ``-shm``, which is an index of the ``-wal`` and holds nothing. Raises
    `DatabaseFileError`.
    """
    with open_journal(path) as connection, reading(path):
        return _steps(entries_in(connection, _IS_STEP))


def read_entries(path: Path, subject: str | None = None) -> Iterator[Entry]:
    """The entries of a journal, as of `read_steps`; of one subject, or of all. Raises `DatabaseFileError`."""
    with open_journal(path) as connection, reading(path):
        last = 0
        while found := entries_in(connection, *_after(last, subject), limit=MOST_ENTRIES):
            yield from found
            last = found[-1].sequence


@contextmanager
def open_journal(path: Path) -> Iterator[Connection]:
    """A connection for reading alone, as of `read_steps`. Raises `DatabaseFileError`."""
    file = path.resolve()
    still = not file.with_name(f"{file.name}-wal").exists()
    with closing(open_for_reading(path, SCHEMA, immutable=still)) as connection:
        yield connection


def _steps(entries: Iterable[Entry]) -> Steps:
    standings: list[Step] = []
    blockings: list[Blocking] = []
    for entry in entries:
        if entry.kind == Kind.STEP:
            standings.append(step_of(entry))
        else:
            blockings.append(blocking_of(entry))
    return Steps(tuple(standings), tuple(blockings))


def _after(sequence: int, subject: str | None) -> tuple[str, *tuple[object, ...]]:
    sequence = max(0, min(sequence, _LAST))
    if subject is None:
        return "sequence > ?", sequence
    return "sequence > ? AND subject = ?", sequence, subject


def _beside(**values: object) -> dict[str, object]:
    """What goes into a body beside what its kind says; what is None does not."""
    return {name: value for name, value in values.items() if value is not None}
