"""Call records: written behind the gateway's back, read beside it.

The event loop only appends a call to a queue. A thread makes rows of what has gathered and writes them, several hundred
to a transaction. What a crash of the process can cost is the calls that ended in the last `FLUSH_S`; a power cut can
cost the last transactions as well (WAL with ``synchronous = NORMAL``). Neither damages what was written before.
"""

from __future__ import annotations

import logging
import sqlite3
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from math import inf
from pathlib import Path

from gateway.records.call_rows import COLUMNS, SCHEMA, CallRecord, Row, RowMaker, record_of
from gateway.records.database import identity, open_for_reading, open_for_writing
from gateway.signalling.call import Call

RECORDS_FILE = "records.db"

BATCH = 500
"""Rows in one transaction at most."""
FLUSH_S = 0.2
"""How long a call waits to be written at most, while the disk keeps up."""
RETRY_S = 0.5
"""Pause after a write that failed."""

_ROWS_A_STATEMENT = 40  # 880 variables: below the 999 that an SQLite older than 3.32 takes
_ROW = f"({','.join('?' * len(COLUMNS))})"
_INSERT_ONE = f"INSERT INTO calls ({','.join(COLUMNS)}) VALUES {_ROW}"  # noqa: S608 - the names are ours
_INSERT_MANY = f"{_INSERT_ONE}{f',{_ROW}' * (_ROWS_A_STATEMENT - 1)}"
_PRUNE = "DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE at_us < ? ORDER BY id LIMIT 5000)"
_PRUNED_AT_ONCE = 5_000
_PRUNE_RETRY_S = 60.0

_UNWRITABLE = (
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.IntegrityError,
    sqlite3.DataError,
    UnicodeError,
    OverflowError,
)
"""What SQLite says of a value and not of the disk: the row can never be written."""

_log = logging.getLogger(__name__)


