"""What is wrong with a configuration, said to the person who must mend it: where, what, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ENVIRONMENT = "environment"
"""Stands for the file in a fault of an environment variable."""


@dataclass(frozen=True, slots=True)
class ConfigurationFault:
    """One fault. Its text is one line: ``FILE:LINE: KEY: REASON; WHAT TO DO``."""

    file: str
    """As it was given to the command, or ``environment``."""
    line: int | None
    """From 1; None where the fault has no line: a missing section, a file that cannot be read."""
    key: str
    """Key path (``trunk_groups[2].switch``), the variable's name, or empty where the whole file is meant."""
    reason: str
    remedy: str
    column: int | None = None
    """From 1; known for errors of TOML syntax only."""

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        said = f"{self.reason}; {self.remedy}"
        return _printable(f"{where}: {self.key}: {said}" if self.key else f"{where}: {said}")


def _printable(text: str) -> str:
    """Escapes line ends and terminal controls, which a key or value of the file may hold."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class ConfigurationError(Exception):
    """A configuration cannot be used. Carries all of its faults, in the order of the file."""

    def __init__(self, faults: Iterable[ConfigurationFault]) -> None:
        self.faults = tuple(sorted(faults, key=_place))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def _place(fault: ConfigurationFault) -> tuple[bool, int, str]:
    return fault.file == ENVIRONMENT, fault.line or 0, fault.key
