"""The commands. Each imports what it needs when it runs, so that `tollgate --help` is quick."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from gateway import VERSION
from gateway.native import OFFER

app = typer.Typer(
    name="tollgate",
    help="Decides telephone calls against an interconnection agreement: live on SIP, or read from a capture.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The configuration file (TOML).")]


class Exit(IntEnum):
    """Exit codes of every command."""

    CLEAN = 0
    VIOLATIONS = 1
    USAGE = 2
    UNREADABLE = 3
    INTERNAL = 4


def fail(code: Exit, *lines: str) -> NoReturn:
    """Say what is wrong on standard error and leave."""
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(int(code))


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tollgate {VERSION} ({OFFER.words()})")
        raise typer.Exit(int(Exit.CLEAN))


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Decides telephone calls against an interconnection agreement: live on SIP, or read from a capture."""


@app.command()
def run(
    config: ConfigOption,
    drain: Annotated[float, typer.Option(help="Seconds that calls get to end after SIGTERM.", min=0, max=3600)] = 20.0,
) -> None:
    """Run the gateway alone, as a sidecar in front of a switch, until SIGTERM or Ctrl-C."""
    import logging

    from gateway.wiring.process import serve_until_signalled

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    configuration = _configuration(config)
    _with_faults_said(lambda: serve_until_signalled(configuration, drain))


@app.command("check-config")
def check_config(file: Annotated[Path, typer.Argument(help="The configuration file (TOML).")]) -> None:
    """Check a configuration file and the tables that it names; exit 2 with file, key and reason for every fault."""
    from gateway.operations.configuration_against_lerg import unknown_switches
    from gateway.operations.lerg_folder import read_lerg_folder, read_ported_numbers
    from gateway.transport.sctp.available import missing_carriers
    from gateway.wiring.ss7 import unavailable_carriers

    configuration = _configuration(file)

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

    _with_faults_said(check)


@app.command()
def audit(
    captures: Annotated[
        list[Path],
        # readable=False: no check of typer's, which would end the command; the audit names what it cannot read
        typer.Argument(help="Captures to audit: pcap or pcapng.", readable=False),
    ],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Judge the calls as the gateway of this configuration would.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
    ss7: Annotated[
        str, typer.Option("--ss7", help="How SS7 is read: ansi, itu, or auto, as its own messages show.")
    ] = "auto",
) -> None:
    """Find the calls in captures and judge them: exit 0 if all is clean, 1 if a call breaks a clause."""
    from gateway.codecs.ss7.variant import Variant
    from gateway.wiring.audit import audit_captures

    if output not in ("table", "json"):
        fail(Exit.USAGE, f"--format {output}: there is no such format; use table or json")
    variants = {"auto": None, **{variant.value: variant for variant in Variant}}
    if ss7 not in variants:
        fail(Exit.USAGE, f"--ss7 {ss7}: there is no such variant; use {', '.join(variants)}")
    configuration = _configuration(config) if config is not None else None
    code: list[int] = []
    _with_faults_said(lambda: code.append(audit_captures(captures, configuration, output, variants[ss7])))
    raise typer.Exit(code[0])


@app.command()
def cutover(
    ocn: Annotated[str, typer.Argument(help="OCN of the provider.")],
    why: Annotated[str, typer.Option(help="The reason, for the record.")],
    config: ConfigOption,
    to: Annotated[str | None, typer.Option(help="The dedicated trunk group to cut it over to.")] = None,
    back: Annotated[bool, typer.Option("--back", help="Take a cut-over back: the shared groups again.")] = False,
    who: Annotated[str | None, typer.Option(help="Who takes the step; your login name if left out.")] = None,
) -> None:
    """Cut a provider over to a trunk group of its own on the running gateway (L8). Established calls drain."""
    from gateway.operations.control_client import post_cutover

    if (to is None) is not back:
        fail(Exit.USAGE, "say either --to TRUNK-GROUP or --back")
    configuration = _configuration(config)

    def step() -> None:
        done = post_cutover(configuration, ocn, to, who or _login(), why)
        if to is None:
            typer.echo(f"{ocn} is back on its partner's shared trunk groups since {done['at']}{_at_exchange(done)}")
            return
        draining = done["established_calls_draining"]
        calls = "1 established call drains" if draining == 1 else f"{draining} established calls drain"
        typer.echo(f"{ocn} is cut over to {to} since {done['at']}; {calls}{_at_exchange(done)}")

    _with_faults_said(step)


