"""Where lines of a report go: a terminal in colours, or a pipe or a file as they are."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import chain, repeat
from textwrap import wrap
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH: Final = 120
"""Columns where the output is no terminal and COLUMNS is not set."""
NARROWEST: Final = 40
WIDEST: Final = 10_000
SHOWN_LINES: Final = 20
"""Lines of a list that are shown."""


class Page:
    """Writes line by line. What knows of terminals is loaded for one only: for a pipe it costs more than the audit."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """`stream` is standard output where it is not given."""
        self._stream: Final = stream or sys.stdout
        self._console: Final = _console_on(self._stream)
        self.width: Final = (
            self._console.width if self._console is not None else _piped_width(os.environ.get("COLUMNS", ""))
        )
        """Columns: as wide as the terminal, or as COLUMNS says."""

    def line(self, text: str = "", style: str = "", *, indent: str = "") -> None:
        """Write a line, which nobody folds: `indent`, then `text` in a style."""
        if self._console is None:
            self._stream.write(f"{indent}{text}\n")
            return
        from rich.text import Text

        self._console.print(Text(indent).append(text, style=style), soft_wrap=True)


def print_lines(page: Page, indent: str, text: str, style: str = "") -> None:
    """Text that is folded under its own beginning."""
    width = max(page.width - len(indent), 20)
    if len(text) <= width and text.isprintable() and not text.endswith(" "):
        page.line(text, style, indent=indent)
        return
    lines = wrap(text, width, break_on_hyphens=False) or [""]
    for start, line in zip(chain([indent], repeat(" " * len(indent))), lines, strict=False):
        page.line(line, style, indent=start)


def plain(text: str, longest: int = 80) -> str:
    """Text of a capture as it may go to a terminal: printable ASCII, no control sequences."""
    shown = "".join(char if " " <= char <= "~" else f"\\x{ord(char):02x}" for char in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def print_list(page: Page, title: str, lines: Sequence[str], total: int | None = None) -> None:
    """A list under its title, and how many more there are (`total`, of those that are listed) beyond `SHOWN_LINES`."""
    if not lines:
        return
    page.line()
    page.line(title, "bold")
    for line in lines[:SHOWN_LINES]:
        print_lines(page, "  ", plain(line, 400))
    left_out = (len(lines) if total is None else total) - min(len(lines), SHOWN_LINES)
    if left_out > 0:
        page.line(f"  and {left_out} more")


def _console_on(stream: TextIO) -> Console | None:
    """None where `stream` is no terminal."""
    if not stream.isatty():
        return None
    from rich.console import Console

    return Console(file=stream, highlight=False, emoji=False, markup=False)


def _piped_width(columns: str) -> int:
    """The width for a pipe or a file; what is no width in COLUMNS is passed over, as other programs do."""
    if not (columns.isascii() and columns.isdigit() and len(columns) <= len(str(WIDEST))) or int(columns) == 0:
        return PIPED_WIDTH
    return min(max(int(columns), NARROWEST), WIDEST)
