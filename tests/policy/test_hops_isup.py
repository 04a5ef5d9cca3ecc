"""The same call before and behind a hop where one leg or both are ISUP, or SIP with an IAM in its body."""

from __future__ import annotations

from typing import Any

import pytest
from attempts import CALLED, CALLING, attempt, text_fact
from hypothesis import given
from hypothesis import strategies as st
from iams import JIP, NATIONAL_CALLED, NATIONAL_CALLING, isup_attempt

from gateway.policy.call_attempt import CallAttempt
from gateway.policy.hops import CLAUSE, PRIVACY_CLAUSE, HopFinding, compare_hop
from gateway.policy.verdict import Verdict

OTHER = "3145550111"
LRN, OTHER_LRN = "6365559999", "8165559999"
A, B, C = "6365550123", "6365550124", "6365550125"
DIPPED = {"called": LRN, "ported": NATIONAL_CALLED, "m_bit": True}
SIP_DIPPED = {"rn": LRN, "npdi": True}
NO_DIGITS: dict[str, Any] = {"calling": "", "nature": 2, "presentation": 2}
HIDDEN = {"calling": "anonymous", "asserted": (CALLING,), "privacy": "id"}

PASS, NORMALISED, WARN = Verdict.PASS, Verdict.PASS_NORMALISED, Verdict.WARN
ALTERED, MISSING, FABRICATED = Verdict.ALTERED, Verdict.MISSING, Verdict.FABRICATED

Facts = dict[str, Any]
Row = tuple[Facts, Facts, Verdict, str]


def _sip(*, carrier: str | None = None, hops: int | None = None, **facts: Any) -> CallAttempt:
    call = attempt(**{"calling_rn": JIP + "0000", **facts})
    call.carrier = None if carrier is None else text_fact("Request-URI", carrier)
    call.hops = hops
    return call


def _judged(found: tuple[HopFinding, ...], verdict: Verdict, text: str) -> None:
    assert [one.verdict for one in found] == [verdict], [one.text for one in found]
    assert text in found[0].text
    assert found[0].clause == (PRIVACY_CLAUSE if "privacy" in text else CLAUSE)


