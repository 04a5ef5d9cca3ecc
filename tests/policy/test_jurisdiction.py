"""The jurisdiction information (JIP) against the tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from attempts import HOST, HOST_GROUP, PARTNER, PARTNER_GROUP, PARTNER_SWITCH, PROVIDER, attempt
from guides import CARRIERS, GUIDE, NEW_CODE_FROM_US, OTHER_SWITCH
from iams import attempt_from, iam, isup_attempt

from gateway.codecs.ss7.isup import P
from gateway.codecs.ss7.variant import Variant
from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_rows import CodeAssignment
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.checks.calling_code import CallingCode
from gateway.policy.checks.jurisdiction import Jurisdiction
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Verdict

STATES = LergGuide(
    "states",
    codes=(
        CodeAssignment("314555", "A", PARTNER, PARTNER_SWITCH, state="MO"),
        CodeAssignment("618555", "A", PARTNER, PARTNER_SWITCH, state="IL"),
        CodeAssignment("913555", "A", PROVIDER, PARTNER_SWITCH, state="KS"),
        CodeAssignment("816555", "A", HOST, OTHER_SWITCH, state="MO"),
        CodeAssignment("816555", "7", PARTNER, PARTNER_SWITCH, state="MO"),
        CodeAssignment("573555", "A", PARTNER, "", state="MO"),
    ),
)
CHECK = Jurisdiction(STATES)

ROWS = [
    ("the partner's switch", {}, Verdict.PASS, ""),
    ("absent", {"jip": None}, Verdict.WARN, "has no Jurisdiction information"),
    ("absent, from the host", {"jip": None, "ingress": HOST_GROUP}, Verdict.PASS, ""),
    ("absent, nobody's trunk", {"jip": None, "ingress": None}, Verdict.WARN, "has no Jurisdiction information"),
    ("absent, 911", {"jip": None, "called": "911"}, Verdict.PASS, ""),
    ("nobody's trunk", {"ingress": None}, Verdict.NOT_JUDGED, "no trunk group"),
    ("from the host", {"jip": "816555", "ingress": HOST_GROUP}, Verdict.PASS, ""),
    ("no code", {"jip": "114555"}, Verdict.FABRICATED, "114-555 is no code of the NANP"),
    ("no code, nobody's trunk", {"jip": "114555", "ingress": None}, Verdict.FABRICATED, "no code of the NANP"),
    ("no digits", {"jip": "31455B"}, Verdict.FABRICATED, "13 54 b5 is no code of the NANP"),
    ("nobody's", {"jip": "414555"}, Verdict.FABRICATED, "414-555 was assigned to nobody"),
    ("a code of no named switch", {"jip": "573555"}, Verdict.PASS, ""),
    ("a block on the switch", {"jip": "816555"}, Verdict.PASS, ""),
    ("another state's", {"jip": "618555"}, Verdict.MISMATCH, "is of MO, the Jurisdiction information 618-555 of IL"),
    ("another state's caller", {"calling": "9135550100"}, Verdict.MISMATCH, "is of KS"),
    ("a caller of no known state", {"jip": "618555", "calling": "4145550100"}, Verdict.PASS, ""),
    ("a foreign caller", {"jip": "618555", "calling": "442079460000", "nature": 4}, Verdict.PASS, ""),
    ("no caller", {"jip": "618555", "calling": None}, Verdict.PASS, ""),
    ("911", {"jip": "414555", "called": "911"}, Verdict.PASS, ""),
]


@pytest.mark.parametrize(("facts", "verdict", "text"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_jurisdiction_is_a_code_of_the_switch_that_the_call_came_from(
    facts: dict[str, Any], verdict: Verdict, text: str
) -> None:
    finding = CHECK.judge(isup_attempt(**facts))
    assert finding.verdict is verdict, finding.text
    assert text in finding.text
    assert finding.clause == "L7"


def test_a_code_of_another_switch_is_not_where_the_call_came_from() -> None:
    finding = Jurisdiction(GUIDE).judge(isup_attempt(jip="816555"))
    assert finding.verdict is Verdict.MISMATCH
    assert finding.text.endswith(f"816-555 is a code of {OTHER_SWITCH}, not of the partner's switch {PARTNER_SWITCH}")
    assert finding.refusal == REFUSALS[Reason.JURISDICTION_MISMATCH]
    assert [(seen.field, seen.raw) for seen in finding.evidence] == [("Jurisdiction information", b"\x18\x56\x55")]


def test_a_trunk_group_without_a_home_switch_takes_any_code_that_somebody_holds() -> None:
    anywhere = replace(PARTNER_GROUP, home_switch=None)
    assert Jurisdiction(GUIDE).judge(isup_attempt(jip="816555", ingress=anywhere)).verdict is Verdict.PASS
    finding = Jurisdiction(GUIDE).judge(isup_attempt(jip="414555", ingress=anywhere))
    assert finding.refusal == REFUSALS[Reason.JURISDICTION_FABRICATED]


def test_a_code_counts_from_its_effective_date() -> None:
    later = isup_attempt(jip="314777")
    sooner = isup_attempt(jip="314777")
    sooner.at_us = NEW_CODE_FROM_US - 1
    assert [Jurisdiction(GUIDE).judge(one).verdict for one in (later, sooner)] == [Verdict.PASS, Verdict.FABRICATED]


def test_without_a_guide_the_code_is_not_judged() -> None:
    assert Jurisdiction().judge(isup_attempt()).verdict is Verdict.NOT_JUDGED


def _sip(body: CallAttempt | None = None) -> CallAttempt:
    call = attempt()
    call.encapsulated = body
    return call


def test_sip_is_asked_for_no_jurisdiction_and_judged_by_that_of_its_body() -> None:
    assert CHECK.judge(_sip()).verdict is Verdict.PASS
    assert CHECK.judge(_sip(isup_attempt(jip=None))).verdict is Verdict.PASS
    assert CHECK.judge(_sip(isup_attempt())).verdict is Verdict.PASS
    assert CHECK.judge(_sip(isup_attempt(jip="414555"))).verdict is Verdict.FABRICATED


@pytest.mark.parametrize(
    ("rn", "verdict"),
    [
        ("+1314555", Verdict.PASS),
        ("+1414555", Verdict.FABRICATED),
        ("+1618555", Verdict.MISMATCH),
        ("+13145559999", Verdict.PASS),  # an LRN is for calling_code
        ("+14145559999", Verdict.PASS),
    ],
)
def test_a_jurisdiction_that_went_through_sip_is_judged_as_one_and_not_as_an_lrn(rn: str, verdict: Verdict) -> None:
    call = attempt(calling_rn=rn)
    finding = CHECK.judge(call)
    assert finding.verdict is verdict, finding.text
    assert [seen.field for seen in finding.evidence][:1] == ["rn of P-Asserted-Identity"] * verdict.violation
    of_six_digits = len(rn) == len("+1314555")
    code = CallingCode(GUIDE, None, CARRIERS).judge(call)
    assert (code.verdict is Verdict.PASS) == (of_six_digits or rn == "+13145559999"), code.text


def test_itu_has_no_jurisdiction_information_to_miss() -> None:
    call = isup_attempt(jip=None)
    call.variant = Variant.ITU
    assert CHECK.judge(call).verdict is Verdict.PASS


def test_a_jurisdiction_of_the_wrong_length_is_no_code() -> None:
    message = iam().replaced({P.JURISDICTION_INFORMATION: b"\x13"})
    assert CHECK.judge(attempt_from(message)).verdict is Verdict.FABRICATED
