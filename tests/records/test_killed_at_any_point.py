"""A process that is killed at any point of a step leaves the state before it or after it, never one in between."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from killed_gateway import AS_A_WHOLE, DISCONTINUE, ENTRIES, THROTTLE, act

from gateway.interconnection.denial_of_service import Step
from gateway.records.evidence import faults_of
from gateway.records.journal import JOURNAL_FILE, read_entries, read_steps
from gateway.records.journal_verification import verify_journal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork and SIGKILL")

STEPS = (THROTTLE, DISCONTINUE)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The folders that processes left which were killed: at each point one, in the order of the points."""
    root = tmp_path_factory.mktemp("killed")
    script = Path(__file__).with_name("killed_gateway.py")
    run = subprocess.run(  # noqa: S603
        [sys.executable, str(script), str(root)], capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr
    return [root / str(point) for point in range(int(run.stdout))]


def kinds(folder: Path) -> list[str]:
    journal = folder / JOURNAL_FILE
    return [entry.kind for entry in read_entries(journal)] if readable(journal) else []


def readable(journal: Path) -> bool:
    """Whether the process came so far as to make the journal."""
    return journal.is_file() and (journal.stat().st_size > 0 or journal.with_name("journal.db-wal").is_file())


def steps(folder: Path) -> tuple[Step, ...]:
    return read_steps(folder / JOURNAL_FILE).standings if kinds(folder) else ()


def test_every_point_of_the_work_was_tried(killed: list[Path]) -> None:
    seen = [len(kinds(folder)) for folder in killed]
    assert seen == sorted(seen)
    assert sorted(set(seen)) == AS_A_WHOLE[: len(set(seen))]
    assert len(set(seen)) >= len(AS_A_WHOLE) - 1  # nothing is left to be done after the last entry but to close


def test_what_is_left_is_the_state_before_a_step_or_after_it(killed: list[Path]) -> None:
    for folder in killed:
        there = kinds(folder)
        assert len(there) in AS_A_WHOLE
        assert there == ENTRIES[: len(there)]
        assert steps(folder) == STEPS[: there.count("step")]
        if there:
            assert verify_journal(folder / JOURNAL_FILE).faults == ()


def test_a_step_has_its_evidence_from_the_moment_at_which_it_is_there(killed: list[Path]) -> None:
    for folder in killed:
        for entry in read_entries(folder / JOURNAL_FILE) if kinds(folder) else ():
            if entry.evidence is not None:
                assert faults_of(folder, entry.evidence) == ()


def test_what_was_begun_is_brought_to_its_end_once_and_no_notice_is_lost_or_told_under_two_names(
    killed: list[Path],
) -> None:
    for folder in killed:
        noted = verify_journal(folder / JOURNAL_FILE).head if kinds(folder) else None
        act(folder)
        journal = folder / JOURNAL_FILE
        assert verify_journal(journal, noted).faults == ()
        assert (kinds(folder), steps(folder)) == (ENTRIES, STEPS)
        entries = list(read_entries(journal))
        told = sorted(f"{entry.body['id']}.txt" for entry in entries if entry.kind == "notice")
        assert sorted(path.name for path in (folder / "notices").iterdir() if not path.name.startswith(".")) == told
        delivered = [entry.body["id"] for entry in entries if entry.kind == "delivery"]
        assert sorted(f"{each}.txt" for each in delivered) == told
        evidence = [entry.evidence for entry in entries if entry.evidence is not None]
        assert [faults_of(folder, each) for each in evidence] == [()]
