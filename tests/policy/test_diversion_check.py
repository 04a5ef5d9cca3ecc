"""Diverting numbers within one message (L7; RFC 5806, RFC 7044, RFC 8946)."""

from __future__ import annotations

from typing import Any

import pytest
from attempts import CALLED, CALLING, attempt, identity

from gateway.policy.checks.diversion import DivertingNumbers
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Verdict

CHECK = DivertingNumbers()
FIRST, SECOND, THIRD = "+16365550144", "+16365550155", "+16365550166"
DIV = identity(div=FIRST[1:])

ROWS = [
    ("no diversion", {}, Verdict.PASS),
    ("no diversion, signed", {"identities": (identity(),)}, Verdict.PASS),
    ("once", {"diversions": (FIRST,)}, Verdict.PASS),
    ("a diverter without a number", {"diversions": ("anonymous",)}, Verdict.PASS),
    ("a foreign diverter", {"diversions": ("+442079460000",)}, Verdict.PASS),
    ("History-Info alone", {"history": (FIRST, CALLED)}, Verdict.PASS),
    ("both agree", {"diversions": (FIRST,), "history": (FIRST, CALLED)}, Verdict.PASS),
    ("both agree in other spellings", {"diversions": (FIRST[2:],), "history": (FIRST, CALLED)}, Verdict.PASS),
    ("twice, in order", {"diversions": (SECOND, FIRST), "history": (FIRST, SECOND, CALLED)}, Verdict.PASS),
    ("twice the same diverter", {"diversions": (FIRST, FIRST), "history": (FIRST, CALLED)}, Verdict.PASS),
    ("a retarget between", {"diversions": (SECOND, FIRST), "history": (FIRST, THIRD, SECOND, CALLED)}, Verdict.PASS),
    ("signed by the diverter", {"diversions": (FIRST,), "identities": (DIV,)}, Verdict.PASS),
    ("signed, in History-Info", {"history": (FIRST, CALLED), "identities": (DIV,)}, Verdict.PASS),
    ("a caller in History-Info is the called", {"calling": CALLED, "history": (FIRST, CALLED)}, Verdict.PASS),
    ("only the signature names it", {"identities": (identity(), DIV)}, Verdict.WARN),
    ("the first diverter as CPN", {"calling": FIRST, "diversions": (FIRST,)}, Verdict.ALTERED),
    ("a later diverter as CPN", {"calling": SECOND, "diversions": (SECOND, FIRST)}, Verdict.ALTERED),
    ("the diverter asserted", {"asserted": (FIRST,), "diversions": (FIRST,)}, Verdict.ALTERED),
    ("the diverter of History-Info as CPN", {"calling": FIRST, "history": (FIRST, CALLED)}, Verdict.ALTERED),
    ("another first diverter", {"diversions": (FIRST,), "history": (SECOND, CALLED)}, Verdict.ALTERED),
    ("the first was deleted", {"diversions": (SECOND,), "history": (FIRST, SECOND, CALLED)}, Verdict.ALTERED),
    (
        "reordered",
        {"diversions": (THIRD, SECOND, FIRST), "history": (FIRST, THIRD, SECOND, CALLED)},
        Verdict.ALTERED,
    ),
    ("one that History-Info lacks", {"diversions": (SECOND, FIRST), "history": (FIRST, CALLED)}, Verdict.ALTERED),
    ("the signed diverter was deleted", {"diversions": (SECOND,), "identities": (DIV,)}, Verdict.ALTERED),
    ("an impossible diverter", {"diversions": ("+11145550144",)}, Verdict.FABRICATED),
    ("an impossible one in History-Info", {"history": ("3149110144", CALLED)}, Verdict.FABRICATED),
]


@pytest.mark.parametrize(("facts", "verdict"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_those_who_diverted_a_call_stay_named_in_order(facts: dict[str, Any], verdict: Verdict) -> None:
    finding = CHECK.judge(attempt(**facts))
    assert finding.verdict is verdict
    expected = {
        Verdict.ALTERED: REFUSALS[Reason.DIVERSION_ALTERED],
        Verdict.FABRICATED: REFUSALS[Reason.DIVERSION_FABRICATED],
    }
    assert finding.refusal == expected.get(verdict)
    assert bool(finding.evidence) == (verdict is not Verdict.PASS)


def test_a_diverter_in_place_of_the_caller_shows_both_fields() -> None:
    finding = CHECK.judge(attempt(calling=CALLING, asserted=(FIRST,), diversions=(FIRST,)))
    assert [seen.field for seen in finding.evidence] == ["P-Asserted-Identity", "Diversion"]
