"""What every command shares: its exit codes, its configuration, and how it says what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from gateway.operations.configuration import Configuration

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The configuration file (TOML).")]


class Exit(IntEnum):
    """Exit codes of every command."""

    CLEAN = 0
    VIOLATIONS = 1
    REFUSED = VIOLATIONS  # the running gateway does not take a step
    USAGE = 2
    UNREADABLE = 3
    INTERNAL = 4


def fail(code: Exit, *lines: str) -> NoReturn:
    """Say what is wrong on standard error and leave."""
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(int(code))


def configuration_of(path: Path) -> Configuration:
    """The configuration of a file; where it has faults, the command ends with a line for each."""
    from gateway.operations.configuration import load_configuration
    from gateway.operations.configuration_faults import ConfigurationError

    try:
        return load_configuration(path)
    except ConfigurationError as error:
        fail(Exit.USAGE, *(str(fault) for fault in error.faults))


def with_faults_said(work: Callable[[], None]) -> None:
    """Run a command's work; what a user can mend is one line and exit 2, what the gateway refuses one and exit 1."""
    try:
        work()
    except BrokenPipeError:
        raise
    except Exception as error:
        _say_what_can_be_mended(error)
        raise


def _say_what_can_be_mended(error: Exception) -> None:
    """End the command with one line if the user can do something about an error; go on if it is a fault of ours."""
    # Loaded where something has failed, and not before: they bring an HTTP server with them.
    from gateway.capture.faults import NotACapture
    from gateway.numbering.csv_rows import TableUnreadable
    from gateway.operations.api_token import NoToken
    from gateway.operations.control_client import ControlFault, GatewayRefused
    from gateway.operations.http_api import CannotServe
    from gateway.records.database import DatabaseFileError

    if isinstance(error, GatewayRefused):
        fail(Exit.REFUSED, str(error))
    if isinstance(error, (TableUnreadable, DatabaseFileError, ControlFault, CannotServe, NoToken)):
        fail(Exit.USAGE, str(error))
    if isinstance(error, NotACapture):
        fail(Exit.UNREADABLE, str(error))
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        fail(Exit.USAGE, f"{where}{error.strerror or error}")
