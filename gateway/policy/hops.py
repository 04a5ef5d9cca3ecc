"""The same call seen before and after a carrier: what the hop between the two changed (L7, 47 CFR 64.1601(a)).

An intermediate carrier passes on unaltered what identifies the calling and the billing number. Each fact is compared on
its own; what may change on the way (``+1`` and ten digits, an LNP dip, an appended diversion) is not an alteration.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.call_attempt import CallAttempt, NumberFact
from gateway.policy.facts import asked_privacy, evidence, same_number
from gateway.policy.verdict import Evidence, Verdict

CHECK: Final = "between_legs"
CLAUSE: Final = "L7; 47 CFR 64.1601(a)"
PRIVACY_CLAUSE: Final = "L7; 47 CFR 64.1601(b)"

_RESTRICTING: Final = frozenset({"id", "user", "header"})


class HopFinding(NamedTuple):
    """What one comparison of two legs found."""

    verdict: Verdict
    """PASS, PASS_NORMALISED, WARN, ALTERED, MISSING or FABRICATED."""
    clause: str
    text: str
    """For a person; empty on PASS."""
    before: tuple[Evidence, ...] = ()
    """Where the fact stands in the message before the hop."""
    after: tuple[Evidence, ...] = ()
    """Where it stands, or should stand, in the message behind it."""


_PASS: Final = HopFinding(Verdict.PASS, CLAUSE, "")


def compare_hop(before: CallAttempt, after: CallAttempt) -> tuple[HopFinding, ...]:
    """What changed of one call between two legs: every change found, or one PASS where there is none.

    `before` is the leg nearer to the caller.
    """
    comparisons = (_calling, _from, _presentation, _called, _charge, _diversions, _history)
    found = tuple(finding for compare in comparisons if (finding := compare(before, after)) is not None)
    return found or (_PASS,)


def _calling(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    one, other = before.calling, after.calling
    sides = (evidence(one), evidence(other))
    if one.number is None and other.number is None:
        return None
    if other.number is None:
        text = f"the calling number {one.number} in {one.field} is gone behind the hop"
        return HopFinding(Verdict.MISSING, CLAUSE, text, *sides)
    if one.number is None:
        text = f"the calling number {other.number} in {other.field} was not there before the hop"
        return HopFinding(Verdict.FABRICATED, CLAUSE, text, *sides)
    if not same_number(one.number, other.number):
        text = f"the calling number was {one.number} in {one.field} and is {other.number} in {other.field}"
        return HopFinding(Verdict.ALTERED, CLAUSE, text, *sides)
    if one.field != other.field:
        if one.field == "From":
            text = f"{one.number} stood in From only, the caller's word; now {other.field} asserts it as the network's"
            return HopFinding(Verdict.WARN, CLAUSE, text, *sides)
        text = f"{one.number} moved from {one.field} to {other.field}"
        return HopFinding(Verdict.PASS_NORMALISED, CLAUSE, text, *sides)
    return _respelt("calling number", one, other)


def _respelt(what: str, one: NumberFact, other: NumberFact) -> HopFinding | None:
    """Two spellings of one number, where they differ."""
    if one.number is None or other.number is None or one.number.nature is other.number.nature:
        return None
    text = f"the {what} {other.number} is spelt {one.number.nature.value} before and {other.number.nature.value} behind"
    return HopFinding(Verdict.PASS_NORMALISED, CLAUSE, text, evidence(one), evidence(other))


def _from(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """From beside a P-Asserted-Identity: its digits are the caller's too. Made anonymous, it is presentation's."""
    if before.calling.field == "From" or after.calling.field == "From":
        return None
    one, other = before.from_.number, after.from_.number
    if one is None or other is None or same_number(one, other):
        return None
    if one == before.calling.number and other == after.calling.number:
        return None  # the same change, already told
    text = f"From was {one} and is {other}"
    return HopFinding(Verdict.ALTERED, CLAUSE, text, evidence(before.from_), evidence(after.from_))


def _presentation(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    was, now = _restricted(before), _restricted(after)
    if was == now:
        return None
    what = "cleared: the number was restricted and is not any more" if was else "added: the number was not restricted"
    sides = (evidence(*before.privacy, before.from_), evidence(*after.privacy, after.from_))
    return HopFinding(Verdict.ALTERED, PRIVACY_CLAUSE, f"the caller's privacy was {what}", *sides)


def _restricted(attempt: CallAttempt) -> bool:
    """Whether the number is marked as restricted: by Privacy (RFC 3323, 3325), or by an anonymous From."""
    if asked_privacy(attempt) & _RESTRICTING:
        return True
    return attempt.from_.number is None and b"anonymous" in attempt.from_.raw.lower()


def _called(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """Only an LNP dip may change the called side: the LRN comes as rn, npdi is set, the dialled digits stay."""
    if before.emergency and after.emergency:  # 911 and urn:service:sos are one destination
        return None
    one, other = before.called, after.called
    sides = (evidence(one), evidence(other))
    if one.number is not None and other.number is None:
        text = f"the called number {one.number} is gone behind the hop"
        return HopFinding(Verdict.MISSING, CLAUSE, text, *sides)
    if one.number is not None and other.number is not None and not same_number(one.number, other.number):
        text = f"the called number was {one.number} and is {other.number}"
        lrn = after.routing_number
        if before.routing_number is None and lrn is not None and lrn.digits == other.number.digits:
            text += ": the LRN took the place of the dialled digits"
        return HopFinding(Verdict.ALTERED, CLAUSE, text, *sides)
    dip = _dip(before, after)
    if dip is not None:
        return HopFinding(Verdict.ALTERED, CLAUSE, dip, *sides)
    return _respelt("called number", one, other)


def _dip(before: CallAttempt, after: CallAttempt) -> str | None:
    """What is wrong with the traces of an LNP dip (RFC 4694); None where nothing is."""
    was, now = before.routing_number, after.routing_number
    if was is not None and now is None:
        return f"the routing number {was} is gone: the dip was undone"
    if was is not None and now is not None and was.digits != now.digits:
        return f"the routing number was {was} and is {now}"
    if before.npdi and not after.npdi:
        return "npdi was taken out: the dip was undone"
    return None


def _charge(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    """The charge number may be left out only where it equals the calling number."""
    one, other = _first(before.charge), _first(after.charge)
    sides = (evidence(*before.charge), evidence(*after.charge))
    if one is not None and other is not None:
        if one.digits == other.digits:
            return None
        return HopFinding(Verdict.ALTERED, CLAUSE, f"the charge number was {one} and is {other}", *sides)
    if one is not None and (before.calling.number is None or one.digits != before.calling.number.digits):
        text = f"the charge number {one} differs from the calling number and is gone behind the hop"
        return HopFinding(Verdict.MISSING, CLAUSE, text, *sides)
    if other is not None and (after.calling.number is None or other.digits != after.calling.number.digits):
        text = f"the charge number {other} was not there before the hop, and is not the caller's"
        return HopFinding(Verdict.FABRICATED, CLAUSE, text, *sides)
    return None


def _first(facts: Iterable[NumberFact]) -> TelephoneNumber | None:
    return next((fact.number for fact in facts if fact.number is not None), None)


def _diversions(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    return _appended_only("Diversion", before.diversions[::-1], after.diversions[::-1])


def _history(before: CallAttempt, after: CallAttempt) -> HopFinding | None:
    return _appended_only("History-Info", before.history, after.history)


def _appended_only(field: str, before: tuple[NumberFact, ...], after: tuple[NumberFact, ...]) -> HopFinding | None:
    """A hop may append a diversion; it may not take one out, change one or put them in another order. Oldest first."""
    one, other = _digits(before), _digits(after)
    if other[: len(one)] == one:
        return None
    sides: tuple[tuple[Evidence, ...], tuple[Evidence, ...]] = (evidence(*before), evidence(*after))
    gone = [digits for digits in one if digits not in other]
    if gone:
        return HopFinding(Verdict.MISSING, CLAUSE, f"{field} has lost {', '.join(gone)}", *sides)
    text = f"the diverting numbers of {field} stand in another order or are mixed with others"
    return HopFinding(Verdict.ALTERED, CLAUSE, text, *sides)


def _digits(facts: Iterable[NumberFact]) -> list[str]:
    return [fact.number.digits for fact in facts if fact.number is not None]
