"""Bundles of evidence: whole or not there, bounded, and checked by the hashes that the journal keeps."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
from call_examples import AT_US, call, refused_call, wait_until

from gateway.records.call_records import CallRecorder, read_calls
from gateway.records.call_rows import CallRecord
from gateway.records.database import UnavailableError
from gateway.records.evidence import (
    CALLS_FILE,
    DOCUMENT_FILE,
    MOST_CALLS,
    PACKETS_FILE,
    EvidenceFullError,
    EvidenceStore,
    calls_of,
    faults_of,
    verify_evidence,
)
from gateway.records.journal import JOURNAL_FILE, Kind, NewEntry, OperatorJournal

SECOND_US = 1_000_000
DOCUMENT = {"detections": [{"detector": "invite_flood", "figures": {"per_s": 400.5}}], "journal": "7:ab"}


def packets(stream: BinaryIO) -> None:
    stream.write(b"\x0a\x0d\x0d\x0a packets")


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Three calls a second apart, then one that was refused, of the time of the first."""
    path = tmp_path / "records.db"
    recorder = CallRecorder(path)
    for number in range(3):
        recorder.record(call(f"call-{number}", at_us=AT_US + number * SECOND_US))
    recorder.record(refused_call(call_id="call-3"))
    recorder.close()
    return path


def a_record(records: Path) -> CallRecord:
    return next(iter(read_calls(records)))


def test_a_bundle_holds_document_calls_and_packets_and_agrees_with_its_reference(tmp_path: Path, records: Path) -> None:
    store = EvidenceStore(tmp_path)
    bundle = store.write("20300317-XV01", DOCUMENT, calls=read_calls(records), packets=packets)
    folder = tmp_path / "evidence" / bundle.id
    assert bundle.id == "20300317-XV01"
    assert store.ids() == (bundle.id,)
    assert json.loads((folder / DOCUMENT_FILE).read_text()) == DOCUMENT
    assert (folder / PACKETS_FILE).read_bytes() == b"\x0a\x0d\x0d\x0a packets"
    with (folder / CALLS_FILE).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["call_id"], row["outcome"]) for row in rows][2:] == [("call-2", "ADMIT"), ("call-3", "REFUSE")]
    assert sorted(bundle.files) == sorted(path.name for path in folder.iterdir())
    assert faults_of(tmp_path, bundle.reference()) == ()


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_bundle_is_for_the_user_of_the_gateway_alone(tmp_path: Path) -> None:
    EvidenceStore(tmp_path).write("a", DOCUMENT, packets=packets)
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "evidence").rglob("*")} == {0}


def test_bundles_of_one_name_are_numbered(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    assert [store.write("a", DOCUMENT).id for _ in range(3)] == ["a", "a-2", "a-3"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "ä", ".unfinished-a"])
def test_a_name_that_leads_elsewhere_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits and hyphens"):
        EvidenceStore(tmp_path).write(name, DOCUMENT)


def changed(folder: Path) -> None:
    (folder / DOCUMENT_FILE).write_text("{}")


def removed(folder: Path) -> None:
    (folder / CALLS_FILE).unlink()


def added(folder: Path) -> None:
    (folder / "more.txt").write_text("more")


def gone(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (changed, "evidence.json: was changed: its SHA-256 is"),
        (removed, "calls.csv: No such file"),
        (added, "more.txt: was put in later"),
        (gone, "a: is not there any more"),
    ],
)
def test_a_bundle_that_was_tampered_with_is_found(tmp_path: Path, tamper: Callable[[Path], None], said: str) -> None:
    bundle = EvidenceStore(tmp_path).write("a", DOCUMENT)
    tamper(tmp_path / "evidence" / "a")
    (fault,) = faults_of(tmp_path, bundle.reference())
    assert said in fault


def test_the_bundles_of_a_journal_are_checked_and_each_fault_names_its_entry(tmp_path: Path) -> None:
    store, journal = EvidenceStore(tmp_path), OperatorJournal(tmp_path / JOURNAL_FILE)
    for name in ("a", "b"):
        reference = store.write(name, DOCUMENT).reference()
        journal.append(NewEntry(AT_US, Kind.ALERT, "XV01", {"evidence": reference}, "tollgate", "flood"))
    assert verify_evidence(tmp_path / JOURNAL_FILE, tmp_path) == (2, (), ())
    removed(tmp_path / "evidence" / "b")
    kept, missing, (fault,) = verify_evidence(tmp_path / JOURNAL_FILE, tmp_path)
    assert (kept, missing) == (2, ())
    gone(tmp_path / "evidence" / "a")
    assert verify_evidence(tmp_path / JOURNAL_FILE, tmp_path) == (1, ("a",), (fault,))
    journal.close()
    assert fault.startswith("entry 2: ")
    assert fault.endswith("calls.csv: No such file or directory")


