"""What the checks say of calls that come by ISUP, row by row: by the parameters of the IAM, under their names."""

from __future__ import annotations

import re
from typing import Any

import pytest
from attempts import HOST_GROUP, OTHER_PROVIDER, PARTNER_GROUP
from guides import CARRIERS, GUIDE, HOST_LRN, OTHER_LRN, PORTED
from hypothesis import given
from hypothesis import strategies as st
from iams import NATIONAL_CALLED, NATIONAL_CALLING, iam, isup_attempt, number

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import P
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.denial_of_service import StandingBook
from gateway.policy.checks import REFUSES, all_checks
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Finding, Verdict

GATEWAY_NUMBER = "3145550199"
CHECKS = {
    check.name: check
    for check in all_checks(
        guide=GUIDE, ported=PORTED, carriers=CARRIERS, standings=StandingBook(), gateway_numbers=(GATEWAY_NUMBER,)
    )
}
DIVERTER, SECOND_DIVERTER = "6365550123", "6365550124"
PORTED_IN = "8165550100"
"""Ported into the switch's area, by our own data."""
NO_DIGITS: dict[str, Any] = {"calling": "", "nature": 2}

Row = tuple[str, str, dict[str, Any], Verdict, str]

ROWS: list[Row] = [
    ("calling_number", "an honest call", {}, Verdict.PASS, ""),
    ("calling_number", "restricted", {"presentation": 1}, Verdict.PASS, ""),
    ("calling_number", "of international nature", {"calling": "1" + NATIONAL_CALLING, "nature": 4}, Verdict.PASS, ""),
    ("calling_number", "a foreign one", {"calling": "442079460000", "nature": 4}, Verdict.PASS, ""),
    ("calling_number", "none", {"calling": None}, Verdict.MISSING, "nor is there a charge number"),
    (
        "calling_number",
        "none, a charge number",
        {"calling": None, "charge": NATIONAL_CALLING},
        Verdict.MISSING,
        "is no",
    ),
    ("calling_number", "no digits", {**NO_DIGITS, "presentation": 2}, Verdict.MISSING, "requires the CPN"),
    ("calling_number", "no digits, restricted", {**NO_DIGITS, "presentation": 1}, Verdict.MISSING, "requires the CPN"),
    ("calling_number", "a payphone without one", {"calling": None, "category": 15}, Verdict.EXEMPT, "payphone"),
    ("calling_number", "a coin line without one", {"calling": None, "line": 27}, Verdict.EXEMPT, "payphone"),
    ("calling_number", "911 without one", {"calling": None, "called": "911"}, Verdict.EXEMPT, "emergency"),
    ("calling_number", "not in the NANP", {"calling": "1145550100"}, Verdict.FABRICATED, "cannot exist in the NANP"),
    ("calling_number", "too short", {"calling": "314555010"}, Verdict.FABRICATED, "cannot exist in the NANP"),
    (
        "calling_number",
        "+1 and not in the NANP",
        {"calling": "11145550100", "nature": 4},
        Verdict.FABRICATED,
        "cannot exist in the NANP",
    ),
    ("calling_number", "the called number", {"calling": NATIONAL_CALLED}, Verdict.FABRICATED, "is the called number"),
    (
        "calling_number",
        "the ported number",
        {"calling": PORTED_IN, "called": HOST_LRN, "ported": PORTED_IN, "m_bit": True},
        Verdict.FABRICATED,
        "is the called number",
    ),
    ("calling_number", "a gateway's", {"calling": GATEWAY_NUMBER}, Verdict.FABRICATED, "a gateway's own"),
    ("calling_number", "a service code", {"calling": "411"}, Verdict.FABRICATED, "a service code"),
    ("calling_number", "an extension", {"calling": "4711", "nature": 1}, Verdict.FABRICATED, "an extension"),
    ("calling_number", "seven digits", {"calling": "5550100", "nature": 1}, Verdict.WARN, "nor an international one"),
    ("calling_number", "failed screening", {"screening": 2}, Verdict.WARN, "found it not the caller's"),
    ("calling_number", "not verified", {"screening": 0}, Verdict.PASS, ""),
    ("presentation", "allowed", {}, Verdict.PASS, ""),
    ("presentation", "no number", {"calling": None}, Verdict.PASS, ""),
    ("presentation", "restricted", {"presentation": 1}, Verdict.PASS, ""),
    ("presentation", "restricted by the network", {"presentation": 3}, Verdict.PASS, ""),
    ("presentation", "not available, and there", {"presentation": 2}, Verdict.ALTERED, "one of the two was put in"),
    ("presentation", "not available", {**NO_DIGITS, "presentation": 2}, Verdict.PASS, ""),
    (
        "presentation",
        "restricted, no digits",
        {**NO_DIGITS, "presentation": 1},
        Verdict.WARN,
        "is restricted and has no",
    ),
    ("presentation", "allowed, no digits", NO_DIGITS, Verdict.WARN, "may be shown and has no digits"),
    ("presentation", "a name", {"name": "RIVERBEND"}, Verdict.PASS, ""),
    ("presentation", "a name shown", {"name": "RIVERBEND", "presentation": 1}, Verdict.WARN, "Generic name shows"),
    ("presentation", "nobody's name", {"name": "PRIVATE", "presentation": 1}, Verdict.PASS, ""),
    ("presentation", "911", {"called": "911", "presentation": 2}, Verdict.EXEMPT, "emergency"),
    ("charge_number", "the caller's", {"charge": NATIONAL_CALLING}, Verdict.PASS, ""),
    ("charge_number", "another's", {"charge": "3145550111"}, Verdict.PASS, ""),
    ("charge_number", "a gateway's", {"charge": GATEWAY_NUMBER}, Verdict.FABRICATED, "a switch's or gateway's own"),
    ("charge_number", "not in the NANP", {"charge": "1145550100"}, Verdict.FABRICATED, "cannot exist in the NANP"),
    ("charge_number", "no digits", {"charge": ""}, Verdict.WARN, "Charge number names no number"),
    ("called_number", "as dialled", {}, Verdict.PASS, ""),
    ("called_number", "not ported", {"m_bit": True}, Verdict.PASS, ""),
    ("called_number", "ported", {"called": HOST_LRN, "ported": PORTED_IN, "m_bit": True}, Verdict.PASS, ""),
    (
        "called_number",
        "no ported number",
        {"called": HOST_LRN, "m_bit": True},
        Verdict.ALTERED,
        "no ported number came",
    ),
    ("called_number", "an LRN dialled", {"called": HOST_LRN}, Verdict.ALTERED, "the M bit is not set"),
    (
        "called_number",
        "the LRN twice",
        {"called": HOST_LRN, "ported": HOST_LRN, "m_bit": True},
        Verdict.ALTERED,
        "the Generic address holds the LRN again",
    ),
    ("called_number", "no M bit", {"called": HOST_LRN, "ported": PORTED_IN}, Verdict.WARN, "without the M bit"),
    ("called_number", "said not to be ported", {"called": PORTED_IN, "m_bit": True}, Verdict.WARN, "without LRN says"),
    (
        "called_number",
        "an LRN of nobody",
        {"called": "4145559999", "ported": PORTED_IN, "m_bit": True},
        Verdict.FABRICATED,
        "LRN 4145559999 lies on a code that nobody holds",
    ),
    (
        "called_number",
        "an LRN that is not listed",
        {"called": "6365558888", "ported": PORTED_IN, "m_bit": True},
        Verdict.WARN,
        "is not a location routing number",
    ),
    (
        "called_number",
        "no digits",
        {"called": "", "called_nature": 0x74},
        Verdict.MISSING,
        "the Called party number carries no called number",
    ),
    (
        "called_number",
        "no digits, nobody's trunk",
        {"called": "", "ingress": None},
        Verdict.MISSING,
        "carries no called",
    ),
    ("called_number", "911", {"called": "911"}, Verdict.PASS, ""),
    ("diversion", "none", {}, Verdict.PASS, ""),
    (
        "diversion",
        "once",
        {"redirecting": DIVERTER, "original": DIVERTER, "redirections": 1},
        Verdict.PASS,
        "",
    ),
    (
        "diversion",
        "twice",
        {"redirecting": SECOND_DIVERTER, "original": DIVERTER, "redirections": 2},
        Verdict.PASS,
        "",
    ),
    ("diversion", "once, without a counter", {"redirecting": DIVERTER}, Verdict.PASS, ""),
    ("diversion", "once, by one number", {"redirecting": DIVERTER, "redirections": 1}, Verdict.PASS, ""),
    (
        "diversion",
        "once, by two",
        {"redirecting": SECOND_DIVERTER, "original": DIVERTER, "redirections": 1},
        Verdict.ALTERED,
        "one of the two was changed",
    ),
    (
        "diversion",
        "twice, one is missing",
        {"redirecting": SECOND_DIVERTER, "redirections": 2},
        Verdict.WARN,
        "nothing stands in Original called number",
    ),
    ("diversion", "by nobody", {"redirections": 1}, Verdict.WARN, "in Original called number and Redirecting number"),
    (
        "diversion",
        "the first one calls",
        {"calling": DIVERTER, "redirecting": SECOND_DIVERTER, "original": DIVERTER, "redirections": 2},
        Verdict.ALTERED,
        "in Calling party number is the one that diverted the call (Original called number)",
    ),
    (
        "diversion",
        "not in the NANP",
        {"redirecting": "1145550100", "redirections": 1},
        Verdict.FABRICATED,
        "in Redirecting number cannot exist",
    ),
    ("emergency", "911", {"called": "911"}, Verdict.WARN, "it is completed"),
    ("emergency", "claimed by its category", {"category": 0xE0}, Verdict.WARN, f"+1{NATIONAL_CALLED} is no emergency"),
    ("emergency", "no call back", {"called": "911", "calling": None}, Verdict.WARN, "no number to call back"),
    ("calling_code", "the provider's", {}, Verdict.PASS, ""),
    ("calling_code", "nobody's", {"calling": "4145550100"}, Verdict.FABRICATED, "was assigned to nobody"),
    ("calling_code", "another's", {"provider": OTHER_PROVIDER}, Verdict.MISMATCH, "belongs to OCN"),
    ("calling_code", "no number", {"calling": None}, Verdict.NOT_JUDGED, "see calling_number"),
    ("footprint", "inside", {}, Verdict.PASS, ""),
    ("footprint", "outside", {"called": "8165560100"}, Verdict.OUTSIDE, "outside the LERG area"),
    (
        "footprint",
        "ported in",
        {"called": HOST_LRN, "ported": PORTED_IN, "m_bit": True},
        Verdict.PASS,
        "",
    ),
    (
        "footprint",
        "brought in by an LRN alone",
        {"called": HOST_LRN, "ported": "8165550111", "m_bit": True},
        Verdict.WARN,
        "LRN +16365559999 alone brings",
    ),
    (
        "footprint",
        "ported out",
        {"called": OTHER_LRN, "ported": NATIONAL_CALLED, "m_bit": True},
        Verdict.OUTSIDE,
        "LRN 8165559999",
    ),
]