ISUP_TO_ISUP: list[Row] = [
    ({}, {}, PASS, ""),
    ({}, {"hops": 19}, PASS, ""),
    ({}, {"calling": "1" + NATIONAL_CALLING, "nature": 4}, NORMALISED, "national before and international behind"),
    ({}, {"calling": OTHER}, ALTERED, f"was {CALLING} in Calling party number and is +1{OTHER}"),
    ({}, {"calling": None}, MISSING, f"{CALLING} in Calling party number is gone"),
    ({}, NO_DIGITS, MISSING, f"{CALLING} in Calling party number is gone"),
    (NO_DIGITS, {}, FABRICATED, "was not there before the hop"),
    ({}, {"presentation": 1}, ALTERED, "privacy was added"),
    ({"presentation": 1}, {}, ALTERED, "privacy was cleared"),
    ({"presentation": 1}, {"presentation": 3}, PASS, ""),
    ({}, {"presentation": 2}, ALTERED, "privacy was added"),
    ({"screening": 0}, {"screening": 3}, ALTERED, "raised from 'user provided, not verified' to 'network provided'"),
    ({"screening": 0}, {"screening": 1}, ALTERED, "was raised"),
    ({"screening": 2}, {"screening": 3}, ALTERED, "was raised"),
    ({"screening": 2}, {"screening": 0}, ALTERED, "failed its verification is gone"),
    ({"screening": 1}, {"screening": 3}, WARN, "the screening of the calling number was"),
    ({"screening": 3}, {"screening": 0}, WARN, "the screening of the calling number was"),
    ({"charge": NATIONAL_CALLING}, {}, PASS, ""),
    ({"charge": OTHER}, {}, MISSING, f"the charge number +1{OTHER} differs"),
    ({"charge": OTHER}, {"charge": "3145550112"}, ALTERED, "the charge number was"),
    ({}, {"charge": OTHER}, FABRICATED, "was not there before the hop"),
    ({"line": 27}, {"line": 0}, ALTERED, "line information was 27 and is 00"),
    ({"line": 7}, {}, MISSING, "line information 07 is gone"),
    ({"line": 0}, {}, WARN, "line information 00 is gone"),
    ({}, {"line": 7}, WARN, "line information 07 was not there"),
    ({}, {"jip": "816555"}, ALTERED, "jurisdiction was 314555 and is 816555"),
    ({}, {"jip": None}, WARN, "jurisdiction 314555 is gone"),
    ({"jip": None}, {}, WARN, "jurisdiction 314555 was not there"),
    ({}, {"called": OTHER}, ALTERED, f"the called number was {CALLED} and is +1{OTHER}"),
    ({}, {"called": "", "called_nature": 0x74}, MISSING, "the called number"),
    ({}, DIPPED, PASS, ""),
    ({}, {"m_bit": True}, PASS, ""),
    ({}, {"called": LRN, "m_bit": True}, ALTERED, "the LRN took the place of the dialled digits"),
    (DIPPED, {"called": LRN, "m_bit": True}, ALTERED, "the LRN took the place of the dialled digits"),
    (DIPPED, {}, ALTERED, "the dip was undone"),
    (DIPPED, {**DIPPED, "called": OTHER_LRN}, ALTERED, "the routing number was"),
    (DIPPED, {**DIPPED, "m_bit": False}, ALTERED, "the M bit of the Forward call indicators was taken out"),
    ({"m_bit": True}, {}, ALTERED, "the M bit of the Forward call indicators was taken out"),
    ({"category": 15}, {}, ALTERED, "category was payphone and is ordinary"),
    ({"category": 0xE0}, {}, ALTERED, "category was emergency and is ordinary"),
    ({}, {"category": 0x0B}, WARN, "category was ordinary and is priority"),
    ({"name": "RIVERBEND"}, {}, PASS, ""),
    ({"name": "RIVERBEND"}, {"name": "Riverbend"}, PASS, ""),
    ({}, {"name": "RIVERBEND"}, FABRICATED, "name 'RIVERBEND' was not there"),
    ({"name": "RIVERBEND"}, {"name": "YOUR BANK"}, FABRICATED, "was 'RIVERBEND' and is 'YOUR BANK'"),
    ({}, {"name": "UNAVAILABLE"}, PASS, ""),
    ({"carrier": "0288"}, {}, PASS, ""),
    ({}, {"carrier": "0288"}, FABRICATED, "the carrier 288 was not there"),
    ({"carrier": "0288"}, {"carrier": "0333"}, ALTERED, "the carrier was 288 and is 333"),
    ({}, {"hops": 21}, ALTERED, "the hop counter was 20 and is 21"),
    ({}, {"hops": None}, WARN, "the hop counter 20 is gone"),
    ({"hops": None}, {}, PASS, ""),
    ({}, {"redirecting": A, "original": A, "redirections": 1}, PASS, ""),
    (
        {"redirecting": A, "original": A, "redirections": 1},
        {"redirecting": B, "original": A, "redirections": 2},
        PASS,
        "",
    ),
    (
        {"redirecting": B, "original": A, "redirections": 2},
        {"redirecting": C, "original": A, "redirections": 3},
        PASS,
        "",
    ),
    (
        {"redirecting": B, "original": A, "redirections": 2},
        {"redirecting": C, "original": A, "redirections": 2},
        MISSING,
        f"the last diverting number {B} is gone",
    ),
    ({"redirecting": B, "original": A, "redirections": 2}, {}, MISSING, f"are gone behind the hop: {A}, {B}"),
    (
        {"redirecting": B, "original": A, "redirections": 2},
        {"redirecting": B, "redirections": 2},
        MISSING,
        f"the first diverting number {A} is gone behind the hop; {B} stands in its place",
    ),
    (
        {"redirecting": B, "original": A, "redirections": 2},
        {"redirecting": A, "original": B, "redirections": 2},
        ALTERED,
        "stand in another order",
    ),
]


