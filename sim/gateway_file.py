"""The configuration of the lab's gateway, in front of its cast."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from sim import missouri
from sim.cast import (
    CONFIRMED_SINCE,
    EMERGENCY_TRUNK,
    GATEWAY_NUMBERS,
    HOST_TRUNKS,
    LOOPBACK,
    PROVIDERS,
    TRUNKS,
    WATCHED,
    Cast,
    Trunk,
)
from sim.missouri import cast as guide
from sim.sip_text import Address, host_port
from sim.ss7.cast import CIRCUIT_TRUNKS, link_settings


class Defence(NamedTuple):
    """What a gateway has against denial of service."""

    sections: str = ""
    """TOML of sections beside those of the cast."""
    of_trunk_groups: Mapping[str, Mapping[str, object]] = {}
    """Keys of `[[trunk_groups]]` by their names."""


_NOT_OF_SCENARIOS: Final = (
    *("short_calls", "asr_acd", "calling_share", "sequential_calling", "sequential_called"),
    *("calls_in_progress", "emergency_flood", "malformed_datagrams", "stray_messages"),
    *("stranger_flood", "retransmission_storm"),
)
USUAL: Final = Defence(
    """\
[denial_of_service]
clear_seconds = 1
evidence_megabytes = 1

[detectors]
clear_after_seconds = 1

[detectors.invite_flood]
hold_seconds = 1
"""
    + "".join(f"\n[detectors.{name}]\nenabled = false\n" for name in _NOT_OF_SCENARIOS)
)
"""Of the scenarios: nobody waits minutes in a lab, and calls that are short, and from few numbers, are what it is made
of. Each comes right after the other, so that the minute before a step is full of the messages of others: little of them
is kept for evidence. The attacks have gateways of their own, with every detector."""


def configuration_text(
    cast: Cast,
    *,
    sip_port: int,
    operations_port: int,
    listening: Mapping[str, Address],
    tables: Path | None = None,
    defence: Defence = USUAL,
) -> str:
    """The gateway's configuration in front of this cast, as TOML; state goes beside the file.

    `listening` is where it takes the links of its neighbours. `tables` is the folder of the numbering guide as the file
    names it; the installed one where it is None. `defence` is what it has against denial of service beyond the limits
    of its providers.
    """
    folder = (tables or missouri.folder()).as_posix()
    head = f"""\
# The lab's gateway, written by `tollgate lab`. It can be checked (`tollgate check-config`), run alone
# (`tollgate run --config`) and used to audit the run's capture (`tollgate audit lab.pcap --config`).

[gateway]
listen = "{LOOPBACK}:{sip_port}"
state_folder = "."
emergency_trunk_group = "{EMERGENCY_TRUNK}"
gateway_numbers = [{", ".join(f'"{number}"' for number in GATEWAY_NUMBERS)}]

[operations]
listen = "{LOOPBACK}:{operations_port}"

[numbering]
lerg = {_quoted(folder)}
ported = {_quoted(folder + "/ported.csv")}

[agreement]
name = "Interconnection agreement of the lab, with the VoIP amendment"
effective = 2005-10-17
"""
    links = [_table("links", **settings) for settings in link_settings(cast.ss7, listening)]
    return "\n".join((head, defence.sections, *_carriers(), *links, *_trunk_groups(cast, defence)))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _carriers() -> list[str]:
    tables = [
        _table("carriers", ocn=guide.HOST.ocn, name="CenturyTel of Missouri", kind="host"),
        _table("carriers", ocn=guide.PARTNER.ocn, name="River Bend Telecom", kind="partner", amendment=True),
        _table("carriers", ocn=guide.SOCKET.ocn, name="Socket Telecom", kind="partner", amendment=True),
    ]
    for provider in PROVIDERS.values():
        if provider.ocn == guide.PARTNER.ocn:
            continue
        table = _table(
            "carriers",
            ocn=provider.ocn,
            name=provider.name,
            kind="provider",
            partner=guide.PARTNER.ocn,
            numbering_agreement=True,
        )
        if provider.confirmed:
            table += f"confirmed = {CONFIRMED_SINCE}\n"
        for key, limit in (("limit", provider.limit), ("throttled", provider.throttled)):
            if limit is not None:
                table += f"{key} = {_toml(limit._asdict())}\n"
        tables.append(table)
    return tables


def _trunk_groups(cast: Cast, defence: Defence) -> list[str]:
    tables = []
    for trunk in TRUNKS:
        on_host_side = trunk in HOST_TRUNKS
        settings: dict[str, object] = {"name": trunk.name, "side": "host" if on_host_side else "partner"}
        settings |= {"carrier": trunk.carrier, "switch": trunk.switch}
        if trunk.home_switch is not None:
            settings["home_switch"] = trunk.home_switch
        if trunk.on_circuits:
            settings["circuits"] = CIRCUIT_TRUNKS[trunk.name].settings()
        else:
            settings |= _members(cast, trunk)
        if trunk.dedicated:
            settings["dedicated"] = True
        if trunk.sip_i:
            settings["sip_i"] = trunk.sip_i
        if trunk.mode != "enforce":
            settings["mode"] = trunk.mode
        settings |= defence.of_trunk_groups.get(trunk.name, {})
        tables.append(_table("trunk_groups", **settings))
    return tables


def _members(cast: Cast, trunk: Trunk) -> dict[str, object]:
    members: list[object] = [host_port(cast.addresses_of(trunk))]
    if not trunk.standby:
        return {"members": members}
    members.append({"address": host_port(cast.agents[trunk.standby].address), "priority": 1})
    return {"members": members, **WATCHED}


def _table(array: str, **settings: object) -> str:
    lines = [f"[[{array}]]"]
    lines += [f"{key} = {_toml(value)}" for key, value in settings.items()]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return _quoted(str(value))
