"""The table that the flood bench prints."""

from __future__ import annotations

import pytest

from bench.flood.report import aligned


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (
            [("sent/s", "p99 us", ""), ("91.00%", "1,237,394", "missed; slow"), ("4", "7", "met")],
            ["sent/s     p99 us", "91.00%  1,237,394  missed; slow", "     4          7  met"],
        ),
        ([("sent/s", ""), ("12,345,678", "met")], ["    sent/s", "12,345,678  met"]),
        ([("p50 us", "p99 us", "")], ["p50 us  p99 us"]),
    ],
)
def test_columns_are_as_wide_as_what_stands_in_them(rows: list[tuple[str, ...]], lines: list[str]) -> None:
    assert aligned(rows) == lines
