"""A 911 call over a partner's trunks raises an alert, and goes on (L10)."""

from __future__ import annotations

from typing import Final

from gateway.policy.call_attempt import CallAttempt
from gateway.policy.canonical import EMERGENCY
from gateway.policy.facts import evidence, on_partner_side, passed
from gateway.policy.verdict import Finding, Verdict


class Emergency:
    """911 is the provider's own to solve, so such a call should not be here: WARN, and never a violation.

    The text says whether it carries a number for the public-safety answering point to call back. A call to any other
    number whose calling party's category (ISUP, or cpc) claims an emergency is WARN too, and judged as any other: the
    claim is the caller's word, and would carry every call past every limit.
    """

    name: Final = "emergency"
    clause: Final = "L10"

    def __init__(self) -> None:
        self._pass = passed(self.name, self.clause)

    def judge(self, attempt: CallAttempt) -> Finding:
        category = attempt.calling_party_category
        if not attempt.emergency:
            claimed = category is not None and category.value == EMERGENCY
            return self._claimed(attempt) if claimed else self._pass
        if not on_partner_side(attempt):
            return self._pass
        text = "alert: an emergency call on a partner's trunk group; it is completed, the provider has to route its own"
        if attempt.calling.number is None:
            text += "; it carries no number to call back"
        return Finding(self.name, Verdict.WARN, self.clause, text, evidence(attempt.called, attempt.calling))

    def _claimed(self, attempt: CallAttempt) -> Finding:
        text = (
            f"the calling party's category claims an emergency, and {attempt.called.number or 'what is called'} is no "
            "emergency number: judged as any other call"
        )
        seen = evidence(attempt.calling_party_category, attempt.called)
        return Finding(self.name, Verdict.WARN, self.clause, text, seen)
