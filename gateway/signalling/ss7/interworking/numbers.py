"""Telephone numbers between SIP and ISUP: the user part of a URI, and digits with their nature of address.

The digits are never changed: a national number of the NANP gets or loses ``+1``, which is how SIP writes its country,
and that is all (47 CFR 64.1601 knows no digit that a translation may alter).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import NatureOfAddress, PartyNumber
from gateway.codecs.ss7.variant import Variant
from gateway.numbering.telephone_number import Nature, TelephoneNumber
from gateway.policy.call_attempt import NumberFact
from gateway.policy.facts import claims_nanp
from gateway.signalling.isup_numbers import telephone_number

_NATIONAL_LENGTH: Final = 10
_SUBSCRIBER_LENGTH: Final = 7
_END_OF_PULSING: Final = "F"

_T = TypeVar("_T")


def readable(read: Callable[[], _T]) -> _T | None:
    """What is read of a message, or None where the bytes are not what they should be: as if it were not there."""
    try:
        return read()
    except Malformed:
        return None


def digits_of(fact: NumberFact, variant: Variant) -> tuple[str, int] | None:
    """Address signals and nature of address of a number that SIP carries; None where the field carries none.

    ANSI writes the NANP's numbers as national ones. In ITU-T's ISUP, where nothing says whose nation is meant, every
    number that is known with its country is an international one.
    """
    number = fact.number
    if number is None:
        return None
    digits = number.digits
    if claims_nanp(fact) and len(digits) == _NATIONAL_LENGTH:
        if variant is Variant.ANSI:
            return digits, NatureOfAddress.NATIONAL.value
        return "1" + digits, NatureOfAddress.INTERNATIONAL.value
    if number.nature is Nature.INTERNATIONAL:
        return digits, NatureOfAddress.INTERNATIONAL.value
    if number.nature is Nature.SERVICE:
        return digits, service_nature(variant)
    subscriber = len(digits) == _SUBSCRIBER_LENGTH
    return digits, (NatureOfAddress.SUBSCRIBER if subscriber else NatureOfAddress.UNKNOWN).value


def service_nature(variant: Variant) -> int:
    """Nature of address of a service code, 911 among them."""
    return (NatureOfAddress.NATIONAL if variant is Variant.ANSI else NatureOfAddress.UNKNOWN).value


def user_of(code: int, party: PartyNumber, variant: Variant) -> str | None:
    """User part of the URI of a number in parameter `code` of ISUP; None where it has no digits."""
    number = telephone_number(code, party, variant)
    if number is None:
        return None
    if number.nature is Nature.INTERNATIONAL:
        return "+" + party.digits.rstrip(_END_OF_PULSING)
    if number.is_nanp or (number.nature is Nature.NATIONAL and len(number.digits) == _NATIONAL_LENGTH):
        return "+1" + number.digits
    return number.digits


def same_digits(code: int, party: PartyNumber, variant: Variant, number: TelephoneNumber | None) -> bool:
    """Whether an ISUP number is the one that SIP carries."""
    own = telephone_number(code, party, variant)
    return own is not None and number is not None and own[0::2] == number[0::2]