@pytest.mark.parametrize(("before", "after", "verdict", "text"), ISUP_TO_ISUP)
def test_what_a_hop_changed_between_circuits(before: Facts, after: Facts, verdict: Verdict, text: str) -> None:
    _judged(compare_hop(isup_attempt(**before), isup_attempt(**after)), verdict, text)


ISUP_TO_SIP: list[Row] = [
    ({}, {}, PASS, ""),
    ({}, {"calling_rn": "+1" + JIP}, PASS, ""),
    ({}, {"calling_rn": None}, WARN, "jurisdiction 314555 is gone"),
    ({}, {"calling_rn": LRN}, ALTERED, "jurisdiction was 314555 and is 636555"),
    ({}, {"calling": "+1" + OTHER}, ALTERED, f"was {CALLING} in Calling party number and is +1{OTHER} in P-Asserted"),
    ({}, {"calling": "unavailable", "asserted": ()}, MISSING, f"{CALLING} in Calling party number is gone"),
    ({"calling": None}, {}, FABRICATED, f"{CALLING} in P-Asserted-Identity was not there"),
    ({"presentation": 1}, HIDDEN, PASS, ""),
    ({"presentation": 1}, {"privacy": "id"}, PASS, ""),
    ({"presentation": 1}, {}, ALTERED, "privacy was cleared"),
    ({}, HIDDEN, ALTERED, "privacy was added"),
    ({"screening": 3}, {"asserted": ()}, PASS, ""),
    ({"screening": 1}, {}, PASS, ""),
    ({"screening": 0}, {"asserted": ()}, PASS, ""),
    ({"screening": 0}, {}, ALTERED, "to the network's word in P-Asserted-Identity"),
    ({"screening": 2}, {}, ALTERED, "to the network's word in P-Asserted-Identity"),
    ({"charge": OTHER}, {"charge": ("+1" + OTHER,)}, PASS, ""),
    ({"charge": OTHER}, {}, MISSING, "differs from the calling number and is gone"),
    ({"line": 27, "category": 15}, {"line": "27"}, PASS, ""),
    ({"line": 7}, {"line": "7"}, PASS, ""),
    ({"line": 7}, {"line": "00"}, ALTERED, "was 07 and is 00"),
    ({"line": 0}, {}, WARN, "00 is gone"),
    ({"category": 15}, {"category": "payphone"}, PASS, ""),
    ({"category": 15}, {}, MISSING, "category payphone is gone"),
    ({"category": 0xE1}, {"category": "225"}, PASS, ""),
    ({"category": 3}, {"category": "3"}, PASS, ""),
    ({"called": "911"}, {"called": "sos", "emergency": True}, PASS, ""),
    (DIPPED, SIP_DIPPED, PASS, ""),
    (DIPPED, {"called": "+1" + LRN, "npdi": True}, ALTERED, f"the called number was {CALLED} and is +1{LRN}"),
    (DIPPED, {}, ALTERED, "the dip was undone"),
    ({"m_bit": True}, {}, ALTERED, "the M bit of the Forward call indicators was taken out"),
    ({"redirecting": B, "original": A, "redirections": 2}, {"diversions": (B, A)}, PASS, ""),
    ({"redirecting": B, "original": A, "redirections": 2}, {"diversions": (C, B, A)}, PASS, ""),
    ({"redirecting": B, "original": A, "redirections": 2}, {"history": (A, B, CALLED)}, PASS, ""),
    (
        {"redirecting": B, "original": A, "redirections": 2},
        {"diversions": (A,)},
        MISSING,
        f"the last diverting number {B}",
    ),
    ({"redirecting": A, "redirections": 1}, {}, MISSING, f"are gone behind the hop: {A}"),
    ({"name": "RIVERBEND BAKER"}, {"display_name": '"Riverbend Bakery"'}, PASS, ""),
    ({}, {"display_name": '"Riverbend Bakery"'}, FABRICATED, "name 'Riverbend Bakery' was not there"),
    ({"carrier": "0288"}, {"carrier": "0288"}, PASS, ""),
    ({"hops": 20}, {"hops": 70}, PASS, ""),
]


