"""Presentation within one message (47 CFR 64.1601(b))."""

from __future__ import annotations

from typing import Any

import pytest
from attempts import CALLING, attempt

from gateway.policy.checks.presentation import Presentation
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Verdict

CHECK = Presentation()
HIDDEN = {"calling": "anonymous", "asserted": (CALLING,)}

ROWS = [
    ("public", {}, Verdict.PASS),
    ("public, said so", {"privacy": "none"}, Verdict.PASS),
    ("restricted, digits asserted", {**HIDDEN, "privacy": "id"}, Verdict.PASS),
    ("restricted, digits in From too", {"privacy": "id"}, Verdict.PASS),
    ("restricted, digits in From alone", {"privacy": "id", "asserted": ()}, Verdict.PASS),
    ("restricted by the user", {**HIDDEN, "privacy": "user"}, Verdict.PASS),
    ("restricted headers", {**HIDDEN, "privacy": "header;user;id;critical"}, Verdict.PASS),
    ("restricted in capitals", {**HIDDEN, "privacy": "ID"}, Verdict.PASS),
    ("session privacy hides no number", {"privacy": "session"}, Verdict.PASS),
    ("critical alone asks for nothing", {"privacy": "critical"}, Verdict.PASS),
    ("a value of a later standard", {"privacy": "hologram"}, Verdict.PASS),
    ("an anonymous name", {**HIDDEN, "privacy": "id", "display_name": '"Anonymous"'}, Verdict.PASS),
    ("a name on a public call", {"display_name": '"Alice"'}, Verdict.PASS),
    ("unavailable is not a wish for privacy", {"calling": "unavailable", "asserted": (CALLING,)}, Verdict.PASS),
    ("privacy cleared", {**HIDDEN, "privacy": "none"}, Verdict.ALTERED),
    ("none and id", {"privacy": "none;id"}, Verdict.ALTERED),
    ("none on a second line", {"privacy": ("id", "none")}, Verdict.ALTERED),
    ("none and id by commas", {"privacy": "id, none"}, Verdict.ALTERED),
    ("the other field was taken out", HIDDEN, Verdict.WARN),
    ("the digits were taken out", {"calling": "anonymous", "asserted": (), "privacy": "id"}, Verdict.WARN),
    ("the name is shown", {**HIDDEN, "privacy": "id", "display_name": '"Alice"'}, Verdict.WARN),
    ("the name is shown beside the digits", {"privacy": "id", "display_name": "Alice"}, Verdict.WARN),
]


@pytest.mark.parametrize(("facts", "verdict"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_presentation_is_judged_by_privacy_and_from_together(facts: dict[str, Any], verdict: Verdict) -> None:
    finding = CHECK.judge(attempt(**facts))
    assert finding.verdict is verdict
    assert finding.clause == "47 CFR 64.1601(b)"
    assert (finding.refusal == REFUSALS[Reason.PRESENTATION_ALTERED]) == verdict.violation


def test_cleared_privacy_shows_both_fields_as_evidence() -> None:
    finding = CHECK.judge(attempt(**HIDDEN, privacy="none"))
    assert [seen.field for seen in finding.evidence] == ["Privacy", "From"]


def test_privacy_does_not_hold_for_an_emergency_call() -> None:
    finding = CHECK.judge(attempt(**HIDDEN, privacy="id", called="911", emergency=True))
    assert finding.verdict is Verdict.EXEMPT
    assert finding.clause == "47 CFR 64.1601(d)(4)(ii)"
