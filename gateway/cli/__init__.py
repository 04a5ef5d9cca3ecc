"""The commands: their arguments, what they print, and their exit codes."""

from gateway.cli.commands import app, main
from gateway.cli.faults import Exit

__all__ = ["Exit", "app", "main"]