class CallRecorder:
    """Records calls in an SQLite file. `record` is for one thread, the event loop's; any may read the counters."""

    def __init__(
        self, path: Path, *, mask_numbers: bool = False, retention_days: int = 90, capacity: int = 20_000
    ) -> None:
        """Opens or creates the file and starts the writer. Raises `DatabaseFileError`, whose text says what to do.

        `mask_numbers` masks the last four digits of numbers and keeps evidence bytes out; the Call-ID stays as it is.
        Records older than `retention_days` are deleted, by the writer. `capacity` bounds the calls that wait.
        """
        self._path = path
        self._connection = open_for_writing(path, SCHEMA, "NORMAL")
        self._connection.execute(f"PRAGMA busy_timeout = {int(RETRY_S * 1_000)}")
        self._rows = RowMaker(mask_numbers=mask_numbers)
        self._oldest_us = int((time.time() - retention_days * 86_400) * 1_000_000)
        self._prune_again_s = 0.0
        self._capacity = self._room = capacity
        self._queue: deque[Call] = deque()
        self._in_hand = 0
        self._overflowed = 0
        self._unwritten = 0
        self._written = 0
        self._failures = 0
        self._failing = False
        self._file = identity(path)
        self._astray = False
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._abandon = threading.Event()
        self._writer = threading.Thread(target=self._run, name="call-records", daemon=True)
        self._writer.start()

    def record(self, call: Call) -> None:
        """Takes a call that has ended. Never blocks; a call that finds the queue full is counted as lost."""
        queue = self._queue
        if len(queue) >= self._room:
            self._overflowed += 1
            return
        queue.append(call)
        if len(queue) == BATCH:
            self._wake.set()

    def take_all(self) -> None:
        """From now on no call finds the queue full: the gateway stops, and the calls that end by it are in memory."""
        self._room = sys.maxsize

    @property
    def written(self) -> int:
        """Calls in the file, of those recorded by this recorder."""
        return self._written

    @property
    def lost(self) -> int:
        """Calls in no record that anybody can read: the queue was full, a value cannot be stored, the disk failed until
        the end, the file was moved or deleted."""
        return self._overflowed + self._unwritten

    @property
    def queued(self) -> int:
        """Calls that wait to be written."""
        return len(self._queue) + self._in_hand

    @property
    def failures(self) -> int:
        """Transactions that failed (disk full, locked). Each is tried again until it succeeds."""
        return self._failures

    def close(self, *, patience_s: float = 10.0) -> None:
        """Writes what is queued, then closes the file. Blocks while the disk takes records; call it once.

        If it takes none for `patience_s`, the rest is counted as lost and logged.
        """
        self._room = 0
        self._stop.set()
        self._wake.set()
        settled = -1
        while self._writer.is_alive() and settled != (now := self._written + self._unwritten):
            settled = now
            self._writer.join(patience_s)
        if self._writer.is_alive():
            self._abandon.set()
            self._writer.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            stopping = self._stop.is_set()
            if not stopping:
                self._wake.wait(FLUSH_S)
                self._wake.clear()
            self._look_for_the_file()
            self._write_waiting()
            if not stopping:
                self._prune()
            elif not self._queue:
                return

    def _look_for_the_file(self) -> None:
        """SQLite writes on without a complaint where the file was deleted: then nobody will read what it writes."""
        astray = identity(self._path) != self._file
        if astray and not self._astray:
            _log.error(
                "%s: was moved or deleted: call records are lost from now on; put the file back, or restart the "
                "gateway, which makes a new one",
                self._path,
            )
        elif self._astray and not astray:
            _log.warning("%s: is back, call records are kept again", self._path)
        self._astray = astray

    def _write_waiting(self) -> None:
        """Writes what is queued now; what comes meanwhile is for the next time, so that batches stay large."""
        waiting = len(self._queue)
        while waiting and self._queue:
            self._in_hand = min(waiting, BATCH)
            calls = [self._queue.popleft() for _ in range(self._in_hand)]
            waiting -= len(calls)
            self._write(self._rows_of(calls))
            self._in_hand = 0

    def _rows_of(self, calls: Iterable[Call]) -> list[Row]:
        rows = []
        for call in calls:
            try:
                rows.append(self._rows.row_of(call))
            except Exception:  # one call that cannot be told must not end the recording of all others
                self._unwritten += 1
                _log.exception("a call cannot be recorded; the record is lost")
        return rows

    def _write(self, rows: Sequence[Row]) -> None:
        """Writes the rows in one transaction, however often it takes."""
        while rows:
            try:
                self._insert(rows)
            except _UNWRITABLE:
                self._undo()
                self._write_singly(rows)
                return
            except sqlite3.Error as error:
                self._undo()
                self._failed(error)
                if self._abandon.wait(RETRY_S):
                    self._give_up(len(rows))
                    return
            else:
                self._succeeded(len(rows))
                return

    def _write_singly(self, rows: Sequence[Row]) -> None:
        for row in rows:
            try:
                self._insert([row])
            except _UNWRITABLE as error:
                self._undo()
                self._unwritten += 1
                _log.error("call record of Call-ID %.200r is lost: %s", row[1], error)
            except sqlite3.Error:
                self._undo()
                self._write([row])
            else:
                self._succeeded(1)

    def _insert(self, rows: Sequence[Row]) -> None:
        # Forty rows to a statement, since sqlite3 gives up the interpreter lock and takes it back for each statement:
        # row by row, the writer would contend with the event loop for every one.
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        whole = len(rows) - len(rows) % _ROWS_A_STATEMENT
        for start in range(0, whole, _ROWS_A_STATEMENT):
            execute(_INSERT_MANY, list(chain.from_iterable(rows[start : start + _ROWS_A_STATEMENT])))
        self._connection.executemany(_INSERT_ONE, rows[whole:])
        execute("COMMIT")

    def _undo(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # after some failures SQLite has rolled back already
                self._connection.execute("ROLLBACK")

    def _give_up(self, in_hand: int) -> None:
        lost = in_hand + len(self._queue)
        self._queue.clear()
        self._unwritten += lost
        _log.error("%s: %d call records are lost: the gateway stopped before they could be written", self._path, lost)

    def _failed(self, error: sqlite3.Error) -> None:
        self._failures += 1
        if not self._failing:
            self._failing = True
            _log.error(
                "%s: %s: call records wait in memory, %d at most; free the disk or end what holds the file",
                self._path,
                error,
                self._capacity,
            )

    def _succeeded(self, count: int) -> None:
        if self._astray:
            self._unwritten += count
        else:
            self._written += count
        if self._failing:
            self._failing = False
            _log.warning("%s: call records are written again", self._path)

    def _prune(self) -> None:
        """Deletes some of what is too old: a piece each turn, so that new calls are written in between."""
        if time.monotonic() < self._prune_again_s:
            return
        try:
            deleted = self._connection.execute(_PRUNE, (self._oldest_us,)).rowcount
        except sqlite3.Error as error:
            self._prune_again_s = time.monotonic() + _PRUNE_RETRY_S
            _log.info("%s: %s: old call records are deleted later", self._path, error)
        else:
            if deleted < _PRUNED_AT_ONCE:
                self._prune_again_s = inf


_PAGE = 1_000


def read_calls(
    path: Path,
    *,
    since_us: int | None = None,
    until_us: int | None = None,
    call_id: str | None = None,
    provider: str | None = None,
    outcome: str | None = None,
) -> Iterator[CallRecord]:
    """The recorded calls, in the order in which they ended, also while a gateway writes to the file.

    `since_us` and `until_us` bound the time of the INVITE, microseconds since the Unix epoch, the second exclusive.
    What is given must all hold. Reads a thousand at a time and holds no lock in between, so calls that end meanwhile
    are included.
    Raises `DatabaseFileError` at the first record that is asked for.
    """
    wanted = {
        "at_us >= ?": since_us,
        "at_us < ?": until_us,
        "call_id = ?": call_id,
        "provider_ocn = ?": provider,
        "outcome = ?": outcome,
    }
    conditions = {condition: value for condition, value in wanted.items() if value is not None}
    where = " AND ".join(("id > ?", *conditions))
    query = f"SELECT id,{','.join(COLUMNS)} FROM calls WHERE {where} ORDER BY id LIMIT {_PAGE}"  # noqa: S608 - ours
    connection = open_for_reading(path, SCHEMA)
    try:
        last = 0
        while rows := connection.execute(query, (last, *conditions.values())).fetchall():
            last = rows[-1][0]
            yield from map(record_of, rows)
    finally:
        connection.close()
