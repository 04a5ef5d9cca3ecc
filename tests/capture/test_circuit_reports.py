"""Calls on circuits in the reports: point codes, CIC, causes by name, hexadecimal evidence; and the option --ss7."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from recorded_gateway import START_US
from ss7_script import HOSTS, ONE, THREE, TWO, Said, acm, anm, audited, capture_of, iam, number, rel, rlc
from typer.testing import CliRunner

from gateway.capture.audit_result import AuditResult
from gateway.capture.cause_names import cause_name
from gateway.capture.report import document
from gateway.capture.report_table import print_table
from gateway.cli import Exit, app
from gateway.codecs.ss7.isup import P

OTHER = "3142063100"
CALL = [
    Said(0, ONE, TWO, iam(7)),
    Said(80, TWO, THREE, iam(12, OTHER)),
    Said(200, THREE, TWO, acm(12)),
    Said(220, TWO, ONE, acm(7)),
    Said(1_000, THREE, TWO, anm(12)),
    Said(1_010, TWO, ONE, anm(7)),
    Said(31_000, THREE, TWO, rel(12, 17)),
    Said(31_010, TWO, THREE, rlc(12)),
    Said(31_020, TWO, ONE, rel(7, 17)),
]


def table(result: AuditResult) -> str:
    out = StringIO()
    print_table(result, out)
    return out.getvalue()


def test_the_facts_of_an_iam_are_in_the_document_though_no_check_objects() -> None:
    extra = [
        (int(P.CHARGE_NUMBER), number(P.CHARGE_NUMBER, "3142061150")),
        (int(P.ORIGINATING_LINE_INFORMATION), b"\x1b"),
        (int(P.JURISDICTION_INFORMATION), bytes.fromhex("132460")),
        (int(P.HOP_COUNTER), b"\x0f"),
        (int(P.GENERIC_ADDRESS), b"\xc0" + number(P.CALLED_PARTY_NUMBER, "5732142001")),
    ]
    whole = json.loads(json.dumps(document(audited([Said(0, ONE, TWO, iam(7, called="5732190000", extra=extra))]))))
    assert whole["calls"][0]["legs"][0]["facts"] == {
        "calling": "+13142061100",
        "called": "+15732142001",
        "category": "ordinary",
        "presentation": "allowed",
        "screening": "network provided",
        "charge_number": "+13142061150",
        "originating_line": "27",
        "jurisdiction": "314206",
        "routing_number": "+15732190000",
        "ported": False,
        "hop_counter": 15,
        "redirections": None,
        "redirecting": [],
        "carrier": None,
        "name": None,
        "emergency": False,
    }


def test_the_document_has_the_circuits_of_a_call() -> None:
    whole = json.loads(json.dumps(document(audited(CALL))))
    (call,) = whole["calls"]
    assert call["call_id"] == f"1-1-1.2-2-2.7.{START_US}"
    first, second = call["legs"]
    assert (first["protocol"], first["source"], first["destination"]) == ("ISUP", "1-1-1:7", "2-2-2:7")
    assert [message["role"] for message in second["messages"]] == ["initial IAM", *["on the circuit"] * 4]
    circuit = second["circuit"]
    assert (circuit["variant"], circuit["opc"], circuit["dpc"], circuit["cic"]) == ("ansi", "2-2-2", "3-3-3", 12)
    assert circuit["carried"] == [f"{HOSTS[TWO]}:2905", f"{HOSTS[THREE]}:2905"]
    assert circuit["answered"]["frame"] == 5
    assert circuit["talked_us"] == 30_000_000
    assert circuit["end"] == "released"
    assert circuit["released"] == {
        "file": "x.pcap",
        "frame": 7,
        "at_us": START_US + 31_000_000,
        "by": "destination",
        "cause": 17,
        "cause_name": "user busy",
        "coding": 0,
        "location": "public network serving the local user",
    }
    assert first["circuit"]["end"] == "no RLC to its REL"


def test_evidence_of_isup_is_hexadecimal_and_stands_where_it_says() -> None:
    whole = document(audited(CALL))
    capture = capture_of(CALL)
    evidence = [
        one
        for finding in whole["calls"][0]["findings"]
        if finding["verdict"] == "ALTERED"
        for one in finding["evidence"]
    ]
    assert len(evidence) >= 2
    for one in evidence:
        assert capture[one["offset"] : one["offset"] + one["length"]].hex() == one["raw"]


def test_the_summary_counts_messages_and_circuits_and_says_how_ss7_was_read() -> None:
    summary = document(audited(CALL))["summary"]
    assert summary["messages"] == {"ACM": 2, "ANM": 2, "IAM": 2, "REL": 2, "RLC": 1}
    assert summary["ss7"] == {
        "variants": {"ansi": 9},
        "told_by": "the messages themselves",
        "one_direction": [],
        "circuits": {
            "seized": 2,
            "answered": 2,
            "released": 2,
            "released_by_source": 0,
            "dual_seizures": 0,
            "ends": {"no RLC to its REL": 1, "released": 1},
            "causes": {"17": 2},
            "talked_us": 60_010_000,
        },
    }


def test_the_table_names_exchanges_circuits_and_causes() -> None:
    text = table(audited(CALL))
    assert f"Circuit 1-1-1.2-2-2.7.{START_US}" in text
    assert "leg 2  2-2-2 -> 3-3-3, CIC 12; frames 2, 3, 5, 7, 8; answered in frame 5" in text
    joined = " ".join(text.split())
    assert "released by 3-3-3 in frame 7 with cause 17 (user busy), released in frame 8, 30.0 s" in joined
    assert "the hop 2-2-2, CIC 7 to 12: " in joined
    assert "9 read as ANSI T1.113, as the messages themselves show" in joined
    assert "2 seized, 2 answered" in joined
    assert text.isascii()


def test_the_name_of_a_check_stands_apart_from_what_was_found() -> None:
    lines = table(audited(CALL)).partition("Findings by check")[2].splitlines()
    assert [line.split()[1] for line in lines if line.startswith("  encapsulated_isup")] == ["2"]


def test_a_capture_of_sip_alone_says_nothing_of_ss7() -> None:
    result = audited([])
    assert document(result)["summary"]["ss7"] is None
    assert "ISUP" not in table(result)


@pytest.mark.parametrize(
    ("cause", "coding", "name"),
    [
        (16, 0, "normal call clearing"),
        (24, 0, "call rejected due to feature at the destination"),
        (26, 2, "misrouted call to a ported number"),
        (99, 3, "parameter non-existent or not implemented, discarded"),
        (77, 0, ""),
    ],
)
def test_a_cause_is_called_what_its_coding_standard_calls_it(cause: int, coding: int, name: str) -> None:
    assert cause_name(cause, coding) == name


@pytest.mark.parametrize(
    ("option", "variant", "told_by"),
    [("auto", "ansi", "the messages themselves"), ("ansi", "ansi", "the option --ss7")],
)
def test_the_command_reads_ss7_as_it_is_told(tmp_path: Path, option: str, variant: str, told_by: str) -> None:
    file = tmp_path / "x.pcap"
    file.write_bytes(capture_of(CALL[:1]))
    done = CliRunner().invoke(app, ["audit", str(file), "--ss7", option, "--format", "json"])
    assert done.exit_code == Exit.CLEAN, done.output
    ss7 = json.loads(done.output)["summary"]["ss7"]
    assert (ss7["variants"], ss7["told_by"]) == ({variant: 1}, told_by)


def test_a_variant_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["audit", str(tmp_path / "x.pcap"), "--ss7", "china"])
    assert done.exit_code == Exit.USAGE
    assert "--ss7 china: there is no such variant; use auto, ansi, itu" in done.output
