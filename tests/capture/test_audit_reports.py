"""The report as an engineer reads it beside Wireshark, and as a machine reads it; and the command's exit codes."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from recorded_gateway import (
    COLUMBIA,
    PARTNER,
    PROVIDER_1,
    PROVIDER_2,
    START_US,
    SWITCH,
    Packet,
    Plan,
    RecordedGateway,
    World,
    invite,
    pcap_of,
    small_configuration,
)

from gateway.capture.auditing import AuditResult
from gateway.capture.report import document, timestamp, write_document
from gateway.capture.report_page import NARROWEST, PIPED_WIDTH
from gateway.capture.report_table import print_table
from gateway.operations.configuration import Configuration
from gateway.wiring.audit import audit, audit_captures


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return small_configuration(tmp_path_factory.mktemp("gateway"))


@pytest.fixture
def run(configuration: Configuration, tmp_path: Path) -> Path:
    plans = [Plan(0), Plan(2_000, asserted=PROVIDER_2), Plan(4_000, called=COLUMBIA), Plan(6_000, max_forwards=0)]
    live = World(RecordedGateway(configuration), plans).run()
    file = tmp_path / "run.pcap"
    file.write_bytes(pcap_of(live.packets))
    return file


def capture(folder: Path, *payloads: bytes) -> Path:
    file = folder / "x.pcap"
    file.write_bytes(
        pcap_of(Packet(START_US + place * 1_000, PARTNER, SWITCH, data) for place, data in enumerate(payloads))
    )
    return file


def table(result: AuditResult) -> str:
    out = StringIO()
    print_table(result, out)
    return out.getvalue()


def test_a_violation_is_told_with_clause_frame_and_byte_before_what_passes(
    configuration: Configuration, run: Path
) -> None:
    result = audit([run], configuration)
    altered = result.calls[1]
    frame = altered.legs[0].first.place.frame
    text = table(result)
    of_call = text[text.index(altered.call_id) :].partition("\n\n")[0]
    finding = of_call.index("ALTERED calling_number, L7, leg 1: P-Asserted-Identity says +13142063100")
    offset = next(one for one in altered.violations[0].evidence if one.field == "From").offset
    assert f"frame {frame}, byte {offset}: From: <sip:{PROVIDER_1}@partner.example>;tag=caller" in of_call
    assert finding < of_call.index("PASS emergency")
    assert f"frame {frame}: refused with 403" in of_call
    assert "OUTSIDE footprint, L9, leg 1" in text
    assert "1: the gateway answers it before any check: 483 Too Many Hops" in text


def test_the_piped_table_is_plain_ascii_of_a_fixed_width(
    configuration: Configuration, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    text = table(audit([run], configuration))
    assert text.isascii()
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= PIPED_WIDTH


@pytest.mark.parametrize(
    ("columns", "narrower_than", "wider_than"),
    [
        ("80", 81, 60),
        ("200", 201, 120),
        ("1", NARROWEST * 2, 20),
        *((unfit, PIPED_WIDTH + 1, 100) for unfit in ("", "0", "-5", "wide", "\u0663", "9" * 5_000)),
    ],
)
def test_the_piped_table_is_as_wide_as_columns_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str, narrower_than: int, wider_than: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    folded = invite("1@a", calling="9995550100", asserted=PROVIDER_2)
    findings = [line for line in table(audit([capture(tmp_path, folded)])).splitlines() if "byte" not in line]
    widest = max(len(line) for line in findings if not line.startswith("  leg"))
    assert wider_than < widest < narrower_than


def test_a_capture_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    hostile = invite("\x1b[2J\x07@a", calling="\x1b]0;x\x07").replace(b"Max-Forwards", b"X: \x9b1\r\nMax-Forwards")
    result = audit([capture(tmp_path, hostile, b"\x1b[31mhello")])
    text = table(result)
    assert "\\x1b[2J" in text
    assert not any(ord(char) < 32 and char != "\n" for char in text)


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_what_is_written_is_the_document_with_a_call_to_a_line(tmp_path: Path, calls: int) -> None:
    result = audit([capture(tmp_path, *(invite(f"c{number}") for number in range(calls)))])
    written = StringIO()
    write_document(result, written)
    assert json.loads(written.getvalue()) == document(result)
    assert len(document(result)["calls"]) == calls
    assert all(json.loads(line.rstrip(",")) for line in written.getvalue().splitlines()[1 : calls + 1])


def test_the_document_has_the_promised_keys(configuration: Configuration, run: Path) -> None:
    whole = json.loads(json.dumps(document(audit([run], configuration))))
    assert set(whole) == {"calls", "summary"}
    call = whole["calls"][1]
    assert {"call_id", "calling", "called", "started", "legs", "outcome", "findings"} <= set(call)
    assert call["outcome"] == "REFUSE"
    assert call["started"]["at"].startswith("2026-05-28T")
    (finding,) = (one for one in call["findings"] if one["check"] == "calling_number")
    assert set(finding) == {"check", "verdict", "clause", "text", "leg", "mode", "evidence"}
    assert finding["mode"] == "enforce"
    assert set(finding["evidence"][0]) == {"field", "raw", "file", "offset", "length", "frame"}
    summary = whole["summary"]
    assert {"packets", "calls", "messages", "findings", "not_judged"} <= set(summary)
    assert summary["calls"] == 4
    assert summary["packets"] == sum(summary["messages"].values())
    assert summary["outcomes"] == {"ADMIT": 1, "REFUSE": 2}
    assert summary["calls_not_judged"] == {"the gateway answers it before any check: 483 Too Many Hops": 1}


def test_bytes_that_are_no_text_are_shown_one_by_one(tmp_path: Path) -> None:
    data = invite("1@a", asserted="6363270199").replace(b"From: ", b'From: "\xff\xe9" ')
    (call,) = document(audit([capture(tmp_path, data)]))["calls"]
    raws = [one["raw"] for finding in call["findings"] for one in finding["evidence"] if one["field"] == "From"]
    assert raws
    assert all(raw.startswith('"\xff\xe9" <sip:') for raw in raws)


@pytest.mark.parametrize("at_us", [-1, 0, START_US, 2**63, 2**70])
def test_any_time_stamp_can_be_written(at_us: int) -> None:
    assert timestamp(at_us)


def test_the_exit_code_says_clean_or_violations_or_unreadable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clean, bad = tmp_path / "clean", tmp_path / "bad"
    clean.mkdir()
    bad.mkdir()
    honest = capture(clean, invite("1@a"))
    altered = capture(bad, invite("1@a", asserted=PROVIDER_2))
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"hello, world")
    truncated = tmp_path / "truncated.pcap"
    truncated.write_bytes(altered.read_bytes() + b"\0\0\0\0\1")
    assert audit_captures([honest], None, "json") == 0
    assert audit_captures([altered], None, "json") == 1
    capsys.readouterr()
    assert audit_captures([foreign, altered], None, "table") == 3
    printed = " ".join(capsys.readouterr().out.split())
    assert f"{foreign}: neither pcap nor pcapng" in printed
    assert "ALTERED calling_number" in printed
    assert audit_captures([truncated], None, "table") == 3
    printed = " ".join(capsys.readouterr().out.split())
    assert "Damage in the captures" in printed
    assert "ALTERED calling_number" in printed
    assert audit_captures([tmp_path / "nowhere.pcap"], None, "json") == 3
    unreadable = json.loads(capsys.readouterr().out)["summary"]["faults"]["unreadable"]
    assert unreadable == [
        f"{tmp_path / 'nowhere.pcap'}: No such file or directory; give the path of a capture that you may read"
    ]


def test_nothing_but_the_document_goes_to_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit_captures([capture(tmp_path, invite("1@a"))], None, "json")
    captured = capsys.readouterr()
    json.loads(captured.out)
    assert captured.err == ""
