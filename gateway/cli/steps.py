"""The steps of an operator, on the running gateway (L8, L10)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.faults import ConfigOption, Exit, configuration_of, fail, with_faults_said


class StateWord(StrEnum):
    """How a provider may stand, as `gateway.interconnection.denial_of_service.State` has it."""

    NORMAL = "normal"
    THROTTLED = "throttled"
    DISCONTINUED = "discontinued"
    REMEDIATED = "remediated"
    RESTORED = "restored"
    DEDICATED = "dedicated"


class ScopeWord(StrEnum):
    """What is discontinued."""

    PROVIDER = "provider"
    PARTNER = "partner"


OcnArgument = Annotated[str, typer.Argument(help="OCN of the provider.")]
NumberArgument = Annotated[
    int, typer.Argument(help="Number of the recommendation, as `tollgate status` shows it.", min=1)
]
WhyOption = Annotated[str, typer.Option(help="The reason, for the record.")]
WhoOption = Annotated[str | None, typer.Option(help="Who takes the step; your login name if left out.")]
ExpectOption = Annotated[
    StateWord | None, typer.Option("--expect", help="Take it only if the provider is in this state.")
]
KeyOption = Annotated[
    str | None, typer.Option("--key", help="A name for this request: sent again, it is not carried out again.")
]
DrainOption = Annotated[
    int | None,
    typer.Option("--drain", metavar="SECONDS", help="End established calls after this time.", min=0, max=86_400),
]
ForceOption = Annotated[bool, typer.Option("--force", help="End established calls at once.")]


def throttle(
    ocn: OcnArgument,
    why: WhyOption,
    config: ConfigOption,
    expect: ExpectOption = None,
    key: KeyOption = None,
    who: WhoOption = None,
) -> None:
    """Hold a provider to its throttled limit (L8). Nobody else is limited."""
    _step("throttle", config, {"ocn": ocn, "why": why, "who": who, "expected_state": expect}, key)


def release(
    ocn: OcnArgument,
    why: WhyOption,
    config: ConfigOption,
    expect: ExpectOption = None,
    key: KeyOption = None,
    who: WhoOption = None,
) -> None:
    """Lift the throttle of a provider."""
    _step("release", config, {"ocn": ocn, "why": why, "who": who, "expected_state": expect}, key)


def discontinue(
    ocn: OcnArgument,
    why: WhyOption,
    config: ConfigOption,
    scope: Annotated[ScopeWord, typer.Option(help="What is refused: the provider, or all of its partner's traffic.")],
    drain: DrainOption = None,
    force: ForceOption = False,
    expect: ExpectOption = None,
    key: KeyOption = None,
    who: WhoOption = None,
) -> None:
    """Discontinue the traffic of a provider, or all of its partner's (L8). Emergency calls still pass."""
    fields = {"ocn": ocn, "scope": scope.value, "drain_seconds": _drain(drain, force), "expected_state": expect}
    _step("discontinue", config, {**fields, "why": why, "who": who}, key)


def remediate(
    ocn: OcnArgument,
    why: WhyOption,
    config: ConfigOption,
    expect: ExpectOption = None,
    key: KeyOption = None,
    who: WhoOption = None,
) -> None:
    """Note that the partner attests the removal of a provider's traffic (L8); the gateway then looks for it itself."""
    _step("remediate", config, {"ocn": ocn, "why": why, "who": who, "expected_state": expect}, key)


def restore(
    ocn: OcnArgument,
    why: WhyOption,
    config: ConfigOption,
    expect: ExpectOption = None,
    key: KeyOption = None,
    who: WhoOption = None,
) -> None:
    """Accept the partner's other traffic again (L8). The provider stays refused on shared trunk groups."""
    _step("restore", config, {"ocn": ocn, "why": why, "who": who, "expected_state": expect}, key)


def cutover(
    ocn: OcnArgument,
    why: WhyOption,
    config: ConfigOption,
    to: Annotated[str, typer.Option(help="The dedicated trunk group.")],
    drain: DrainOption = None,
    force: ForceOption = False,
    expect: ExpectOption = None,
    key: KeyOption = None,
    who: WhoOption = None,
) -> None:
    """Give a provider a trunk group of its own (L8): it may come there only, and nobody else may."""
    fields = {"ocn": ocn, "trunk_group": to, "drain_seconds": _drain(drain, force), "expected_state": expect}
    _step("cutover", config, {**fields, "why": why, "who": who}, key)