SIP_WORDS = re.compile(r"Request-URI|\bFrom\b|\bTo\b|P-Asserted|P-Charge|Privacy|Diversion|History-Info|\brn\b|npdi")


def _judged(check: str, facts: dict[str, Any]) -> Finding:
    return CHECKS[check].judge(isup_attempt(**facts))


@pytest.mark.parametrize(
    ("check", "facts", "verdict", "text"),
    [(check, facts, verdict, text) for check, _, facts, verdict, text in ROWS],
    ids=[f"{row[0]}: {row[1]}" for row in ROWS],
)
def test_an_iam_is_judged_by_its_own_parameters(check: str, facts: dict[str, Any], verdict: Verdict, text: str) -> None:
    finding = _judged(check, facts)
    assert finding.verdict is verdict, finding.text
    assert text in finding.text
    assert not SIP_WORDS.search(finding.text)
    assert not any(SIP_WORDS.search(seen.field) for seen in finding.evidence)
    if verdict.violation:
        clauses, verdicts = REFUSES[check]
        assert finding.clause in clauses
        assert verdict in verdicts
        assert finding.refusal is not None


@pytest.mark.parametrize(
    ("check", "facts"), [(row[0], row[2]) for row in ROWS if row[3].violation], ids=lambda value: str(value)[:60]
)
def test_the_evidence_of_a_violation_is_octets_of_the_message(check: str, facts: dict[str, Any]) -> None:
    facts = {key: value for key, value in facts.items() if key not in ("ingress", "provider")}
    data = iam(**facts).data
    for seen in _judged(check, facts).evidence:
        assert data[seen.offset : seen.offset + len(seen.raw)] == seen.raw


