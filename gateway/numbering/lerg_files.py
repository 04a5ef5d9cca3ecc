"""Reads the LERG tables from comma-separated text into a `LergGuide`.

Columns are named as in the fixed-width layout (``npa``, ``nxx``, ``block_id``, ``t_local_tdm`` ...), in any order;
others are passed over. A faulty row is left out and reported, the rest still loads. In the undated tables (all but
LERG 6) a row with status D is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from gateway.numbering import lerg_fields as fields
from gateway.numbering.csv_rows import Column, Faults, RowFault, TableUnreadable, read_rows
from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_rows import (
    CarrierRow,
    CodeAssignment,
    HomingRow,
    LrnRow,
    RateCentreRow,
    RowStatus,
    SwitchFunction,
    SwitchRow,
)

TABLES = ("lerg1", "lerg6", "lerg7", "lerg7sha", "lerg8", "lerg12")
"""The tables of a guide; each is a file of this name with ``.csv``."""


class LergUnreadable(TableUnreadable):
    """The guide as a whole cannot be used: a table is missing, has no header, or is over a limit."""


T = TypeVar("T")


class _Table(NamedTuple):
    columns: tuple[Column, ...]
    make: Callable[[Mapping[str, Any]], Any]
    key: Callable[[Any], Hashable]


def load_guide(tables: Mapping[str, Iterable[str]], edition: str) -> tuple[LergGuide, tuple[RowFault, ...]]:
    """A guide from the lines of its tables (keys as in `TABLES`), and the rows that were left out.

    Raises `LergUnreadable`, which names the file and what to do.
    """
    faults = Faults()
    for name in TABLES:
        if name not in tables:
            raise LergUnreadable(_file(name), "this table is missing; a guide needs " + ", ".join(map(_file, TABLES)))
    try:
        guide = LergGuide(
            edition,
            carriers=_rows("lerg1", tables, faults),
            codes=_rows("lerg6", tables, faults),
            switches=_rows("lerg7", tables, faults),
            homings=_rows("lerg7sha", tables, faults),
            rate_centres=_rows("lerg8", tables, faults),
            lrns=_rows("lerg12", tables, faults),
        )
    except TableUnreadable as error:
        raise LergUnreadable(error.file, error.reason, error.line) from None
    return guide, faults.collected()


def _file(table: str) -> str:
    return f"{table}.csv"


def _rows(name: str, tables: Mapping[str, Iterable[str]], faults: Faults) -> Iterator[Any]:
    table = _TABLES[name]
    file = _file(name)
    line_of: dict[Hashable, int] = {}
    for row in read_rows(file, tables[name], table.columns, faults):
        if name != "lerg6" and row.values["status"] is RowStatus.DELETED:
            continue
        made = table.make(row.values)
        key = table.key(made)
        if key in line_of:
            faults.add(
                RowFault(file, row.line, "", f"the same entry as line {line_of[key]}, which is the one that counts")
            )
            continue
        line_of[key] = row.line
        yield made


def _carrier(row: Mapping[str, Any]) -> CarrierRow:
    return CarrierRow(row["ocn"], row["ocn_name"], row["ocn_state"], row["category"], row["overall_ocn"])


def _code(row: Mapping[str, Any]) -> CodeAssignment:
    return CodeAssignment(
        npa_nxx=row["npa"] + row["nxx"],
        block=row["block_id"],
        ocn=row["ocn"],
        switch=row["switch"],
        sha=row["sha_indicator"],
        rate_centre=row["rc_abbre"],
        state=row["loc_state"],
        lata=row["lata"],
        effective=row["eff_date_mmddyy"],
        status=row["status"],
        ssc=row["ssc"],
    )


def _switch(row: Mapping[str, Any]) -> SwitchRow:
    functions = frozenset(function for function in SwitchFunction if row[function.value])
    return SwitchRow(row["switch"], row["ocn"], functions, row["v"], row["h"], row["lata"], row["city"], row["state"])


def _homing(row: Mapping[str, Any]) -> HomingRow:
    return HomingRow(row["switch"], row["sha_indicator"], row["host"], row["t_local_tdm"], row["t_intralata_tdm"])


def _rate_centre(row: Mapping[str, Any]) -> RateCentreRow:
    return RateCentreRow(
        row["rc_state"], row["rc_abbre"], row["rc_full_name"], row["major_v"], row["major_h"], row["lata"]
    )


def _lrn(row: Mapping[str, Any]) -> LrnRow:
    return LrnRow(
        row["lrn"], row["switch"], row["ocn"], row["rc_abbre"], row["rc_state"], row["lata"], row["sha_indicator"]
    )


_STATUS = Column("status", fields.status, required=False)
_LATA = Column("lata", fields.lata, required=False)
_SHA = Column("sha_indicator", fields.sha, required=False)

_TABLES: Mapping[str, _Table] = {
    "lerg1": _Table(
        (
            _STATUS,
            Column("ocn", fields.ocn),
            Column("ocn_name", fields.free_text(50)),
            Column("ocn_state", fields.state, required=False),
            Column("category", fields.category, required=False),
            Column("overall_ocn", fields.or_blank(fields.ocn), required=False),
        ),
        _carrier,
        lambda row: row.ocn,
    ),
    "lerg6": _Table(
        (
            _LATA,
            _STATUS,
            Column("eff_date_mmddyy", fields.effective_date),
            Column("npa", fields.npa),
            Column("nxx", fields.nxx),
            Column("block_id", fields.block),
            Column("ssc", fields.ssc, required=False),
            Column("ocn", fields.ocn),
            Column("loc_state", fields.state, required=False),
            Column("rc_abbre", fields.rate_centre, required=False),
            Column("switch", fields.clli_or_blank),
            _SHA,
        ),
        _code,
        lambda row: (row.npa_nxx, row.block, row.effective),
    ),
    "lerg7": _Table(
        (
            _LATA,
            _STATUS,
            Column("switch", fields.clli),
            Column("ocn", fields.ocn),
            Column("v", fields.coordinate, required=False),
            Column("h", fields.coordinate, required=False),
            Column("city", fields.free_text(30), required=False),
            Column("state", fields.state, required=False),
            *(Column(function.value, fields.flag) for function in SwitchFunction),
        ),
        _switch,
        lambda row: row.clli,
    ),
    "lerg7sha": _Table(
        (
            _STATUS,
            Column("switch", fields.clli),
            _SHA,
            Column("t_local_tdm", fields.clli_or_blank),
            Column("t_intralata_tdm", fields.clli_or_blank),
            Column("host", fields.clli_or_blank),
        ),
        _homing,
        lambda row: (row.switch, row.sha),
    ),
    "lerg8": _Table(
        (
            _LATA,
            _STATUS,
            Column("rc_state", fields.state),
            Column("rc_abbre", fields.rate_centre),
            Column("rc_full_name", fields.free_text(50), required=False),
            Column("major_v", fields.coordinate, required=False),
            Column("major_h", fields.coordinate, required=False),
        ),
        _rate_centre,
        lambda row: (row.state, row.abbreviation),
    ),
    "lerg12": _Table(
        (
            _LATA,
            _STATUS,
            Column("lrn", fields.nanp_number),
            Column("switch", fields.clli),
            Column("ocn", fields.ocn),
            Column("rc_abbre", fields.rate_centre, required=False),
            Column("rc_state", fields.state, required=False),
            _SHA,
        ),
        _lrn,
        lambda row: row.lrn,
    ),
}
