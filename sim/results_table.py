"""The table of a run as lines of text: one to a scenario where there is room, else its sentence on a line below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Final, NamedTuple

from sim.act import Result

ONE_LINE_FROM: Final = 100
"""Columns from which the sentence stands beside its verdict."""
GAP: Final = "  "
NARROW_VERDICT: Final = 17
"""The longest verdict without its status."""
NARROW_CLAUSE: Final = 17
LEAST: Final = 8
"""Columns that a text gets at least, however narrow the terminal: what doesn't fit then runs over its edge."""
AGREES, DIFFERS = "ok", "DIFFERS"


class Line(NamedTuple):
    """A line of the table."""

    text: str
    differs: bool = False


class _Row(NamedTuple):
    """A scenario, or the heading."""

    mark: str
    expected: str
    got: str
    clause: str
    name: str


_HEADING: Final = _Row("", "expected", "got", "clause", "scenario")


def table(results: Sequence[Result], columns: int | None) -> list[Line]:
    """Heading and rows for so many columns; None: no edge, every scenario on one line, whatever its length.

    The sentence comes last, so that nothing stands behind a text of any length.
    """
    rows = [
        _Row(AGREES if result.agrees else DIFFERS, result.expected, result.got, result.clause, result.name)
        for result in results
    ]
    widest = tuple(max(map(len, texts)) for texts in zip(_HEADING, *rows, strict=True))
    if columns is None:
        columns = _together(widest)
    beside = columns >= min(ONE_LINE_FROM, _together(widest))
    widths = _beside(widest, columns) if beside else _above(widest, columns)
    lines = []
    for row, why in zip((_HEADING, *rows), ((), *(result.why for result in results)), strict=True):
        texts = list(cells(row if beside else row[:-1], widths))
        if not beside:
            indent = " " * (widths[0] + len(GAP))
            texts += [indent + part for part in wrap(row.name, max(columns - len(indent), LEAST))]
        texts += _reasons(why, " " * (widths[0] + len(GAP)), columns)
        lines += [Line(text, row.mark == DIFFERS) for text in texts]
        if row is _HEADING:
            lines.append(Line("-" * min(columns, _together(widths))))
    return lines


def _reasons(why: Sequence[str], indent: str, columns: int) -> list[str]:
    """What differs, below its row."""
    width = max(columns, len(indent) + LEAST)
    return [line for each in why for line in wrap(each, width, initial_indent=indent, subsequent_indent=indent)]


def _together(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _beside(widest: Sequence[int], columns: int) -> tuple[int, ...]:
    """Widths of the cells where everything stands on one line: the sentence gives way first, then the others."""
    mark, expected, got, clause, name = widest
    if _together(widest) > columns:
        clause = min(clause, NARROW_CLAUSE)
        if _together((mark, expected, got, clause, name * 3 // 4)) > columns:
            expected, got = min(expected, NARROW_VERDICT), min(got, NARROW_VERDICT)
    left = columns - _together((mark, expected, got, clause, 0))
    return mark, expected, got, clause, max(min(name, left), LEAST)


def _above(widest: Sequence[int], columns: int) -> tuple[int, ...]:
    """Widths of the cells that stand above the sentence."""
    mark, expected, got, clause, _ = widest
    if _together((mark, expected, got, clause)) > columns:
        expected, got = min(expected, NARROW_VERDICT), min(got, NARROW_VERDICT)
    left = columns - _together((mark, expected, got, 0))
    return mark, expected, got, max(min(clause, left), LEAST)


def cells(texts: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """The lines of one row, each text folded to the width of its cell."""
    folded = [wrap(text, width) for text, width in zip(texts, widths, strict=True)]
    for parts in zip_longest(*folded, fillvalue=""):
        yield GAP.join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip()
