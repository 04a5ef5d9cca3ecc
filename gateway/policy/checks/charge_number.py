"""The charge number is a billing number that can be billed, and stays out of the CPN (L7, 47 CFR 64.1601(a))."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.call_attempt import CallAttempt, NumberFact, TextFact
from gateway.policy.facts import (
    canonical_digits,
    claims_nanp,
    evidence,
    passed,
    passports_of,
    same_number,
    tn_number,
    violation,
)
from gateway.policy.refusals import Reason
from gateway.policy.verdict import Finding, Verdict


class ChargeNumber:
    """Judges P-Charge-Info (RFC 8496), in ISUP the charge number (T1.113.3 section 3.10), within one message. Where an
    INVITE has none, that of the IAM in its body goes on, and is judged.

    The charge number may differ from the calling number, and is left out when it doesn't: that one was dropped shows
    only between two points. It is ALTERED when it stands in for the CPN (one field carries it as the calling number
    while another names the real caller) or when two charge fields differ, and FABRICATED when it can't exist in the
    NANP or is a gateway's or switch's own number.
    """

    name: Final = "charge_number"
    clause: Final = "L7"

    def __init__(self, gateway_numbers: Iterable[str] = ()) -> None:
        self._gateway_numbers = canonical_digits(gateway_numbers)
        self._pass = passed(self.name, self.clause)

    def judge(self, attempt: CallAttempt) -> Finding:
        facts = attempt.charge
        if not facts and attempt.encapsulated is not None:
            facts = attempt.encapsulated.charge
        if not facts:
            return self._pass
        charge = next((fact for fact in facts if fact.number is not None), None)
        if charge is None or charge.number is None:
            text = f"{facts[0].field} names no number: the billing number can't be told"
            return Finding(self.name, Verdict.WARN, self.clause, text, evidence(*facts))
        return (
            self._fabrication(charge, charge.number)
            or self._disagreement(facts, charge, charge.number)
            or self._used_as_cpn(attempt, charge, charge.number)
            or self._pass
        )

    def _fabrication(self, charge: NumberFact, number: TelephoneNumber) -> Finding | None:
        if number.digits in self._gateway_numbers:
            text = f"the charge number {number} is a switch's or gateway's own: the billing number was replaced"
        elif not number.is_nanp and claims_nanp(charge):
            text = f"the charge number {number.digits} cannot exist in the NANP"
        else:
            return None
        return violation(
            self.name, Verdict.FABRICATED, self.clause, Reason.CHARGE_NUMBER_FABRICATED, text, evidence(charge)
        )

    def _disagreement(
        self, facts: tuple[NumberFact, ...], charge: NumberFact, number: TelephoneNumber
    ) -> Finding | None:
        for other in facts:
            if other.number is not None and not same_number(other.number, number):
                text = f"two charge numbers: {number} and {other.number}"
                return self._altered(text, evidence_of=(charge, other))
        return None

    def _used_as_cpn(self, attempt: CallAttempt, charge: NumberFact, number: TelephoneNumber) -> Finding | None:
        """One field calls the charge number the caller, another names someone else."""
        posing: NumberFact | TextFact | None = None
        caller: NumberFact | TextFact | None = None
        for fact in (*attempt.asserted, attempt.from_):
            if fact.number is None:
                continue
            if same_number(fact.number, number):
                posing = fact
            else:
                caller = fact
        for read in passports_of(attempt):
            signed = tn_number(read.passport.orig_tn)
            if signed is not None and signed.digits != number.digits:
                caller = read.fact
        if posing is None or caller is None:
            return None
        text = f"charge number used as CPN: {posing.field} carries {number}, while {caller.field} names the caller"
        return self._altered(text, evidence_of=(charge, posing, caller))

    def _altered(self, text: str, *, evidence_of: tuple[NumberFact | TextFact, ...]) -> Finding:
        return violation(
            self.name,
            Verdict.ALTERED,
            self.clause,
            Reason.CHARGE_NUMBER_ALTERED,
            text,
            evidence(*evidence_of),
        )
