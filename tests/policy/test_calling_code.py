"""The calling number's code, by LERG as of the call's own time (L1.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from attempts import HOST, HOST_GROUP, OTHER_PROVIDER, PARTNER, PARTNER_GROUP, PROVIDER, attempt
from guides import CARRIERS, GUIDE, NEW_CODE_FROM_US, OTHER_LRN, PORTED, PROVIDER_LRN, STRANGER, UNLISTED_LRN

from gateway.policy.checks.calling_code import CallingCode
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Verdict

CHECK = CallingCode(GUIDE, PORTED, CARRIERS)

ROWS = [
    ("the provider's block", {}, Verdict.PASS),
    ("another provider's block", {"calling": "+13145551100", "provider": OTHER_PROVIDER}, Verdict.PASS),
    ("the partner's own code", {"calling": "+13145559100", "provider": PARTNER}, Verdict.PASS),
    ("nobody attributed", {"provider": None}, Verdict.PASS),
    ("ported to the provider, by look-up", {"calling": "+18165550123"}, Verdict.PASS),
    ("ported to the provider, by the message", {"calling": "+18165550999", "calling_rn": PROVIDER_LRN}, Verdict.PASS),
    ("the message's LRN comes first", {"calling": "+13145550177", "calling_rn": PROVIDER_LRN}, Verdict.PASS),
    ("asserted, with an anonymous From", {"calling": "anonymous", "asserted": ("+13145550100",)}, Verdict.PASS),
    ("a host switch's call", {"calling": "+16365550100", "ingress": HOST_GROUP, "provider": HOST}, Verdict.PASS),
    ("911", {"calling": "+19995550100", "called": "911", "emergency": True}, Verdict.PASS),
    ("another provider's block, attributed elsewhere", {"calling": "+13145551100"}, Verdict.MISMATCH),
    ("another partner's provider", {"calling": "+13145560100", "provider": STRANGER}, Verdict.MISMATCH),
    ("the host's code", {"calling": "+16365550100", "provider": HOST}, Verdict.MISMATCH),
    ("homed on another switch", {"calling": "+13145580100"}, Verdict.MISMATCH),
    ("ported away, by look-up", {"calling": "+13145550177", "provider": STRANGER}, Verdict.MISMATCH),
    ("ported away, by the message", {"calling_rn": OTHER_LRN}, Verdict.MISMATCH),
    ("an LRN that is on a code only", {"calling_rn": UNLISTED_LRN}, Verdict.MISMATCH),
    ("of another state than its LRN", {"calling": "+19135550100", "calling_rn": PROVIDER_LRN}, Verdict.MISMATCH),
    ("toll-free", {"calling": "+18005550100", "provider": None}, Verdict.MISMATCH),
    ("unassigned", {"calling": "+19995550100", "provider": None}, Verdict.FABRICATED),
    ("ported to an LRN that is nowhere", {"calling_rn": "9995559999"}, Verdict.FABRICATED),
    ("foreign", {"calling": "+442079460000", "provider": None}, Verdict.NOT_JUDGED),
    ("none", {"calling": "anonymous", "provider": None}, Verdict.NOT_JUDGED),
    ("no trunk group", {"ingress": None}, Verdict.NOT_JUDGED),
]


@pytest.mark.parametrize(("facts", "verdict"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_calling_code_is_the_providers_and_on_the_partners_switch(facts: dict[str, Any], verdict: Verdict) -> None:
    finding = CHECK.judge(attempt(**facts))
    assert finding.verdict is verdict
    assert finding.clause == "L1.4"
    expected = {
        Verdict.MISMATCH: REFUSALS[Reason.CALLING_CODE_MISMATCH],
        Verdict.FABRICATED: REFUSALS[Reason.CALLING_CODE_UNASSIGNED],
    }
    assert finding.refusal == expected.get(verdict)
    assert bool(finding.text) == (verdict is not Verdict.PASS)


@pytest.mark.parametrize(
    ("at_us", "verdict"),
    [(NEW_CODE_FROM_US - 1, Verdict.FABRICATED), (NEW_CODE_FROM_US, Verdict.PASS)],
)
def test_a_code_is_judged_as_of_the_calls_own_time(at_us: int, verdict: Verdict) -> None:
    assert CHECK.judge(attempt(calling="+13147770100", at_us=at_us)).verdict is verdict


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"calling": "+13145580100"},
            "code 314-558-0 is homed on KSCYMO05DS0, not on the partner's switch STLSMO09DS1",
        ),
        ({"calling": "+13145551100"}, "code 314-555-1 belongs to OCN 902B, the call is OCN 901A's"),
        (
            {"calling": "+16365550100", "provider": HOST},
            "code 636-555-0 belongs to OCN 9740, which does not come over the partner 7001",
        ),
    ],
)
def test_a_mismatch_says_which_of_the_three_ties_is_broken(facts: dict[str, Any], words: str) -> None:
    assert CHECK.judge(attempt(**facts)).text == words


def test_a_group_without_a_home_switch_ties_codes_to_no_switch() -> None:
    group = replace(PARTNER_GROUP, home_switch=None)
    assert CHECK.judge(attempt(calling="+13145580100", ingress=group)).verdict is Verdict.PASS


def test_without_a_guide_nothing_is_judged_and_it_says_why() -> None:
    finding = CallingCode(None, None, None).judge(attempt(provider=PROVIDER))
    assert finding.verdict is Verdict.NOT_JUDGED
    assert finding.text == "no LERG guide configured"


def test_without_carriers_the_code_is_still_tied_to_the_attributed_provider() -> None:
    check = CallingCode(GUIDE, None, None)
    assert check.judge(attempt()).verdict is Verdict.PASS
    assert check.judge(attempt(calling="+13145551100")).verdict is Verdict.MISMATCH
