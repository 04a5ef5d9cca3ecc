"""The file of the journal: one table of entries that follow each other and stay as they are.

Triggers refuse every statement that would change, remove or overwrite an entry. Who drops them first can still do so,
and is found by the hashes (`gateway.records.journal_verification`).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from gateway.records.database import Schema, UnavailableError, identity, open_for_writing
from gateway.records.journal_entries import (
    EMPTY,
    LAST_US,
    MOST_OF_BODY,
    MOST_OF_KEY,
    MOST_OF_KIND,
    MOST_OF_SUBJECT,
    MOST_OF_WHO,
    MOST_OF_WHY,
    Entry,
    Head,
    NewEntry,
    UnfitEntryError,
    UnreadableEntryError,
    body_text,
    check_texts,
    hash_of,
)

JOURNAL_FILE: Final = "journal.db"

_CREATE: Final = (
    f"""
    CREATE TABLE entries (
        sequence INTEGER PRIMARY KEY,
        at_us INTEGER NOT NULL,
        kind TEXT NOT NULL CHECK (length(kind) <= {MOST_OF_KIND}),
        subject TEXT NOT NULL CHECK (length(subject) <= {MOST_OF_SUBJECT}),
        body TEXT NOT NULL CHECK (length(body) <= {MOST_OF_BODY}),
        who TEXT NOT NULL CHECK (length(who) <= {MOST_OF_WHO}),
        why TEXT NOT NULL CHECK (length(why) <= {MOST_OF_WHY}),
        key TEXT UNIQUE CHECK (length(key) <= {MOST_OF_KEY}),
        hash TEXT NOT NULL CHECK (length(hash) = 64)
    )
    """,
    # Also keeps INSERT OR REPLACE from overwriting an entry, which no trigger on DELETE would see.
    """
    CREATE TRIGGER entries_follow_each_other BEFORE INSERT ON entries
    WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM entries)
        OR EXISTS (SELECT 1 FROM entries WHERE key = NEW.key)
    BEGIN SELECT RAISE(ABORT, 'an entry must follow the last one, and bring a key of its own'); END
    """,
    """
    CREATE TRIGGER entries_stay BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
    """,
    """
    CREATE TRIGGER entries_stay_as_they_are BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
    """,
    "CREATE INDEX entries_by_kind ON entries (kind, sequence)",
    "CREATE INDEX entries_by_subject ON entries (subject, sequence)",
)

SCHEMA: Final = Schema(
    content="operators' steps",
    application_id=0x746C676A,  # "tlgj"
    steps=(_CREATE,),
    abandoned=2,
    abandoned_remedy="keep it as a record, move it out of the state folder, and take the steps that are to be in "
    "force once more",
)

_COLUMNS: Final = "sequence, at_us, kind, subject, body, who, why, key, hash"
_INSERT: Final = f"INSERT INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - names of ours

_UNFIT: Final = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.DataError, UnicodeError, OverflowError)


class JournalFile:
    """An open journal. Safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        """Opens or creates it. Raises `DatabaseFileError`, whose text says what to do."""
        self.path: Final = path
        self._lock: Final = threading.RLock()
        self._connection: Final = open_for_writing(path, SCHEMA, "FULL")
        self._file: Final = identity(path)
        self._head: Head | None = None
        """How far it went when it was written last; None before that."""

    @contextmanager
    def writing(self) -> Iterator[JournalFile]:
        """A transaction: what is appended in the block is on the disk when it is left, or nothing is.

        Raises `UnavailableError` if it could not be written, `UnfitEntryError` if it cannot be.
        """
        if self._file != identity(self.path):
            raise UnavailableError(
                f"{self.path}: was moved or deleted, and a restart would forget the step: it is not in "
                "force; put the file back, or restart the gateway, then repeat it"
            )
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                self._must_end_as_written()
                yield self
                head = head_in(self._connection)
                self._connection.execute("COMMIT")
                self._head = head
            except _UNFIT as error:
                raise UnfitEntryError(
                    f"{error}: the step is not in force; repeat it with other texts, and a key of its own"
                ) from error
            except sqlite3.Error as error:
                raise UnavailableError(
                    f"{self.path}: {error}: the step is not in force; free the disk or end what holds the file, "
                    "then repeat it"
                ) from error
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _must_end_as_written(self) -> None:
        """Nobody else writes to it: what ends otherwise was tampered with, and no entry must hide that."""
        found = head_in(self._connection)
        if self._head is not None and found != self._head:
            raise UnavailableError(
                f"{self.path}: ends with entry {found.sequence}, and entry {self._head.sequence} was written last: "
                "somebody changed it, and the step is not in force; compare the file with a copy "
                f"(tollgate journal verify --head {self._head}), then restart the gateway"
            )

    def append(self, new: NewEntry) -> Entry:
        """Put an entry behind the last one; to be called within `writing`. Raises `UnfitEntryError`."""
        check_texts(new)
        body = body_text(new.body)
        last = head_in(self._connection)
        sequence = last.sequence + 1
        digest = hash_of(last.hash, sequence, new, body)
        values = (sequence, new.at_us, new.kind, new.subject, body, new.who, new.why, new.key, digest)
        if self._connection.execute(_INSERT, values).rowcount != 1:
            raise sqlite3.OperationalError("a trigger that is none of ours keeps entries out (tollgate journal verify)")
        return Entry(sequence, new.at_us, new.kind, new.subject, json.loads(body), new.who, new.why, new.key, digest)

    def head(self) -> Head:
        """How far the journal goes. Raises `UnavailableError`."""
        with self._lock, reading(self.path):
            return head_in(self._connection)

    def last_us(self) -> int:
        """The latest time that an entry has, of those that are times; 0 where there is none.

        Raises `UnavailableError`.
        """
        query = "SELECT max(at_us) FROM entries WHERE typeof(at_us) = 'integer' AND at_us BETWEEN 0 AND ?"
        with self._lock, reading(self.path):
            (last_us,) = self._connection.execute(query, (LAST_US,)).fetchone()
            return last_us or 0

    def entries(self, condition: str, *values: object, limit: int = -1) -> tuple[Entry, ...]:
        """The entries for which an SQL condition holds, in their order; `limit` below 0: all.

        Raises `UnavailableError`, and `UnreadableEntryError`.
        """
        with self._lock, reading(self.path):
            return entries_in(self._connection, condition, *values, limit=limit)

    def readable(self, condition: str, *values: object, limit: int = -1) -> tuple[Entry, ...]:
        """As `entries`, leaving out what was damaged: where nothing that is in force hangs on it."""
        with self._lock, reading(self.path):
            found = []
            for row in _rows_of(self._connection, condition, *values, limit=limit):
                with suppress(UnreadableEntryError):
                    found.append(_entry_of(row))
            return tuple(found)

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def head_in(connection: sqlite3.Connection) -> Head:
    """How far a journal goes. Raises sqlite3.Error."""
    row = connection.execute("SELECT sequence, hash FROM entries ORDER BY sequence DESC LIMIT 1").fetchone()
    if row is None:
        return EMPTY
    return head_of(*row)


