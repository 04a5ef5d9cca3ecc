"""The journal of steps in a real SQLite file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway.interconnection.blocking import Blocking
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Scope, StandingBook, Step, StepKind
from gateway.records.database import ForeignFileError, NewerSchemaError, UnavailableError
from gateway.records.journal import OperatorJournal, UnfitStepError, read_steps

FLOOD = Step(
    *(1_900_000_000_000_000, Ocn("XV01"), StepKind.CUTOVER, "operator", "flood of 400 calls/s since 14:02"),
    *(None, "dedicated-1"),
)
BACK = Step(1_900_000_600_000_000, Ocn("XV01"), StepKind.UNDO, "operator", "mended its ways")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


def steps(path: Path) -> tuple[Step, ...]:
    journal = OperatorJournal(path)
    try:
        return journal.steps().standings
    finally:
        journal.close()


def test_a_new_journal_is_empty(path: Path) -> None:
    assert steps(path) == ()


def test_steps_are_numbered_without_gaps_and_survive_a_restart(path: Path) -> None:
    journal = OperatorJournal(path)
    assert [journal.append(FLOOD), journal.append(BACK)] == [1, 2]
    journal.close()
    journal = OperatorJournal(path)
    assert journal.append(FLOOD) == 3
    assert journal.steps().standings == (FLOOD, BACK, FLOOD)
    journal.close()


def test_the_book_made_of_the_journal_says_what_was_in_force(path: Path) -> None:
    journal = OperatorJournal(path)
    journal.append(FLOOD)
    journal.append(BACK)
    journal.close()
    book = StandingBook(steps=steps(path))
    assert book.group_of(Ocn("XV01"), FLOOD.at_us - 1) is None
    assert book.group_of(Ocn("XV01"), FLOOD.at_us) == "dedicated-1"
    assert book.group_of(Ocn("XV01"), BACK.at_us) is None


APPEND_FOREVER = """
import sys
from pathlib import Path
from gateway.interconnection.blocking import Blocking
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Step, StepKind
from gateway.records.journal import OperatorJournal

journal = OperatorJournal(Path(sys.argv[1]))
for number in range(1_000_000):
    print(journal.append(Step(number, Ocn("XV01"), StepKind.THROTTLE, "operator", "flood")), flush=True)
