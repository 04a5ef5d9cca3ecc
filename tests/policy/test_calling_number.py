"""The calling number within one message (L7, 47 CFR 64.1601(a)): every row that one SIP message can show."""

from __future__ import annotations

from typing import Any

import pytest
from attempts import CALLED, CALLING, HOST_GROUP, attempt, identity
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.checks.calling_number import CallingNumber
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Verdict

GATEWAY_NUMBER = "+13145550999"
CHECK = CallingNumber([GATEWAY_NUMBER])

HONEST = [
    ("all fields agree", {}),
    ("From alone", {"asserted": ()}),
    ("sip and tel asserted", {"asserted": (CALLING, CALLING)}),
    ("anonymous From, digits asserted", {"calling": "anonymous", "asserted": (CALLING,)}),
    ("unavailable From, digits asserted", {"calling": "unavailable", "asserted": (CALLING,)}),
    ("restricted with the digits in From", {"privacy": "id"}),
    ("a name asserted, the digits in From", {"asserted": ("anonymous",)}),
    ("signed by the originator", {"identities": (identity(),)}),
    ("signed without the country code", {"identities": (identity(orig="3145550100"),)}),
    ("a foreign number", {"calling": "+442079460000"}),
    ("a foreign number, signed", {"calling": "+442079460000", "identities": (identity(orig="442079460000"),)}),
    ("an unreadable PASSporT is for another check", {"identities": (identity()._replace(raw=b"nonsense"),)}),
    ("an ordinary caller", {"category": "ordinary", "line": "00"}),
    ("charge number differs", {"charge": ("+13145550222",)}),
]


@pytest.mark.parametrize("facts", [facts for _, facts in HONEST], ids=[name for name, _ in HONEST])
def test_an_honest_calling_number_passes(facts: dict[str, Any]) -> None:
    assert CHECK.judge(attempt(**facts)).verdict is Verdict.PASS


def test_an_honest_call_costs_no_new_finding() -> None:
    assert CHECK.judge(attempt()) is CHECK.judge(attempt(asserted=()))


NORMALISED = [
    ("ten digits in From", {"calling": "3145550100", "asserted": (CALLING,)}),
    ("eleven digits asserted", {"asserted": ("13145550100",)}),
    ("separators asserted", {"asserted": ("(314) 555-0100",)}),
    ("tel in national form", {"asserted": (CALLING, "314-555-0100")}),
]


@pytest.mark.parametrize("facts", [facts for _, facts in NORMALISED], ids=[name for name, _ in NORMALISED])
def test_two_spellings_of_one_number_pass_as_normalised(facts: dict[str, Any]) -> None:
    finding = CHECK.judge(attempt(**facts))
    assert finding.verdict is Verdict.PASS_NORMALISED
    assert len(finding.evidence) == 2
    assert finding.refusal is None


ALTERED = [
    ("a digit changed", {"asserted": ("+13145550101",)}, "From"),
    ("a digit dropped", {"asserted": ("+1314555010",)}, "From"),
    ("the area code dropped", {"calling": "5550100", "asserted": (CALLING,)}, "From"),
    ("sip and tel differ", {"asserted": (CALLING, "+13145550101")}, "P-Asserted-Identity"),
    ("another number than signed", {"identities": (identity(orig="13145550101"),)}, "Identity"),
    ("the second PASSporT differs", {"identities": (identity(), identity(orig="13145550101"))}, "Identity"),
    ("a foreign number with the same digits", {"calling": "+3145550100", "asserted": ("3145550100",)}, "From"),
    (
        "restricted, but not the number signed",
        {"calling": "anonymous", "asserted": (CALLING,), "identities": (identity(orig="13145550101"),)},
        "Identity",
    ),
    ("altered on a payphone's call", {"asserted": ("+13145550101",), "category": "payphone"}, "From"),
]


@pytest.mark.parametrize(("facts", "field"), [row[1:] for row in ALTERED], ids=[row[0] for row in ALTERED])
def test_fields_that_name_different_numbers_are_an_alteration(facts: dict[str, Any], field: str) -> None:
    finding = CHECK.judge(attempt(**facts))
    assert finding.verdict is Verdict.ALTERED
    assert finding.clause == "L7"
    assert finding.refusal == REFUSALS[Reason.CPN_ALTERED]
    assert field in {seen.field for seen in finding.evidence}
    assert len(finding.evidence) == 2


def test_the_evidence_of_an_alteration_has_the_bytes_of_both_fields_and_where_they_stand() -> None:
    finding = CHECK.judge(attempt(asserted=("+13145550101",)))
    assert [(seen.field, seen.raw, seen.offset) for seen in finding.evidence] == [
        ("P-Asserted-Identity", b"<sip:+13145550101@example.com>", 200),
        ("From", b"<sip:+13145550100@example.com>", 100),
    ]
    assert "+13145550100" in finding.text
    assert "+13145550101" in finding.text


MISSING = [
    ("unavailable, as gateways write it", {"calling": "unavailable"}),
    ("anonymous and nothing asserted", {"calling": "anonymous", "asserted": ()}),
    ("a name", {"calling": "voi18062", "asserted": ()}),
    ("privacy took the digits out", {"calling": "anonymous", "asserted": (), "privacy": "id"}),
    ("an ordinary line", {"calling": "anonymous", "category": "ordinary", "line": "00"}),
]