def test_a_restricted_number_that_was_marked_not_available_is_refused_with_the_privacys_reason() -> None:
    finding = _judged("presentation", {"presentation": 2})
    assert finding.refusal == REFUSALS[Reason.PRESENTATION_ALTERED]
    assert finding.clause == "47 CFR 64.1601(b)"


def test_two_charge_numbers_that_differ_were_not_both_the_callers() -> None:
    finding = CHECKS["charge_number"].judge(isup_attempt(number(P.CHARGE_NUMBER, "3145550111"), charge="3145550112"))
    assert finding.verdict is Verdict.ALTERED


def test_a_national_number_of_another_country_is_no_reason_to_warn() -> None:
    call = isup_attempt(calling="71375480", nature=1)
    assert CHECKS["calling_number"].judge(call).verdict is Verdict.WARN
    call.variant = Variant.ITU
    assert CHECKS["calling_number"].judge(call).verdict is Verdict.PASS


def test_an_honest_call_by_isup_passes_every_check() -> None:
    honest = isup_attempt(charge="3145550111", line=0, carrier="0288", name="RIVERBEND BAKERY"[:15])
    assert {name: check.judge(honest).verdict for name, check in CHECKS.items()} == dict.fromkeys(CHECKS, Verdict.PASS)


DIGITS = (
    st.none()
    | st.sampled_from(
        [
            NATIONAL_CALLING,
            NATIONAL_CALLED,
            HOST_LRN,
            PORTED_IN,
            DIVERTER,
            GATEWAY_NUMBER,
            "911",
            "411",
            "4711",
            "",
            "B1",
        ]
    )
    | st.text("0123456789BCF", max_size=16)
)
SOME_DIGITS = DIGITS.map(lambda digits: digits or "")


