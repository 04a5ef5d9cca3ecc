"""Reads a folder of LERG tables, and a table of ported numbers, from disk."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from gateway.numbering.csv_rows import RowFault, TableUnreadable
from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_files import TABLES, LergUnreadable, load_guide
from gateway.numbering.portability import PortabilityUnreadable, PortedNumbers, load_ported_numbers

MAX_FILE_BYTES = 256 * 1024 * 1024
"""Largest file read: over twice the whole real LERG 6."""


def read_lerg_folder(path: Path, edition: str | None = None) -> tuple[LergGuide, tuple[RowFault, ...]]:
    """The guide in a folder that holds the tables of `TABLES`, each as ``lerg6.csv`` and the like.

    `edition` names it in reports; where it is None, the folder's name does. Returns the guide and the rows that were
    left out.

    Raises `LergUnreadable`, which names the file and what is wrong with it.
    """
    if not path.is_dir():
        raise LergUnreadable(str(path), "not a folder; the LERG setting names the folder that holds the .csv tables")
    with ExitStack() as files:
        tables = {name: files.enter_context(_open(path / f"{name}.csv", LergUnreadable)) for name in TABLES}
        try:
            return load_guide(tables, edition if edition is not None else path.resolve().name)
        except LergUnreadable as error:
            raise LergUnreadable(str(path / error.file), error.reason, error.line) from None
        except OSError as error:
            raise LergUnreadable(str(path), f"reading stopped: {error.strerror}") from None


def read_ported_numbers(path: Path) -> tuple[PortedNumbers, tuple[RowFault, ...]]:
    """The ported numbers in a file (header ``number,lrn``), and the rows that were left out.

    Raises `PortabilityUnreadable`, which names the file and what is wrong with it.
    """
    with _open(path, PortabilityUnreadable) as lines:
        try:
            return load_ported_numbers(lines, str(path))
        except OSError as error:
            raise PortabilityUnreadable(str(path), f"reading stopped: {error.strerror}") from None


def _open(file: Path, unreadable: type[TableUnreadable]) -> TextIO:
    try:
        if not file.is_file() and file.exists():
            raise unreadable(str(file), "not a file")
        if file.stat().st_size > MAX_FILE_BYTES:
            raise unreadable(str(file), f"larger than {MAX_FILE_BYTES // (1024 * 1024)} MiB")
        # Bytes that are not UTF-8 spoil their own row, not the file: the readers of fields refuse what they stand for.
        return file.open(encoding="utf-8", errors="surrogateescape", newline="\n")
    except OSError as error:
        raise unreadable(str(file), f"the file cannot be opened: {error.strerror}") from None
