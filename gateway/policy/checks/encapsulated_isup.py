"""What the IAM in an INVITE's body says is what the INVITE's header fields say (L7, 47 CFR 64.1601(a))."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy import canonical
from gateway.policy.call_attempt import CallAttempt, NumberFact, Screening, TextFact
from gateway.policy.canonical import FROM
from gateway.policy.facts import evidence, passed, violation
from gateway.policy.refusals import Reason
from gateway.policy.verdict import Finding, Verdict

_Said = Callable[[CallAttempt], str | None]
_Facts = Callable[[CallAttempt], tuple[NumberFact | TextFact | None, ...]]


class EncapsulatedIsup:
    """Judges SIP-I (Q.1912.5, RFC 3372): one call, said twice in one message. The next switch may take either.

    - ALTERED: both say a fact, and say it differently: calling number, presentation, charge number, called number,
      routing number, originating line, jurisdiction, category, carrier, first diverting number; or the body says that a
      portability dip was made and the header fields do not. That they say more of a dip than the body is a dip made on
      the way.
    - WARN: one of the two alone carries the calling number; the body says that nobody verified the number which
      P-Asserted-Identity gives as the network's; the body cannot be read, and was compared to nothing.

    Facts that only the body carries are no finding: they are why there is a body.
    """

    name: Final = "encapsulated_isup"
    clause: Final = "L7"

    def __init__(self) -> None:
        self._pass = passed(self.name, self.clause)

    def judge(self, attempt: CallAttempt) -> Finding:
        body = attempt.encapsulated
        if body is None:
            return self._unreadable(attempt.unreadable_body) if attempt.unreadable_body is not None else self._pass
        return (
            self._contradiction(attempt, body)
            or self._dip_undone(attempt, body)
            or self._calling_number_of_one(attempt, body)
            or self._raised(attempt, body)
            or self._pass
        )

    def _unreadable(self, body: TextFact) -> Finding:
        text = f"the ISUP body cannot be read, and was compared to nothing: {body.value}"
        return Finding(self.name, Verdict.WARN, self.clause, text, evidence(body))

    def _contradiction(self, attempt: CallAttempt, body: CallAttempt) -> Finding | None:
        for what, said, facts in _COMPARED:
            one, other = said(body), said(attempt)
            if one is not None and other is not None and one != other:
                text = f"the {what} is {one} by the ISUP body and {other} by the SIP header fields"
                return self._altered(text, *facts(body), *facts(attempt))
        return None

    def _dip_undone(self, attempt: CallAttempt, body: CallAttempt) -> Finding | None:
        if not body.npdi or attempt.npdi or attempt.emergency:
            return None
        text = "the ISUP body says that a portability dip was made (M bit), the Request-URI has no npdi"
        return self._altered(text, body.called, attempt.called)

    def _altered(self, text: str, *facts: NumberFact | TextFact | None) -> Finding:
        seen = evidence(*facts)
        return violation(self.name, Verdict.ALTERED, self.clause, Reason.ENCAPSULATED_ALTERED, text, seen)

    def _calling_number_of_one(self, attempt: CallAttempt, body: CallAttempt) -> Finding | None:
        one, other = body.calling, attempt.calling
        if (one.number is None) == (other.number is None):
            return None
        if one.number is None:
            text = f"only the SIP header fields carry a calling number, {other.number}; the ISUP body has none"
        else:
            text = f"only the ISUP body carries a calling number, {one.number}; the SIP header fields have none"
        return Finding(self.name, Verdict.WARN, self.clause, text, evidence(one, other))

    def _raised(self, attempt: CallAttempt, body: CallAttempt) -> Finding | None:
        if attempt.calling.number is None or attempt.calling.field == FROM or body.screening not in _UNVERIFIED:
            return None
        text = (
            f"{attempt.calling.field} gives {attempt.calling.number} as the network's; by the screening indicator of "
            "the ISUP body the network did not verify it"
        )
        return Finding(self.name, Verdict.WARN, self.clause, text, evidence(attempt.calling, body.calling))


_UNVERIFIED: Final = (Screening.USER_NOT_VERIFIED, Screening.USER_FAILED)


def _text(number: TelephoneNumber | None) -> str | None:
    return str(number) if number is not None else None


def _calling(attempt: CallAttempt) -> str | None:
    return _text(attempt.calling.number)


def _presentation(attempt: CallAttempt) -> str | None:
    restricted = canonical.is_restricted(attempt)
    return None if restricted is None else "restricted" if restricted else "not restricted"


def _called(attempt: CallAttempt) -> str | None:
    """911 and ``urn:service:sos`` are one destination."""
    return "an emergency service" if attempt.emergency else _text(attempt.called.number)


def _routing_number(attempt: CallAttempt) -> str | None:
    return _text(attempt.routing_number)


def _charge(attempt: CallAttempt) -> str | None:
    return _text(canonical.charge_number(attempt))


def _first_diverter(attempt: CallAttempt) -> str | None:
    return next(iter(canonical.diverters(attempt)), None)


def _of_calling(attempt: CallAttempt) -> tuple[NumberFact | TextFact | None, ...]:
    return (attempt.calling,)


def _of_presentation(attempt: CallAttempt) -> tuple[NumberFact | TextFact | None, ...]:
    return (attempt.from_, *attempt.privacy)


def _of_called(attempt: CallAttempt) -> tuple[NumberFact | TextFact | None, ...]:
    return (attempt.called,)


def _of_charge(attempt: CallAttempt) -> tuple[NumberFact | TextFact | None, ...]:
    return attempt.charge


def _of_line(attempt: CallAttempt) -> tuple[NumberFact | TextFact | None, ...]:
    return (attempt.originating_line,)


def _of_jurisdiction(attempt: CallAttempt) -> tuple[NumberFact | TextFact | None, ...]:
    return (attempt.jurisdiction or attempt.calling,)


def _of_category(attempt: CallAttempt) -> tuple[NumberFact | TextFact | None, ...]:
    return (attempt.calling_party_category, attempt.originating_line)


def _of_carrier(attempt: CallAttempt) -> tuple[NumberFact | TextFact | None, ...]:
    return (attempt.carrier,)


def _of_diverters(attempt: CallAttempt) -> tuple[NumberFact | TextFact | None, ...]:
    return attempt.diversions or attempt.history


_COMPARED: Final[tuple[tuple[str, _Said, _Facts], ...]] = (
    ("calling number", _calling, _of_calling),
    ("presentation of the calling number", _presentation, _of_presentation),
    ("called number", _called, _of_called),
    ("routing number", _routing_number, _of_called),
    ("charge number", _charge, _of_charge),
    ("originating line information", canonical.line, _of_line),
    ("jurisdiction", canonical.jurisdiction, _of_jurisdiction),
    ("calling party's category", canonical.category, _of_category),
    ("carrier", canonical.carrier, _of_carrier),
    ("first diverting number", _first_diverter, _of_diverters),
)
"""What is compared, what a reading says of it, and where that stands."""
