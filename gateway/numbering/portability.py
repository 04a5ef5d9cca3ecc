"""Ported numbers: which location routing number (LRN) stands for a number whose holder took it to another switch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple, cast

from gateway.numbering import lerg_fields as fields
from gateway.numbering.csv_rows import Column, Faults, RowFault, TableUnreadable, read_rows
from gateway.numbering.effective import effective_us

_FILE = "ported.csv"
_COLUMNS = (
    Column("number", fields.nanp_number),
    Column("lrn", fields.nanp_number),
    Column("eff_date", fields.effective_date, required=False),
)


class PortabilityUnreadable(TableUnreadable):
    """The table of ported numbers cannot be used at all."""


class Porting(NamedTuple):
    """One number's move to another switch."""

    number: str
    """Ten digits."""
    lrn: str
    """Ten digits."""
    effective: date | None = None
    """First day (UTC) on which it counts; None: it has always counted."""


class PortedNumbers:
    """The numbers known to be ported, with their LRNs. A number that is not in it is not known to be ported."""

    __slots__ = ("_history",)

    def __init__(self, lrns: Mapping[str, str] | None = None, *, portings: Iterable[Porting] = ()) -> None:
        """`lrns`: number -> LRN, for what has always counted; `portings`: what counts from a date."""
        steps: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        for number, lrn in (lrns or {}).items():
            steps[number].append((effective_us(None), lrn))
        for porting in portings:
            steps[porting.number].append((effective_us(porting.effective), porting.lrn))
        self._history = {number: tuple(sorted(rows, key=lambda step: -step[0])) for number, rows in steps.items()}

    def lrn_of(self, digits: str, at_us: int | None = None) -> str | None:
        """The LRN of a number in canonical form (ten digits), or None if it is not known to be ported.

        `at_us` (microseconds since the Unix epoch) asks as of a time; without it, the latest porting answers.
        """
        history = self._history.get(digits)
        if history is None:
            return None
        for from_us, lrn in history:
            if at_us is None or from_us <= at_us:
                return lrn
        return None

    def __len__(self) -> int:
        """Number of ported numbers."""
        return len(self._history)

    def __contains__(self, digits: object) -> bool:
        return digits in self._history


def load_ported_numbers(lines: Iterable[str], file: str = _FILE) -> tuple[PortedNumbers, tuple[RowFault, ...]]:
    """The table from comma-separated lines, and the rows that were left out.

    The header names ``number``, ``lrn`` and, if wished, ``eff_date`` (MMDDYY or YYYY-MM-DD; blank: always). Raises
    `PortabilityUnreadable` where the header is missing or a limit is exceeded.
    """
    faults = Faults()
    line_of: dict[tuple[str, date | None], int] = {}
    portings: list[Porting] = []
    try:
        for row in read_rows(file, lines, _COLUMNS, faults):
            porting = Porting(
                cast(str, row.values["number"]),
                cast(str, row.values["lrn"]),
                cast("date | None", row.values["eff_date"]),
            )
            key = (porting.number, porting.effective)
            if key in line_of:
                reason = f"{porting.number} stands on line {line_of[key]} already, which is the one that counts"
                faults.add(RowFault(file, row.line, "number", reason))
                continue
            line_of[key] = row.line
            portings.append(porting)
    except TableUnreadable as error:
        raise PortabilityUnreadable(error.file, error.reason, error.line) from None
    return PortedNumbers(portings=portings), faults.collected()
