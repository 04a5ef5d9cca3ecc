"""Telephone numbers in one canonical form, so that two spellings of one number compare equal.

Canonical form (E.164 and the North American Numbering Plan): visual separators
are stripped (RFC 3966 section 3: ``-``, ``.``, ``(``, ``)`` and space), a national number of ten digits equals ``+1``
and the same digits, and eleven digits that start with 1 are a national number dialled with its prefix.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple


class Nature(Enum):
    """Nature of address of a number as it was written (ITU-T Q.763 section 3.10, T1.113)."""

    NATIONAL = "national"
    INTERNATIONAL = "international"
    SERVICE = "service"  # N11 codes: 911, 411, ...
    UNKNOWN = "unknown"  # digits that fit no plan we know: short codes, foreign numbers without "+"


_INTERNATIONAL: Final = Nature.INTERNATIONAL


class TelephoneNumber(NamedTuple):
    """One number: its canonical digits and how it was written."""

    digits: str
    """Canonical: ten digits for a NANP number, the digits after ``+`` for any other country, else the bare digits."""
    nature: Nature
    """As written: ``+13145550100`` is INTERNATIONAL, ``3145550100`` NATIONAL; their digits are the same."""
    is_nanp: bool
    """The digits are a valid NANP number: NPA and NXX start with 2-9 and neither is an N11 code."""

    def __str__(self) -> str:
        return f"+1{self.digits}" if self.is_nanp else self.digits


_SEPARATORS = str.maketrans("", "", "-.() ")
_LONGEST = 64
"""Longer text is no number; the bound also bounds what the cache may hold."""
_N11 = frozenset({"211", "311", "411", "511", "611", "711", "811", "911"})


def is_valid_nanp(digits: str) -> bool:
    """Whether ten digits make a valid NANP number: NXX-NXX-XXXX with N from 2 to 9, neither NPA nor NXX an N11 code."""
    return len(digits) == 10 and digits[0] >= "2" and digits[3] >= "2" and digits[1:3] != "11" and digits[4:6] != "11"


def parse_number(text: str) -> TelephoneNumber | None:
    """The number written in `text` (the user part of a SIP URI, a tel URI's subscriber), or None if it is not one.

    None means that the text is a name ("anonymous", "alice"), not that the number is invalid: digits that fit no plan
    come back with ``Nature.UNKNOWN`` and ``is_nanp`` false. Parameters after ``;`` are not part of the text.
    """
    if len(text) == 12 and text.startswith("+1"):  # as nearly every number comes
        digits = text[2:]
        if digits.isascii() and digits.isdigit():
            # As `TelephoneNumber(...)`, without the Python code of a named tuple's own constructor: three in each call.
            return tuple.__new__(TelephoneNumber, (digits, _INTERNATIONAL, is_valid_nanp(digits)))
    return _parse(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=16_384)
def _parse(text: str) -> TelephoneNumber | None:
    stripped = text.translate(_SEPARATORS)
    international = stripped.startswith("+")
    digits = stripped[1:] if international else stripped
    if not digits.isascii() or not digits.isdigit() or len(digits) > 32:
        return None
    if international:
        if digits[0] == "1" and len(digits) == 11:
            return TelephoneNumber(digits[1:], Nature.INTERNATIONAL, is_valid_nanp(digits[1:]))
        return TelephoneNumber(digits, Nature.INTERNATIONAL, False)
    if digits in _N11:
        return TelephoneNumber(digits, Nature.SERVICE, False)
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    if len(digits) == 10:
        return TelephoneNumber(digits, Nature.NATIONAL, is_valid_nanp(digits))
    return TelephoneNumber(digits, Nature.UNKNOWN, False)
