"""Call records in real SQLite files."""

from __future__ import annotations

import sqlite3
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from call_examples import AT_US, HOST, NOT_JUDGED, PARTNER, PASSED, call, refused_call, wait_until
from hypothesis import given
from hypothesis import strategies as st

from gateway.interconnection.trunk_groups import TrunkGroup
from gateway.policy.verdict import Evidence, Finding
from gateway.records.call_records import BATCH, CallRecorder, read_calls
from gateway.records.call_rows import (
    EVIDENCE_BYTES,
    SCHEMA,
    CallRecord,
    RecordedEvidence,
    RecordedFinding,
    RowMaker,
    mask_text,
    record_of,
)
from gateway.records.database import ForeignFileError, NewerSchemaError, UnavailableError, open_for_writing
from gateway.signalling.call import Call


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "records.db"


def record(path: Path, *calls: Call, mask_numbers: bool = False) -> list[CallRecord]:
    recorder = CallRecorder(path, mask_numbers=mask_numbers)
    for one in calls:
        recorder.record(one)
    recorder.close()
    assert (recorder.written, recorder.lost, recorder.queued) == (len(calls), 0, 0)
    return list(read_calls(path))


def test_a_call_is_read_back_as_it_was_recorded(path: Path) -> None:
    assert record(path, call()) == [
        CallRecord(
            id=1,
            at_us=AT_US,
            call_id="a84b4c76e66710",
            trunk_group_in="partner-1",
            trunk_group_out="host-1",
            partner_ocn="XP01",
            provider_ocn="XV01",
            provider_source="calling code",
            calling="3142061100",
            called="6363274001",
            routing_number="5732140000",
            outcome="ADMIT",
            refused_by=None,
            clause=None,
            verdict=None,
            findings=(),
            emergency=False,
            progressed_at_us=AT_US + 1,
            answered_at_us=AT_US + 2,
            ended_at_us=AT_US + 3,
            final_status=200,
            ended_by="caller",
            egress_member="udp:127.0.0.1:5080",
        )
    ]


def test_a_refusal_keeps_its_finding_with_the_bytes_and_their_places(path: Path) -> None:
    raw = b'"\xff" <sip:+13142061100@example.com>'
    (recorded,) = record(path, refused_call(raw))
    assert (recorded.outcome, recorded.refused_by, recorded.clause, recorded.verdict, recorded.ended_by) == (
        *("REFUSE", "calling_number", "L7", "ALTERED", "refusal"),
    )
    assert recorded.trunk_group_out is None
    assert recorded.findings == (
        RecordedFinding("passport", "NOT_JUDGED", "L7", "monitor", "no Identity header", ()),
        RecordedFinding(
            "calling_number",
            "ALTERED",
            "L7",
            "enforce",
            "From says 314-206-1100, P-Asserted-Identity +13142065100",
            (
                RecordedEvidence("From", 120, len(raw), raw),
                RecordedEvidence("P-Asserted-Identity", 300, 18, b"<tel:+13142065100>"),
            ),
        ),
    )


def test_long_evidence_is_cut_and_its_length_kept(path: Path) -> None:
    (recorded,) = record(path, refused_call(b"x" * 5_000))
    assert recorded.findings[1].evidence[0] == RecordedEvidence("From", 120, 5_000, b"x" * EVIDENCE_BYTES)


def test_masked_records_hold_nobodys_whole_number(path: Path) -> None:
    calls = call(), call(calling="911"), call(calling="+4930123456"), refused_call()
    admitted, emergency, foreign, refused = record(path, *calls, mask_numbers=True)
    assert (admitted.calling, admitted.called, admitted.routing_number) == ("314206xxxx", "636327xxxx", "573214xxxx")
    assert (emergency.calling, foreign.calling) == ("911", "493012xxxx")
    assert refused.findings[1].text == "From says 314-206xxxx, P-Asserted-Identity +1314206xxxx"
    assert [evidence.raw for evidence in refused.findings[1].evidence] == [None, None]
    assert b"2061100" not in path.read_bytes()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("(314) 206-1100 and 911", "(314) 206xxxx and 911"),
        ("tel:+1.314.206.1100;x", "tel:+1.314.206xxxx;x"),
        ("6 calls of 20", "6 calls of 20"),
        ("2061100", "206xxxx"),
    ],
)
def test_numbers_in_a_text_lose_their_last_four_digits(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    ("ingress", "egress", "partner"),
    [(PARTNER, HOST, "XP01"), (HOST, PARTNER, "XP01"), (HOST, None, None), (None, None, None)],
    ids=["from the partner", "to the partner", "between hosts", "of an unknown trunk group"],
)
def test_the_partner_is_responsible_in_both_directions(
    path: Path, ingress: TrunkGroup | None, egress: TrunkGroup | None, partner: str | None
) -> None:
    assert record(path, call(ingress=ingress, egress=egress))[0].partner_ocn == partner


@pytest.mark.parametrize("count", [1, 39, 40, 41, BATCH, BATCH + 1, 2 * BATCH + 79])
def test_every_call_is_written_once_and_in_order(path: Path, count: int) -> None:
    recorded = record(path, *(call(str(number)) for number in range(count)))
    assert [entry.call_id for entry in recorded] == [str(number) for number in range(count)]


