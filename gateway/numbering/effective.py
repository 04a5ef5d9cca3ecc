"""Dates of effect as times: a row counts from midnight UTC of its date."""

from __future__ import annotations

from datetime import UTC, date, datetime

_US_PER_S = 1_000_000
ALWAYS_US = -(2**62)
"""The time from which an undated row counts: before any call."""


def effective_us(day: date | None) -> int:
    """Microseconds since the Unix epoch from which a row of this date counts; None: it has always counted."""
    if day is None:
        return ALWAYS_US
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * _US_PER_S
