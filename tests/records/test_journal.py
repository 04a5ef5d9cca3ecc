"""The journal of steps in a real SQLite file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.interconnection.blocking import Blocking
from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service import Scope, StandingBook, Step, StepKind
from gateway.interconnection.notices import Notice, NoticeKind
from gateway.interconnection.trunk_groups import Side, TrunkGroup
from gateway.records.database import ForeignFileError, NewerSchemaError, OlderSchemaError, UnavailableError
from gateway.records.journal import (
    NewEntry,
    OperatorJournal,
    UnfitEntryError,
    read_entries,
    read_steps,
    step_of,
)
from gateway.records.journal_entries import UnreadableEntryError, notice_of
from gateway.records.journal_verification import verify_journal

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
    assert [journal.append_step(step).sequence for step in (FLOOD, BACK)] == [1, 2]
    journal.close()
    journal = OperatorJournal(path)
    assert journal.append_step(FLOOD).sequence == 3
    assert journal.steps().standings == (FLOOD, BACK, FLOOD)
    journal.close()


def test_the_book_made_of_the_journal_says_what_was_in_force(path: Path) -> None:
    journal = OperatorJournal(path)
    journal.append_step(FLOOD)
    journal.append_step(BACK)
    journal.close()
    book = StandingBook(steps=steps(path))
    assert book.group_of(Ocn("XV01"), FLOOD.at_us - 1) is None
    assert book.group_of(Ocn("XV01"), FLOOD.at_us) == "dedicated-1"
    assert book.group_of(Ocn("XV01"), BACK.at_us) is None


APPEND_FOREVER = """
import sys
from pathlib import Path
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Step, StepKind
from gateway.records.journal import OperatorJournal

journal = OperatorJournal(Path(sys.argv[1]))
for number in range(1_000_000):
    step = Step(number, Ocn("XV01"), StepKind.THROTTLE, "operator", "flood")
    print(journal.append_step(step).sequence, flush=True)
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


NEXT = "VALUES ({}, 0, 'step', 'XV02', '{{}}', 'a', 'b', {}, '{}')"


def row(sequence: int, key: str = "NULL") -> str:
    return NEXT.format(sequence, key, "0" * 64)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE entries SET why = 'nothing'", "the journal is append-only"),
        ("DELETE FROM entries", "the journal is append-only"),
        ("DELETE FROM entries WHERE sequence = 2", "the journal is append-only"),
        (f"INSERT OR REPLACE INTO entries {row(1)}", "must follow the last one"),
        (f"REPLACE INTO entries {row(2)}", "must follow the last one"),
        (f"INSERT INTO entries {row(9)}", "must follow the last one"),
        (f"REPLACE INTO entries {row(3, chr(39) + 'K1' + chr(39))}", "a key of its own"),
        ("UPDATE OR REPLACE entries SET sequence = 1 WHERE sequence = 2", "the journal is append-only"),
    ],
)
def test_no_statement_changes_or_removes_a_step(path: Path, statement: str, said: str) -> None:
    journal = OperatorJournal(path)
    journal.append_step(FLOOD, key="K1")
    journal.append_step(BACK)
    with sqlite3.connect(path) as other, pytest.raises(sqlite3.IntegrityError, match=said):
        other.execute(statement)
    other.close()
    assert journal.steps().standings == (FLOOD, BACK)
    journal.close()


def test_a_step_is_read_while_the_journal_is_open_elsewhere(path: Path) -> None:
    journal = OperatorJournal(path)
    journal.append_step(FLOOD)
    assert steps(path) == (FLOOD,)
    journal.close()


def test_a_step_is_read_back_with_all_that_it_says(path: Path) -> None:
    said = Step(1, Ocn("XV01"), StepKind.DISCONTINUE, "operator", "flood", Scope.PARTNER, None, 30, 1)
    journal = OperatorJournal(path)
    journal.append_recommendation(RECOMMENDED, decide_by_us=0)
    journal.append_step(said)
    journal.close()
    assert steps(path) == (said,)


def test_threads_that_append_at_once_each_get_a_number_of_their_own(path: Path) -> None:
    journal = OperatorJournal(path)
    numbers: list[int] = []
    threads = [
        threading.Thread(target=lambda: numbers.extend(journal.append_step(FLOOD).sequence for _ in range(10)))
        for _ in range(4)
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
    with pytest.raises(UnfitEntryError, match=r"shorten it|plain text|the clock"):
        journal.append_step(unfit)
    assert journal.append_step(FLOOD).sequence == 1
    assert journal.steps().standings == (FLOOD,)
    journal.close()


def test_a_step_that_cannot_be_written_is_said_not_to_be_in_force(path: Path) -> None:
    journal = OperatorJournal(path)
    journal._file._connection.execute("PRAGMA busy_timeout = 0")
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="database is locked: the step is not in force"):
            journal.append_step(FLOOD)
        other.execute("ROLLBACK")
    other.close()
    assert journal.append_step(FLOOD).sequence == 1
    journal.close()


