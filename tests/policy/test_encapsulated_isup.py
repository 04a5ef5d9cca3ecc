"""The IAM in an INVITE's body against the INVITE's header fields, fact by fact."""

from __future__ import annotations

from typing import Any

import pytest
from attempts import CALLING, attempt, text_fact
from iams import NATIONAL_CALLED, NATIONAL_CALLING, isup_attempt

from gateway.policy.call_attempt import CallAttempt
from gateway.policy.checks.charge_number import ChargeNumber
from gateway.policy.checks.diversion import DivertingNumbers
from gateway.policy.checks.encapsulated_isup import EncapsulatedIsup
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Verdict

CHECK = EncapsulatedIsup()
OTHER, LRN, OTHER_LRN = "+13145550111", "6365559999", "8165559999"
DIVERTER, SECOND_DIVERTER = "+16365550123", "+16365550124"
HIDDEN = {"calling": "anonymous", "asserted": (CALLING,), "privacy": "id"}
NOBODY = {"calling": "anonymous", "asserted": (), "privacy": "id"}
DIPPED_BODY = {"called": LRN, "ported": NATIONAL_CALLED, "m_bit": True}
PASS, WARN, ALTERED = Verdict.PASS, Verdict.WARN, Verdict.ALTERED


def _call(headers: dict[str, Any], body: dict[str, Any]) -> CallAttempt:
    carrier = headers.pop("carrier", None) if "carrier" in headers else None
    call = attempt(**headers)
    if carrier is not None:
        call.carrier = text_fact("Request-URI", carrier)
    call.encapsulated = isup_attempt(**body)
    return call


ROWS: list[tuple[str, dict[str, Any], dict[str, Any], Verdict, str]] = [
    ("agreed", {}, {}, PASS, ""),
    (
        "all agreed",
        {"charge": (OTHER,), "line": "27", "calling_rn": LRN},
        {"charge": OTHER[2:], "line": 27, "jip": LRN[:6]},
        PASS,
        "",
    ),
    ("only the body says more", {}, {"charge": OTHER[2:], "line": 7, "carrier": "0288", "name": "RIVERBEND"}, PASS, ""),
    (
        "another caller in the header",
        {"calling": OTHER},
        {},
        ALTERED,
        f"calling number is {CALLING} by the ISUP body and",
    ),
    ("another caller asserted", {"asserted": (OTHER,)}, {}, ALTERED, f"{OTHER} by the SIP header fields"),
    ("no caller in the body", {}, {"calling": None}, WARN, "only the SIP header fields carry a calling number"),
    ("no caller in the header", NOBODY, {"presentation": 1}, WARN, "only the ISUP body carries a calling number"),
    ("restricted in both", HIDDEN, {"presentation": 1}, PASS, ""),
    ("restricted in the header", HIDDEN, {}, ALTERED, "is not restricted by the ISUP body and restricted by the SIP"),
    (
        "restricted in the body",
        {},
        {"presentation": 1},
        ALTERED,
        "is restricted by the ISUP body and not restricted by",
    ),
    (
        "not available in the body, and there",
        {},
        {"presentation": 2},
        ALTERED,
        "is restricted by the ISUP body and not",
    ),
    ("not available in the body", {}, {"calling": "", "presentation": 2}, WARN, "only the SIP header fields"),
    ("another number called", {"called": OTHER}, {}, ALTERED, "the called number is"),
    ("911 in both", {"called": "sos", "emergency": True}, {"called": "911"}, PASS, ""),
    ("911 in the body", {}, {"called": "911"}, ALTERED, "the called number is an emergency service by the ISUP body"),
    ("a dip in both", {"rn": LRN, "npdi": True}, DIPPED_BODY, PASS, ""),
    ("a dip behind the body", {"rn": LRN, "npdi": True}, {}, PASS, ""),
    ("a dip undone", {}, DIPPED_BODY, ALTERED, "the Request-URI has no npdi"),
    ("another LRN", {"rn": OTHER_LRN, "npdi": True}, DIPPED_BODY, ALTERED, "the routing number is"),
    (
        "dialled digits lost in the body",
        {"rn": LRN, "npdi": True},
        {"called": LRN, "m_bit": True},
        ALTERED,
        "the called number",
    ),
    ("another charge number", {"charge": (OTHER,)}, {"charge": "3145550112"}, ALTERED, "the charge number is"),
    (
        "another line",
        {"line": "00"},
        {"line": 27},
        ALTERED,
        "originating line information is 27 by the ISUP body and 00",
    ),
    (
        "another jurisdiction",
        {"calling_rn": LRN},
        {},
        ALTERED,
        "the jurisdiction is 314555 by the ISUP body and 636555",
    ),
    ("another category", {"category": "payphone"}, {}, ALTERED, "category is ordinary by the ISUP body and payphone"),
    ("the category again", {"category": "payphone"}, {"category": 15}, PASS, ""),
    (
        "another carrier",
        {"carrier": "0333"},
        {"carrier": "0288"},
        ALTERED,
        "the carrier is 288 by the ISUP body and 333",
    ),
    ("the carrier in four digits", {"carrier": "0288"}, {"carrier": "0288"}, PASS, ""),
    (
        "another diverter",
        {"diversions": (DIVERTER,)},
        {"redirecting": SECOND_DIVERTER[2:]},
        ALTERED,
        "first diverting number",
    ),
    ("diverted again behind", {"diversions": (SECOND_DIVERTER, DIVERTER)}, {"redirecting": DIVERTER[2:]}, PASS, ""),
    ("nobody verified it", {}, {"screening": 0}, WARN, "P-Asserted-Identity gives +13145550100 as the network's"),
    ("it failed", {}, {"screening": 2}, WARN, "did not verify it"),
    ("the user's word in both", {"asserted": ()}, {"screening": 0}, PASS, ""),
]


