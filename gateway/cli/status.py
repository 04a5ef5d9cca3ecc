"""`tollgate status`."""

from __future__ import annotations

import typer

from gateway.cli.faults import ConfigOption, configuration_of, with_faults_said


def status(config: ConfigOption) -> None:
    """Show what the running gateway is doing, as JSON."""
    import json

    from gateway.operations.control_client import get_status

    configuration = configuration_of(config)

    def show() -> None:
        seen = get_status(configuration)
        typer.echo(json.dumps(seen, indent=2))
        if seen.get("configuration") != str(configuration.file):
            typer.echo(f"note: the gateway that answers runs with {seen.get('configuration')}", err=True)

    with_faults_said(show)
