"""The calling party number is there, is one number in every field, and is somebody's (L7, 47 CFR 64.1601(a))."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gateway.codecs.ss7.variant import Variant
from gateway.numbering.telephone_number import Nature, TelephoneNumber
from gateway.policy.call_attempt import CallAttempt, NumberFact, Protocol, Screening, TextFact
from gateway.policy.facts import (
    canonical_digits,
    claims_nanp,
    evidence,
    is_payphone,
    on_partner_side,
    passed,
    passports_of,
    same_number,
    tn_number,
    violation,
)
from gateway.policy.refusals import Reason
from gateway.policy.verdict import Finding, Verdict

_SHORTEST_SUBSCRIBER: Final = 7
"""Fewer digits than a local number are an extension of a private branch exchange, not a subscriber's number."""

_ORDINARY: Final = "ordinary"
_FAILED: Final = Screening.USER_FAILED
_DIGIT: Final = re.compile(rb"[0-9]")
_PAYPHONE: Final = "47 CFR 64.1601(d)(1)"
_EMERGENCY: Final = "47 CFR 64.1601(d)(4)(ii)"


class CallingNumber:
    """Judges the calling number within one message.

    From, P-Asserted-Identity (sip and tel) and the PASSporTs' ``orig`` carry the same fact and must agree. A field
    without a number (anonymous, unavailable) takes no part; if none has one, the CPN is missing. ``+1`` and ten digits
    are one number, which PASS_NORMALISED says. Signs of phantom traffic are FABRICATED: a number written as one of
    the NANP that can't exist, the called number, a gateway's own number.

    A call under an exemption of 64.1601(d) that the message shows is EXEMPT: a payphone (d)(1), an emergency call
    (d)(4)(ii). An exemption excuses a CPN that isn't there, not one that was changed: that stays a finding under L7.
    Digits of no known plan (foreign numbers without ``+``) are a warning, as is an asserted identity of digits that
    cannot be read; from a partner's trunks, an extension in
    place of a number is FABRICATED, since nothing can be billed to it.

    In ISUP one parameter has the calling number, so within one message it is there or not, and somebody's or not. That
    the network verified it and found it wrong (screening indicator) is a warning; that a user's word was raised to the
    network's shows only between two points.
    """

    name: Final = "calling_number"
    clause: Final = "L7"

    def __init__(self, gateway_numbers: Iterable[str] = ()) -> None:
        self._gateway_numbers = canonical_digits(gateway_numbers)
        self._pass = passed(self.name, self.clause)
        self._exempt_payphone = Finding(
            self.name, Verdict.EXEMPT, _PAYPHONE, "the call comes from a payphone: the delivery of CPN is not required"
        )
        self._exempt_emergency = Finding(
            self.name, Verdict.EXEMPT, _EMERGENCY, "an emergency call: the rules on CPN delivery do not apply"
        )

    def judge(self, attempt: CallAttempt) -> Finding:
        calling = attempt.calling
        number = calling.number
        if number is None:
            return self._exempt(attempt) or self._missing(attempt)
        if self._plainly_honest(attempt, number):
            return self._pass
        found = self._disagreement(attempt, calling, number) or self._fabrication(attempt, calling, number)
        if found is not None:
            return found
        return (
            self._exempt(attempt)
            or self._failed_screening(attempt, number)
            or self._unreadable(attempt)
            or self._agreed(attempt, calling, number)
        )

    def _plainly_honest(self, attempt: CallAttempt, number: TelephoneNumber) -> bool:
        """The ordinary call, in a few comparisons: everything that the long way would look at is there and agrees."""
        called, from_number = attempt.called.number, attempt.from_.number
        return (
            number.is_nanp
            and (from_number is None or from_number == number)
            and (not attempt.asserted or (len(attempt.asserted) == 1 and attempt.asserted[0].number is not None))
            and called is not None
            and called.digits != number.digits
            and not attempt.identities
            and number.digits not in self._gateway_numbers
            and (attempt.calling_party_category is None or attempt.calling_party_category.value == _ORDINARY)
            and attempt.originating_line is None
            and attempt.screening is not _FAILED
            and not attempt.emergency
        )

    def _exempt(self, attempt: CallAttempt) -> Finding | None:
        if attempt.emergency:
            return self._exempt_emergency
        if (attempt.calling_party_category or attempt.originating_line) and is_payphone(attempt):
            return self._exempt_payphone
        return None

    def _missing(self, attempt: CallAttempt) -> Finding:
        signed = next((read for read in passports_of(attempt) if tn_number(read.passport.orig_tn) is not None), None)
        text = "no field carries a calling number; 47 CFR 64.1601(a) requires the CPN to be passed on"
        if signed is not None:
            text += f"; the PASSporT still names {signed.passport.orig_tn}: it was taken out on the way"
        if attempt.privacy:
            text += "; privacy marks the number as restricted, it does not remove it (64.1601(b))"
        if attempt.protocol is Protocol.ISUP:
            text += _who_can_be_billed(attempt)
        seen = evidence(
            attempt.from_,
            *attempt.asserted,
            *attempt.privacy,
            signed.fact if signed is not None else None,
            *(attempt.charge if attempt.protocol is Protocol.ISUP else ()),
        )
        return violation(self.name, Verdict.MISSING, self.clause, Reason.CPN_MISSING, text, seen)

    def _disagreement(self, attempt: CallAttempt, calling: NumberFact, number: TelephoneNumber) -> Finding | None:
        """The first field that carries another number than the calling number's."""
        for fact in attempt.asserted:
            if fact.number is not None and fact.number.digits != number.digits:
                return self._altered(calling, fact, str(number), str(fact.number))
        from_number = attempt.from_.number
        if from_number is not None and not same_number(from_number, number):
            if _is_extension(from_number):
                return Finding(
                    self.name,
                    Verdict.WARN,
                    self.clause,
                    f"From carries the extension {from_number.digits} beside the number {number}",
                    evidence(attempt.from_, calling),
                )
            return self._altered(calling, attempt.from_, str(number), str(from_number))
        if attempt.identities:
            for read in passports_of(attempt):
                signed = tn_number(read.passport.orig_tn)
                if signed is not None and signed.digits != number.digits:
                    return self._altered(calling, read.fact, str(number), f"{signed} (orig of the PASSporT)")
        return None

    def _altered(self, calling: NumberFact, other: NumberFact | TextFact, one: str, two: str) -> Finding:
        text = (
            f"{calling.field} says {one}, {other.field} says {two}: the calling number was changed on the way "
            "(47 CFR 64.1601(a))"
        )
        return violation(self.name, Verdict.ALTERED, self.clause, Reason.CPN_ALTERED, text, evidence(calling, other))

    def _fabrication(self, attempt: CallAttempt, calling: NumberFact, number: TelephoneNumber) -> Finding | None:
        """Signs of traffic that cannot be billed."""
        called = attempt.called.number
        if called is not None and same_number(called, number):
            return self._fabricated(f"the calling number {number} is the called number", calling, attempt.called)
        if number.digits in self._gateway_numbers:
            return self._fabricated(f"the calling number {number} is a gateway's own, not the caller's", calling)
        if number.is_nanp:
            return None
        if claims_nanp(calling):
            return self._fabricated(f"the calling number {number.digits} cannot exist in the NANP", calling)
        if number.nature is Nature.SERVICE:
            return self._fabricated(f"the calling number {number.digits} is a service code", calling)
        if number.nature is Nature.INTERNATIONAL:
            return None
        if on_partner_side(attempt) and _is_extension(number):
            return self._fabricated(f"the calling number {number.digits} is an extension, nobody's number", calling)
        if attempt.variant is Variant.ITU:
            return None  # a national number of some country: its message does not say of which
        return Finding(
            self.name,
            Verdict.WARN,
            self.clause,
            f"the calling number {number.digits} fits no numbering plan: neither a NANP number nor "
            + ("an international one" if attempt.protocol is Protocol.ISUP else "one with +"),
            evidence(calling),
        )

    def _fabricated(self, text: str, *facts: NumberFact) -> Finding:
        return violation(self.name, Verdict.FABRICATED, self.clause, Reason.CPN_FABRICATED, text, evidence(*facts))

    def _failed_screening(self, attempt: CallAttempt, number: TelephoneNumber) -> Finding | None:
        if attempt.screening is not _FAILED:
            return None
        text = f"the screening indicator says that the caller gave {number}, and the network found it not the caller's"
        return Finding(self.name, Verdict.WARN, self.clause, text, evidence(attempt.calling))

    def _unreadable(self, attempt: CallAttempt) -> Finding | None:
        """An asserted identity of digits that is no number here may be one to the switch behind us."""
        for fact in attempt.asserted:
            if fact.number is None and len(_DIGIT.findall(fact.raw.partition(b"@")[0])) >= _SHORTEST_SUBSCRIBER:
                text = (
                    "P-Asserted-Identity carries digits that cannot be read as a number, and were compared to nothing"
                )
                return Finding(self.name, Verdict.WARN, self.clause, text, evidence(fact))
        return None

    def _agreed(self, attempt: CallAttempt, calling: NumberFact, number: TelephoneNumber) -> Finding:
        for fact in (*attempt.asserted, attempt.from_):
            if fact.number is not None and fact.number.nature is not number.nature:
                return Finding(
                    self.name,
                    Verdict.PASS_NORMALISED,
                    self.clause,
                    f"{calling.field} and {fact.field} spell {number} in two equivalent ways",
                    evidence(calling, fact),
                )
        return self._pass


def _who_can_be_billed(attempt: CallAttempt) -> str:
    charged = next((fact.number for fact in attempt.charge if fact.number is not None), None)
    if charged is None:
        return "; nor is there a charge number: nothing says whom to bill"
    return f"; the charge number {charged} is there, and is no calling number"


def _is_extension(number: TelephoneNumber) -> bool:
    return number.nature is Nature.UNKNOWN and len(number.digits) < _SHORTEST_SUBSCRIBER
