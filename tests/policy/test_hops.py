"""The same call before and behind a hop."""

from __future__ import annotations

from typing import Any

import pytest
from attempts import CALLED, CALLING, attempt
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.hops import CLAUSE, PRIVACY_CLAUSE, compare_hop
from gateway.policy.verdict import Verdict

OTHER = "+13145550111"
LRN = "6363270000"
DIVERTER, SECOND_DIVERTER = "+16365550123", "+16365550124"
DIGITS, OTHER_DIGITS = CALLING.removeprefix("+1"), OTHER.removeprefix("+1")

Fields = dict[str, Any]


@pytest.mark.parametrize(
    ("before", "after", "verdict", "text"),
    [
        ({}, {}, Verdict.PASS, ""),
        ({"calling": DIGITS}, {}, Verdict.PASS_NORMALISED, "is spelt national before and international behind"),
        ({}, {"calling": OTHER}, Verdict.ALTERED, f"was {CALLING} in P-Asserted-Identity and is {OTHER}"),
        ({}, {"asserted": (OTHER,)}, Verdict.ALTERED, f"was {CALLING} in P-Asserted-Identity and is {OTHER}"),
        ({}, {"calling": OTHER, "asserted": (CALLING,)}, Verdict.ALTERED, f"From was {CALLING} and is {OTHER}"),
        ({}, {"calling": "unavailable", "asserted": ()}, Verdict.MISSING, f"{CALLING} in P-Asserted-Identity is gone"),
        (
            {"calling": "unavailable", "asserted": ()},
            {},
            Verdict.FABRICATED,
            f"{CALLING} in P-Asserted-Identity was not",
        ),
        ({"asserted": ()}, {}, Verdict.WARN, "asserts it as the network's"),
        ({}, {"asserted": ()}, Verdict.PASS_NORMALISED, "moved from P-Asserted-Identity to From"),
        ({}, {"calling": "anonymous", "asserted": (CALLING,)}, Verdict.ALTERED, "privacy was added"),
        ({"privacy": "id"}, {}, Verdict.ALTERED, "privacy was cleared"),
        ({"privacy": "none"}, {}, Verdict.PASS, ""),
        (
            {"privacy": "id"},
            {"calling": "anonymous", "asserted": (CALLING,), "privacy": "user;id"},
            Verdict.PASS,
            "",
        ),
        ({"called": CALLED[2:]}, {}, Verdict.PASS_NORMALISED, "called number"),
        ({}, {"called": OTHER}, Verdict.ALTERED, f"the called number was {CALLED} and is {OTHER}"),
        ({}, {"called": "ivr"}, Verdict.MISSING, "the called number"),
        ({}, {"rn": LRN, "npdi": True}, Verdict.PASS, ""),
        ({}, {"called": LRN, "rn": LRN, "npdi": True}, Verdict.ALTERED, "the LRN took the place of the dialled digits"),
        ({"rn": LRN, "npdi": True}, {}, Verdict.ALTERED, "the dip was undone"),
        ({"rn": LRN, "npdi": True}, {"rn": "6363320000", "npdi": True}, Verdict.ALTERED, "the routing number was"),
        ({"npdi": True}, {}, Verdict.ALTERED, "npdi was taken out"),
        ({"called": "911", "emergency": True}, {"called": "sos", "emergency": True}, Verdict.PASS, ""),
        ({"charge": (CALLING,)}, {}, Verdict.PASS, ""),
        ({"charge": (OTHER,)}, {}, Verdict.MISSING, f"the charge number {OTHER} differs"),
        ({"charge": (OTHER,)}, {"charge": (OTHER_DIGITS,)}, Verdict.PASS, ""),
        ({"charge": (OTHER,)}, {"charge": (CALLING,)}, Verdict.ALTERED, "the charge number was"),
        ({}, {"charge": (CALLING,)}, Verdict.PASS, ""),
        ({}, {"charge": (OTHER,)}, Verdict.FABRICATED, f"the charge number {OTHER} was not there"),
        ({}, {"diversions": (DIVERTER,)}, Verdict.PASS, ""),
        ({"diversions": (DIVERTER,)}, {"diversions": (SECOND_DIVERTER, DIVERTER)}, Verdict.PASS, ""),
        ({"diversions": (DIVERTER,)}, {}, Verdict.MISSING, "Diversion has lost 6365550123"),
        (
            {"diversions": (DIVERTER,)},
            {"diversions": (DIVERTER, SECOND_DIVERTER)},
            Verdict.ALTERED,
            "stand in another order",
        ),
        ({"history": (DIVERTER,)}, {"history": (DIVERTER, CALLED)}, Verdict.PASS, ""),
        ({"history": (DIVERTER, CALLED)}, {"history": (CALLED,)}, Verdict.MISSING, "History-Info has lost 6365550123"),
    ],
)
def test_what_a_hop_changed_is_told_from_what_it_may_change(
    before: Fields, after: Fields, verdict: Verdict, text: str
) -> None:
    (found,) = compare_hop(attempt(**before), attempt(**after))
    assert found.verdict is verdict
    assert text in found.text
    assert found.clause == (PRIVACY_CLAUSE if "privacy" in text else CLAUSE)


def test_every_change_is_found_not_only_the_first() -> None:
    found = compare_hop(attempt(charge=(OTHER,)), attempt(calling=OTHER, called=OTHER, privacy="id"))
    altered, missing = Verdict.ALTERED, Verdict.MISSING
    assert [one.verdict for one in found] == [altered, altered, altered, missing]
    facts = ("calling number", "privacy", "called number", "charge number")
    assert all(fact in one.text for fact, one in zip(facts, found, strict=True))


def test_both_sides_are_shown_where_they_stand() -> None:
    (found,) = compare_hop(attempt(), attempt(called=OTHER))
    assert [(one.field, one.raw) for one in found.before] == [("Request-URI", f"sip:{CALLED}@example.com".encode())]
    assert [(one.field, one.raw) for one in found.after] == [("Request-URI", f"sip:{OTHER}@example.com".encode())]


NUMBERS = st.sampled_from([CALLING, DIGITS, OTHER, "anonymous", "alice", "911", "4411"])
CALLS = st.fixed_dictionaries(
    {
        "calling": NUMBERS,
        "called": NUMBERS,
        "asserted": st.lists(NUMBERS, max_size=2).map(tuple),
        "charge": st.lists(NUMBERS, max_size=1).map(tuple),
        "diversions": st.lists(NUMBERS, max_size=3).map(tuple),
        "history": st.lists(NUMBERS, max_size=3).map(tuple),
        "privacy": st.sampled_from([None, "id", "none", ""]),
        "npdi": st.booleans(),
        "rn": st.sampled_from([None, LRN]),
    }
)


@given(CALLS)
def test_a_hop_that_changes_nothing_passes(call: Fields) -> None:
    assert [found.verdict for found in compare_hop(attempt(**call), attempt(**call))] == [Verdict.PASS]


@given(CALLS, CALLS)
def test_a_calling_number_that_is_missing_one_way_is_fabricated_the_other_way(one: Fields, other: Fields) -> None:
    def says(found: Verdict, before: Fields, behind: Fields) -> bool:
        hop = compare_hop(attempt(**before), attempt(**behind))
        return any(each.verdict is found and "calling number" in each.text[:20] for each in hop)

    assert says(Verdict.MISSING, one, other) == says(Verdict.FABRICATED, other, one)
