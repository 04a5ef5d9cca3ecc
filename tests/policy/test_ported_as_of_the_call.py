"""A porting counts from its date on, for every check that asks for one: not before, whatever the table says today."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from attempts import attempt
from guides import CARRIERS, GUIDE, HOST_LRN, NEW_CODE_FROM_US, OTHER_LRN

from gateway.numbering.portability import PortedNumbers, Porting
from gateway.policy.check import Check
from gateway.policy.checks.called_number import CalledNumber
from gateway.policy.checks.calling_code import CallingCode
from gateway.policy.checks.footprint import LergFootprint
from gateway.policy.verdict import Verdict

_DAY = date.fromtimestamp(NEW_CODE_FROM_US / 1_000_000)
PORTED = PortedNumbers(
    portings=(
        Porting("6365550177", OTHER_LRN, _DAY),
        Porting("3145550177", OTHER_LRN, _DAY),
        Porting("8165550100", HOST_LRN, _DAY),
    )
)
BEFORE, FROM_THEN_ON = NEW_CODE_FROM_US - 1, NEW_CODE_FROM_US


@pytest.mark.parametrize(
    ("check", "facts", "before", "after"),
    [
        (LergFootprint(GUIDE, PORTED), {"called": "+16365550177"}, Verdict.PASS, Verdict.OUTSIDE),
        (LergFootprint(GUIDE, PORTED), {"called": "+18165550100"}, Verdict.OUTSIDE, Verdict.PASS),
        (CallingCode(GUIDE, PORTED, CARRIERS), {"calling": "+13145550177"}, Verdict.PASS, Verdict.MISMATCH),
        (CalledNumber(GUIDE, PORTED), {"called": "+18165550100", "npdi": True}, Verdict.PASS, Verdict.WARN),
    ],
    ids=["ported out", "ported in", "calling number ported away", "a dip that found nothing"],
)
def test_a_porting_counts_from_its_date_on(
    check: Check, facts: dict[str, Any], before: Verdict, after: Verdict
) -> None:
    assert check.judge(attempt(at_us=BEFORE, **facts)).verdict is before
    assert check.judge(attempt(at_us=FROM_THEN_ON, **facts)).verdict is after
