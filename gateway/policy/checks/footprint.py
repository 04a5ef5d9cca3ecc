"""What comes over a partner's trunks is for the LERG area of the switch alone (L9)."""

from __future__ import annotations

from typing import Final

from gateway.interconnection.trunk_groups import PARTNER_SIDE
from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_rows import CodeAssignment
from gateway.numbering.portability import PortedNumbers
from gateway.numbering.telephone_number import Nature, TelephoneNumber
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.checks.calling_code import TOLL_FREE
from gateway.policy.facts import NO_TRUNK_GROUP, evidence, names_of, not_judged, passed, violation
from gateway.policy.refusals import Reason
from gateway.policy.verdict import Finding, Verdict


class LergFootprint:
    """Judges the destination by the footprint of the ingress group's switch, as of the call's time.

    The key is the LRN of a ported number, else the dialled digits: rn where the message has one; a look-up of our own
    where no dip is claimed (npdi absent). Where rn contradicts our own portability data, both LRNs are judged: outside
    by either is OUTSIDE, inside by both is a WARN, for one of the two tables is stale. That a number is not in our data
    is no contradiction, since nobody's data is complete; but where it is rn alone that brings the call inside, that is
    a WARN, or any number could be carried in under a borrowed LRN unseen.

    Toll-free numbers, N11 codes other than emergency ones and foreign numbers are in no switch's area: OUTSIDE, as is a
    code that nobody holds. Emergency calls pass. Judged on partner-side trunk groups.
    """

    name: Final = "footprint"
    clause: Final = "L9"

    def __init__(self, guide: LergGuide | None, ported: PortedNumbers | None) -> None:
        self._guide = guide
        self._ported = ported if ported is not None else PortedNumbers()
        self._pass = passed(self.name, self.clause)
        self._no_guide = not_judged(self.name, self.clause, "no LERG guide configured")
        self._no_ingress = not_judged(self.name, self.clause, NO_TRUNK_GROUP)
        self._no_number = not_judged(self.name, self.clause, "no called number (see called_number)")

    def judge(self, attempt: CallAttempt) -> Finding:
        ingress, guide, number = attempt.ingress, self._guide, attempt.called.number
        if ingress is None:
            return self._no_ingress
        if ingress.side is not PARTNER_SIDE or attempt.emergency:
            return self._pass
        if guide is None:
            return self._no_guide
        if number is None:
            return self._no_number
        rn = attempt.routing_number
        # With npdi alone the dip was made and found the number not ported, so its own digits count (RFC 4694).
        known = None if attempt.npdi and rn is None else self._ported.lrn_of(number.digits, attempt.at_us)
        key = rn.digits if rn is not None else known or number.digits
        outside = self._outside(attempt, guide, ingress.switch, number, key)
        if outside is not None:
            return outside
        if rn is not None and known != rn.digits and len(self._ported):
            return self._doubtful_rn(attempt, guide, ingress.switch, number, known)
        return self._pass

    def _doubtful_rn(
        self, attempt: CallAttempt, guide: LergGuide, switch: str, number: TelephoneNumber, known: str | None
    ) -> Finding:
        """The message's rn is inside; our own data names another LRN, or none."""
        outside = self._outside(attempt, guide, switch, number, known or number.digits)
        name = names_of(attempt).routing_number
        if known is None:
            if outside is None:
                return self._pass
            text = f"{name} {attempt.routing_number} alone brings {number} inside: it is not known to be ported"
        elif outside is not None:
            return outside
        else:
            text = f"{name} {attempt.routing_number} contradicts our own portability data, LRN {known}; both are inside"
        return Finding(self.name, Verdict.WARN, self.clause, text, evidence(attempt.called))

    def _outside(
        self, attempt: CallAttempt, guide: LergGuide, switch: str, number: TelephoneNumber, key: str
    ) -> Finding | None:
        """The finding if the key is outside the switch's area, None if it is inside."""
        footprint = guide.footprint_of(switch)
        if footprint is None:
            return not_judged(self.name, self.clause, f"the switch {switch} is not in LERG 7")
        code = guide.code_of(key, attempt.at_us) if number.is_nanp else None
        if code is not None and footprint.covers(code):
            return None
        text = f"{_destination(number, key, code)}: outside the LERG area of {footprint.describe()}"
        return violation(
            self.name,
            Verdict.OUTSIDE,
            self.clause,
            Reason.OUTSIDE_FOOTPRINT,
            text,
            evidence(attempt.called),
        )


def _destination(number: TelephoneNumber, key: str, code: CodeAssignment | None) -> str:
    """For a person: where the call would go."""
    ported = f" (ported, LRN {key})" if key != number.digits else ""
    if code is not None:
        return f"{number}{ported} is on {code.switch or 'no named switch'}"
    if number.nature is Nature.SERVICE:
        return f"{number.digits} is a service code"
    if number.digits[:3] in TOLL_FREE and number.is_nanp:
        return f"{number} is a toll-free number"
    if not number.is_nanp:
        return f"{number.digits} is not a NANP number"
    return f"the code of {number}{ported} is assigned to nobody"
