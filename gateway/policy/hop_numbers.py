"""What a hop may do to the numbers of a call, and what it may not: calling, called, charge, diverting ones (L7)."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.call_attempt import CallAttempt, NumberFact, Protocol
from gateway.policy.canonical import FROM, charge_number, diverters
from gateway.policy.facts import evidence, names_of, same_number
from gateway.policy.hop_finding import CLAUSE, HopFinding, Sides, sides
from gateway.policy.verdict import Verdict


def calling(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    one, other = before.calling, after.calling
    seen = sides(one, other)
    if one.number is None and other.number is None:
        return None
    if other.number is None:
        text = f"the calling number {one.number} in {one.field} is gone behind the hop"
        return HopFinding(Verdict.MISSING, CLAUSE, text, *seen)
    if one.number is None:
        text = f"the calling number {other.number} in {other.field} was not there before the hop"
        return HopFinding(Verdict.FABRICATED, CLAUSE, text, *seen)
    if not same_number(one.number, other.number):
        text = f"the calling number was {one.number} in {one.field} and is {other.number} in {other.field}"
        return HopFinding(Verdict.ALTERED, CLAUSE, text, *seen)
    if before.protocol is not after.protocol:
        return None  # each spells numbers in its own way; whose word it is, the screening says
    if one.field != other.field:
        if one.field == FROM:
            text = f"{one.number} stood in From only, the caller's word; now {other.field} asserts it as the network's"
            return HopFinding(Verdict.WARN, CLAUSE, text, *seen)
        text = f"{one.number} moved from {one.field} to {other.field}"
        return HopFinding(Verdict.PASS_NORMALISED, CLAUSE, text, *seen)
    return _respelt("calling number", one, other)


def _respelt(what: str, one: NumberFact, other: NumberFact) -> HopFinding | None:
    """Two spellings of one number, where they differ."""
    if one.number is None or other.number is None or one.number.nature is other.number.nature:
        return None
    text = f"the {what} {other.number} is spelt {one.number.nature.value} before and {other.number.nature.value} behind"
    return HopFinding(Verdict.PASS_NORMALISED, CLAUSE, text, evidence(one), evidence(other))


def from_(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """From beside a P-Asserted-Identity: its digits are the caller's too. Made anonymous, it is presentation's."""
    if before.calling.field == FROM or after.calling.field == FROM:
        return None
    one, other = before.from_.number, after.from_.number
    if one is None or other is None or same_number(one, other):
        return None
    if one == before.calling.number and other == after.calling.number:
        return None  # the same change, already told
    text = f"From was {one} and is {other}"
    return HopFinding(Verdict.ALTERED, CLAUSE, text, evidence(before.from_), evidence(after.from_))


def called(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """Only an LNP dip may change the called side: the LRN comes as rn, npdi is set, the dialled digits stay."""
    if before.emergency and after.emergency:  # 911 and urn:service:sos are one destination
        return None
    one, other = before.called, after.called
    seen = sides(one, other)
    if one.number is not None and other.number is None:
        text = f"the called number {one.number} is gone behind the hop"
        return HopFinding(Verdict.MISSING, CLAUSE, text, *seen)
    if one.number is not None and other.number is not None and not same_number(one.number, other.number):
        text = f"the called number was {one.number} and is {other.number}"
        if _overwritten_by_lrn(before, after, other.number):
            text += ": the LRN took the place of the dialled digits"
        return HopFinding(Verdict.ALTERED, CLAUSE, text, *seen)
    dip = _dip(before, after)
    if dip is not None:
        return HopFinding(Verdict.ALTERED, CLAUSE, dip, *seen)
    return _respelt("called number", one, other) if before.protocol is after.protocol else None


def _overwritten_by_lrn(before: CallAttempt, after: CallAttempt, number: TelephoneNumber) -> bool:
    """Whether the called number is the LRN of a dip now: in ISUP the generic address with the ported number is lost."""
    was, now = before.routing_number, after.routing_number
    if was is None and now is not None:
        return now.digits == number.digits
    if after.protocol is not Protocol.ISUP or now is not None:
        return False
    return was.digits == number.digits if was is not None else after.npdi and not before.npdi


def _dip(before: CallAttempt, after: CallAttempt) -> str | None:
    """What is wrong with the traces of an LNP dip (RFC 4694); None where nothing is."""
    was, now = before.routing_number, after.routing_number
    if was is not None and now is None:
        return f"the routing number {was} is gone: the dip was undone"
    if was is not None and now is not None and was.digits != now.digits:
        return f"the routing number was {was} and is {now}"
    if before.npdi and not after.npdi:
        return f"{names_of(before).npdi} was taken out: the dip was undone"
    return None


def charge(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """The charge number may be left out only where it equals the calling number."""
    one, other = charge_number(before), charge_number(after)
    seen = (evidence(*before.charge), evidence(*after.charge))
    if one is not None and other is not None:
        if one.digits == other.digits:
            return None
        return HopFinding(Verdict.ALTERED, CLAUSE, f"the charge number was {one} and is {other}", *seen)
    if one is not None and (before.calling.number is None or one.digits != before.calling.number.digits):
        text = f"the charge number {one} differs from the calling number and is gone behind the hop"
        return HopFinding(Verdict.MISSING, CLAUSE, text, *seen)
    if other is not None and (after.calling.number is None or other.digits != after.calling.number.digits):
        text = f"the charge number {other} was not there before the hop, and is not the caller's"
        return HopFinding(Verdict.FABRICATED, CLAUSE, text, *seen)
    return None


def diversions(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    return _appended_only("Diversion", before.diversions[::-1], after.diversions[::-1])


def history(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    return _appended_only("History-Info", before.history, after.history)


def redirections(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """As `diversions`, where one side or both are ISUP, which has room for the first and the last diverting number.

    One more redirection takes the place of the last; that there was one more, the redirection counter says.
    """
    one, other = diverters(before), diverters(after)
    if not one:
        return None
    seen: Sides = (
        evidence(*(before.diversions or before.history)),
        evidence(*(after.diversions or after.history)),
    )
    if not other:
        text = f"the diverting numbers are gone behind the hop: {', '.join(one)}"
        return HopFinding(Verdict.MISSING, CLAUSE, text, *seen)
    if other[0] != one[0]:
        if one[0] in other:
            text = f"the first diverting number was {one[0]} and is {other[0]}: they stand in another order"
            return HopFinding(Verdict.ALTERED, CLAUSE, text, *seen)
        text = f"the first diverting number {one[0]} is gone behind the hop; {other[0]} stands in its place"
        return HopFinding(Verdict.MISSING, CLAUSE, text, *seen)
    if one[-1] in other or (after.protocol is Protocol.ISUP and _redirected(after) > _redirected(before)):
        return None
    text = f"the last diverting number {one[-1]} is gone behind the hop"
    return HopFinding(Verdict.MISSING, CLAUSE, text, *seen)


def _redirected(attempt: CallAttempt) -> int:
    """How often the call was redirected."""
    return attempt.redirections if attempt.redirections is not None else len(diverters(attempt))


def _appended_only(field: str, before: tuple[NumberFact, ...], after: tuple[NumberFact, ...]) -> HopFinding | None:
    """A hop may append a diversion; it may not take one out, change one or put them in another order. Oldest first."""
    one, other = _digits(before), _digits(after)
    if other[: len(one)] == one:
        return None
    seen: Sides = (evidence(*before), evidence(*after))
    gone = [digits for digits in one if digits not in other]
    if gone:
        return HopFinding(Verdict.MISSING, CLAUSE, f"{field} has lost {', '.join(gone)}", *seen)
    text = f"the diverting numbers of {field} stand in another order or are mixed with others"
    return HopFinding(Verdict.ALTERED, CLAUSE, text, *seen)


def _digits(facts: Iterable[NumberFact]) -> list[str]:
    return [fact.number.digits for fact in facts if fact.number is not None]