def _at_exchange(done: dict[str, Any]) -> str:
    """How far a step has come at the exchange, where the trunk group has circuits."""
    if not done.get("exchange_reachable", True):
        return "; the exchange cannot be reached now, and is told when it can"
    waiting = done.get("circuits_unacknowledged", 0)
    return f"; {waiting} circuits wait for the exchange to acknowledge it" if waiting else ""


@app.command()
def block(
    trunk_group: Annotated[str, typer.Argument(help="A trunk group with circuits.")],
    why: Annotated[str, typer.Option(help="The reason, for the record.")],
    config: ConfigOption,
    back: Annotated[bool, typer.Option("--back", help="Open the circuits again.")] = False,
    who: Annotated[str | None, typer.Option(help="Who takes the step; your login name if left out.")] = None,
) -> None:
    """Block a trunk group's circuits on the running gateway (L8). Emergency calls still pass; calls go on."""
    from gateway.operations.control_client import post_block

    configuration = _configuration(config)

    def step() -> None:
        done = post_block(configuration, trunk_group, not back, who or _login(), why)
        if back:
            circuits = f"{done['circuits']} circuits{_at_exchange(done)}"
            typer.echo(f"{trunk_group} is open again since {done['at']}; {circuits}")
            return
        kept = f"{done['emergency_reserve']} of {done['circuits']} circuits kept for 911{_at_exchange(done)}"
        typer.echo(f"{trunk_group} is blocked since {done['at']}; {kept}")

    _with_faults_said(step)


@app.command()
def reload(config: ConfigOption) -> None:
    """Have the running gateway read LERG and the ported numbers again. Calls that are up are not touched."""
    from gateway.operations.control_client import post_reload

    configuration = _configuration(config)

    def step() -> None:
        done = post_reload(configuration)
        for fault in done["first_faults"]:
            typer.echo(f"row not used: {fault}", err=True)
        typer.echo(f"{done['lerg_rows']} LERG 6 rows in force since {done['at']}; {done['row_faults']} rows not used")

    _with_faults_said(step)


@app.command()
def status(config: ConfigOption) -> None:
    """Show what the running gateway is doing, as JSON."""
    import json

    from gateway.operations.control_client import get_status

    configuration = _configuration(config)

    def show() -> None:
        seen = get_status(configuration)
        typer.echo(json.dumps(seen, indent=2))
        if seen.get("configuration") != str(configuration.file):
            typer.echo(f"note: the gateway that answers runs with {seen.get('configuration')}", err=True)

    _with_faults_said(show)


@app.command()
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
    _with_faults_said(lambda: code.append(run_lab(json_output=json_output, serve=serve, folder=folder)))
    raise typer.Exit(code[0])


def _configuration(path: Path) -> Any:
    from gateway.operations.configuration import load_configuration
    from gateway.operations.configuration_faults import ConfigurationError

    try:
        return load_configuration(path)
    except ConfigurationError as error:
        fail(Exit.USAGE, *(str(fault) for fault in error.faults))


def _with_faults_said(work: Callable[[], None]) -> None:
    """Run a command's work; what a user can mend is one line and exit 2."""
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
    from gateway.operations.control_client import ControlFault
    from gateway.operations.http_api import CannotServe
    from gateway.records.database import DatabaseFileError

    if isinstance(error, (TableUnreadable, DatabaseFileError, ControlFault, CannotServe, NoToken)):
        fail(Exit.USAGE, str(error))
    if isinstance(error, NotACapture):
        fail(Exit.UNREADABLE, str(error))
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        fail(Exit.USAGE, f"{where}{error.strerror or error}")


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def main() -> None:
    """Entry point of the `tollgate` command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(int(Exit.CLEAN))
    except Exception as error:  # a fault of ours: say so in one line, and where to see more
        import os
        import traceback

        if os.environ.get("TOLLGATE_TRACEBACK"):
            traceback.print_exc()
        typer.echo(
            f"internal error: {type(error).__name__}: {error}; please report it, with the output of the same command "
            "run with TOLLGATE_TRACEBACK=1",
            err=True,
        )
        sys.exit(int(Exit.INTERNAL))


if __name__ == "__main__":
    main()
