"""The charge number within one message (L7, 47 CFR 64.1601(a))."""

from __future__ import annotations

from typing import Any

import pytest
from attempts import CALLING, attempt, identity

from gateway.policy.checks.charge_number import ChargeNumber
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Verdict

CHARGE = "+13145550200"
SWITCH_NUMBER = "+13145550999"
CHECK = ChargeNumber([SWITCH_NUMBER])

ROWS = [
    ("none", {}, Verdict.PASS),
    ("the same as the CPN", {"charge": (CALLING,)}, Verdict.PASS),
    ("another than the CPN", {"charge": (CHARGE,)}, Verdict.PASS),
    ("twice the same", {"charge": (CHARGE, CHARGE[2:])}, Verdict.PASS),
    ("anonymous CPN", {"calling": "anonymous", "asserted": (), "charge": (CHARGE,)}, Verdict.PASS),
    ("everyone names the charge number", {"calling": CHARGE, "charge": (CHARGE,)}, Verdict.PASS),
    ("a foreign charge number", {"charge": ("+442079460000",)}, Verdict.PASS),
    ("no number in it", {"charge": ("account",)}, Verdict.WARN),
    ("two that differ", {"charge": (CHARGE, "+13145550201")}, Verdict.ALTERED),
    ("asserted as the CPN", {"asserted": (CHARGE,), "charge": (CHARGE,)}, Verdict.ALTERED),
    ("as the CPN in From", {"calling": CHARGE, "asserted": (CALLING,), "charge": (CHARGE,)}, Verdict.ALTERED),
    (
        "as the CPN, someone else signed",
        {"calling": CHARGE, "charge": (CHARGE,), "identities": (identity(),)},
        Verdict.ALTERED,
    ),
    ("a switch's own", {"charge": (SWITCH_NUMBER,)}, Verdict.FABRICATED),
    ("a switch's own in ten digits", {"charge": (SWITCH_NUMBER[2:],)}, Verdict.FABRICATED),
    ("impossible", {"charge": ("+11145550200",)}, Verdict.FABRICATED),
    ("impossible in ten digits", {"charge": ("3149110200",)}, Verdict.FABRICATED),
]


@pytest.mark.parametrize(("facts", "verdict"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_charge_number_can_be_billed_and_stays_out_of_the_cpn(facts: dict[str, Any], verdict: Verdict) -> None:
    finding = CHECK.judge(attempt(**facts))
    assert finding.verdict is verdict
    expected = {
        Verdict.ALTERED: REFUSALS[Reason.CHARGE_NUMBER_ALTERED],
        Verdict.FABRICATED: REFUSALS[Reason.CHARGE_NUMBER_FABRICATED],
    }
    assert finding.refusal == expected.get(verdict)


def test_a_charge_number_used_as_cpn_shows_the_field_that_names_the_caller() -> None:
    finding = CHECK.judge(attempt(asserted=(CHARGE,), charge=(CHARGE,)))
    assert "charge number used as CPN" in finding.text
    assert [seen.field for seen in finding.evidence] == ["P-Charge-Info", "P-Asserted-Identity", "From"]