"""


def test_every_step_that_was_acknowledged_survives_kill_9(path: Path) -> None:
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", APPEND_FOREVER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(20)]
        writer.kill()
        acknowledged += [int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    kept = steps(path)
    assert acknowledged == list(range(1, len(acknowledged) + 1))
    assert len(acknowledged) <= len(kept) <= len(acknowledged) + 1
    assert [step.at_us for step in kept] == list(range(len(kept)))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE steps SET why = 'nothing'", "the journal is append-only"),
        ("DELETE FROM steps", "the journal is append-only"),
        ("DELETE FROM steps WHERE sequence = 2", "the journal is append-only"),
        (
            "INSERT OR REPLACE INTO steps VALUES (1, 0, 'XV02', 'undo', NULL, NULL, NULL, NULL, 'a', 'b')",
            "a step must follow the last one",
        ),
        (
            "REPLACE INTO steps VALUES (2, 0, 'XV02', 'undo', NULL, NULL, NULL, NULL, 'a', 'b')",
            "a step must follow the last one",
        ),
        (
            "INSERT INTO steps VALUES (9, 0, 'XV02', 'undo', NULL, NULL, NULL, NULL, 'a', 'b')",
            "a step must follow the last one",
        ),
        ("UPDATE OR REPLACE steps SET sequence = 1 WHERE sequence = 2", "the journal is append-only"),
    ],
)
def test_no_statement_changes_or_removes_a_step(path: Path, statement: str, said: str) -> None:
    journal = OperatorJournal(path)
    journal.append(FLOOD)
    journal.append(BACK)
    with sqlite3.connect(path) as other, pytest.raises(sqlite3.IntegrityError, match=said):
        other.execute(statement)
    other.close()
    assert journal.steps().standings == (FLOOD, BACK)
    journal.close()


def test_a_step_is_read_while_the_journal_is_open_elsewhere(path: Path) -> None:
    journal = OperatorJournal(path)
    journal.append(FLOOD)
    assert steps(path) == (FLOOD,)
    journal.close()


def test_a_step_is_read_back_with_all_that_it_says(path: Path) -> None:
    said = Step(1, Ocn("XV01"), StepKind.DISCONTINUE, "operator", "flood", Scope.PARTNER, None, 30, 7)
    journal = OperatorJournal(path)
    journal.append(said)
    journal.close()
    assert steps(path) == (said,)


def test_threads_that_append_at_once_each_get_a_number_of_their_own(path: Path) -> None:
    journal = OperatorJournal(path)
    numbers: list[int] = []
    threads = [
        threading.Thread(target=lambda: numbers.extend(journal.append(FLOOD) for _ in range(10))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert sorted(numbers) == list(range(1, 41))


@pytest.mark.parametrize(
    "unfit",
    [
        Step(0, Ocn("XV01"), StepKind.UNDO, "operator", "x" * 4_001),
        Step(0, Ocn("XV01"), StepKind.UNDO, "x" * 201, "flood"),
        Step(0, Ocn("XV01"), StepKind.UNDO, "operator", "\udc80"),
        Step(2**70, Ocn("XV01"), StepKind.UNDO, "operator", "flood"),
    ],
    ids=["a long why", "a long who", "not text", "no time"],
)
def test_a_step_that_cannot_be_kept_is_refused_and_the_journal_goes_on(path: Path, unfit: Step) -> None:
    journal = OperatorJournal(path)
    with pytest.raises(UnfitStepError, match="the step is not in force"):
        journal.append(unfit)
    assert journal.append(FLOOD) == 1
    assert journal.steps().standings == (FLOOD,)
    journal.close()


def test_a_step_that_cannot_be_written_is_said_not_to_be_in_force(path: Path) -> None:
    journal = OperatorJournal(path)
    journal._connection.execute("PRAGMA busy_timeout = 0")
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="database is locked: the step is not in force"):
            journal.append(FLOOD)
        other.execute("ROLLBACK")
    other.close()
    assert journal.append(FLOOD) == 1
    journal.close()


def test_a_journal_of_a_newer_version_is_left_alone(path: Path) -> None:
    OperatorJournal(path).close()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 3")
    newer.close()
    with pytest.raises(NewerSchemaError, match="run the newer tollgate"):
        OperatorJournal(path)


def test_call_records_are_not_taken_for_a_journal(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA application_id = 7")
    other.close()
    with pytest.raises(ForeignFileError, match="is a database of something else, not operators' steps"):
        OperatorJournal(path)


@pytest.mark.parametrize("replaced", [False, True])
def test_no_step_is_taken_that_a_restart_would_forget(path: Path, replaced: bool) -> None:
    journal = OperatorJournal(path)
    journal.append(FLOOD)
    path.rename(path.with_name("moved.db"))
    if replaced:
        OperatorJournal(path).close()
    with pytest.raises(UnavailableError, match="moved or deleted"):
        journal.append(BACK)
    assert journal.steps().standings == (FLOOD,)
    journal.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_reading_a_journal_that_nobody_writes_leaves_its_folder_as_it_is(path: Path) -> None:
    journal = OperatorJournal(path)
    journal.append(FLOOD)
    journal.close()
    before = contents(path.parent)
    assert list(before) == ["journal.db"]
    assert read_steps(path).standings == (FLOOD,)
    assert contents(path.parent) == before


def test_reading_a_journal_beside_a_running_gateway_sees_its_last_step(path: Path) -> None:
    journal = OperatorJournal(path)
    journal.append(FLOOD)
    before = set(contents(path.parent))
    journal.append(BACK)
    assert read_steps(path).standings == (FLOOD, BACK)
    assert set(contents(path.parent)) == before
    journal.close()


BLOCKED = Blocking(1_900_000_000_000_000, "RB-SS7", True, "operator", "flood")
OPENED = Blocking(1_900_000_600_000_000, "RB-SS7", False, "operator", "flood is over")


def test_blockings_are_kept_beside_steps_and_numbered_on_their_own(path: Path) -> None:
    journal = OperatorJournal(path)
    assert [journal.append(step) for step in (BLOCKED, FLOOD, OPENED)] == [1, 1, 2]
    journal.close()
    assert read_steps(path) == ((FLOOD,), (BLOCKED, OPENED))


def test_a_blocking_can_neither_be_changed_nor_taken_out(path: Path) -> None:
    journal = OperatorJournal(path)
    journal.append(BLOCKED)
    journal.close()
    with sqlite3.connect(path) as other:
        for statement in ("DELETE FROM blockings", "UPDATE blockings SET blocked = 0"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(statement)
    other.close()
