"""The telephone number in a number parameter of ISUP (Q.763 section 3.9 and its kin, T1.113.3).

The digits alone are not the number: the nature of address says what is to be put before them, and each parameter of
ANSI's ISUP has natures of its own. Digits of a private plan, and those of a number that is said to be incomplete, fit
no plan that we know, whatever their nature.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from gateway.codecs.ss7.isup import P, PartyNumber
from gateway.codecs.ss7.variant import Variant
from gateway.numbering.telephone_number import Nature, TelephoneNumber, parse_number


class _Written(Enum):
    """How the digits of a number are to be read."""

    AS_DIALLED = "as dialled"  # a subscriber number or one of unknown nature: of ten digits it is a national number yet
    NATIONAL = "national"
    INTERNATIONAL = "international"
    ABSENT = "no number"


_ITU: Final[Mapping[int, _Written]] = MappingProxyType(
    {1: _Written.AS_DIALLED, 2: _Written.AS_DIALLED, 3: _Written.NATIONAL, 4: _Written.INTERNATIONAL}
)
_ANSI_CALLED: Final[Mapping[int, _Written]] = MappingProxyType(
    {
        **_ITU,
        0x71: _Written.AS_DIALLED,  # subscriber number, operator requested
        0x72: _Written.NATIONAL,  # operator requested
        0x73: _Written.INTERNATIONAL,  # operator requested
        0x74: _Written.ABSENT,  # operator requested
        0x75: _Written.ABSENT,  # cut-through to a carrier
    }
)
_ANSI_OTHER: Final[Mapping[int, _Written]] = MappingProxyType(
    {**_ITU, 0x71: _Written.AS_DIALLED, 0x73: _Written.NATIONAL, 0x74: _Written.INTERNATIONAL}  # of more than one line
)
_ANSI_CHARGE: Final[Mapping[int, _Written]] = MappingProxyType(
    {
        1: _Written.AS_DIALLED,  # ANI of the calling party
        2: _Written.AS_DIALLED,  # ANI not available: there should be no digits
        3: _Written.NATIONAL,
        5: _Written.AS_DIALLED,  # ANI of the called party
        6: _Written.ABSENT,
        7: _Written.NATIONAL,
    }
)
_ANSI: Final[Mapping[int, Mapping[int, _Written]]] = MappingProxyType(
    {P.CALLED_PARTY_NUMBER.value: _ANSI_CALLED, P.CHARGE_NUMBER.value: _ANSI_CHARGE}
)

_NANP_COUNTRY_CODE: Final = "1"
_UNKNOWN_PLAN: Final = 0
_E164: Final = 1
_END_OF_DIALLING: Final = "Ff"
"""The ST signal, which ITU-T puts behind the digits of a complete called number (Q.763 section 3.9)."""
_ABSENT: Final = _Written.ABSENT
_INTERNATIONAL: Final = _Written.INTERNATIONAL
_NATIONAL: Final = _Written.NATIONAL
_SERVICE: Final = Nature.SERVICE
_ANSI_VARIANT: Final = Variant.ANSI
"""Names for code that runs for every call: reading a member off its enumeration runs Python code on 3.11."""


def telephone_number(code: int, number: PartyNumber, variant: Variant) -> TelephoneNumber | None:
    """The number that parameter `code` of a message carries; None where it has no digits, or ones that nobody has.

    In ANSI a national number is one of the NANP, valid or not. Elsewhere it is one only where its digits could be:
    which country's plan it follows, the message does not say.
    """
    digits = number.digits.rstrip(_END_OF_DIALLING)
    if not digits or not digits.isascii() or not digits.isdigit():
        return None
    natures = _ITU if variant is not _ANSI_VARIANT else _ANSI.get(code, _ANSI_OTHER)
    written = natures.get(number.nature)
    if written is _ABSENT:
        return None
    if written is None or number.incomplete or number.plan not in (_UNKNOWN_PLAN, _E164):
        return TelephoneNumber(digits[:32], Nature.UNKNOWN, False)
    if written is _INTERNATIONAL:
        parsed = parse_number("+" + digits)
        if parsed is None or parsed.is_nanp or digits[0] != _NANP_COUNTRY_CODE:
            return parsed
        return TelephoneNumber(parsed.digits, Nature.NATIONAL, False)  # of the NANP, and an impossible one
    parsed = parse_number(digits)
    if parsed is None or parsed.is_nanp or parsed.nature is _SERVICE:
        return parsed
    if variant is not _ANSI_VARIANT:
        return TelephoneNumber(parsed.digits, Nature.UNKNOWN, False)
    return TelephoneNumber(parsed.digits, Nature.NATIONAL, False) if written is _NATIONAL else parsed
