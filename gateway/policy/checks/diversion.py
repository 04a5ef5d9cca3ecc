"""Those who diverted a call stay named, in order, and never in place of the caller (L7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.policy.call_attempt import CallAttempt, NumberFact, Protocol
from gateway.policy.facts import claims_nanp, evidence, passed, passports_of, tn_number, violation
from gateway.policy.refusals import Reason
from gateway.policy.verdict import Evidence, Finding, Verdict

_REDIRECTING: Final = "Redirecting number"
_ORIGINAL: Final = "Original called number"
_BOTH: Final = 2


class DivertingNumbers:
    """Judges Diversion (RFC 5806), History-Info (RFC 7044) and div PASSporTs (RFC 8946) within one message; in ISUP
    the redirecting number and the original called number. Where an INVITE has none of its own, those of the IAM in its
    body go on, and are judged.

    - FABRICATED: a diverting number written as one of the NANP that can't exist.
    - ALTERED: a diverting number stands as the calling number; Diversion and History-Info disagree on the first
      diverter; Diversion's numbers don't follow each other in History-Info in the same order (History-Info may have
      entries that are no diversion); a div PASSporT names a diverter that neither of them has.
    - In ISUP, ALTERED: redirecting number and original called number differ, and the call was redirected once. WARN: it
      was redirected more often, and one of the two is missing; it was redirected, and both are.
    - WARN: a div PASSporT and no other field that names its diverter; allowed, but what the called side sees is gone.
    """

    name: Final = "diversion"
    clause: Final = "L7"

    def __init__(self) -> None:
        self._pass = passed(self.name, self.clause)

    def judge(self, attempt: CallAttempt) -> Finding:
        body = attempt.encapsulated
        if body is not None and not (attempt.diversions or attempt.history):
            found = self._impossible(body) or self._used_as_cpn(body) or self._redirections(body)
            if found is not None:
                return found
        if not (attempt.diversions or attempt.history or attempt.identities or attempt.redirections):
            return self._pass
        return (
            self._impossible(attempt)
            or self._used_as_cpn(attempt)
            or (self._redirections(attempt) if attempt.protocol is Protocol.ISUP else self._disagreement(attempt))
            or self._signed(attempt)
            or self._pass
        )

    def _impossible(self, attempt: CallAttempt) -> Finding | None:
        for fact in (*attempt.diversions, *attempt.history):
            number = fact.number
            if number is not None and not number.is_nanp and claims_nanp(fact):
                text = f"the diverting number {number.digits} in {fact.field} cannot exist in the NANP"
                return violation(
                    self.name,
                    Verdict.FABRICATED,
                    self.clause,
                    Reason.DIVERSION_FABRICATED,
                    text,
                    evidence(fact),
                )
        return None

    def _used_as_cpn(self, attempt: CallAttempt) -> Finding | None:
        calling, called = attempt.calling, attempt.called.number
        if calling.number is None:
            return None
        for fact in (*attempt.diversions, *attempt.history):
            # The last entry of History-Info is where the call goes: that the caller calls itself is for calling_number.
            if fact.number is None or (called is not None and fact.number.digits == called.digits):
                continue
            if fact.number.digits == calling.number.digits:
                text = (
                    f"the calling number {calling.number} in {calling.field} is the one that diverted the call "
                    f"({fact.field}): the caller's was replaced"
                )
                return self._altered(text, evidence(calling, fact))
        return None

    def _disagreement(self, attempt: CallAttempt) -> Finding | None:
        diversions, history = _digits(reversed(attempt.diversions)), _digits(attempt.history)
        if not diversions or not history:
            return None
        seen = evidence(*attempt.diversions, *attempt.history)
        first_diverter, original = attempt.diversions[-1].number, attempt.history[0].number
        if first_diverter is not None and original is not None and first_diverter.digits != original.digits:
            text = f"the first to divert is {first_diverter} by Diversion and {original} by History-Info"
            return self._altered(text, seen)
        if not _follows(diversions, history):
            text = "Diversion and History-Info name the diverting numbers differently or in another order"
            return self._altered(text, seen)
        return None

    def _redirections(self, attempt: CallAttempt) -> Finding | None:
        """By the counter of an IAM, which says how often the call was redirected (Q.763 section 3.45)."""
        count, numbers = attempt.redirections, _digits(attempt.diversions)
        seen = evidence(*attempt.diversions)
        if count == 1 and len(numbers) > 1:
            text = (
                f"the call was redirected once, Redirecting number says {numbers[0]} and Original called number "
                f"{numbers[1]}: one of the two was changed"
            )
            return self._altered(text, seen)
        missing = {_REDIRECTING, _ORIGINAL} - {fact.field for fact in attempt.diversions if fact.number is not None}
        if count is not None and missing and (count > 1 or len(missing) == _BOTH):
            text = f"the call was redirected {count} times, and nothing stands in {' and '.join(sorted(missing))}"
            return Finding(self.name, Verdict.WARN, self.clause, text, seen)
        return None

    def _signed(self, attempt: CallAttempt) -> Finding | None:
        named = {*_digits(attempt.diversions), *_digits(attempt.history)}
        for read in passports_of(attempt):
            diverter = tn_number(read.passport.div_tn)
            if diverter is None or diverter.digits in named:
                continue
            if named:
                text = f"a div PASSporT says that {diverter} diverted the call; Diversion and History-Info leave it out"
                return self._altered(text, evidence(read.fact, *attempt.diversions, *attempt.history))
            text = f"only a div PASSporT says that {diverter} diverted the call: there is no Diversion or History-Info"
            return Finding(self.name, Verdict.WARN, self.clause, text, evidence(read.fact))
        return None

    def _altered(self, text: str, seen: tuple[Evidence, ...]) -> Finding:
        return violation(self.name, Verdict.ALTERED, self.clause, Reason.DIVERSION_ALTERED, text, seen)


def _digits(facts: Iterable[NumberFact]) -> list[str]:
    """The numbers in order; a number that stands twice in a row counts once."""
    digits: list[str] = []
    for fact in facts:
        if fact.number is not None and fact.number.digits not in digits[-1:]:
            digits.append(fact.number.digits)
    return digits


def _follows(some: Sequence[str], every: Sequence[str]) -> bool:
    """Whether `some` stand in `every` in the same order."""
    remaining = iter(every)
    return all(number in remaining for number in some)
