"""Rows of comma-separated text with a header, read line by line; what is wrong with a row is collected, not raised.

One line is one row: a quoted field cannot hold a line break, so a stray quote spoils its own line only.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

MAX_LINE = 4_096
"""Longest line read, in characters."""
MAX_ROWS = 2_000_000
"""Most rows read from one file (the whole real LERG 6 has about 750,000)."""
MAX_FAULTS = 10_000
"""Most faulty rows collected: a file with more is not the file it is taken for."""


class RowFault(NamedTuple):
    """A row that was left out, and why."""

    file: str
    line: int
    """1-based; the header is line 1."""
    column: str
    """Empty where the whole line is at fault."""
    reason: str

    def __str__(self) -> str:
        where = f", column {self.column}" if self.column else ""
        return f"{self.file}, line {self.line}{where}: {self.reason}"


class TableUnreadable(Exception):
    """A file that cannot be used at all: missing, without its header, or over a limit."""

    def __init__(self, file: str, reason: str, line: int | None = None) -> None:
        self.file = file
        self.line = line
        self.reason = reason
        super().__init__(f"{file}{'' if line is None else f', line {line}'}: {reason}")


class FieldError(ValueError):
    """Raised by a field's reader; the message is for the person who mends the file."""


class Column(NamedTuple):
    """A column to be read, and how."""

    name: str
    read: Callable[[str], object]
    """From the stripped text to the value; raises `FieldError`."""
    required: bool = True
    """The header must have it. An optional column that is not there reads as the empty text."""


class Row(NamedTuple):
    line: int
    values: Mapping[str, object]


class Faults:
    """The faults of one load, over all its files."""

    def __init__(self) -> None:
        self._faults: list[RowFault] = []

    def add(self, fault: RowFault) -> None:
        self._faults.append(fault)
        if len(self._faults) > MAX_FAULTS:
            raise TableUnreadable(fault.file, f"over {MAX_FAULTS} faulty rows; is this the right file?", fault.line)

    def collected(self) -> tuple[RowFault, ...]:
        return tuple(self._faults)


def read_rows(file: str, lines: Iterable[str], columns: tuple[Column, ...], faults: Faults) -> Iterator[Row]:
    """The good rows of one file. Blank lines are passed over.

    Raises `TableUnreadable` where the header or a required column is missing or a limit is exceeded.
    """
    numbered = enumerate(lines, start=1)
    header = _header(file, next(numbered, (1, ""))[1])
    positions = _positions(file, header, columns)
    rows = 0
    for line, text in numbered:
        fields = _split(text)
        if fields == []:
            continue
        rows += 1
        if rows > MAX_ROWS:
            raise TableUnreadable(file, f"more than {MAX_ROWS:,} rows", line)
        if isinstance(fields, str):
            faults.add(RowFault(file, line, "", fields))
        elif len(fields) != len(header):
            faults.add(RowFault(file, line, "", f"{len(fields)} fields where the header has {len(header)}"))
        else:
            values = _values(file, line, fields, positions, faults)
            if values is not None:
                yield Row(line, values)


def _header(file: str, text: str) -> list[str]:
    fields = _split(text.removeprefix("\ufeff"))
    if isinstance(fields, str):
        raise TableUnreadable(file, f"the header cannot be read: {fields}", 1)
    if not fields:
        raise TableUnreadable(file, "there is no header row", 1)
    return [name.strip().lower() for name in fields]


def _positions(file: str, header: list[str], columns: tuple[Column, ...]) -> list[tuple[Column, int | None]]:
    missing = [column.name for column in columns if column.required and column.name.lower() not in header]
    if missing:
        raise TableUnreadable(file, f"the header lacks the columns {', '.join(missing)}", 1)
    twice = [column.name for column in columns if header.count(column.name.lower()) > 1]
    if twice:
        raise TableUnreadable(file, f"the header names a column twice: {', '.join(twice)}", 1)
    return [(c, header.index(c.name.lower()) if c.name.lower() in header else None) for c in columns]


def _split(text: str) -> list[str] | str:
    """The fields of a line, none for a blank one, or what is wrong with the line."""
    if len(text) > MAX_LINE:
        return f"longer than {MAX_LINE} characters"
    text = text.rstrip("\r\n")
    if not text.strip():
        return []
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        return f"not comma-separated text ({error})"


def _values(
    file: str, line: int, fields: list[str], positions: list[tuple[Column, int | None]], faults: Faults
) -> dict[str, object] | None:
    values: dict[str, object] = {}
    for column, position in positions:
        text = fields[position].strip() if position is not None else ""
        try:
            values[column.name] = column.read(text)
        except FieldError as fault:
            faults.add(RowFault(file, line, column.name, str(fault)))
            return None
    return values
