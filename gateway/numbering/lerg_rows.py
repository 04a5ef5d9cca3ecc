"""Rows of the LERG tables that the gateway reads, one type a table.

The columns are those of the pre-2015 fixed-width tables: LERG 1 (carriers), 6 (NPA-NXX-X assignments), 7 (switches),
7SHA (homing arrangements), 8 (rate centres), 12 (location routing numbers).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import NamedTuple

WHOLE_CODE = "A"
"""Block of a LERG 6 row that assigns all of an NPA-NXX (to the code holder)."""

DEFAULT_SHA = "00"
"""Switch homing arrangement of a row that names none."""


class RowStatus(Enum):
    """Status column of LERG 6: what the row does to the assignment on its effective date.

    Only a deletion is told apart: any other row is the assignment from its date on. A deletion says nothing of the time
    before it; that is the word of an earlier row, or nobody's.
    """

    IN_EFFECT = ""
    ESTABLISHED = "E"
    MODIFIED = "M"
    DELETED = "D"


@dataclass(frozen=True, slots=True)
class CodeAssignment:
    """One row of LERG 6: who holds an NPA-NXX or a thousands block of it, and on which switch it is homed."""

    npa_nxx: str
    """Six digits."""
    block: str
    """``A`` for the whole NPA-NXX, else the thousands digit 0 to 9."""
    ocn: str
    switch: str
    """CLLI, eleven characters; empty where LERG 6 names no switch."""
    sha: str = DEFAULT_SHA
    """Switch homing arrangement indicator: with `switch`, the key of LERG 7SHA."""
    rate_centre: str = ""
    """Abbreviated name, at most ten characters: with `state`, the key of LERG 8."""
    state: str = ""
    lata: str = ""
    effective: date | None = None
    """First day (UTC) on which the row counts; None: it has always counted."""
    status: RowStatus = RowStatus.IN_EFFECT
    ssc: str = ""
    """Special service codes, one letter each (V: IP voice)."""


class CarrierRow(NamedTuple):
    """One row of LERG 1."""

    ocn: str
    name: str
    state: str = ""
    category: str = ""
    """ILEC, CLEC, WIRELESS, IPES (interconnected VoIP) ..."""
    overall_ocn: str = ""


class SwitchFunction(Enum):
    """What a switch does, by its column in LERG 7."""

    END_OFFICE = "f_end_office"
    HOST = "f_host"
    REMOTE = "f_remote"
    LOCAL_TANDEM = "f_local_tandem"
    INTRALATA_TANDEM = "f_intralata_tandem"


class SwitchRow(NamedTuple):
    """One row of LERG 7."""

    clli: str
    ocn: str
    functions: frozenset[SwitchFunction]
    v: int | None = None
    """V coordinate (see `miles`); None where LERG gives none."""
    h: int | None = None
    lata: str = ""
    city: str = ""
    state: str = ""

    @property
    def serves_lines(self) -> bool:
        """It is an end office of some kind: LERG 6 rows can be homed on it."""
        return bool(self.functions & _LINE_FUNCTIONS)

    @property
    def is_tandem(self) -> bool:
        return bool(self.functions & _TANDEM_FUNCTIONS)


_LINE_FUNCTIONS = frozenset({SwitchFunction.END_OFFICE, SwitchFunction.HOST, SwitchFunction.REMOTE})
_TANDEM_FUNCTIONS = frozenset({SwitchFunction.LOCAL_TANDEM, SwitchFunction.INTRALATA_TANDEM})


class HomingRow(NamedTuple):
    """One row of LERG 7SHA: where the codes of a switch with one homing arrangement are reached. Empty: none named."""

    switch: str
    sha: str
    host: str = ""
    """CLLI of the host, if the switch is a remote."""
    local_tandem: str = ""
    """CLLI of the terminating local tandem (``t_local_tdm``)."""
    intralata_tandem: str = ""
    """CLLI of the terminating intraLATA tandem (``t_intralata_tdm``)."""


class RateCentreRow(NamedTuple):
    """One row of LERG 8."""

    state: str
    abbreviation: str
    name: str
    v: int | None = None
    """Major V coordinate."""
    h: int | None = None
    lata: str = ""


class LrnRow(NamedTuple):
    """One row of LERG 12: the switch that a location routing number stands for."""

    lrn: str
    """Ten digits."""
    switch: str
    ocn: str
    rate_centre: str = ""
    state: str = ""
    lata: str = ""
    sha: str = DEFAULT_SHA
