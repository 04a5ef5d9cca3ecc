"""What the values of a configuration must be to one another.

The rules read the parsed file and not the validated document, and pass over what is not of the right type: so a fault
of shape in one place does not hide a contradiction in another, and all of them are reported at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import PydanticCustomError

from gateway.interconnection.carriers import CarrierKind
from gateway.interconnection.trunk_groups import Address
from gateway.operations.configuration_schema import parse_address
from gateway.operations.toml_lines import KeyPath, key_text

CHECK_NAMES = frozenset(
    {
        "emergency",
        "trunk_group",
        "admission",
        "rate_limit",
        "calling_number",
        "presentation",
        "charge_number",
        "called_number",
        "diversion",
        "passport",
        "calling_code",
        "footprint",
    }
)
"""The checks that a trunk group can set a mode for."""


_KINDS = frozenset(kind.value for kind in CarrierKind)


class Contradiction(NamedTuple):
    key: KeyPath
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A configuration as written: sections and tables by key, nothing validated but the containers."""

    sections: Mapping[str, Mapping[str, Any]]
    carriers: tuple[Mapping[str, Any], ...]
    kinds: Mapping[str, str]
    """OCN -> kind of the first carrier that has it, empty where its kind is not legible."""
    trunk_groups: tuple[Mapping[str, Any], ...]
    folder: Path
    """Paths in the file are relative to it."""
    check_names: frozenset[str]

    @classmethod
    def of(cls, data: Mapping[str, Any], folder: Path, check_names: frozenset[str]) -> Draft:
        carriers = _tables(data.get("carriers"))
        return cls(
            sections={key: value for key, value in data.items() if isinstance(value, Mapping)},
            carriers=carriers,
            kinds={ocn: _kind(carrier) for carrier in reversed(carriers) if (ocn := _text(carrier, "ocn"))},
            trunk_groups=_tables(data.get("trunk_groups")),
            folder=folder,
            check_names=check_names,
        )

    def setting(self, section: str, key: str) -> str | None:
        return _text(self.sections.get(section, {}), key)


def contradictions(draft: Draft) -> list[Contradiction]:
    """Every contradiction, in no particular order."""
    return [contradiction for rule in _RULES for contradiction in rule(draft)]


def _tables(value: object) -> tuple[Mapping[str, Any], ...]:
    elements = value if isinstance(value, list) else []
    return tuple(element if isinstance(element, Mapping) else {} for element in elements)