def head_of(sequence: int, digest: object) -> Head:
    """How far a journal goes with an entry. What follows a hash that is no text is chained to none."""
    return Head(sequence, digest if isinstance(digest, str) else "")


def entries_in(connection: sqlite3.Connection, condition: str, *values: object, limit: int = -1) -> tuple[Entry, ...]:
    """As `JournalFile.entries`. Raises sqlite3.Error, and `UnreadableEntryError`."""
    return tuple(_entry_of(row) for row in _rows_of(connection, condition, *values, limit=limit))


def _rows_of(connection: sqlite3.Connection, condition: str, *values: object, limit: int) -> sqlite3.Cursor:
    query = f"SELECT {_COLUMNS} FROM entries WHERE {condition} ORDER BY sequence LIMIT ?"  # noqa: S608 - ours
    return connection.execute(query, (*values, limit))


def rows_in(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Every entry as the file has it, in the order of `NewEntry` and `Entry`. Raises sqlite3.Error."""
    yield from connection.execute(f"SELECT {_COLUMNS} FROM entries ORDER BY sequence")  # noqa: S608 - names of ours


def guards_missing_in(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The triggers that keep entries as they are and that are not there, or not as we made them."""
    found = {text for (text,) in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")}
    return tuple(each.split()[2] for each in _CREATE if "CREATE TRIGGER" in each and each.strip() not in found)


def strangers_in(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Tables, views and triggers that are none of ours, or not as we made them."""
    ours = {each.strip() for each in _CREATE}
    made = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    guards = {each.split()[2] for each in _CREATE if "CREATE TRIGGER" in each}
    return tuple(f"{kind} {name}" for kind, name, sql in made if sql not in ours and name not in guards)


def _entry_of(row: tuple[Any, ...]) -> Entry:
    sequence, at_us, kind, subject, text, who, why, key, digest = row
    texts = (kind, subject, text, who, why, digest) if key is None else (kind, subject, text, who, why, digest, key)
    if not isinstance(at_us, int) or not 0 <= at_us <= LAST_US or not all(isinstance(each, str) for each in texts):
        raise UnreadableEntryError(f"entry {sequence}: its fields are not a time and texts")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableEntryError(f"entry {sequence}: its body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise UnreadableEntryError(f"entry {sequence}: its body is not an object")
    return Entry(sequence, at_us, kind, subject, body, who, why, key, digest)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Errors of what is read in the block name the file, and are `DatabaseFileError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise UnavailableError(f"{path}: {error}; restore the file") from error
    except UnreadableEntryError as error:
        raise UnreadableEntryError(f"{path}: {error}; `tollgate journal verify` says more") from error
