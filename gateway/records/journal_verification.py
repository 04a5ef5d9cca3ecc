"""Whether a journal is what was written: every hash is made again from what stands there.

What the hashes alone cannot show is a journal that ends early, or that was written anew from some entry on, hashes and
all. A head that was noted outside it shows that: ``/status``, notices and bundles of evidence carry it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.giving_way import giving_way
from gateway.records.journal import open_journal
from gateway.records.journal_entries import EMPTY, GENESIS, Head, NewEntry, UnfitEntryError, hash_of
from gateway.records.journal_file import guards_missing_in, head_of, rows_in, strangers_in

MOST_FAULTS: Final = 1_000
"""Told apart; the journal is read to its end all the same."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a verification."""

    count: int
    """Entries that are there."""
    head: Head
    faults: tuple[str, ...]
    """Each names the entry and says what is wrong with it; empty where nothing is."""


def verify_journal(path: Path, expected_head: Head | None = None) -> Verification:
    """Compare a journal with its hashes, and with a head noted earlier.

    A gateway may run on it. An entry that was changed is told alone, not all that follow it. Raises
    `DatabaseFileError` where the file cannot be read at all.
    """
    walk = _Walk(expected_head)
    with open_journal(path) as connection:
        try:
            walk.say(
                *(f"the guard {name} is gone: entries may have been changed" for name in guards_missing_in(connection))
            )
            walk.say(*(f"{each} is none of ours, or not as we made it" for each in strangers_in(connection)))
            for row in giving_way(rows_in(connection)):
                walk.pass_entry(row)
        except sqlite3.Error as error:
            walk.say(f"behind entry {walk.head.sequence} the file cannot be read: {error}")
        else:
            walk.end()
    return Verification(walk.count, walk.head, tuple(walk.faults))


class _Walk:
    """Along the entries, oldest first."""

    def __init__(self, expected: Head | None) -> None:
        self.count = 0
        self.head = EMPTY
        self.faults: list[str] = []
        self._expected: Final = expected

    def pass_entry(self, row: tuple[Any, ...]) -> None:
        sequence, digest = row[0], row[-1]
        self.say(*self._faults_of(row))
        self.count += 1
        self.head = head_of(sequence, digest)
        expected = self._expected
        if expected is not None and expected.sequence == sequence and expected.hash != digest:
            self.say(f"entry {sequence} has the hash {digest}, and the head noted earlier is {expected.hash}")

    def end(self) -> None:
        expected = self._expected
        if expected is not None and expected.sequence > self.head.sequence:
            missing = expected.sequence - self.head.sequence
            self.say(
                f"the journal ends at entry {self.head.sequence}: {missing} that the head noted earlier counts are gone"
            )
        if expected is not None and expected.sequence == 0 and expected.hash != GENESIS:
            self.say(f"the head noted earlier is of no entry, and not the beginning of a journal: {expected.hash}")

    def say(self, *faults: str) -> None:
        self.faults += faults[: MOST_FAULTS - len(self.faults)]

    def _faults_of(self, row: tuple[Any, ...]) -> Iterator[str]:
        sequence, at_us, kind, subject, body, who, why, key, digest = row
        due = self.head.sequence + 1
        if sequence < due:
            yield f"entry {sequence} is before the first, where none can be"
            return
        if sequence > due:
            gone = f"entry {due} is" if sequence == due + 1 else f"entries {due} to {sequence - 1} are"
            yield f"{gone} gone: entry {self.head.sequence} is followed by {sequence}"
            return  # without the hash of the one before, nothing can be said of this one
        try:
            made = hash_of(self.head.hash, sequence, NewEntry(at_us, kind, subject, {}, who, why, key), body)
        except (TypeError, ValueError, UnfitEntryError) as error:
            yield f"entry {sequence} holds what no entry holds: {error}"
            return
        if made != digest:
            yield f"entry {sequence} ({kind} {subject}) was changed: its hash is not that of what stands there"
