"""What a comparison of two legs of a call says."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.policy.call_attempt import NumberFact, TextFact
from gateway.policy.facts import evidence
from gateway.policy.verdict import Evidence, Verdict

CLAUSE: Final = "L7; 47 CFR 64.1601(a)"
PRIVACY_CLAUSE: Final = "L7; 47 CFR 64.1601(b)"

Sides = tuple[tuple[Evidence, ...], tuple[Evidence, ...]]
"""Where a fact stands before the hop and behind it."""


class HopFinding(NamedTuple):
    """What one comparison of two legs found."""

    verdict: Verdict
    """PASS, PASS_NORMALISED, WARN, ALTERED, MISSING or FABRICATED."""
    clause: str
    text: str
    """For a person; empty on PASS."""
    before: tuple[Evidence, ...] = ()
    """Where the fact stands in the message before the hop."""
    after: tuple[Evidence, ...] = ()
    """Where it stands, or should stand, in the message behind it."""


def sides(before: NumberFact | TextFact | None, after: NumberFact | TextFact | None) -> Sides:
    return evidence(before), evidence(after)
