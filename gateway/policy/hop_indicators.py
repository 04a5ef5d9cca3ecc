"""What a hop may do to what a call says beside its numbers, and what it may not: presentation, screening, line,
jurisdiction, category, name, carrier, hop counter (L7).
"""

from __future__ import annotations

from typing import Final

from gateway.policy import canonical
from gateway.policy.call_attempt import CallAttempt, Protocol, Screening
from gateway.policy.facts import evidence, is_payphone, same_number
from gateway.policy.hop_finding import CLAUSE, PRIVACY_CLAUSE, HopFinding, sides
from gateway.policy.verdict import Verdict

_ISUP: Final = Protocol.ISUP
_NO_LINE: Final = "00"
"""ANI II digits of an ordinary line: left out, nothing is lost."""
_USER: Final = frozenset({Screening.USER_NOT_VERIFIED, Screening.USER_FAILED})
_VOUCHED: Final = frozenset({Screening.USER_VERIFIED, Screening.NETWORK})
_MUST_STAY: Final = frozenset({canonical.PAYPHONE, canonical.EMERGENCY})
_LONGEST_NAME: Final = 15
"""Characters of a generic name (T1.113.3 section 3.25A): a longer one is cut."""


def presentation(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """The caller's wish is passed on. A number that is gone, or not available, has none: it is told of as gone."""
    was, now = canonical.is_restricted(before), canonical.is_restricted(after)
    if was is None or now is None or was == now:
        return None
    what = "cleared: the number was restricted and is not any more" if was else "added: the number was not restricted"
    seen = (evidence(*before.privacy, before.from_), evidence(*after.privacy, after.from_))
    return HopFinding(Verdict.ALTERED, PRIVACY_CLAUSE, f"the caller's privacy was {what}", *seen)


def screening(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """What a user says of itself does not become the network's word on the way.

    In SIP P-Asserted-Identity is the network's word and From alone, it seems, the user's (RFC 3325).
    """
    one, other = before.calling, after.calling
    if one.number is None or other.number is None or not same_number(one.number, other.number):
        return None  # of another number, or of none, it is another's screening
    was, now = _screening_of(before), _screening_of(after)
    if was is now:
        return None
    seen = sides(one, other)
    if before.protocol is not _ISUP and was is Screening.USER_NOT_VERIFIED and now in _VOUCHED:
        text = f"{one.number} stood in From only, the caller's word; now the screening indicator says: {now.value}"
        return HopFinding(Verdict.WARN, CLAUSE, text, *seen)
    if was in _USER and now in _VOUCHED:
        raised = f"the screening of the calling number was raised from {was.value!r} to {_said(after, now)}"
        return HopFinding(Verdict.ALTERED, CLAUSE, raised, *seen)
    if before.protocol is not after.protocol:
        return None
    if was is Screening.USER_FAILED:
        text = f"that the calling number failed its verification is gone: the screening is {now.value!r}"
        return HopFinding(Verdict.ALTERED, CLAUSE, text, *seen)
    text = f"the screening of the calling number was {was.value!r} and is {now.value!r}"
    return HopFinding(Verdict.WARN, CLAUSE, text, *seen)


def _screening_of(attempt: CallAttempt) -> Screening:
    if attempt.screening is not None:
        return attempt.screening
    return Screening.USER_NOT_VERIFIED if attempt.calling.field == canonical.FROM else Screening.NETWORK


def _said(attempt: CallAttempt, screening_: Screening) -> str:
    return repr(screening_.value) if attempt.protocol is _ISUP else f"the network's word in {attempt.calling.field}"


def line(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """Originating line information stays as it is. 00, an ordinary line, may be left out."""
    was, now = canonical.line(before), canonical.line(after)
    if was == now:
        return None
    seen = sides(before.originating_line, after.originating_line)
    if was is None:
        text = f"the originating line information {now} was not there before the hop"
        return HopFinding(Verdict.WARN, CLAUSE, text, *seen)
    if now is None:
        text = f"the originating line information {was} is gone behind the hop"
        return HopFinding(Verdict.WARN if was == _NO_LINE else Verdict.MISSING, CLAUSE, text, *seen)
    text = f"the originating line information was {was} and is {now}"
    return HopFinding(Verdict.ALTERED, CLAUSE, text, *seen)


def jurisdiction(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """The switch that the call came from does not change on the way. SIP need not name it (rn beside the number)."""
    was, now = canonical.jurisdiction(before), canonical.jurisdiction(after)
    if was == now:
        return None
    seen = sides(before.jurisdiction or before.calling, after.jurisdiction or after.calling)
    if was is None:
        if before.protocol is not after.protocol:
            return None
        return HopFinding(Verdict.WARN, CLAUSE, f"the jurisdiction {now} was not there before the hop", *seen)
    if now is None:
        return HopFinding(Verdict.WARN, CLAUSE, f"the jurisdiction {was} is gone behind the hop", *seen)
    return HopFinding(Verdict.ALTERED, CLAUSE, f"the jurisdiction was {was} and is {now}", *seen)


def category(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """That an emergency service is called, or a payphone calls, is not lost; its line says the latter, too (ANI II).
    Others may be left out.
    """
    was, now = canonical.category(before), canonical.category(after)
    if was is None or was == now or (was == canonical.PAYPHONE and is_payphone(after)):
        return None
    seen = sides(before.calling_party_category, after.calling_party_category)
    if was in _MUST_STAY:
        if now is None:
            text = f"the calling party's category {was} is gone behind the hop"
            return HopFinding(Verdict.MISSING, CLAUSE, text, *seen)
        text = f"the calling party's category was {was} and is {now}"
        return HopFinding(Verdict.ALTERED, CLAUSE, text, *seen)
    if now is None:
        return None
    return HopFinding(Verdict.WARN, CLAUSE, f"the calling party's category was {was} and is {now}", *seen)


def name(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """A name may be left out; none is invented."""
    was, now = canonical.name(before), canonical.name(after)
    if now is None or (was is not None and _cut(was) == _cut(now)):
        return None
    seen = sides(before.display_name, after.display_name)
    text = f"the caller's name {now!r} was not there before the hop"
    if was is not None:
        text = f"the caller's name was {was!r} and is {now!r}"
    return HopFinding(Verdict.FABRICATED, CLAUSE, text, *seen)


def _cut(text: str) -> str:
    return text[:_LONGEST_NAME].strip().casefold()


def carrier(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """A carrier's selection is consumed at that carrier, and invented nowhere."""
    was, now = canonical.carrier(before), canonical.carrier(after)
    if now is None or was == now:
        return None
    seen = sides(before.carrier, after.carrier)
    if was is None:
        text = f"the carrier {now} was not there before the hop"
        return HopFinding(Verdict.FABRICATED, CLAUSE, text, *seen)
    return HopFinding(Verdict.ALTERED, CLAUSE, f"the carrier was {was} and is {now}", *seen)


def hop_counter(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """It only goes down. Max-Forwards counts in another measure, so the two are not compared with each other."""
    was, now = before.hops, after.hops
    if was is None or before.protocol is not after.protocol:
        return None
    if now is None:
        text = f"the hop counter {was} is gone behind the hop: a call that goes in circles would not be stopped"
        return HopFinding(Verdict.WARN, CLAUSE, text)
    if now <= was:
        return None
    return HopFinding(Verdict.ALTERED, CLAUSE, f"the hop counter was {was} and is {now}: it may only go down")
