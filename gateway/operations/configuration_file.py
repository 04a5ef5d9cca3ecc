"""The file of a configuration: read within bounds, and parsed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from gateway.operations.configuration_faults import ConfigurationError, ConfigurationFault

LARGEST_FILE: Final = 4 * 1024 * 1024
"""Bytes. Ten thousand trunk groups take about two million."""


def read_text(path: Path) -> str:
    """The text of a file. Raises `ConfigurationError`."""

    def fault(reason: str, remedy: str, line: int | None = None) -> ConfigurationError:
        return ConfigurationError([ConfigurationFault(str(path), line, "", reason, remedy)])

    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise fault(f"cannot be read: {reason}", "give the path of a configuration file") from None
    if len(content) > LARGEST_FILE:
        raise fault(f"is larger than {LARGEST_FILE} bytes", "give the path of a configuration file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise fault(f"byte {error.start} is not UTF-8", "save the file as UTF-8", line) from None


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """What the text of a file says. Raises `ConfigurationError`, with line and column."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        reason, line, column = "brackets are nested too deep", None, None
    except ValueError as error:
        reason, line, column = _syntax_error(str(error), text)
    raise ConfigurationError([ConfigurationFault(str(path), line, "", reason, "correct the TOML", column)])


def _syntax_error(message: str, text: str) -> tuple[str, int | None, int | None]:
    if match := re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL):
        return match[1], int(match[2]), int(match[3])
    if message.endswith("(at end of document)"):
        return f"{message.removesuffix('(at end of document)')}before the end of the file", text.count("\n") + 1, None
    return message, None, None
