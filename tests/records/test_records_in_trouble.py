"""Call records while the disk is full, the file locked or gone, or the gateway about to stop."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from call_examples import call, wait_until

from gateway.records import call_records
from gateway.records.call_records import BATCH, CallRecorder, read_calls


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "records.db"


def test_the_calls_that_end_when_the_gateway_stops_do_not_have_to_fit_into_the_queue(path: Path) -> None:
    recorder = CallRecorder(path, capacity=1)
    recorder.take_all()
    for number in range(3 * BATCH):
        recorder.record(call(str(number)))
    recorder.close()
    assert (recorder.written, recorder.lost) == (3 * BATCH, 0)


def test_a_full_queue_loses_new_calls_and_counts_them(path: Path) -> None:
    recorder = CallRecorder(path, capacity=100)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        recorder.record(call("first"))
        wait_until(lambda: recorder.failures > 0)
        for number in range(150):
            recorder.record(call(str(number)))
        assert (recorder.queued, recorder.lost, recorder.written) == (101, 50, 0)
        other.execute("ROLLBACK")
    other.close()
    recorder.close()
    assert (recorder.queued, recorder.lost, recorder.written) == (0, 50, 101)
    assert [entry.call_id for entry in read_calls(path)] == ["first", *(str(number) for number in range(100))]


def test_a_locked_file_is_said_once_and_written_to_as_soon_as_it_is_free(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = CallRecorder(path)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        recorder.record(call())
        wait_until(lambda: recorder.failures >= 2)
        other.execute("ROLLBACK")
    other.close()
    wait_until(lambda: recorder.written == 1)
    recorder.close()
    assert [(entry.levelno, "written again" in entry.message) for entry in caplog.records] == [
        (logging.ERROR, False),
        (logging.WARNING, True),
    ]
    assert len(list(read_calls(path))) == 1


def test_a_gateway_that_stops_on_a_locked_file_gives_up_in_time_and_says_what_is_lost(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = CallRecorder(path)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(BATCH + 7):
            recorder.record(call())
        recorder.close(patience_s=0.0)
        other.execute("ROLLBACK")
    other.close()
    assert (recorder.written, recorder.lost, recorder.queued) == (0, BATCH + 7, 0)
    assert f"{BATCH + 7} call records are lost" in caplog.text


def test_a_gateway_that_stops_goes_on_as_long_as_the_disk_takes_records(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_records, "RETRY_S", 0.1)
    recorder = CallRecorder(path)
    closing = threading.Thread(target=recorder.close, kwargs={"patience_s": 1.0})
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    other.execute("BEGIN IMMEDIATE")
    for number in range(12 * BATCH):
        recorder.record(call(str(number)))
    closing.start()
    while closing.is_alive():  # a disk that takes a batch now and then, and refuses in between
        wait_for_more_than(recorder.failures, lambda: recorder.failures, closing)
        written = recorder.written
        other.execute("ROLLBACK")
        wait_for_more_than(written, lambda: recorder.written, closing)
        while closing.is_alive() and not locked(other):
            pass
    other.close()
    assert (recorder.written, recorder.lost) == (12 * BATCH, 0)


def wait_for_more_than(before: int, count: Callable[[], int], closing: threading.Thread) -> None:
    wait_until(lambda: count() > before or not closing.is_alive())


def locked(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be deleted there")
def test_records_of_a_file_that_was_deleted_are_counted_as_lost_and_said_to_be_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = CallRecorder(path)
    recorder.record(call())
    wait_until(lambda: recorder.written == 1)
    aside = path.with_name("aside.db")
    path.rename(aside)
    wait_until(lambda: "was moved or deleted" in caplog.text)
    recorder.record(call())
    wait_until(lambda: recorder.lost == 1)
    recorder.record(call())
    wait_until(lambda: recorder.lost == 2)
    aside.rename(path)
    wait_until(lambda: "is back" in caplog.text)
    recorder.record(call())
    wait_until(lambda: recorder.written == 2)
    path.unlink()
    wait_until(lambda: caplog.text.count("was moved or deleted") == 2)
    recorder.record(call())
    recorder.close()
    assert (recorder.written, recorder.lost) == (2, 3)
    assert [entry.levelno for entry in caplog.records] == [logging.ERROR, logging.WARNING, logging.ERROR]


FULL_DISK = """
import resource, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from call_examples import call, wait_until
from gateway.records.call_records import CallRecorder

recorder = CallRecorder(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))
for number in range(2_000):
    recorder.record(call(str(number)))
wait_until(lambda: recorder.failures > 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
recorder.close()
print(recorder.written, recorder.lost)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits on a file's size to run into")
def test_what_did_not_fit_on_the_disk_is_written_when_there_is_room_again(path: Path) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", FULL_DISK, str(path), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "2000 0\n"
    assert [entry.call_id for entry in read_calls(path)] == [str(number) for number in range(2_000)]
