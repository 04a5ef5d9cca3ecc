"""Reads a folder of LERG tables, and a table of ported numbers, from disk."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from gateway.numbering.csv_rows import RowFault
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
        tables = {}
        for name in TABLES:
            file = path / f"{name}.csv"
            fault = _fault_of(file)
            if fault is not None:
                raise LergUnreadable(str(file), fault)
            tables[name] = files.enter_context(_open(file))
        try:
            return load_guide(tables, edition if edition is not None else path.resolve().name)
        except (UnicodeDecodeError, OSError) as error:
            raise LergUnreadable(str(path), f"a table cannot be read: {error}") from None
        except LergUnreadable as error:
            raise LergUnreadable(str(path / error.file), error.reason, error.line) from None


def read_ported_numbers(path: Path) -> tuple[PortedNumbers, tuple[RowFault, ...]]:
    """The ported numbers in a file (header ``number,lrn``), and the rows that were left out.

    Raises `PortabilityUnreadable`, which names the file and what is wrong with it.
    """
    fault = _fault_of(path)
    if fault is not None:
        raise PortabilityUnreadable(str(path), fault)
    try:
        with _open(path) as lines:
            return load_ported_numbers(lines, str(path))
    except (UnicodeDecodeError, OSError) as error:
        raise PortabilityUnreadable(str(path), f"the file cannot be read: {error}") from None


def _fault_of(file: Path) -> str | None:
    try:
        size = file.stat().st_size
    except OSError as error:
        return f"the file cannot be opened: {error.strerror}"
    if not file.is_file():
        return "not a file"
    if size > MAX_FILE_BYTES:
        return f"larger than {MAX_FILE_BYTES // (1024 * 1024)} MiB"
    return None


def _open(file: Path) -> TextIO:
    # newline="" leaves line ends as they are; csv_rows takes them off, and a lone carriage return stays in its line.
    return file.open(encoding="utf-8", newline="")