@pytest.mark.parametrize(("before", "after", "verdict", "text"), ISUP_TO_SIP)
def test_what_a_hop_changed_from_a_circuit_to_sip(before: Facts, after: Facts, verdict: Verdict, text: str) -> None:
    _judged(compare_hop(isup_attempt(**before), _sip(**after)), verdict, text)


SIP_TO_ISUP: list[Row] = [
    ({}, {}, PASS, ""),
    ({"calling_rn": None}, {}, PASS, ""),
    ({}, {"jip": None}, WARN, "jurisdiction 314555 is gone"),
    ({}, {"jip": "816555"}, ALTERED, "jurisdiction was 314555 and is 816555"),
    ({}, {"calling": OTHER}, ALTERED, f"was {CALLING} in P-Asserted-Identity and is +1{OTHER} in Calling party number"),
    ({}, {"calling": None}, MISSING, f"{CALLING} in P-Asserted-Identity is gone"),
    ({"privacy": "id"}, {"presentation": 1}, PASS, ""),
    ({"privacy": "id"}, {}, ALTERED, "privacy was cleared"),
    ({}, {"presentation": 1}, ALTERED, "privacy was added"),
    ({"asserted": ()}, {"screening": 0}, PASS, ""),
    ({"asserted": ()}, {"screening": 3}, WARN, "stood in From only, the caller's word"),
    ({}, {"screening": 1}, PASS, ""),
    ({}, {"screening": 0}, PASS, ""),
    ({"charge": ("+1" + OTHER,)}, {"charge": OTHER}, PASS, ""),
    ({"charge": ("+1" + OTHER,)}, {"charge": NATIONAL_CALLING}, ALTERED, "the charge number was"),
    ({"line": "62"}, {"line": 62}, PASS, ""),
    ({"line": "62"}, {}, MISSING, "62 is gone"),
    (SIP_DIPPED, DIPPED, PASS, ""),
    (SIP_DIPPED, {"called": LRN, "m_bit": True}, ALTERED, "the LRN took the place of the dialled digits"),
    (SIP_DIPPED, {**DIPPED, "m_bit": False}, ALTERED, "npdi was taken out"),
    ({"called": "sos", "emergency": True}, {"called": "911"}, PASS, ""),
    ({"diversions": (C, B, A)}, {"redirecting": C, "original": A, "redirections": 3}, PASS, ""),
    (
        {"diversions": (C, B, A)},
        {"redirecting": B, "original": A, "redirections": 3},
        MISSING,
        f"the last diverting number {C}",
    ),
    ({"diversions": (A,)}, {"redirecting": B, "redirections": 1}, MISSING, f"the first diverting number {A} is gone"),
    ({"history": (A, B, CALLED)}, {"redirecting": B, "original": A, "redirections": 2}, PASS, ""),
    ({"display_name": '"Riverbend Bakery"'}, {"name": "RIVERBEND BAKER"}, PASS, ""),
    ({"hops": 70}, {"hops": 31}, PASS, ""),
]


@pytest.mark.parametrize(("before", "after", "verdict", "text"), SIP_TO_ISUP)
def test_what_a_hop_changed_from_sip_to_a_circuit(before: Facts, after: Facts, verdict: Verdict, text: str) -> None:
    _judged(compare_hop(_sip(**before), isup_attempt(**after)), verdict, text)


