"""The numbers of parties: called, calling, charge, redirecting, generic and their kin, without loss."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup.codes import P
from gateway.codecs.ss7.isup.digits import SWAPPED, address_signals, packed
from gateway.codecs.ss7.variant import Variant


class PartyNumber(NamedTuple):
    """A number as ISUP carries it (Q.763 sections 3.9, 3.10, 3.26, 3.39; T1.113.3)."""

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


ITU: Final = Variant.ITU  # to look a member up in its enum takes longer than to read the digits of a number
INN: Final = 1
INCOMPLETE: Final = 2
PRESENTATION: Final = 4
SCREENING: Final = 8
"""What the second octet of a number holds beside the numbering plan."""

_ITU: Final[dict[int, int]] = {
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
_ANSI: Final[dict[int, int]] = {
    **_ITU,
    P.CALLED_PARTY_NUMBER: 0,
    P.CALLING_PARTY_NUMBER: PRESENTATION | SCREENING,
    P.REDIRECTION_NUMBER: 0,
    P.GENERIC_ADDRESS: PRESENTATION | SCREENING,
}
SecondOctet = tuple[int, int, int, bool, bool, int]
"""Numbering plan, presentation, screening, number incomplete, internal network number, spare bits."""


def _spare_bits(form: int) -> int:
    used = 0x70 | (0x80 if form & (INN | INCOMPLETE) else 0)
    return 0xFF & ~(used | (0x0C if form & PRESENTATION else 0) | (0x03 if form & SCREENING else 0))


def _meanings(form: int) -> list[SecondOctet]:
    """What each value of a second octet of this form means."""
    return [
        (
            octet >> 4 & 0x07,
            octet >> 2 & 0x03 if form & PRESENTATION else 0,
            octet & 0x03 if form & SCREENING else 0,
            octet >= 0x80 and form & INCOMPLETE != 0,
            octet >= 0x80 and form & INN != 0,
            octet & _spare_bits(form),
        )
        for octet in range(256)
    ]


_MEANINGS: Final = {form: _meanings(form) for form in {*_ITU.values(), *_ANSI.values()}}
ITU_SECOND: Final = [_MEANINGS[_ITU[code]] if code in _ITU else [] for code in range(256)]
ANSI_SECOND: Final = [_MEANINGS[_ANSI[code]] if code in _ANSI else [] for code in range(256)]
"""What a second octet means, by parameter name and value; empty for parameters that hold no number."""
_tuple: Final = tuple.__new__  # makes a named tuple in a third of the time that its own name takes
_GENERIC: Final = 0xC0
_SUBSEQUENT: Final = 0x05


def decode_number(code: int, value: bytes, variant: Variant) -> PartyNumber:
    """The number in the value of parameter `code`: any of Q.763's and T1.113's numbers, the subsequent number too.

    Raises:
        Malformed: too short; `offset` counts within the value.
        ValueError: the parameter holds no number.
    """
    if code == _SUBSEQUENT:
        return _decode_subsequent(value)
    if not ITU_SECOND[code]:
        raise ValueError(f"parameter {code:#04x} holds no number")
    return read_number(code, value, 0, len(value), variant)


def read_number(code: int, data: bytes, begin: int, end: int, variant: Variant) -> PartyNumber:
    """The number of a parameter in the octets from `begin` to `end` of a message; `offset` counts within `data`."""
    kind = 0
    if code == _GENERIC and begin < end:
        kind = data[begin]
        begin += 1
    if end - begin < 2:
        raise Malformed(f"the number of parameter {code:#04x} ends before its numbering plan", end)
    nature = data[begin]
    seconds = (ITU_SECOND if variant is ITU else ANSI_SECOND)[code]
    plan, presentation, screening, incomplete, inn, spare = seconds[data[begin + 1]]
    digits = data[begin + 2 : end].translate(SWAPPED).hex().upper()
    filler = 0
    if nature >= 0x80:
        if not digits:
            raise Malformed(f"the number of parameter {code:#04x} has an odd number of digits, and none", begin)
        if digits[-1] != "0":
            filler = int(digits[-1], 16)
        digits = digits[:-1]
        nature &= 0x7F
    return _tuple(PartyNumber, (digits, nature, plan, presentation, screening, incomplete, inn, kind, spare, filler))


def _decode_subsequent(value: bytes) -> PartyNumber:
    if not value:
        raise Malformed("the subsequent number is empty")
    digits = address_signals(value[1:])
    if value[0] < 0x80:
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
    form = (_ITU if variant is ITU else _ANSI).get(code)
    if form is None:
        raise ValueError(f"parameter {code:#04x} holds no number")
    second = (number.plan & 0x07) << 4 | number.spare & _spare_bits(form)
    if form & PRESENTATION:
        second |= (number.presentation & 0x03) << 2
    if form & SCREENING:
        second |= number.screening & 0x03
    if (number.incomplete and form & INCOMPLETE) or (number.inn and form & INN):
        second |= 0x80
    value = bytes((odd | number.nature & 0x7F, second)) + packed(number.digits, number.filler)
    return bytes((number.kind & 0xFF,)) + value if code == _GENERIC else value
