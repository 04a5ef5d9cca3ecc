"""The dialled number arrives as it was dialled; a portability dip adds to it and takes nothing away (L7)."""

from __future__ import annotations

from typing import Final

from gateway.numbering.lerg import LergGuide
from gateway.numbering.portability import PortedNumbers
from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.call_attempt import CallAttempt, Protocol
from gateway.policy.facts import evidence, names_of, passed, passports_of, same_number, tn_number, violation
from gateway.policy.refusals import Reason
from gateway.policy.verdict import Evidence, Finding, Verdict


class CalledNumber:
    """Judges the called number within one message: the Request-URI's; in ISUP the called party number's, or the ported
    number of the generic address where a dip has put the LRN in its place.

    - MISSING: on a trunk group, the Request-URI carries no number; in ISUP, the parameter does not, on any. Where no
      trunk group is known (a foreign capture), names are ordinary SIP: WARN.
    - ALTERED: the digits are a location routing number (LERG 12): the dialled ones were overwritten by the dip. So it
      is in ISUP where the M bit is set and the ported number did not come with it. Or a PASSporT was signed for other
      called numbers, and no diversion that the message shows leads from one of them to this one.
    - FABRICATED: rn (in ISUP the LRN) lies on a code that nobody holds.
    - WARN: rn without npdi (in ISUP: without the M bit); rn that LERG 12 doesn't have; npdi alone for a number known to
      be ported (RFC 4694: npdi without rn says that a dip found the number not ported); To differs and no diversion
      explains it. To is free for the caller to write and is evidence of nothing by itself.

    Without a guide or portability data, what needs them is not looked at.
    """

    name: Final = "called_number"
    clause: Final = "L7"

    def __init__(self, guide: LergGuide | None = None, ported: PortedNumbers | None = None) -> None:
        self._guide = guide
        self._ported = ported
        self._pass = passed(self.name, self.clause)

    def judge(self, attempt: CallAttempt) -> Finding:
        if attempt.emergency:
            return self._pass
        number = attempt.called.number
        if number is None:
            return self._missing(attempt)
        return (
            self._portability(attempt, number)
            or (self._signed_for_another(attempt, number) if attempt.identities else None)
            or self._to_differs(attempt, number)
            or self._pass
        )

    def _missing(self, attempt: CallAttempt) -> Finding:
        if attempt.ingress is None and attempt.protocol is not Protocol.ISUP:
            return self._warn("the Request-URI names a user, not a telephone number", attempt)
        text = f"the {attempt.called.field} carries no called number"
        return violation(self.name, Verdict.MISSING, self.clause, Reason.CALLED_MISSING, text, _seen(attempt))

    def _portability(self, attempt: CallAttempt, number: TelephoneNumber) -> Finding | None:
        rn = attempt.routing_number
        if self._guide is not None and self._guide.location_routing(number.digits) is not None:
            return self._lost_to_the_dip(attempt, number)
        if rn is not None:
            return self._routing_number(attempt, rn)
        if attempt.npdi and self._ported is not None:
            lrn = self._ported.lrn_of(number.digits, attempt.at_us)
            if lrn is not None:
                names = names_of(attempt)
                return self._warn(
                    f"{names.npdi} without {names.routing_number} says that a dip found {number} not ported; it is "
                    f"ported to LRN {lrn}",
                    attempt,
                )
        return None

    def _lost_to_the_dip(self, attempt: CallAttempt, number: TelephoneNumber) -> Finding:
        text = f"the called number {number} is a location routing number (LERG 12): the dialled digits were lost"
        if attempt.protocol is Protocol.ISUP:
            text += _how_they_were_lost(attempt)
        return self._altered(text, attempt)

    def _routing_number(self, attempt: CallAttempt, rn: TelephoneNumber) -> Finding | None:
        guide, name = self._guide, names_of(attempt).routing_number
        if guide is not None and guide.location_routing(rn.digits) is None:
            if not rn.is_nanp or guide.code_of(rn.digits, attempt.at_us) is None:
                text = f"{name} {rn.digits} lies on a code that nobody holds"
                return violation(
                    self.name,
                    Verdict.FABRICATED,
                    self.clause,
                    Reason.CALLED_FABRICATED,
                    text,
                    evidence(attempt.called),
                )
            return self._warn(f"{name} {rn.digits} is not a location routing number of LERG 12", attempt)
        if not attempt.npdi:
            without = names_of(attempt).npdi
            return self._warn(
                f"{name} {rn.digits} is there without {without}: no dip is said to have been made", attempt
            )
        return None

    def _signed_for_another(self, attempt: CallAttempt, number: TelephoneNumber) -> Finding | None:
        diverting = _diverting_digits(attempt)
        for read in passports_of(attempt):
            signed = [dest.digits for dest in map(tn_number, read.passport.dest_tn) if dest is not None]
            if not signed or number.digits in signed or not diverting.isdisjoint(signed):
                continue
            text = (
                f"the PASSporT was signed for a call to {', '.join(signed[:3])}, the Request-URI says {number}, "
                "and no diversion leads from one to the other"
            )
            seen = evidence(attempt.called, read.fact)
            return violation(self.name, Verdict.ALTERED, self.clause, Reason.CALLED_ALTERED, text, seen)
        return None

    def _to_differs(self, attempt: CallAttempt, number: TelephoneNumber) -> Finding | None:
        to = attempt.to.number
        if to is None or same_number(to, number) or to.digits in _diverting_digits(attempt):
            return None
        if attempt.diversions or attempt.history:
            return None
        return self._warn(f"To says {to}, the Request-URI {number}, and no diversion explains it", attempt)

    def _altered(self, text: str, attempt: CallAttempt) -> Finding:
        return violation(self.name, Verdict.ALTERED, self.clause, Reason.CALLED_ALTERED, text, _seen(attempt))

    def _warn(self, text: str, attempt: CallAttempt) -> Finding:
        return Finding(self.name, Verdict.WARN, self.clause, text, _seen(attempt))


def _seen(attempt: CallAttempt) -> tuple[Evidence, ...]:
    """Where the called number stands; in ISUP there is no second field for it."""
    return evidence(attempt.called) if attempt.to is attempt.called else evidence(attempt.called, attempt.to)


def _how_they_were_lost(attempt: CallAttempt) -> str:
    if attempt.routing_number is not None:
        return f", for the {attempt.called.field} holds the LRN again"
    if attempt.npdi:
        return "; the M bit is set and no ported number came with it"
    return "; the M bit is not set and no ported number came with it"


def _diverting_digits(attempt: CallAttempt) -> set[str]:
    """Every number from which the message says that the call was diverted."""
    digits = {fact.number.digits for fact in (*attempt.diversions, *attempt.history) if fact.number is not None}
    for read in passports_of(attempt) if attempt.identities else ():
        number = tn_number(read.passport.div_tn)
        if number is not None:
            digits.add(number.digits)
    return digits
