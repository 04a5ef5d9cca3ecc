"""`tollgate status`: what the running gateway is doing, for people on one screen, or the document for machines."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from gateway.cli.faults import ConfigOption, configuration_of, with_faults_said


def status(
    config: ConfigOption,
    json_output: Annotated[bool, typer.Option("--json", help="Print the document for machines.")] = False,
) -> None:
    """Show how the running gateway, its providers and its trunk groups stand, and what waits for an operator."""
    from gateway.cli.status_table import lines_of
    from gateway.operations.control_client import get_status

    configuration = configuration_of(config)

    def show() -> None:
        seen = get_status(configuration)
        if json_output:
            typer.echo(json.dumps(seen, indent=2))
        else:
            for line in lines_of(seen, whole=not sys.stdout.isatty()):
                typer.echo(line)
        if seen.get("configuration") != str(configuration.file):
            typer.echo(f"note: the gateway that answers runs with {seen.get('configuration')}", err=True)

    with_faults_said(show)
