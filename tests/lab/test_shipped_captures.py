"""The captures that ship with the product are audited, and every decision is the one that was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.operations.configuration import load_configuration
from gateway.wiring.audit import audit
from sim.audited import BETWEEN_LEGS, audited
from sim.record_captures import CAPTURE, EXPECTED, RECORDINGS, described
from sim.scenario import FOLDER, load

CAPTURES = Path(__file__).parents[2] / "captures"
_CALLING = "the calling number was"
_CALLING_GONE = "the calling number +13142061100 in"
_PRIVACY_ADDED = "the caller's privacy was added"
ALTERED_AT_A_HOP = {
    "integrity-and-footprint": [
        *(_CALLING, _CALLING_GONE, _PRIVACY_ADDED, "the called number was +16363270100 and is +16363270177"),
        *(_CALLING, _CALLING),
    ],
    "discontinuance": [],
    "ansi-isup": [
        *(_CALLING_GONE, _CALLING, _PRIVACY_ADDED, "the charge number was", "the called number was"),
        *("the jurisdiction was", _CALLING, "the charge number +13142061150 differs", "the screening of the calling"),
        *("the caller's privacy was cleared", "the hop counter was 20 and is 24", "the M bit"),
    ],
    "circuits-and-sip": [_CALLING_GONE, _CALLING],
    "sip-i": [],
}
"""What the scenarios have a carrier do to a call where two of its legs were captured, in their order."""


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_audit_of_a_shipped_capture_decides_every_call_as_recorded(name: str) -> None:
    folder = CAPTURES / name
    run = audited(folder / CAPTURE, load_configuration(folder / "tollgate.toml"))
    expected = json.loads((folder / EXPECTED).read_text())
    assert {call_id: described(decision) for call_id, decision in run.decisions.items()} == expected["calls"]
    witnessed = {call_id: set(verdicts) for call_id, verdicts in run.between_legs.items() if verdicts}
    for call_id, verdict in expected.get("between_legs", {}).items():
        assert witnessed[call_id] == {verdict}


@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize("name", RECORDINGS)
def test_no_carrier_is_said_to_have_altered_a_call_that_it_did_not_alter(name: str, configured: bool) -> None:
    folder = CAPTURES / name
    configuration = load_configuration(folder / "tollgate.toml") if configured else None
    findings = (one for call in audit([folder / CAPTURE], configuration).calls for one in call.findings)
    said = [one.text for one in findings if one.check == BETWEEN_LEGS and one.verdict.violation]
    assert len(said) == len(ALTERED_AT_A_HOP[name])
    for text, what in zip(said, ALTERED_AT_A_HOP[name], strict=True):
        assert what in text


@pytest.mark.parametrize("name", RECORDINGS)
def test_an_audit_changes_no_byte_of_what_it_reads_and_leaves_nothing_beside_it(name: str) -> None:
    before = {file.name: file.read_bytes() for file in (CAPTURES / name).iterdir()}
    audited(CAPTURES / name / CAPTURE, load_configuration(CAPTURES / name / "tollgate.toml"))
    assert {file.name: file.read_bytes() for file in (CAPTURES / name).iterdir()} == before


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_scenarios_of_a_shipped_capture_expect_what_they_did_when_it_was_recorded(name: str) -> None:
    recorded = json.loads((CAPTURES / name / EXPECTED).read_text())["scenarios"]
    scenarios = [load(FOLDER / f"{slug}.toml") for slug in RECORDINGS[name]]
    assert recorded == [
        {"name": one.name, "expected": one.expect.text, "clause": one.expect.shown_clause} for one in scenarios
    ]


def test_what_an_isup_body_of_sip_says_is_shown_as_bytes_and_what_its_header_says_as_text() -> None:
    folder = CAPTURES / "sip-i"
    result = audit([folder / CAPTURE], load_configuration(folder / "tollgate.toml"))
    seen = {one for call in result.calls for finding in call.findings for one in finding.evidence}
    assert {one.is_text for one in seen if one.field in ("Calling party number", "Called party number")} == {False}
    assert {one.is_text for one in seen if one.field in ("From", "P-Asserted-Identity", "Request-URI")} == {True}


def test_the_shipped_captures_are_small() -> None:
    assert sum(file.stat().st_size for file in CAPTURES.rglob("*.pcap")) < 800_000