@pytest.mark.parametrize("facts", [facts for _, facts in MISSING], ids=[name for name, _ in MISSING])
def test_a_call_without_a_calling_number_is_missing_it(facts: dict[str, Any]) -> None:
    finding = CHECK.judge(attempt(**facts))
    assert finding.verdict is Verdict.MISSING
    assert finding.refusal == REFUSALS[Reason.CPN_MISSING]
    assert finding.evidence[0].field == "From"


def test_a_number_that_only_the_passport_still_names_was_taken_out() -> None:
    finding = CHECK.judge(attempt(calling="anonymous", asserted=(), identities=(identity(),)))
    assert finding.verdict is Verdict.MISSING
    assert "13145550100" in finding.text
    assert finding.evidence[-1].field == "Identity"


FABRICATED = [
    ("the called number", {"calling": CALLED}),
    ("the called number in ten digits", {"calling": CALLED[2:]}),
    ("a gateway's own", {"calling": GATEWAY_NUMBER}),
    ("a gateway's own in ten digits", {"calling": GATEWAY_NUMBER[2:]}),
    ("an area code from 1", {"calling": "+11145550100"}),
    ("an exchange from 0", {"calling": "3140550100"}),
    ("an N11 area code in full form", {"calling": "+12115550100"}),
    ("an N11 exchange", {"calling": "3149110100"}),
    ("a service code", {"calling": "911"}),
    ("an extension from a partner's trunks", {"calling": "1001"}),
]


@pytest.mark.parametrize("facts", [facts for _, facts in FABRICATED], ids=[name for name, _ in FABRICATED])
def test_a_number_that_is_nobodys_is_fabricated(facts: dict[str, Any]) -> None:
    finding = CHECK.judge(attempt(**facts))
    assert finding.verdict is Verdict.FABRICATED
    assert finding.refusal == REFUSALS[Reason.CPN_FABRICATED]


WARNED = [
    ("a foreign number without +", {"calling": "35104723"}),
    ("an extension elsewhere than on a partner's trunks", {"calling": "816666", "ingress": None}),
    ("an extension from a host switch", {"calling": "1001", "ingress": HOST_GROUP}),
    ("an extension in From beside the number", {"calling": "1001", "asserted": (CALLING,)}),
]


@pytest.mark.parametrize("facts", [facts for _, facts in WARNED], ids=[name for name, _ in WARNED])
def test_digits_of_no_plan_are_a_warning(facts: dict[str, Any]) -> None:
    finding = CHECK.judge(attempt(**facts))
    assert finding.verdict is Verdict.WARN
    assert finding.refusal is None


EXEMPT = [
    ("payphone without a number", {"calling": "anonymous", "category": "payphone"}, "(d)(1)"),
    ("payphone with its number", {"category": "payphone"}, "(d)(1)"),
    ("parameter with its name", {"category": "cpc=payphone"}, "(d)(1)"),
    ("coin line", {"calling": "anonymous", "line": "27"}, "(d)(1)"),
    ("private coin line", {"calling": "anonymous", "line": "70"}, "(d)(1)"),
    ("911 without a number", {"calling": "anonymous", "called": "911", "emergency": True}, "(d)(4)(ii)"),
    ("911 with its number", {"called": "911", "emergency": True}, "(d)(4)(ii)"),
]


@pytest.mark.parametrize(("facts", "paragraph"), [row[1:] for row in EXEMPT], ids=[row[0] for row in EXEMPT])
def test_a_call_under_an_exemption_is_exempt_by_its_paragraph_and_never_a_pass(
    facts: dict[str, Any], paragraph: str
) -> None:
    finding = CHECK.judge(attempt(**facts))
    assert finding.verdict is Verdict.EXEMPT
    assert finding.clause == f"47 CFR 64.1601{paragraph}"


def _valid(npa: str, nxx: str, line: int) -> str:
    return f"{npa}{nxx}{line:04}"


NUMBERS = st.builds(
    _valid, st.sampled_from(["314", "636", "573"]), st.sampled_from(["555", "327", "441"]), st.integers(0, 9999)
)


@given(NUMBERS, NUMBERS)
def test_the_verdict_depends_on_the_digits_and_not_on_their_spelling(one: str, two: str) -> None:
    spellings = [two, f"+1{two}", f"1{two}", f"({two[:3]}) {two[3:6]}-{two[6:]}"]
    for spelling in spellings:
        verdict = CHECK.judge(attempt(calling=f"+1{one}", asserted=(spelling,), called="+12025550123")).verdict
        agreed = verdict in (Verdict.PASS, Verdict.PASS_NORMALISED)
        fabricated = two == GATEWAY_NUMBER[2:] and one == two
        assert agreed == (one == two and not fabricated)


@pytest.mark.parametrize("asserted", [("+1314 555 019x",), (CALLING, "+1314555019x"), ("trunk-3145550199",)])
def test_asserted_digits_that_cannot_be_read_are_not_passed_over(asserted: tuple[str, ...]) -> None:
    finding = CHECK.judge(attempt(asserted=asserted))
    assert finding.verdict is Verdict.WARN
    assert finding.evidence[0].field == "P-Asserted-Identity"
    assert finding.refusal is None