@pytest.mark.parametrize(
    ("headers", "body", "verdict", "text"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_the_body_and_the_header_fields_say_one_thing(
    headers: dict[str, Any], body: dict[str, Any], verdict: Verdict, text: str
) -> None:
    finding = CHECK.judge(_call(dict(headers), body))
    assert finding.verdict is verdict, finding.text
    assert text in finding.text
    assert (finding.refusal == REFUSALS[Reason.ENCAPSULATED_ALTERED]) == (verdict is ALTERED)


def test_both_readings_are_shown_where_they_stand() -> None:
    finding = CHECK.judge(_call({"called": OTHER}, {}))
    assert [(seen.field, seen.raw[-2:]) for seen in finding.evidence] == [
        ("Called party number", b"\x10\x99"),
        ("Request-URI", b"om"),
    ]


def test_a_body_that_can_not_be_read_is_a_warning() -> None:
    call = attempt()
    call.unreadable_body = text_fact("application/isup", "x", 700)._replace(value="the message ends early")
    finding = CHECK.judge(call)
    assert (finding.verdict, finding.refusal) == (WARN, None)
    assert finding.text.endswith("compared to nothing: the message ends early")
    assert [(seen.field, seen.offset) for seen in finding.evidence] == [("application/isup", 700)]


def test_a_call_without_a_body_passes() -> None:
    assert CHECK.judge(attempt()).verdict is PASS
    assert CHECK.judge(isup_attempt(calling=NATIONAL_CALLING)).verdict is PASS


SWITCH_NUMBER = "3145550999"
ALONE: list[tuple[ChargeNumber | DivertingNumbers, dict[str, Any], dict[str, Any], Verdict]] = [
    (ChargeNumber([SWITCH_NUMBER]), {}, {"charge": OTHER[2:]}, PASS),
    (ChargeNumber([SWITCH_NUMBER]), {}, {"charge": SWITCH_NUMBER}, Verdict.FABRICATED),
    (ChargeNumber([SWITCH_NUMBER]), {}, {"charge": "1115550100"}, Verdict.FABRICATED),
    (ChargeNumber([SWITCH_NUMBER]), {"charge": (OTHER,)}, {"charge": SWITCH_NUMBER}, PASS),
    (DivertingNumbers(), {}, {"redirecting": DIVERTER[2:]}, PASS),
    (DivertingNumbers(), {}, {"redirecting": CALLING[2:]}, ALTERED),
    (DivertingNumbers(), {}, {"redirecting": DIVERTER[2:], "original": OTHER[2:], "redirections": 1}, ALTERED),
    (DivertingNumbers(), {"diversions": (DIVERTER,)}, {"redirecting": CALLING[2:]}, PASS),
]


@pytest.mark.parametrize(("check", "headers", "body", "verdict"), ALONE)
def test_what_the_body_alone_says_is_judged_as_if_the_header_fields_said_it(
    check: ChargeNumber | DivertingNumbers, headers: dict[str, Any], body: dict[str, Any], verdict: Verdict
) -> None:
    finding = check.judge(_call(dict(headers), body))
    assert finding.verdict is verdict, finding.text
