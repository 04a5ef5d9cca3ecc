"""The journal of steps about providers and of blockings: what was ordered, by whom and why, kept for good (L8).

It has a file of its own, ``journal.db``, apart from the call records. A step is rare and must be on the disk before it
takes effect (``synchronous = FULL``), while call records come by the thousand and may lag; the records are pruned, and
may be deleted to free a full disk, while a step must outlive them; and no step waits for a batch of records.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from gateway.interconnection.blocking import Blocking
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Scope, Step, StepKind
from gateway.interconnection.operator_steps import Steps
from gateway.records.database import (
    DatabaseFileError,
    Schema,
    UnavailableError,
    identity,
    open_for_reading,
    open_for_writing,
)

JOURNAL_FILE = "journal.db"


def _append_only(table: str, columns: str) -> tuple[str, ...]:
    """A table of steps that follow each other and stay as they are."""
    return (
        f"""
        CREATE TABLE {table} (
            sequence INTEGER PRIMARY KEY,
            at_us INTEGER NOT NULL,
            {columns},
            who TEXT NOT NULL CHECK (length(who) <= 200),
            why TEXT NOT NULL CHECK (length(why) <= 4000)
        )
        """,
        # Also keeps INSERT OR REPLACE from overwriting a step, which no trigger on DELETE would see.
        f"""
        CREATE TRIGGER {table}_follow_each_other BEFORE INSERT ON {table}
        WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM {table})
        BEGIN SELECT RAISE(ABORT, 'a step must follow the last one'); END
        """,  # noqa: S608 - the names of our own tables
        f"""
        CREATE TRIGGER {table}_stay BEFORE DELETE ON {table}
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
        """,
        f"""
        CREATE TRIGGER {table}_stay_as_they_are BEFORE UPDATE ON {table}
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
        """,
    )


_SCHEMA = Schema(
    content="operators' steps",
    application_id=0x746C676A,  # "tlgj"
    steps=(
        _append_only(
            "steps",
            "ocn TEXT NOT NULL, kind TEXT NOT NULL, scope TEXT, trunk_group TEXT, drain_s INTEGER, approves INTEGER",
        ),
        _append_only("blockings", "trunk_group TEXT NOT NULL, blocked INTEGER NOT NULL CHECK (blocked IN (0, 1))"),
    ),
)

_APPEND_STEP = """
INSERT INTO steps (sequence, at_us, ocn, kind, scope, trunk_group, drain_s, approves, who, why)
SELECT coalesce(max(sequence), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM steps
"""
_APPEND_BLOCKING = """
INSERT INTO blockings (sequence, at_us, trunk_group, blocked, who, why)
SELECT coalesce(max(sequence), 0) + 1, ?, ?, ?, ?, ? FROM blockings
"""


_UNFIT = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.DataError, UnicodeError, OverflowError)


class UnfitStepError(DatabaseFileError):
    """A step that no journal can hold: a text too long, or not text."""


class OperatorJournal:
    """Appends steps durably and reads them back. Safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the journal. Raises `DatabaseFileError`, whose text says what to do."""
        self._path = path
        self._lock = threading.Lock()
        self._connection = open_for_writing(path, _SCHEMA, "FULL")
        self._file = identity(path)

    def append(self, step: Step | Blocking) -> int:
        """Writes one step and returns its number among those of its kind, from 1, without gaps. It is on the disk then.

        Blocks for one disk flush, a few milliseconds. Raises `UnavailableError` if the step could not be written and
        `UnfitStepError` if it cannot be: then it is not in the journal, and must not take effect.
        """
        values: tuple[object, ...]
        if isinstance(step, Step):
            statement, values = _APPEND_STEP, _row_of(step)
        else:
            statement, values = _APPEND_BLOCKING, (step.at_us, step.trunk_group, step.blocked, step.who, step.why)
        if self._file != identity(self._path):
            raise UnavailableError(
                f"{self._path}: was moved or deleted, and a restart would forget the step: it is not in "
                "force; put the file back, or restart the gateway, then repeat it"
            )
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                sequence = self._connection.execute(statement, values).lastrowid
                self._connection.execute("COMMIT")
            except _UNFIT as error:
                self._undo()
                raise UnfitStepError(
                    f"{error}: the step is not in force; shorten `who` and `why`, plain text"
                ) from error
            except sqlite3.Error as error:
                self._undo()
                raise UnavailableError(
                    f"{self._path}: {error}: the step is not in force; free the disk or end what holds the file, "
                    "then repeat it"
                ) from error
        assert sequence is not None  # noqa: S101 - an INSERT that succeeded has a row number
        return sequence

    def steps(self) -> Steps:
        """Every step, those of a kind in the order in which they were appended."""
        with self._lock:
            return _steps(self._connection, self._path)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def read_steps(path: Path) -> Steps:
    """Every step of a journal that is not ours to write to: not a byte of it changes, and nothing is left beside it.

    Where a running gateway, or one that was killed, has its ``-wal`` there, the steps in that are read too; of the
    folder SQLite then writes the ``-shm``, which is an index of the ``-wal`` and holds nothing. Raises
    `DatabaseFileError`.
    """
    file = path.resolve()
    still = not file.with_name(f"{file.name}-wal").exists()
    with closing(open_for_reading(path, _SCHEMA, immutable=still)) as connection:
        return _steps(connection, path)


def _steps(connection: sqlite3.Connection, path: Path) -> Steps:
    return Steps(_standings(connection, path), _blockings(connection, path))


def _row_of(step: Step) -> tuple[object, ...]:
    scope = step.scope.value if step.scope is not None else None
    return (
        *(step.at_us, step.ocn, step.kind.value, scope, step.trunk_group),
        *(step.drain_s, step.approves, step.who, step.why),
    )


def _standings(connection: sqlite3.Connection, path: Path) -> tuple[Step, ...]:
    columns = "at_us, ocn, kind, who, why, scope, trunk_group, drain_s, approves"
    rows = _rows(connection, path, f"SELECT {columns} FROM steps ORDER BY sequence")  # noqa: S608 - our own names
    return tuple(
        Step(at_us, Ocn(ocn), StepKind(kind), who, why, Scope(scope) if scope is not None else None, *rest)
        for at_us, ocn, kind, who, why, scope, *rest in rows
    )


def _blockings(connection: sqlite3.Connection, path: Path) -> tuple[Blocking, ...]:
    rows = _rows(connection, path, "SELECT at_us, trunk_group, blocked, who, why FROM blockings ORDER BY sequence")
    return tuple(Blocking(at_us, group, bool(blocked), who, why) for at_us, group, blocked, who, why in rows)


def _rows(connection: sqlite3.Connection, path: Path, query: str) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(query).fetchall()
    except sqlite3.Error as error:
        raise UnavailableError(f"{path}: {error}; restore the file") from error
