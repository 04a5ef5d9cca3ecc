"""The destination is inside the LERG area of the switch (L9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from attempts import HOST_GROUP, PARTNER_GROUP, attempt
from guides import (
    GUIDE,
    HOST_LRN,
    HOST_WITH_REMOTE,
    NEW_CODE_FROM_US,
    OTHER_LRN,
    PORTED,
    REMOTE,
    TANDEM,
    UNLISTED_LRN,
)

from gateway.numbering.portability import PortedNumbers
from gateway.policy.checks.footprint import LergFootprint
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Verdict

CHECK = LergFootprint(GUIDE, PORTED)

END_OFFICE_ROWS = [
    ("a line of the switch", {}, Verdict.PASS),
    ("in ten digits", {"called": "6365550199"}, Verdict.PASS),
    ("ported in, by look-up", {"called": "+18165550100"}, Verdict.PASS),
    ("ported in, by the message", {"called": "+18165550100", "rn": HOST_LRN, "npdi": True}, Verdict.PASS),
    ("ported in, rn without npdi", {"called": "+18165550100", "rn": HOST_LRN}, Verdict.PASS),
    ("ported within", {"called": "+16365550178", "rn": UNLISTED_LRN, "npdi": True}, Verdict.PASS),
    ("a dip found it not ported", {"npdi": True}, Verdict.PASS),
    ("911", {"called": "911", "emergency": True}, Verdict.PASS),
    ("inside, and rn too", {"called": "+16365550199", "rn": HOST_LRN, "npdi": True}, Verdict.PASS),
    ("another rn than ours, both inside", {"called": "+16365550178", "rn": HOST_LRN, "npdi": True}, Verdict.WARN),
    ("rn alone brings it inside", {"called": "+18165550199", "rn": HOST_LRN, "npdi": True}, Verdict.WARN),
    ("another switch's line", {"called": "+18165550199"}, Verdict.OUTSIDE),
    ("ported out, by look-up", {"called": "+16365550177"}, Verdict.OUTSIDE),
    ("ported out, by the message", {"called": "+16365550199", "rn": OTHER_LRN, "npdi": True}, Verdict.OUTSIDE),
    ("an rn inside for one ported out", {"called": "+16365550177", "rn": HOST_LRN, "npdi": True}, Verdict.OUTSIDE),
    ("the dip is said to have found nothing", {"called": "+18165550100", "npdi": True}, Verdict.OUTSIDE),
    ("an unassigned code", {"called": "+19995550100"}, Verdict.OUTSIDE),
    ("toll-free", {"called": "+18005550100"}, Verdict.OUTSIDE),
    ("directory assistance", {"called": "411"}, Verdict.OUTSIDE),
    ("foreign", {"called": "+442079460000"}, Verdict.OUTSIDE),
    ("a foreign number that looks like a line", {"called": "+6365550199"}, Verdict.OUTSIDE),
    ("digits of no plan", {"called": "5550199"}, Verdict.OUTSIDE),
    ("from a host switch", {"called": "+18165550199", "ingress": HOST_GROUP}, Verdict.PASS),
    ("no called number", {"called": "alice"}, Verdict.NOT_JUDGED),
    ("no trunk group", {"ingress": None}, Verdict.NOT_JUDGED),
]


@pytest.mark.parametrize(
    ("facts", "verdict"), [row[1:] for row in END_OFFICE_ROWS], ids=[row[0] for row in END_OFFICE_ROWS]
)
def test_only_the_area_of_the_end_office_is_let_through(facts: dict[str, Any], verdict: Verdict) -> None:
    finding = CHECK.judge(attempt(**facts))
    assert finding.verdict is verdict
    assert finding.clause == "L9"
    assert finding.refusal == (REFUSALS[Reason.OUTSIDE_FOOTPRINT] if verdict is Verdict.OUTSIDE else None)


@pytest.mark.parametrize(
    ("switch", "called", "verdict"),
    [
        (HOST_WITH_REMOTE, "+15735550100", Verdict.PASS),
        (HOST_WITH_REMOTE, "+15735560100", Verdict.PASS),
        (HOST_WITH_REMOTE, "+16365550100", Verdict.OUTSIDE),
        (REMOTE, "+15735560100", Verdict.PASS),
        (REMOTE, "+15735550100", Verdict.OUTSIDE),
        (TANDEM, "+18165550199", Verdict.PASS),
        (TANDEM, "+18165560100", Verdict.OUTSIDE),
        (TANDEM, "+16365550100", Verdict.OUTSIDE),
        ("NOWHERE0000", "+16365550100", Verdict.NOT_JUDGED),
    ],
)
def test_a_host_covers_its_remotes_and_a_tandem_what_homes_on_it(switch: str, called: str, verdict: Verdict) -> None:
    group = replace(PARTNER_GROUP, switch=switch)
    assert CHECK.judge(attempt(called=called, ingress=group)).verdict is verdict


@pytest.mark.parametrize(
    ("at_us", "verdict"), [(NEW_CODE_FROM_US - 1, Verdict.OUTSIDE), (NEW_CODE_FROM_US, Verdict.PASS)]
)
def test_a_destination_is_judged_as_of_the_calls_own_time(at_us: int, verdict: Verdict) -> None:
    assert CHECK.judge(attempt(called="+16367770100", at_us=at_us)).verdict is verdict


def test_an_outside_call_says_where_the_number_is_and_what_the_area_is() -> None:
    finding = CHECK.judge(attempt(called="+16365550177"))
    assert finding.text == (
        "+16365550177 (ported, LRN 8165559999) is on KSCYMO05DS0: outside the LERG area of end office WNVLMOXADS0"
    )
    assert finding.evidence[0].field == "Request-URI"


@pytest.mark.parametrize("ported", [None, PortedNumbers()])
def test_without_portability_data_the_messages_rn_is_taken_at_its_word(ported: PortedNumbers | None) -> None:
    check = LergFootprint(GUIDE, ported)
    assert check.judge(attempt(called="+18165550199", rn=HOST_LRN, npdi=True)).verdict is Verdict.PASS


def test_without_a_guide_nothing_is_judged_and_it_says_why() -> None:
    finding = LergFootprint(None, None).judge(attempt())
    assert finding.verdict is Verdict.NOT_JUDGED
    assert finding.text == "no LERG guide configured"