def test_a_call_is_written_without_waiting_for_others(path: Path) -> None:
    recorder = CallRecorder(path)
    recorder.record(call())
    wait_until(lambda: recorder.written == 1)
    assert [entry.call_id for entry in read_calls(path)] == ["a84b4c76e66710"]
    recorder.close()


def test_a_call_that_cannot_be_stored_costs_no_other_call_its_record(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = CallRecorder(path)
    unfit = call("surrogate \udc80"), call("too late", at_us=2**70)
    for one in (call("before"), unfit[0], call("between"), unfit[1], call("after")):
        recorder.record(one)
    recorder.close()
    assert (recorder.written, recorder.lost) == (3, 2)
    assert [entry.call_id for entry in read_calls(path)] == ["before", "between", "after"]
    assert len(caplog.records) == 2


def test_a_second_run_appends_to_the_first(path: Path) -> None:
    record(path, call("first"))
    assert [entry.call_id for entry in record(path, call("second"))] == ["first", "second"]


def test_records_older_than_the_retention_are_deleted_at_the_start(path: Path) -> None:
    record(path, *(call("old", at_us=1) for _ in range(12_000)), call("young"))
    recorder = CallRecorder(path, retention_days=1)
    recorder.record(call("new"))
    with sqlite3.connect(path) as other:
        wait_until(lambda: other.execute("SELECT count(*) FROM calls WHERE at_us = 1").fetchone() == (0,))
    other.close()
    recorder.close()
    assert [entry.call_id for entry in read_calls(path)] == ["young", "new"]


def test_a_reader_beside_the_writer_sees_whole_calls_in_order(path: Path) -> None:
    recorder = CallRecorder(path, capacity=100_000)
    total = 5 * BATCH
    seen: list[int] = []
    failures: list[BaseException] = []

    def read() -> None:
        try:
            while not seen or seen[-1] < total:
                seen.append(sum(1 for _ in read_calls(path)))
        except BaseException as error:
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(total):
        recorder.record(call(str(number)))
    recorder.close()
    reader.join(30)
    assert not failures
    assert seen == sorted(seen)
    assert seen[-1] == total


def test_calls_are_found_by_time_call_id_provider_and_outcome(path: Path) -> None:
    record(path, *(call(str(number), at_us=AT_US + number) for number in range(2_500)), refused_call())
    assert [entry.call_id for entry in read_calls(path, since_us=AT_US + 7, until_us=AT_US + 9)] == ["7", "8"]
    assert [entry.id for entry in read_calls(path, call_id="2400")] == [2_401]
    assert [entry.call_id for entry in read_calls(path, outcome="REFUSE")] == ["refused"]
    assert sum(1 for _ in read_calls(path, provider="XV01")) == 2_501
    assert list(read_calls(path, provider="XV02")) == []


def test_records_are_for_the_gateways_user_alone(path: Path) -> None:
    record(path, call())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_of_a_newer_version_is_left_alone_with_what_to_do(path: Path) -> None:
    record(path, call())
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 7")
    newer.close()
    said = "schema version 7, and this tollgate knows up to 2; run the newer tollgate that wrote it"
    with pytest.raises(NewerSchemaError, match=said):
        CallRecorder(path)
    with pytest.raises(NewerSchemaError, match=said):
        next(read_calls(path))


def test_a_file_of_an_earlier_version_is_brought_forward_by_who_writes_to_it(path: Path) -> None:
    path.parent.mkdir()
    open_for_writing(path, replace(SCHEMA, steps=SCHEMA.steps[:1]), "NORMAL").close()
    with pytest.raises(UnavailableError, match="written by an earlier tollgate"):
        next(read_calls(path))
    assert [entry.egress_member for entry in record(path, call())] == ["udp:127.0.0.1:5080"]


def test_a_database_of_something_else_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    for use in (lambda: CallRecorder(path), lambda: next(read_calls(path))):
        with pytest.raises(ForeignFileError, match="is a database of something else"):
            use()


def test_a_file_that_is_no_database_is_said_to_be_none(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n" * 100)
    for use in (lambda: CallRecorder(path), lambda: next(read_calls(path))):
        with pytest.raises(ForeignFileError, match="file is not a database"):
            use()


def test_a_folder_without_records_is_said_to_have_none(path: Path) -> None:
    with pytest.raises(UnavailableError, match="there are no call records here"):
        next(read_calls(path))
    path.parent.mkdir()
    path.touch()
    with pytest.raises(ForeignFileError, match="holds no call records"):
        next(read_calls(path))


def test_a_state_folder_that_cannot_be_made_is_said_with_what_to_do(path: Path) -> None:
    path.parent.touch()
    with pytest.raises(UnavailableError, match="give a state folder that can be written to"):
        CallRecorder(path)


@given(st.binary(max_size=200), st.text(max_size=50), st.integers(0, 2**40))
def test_any_evidence_is_read_back_byte_for_byte(raw: bytes, text: str, offset: int) -> None:
    finding = Finding("calling_number", NOT_JUDGED.verdict, "L7", text, (Evidence("From", raw, offset),))
    row = RowMaker(mask_numbers=False).row_of(call(findings=(PASSED, finding)))
    (recorded,) = record_of((1, *row)).findings
    assert recorded.text == text
    assert recorded.evidence == (RecordedEvidence("From", offset, len(raw), raw),)
