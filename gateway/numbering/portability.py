"""Ported numbers: which location routing number (LRN) stands for a number whose holder took it to another switch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from gateway.numbering import lerg_fields as fields
from gateway.numbering.csv_rows import Column, Faults, RowFault, TableUnreadable, read_rows

_FILE = "ported.csv"
_COLUMNS = (Column("number", fields.nanp_number), Column("lrn", fields.nanp_number))


class PortabilityUnreadable(TableUnreadable):
    """The table of ported numbers cannot be used at all."""


class PortedNumbers:
    """The numbers known to be ported, with their LRNs. A number that is not in it is not known to be ported."""

    __slots__ = ("_lrns",)

    def __init__(self, lrns: Mapping[str, str] | None = None) -> None:
        """`lrns`: ten-digit number -> ten-digit LRN."""
        self._lrns = dict(lrns or {})

    def lrn_of(self, digits: str) -> str | None:
        """The LRN of a number in canonical form (ten digits), or None if it is not known to be ported."""
        return self._lrns.get(digits)

    def __len__(self) -> int:
        return len(self._lrns)

    def __contains__(self, digits: object) -> bool:
        return digits in self._lrns


def load_ported_numbers(lines: Iterable[str], file: str = _FILE) -> tuple[PortedNumbers, tuple[RowFault, ...]]:
    """The table from comma-separated lines (header ``number,lrn``), and the rows that were left out.

    Raises `PortabilityUnreadable` where the header is missing or a limit is exceeded.
    """
    faults = Faults()
    lrns: dict[str, str] = {}
    line_of: dict[str, int] = {}
    try:
        for row in read_rows(file, lines, _COLUMNS, faults):
            number, lrn = cast(str, row.values["number"]), cast(str, row.values["lrn"])
            if number in lrns:
                reason = f"{number} stands on line {line_of[number]} already, which is the one that counts"
                faults.add(RowFault(file, row.line, "number", reason))
                continue
            lrns[number] = lrn
            line_of[number] = row.line
    except TableUnreadable as error:
        raise PortabilityUnreadable(error.file, error.reason, error.line) from None
    return PortedNumbers(lrns), faults.collected()
