"""What tampering with the file of a journal does not stay hidden."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Step, StepKind
from gateway.records.database import DatabaseFileError, UnavailableError
from gateway.records.journal import Head, OperatorJournal
from gateway.records.journal_entries import EMPTY, GENESIS
from gateway.records.journal_verification import verify_journal

FLOOD = Step(1_900_000_000_000_000, Ocn("XV01"), StepKind.THROTTLE, "operator", "flood of 400 calls/s since 14:02")
COUNT = 5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    journal = OperatorJournal(tmp_path / "journal.db")
    for number in range(COUNT):
        journal.append_step(replace(FLOOD, at_us=FLOOD.at_us + number), key=f"K{number}")
    journal.close()
    return tmp_path / "journal.db"


def tamper(path: Path, *statements: str) -> None:
    """As one does who has the file: guards aside, change, guards back as they were."""
    with closing(sqlite3.connect(path)) as other:
        guards = other.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            other.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            other.execute(statement)
        for _, sql in guards:
            other.execute(sql)
        other.commit()


def test_a_journal_as_it_was_written_is_without_fault(path: Path) -> None:
    found = verify_journal(path)
    assert (found.count, found.head.sequence, found.faults) == (COUNT, COUNT, ())
    assert verify_journal(path, found.head) == found


def test_a_new_journal_is_without_fault(tmp_path: Path) -> None:
    OperatorJournal(tmp_path / "journal.db").close()
    found = verify_journal(tmp_path / "journal.db", EMPTY)
    assert (found.count, found.head, found.faults) == (0, EMPTY, ())


def test_a_journal_that_a_gateway_writes_is_verified_beside_it(tmp_path: Path) -> None:
    journal = OperatorJournal(tmp_path / "journal.db")
    head = journal.append_step(FLOOD).head
    assert verify_journal(tmp_path / "journal.db", head).faults == ()
    journal.close()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("at_us", "1"), ("kind", "'alert'"), ("subject", "'XV02'"), ("body", "'{}'"), ("body", "body || ' '")),
        *(("who", "'nobody'"), ("why", "'no reason'"), ("key", "NULL"), ("key", "'other'"), ("hash", f"'{'0' * 64}'")),
    ],
)
@pytest.mark.parametrize("sequence", [1, 3, COUNT])
def test_any_field_that_was_changed_is_found_and_its_entry_named(
    path: Path, column: str, value: str, sequence: int
) -> None:
    head = verify_journal(path).head
    tamper(path, f"UPDATE entries SET {column} = {value} WHERE sequence = {sequence}")  # noqa: S608
    faults = verify_journal(path, head).faults
    subject = "XV02" if column == "subject" else "XV01"
    kind = "alert" if column == "kind" else "step"
    assert faults[0] == f"entry {sequence} ({kind} {subject}) was changed: its hash is not that of what stands there"
    if column != "hash":
        assert len(faults) == 1


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["DELETE FROM entries WHERE sequence = 2"], "entry 2 is gone: entry 1 is followed by 3"),
        (["DELETE FROM entries WHERE sequence IN (1, 2)"], "entries 1 to 2 are gone: entry 0 is followed by 3"),
        (["UPDATE entries SET sequence = -3 WHERE sequence = 1"], "entry -3 is before the first, where none can be"),
        (["UPDATE entries SET at_us = 'soon' WHERE sequence = 2"], "entry 2 (step XV01) was changed"),
        (["UPDATE entries SET body = x'00' WHERE sequence = 2"], "entry 2 holds what no entry holds"),
    ],
)
def test_entries_that_are_gone_or_not_of_their_kind_are_told(path: Path, statements: list[str], said: str) -> None:
    tamper(path, *statements)
    assert any(fault.startswith(said) for fault in verify_journal(path).faults)


def test_a_tail_that_is_gone_is_found_by_a_head_that_was_noted(path: Path) -> None:
    head = verify_journal(path).head
    tamper(path, f"DELETE FROM entries WHERE sequence > {COUNT - 2}")  # noqa: S608
    assert verify_journal(path).faults == ()
    assert verify_journal(path, head).faults == (
        f"the journal ends at entry {COUNT - 2}: 2 that the head noted earlier counts are gone",
    )


def rewritten(path: Path) -> None:
    """The last entry changed, and its hash made anew: by the rule that the documentation gives, not by our code."""
    with closing(sqlite3.connect(path)) as other:
        (before,) = other.execute("SELECT hash FROM entries WHERE sequence = ?", (COUNT - 1,)).fetchone()
        columns = "sequence, at_us, kind, subject, body, who, why, key"
        fields = list(other.execute(f"SELECT {columns} FROM entries WHERE sequence = ?", (COUNT,)).fetchone())  # noqa: S608
    fields[6] = "another reason"
    text = json.dumps([before, *fields], separators=(",", ":"))
    digest = hashlib.sha256(text.encode("ascii")).hexdigest()
    tamper(path, f"UPDATE entries SET why = 'another reason', hash = '{digest}' WHERE sequence = {COUNT}")  # noqa: S608


def test_a_journal_written_anew_with_right_hashes_is_found_by_a_head_that_was_noted(path: Path) -> None:
    head = verify_journal(path).head
    rewritten(path)
    assert verify_journal(path).faults == ()
    (fault,) = verify_journal(path, head).faults
    assert fault.startswith(f"entry {COUNT} has the hash ")
    assert fault.endswith(f"the head noted earlier is {head.hash}")


def test_a_head_of_another_journal_is_not_taken_for_the_beginning_of_one(path: Path) -> None:
    (fault,) = verify_journal(path, Head(0, "0" * 64)).faults
    assert fault.startswith("the head noted earlier is of no entry")


def test_guards_that_are_gone_are_told_by_name(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TRIGGER entries_stay")
        other.execute("DROP TRIGGER entries_stay_as_they_are")
        other.execute(
            "CREATE TRIGGER entries_stay_as_they_are BEFORE UPDATE ON entries WHEN 0 BEGIN SELECT RAISE(ABORT, ''); END"
        )
    assert verify_journal(path).faults == (
        "the guard entries_stay is gone: entries may have been changed",
        "the guard entries_stay_as_they_are is gone: entries may have been changed",
    )


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("CREATE TRIGGER mute BEFORE INSERT ON entries BEGIN SELECT RAISE(IGNORE); END", "trigger mute"),
        ("CREATE VIEW others AS SELECT * FROM entries", "view others"),
        ("CREATE TABLE more (x)", "table more"),
        ("ALTER TABLE entries ADD COLUMN more TEXT", "table entries"),
    ],
)
def test_what_somebody_else_put_into_the_file_is_told(path: Path, statement: str, said: str) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute(statement)
    assert verify_journal(path).faults == (f"{said} is none of ours, or not as we made it",)


def of_zeros(data: bytearray) -> None:
    data[4096:8192] = bytes(4096)


def cut_off(data: bytearray) -> None:
    del data[6000:]


def of_noise(data: bytearray) -> None:
    data[100:] = bytes(range(256)) * (len(data) // 256)


@pytest.mark.parametrize("damage", [of_zeros, cut_off, of_noise])
def test_a_file_that_is_damaged_is_told_and_raises_no_other_error(
    path: Path, damage: Callable[[bytearray], None]
) -> None:
    data = bytearray(path.read_bytes())
    damage(data)
    path.write_bytes(data)
    assert said_of(path)


def said_of(path: Path) -> tuple[str, ...]:
    """The faults that are found, or why none can be looked for."""
    try:
        return verify_journal(path).faults
    except DatabaseFileError as error:
        return (str(error),)


def test_a_journal_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="give with --config"):
        verify_journal(tmp_path / "journal.db")


@pytest.mark.parametrize("text", ["", "7", ":", "7:", f"-1:{GENESIS}", f"x:{GENESIS}", f"{'9' * 40}:{GENESIS}", "1:zz"])
def test_a_head_that_is_none_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected SEQUENCE:HASH"):
        Head.parse(text)


def test_a_head_is_read_as_it_is_written() -> None:
    head = Head(7, GENESIS)
    assert Head.parse(f" {head}\n") == head
    assert Head.parse(str(head).upper()) == head


TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=40)


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(StepKind), TEXTS, TEXTS), max_size=6), changed=st.data())
def test_any_journal_verifies_and_any_change_of_a_text_is_found(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[StepKind, str, str]], changed: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    journal = OperatorJournal(path)
    taken = [Step(number, Ocn("XV01"), *step) for number, step in enumerate(steps)]
    for step in taken:
        journal.append_step(step)
    assert journal.steps().standings == tuple(taken)
    head = journal.head()
    journal.close()
    assert verify_journal(path, head).faults == ()
    if taken:
        sequence = changed.draw(st.integers(1, len(taken)))
        tamper(path, f"UPDATE entries SET why = why || 'x' WHERE sequence = {sequence}")  # noqa: S608
        assert len(verify_journal(path).faults) == 1


ANYTHING = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), TEXTS, st.binary(max_size=20))
TAMPERED = st.lists(
    st.tuples(st.sampled_from(["at_us", "kind", "subject", "body", "who", "why", "key", "hash"]), ANYTHING), max_size=4
)


@settings(max_examples=60, deadline=None)
@given(changes=TAMPERED)
def test_whatever_is_put_into_the_file_nothing_but_a_fault_of_the_file_comes_of_it(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, object]]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    journal = OperatorJournal(path)
    journal.append_step(FLOOD, key="K")
    journal.close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TRIGGER entries_stay_as_they_are")
        other.execute("PRAGMA ignore_check_constraints = 1")
        for column, value in changes:
            with suppress(sqlite3.IntegrityError):
                other.execute(f"UPDATE entries SET {column} = ?", (value,))  # noqa: S608
        other.commit()
    assert verify_journal(path).faults
    journal = OperatorJournal(path)
    for read in (journal.steps, journal.entries, journal.open_recommendations, journal.head, journal.last_us):
        with suppress(DatabaseFileError):
            read()
    with suppress(DatabaseFileError):
        journal.append_step(FLOOD)
    journal.close()
