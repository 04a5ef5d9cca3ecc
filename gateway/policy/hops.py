"""The same call seen before and after a carrier: what the hop between the two changed (L7, 47 CFR 64.1601(a)).

An intermediate carrier passes on unaltered what identifies the calling and the billing number. Each fact is compared on
its own, between SIP and ISUP in any combination; what may change on the way (``+1`` and ten digits, an LNP dip, an
appended diversion, the spelling of the other protocol) is not an alteration.

A leg of SIP-I says everything twice. Its ISUP body is compared with the other leg's body, or with the other leg where
that is ISUP; its header fields as of any SIP leg, and against an ISUP leg for what SIP header fields always say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.policy import hop_indicators, hop_numbers
from gateway.policy.call_attempt import CallAttempt, Protocol
from gateway.policy.facts import evidence
from gateway.policy.hop_finding import CLAUSE, PRIVACY_CLAUSE, HopFinding
from gateway.policy.verdict import Verdict

__all__ = ["CHECK", "CLAUSE", "PRIVACY_CLAUSE", "HopFinding", "compare_hop"]

CHECK: Final = "between_legs"

_Comparison = Callable[[CallAttempt, CallAttempt], HopFinding | None]

_OF_SIP: Final[tuple[_Comparison, ...]] = (
    hop_numbers.calling,
    hop_numbers.from_,
    hop_indicators.presentation,
    hop_numbers.called,
    hop_numbers.charge,
    hop_numbers.diversions,
    hop_numbers.history,
)
_OF_ISUP: Final[tuple[_Comparison, ...]] = (
    hop_numbers.calling,
    hop_indicators.presentation,
    hop_indicators.screening,
    hop_numbers.called,
    hop_numbers.charge,
    hop_numbers.redirections,
    hop_indicators.line,
    hop_indicators.jurisdiction,
    hop_indicators.category,
    hop_indicators.name,
    hop_indicators.carrier,
    hop_indicators.hop_counter,
)
_BESIDE_A_BODY: Final[tuple[_Comparison, ...]] = (
    hop_numbers.calling,
    hop_indicators.presentation,
    hop_numbers.called,
)
"""What header fields say whether or not a body says it, too."""

_PASS: Final = HopFinding(Verdict.PASS, CLAUSE, "")


def compare_hop(before: CallAttempt, after: CallAttempt) -> tuple[HopFinding, ...]:
    """What changed of one call between two legs: every change found, or one PASS where there is none.

    `before` is the leg nearer to the caller.
    """
    if before.protocol is Protocol.SIP and after.protocol is Protocol.SIP:
        found = [*_changes(_OF_SIP, before, after), *_between_bodies(before, after)]
    elif before.encapsulated is not None:
        found = [*_changes(_OF_ISUP, before.encapsulated, after), *_changes(_BESIDE_A_BODY, before, after)]
    elif after.encapsulated is not None:
        found = [*_changes(_OF_ISUP, before, after.encapsulated), *_changes(_BESIDE_A_BODY, before, after)]
    else:
        found = _changes(_OF_ISUP, before, after)
    return tuple(found) or (_PASS,)


def _changes(comparisons: tuple[_Comparison, ...], before: CallAttempt, after: CallAttempt) -> list[HopFinding]:
    return [finding for compare in comparisons if (finding := compare(before, after)) is not None]


def _between_bodies(before: CallAttempt, after: CallAttempt) -> list[HopFinding]:
    """What became of the IAM in the body of a leg of SIP-I."""
    one, other = before.encapsulated, after.encapsulated
    if one is None:
        return []
    if other is not None:
        found = _changes(_OF_ISUP, one, other)
        return [finding._replace(text=f"in the ISUP body: {finding.text}") for finding in found]
    if after.unreadable_body is not None:
        text = f"the ISUP body cannot be read any more: {after.unreadable_body.value}"
        return [HopFinding(Verdict.ALTERED, CLAUSE, text, evidence(one.called), evidence(after.unreadable_body))]
    return [HopFinding(Verdict.WARN, CLAUSE, "the ISUP body is gone behind the hop", evidence(one.called))]
