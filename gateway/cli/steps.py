"""The steps of an operator, on the running gateway (L8)."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.faults import ConfigOption, Exit, configuration_of, fail, with_faults_said


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
    configuration = configuration_of(config)

    def step() -> None:
        done = post_cutover(configuration, ocn, to, who or _login(), why)
        if to is None:
            typer.echo(f"{ocn} is back on its partner's shared trunk groups since {done['at']}{_at_exchange(done)}")
            return
        draining = done["established_calls_draining"]
        calls = "1 established call drains" if draining == 1 else f"{draining} established calls drain"
        typer.echo(f"{ocn} is cut over to {to} since {done['at']}; {calls}{_at_exchange(done)}")

    with_faults_said(step)


def _at_exchange(done: dict[str, Any]) -> str:
    """How far a step has come at the exchange, where the trunk group has circuits."""
    if not done.get("exchange_reachable", True):
        return "; the exchange cannot be reached now, and is told when it can"
    waiting = done.get("circuits_unacknowledged", 0)
    return f"; {waiting} circuits wait for the exchange to acknowledge it" if waiting else ""


def block(
    trunk_group: Annotated[str, typer.Argument(help="A trunk group with circuits.")],
    why: Annotated[str, typer.Option(help="The reason, for the record.")],
    config: ConfigOption,
    back: Annotated[bool, typer.Option("--back", help="Open the circuits again.")] = False,
    who: Annotated[str | None, typer.Option(help="Who takes the step; your login name if left out.")] = None,
) -> None:
    """Block a trunk group's circuits on the running gateway (L8). Emergency calls still pass; calls go on."""
    from gateway.operations.control_client import post_block

    configuration = configuration_of(config)

    def step() -> None:
        done = post_block(configuration, trunk_group, not back, who or _login(), why)
        if back:
            circuits = f"{done['circuits']} circuits{_at_exchange(done)}"
            typer.echo(f"{trunk_group} is open again since {done['at']}; {circuits}")
            return
        kept = f"{done['emergency_reserve']} of {done['circuits']} circuits kept for 911{_at_exchange(done)}"
        typer.echo(f"{trunk_group} is blocked since {done['at']}; {kept}")

    with_faults_said(step)


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
