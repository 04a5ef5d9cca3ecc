"""The journal of operators' cut-overs: what was ordered, by whom and why, kept for good (L8).

It has a file of its own, ``journal.db``, apart from the call records. A step is rare and must be on the disk before it
takes effect (``synchronous = FULL``), while call records come by the thousand and may lag; the records are pruned, and
may be deleted to free a full disk, while a step must outlive them; and no step waits for a batch of records.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.discontinuance import Cutover
from gateway.records.database import (
    DatabaseFileError,
    Schema,
    UnavailableError,
    identity,
    open_for_reading,
    open_for_writing,
)

JOURNAL_FILE = "journal.db"

_SCHEMA = Schema(
    content="cut-overs",
    application_id=0x746C676A,  # "tlgj"
    steps=(
        (
            """
            CREATE TABLE cutovers (
                sequence INTEGER PRIMARY KEY,
                at_us INTEGER NOT NULL,
                ocn TEXT NOT NULL,
                trunk_group TEXT,
                who TEXT NOT NULL CHECK (length(who) <= 200),
                why TEXT NOT NULL CHECK (length(why) <= 4000)
            )
            """,
            # Also keeps INSERT OR REPLACE from overwriting a step, which no trigger on DELETE would see.
            """
            CREATE TRIGGER cutovers_follow_each_other BEFORE INSERT ON cutovers
            WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM cutovers)
            BEGIN SELECT RAISE(ABORT, 'a step must follow the last one'); END
            """,
            """
            CREATE TRIGGER cutovers_stay BEFORE DELETE ON cutovers
            BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
            """,
            """
            CREATE TRIGGER cutovers_stay_as_they_are BEFORE UPDATE ON cutovers
            BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
            """,
        ),
    ),
)

_APPEND = """
INSERT INTO cutovers (sequence, at_us, ocn, trunk_group, who, why)
SELECT coalesce(max(sequence), 0) + 1, ?, ?, ?, ?, ? FROM cutovers
"""


_UNFIT = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.DataError, UnicodeError, OverflowError)


class UnfitStepError(DatabaseFileError):
    """A step that no journal can hold: a text too long, or not text."""


class CutoverJournal:
    """Appends cut-overs durably and reads them back. Safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the journal. Raises `DatabaseFileError`, whose text says what to do."""
        self._path = path
        self._lock = threading.Lock()
        self._connection = open_for_writing(path, _SCHEMA, "FULL")
        self._file = identity(path)

    def append(self, cutover: Cutover) -> int:
        """Writes one step and returns its sequence number, from 1, without gaps. It is on the disk on return.

        Blocks for one disk flush, a few milliseconds. Raises `UnavailableError` if the step could not be written and
        `UnfitStepError` if it cannot be: then it is not in the journal, and must not take effect.
        """
        values = (cutover.at_us, cutover.ocn, cutover.trunk_group, cutover.who, cutover.why)
        if self._file != identity(self._path):
            raise UnavailableError(
                f"{self._path}: was moved or deleted, and a restart would forget the step: it is not in "
                "force; put the file back, or restart the gateway, then repeat it"
            )
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                sequence = self._connection.execute(_APPEND, values).lastrowid
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

    def read(self) -> tuple[Cutover, ...]:
        """Every step, in the order in which they were appended."""
        with self._lock:
            return _steps(self._connection, self._path)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def read_cutovers(path: Path) -> tuple[Cutover, ...]:
    """Every step of a journal that is not ours to write to: not a byte of it changes, and nothing is left beside it.

    Where a running gateway, or one that was killed, has its ``-wal`` there, the steps in that are read too; of the
    folder SQLite then writes the ``-shm``, which is an index of the ``-wal`` and holds nothing. Raises
    `DatabaseFileError`.
    """
    file = path.resolve()
    still = not file.with_name(f"{file.name}-wal").exists()
    with closing(open_for_reading(path, _SCHEMA, immutable=still)) as connection:
        return _steps(connection, path)


def _steps(connection: sqlite3.Connection, path: Path) -> tuple[Cutover, ...]:
    try:
        rows = connection.execute("SELECT at_us, ocn, trunk_group, who, why FROM cutovers ORDER BY sequence").fetchall()
    except sqlite3.Error as error:
        raise UnavailableError(f"{path}: {error}; restore the file") from error
    return tuple(Cutover(at_us, Ocn(ocn), group, who, why) for at_us, ocn, group, who, why in rows)