@pytest.mark.parametrize(
    "reference", [{}, {"id": "../x", "files": {}}, {"id": 7, "files": {}}, {"id": "a", "files": 1}]
)
def test_a_reference_that_names_no_bundle_is_said_to_be_none(tmp_path: Path, reference: dict[str, object]) -> None:
    (fault,) = faults_of(tmp_path, reference)
    assert "names no bundle" in fault


def test_the_oldest_bundle_that_nothing_refers_to_makes_room(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path, most=3)
    for name in ("a", "b", "c"):
        store.write(name, DOCUMENT)
    store.write("d", DOCUMENT, referred={"a"})
    assert store.ids() == ("a", "c", "d")
    store.write("e", DOCUMENT, referred={"a", "d"})
    assert store.ids() == ("a", "d", "e")


def test_a_bundle_that_the_journal_refers_to_is_never_removed(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path, most=2)
    store.write("a", DOCUMENT)
    store.write("b", DOCUMENT)
    with pytest.raises(EvidenceFullError, match="move old ones to an archive"):
        store.write("c", DOCUMENT, referred={"a", "b"})
    assert store.ids() == ("a", "b")


def test_what_a_killed_process_left_unfinished_is_no_bundle_and_goes(tmp_path: Path) -> None:
    left = tmp_path / "evidence" / ".unfinished-a"
    left.mkdir(parents=True)
    (left / DOCUMENT_FILE).write_text("{")
    store = EvidenceStore(tmp_path)
    assert store.ids() == ()
    store.write("a", DOCUMENT)
    assert [path.name for path in (tmp_path / "evidence").iterdir()] == ["a"]


def test_a_bundle_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    def failing(stream: BinaryIO) -> None:
        stream.write(b"some")
        raise OSError(28, "No space left on device")

    with pytest.raises(UnavailableError, match="No space left on device: there is no evidence of a; free the disk"):
        EvidenceStore(tmp_path).write("a", DOCUMENT, packets=failing)
    assert list((tmp_path / "evidence").iterdir()) == []


def test_a_document_has_a_bound(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"evidence\.json would have"):
        EvidenceStore(tmp_path).write("a", {"text": "x" * (1 << 20)})


def test_calls_in_a_bundle_have_a_bound_and_are_no_formulas(tmp_path: Path, records: Path) -> None:
    one = replace(a_record(records), call_id="=1+1")
    bundle = EvidenceStore(tmp_path).write("a", DOCUMENT, calls=(one for _ in range(MOST_CALLS + 5)))
    lines = (tmp_path / "evidence" / bundle.id / CALLS_FILE).read_text().splitlines()
    assert len(lines) == MOST_CALLS + 1
    assert "'=1+1" in lines[1]


@pytest.mark.parametrize(
    ("since_s", "until_s", "provider", "most", "found"),
    [
        (0, 9, None, 10, ["call-0", "call-1", "call-2", "call-3"]),
        (1, 2, None, 10, ["call-1"]),
        (0, 9, None, 2, ["call-2", "call-3"]),
        (0, 9, "XV01", 10, ["call-0", "call-1", "call-2", "call-3"]),
        (0, 9, "XV02", 10, []),
        (9, 10, None, 10, []),
    ],
)
def test_the_calls_of_a_stretch_of_time_are_read_from_the_end_of_the_records(
    records: Path, since_s: int, until_s: int, provider: str | None, most: int, found: list[str]
) -> None:
    stretch = AT_US + since_s * SECOND_US, AT_US + until_s * SECOND_US
    assert [each.call_id for each in calls_of(records, *stretch, provider, most)] == found


def test_no_more_of_the_records_is_read_than_may_hold_calls_of_the_stretch(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    recorder = CallRecorder(path)
    for number in range(2_500):
        recorder.record(call(str(number), at_us=AT_US + number * SECOND_US))
    wait_until(lambda: recorder.written == 2_500)
    found = calls_of(path, AT_US + 1_200 * SECOND_US, AT_US + 2**50)
    recorder.close()
    assert [int(each.call_id) for each in found] == list(range(1_200, 2_500))
