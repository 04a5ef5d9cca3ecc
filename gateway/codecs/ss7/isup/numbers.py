"""The numbers of parties: called, calling, charge, redirecting, generic and their kin, without loss."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup.codes import P
from gateway.codecs.ss7.isup.digits import SWAPPED, address_signals, packed
from gateway.codecs.ss7.variant import Variant


class PartyNumber(NamedTuple):
    """A number as ISUP carries it (Q.763 sections 3.9, 3.10, 3.26, 3.39; T1.113.3 the same)."""

    digits: str
    """Address signals: ``0`` to ``9``; ``B`` code 11, ``C`` code 12, ``F`` end of pulsing."""
    nature: int = 3
    """Nature of address, `NatureOfAddress`; of a charge number `ChargeNature`."""
    plan: int = 1
    """Numbering plan; 1 is E.164."""
    presentation: int = 0
    """`AddressPresentation`; 0 where the parameter has no such indicator."""
    screening: int = 0
    """`ScreeningIndicator`; 0 where the parameter has no such indicator."""
    incomplete: bool = False
    """Number incomplete indicator (ITU-T calling and generic numbers)."""
    inn: bool = False
    """Internal network number indicator: routing to one is not allowed (ITU-T called and location numbers)."""
    kind: int = 0
    """Of generic numbers: `GenericAddressType` (ANSI) or `NumberQualifier` (ITU-T)."""
    spare: int = 0
    """Bits of the second octet without a meaning, kept as they came."""
    filler: int = 0
    """The half octet behind an odd number of digits, kept as it came."""


INN: Final = 1
INCOMPLETE: Final = 2
PRESENTATION: Final = 4
SCREENING: Final = 8
"""What the second octet holds beside the numbering plan."""

ITU_FORMS: Final[dict[int, int]] = {
    P.CALLED_PARTY_NUMBER: INN,
    P.CALLING_PARTY_NUMBER: INCOMPLETE | PRESENTATION | SCREENING,
    P.REDIRECTING_NUMBER: PRESENTATION,
    P.REDIRECTION_NUMBER: INN,
    P.CONNECTED_NUMBER: PRESENTATION | SCREENING,
    P.ORIGINAL_CALLED_NUMBER: PRESENTATION,
    P.LOCATION_NUMBER: INN | PRESENTATION | SCREENING,
    P.CALL_TRANSFER_NUMBER: PRESENTATION | SCREENING,
    P.CALLED_IN_NUMBER: PRESENTATION,
    P.CALLED_DIRECTORY_NUMBER: INN,
    P.ORIGINAL_CALLED_IN_NUMBER: PRESENTATION,
    P.GENERIC_NUMBER: INCOMPLETE | PRESENTATION | SCREENING,
    P.CHARGE_NUMBER: 0,
}
ANSI_FORMS: Final[dict[int, int]] = {
    **ITU_FORMS,
    P.CALLED_PARTY_NUMBER: 0,
    P.CALLING_PARTY_NUMBER: PRESENTATION | SCREENING,
    P.REDIRECTION_NUMBER: 0,
    P.GENERIC_ADDRESS: PRESENTATION | SCREENING,
}
"""What the second octet of each number parameter holds, by variant."""
_GENERIC: Final = 0xC0
_SUBSEQUENT: Final = 0x05


def decode_number(code: int, value: bytes, variant: Variant) -> PartyNumber:
    """The number in the value of parameter `code`, which is one of `ITU_FORMS` or the subsequent number.

    Raises:
        Malformed: too short; `offset` counts within the value.
        ValueError: the parameter holds no number.
    """
    if code == _SUBSEQUENT:
        return _decode_subsequent(value)
    form = (ANSI_FORMS if variant is Variant.ANSI else ITU_FORMS).get(code)
    if form is None:
        raise ValueError(f"parameter {code:#04x} holds no number")
    kind = 0
    rest = value
    if code == _GENERIC:
        if not value:
            raise Malformed("the generic number is empty")
        kind = value[0]
        rest = value[1:]
    if len(rest) < 2:
        raise Malformed(f"the number of parameter {code:#04x} has no numbering plan", len(value))
    nature = rest[0]
    second = rest[1]
    digits = rest[2:].translate(SWAPPED).hex().upper()
    filler = 0
    if nature & 0x80:
        if not digits:
            raise Malformed(f"parameter {code:#04x} has an odd number of digits, and none", len(value) - len(rest))
        if digits[-1] != "0":
            filler = int(digits[-1], 16)
        digits = digits[:-1]
    top = second & 0x80
    low = second & 0x0F
    return PartyNumber(
        digits,
        nature & 0x7F,
        (second >> 4) & 0x07,
        low >> 2 if form & PRESENTATION else 0,
        low & 0x03 if form & SCREENING else 0,
        bool(top and form & INCOMPLETE),
        bool(top and form & INN),
        kind,
        second & _SPARE[form] if second & 0x8F else 0,
        filler,
    )


def _spare_bits(form: int) -> int:
    used = 0x70 | (0x80 if form & (INN | INCOMPLETE) else 0)
    return 0xFF & ~(used | (0x0C if form & PRESENTATION else 0) | (0x03 if form & SCREENING else 0))


_SPARE: Final = [_spare_bits(form) for form in range(16)]


def _decode_subsequent(value: bytes) -> PartyNumber:
    if not value:
        raise Malformed("the subsequent number is empty")
    digits = address_signals(value[1:])
    if not value[0] & 0x80:
        return PartyNumber(digits, 0, 0, spare=value[0])
    if not digits:
        raise Malformed("the subsequent number has an odd number of digits, and none")
    return PartyNumber(digits[:-1], 0, 0, spare=value[0] & 0x7F, filler=int(digits[-1], 16))


def encode_number(code: int, number: PartyNumber, variant: Variant) -> bytes:
    """The value of parameter `code`: what `decode_number` reads back as the same number.

    Raises:
        ValueError: the parameter holds no number, or the number has other characters than address signals.
    """
    odd = 0x80 if len(number.digits) & 1 else 0
    if code == _SUBSEQUENT:
        return bytes((odd | number.spare,)) + packed(number.digits, number.filler)
    form = (ANSI_FORMS if variant is Variant.ANSI else ITU_FORMS).get(code)
    if form is None:
        raise ValueError(f"parameter {code:#04x} holds no number")
    second = (number.plan & 0x07) << 4 | number.spare & _SPARE[form]
    if form & PRESENTATION:
        second |= (number.presentation & 0x03) << 2
    if form & SCREENING:
        second |= number.screening & 0x03
    if (number.incomplete and form & INCOMPLETE) or (number.inn and form & INN):
        second |= 0x80
    value = bytes((odd | number.nature & 0x7F, second)) + packed(number.digits, number.filler)
    return bytes((number.kind & 0xFF,)) + value if code == _GENERIC else value
