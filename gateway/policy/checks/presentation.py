"""The caller's wish for privacy is passed on as it was made, and the digits stay (47 CFR 64.1601(b), L7)."""

from __future__ import annotations

from typing import Final

from gateway.policy.call_attempt import CallAttempt, Protocol
from gateway.policy.call_attempt import Presentation as AddressPresentation
from gateway.policy.canonical import RESTRICTING, is_anonymous, name
from gateway.policy.facts import asked_privacy, evidence, passed, violation
from gateway.policy.refusals import Reason
from gateway.policy.verdict import Finding, Verdict

_ISUP: Final = Protocol.ISUP
_ALLOWED: Final = AddressPresentation.ALLOWED
_EMERGENCY: Final = "47 CFR 64.1601(d)(4)(ii)"


class Presentation:
    """Judges the presentation of the calling number within one message.

    Two fields carry it: Privacy and an anonymous From. Either alone is enough to restrict, and a restricted number
    whose digits are kept in P-Asserted-Identity or From passes.

    - ALTERED: Privacy says ``none`` while From is anonymous, or ``none`` beside a restricting value: someone cleared or
      added privacy. The two statements can't both be the caller's (RFC 3323 section 4.2).
    - WARN: an anonymous From without Privacy beside asserted digits (the next switch would show them; many user
      agents do it); the caller's name shown in From although it is restricted; restricted with no digits anywhere
      (the calling_number check reports those as missing).

    In ISUP the calling party number carries the indicator beside the digits (Q.763 section 3.10, T1.113.3):

    - ALTERED: the number is marked as not available, and its digits are there: either was put in on the way.
    - WARN: a number is restricted and its digits are not there, or it may be shown and they are not; a generic name may
      be shown although the number is restricted.

    Screening has no field of its own in SIP: P-Asserted-Identity is the network's word, From alone the user's (RFC
    3325); ISUP has an indicator. Whether one was raised to the other shows only between two points, so this check
    doesn't judge it.
    """

    name: Final = "presentation"
    clause: Final = "47 CFR 64.1601(b)"

    def __init__(self) -> None:
        self._pass = passed(self.name, self.clause)
        self._exempt_emergency = Finding(
            self.name, Verdict.EXEMPT, _EMERGENCY, "an emergency call: the rules on privacy do not apply"
        )

    def judge(self, attempt: CallAttempt) -> Finding:
        if attempt.protocol is _ISUP:
            return self._indicated(attempt)
        if not attempt.privacy and attempt.from_.number is not None:
            return self._pass
        if attempt.emergency:
            return self._exempt_emergency
        values = asked_privacy(attempt)
        anonymous = is_anonymous(attempt.from_)
        restricting = values & RESTRICTING
        found = self._contradiction(attempt, values, anonymous)
        if found is not None:
            return found
        if not restricting and not anonymous:
            return self._pass
        return self._restricted(attempt, restricted_by_privacy=bool(restricting)) or self._pass

    def _indicated(self, attempt: CallAttempt) -> Finding:
        """By the indicator of an IAM."""
        indicated, there = attempt.presentation, attempt.from_.number is not None
        if indicated is None or (indicated is _ALLOWED and there):
            return self._pass
        if attempt.emergency:
            return self._exempt_emergency
        if indicated is AddressPresentation.UNAVAILABLE:
            if not there:
                return self._pass
            text = f"the number is marked as not available, and it is {attempt.from_.number}: one of the two was put in"
            seen = evidence(attempt.from_)
            return violation(self.name, Verdict.ALTERED, self.clause, Reason.PRESENTATION_ALTERED, text, seen)
        if not there:
            how = "may be shown" if indicated is _ALLOWED else "is restricted"
            return self._warn(f"the number {how} and has no digits: a number is passed on, not removed", attempt)
        if name(attempt) is not None:
            return self._warn("Generic name shows the caller's name although the number is restricted", attempt)
        return self._pass

    def _contradiction(self, attempt: CallAttempt, values: frozenset[str], anonymous: bool) -> Finding | None:
        if "none" not in values:
            return None
        if len(values - {"critical"}) > 1:
            text = "Privacy says none and restricts in the same breath: a value was added or left behind on the way"
        elif anonymous:
            text = "Privacy says none while From is anonymous: the caller's privacy was cleared or added on the way"
        else:
            return None
        return violation(
            self.name,
            Verdict.ALTERED,
            self.clause,
            Reason.PRESENTATION_ALTERED,
            text,
            evidence(*attempt.privacy, attempt.from_),
        )

    def _restricted(self, attempt: CallAttempt, *, restricted_by_privacy: bool) -> Finding | None:
        """What is doubtful about a call whose caller asked for privacy."""
        if attempt.calling.number is None:
            return self._warn(
                "privacy is asked for and no field carries the digits: a restricted number is kept, not removed",
                attempt,
            )
        if not restricted_by_privacy and any(fact.number is not None for fact in attempt.asserted):
            return self._warn(
                "From is anonymous and Privacy is not there: the asserted number would be shown to the called party",
                attempt,
            )
        if name(attempt) is not None:
            return self._warn("From shows the caller's name although the caller is restricted", attempt)
        return None

    def _warn(self, text: str, attempt: CallAttempt) -> Finding:
        seen = evidence(*attempt.privacy, attempt.from_, attempt.display_name, *attempt.asserted)
        return Finding(self.name, Verdict.WARN, self.clause, text, seen)
