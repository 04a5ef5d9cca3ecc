"""Running a gateway, checking what it is told, and running it among simulated switches."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.faults import ConfigOption, Exit, configuration_of, fail, with_faults_said


def run(
    config: ConfigOption,
    drain: Annotated[float, typer.Option(help="Seconds that calls get to end after SIGTERM.", min=0, max=3600)] = 20.0,
) -> None:
    """Run the gateway alone, as a sidecar in front of a switch, until SIGTERM or Ctrl-C."""
    import logging

    from gateway.wiring.process import serve_until_signalled

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    configuration = configuration_of(config)
    with_faults_said(lambda: serve_until_signalled(configuration, drain))


def check_config(file: Annotated[Path, typer.Argument(help="The configuration file (TOML).")]) -> None:
    """Check a configuration file and the tables that it names; exit 2 with file, key and reason for every fault."""
    from gateway.operations.configuration_against_lerg import unknown_switches
    from gateway.operations.lerg_folder import read_lerg_folder, read_ported_numbers
    from gateway.transport.sctp.available import missing_carriers
    from gateway.wiring.ss7 import unavailable_carriers

    configuration = configuration_of(file)

    def check() -> None:
        guide, faults = read_lerg_folder(configuration.lerg_folder)
        if configuration.ported_file is not None:
            faults += read_ported_numbers(configuration.ported_file)[1]
        if faults:
            fail(Exit.USAGE, *(str(fault) for fault in faults))
        unknown = tuple(unknown_switches(file, configuration, guide))
        if unknown:
            fail(Exit.USAGE, *(str(fault) for fault in unknown))
        typer.echo(
            f"{file}: in order; {len(configuration.trunk_groups)} trunk groups, "
            f"{len(tuple(configuration.carriers))} carriers, {len(guide)} LERG 6 rows"
        )
        for warning in unavailable_carriers(configuration, missing_carriers() if configuration.links else {}):
            typer.echo(f"{file}: warning: {warning}; a gateway does not start here with this file", err=True)
        servers = ", ".join(f"{host} port {port}" for host, port in configuration.dns.servers) or "those of this system"
        for group in configuration.trunk_groups:
            for named in group.names:
                typer.echo(f"{file}: {group.name}: {named.uri} is a name; a gateway asks DNS servers for it: {servers}")

    with_faults_said(check)


def reload(config: ConfigOption) -> None:
    """Have the running gateway read LERG and the ported numbers again. Calls that are up are not touched."""
    from gateway.operations.control_client import post_reload

    configuration = configuration_of(config)

    def step() -> None:
        done = post_reload(configuration)
        for fault in done["first_faults"]:
            typer.echo(f"row not used: {fault}", err=True)
        typer.echo(f"{done['lerg_rows']} LERG 6 rows in force since {done['at']}; {done['row_faults']} rows not used")

    with_faults_said(step)


def lab(
    json_output: Annotated[bool, typer.Option("--json", help="Print one document for machines.")] = False,
    serve: Annotated[
        bool | None, typer.Option("--serve/--no-serve", help="Keep serving at the end; the default on a terminal.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Where to put the capture, records and configuration.")] = None,
) -> None:
    """Run a gateway in front of simulated switches, play the catalogue of calls, and audit the run's capture."""
    try:
        from sim.lab import run_lab
    except ModuleNotFoundError as error:
        fail(Exit.USAGE, f"the lab needs {error.name}: install it with pip install 'tollgate[lab]'")
    code: list[int] = []
    with_faults_said(lambda: code.append(run_lab(json_output=json_output, serve=serve, folder=folder)))
    raise typer.Exit(code[0])