FULL_DISK = """
import resource, sys
from pathlib import Path
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Step, StepKind
from gateway.records.database import UnavailableError
from gateway.records.journal import OperatorJournal

journal = OperatorJournal(Path(sys.argv[1]))
step = Step(0, Ocn("XV01"), StepKind.THROTTLE, "operator", "x" * 4_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))
taken = 0
try:
    while taken < 1_000:
        journal.append_step(step)
        taken += 1
except UnavailableError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert len(journal.steps().standings) == taken
print(taken, journal.append_step(step).sequence)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits on a file's size to run into")
def test_a_step_that_finds_the_disk_full_is_not_in_force_and_the_next_one_follows_the_last(path: Path) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    said, numbers = done.stdout.splitlines()
    taken, following = map(int, numbers.split())
    assert "the step is not in force; free the disk" in said
    assert (following, taken > 0) == (taken + 1, True)
    assert verify_journal(path).faults == ()


def test_a_journal_of_a_newer_version_is_left_alone(path: Path) -> None:
    OperatorJournal(path).close()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 4")
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


def test_a_step_that_a_strange_trigger_keeps_out_is_said_not_to_be_in_force(path: Path) -> None:
    journal = OperatorJournal(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TRIGGER mute BEFORE INSERT ON entries BEGIN SELECT RAISE(IGNORE); END")
    with pytest.raises(UnavailableError, match="a trigger that is none of ours keeps entries out"):
        journal.append_step(FLOOD)
    assert journal.steps().standings == ()
    journal.close()


@pytest.mark.parametrize(
    "tamper",
    [
        "DELETE FROM entries WHERE sequence = 2",
        "DELETE FROM entries",
        "UPDATE entries SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE sequence = 2",
        "INSERT INTO entries SELECT 3, at_us, kind, subject, body, who, why, key, hash FROM entries WHERE sequence=2",
    ],
)
def test_no_step_is_put_behind_an_end_that_somebody_else_has_changed(path: Path, tamper: str) -> None:
    journal = OperatorJournal(path)
    for step in (FLOOD, BACK):
        journal.append_step(step)
    head = journal.head()
    with closing(sqlite3.connect(path)) as other:
        for (trigger,) in other.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            other.execute(f"DROP TRIGGER {trigger}")
        other.execute(tamper)
        other.commit()
    with pytest.raises(UnavailableError, match=f"somebody changed it, .* verify --head {head}"):
        journal.append_step(FLOOD)
    journal.close()


def test_a_time_that_is_none_is_not_the_latest(path: Path) -> None:
    journal = OperatorJournal(path)
    journal.append_step(FLOOD)
    journal.close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TRIGGER entries_follow_each_other")
        for sequence, at_us in ((2, 2**62), (3, "'noon'"), (4, -1)):
            other.execute(
                f"INSERT INTO entries SELECT {sequence}, {at_us}, 'alert', subject, body, who, why, NULL, hash "  # noqa: S608
                "FROM entries WHERE sequence = 1"
            )
        other.commit()
    journal = OperatorJournal(path)
    assert journal.last_us() == FLOOD.at_us
    journal.close()


@pytest.mark.parametrize("replaced", [False, True])
def test_no_step_is_taken_that_a_restart_would_forget(path: Path, replaced: bool) -> None:
    journal = OperatorJournal(path)
    journal.append_step(FLOOD)
    path.rename(path.with_name("moved.db"))
    if replaced:
        OperatorJournal(path).close()
    with pytest.raises(UnavailableError, match="moved or deleted"):
        journal.append_step(BACK)
    assert journal.steps().standings == (FLOOD,)
    journal.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_reading_a_journal_that_nobody_writes_leaves_its_folder_as_it_is(path: Path) -> None:
    journal = OperatorJournal(path)
    journal.append_step(FLOOD)
    journal.close()
    before = contents(path.parent)
    assert list(before) == ["journal.db"]
    assert read_steps(path).standings == (FLOOD,)
    assert contents(path.parent) == before


def test_reading_a_journal_beside_a_running_gateway_sees_its_last_step(path: Path) -> None:
    journal = OperatorJournal(path)
    journal.append_step(FLOOD)
    before = set(contents(path.parent))
    journal.append_step(BACK)
    assert read_steps(path).standings == (FLOOD, BACK)
    assert set(contents(path.parent)) == before
    journal.close()


BLOCKED = Blocking(1_900_000_000_000_000, "RB-SS7", True, "operator", "flood")
OPENED = Blocking(1_900_000_600_000_000, "RB-SS7", False, "operator", "flood is over")


def test_steps_and_blockings_are_numbered_together(path: Path) -> None:
    journal = OperatorJournal(path)
    entries = [journal.append_blocking(BLOCKED), journal.append_step(FLOOD), journal.append_blocking(OPENED)]
    journal.close()
    assert [entry.sequence for entry in entries] == [1, 2, 3]
    assert read_steps(path) == ((FLOOD,), (BLOCKED, OPENED))


@pytest.mark.parametrize("version", [1, 2])
def test_a_journal_of_an_earlier_form_is_refused_with_what_to_do(path: Path, version: int) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as earlier:
        earlier.execute("CREATE TABLE cutovers (sequence INTEGER PRIMARY KEY)")
        earlier.execute("PRAGMA application_id = 0x746C676A")
        earlier.execute(f"PRAGMA user_version = {version}")
    for read in (OperatorJournal, read_steps):
        with pytest.raises(OlderSchemaError, match=f"version {version}.* keep it as a record, move it out"):
            read(path)


def test_the_same_key_finds_what_was_done_and_answered_also_after_a_restart(path: Path) -> None:
    journal = OperatorJournal(path)
    answer = {"ocn": "XV01", "established_calls_draining": 3}
    done = journal.append_step(FLOOD, key="K-1", request="d1ge57", answer=answer)
    journal.close()
    journal = OperatorJournal(path)
    assert journal.by_key("K-1") == done
    assert (done.answer, done.request) == (answer, "d1ge57")
    assert journal.by_key("K-2") is None
    with pytest.raises(UnfitEntryError, match="a key of its own"):
        journal.append_step(BACK, key="K-1")
    assert journal.steps().standings == (FLOOD,)
    journal.close()


def test_entries_are_read_a_page_at_a_time_and_by_subject(path: Path) -> None:
    journal = OperatorJournal(path)
    made = [journal.append_step(FLOOD), journal.append_blocking(BLOCKED), journal.append_step(BACK)]
    assert list(journal.entries()) == made == list(read_entries(path))
    assert list(journal.entries(after=1, limit=1)) == made[1:2]
    assert list(journal.entries(subject="XV01")) == [made[0], made[2]] == list(read_entries(path, "XV01"))
    assert (journal.entry(2), journal.entry(4)) == (made[1], None)
    assert journal.head() == made[-1].head
    journal.close()


def test_the_latest_time_is_that_of_any_entry(path: Path) -> None:
    journal = OperatorJournal(path)
    assert journal.last_us() == 0
    journal.append_recommendation(BACK, decide_by_us=0)
    journal.append_step(FLOOD)
    assert journal.last_us() == BACK.at_us > FLOOD.at_us
    journal.close()


def test_the_bundles_that_entries_refer_to_are_known(path: Path) -> None:
    journal = OperatorJournal(path)
    journal.append_step(FLOOD)
    assert journal.bundles() == frozenset()
    journal.append_step(FLOOD, evidence={"id": "a", "files": {}})
    journal.append_recommendation(FLOOD, decide_by_us=0, evidence={"id": "b", "files": {}})
    assert journal.bundles() == {"a", "b"}
    journal.close()


@pytest.mark.parametrize(
    ("after", "limit", "found"), [(-5, 9, 2), (0, -1, 0), (0, 0, 0), (0, 10**30, 2), (10**30, 9, 0), (1, 9, 1)]
)
def test_a_page_out_of_all_bounds_is_as_much_of_the_journal_as_there_is(
    path: Path, after: int, limit: int, found: int
) -> None:
    journal = OperatorJournal(path)
    journal.append_step(FLOOD)
    journal.append_step(BACK)
    assert len(journal.entries(after, limit)) == found
    assert journal.entry(10**30) is None
    journal.close()


CARRIERS = CarrierBook(
    [
        Carrier(Ocn("XP01"), "Clearline", CarrierKind.PARTNER),
        *(Carrier(Ocn(ocn), ocn, CarrierKind.PROVIDER, partner=Ocn("XP01")) for ocn in ("XV01", "XV02")),
    ]
)
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["XV01", "XV02"]),
        st.sampled_from(StepKind),
        st.sampled_from([None, *Scope]),
        st.sampled_from([None, "dedicated-1", "dedicated-2"]),
        st.integers(0, 2),
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None)
@given(moves=MOVES)
def test_a_journal_replays_to_the_standings_that_were_in_force(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, StepKind, Scope | None, str | None, int]]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    journal, book, at_us = OperatorJournal(path), StandingBook(CARRIERS), 0
    for ocn, kind, scope, group, later_us in moves:
        at_us += later_us
        step = Step(at_us, Ocn(ocn), kind, "operator", "why", scope, group)
        if book.objection_to(step, DEDICATED) is None:
            journal.append_step(step)
            book.add(step)
    journal.close()
    again = StandingBook(CARRIERS, read_steps(path).standings)
    for time_us in range(at_us + 2):
        for ocn in ("XV01", "XV02"):
            assert again.standing_of(Ocn(ocn), time_us) == book.standing_of(Ocn(ocn), time_us)
        for group in DEDICATED:
            assert again.owner_of(group, time_us) == book.owner_of(group, time_us)
        assert again.stopped_for(Ocn("XP01"), time_us) == book.stopped_for(Ocn("XP01"), time_us)


DEDICATED = {
    name: TrunkGroup(name, Side.PARTNER, Ocn("XP01"), "CLMAMOXADS0", (), dedicated=True)
    for name in ("dedicated-1", "dedicated-2")
}
RECOMMENDED = Step(1_900_000_000_000_000, Ocn("XV01"), StepKind.THROTTLE, "tollgate", "400 calls/s")


def test_a_recommendation_is_open_until_it_is_approved_or_dismissed(path: Path) -> None:
    journal = OperatorJournal(path)
    first = journal.append_recommendation(RECOMMENDED, decide_by_us=RECOMMENDED.at_us + 300_000_000)
    second = journal.append_recommendation(RECOMMENDED, decide_by_us=RECOMMENDED.at_us + 300_000_000)
    assert journal.open_recommendations() == (first, second)
    assert step_of(first) == RECOMMENDED
    journal.append_step(replace(RECOMMENDED, who="operator", approves=first.sequence))
    assert journal.open_recommendations() == (second,)
    journal.append_dismissal(second, RECOMMENDED.at_us, "operator", "a call centre opens today")
    assert journal.open_recommendations() == ()
    journal.close()


@pytest.mark.parametrize("number", [1, 2, 7])
def test_a_recommendation_is_decided_once_and_for_the_provider_it_is_about(path: Path, number: int) -> None:
    journal = OperatorJournal(path)
    journal.append_recommendation(RECOMMENDED, decide_by_us=0)
    journal.append_recommendation(replace(RECOMMENDED, ocn=Ocn("XV02")), decide_by_us=0)
    journal.append_step(replace(RECOMMENDED, approves=1))
    with pytest.raises(UnfitEntryError, match=f"no recommendation {number} about XV01 is open"):
        journal.append_step(replace(RECOMMENDED, approves=number))
    assert len(journal.steps().standings) == 1
    journal.close()


def test_a_step_and_the_notices_that_tell_of_it_are_kept_together_or_not_at_all(path: Path) -> None:
    journal = OperatorJournal(path)
    step = journal.append_step(FLOOD, notices=lambda entry: [notice(entry.sequence)])
    assert [entry.kind for entry in journal.entries()] == ["step", "notice"]
    assert notice_of(journal.entries()[1]) == notice(step.sequence)
    with pytest.raises(UnfitEntryError, match="shorten it"):
        journal.append_step(BACK, notices=lambda entry: [notice(entry.sequence), notice(0, "x" * 300_000)])
    assert journal.steps().standings == (FLOOD,)
    assert journal.head().sequence == 2
    journal.close()


def notice(step: int, text: str = "We discontinue.") -> Notice:
    return Notice(
        *(f"notice-{step}", FLOOD.at_us, NoticeKind.DISCONTINUED, "Host", "Partner", "Discontinuance", text, "L8"),
        *(Ocn("XV01"), step, ("folder", "webhook"), None),
    )


@pytest.mark.parametrize("body", [{"at": float("nan")}, {"at": object()}, {"at": "x" * 300_000}])
def test_a_body_that_no_journal_can_hold_is_refused(path: Path, body: dict[str, object]) -> None:
    journal = OperatorJournal(path)
    with pytest.raises(UnfitEntryError, match="the body of an entry"):
        journal.append(NewEntry(0, "alert", "XV01", body, "tollgate", "flood"))
    assert journal.entries() == ()
    journal.close()


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{",
        "{}",
        '{"step":"fly","scope":null,"trunk_group":null,"drain_s":null,"approves":null}',
        '{"step":"undo","scope":null,"trunk_group":7,"drain_s":null,"approves":null}',
    ],
)
def test_an_entry_that_was_damaged_is_named_and_raises_no_other_error(path: Path, body: str) -> None:
    journal = OperatorJournal(path)
    journal.append_step(FLOOD)
    journal.close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TRIGGER entries_stay_as_they_are")
        other.execute("UPDATE entries SET body = ?", (body,))
        other.commit()
    with pytest.raises(UnreadableEntryError, match=r"journal\.db: entry 1.*journal verify"):
        read_steps(path)
