"""A synthetic numbering guide that looks like Missouri: tables in LERG's columns, and the lab's cast (`cast`)."""

from __future__ import annotations

from pathlib import Path


def folder() -> Path:
    """The folder of the guide's tables (``lerg1.csv``, ``lerg6.csv`` ...) and of ``ported.csv``."""
    return Path(__file__).resolve().parent