def undo(
    ocn: OcnArgument,
    why: WhyOption,
    config: ConfigOption,
    expect: ExpectOption = None,
    key: KeyOption = None,
    who: WhoOption = None,
) -> None:
    """Take the last step about a provider back."""
    _step("undo", config, {"ocn": ocn, "why": why, "who": who, "expected_state": expect}, key)


def approve(
    number: NumberArgument,
    why: WhyOption,
    config: ConfigOption,
    drain: DrainOption = None,
    force: ForceOption = False,
    expect: ExpectOption = None,
    key: KeyOption = None,
    who: WhoOption = None,
) -> None:
    """Take the step that the gateway recommends."""
    fields = {"recommendation": number, "drain_seconds": _drain(drain, force), "expected_state": expect}
    _step("approve", config, {**fields, "why": why, "who": who}, key)


def dismiss(
    number: NumberArgument, why: WhyOption, config: ConfigOption, key: KeyOption = None, who: WhoOption = None
) -> None:
    """Lay a recommendation of the gateway aside."""
    done = _taken("dismiss", config, {"recommendation": number, "why": why, "who": who}, key)
    typer.echo(f"recommendation {number} about {done['ocn']} is dismissed; journal {_entry(done)}")


def block(
    trunk_group: Annotated[str, typer.Argument(help="A trunk group with circuits.")],
    why: WhyOption,
    config: ConfigOption,
    back: Annotated[bool, typer.Option("--back", help="Open the circuits again.")] = False,
    key: KeyOption = None,
    who: WhoOption = None,
) -> None:
    """Block a trunk group's circuits on the running gateway (L8). Emergency calls still pass; calls go on."""
    fields = {"trunk_group": trunk_group, "blocked": not back, "why": why, "who": who}
    done = _taken("block", config, fields, key)
    if back:
        circuits = f"{done['circuits']} circuits{_at_exchange(done)}"
        typer.echo(f"{trunk_group} is open again since {done['at']}; {circuits}")
        return
    kept = f"{done['emergency_reserve']} of {done['circuits']} circuits kept for 911{_at_exchange(done)}"
    typer.echo(f"{trunk_group} is blocked since {done['at']}; {kept}")


def _step(route: str, config: Path, fields: dict[str, Any], key: str | None) -> None:
    """Take a step about a provider, and say in one line what is in force."""
    done = _taken(route, config, fields, key)
    before, after = done["before"], done["after"]
    group = f" on {after['trunk_group']}" if after["trunk_group"] is not None else ""
    scope = f", scope {after['scope']}" if after["scope"] is not None else ""
    attested = f"; the removal of its traffic is attested since {after['attested']}" if after["attested"] else ""
    was = f" (before: {before['state']})" if before["state"] != after["state"] else ""
    typer.echo(
        f"{done['ocn']} is {after['state']}{group} since {after['since']}{scope}{was}{attested}"
        f"{_calls(done)}{_at_exchange(done)}; journal {_entry(done)}"
    )
    if done["not_enforced_on"]:
        typer.echo(f"warning: calls are found and not refused on {', '.join(done['not_enforced_on'])}", err=True)


def _calls(done: dict[str, Any]) -> str:
    """What becomes of established calls, where a step concerns them."""
    if done["step"] not in ("discontinue", "cutover"):
        return ""
    calls = done["established_calls"]
    said = f"; {calls} established call{'s' if calls != 1 else ''}"
    drain = done["drain_seconds"]
    if not calls:
        return said
    if drain is None:
        return f"{said} may go on to the end"
    return f"{said} ended now" if drain == 0 else f"{said} may go on for {drain} s"


def _at_exchange(done: dict[str, Any]) -> str:
    """How far a step has come at the exchange, where the trunk group has circuits."""
    if not done.get("exchange_reachable", True):
        return "; the exchange cannot be reached now, and is told when it can"
    waiting = done.get("circuits_unacknowledged", 0)
    return f"; {waiting} circuits wait for the exchange to acknowledge it" if waiting else ""


def _entry(done: dict[str, Any]) -> str:
    return f"entry {done['entry']}"


def _drain(seconds: int | None, force: bool) -> int | None:
    if force and seconds is not None:
        fail(Exit.USAGE, "say either --drain SECONDS or --force")
    return 0 if force else seconds


def _taken(route: str, config: Path, fields: dict[str, Any], key: str | None) -> dict[str, Any]:
    """What the running gateway answers to a step."""
    from gateway.operations.control_client import post_step

    configuration = configuration_of(config)
    done: dict[str, Any] = {}
    who = fields["who"] or _login()
    with_faults_said(lambda: done.update(post_step(configuration, route, {**fields, "who": who}, key)))
    return done


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