@given(
    calling=DIGITS,
    nature=st.integers(0, 127),
    presentation=st.integers(0, 3),
    screening=st.integers(0, 3),
    called=SOME_DIGITS,
    called_nature=st.integers(0, 127),
    ported=DIGITS,
    m_bit=st.booleans(),
    category=st.sampled_from([0, 10, 15, 0xE0, 0xFF]),
    charge=DIGITS,
    line=st.none() | st.integers(0, 255),
    jip=st.none() | st.text("0123456789ABCDEF", min_size=6, max_size=6),
    redirecting=DIGITS,
    original=DIGITS,
    redirections=st.none() | st.integers(0, 7),
    name=st.none() | st.text("abc \"'", max_size=15),
    hops=st.none() | st.integers(0, 31),
    ingress=st.sampled_from([None, PARTNER_GROUP, HOST_GROUP]),
)
def test_whatever_an_iam_says_every_check_answers_and_names_no_field_of_sip(**facts: Any) -> None:
    try:
        call = isup_attempt(**facts)
    except Malformed:
        return
    for check in CHECKS.values():
        finding = check.judge(call)
        assert finding == check.judge(call)
        assert finding.verdict.violation == (finding.refusal is not None)
        assert (finding.verdict is Verdict.PASS) == (finding.text == "")
        assert not SIP_WORDS.search(finding.text), finding.text
        if finding.verdict.violation:
            clauses, verdicts = REFUSES[finding.check]
            assert finding.clause in clauses
            assert finding.verdict in verdicts
