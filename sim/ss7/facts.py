"""What an IAM says, fact by fact, in words that a scenario can hold it to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import AddressPresentation, GenericAddressType, IsupMessage, P, ScreeningIndicator
from sim.ss7.call_plan import PORTED

PRESENTATIONS: Final[Mapping[str, AddressPresentation]] = {
    "allowed": AddressPresentation.ALLOWED,
    "restricted": AddressPresentation.RESTRICTED,
    "not available": AddressPresentation.NOT_AVAILABLE,
}
SCREENINGS: Final[Mapping[str, ScreeningIndicator]] = {
    "user, not verified": ScreeningIndicator.USER_NOT_VERIFIED,
    "user, verified and passed": ScreeningIndicator.USER_VERIFIED_PASSED,
    "user, verified and failed": ScreeningIndicator.USER_VERIFIED_FAILED,
    "network": ScreeningIndicator.NETWORK,
}
FACTS: Final = (
    "called",
    "calling",
    "presentation",
    "screening",
    "charge",
    "oli",
    "jip",
    "ported",
    "m_bit",
    "category",
    "redirecting",
    "original_called",
    "hops",
    "carrier",
)
_HOP_BY_HOP: Final = frozenset((P.NATURE_OF_CONNECTION, P.HOP_COUNTER))
"""What an exchange sets anew (Q.764 sections 2.1.1.1 and 2.11.4)."""


def facts_of(iam: IsupMessage) -> dict[str, str]:
    """The facts that the IAM has; those that it hasn't are left out. Raises Malformed."""
    found = dict(_numbers(iam))
    indicators = iam.value(P.FORWARD_CALL_INDICATORS) or bytes(2)
    found["m_bit"] = "yes" if indicators[1] & PORTED else "no"
    for name, value in (
        ("oli", iam.originating_line),
        ("jip", iam.jurisdiction),
        ("category", iam.category),
        ("hops", iam.hop_counter),
        ("carrier", None if iam.carrier is None else iam.carrier.digits),
    ):
        if value is not None:
            found[name] = str(value)
    return found


def _numbers(iam: IsupMessage) -> Iterator[tuple[str, str]]:
    calling = iam.calling
    for name, number in (
        ("called", iam.called),
        ("calling", calling),
        ("charge", iam.charge),
        ("redirecting", iam.redirecting),
        ("original_called", iam.original_called),
    ):
        if number is not None:
            yield name, number.digits
    for number in iam.generic:
        if number.kind == GenericAddressType.PORTED:
            yield "ported", number.digits
    if calling is not None:
        yield "presentation", _word(PRESENTATIONS, calling.presentation)
        yield "screening", _word(SCREENINGS, calling.screening)


def _word(words: Mapping[str, int], value: int) -> str:
    return next((word for word, known in words.items() if known == value), str(value))


def unexpected(wanted: Mapping[str, str], iam: IsupMessage) -> Iterator[str]:
    """Where an IAM says otherwise than wanted; an empty text wants it not to say it."""
    try:
        found = facts_of(iam)
    except Malformed as error:
        yield f"the IAM cannot be read: {error}"
        return
    for name, value in wanted.items():
        if found.get(name, "") != value:
            yield f"the IAM's {name}: expected {value!r}, got {found.get(name, '')!r}"


def alterations(before: IsupMessage, after: IsupMessage) -> Iterator[str]:
    """What of an IAM is not as it came to the gateway, apart from CIC, nature of connection and hop counter.

    Every other parameter must be there as it was, in its place; the hop counter must have gone down.
    """
    kept, arrived = ([one for one in message.parameters if one[0] not in _HOP_BY_HOP] for message in (before, after))
    if kept != arrived:
        changed = [one for one in kept if one not in arrived] or [one for one in arrived if one not in kept]
        names = ", ".join(f"{code:#04x} {value.hex()}" for code, value in changed)
        yield f"parameters of the IAM were changed or moved: {names or 'their order'}"
    hops, left = before.hop_counter, after.hop_counter
    if hops is not None and (left is None or left >= hops):
        yield f"the hop counter was {hops}, arrived as {left}"