def _with_body(body: Facts | None, unreadable: str | None = None, **headers: Any) -> CallAttempt:
    call = _sip(**headers)
    call.encapsulated = None if body is None else isup_attempt(**body)
    if unreadable is not None:
        call.unreadable_body = text_fact("application/isup", "x", 700)._replace(value=unreadable)
    return call


CHARGED = {"charge": OTHER, "line": 62}


@pytest.mark.parametrize(
    ("before", "after", "verdict", "text"),
    [
        (_with_body({}), _with_body({"hops": 19}), PASS, ""),
        (_with_body(CHARGED), _with_body({"line": 62}), MISSING, "in the ISUP body: the charge number"),
        (_with_body({}), _sip(), WARN, "the ISUP body is gone"),
        (_with_body({}), _with_body(None, "it ends early"), ALTERED, "cannot be read any more: it ends early"),
        (_sip(), _with_body({}), PASS, ""),
        (isup_attempt(**CHARGED), _with_body(CHARGED), PASS, ""),
        (isup_attempt(**CHARGED), _with_body({"charge": OTHER, "line": 27}), ALTERED, "was 62 and is 27"),
        (isup_attempt(**CHARGED), _with_body(CHARGED, called="+1" + OTHER), ALTERED, f"is +1{OTHER}"),
        (_with_body(CHARGED), isup_attempt(**CHARGED), PASS, ""),
        (_with_body(CHARGED), isup_attempt(charge=OTHER), MISSING, "line information 62 is gone"),
        (_with_body({"calling": None}), isup_attempt(calling=None), MISSING, "in P-Asserted-Identity is gone"),
    ],
)
def test_what_a_hop_changed_where_an_iam_is_in_the_body(
    before: CallAttempt, after: CallAttempt, verdict: Verdict, text: str
) -> None:
    _judged(compare_hop(before, after), verdict, text)


def test_both_sides_of_a_change_are_shown_where_they_stand() -> None:
    (found,) = compare_hop(isup_attempt(line=27), isup_attempt(line=62))
    assert [(seen.field, seen.raw) for seen in (*found.before, *found.after)] == [
        ("Originating line information", b"\x1b"),
        ("Originating line information", b"\x3e"),
    ]
    (found,) = compare_hop(isup_attempt(), isup_attempt(calling=None))
    assert (len(found.before), found.after) == (1, ())


DIGITS = st.none() | st.sampled_from([NATIONAL_CALLING, OTHER, LRN, A, B, ""])
CALLS = st.fixed_dictionaries(
    {
        "calling": DIGITS,
        "presentation": st.integers(0, 3),
        "screening": st.integers(0, 3),
        "called": DIGITS.map(lambda digits: digits or ""),
        "ported": DIGITS,
        "m_bit": st.booleans(),
        "category": st.sampled_from([10, 11, 15, 0xE0]),
        "charge": DIGITS,
        "line": st.none() | st.sampled_from([0, 7, 27]),
        "jip": st.none() | st.sampled_from([JIP, "816555"]),
        "redirecting": DIGITS,
        "original": DIGITS,
        "redirections": st.none() | st.integers(0, 3),
        "name": st.none() | st.sampled_from(["RIVERBEND", "PRIVATE"]),
        "carrier": st.none() | st.sampled_from(["0288", "0333"]),
        "hops": st.none() | st.integers(0, 31),
    }
)


@given(CALLS)
def test_a_hop_that_changes_nothing_of_an_iam_passes(call: Facts) -> None:
    assert [found.verdict for found in compare_hop(isup_attempt(**call), isup_attempt(**call))] == [PASS]


@given(CALLS, CALLS)
def test_whatever_a_hop_does_to_an_iam_the_change_is_told_with_a_text(one: Facts, other: Facts) -> None:
    before, after = isup_attempt(**one), isup_attempt(**other)
    for found in compare_hop(before, after):
        assert (found.verdict is PASS) == (found.text == "")
    for mixed in (compare_hop(before, _sip()), compare_hop(_sip(), after)):
        assert mixed