def _text(table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    return value if isinstance(value, str) and value else None


def _kind(carrier: Mapping[str, Any]) -> str:
    kind = _text(carrier, "kind")
    return kind if kind is not None and kind in _KINDS else ""


def _address(value: object) -> Address | None:
    try:
        return parse_address(value)
    except PydanticCustomError:
        return None


def _day(value: object) -> date | None:
    try:
        value = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _carriers_are_distinct(draft: Draft) -> Iterator[Contradiction]:
    seen: dict[str, int] = {}
    for index, carrier in enumerate(draft.carriers):
        if (ocn := _text(carrier, "ocn")) is not None and (first := seen.setdefault(ocn, index)) != index:
            reason = f"OCN {ocn} is already that of carriers[{first}]"
            yield Contradiction(("carriers", index, "ocn"), reason, "give each carrier once")


def _providers_have_a_partner(draft: Draft) -> Iterator[Contradiction]:
    for index, carrier in enumerate(draft.carriers):
        kind, partner = _text(carrier, "kind"), _text(carrier, "partner")
        key = ("carriers", index, "partner")
        if kind == "provider" and "partner" not in carrier:
            yield Contradiction(key, "is missing", "name the OCN of the partner over whose trunks the provider comes")
        elif kind in ("host", "partner") and "partner" in carrier:
            yield Contradiction(key, f"a {kind} comes over nobody's trunks", "remove it, or make this a provider")
        elif partner is not None:
            yield from _names_a_carrier(draft, key, partner, "partner")


def _names_a_carrier(draft: Draft, key: KeyPath, ocn: str, wanted: str) -> Iterator[Contradiction]:
    kind = draft.kinds.get(ocn)
    if kind is None:
        yield Contradiction(key, f"no carrier has OCN {ocn[:80]}", "add it under [[carriers]], or correct the OCN")
    elif kind not in ("", wanted):
        yield Contradiction(key, f"{ocn} is a {kind}", f"name the OCN of a {wanted}")


def _agreements_are_with_whom_they_can_be(draft: Draft) -> Iterator[Contradiction]:
    """L11: the numbering agreement is the provider's with the host, the amendment is the partner's."""
    belongs = {
        "numbering_agreement": "provider",
        "confirmed": "provider",
        "stopped": "provider",
        "amendment": "partner",
    }
    for index, carrier in enumerate(draft.carriers):
        if not (kind := _kind(carrier)):
            continue
        for setting, owner in belongs.items():
            if setting in carrier and kind != owner:
                reason = f"is the {owner}'s (L11), and this carrier is a {kind}"
                yield Contradiction(("carriers", index, setting), reason, f"set it on the {owner}")


def _a_provider_stops_after_it_starts(draft: Draft) -> Iterator[Contradiction]:
    for index, carrier in enumerate(draft.carriers):
        start, stop = carrier.get("confirmed"), carrier.get("stopped")
        if not isinstance(start, datetime) or not isinstance(stop, datetime):
            continue
        if start.tzinfo is not None and stop.tzinfo is not None and stop <= start:
            reason = "is not after `confirmed`"
            yield Contradiction(("carriers", index, "stopped"), reason, "correct one of the two")


def _the_agreement_ends_after_it_starts(draft: Draft) -> Iterator[Contradiction]:
    effective, replaced = (_day(draft.sections.get("agreement", {}).get(key)) for key in ("effective", "replaced"))
    if effective is None or replaced is None:
        return
    if replaced <= effective:
        reason = f"{replaced} is not after `effective`, {effective}"
        yield Contradiction(("agreement", "replaced"), reason, "correct one of the two, or remove `replaced`")


def _trunk_groups_are_distinct(draft: Draft) -> Iterator[Contradiction]:
    seen: dict[str, int] = {}
    for index, group in enumerate(draft.trunk_groups):
        if (name := _text(group, "name")) is not None and (first := seen.setdefault(name, index)) != index:
            reason = f'"{name[:80]}" is already the name of trunk_groups[{first}]'
            yield Contradiction(("trunk_groups", index, "name"), reason, "give each trunk group a name of its own")


def _members_are_distinct(draft: Draft) -> Iterator[Contradiction]:
    """A call's trunk group is known by the address that it came from, and by nothing else."""
    seen: dict[Address, KeyPath] = {}
    listen = _address(draft.setting("gateway", "listen"))
    if listen is not None:
        seen[listen] = ("gateway", "listen")
    for index, group in enumerate(draft.trunk_groups):
        members = group.get("members")
        for place, member in enumerate(members if isinstance(members, list) else []):
            key = ("trunk_groups", index, "members", place)
            address = _address(member)
            if address is not None and (first := seen.setdefault(address, key)) != key:
                reason = f"{member} is already at {key_text(first)}"
                yield Contradiction(key, reason, "a call's trunk group is known by its address: give each its own")


def _members_can_be_reached(draft: Draft) -> Iterator[Contradiction]:
    """One socket sends to every member, and a call comes from the very address that is written."""
    listen = _address(draft.setting("gateway", "listen"))
    family = ip_address(listen[0]).version if listen is not None else None
    for index, group in enumerate(draft.trunk_groups):
        members = group.get("members")
        for place, member in enumerate(members if isinstance(members, list) else []):
            address = _address(member)
            if address is None:
                continue
            host = ip_address(address[0])
            key = ("trunk_groups", index, "members", place)
            if host.is_unspecified or host.is_multicast:
                yield Contradiction(
                    key, f"{member} is no address of one switch", "write the address that it sends from"
                )
            elif family is not None and host.version != family:
                reason = f"{member} is of IP version {host.version}, and `listen` is of version {family}"
                yield Contradiction(key, reason, "use one version for both, or run a gateway for each")


def _trunk_groups_are_of_known_carriers(draft: Draft) -> Iterator[Contradiction]:
    for index, group in enumerate(draft.trunk_groups):
        side, ocn = _text(group, "side"), _text(group, "carrier")
        if ocn is not None and side in ("host", "partner"):
            yield from _names_a_carrier(draft, ("trunk_groups", index, "carrier"), ocn, side)


def _partner_groups_are_complete(draft: Draft) -> Iterator[Contradiction]:
    host_switches = {_text(group, "switch") for group in draft.trunk_groups if _text(group, "side") == "host"}
    for index, group in enumerate(draft.trunk_groups):
        side, switch = _text(group, "side"), _text(group, "switch")
        if side == "partner" and "home_switch" not in group:
            reason = "is missing"
            remedy = "name the CLLI of the partner's own switch, where its providers' codes are homed (L1.4)"
            yield Contradiction(("trunk_groups", index, "home_switch"), reason, remedy)
        if side == "partner" and switch is not None and switch not in host_switches:
            reason = f"no trunk group of the host side reaches {switch[:80]}"
            remedy = 'add one with side = "host" and this switch, or correct the CLLI'
            yield Contradiction(("trunk_groups", index, "switch"), reason, remedy)
        if side == "host":
            yield from _partner_settings_of_a_host_group(index, group)


def _partner_settings_of_a_host_group(index: int, group: Mapping[str, Any]) -> Iterator[Contradiction]:
    for key in ("home_switch", "dedicated"):
        if group.get(key):
            reason = "is for groups of the partner side, and this one is the host's"
            yield Contradiction(("trunk_groups", index, key), reason, "remove it, or correct `side`")


def _modes_are_of_known_checks(draft: Draft) -> Iterator[Contradiction]:
    for index, group in enumerate(draft.trunk_groups):
        modes = group.get("modes")
        for check in modes if isinstance(modes, Mapping) else ():
            if check not in draft.check_names:
                reason = f"no check is called {str(check)[:80]!r}"
                remedy = f"use one of: {', '.join(sorted(draft.check_names))}"
                yield Contradiction(("trunk_groups", index, "modes", check), reason, remedy)


def _the_emergency_group_is_there(draft: Draft) -> Iterator[Contradiction]:
    name = draft.setting("gateway", "emergency_trunk_group")
    if name is None:
        return
    key = ("gateway", "emergency_trunk_group")
    sides = [_text(group, "side") for group in draft.trunk_groups if group.get("name") == name]
    if not sides:
        yield Contradiction(key, f'no trunk group is called "{name[:80]}"', "name one of [[trunk_groups]]")
    elif sides == ["partner"]:
        reason = f'"{name[:80]}" leads back to the partner'
        yield Contradiction(key, reason, "name a trunk group of the host side")


def _the_gateway_can_name_itself(draft: Draft) -> Iterator[Contradiction]:
    """Via and Record-Route (RFC 3261 sections 16.6, 18.1.1) must carry an address that answers can be sent to."""
    listen = _address(draft.setting("gateway", "listen"))
    if listen is None or draft.setting("gateway", "record_route_host") is not None:
        return
    if ip_address(listen[0]).is_unspecified:
        reason = f"is missing, and {listen[0]} is no address that others can answer to"
        yield Contradiction(("gateway", "record_route_host"), reason, "write the address that the switches see")


def _files_are_there(draft: Draft) -> Iterator[Contradiction]:
    wanted: tuple[tuple[str, str, Callable[[Path], bool], str], ...] = (
        ("numbering", "lerg", Path.is_dir, "a folder"),
        ("numbering", "ported", Path.is_file, "a file"),
        ("gateway", "state_folder", lambda path: path.is_dir() or not path.exists(), "a folder"),
    )
    for section, key, there, kind in wanted:
        if (written := draft.setting(section, key)) is None:
            continue
        path = draft.folder / written
        try:
            found = there(path)
        except (OSError, ValueError):
            found = False
        if not found:
            reason = f"{str(path)[:500]} is not {kind} that can be read"
            yield Contradiction((section, key), reason, "correct the path; it is relative to the configuration file")


_RULES: tuple[Callable[[Draft], Iterator[Contradiction]], ...] = (
    _carriers_are_distinct,
    _providers_have_a_partner,
    _agreements_are_with_whom_they_can_be,
    _a_provider_stops_after_it_starts,
    _the_agreement_ends_after_it_starts,
    _trunk_groups_are_distinct,
    _members_are_distinct,
    _members_can_be_reached,
    _trunk_groups_are_of_known_carriers,
    _partner_groups_are_complete,
    _modes_are_of_known_checks,
    _the_emergency_group_is_there,
    _the_gateway_can_name_itself,
    _files_are_there,
)
