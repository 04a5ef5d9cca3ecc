"""What a call's facts say, in one form whichever protocol says it, so that SIP and ISUP can be held side by side.

None means that the message does not say. What stands in two fields of one message is the checks' to compare.
"""

from __future__ import annotations

from typing import Final

from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.call_attempt import CallAttempt, NumberFact, Presentation, Protocol
from gateway.policy.facts import asked_privacy, text_of

RESTRICTING: Final = frozenset({"id", "user", "header"})
"""Privacy values that restrict the calling identity: network-asserted (RFC 3325), user's and headers' (RFC 3323)."""
FROM: Final = "From"
PAYPHONE: Final = "payphone"
EMERGENCY: Final = "emergency"

_EMERGENCIES: Final = frozenset({"emergency", "224", "225"})
"""An emergency service call, and one of high priority (T1.113.3 section 3.7), as cpc may have them."""
_ISUP: Final = Protocol.ISUP
_SWITCH_DIGITS: Final = 7
_NOBODY: Final = frozenset({"", "anonymous", "restricted", "private", "unavailable", "unknown"})


def names_someone(name: str) -> bool:
    """Whether a display name or generic name is somebody's."""
    return name.strip(' "\t').lower() not in _NOBODY


def is_anonymous(from_: NumberFact) -> bool:
    """Whether From hides its caller (RFC 3323 section 4.1.1.3): ``sip:anonymous@anonymous.invalid``."""
    return from_.number is None and b"anonymous" in from_.raw.lower()


def is_restricted(attempt: CallAttempt) -> bool | None:
    """Whether the number is marked as restricted: by the presentation indicator of ISUP, by Privacy (RFC 3323, 3325) or
    an anonymous From. None where ISUP has no number that could be; digits marked as not available are not shown either.
    """
    if attempt.protocol is _ISUP:
        indicated = attempt.presentation
        if indicated is None or (indicated is Presentation.UNAVAILABLE and attempt.from_.number is None):
            return None
        return indicated is not Presentation.ALLOWED
    return not RESTRICTING.isdisjoint(asked_privacy(attempt)) or is_anonymous(attempt.from_)


def charge_number(attempt: CallAttempt) -> TelephoneNumber | None:
    """The (first) charge number."""
    return next((fact.number for fact in attempt.charge if fact.number is not None), None)


def line(attempt: CallAttempt) -> str | None:
    """Originating line information: two digits (ANI II)."""
    fact = attempt.originating_line
    digits = text_of(fact) if fact is not None else ""
    return digits.zfill(2) if digits else None


def jurisdiction(attempt: CallAttempt) -> str | None:
    """NPA-NXX of the switch that the call came from: of JIP; in SIP of rn beside the calling number, an LRN there."""
    if attempt.jurisdiction is not None:
        return attempt.jurisdiction.value or None
    lrn = attempt.calling_routing_number
    if lrn is None:
        return None
    return switch_of(lrn) or (lrn.digits[:6] if lrn.is_nanp else None)


def switch_of(lrn: TelephoneNumber) -> str | None:
    """NPA-NXX where a routing number is no LRN but the six digits by which a switch is known, with ``+1``: what is left
    of one that went through ISUP, whose JIP has no more.
    """
    digits = lrn.digits
    return digits[1:] if len(digits) == _SWITCH_DIGITS and digits[0] == "1" else None


def category(attempt: CallAttempt) -> str | None:
    """Of the calling party, as cpc writes it. An emergency call is one by whom it calls, too."""
    if attempt.emergency:
        return EMERGENCY
    fact = attempt.calling_party_category
    text = text_of(fact) if fact is not None else ""
    return EMERGENCY if text in _EMERGENCIES else text or None


def carrier(attempt: CallAttempt) -> str | None:
    """Carrier identification code, without zeros before it: 288 and 0288 are one."""
    fact = attempt.carrier
    return (text_of(fact).lstrip("0") or None) if fact is not None else None


def name(attempt: CallAttempt) -> str | None:
    """The caller's name, where it is shown and somebody's."""
    fact = attempt.display_name
    if fact is None:
        return None
    text = fact.value or fact.raw.decode("utf-8", "replace")
    return text.strip(' "\t') if names_someone(text) else None


def diverters(attempt: CallAttempt) -> list[str]:
    """The numbers that diverted the call, oldest first, one that stands twice in a row once.

    In SIP Diversion's, else those of History-Info, whose last entry is where the call goes (RFC 7044 section 3.1).
    """
    facts = attempt.diversions[::-1] or attempt.history[:-1]
    digits: list[str] = []
    for fact in facts:
        if fact.number is not None and fact.number.digits not in digits[-1:]:
            digits.append(fact.number.digits)
    return digits
