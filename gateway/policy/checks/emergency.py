"""A 911 call over a partner's trunks raises an alert, and goes on (L10)."""

from __future__ import annotations

from typing import Final

from gateway.policy.call_attempt import CallAttempt, Protocol
from gateway.policy.canonical import EMERGENCY
from gateway.policy.facts import evidence, on_partner_side, passed
from gateway.policy.verdict import Finding, Verdict


class Emergency:
    """911 is the provider's own to solve, so such a call should not be here: WARN, and never a violation.

    The text says whether it carries a number for the public-safety answering point to call back, and whether the
    calling party's category of an IAM makes it one: that lets any number through, so somebody should look.
    """

    name: Final = "emergency"
    clause: Final = "L10"

    def __init__(self) -> None:
        self._pass = passed(self.name, self.clause)

    def judge(self, attempt: CallAttempt) -> Finding:
        if not attempt.emergency or not on_partner_side(attempt):
            return self._pass
        text = "alert: an emergency call on a partner's trunk group; it is completed, the provider has to route its own"
        number, category = attempt.called.number, attempt.calling_party_category
        if attempt.protocol is Protocol.ISUP and category is not None and category.value == EMERGENCY:
            text += f"; its category says so, the number called is {number or 'not there'}"
        if attempt.calling.number is None:
            text += "; it carries no number to call back"
        return Finding(self.name, Verdict.WARN, self.clause, text, evidence(attempt.called, attempt.calling))
