"""What the IAM of a leg says of its call, for a report: canonical texts, whether or not a check objects to them."""

from __future__ import annotations

from typing import NamedTuple

from gateway.policy.call_attempt import CallAttempt, NumberFact, TextFact


class IamFacts(NamedTuple):
    """The facts of an initial address message. None where the parameter is not there, or cannot be read."""

    calling: str | None
    """In E.164 form where it is a number of a country, as every number here."""
    called: str | None
    """The number that was dialled, also of a call to a ported number."""
    category: str | None
    """Calling party's category: ``ordinary``, ``payphone``; the code where it has no name."""
    presentation: str | None
    """Of the calling number: ``allowed``, ``restricted``, ``unavailable``."""
    screening: str | None
    """Of the calling number: ``network provided``."""
    charge_number: str | None
    originating_line: str | None
    """ANI II digits, ``00``."""
    jurisdiction: str | None
    """The JIP: six digits NPA-NXX."""
    routing_number: str | None
    """LRN of a ported called number."""
    ported: bool
    """The M bit: a portability dip was made."""
    hop_counter: int | None
    redirections: int | None
    """The redirection counter."""
    redirecting: tuple[str, ...]
    """Redirecting number and original called number."""
    carrier: str | None
    """Transit network selection or carrier identification."""
    name: str | None
    """The generic name, where it may be shown."""
    emergency: bool


def iam_facts(attempt: CallAttempt) -> IamFacts:
    """The facts of an attempt that was read from an IAM."""
    presentation, screening, routing = attempt.presentation, attempt.screening, attempt.routing_number
    return IamFacts(
        _number(attempt.calling),
        _number(attempt.called),
        _text(attempt.calling_party_category),
        presentation.value if presentation is not None else None,
        screening.value if screening is not None else None,
        _number(attempt.charge[0]) if attempt.charge else None,
        _text(attempt.originating_line),
        _text(attempt.jurisdiction),
        str(routing) if routing is not None else None,
        attempt.npdi,
        attempt.hops,
        attempt.redirections,
        tuple(str(one.number) for one in attempt.diversions if one.number is not None),
        _text(attempt.carrier),
        _text(attempt.display_name),
        attempt.emergency,
    )


def _number(fact: NumberFact) -> str | None:
    return str(fact.number) if fact.number is not None else None


def _text(fact: TextFact | None) -> str | None:
    return (fact.value or None) if fact is not None else None
