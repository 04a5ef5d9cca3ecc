"""Readers of single LERG fields: from text to a checked value, or a `FieldError` that says what was expected."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import date

from gateway.numbering.csv_rows import FieldError
from gateway.numbering.lerg_rows import DEFAULT_SHA, RowStatus
from gateway.numbering.telephone_number import is_valid_nanp

_CENTURY_PIVOT = 70
"""Two-digit years from here on are of the twentieth century: the plan's oldest dated rows are of the seventies."""
_SHOWN = 40


def matching(pattern: str, expected: str) -> Callable[[str], str]:
    """A reader that takes text matching `pattern` as a whole. Equal values share one string in memory."""
    compiled = re.compile(pattern, re.ASCII)

    def read(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise FieldError(f"{_quoted(text)} is not {expected}")
        return sys.intern(text)

    return read


def or_blank(read: Callable[[str], str]) -> Callable[[str], str]:
    """The same reader, which takes the empty text as well."""
    return lambda text: read(text) if text else ""


def free_text(limit: int) -> Callable[[str], str]:
    """A reader of a name: printable, at most `limit` characters."""

    def read(text: str) -> str:
        if len(text) > limit:
            raise FieldError(f"{_quoted(text)} is longer than {limit} characters")
        if not text.isprintable():
            raise FieldError(f"{_quoted(text)} holds characters that cannot be printed")
        return sys.intern(text)

    return read


npa = matching(r"[2-9][0-9]{2}", "an NPA: three digits, the first from 2 to 9")
nxx = matching(r"[2-9][0-9]{2}", "an NXX: three digits, the first from 2 to 9")
block = matching(r"A|[0-9]", "a block: A for the whole NPA-NXX, or the thousands digit 0 to 9")
ocn = matching(r"[0-9A-Z]{4}", "an OCN: four capital letters or digits")
clli = matching(r"[0-9A-Z]{11}", "a CLLI of a switch: eleven capital letters or digits")
clli_or_blank = or_blank(clli)
state = or_blank(matching(r"[A-Z]{2}", "a state: two capital letters"))
lata = or_blank(matching(r"[0-9]{3,5}", "a LATA: three to five digits"))
rate_centre = or_blank(matching(r"[ -~]{1,10}", "an abbreviated rate centre: at most ten characters"))
category = free_text(10)
ssc = or_blank(matching(r"[0-9A-Z]{1,4}", "special service codes: at most four letters"))


def sha(text: str) -> str:
    """Switch homing arrangement indicator; blank is ``00``."""
    return _sha(text) if text else DEFAULT_SHA


_sha = matching(r"[0-9A-Z]{2}", "a homing arrangement indicator: two letters or digits")


def status(text: str) -> RowStatus:
    try:
        return RowStatus(text)
    except ValueError:
        raise FieldError(f"{_quoted(text)} is not a status: blank, E, M or D") from None


def effective_date(text: str) -> date | None:
    """A date written MMDDYY (as LERG does) or YYYY-MM-DD; blank or ``000000`` is None."""
    if not text or text == "000000":
        return None
    try:
        if len(text) == 6 and text.isascii() and text.isdigit():
            year = int(text[4:])
            return date(year + (1900 if year >= _CENTURY_PIVOT else 2000), int(text[:2]), int(text[2:4]))
        if _ISO_DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise FieldError(f"{_quoted(text)} is not a date: MMDDYY or YYYY-MM-DD")


_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def coordinate(text: str) -> int | None:
    """A V or H coordinate of at most five characters; blank is None."""
    if not text:
        return None
    if _COORDINATE.fullmatch(text) is None:
        raise FieldError(f"{_quoted(text)} is not a V or H coordinate: at most five digits")
    return int(text)


_COORDINATE = re.compile(r"-?[0-9]{1,5}", re.ASCII)


def flag(text: str) -> bool:
    """A function column of LERG 7: ``X`` (or Y) for yes, blank (or N) for no."""
    if text in ("X", "Y"):
        return True
    if text in ("", "N"):
        return False
    raise FieldError(f"{_quoted(text)} is not a flag: X or blank")


def nanp_number(text: str) -> str:
    """Ten digits that make a valid NANP number."""
    if not (text.isascii() and text.isdigit() and is_valid_nanp(text)):
        raise FieldError(f"{_quoted(text)} is not a NANP number of ten digits")
    return text


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
