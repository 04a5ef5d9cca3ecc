"""What the values of a configuration must be to one another.

The rules read the parsed file and not the validated document, and pass over what is not of the right type: so a fault
of shape in one place does not hide a contradiction in another, and all of them are reported at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from gateway.operations.configuration_denial_of_service import DENIAL_OF_SERVICE_RULES
from gateway.operations.configuration_draft import Contradiction, Draft, kind_of, text_of
from gateway.operations.configuration_signalling import SIGNALLING_RULES
from gateway.operations.configuration_ss7_rules import SS7_RULES
from gateway.operations.toml_lines import KeyPath

CHECK_NAMES = frozenset(
    {
        "emergency",
        "discontinuance",
        "trunk_group",
        "admission",
        "rate_limit",
        "calling_number",
        "presentation",
        "charge_number",
        "called_number",
        "diversion",
        "encapsulated_isup",
        "passport",
        "calling_code",
        "jurisdiction",
        "footprint",
    }
)
"""The checks that a trunk group can set a mode for."""


def contradictions(draft: Draft) -> list[Contradiction]:
    """Every contradiction, in no particular order."""
    return [contradiction for rule in _RULES for contradiction in rule(draft)]


def _day(value: object) -> date | None:
    try:
        value = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _carriers_are_distinct(draft: Draft) -> Iterator[Contradiction]:
    seen: dict[str, int] = {}
    for index, carrier in enumerate(draft.carriers):
        if (ocn := text_of(carrier, "ocn")) is not None and (first := seen.setdefault(ocn, index)) != index:
            reason = f"OCN {ocn} is already that of carriers[{first}]"
            yield Contradiction(("carriers", index, "ocn"), reason, "give each carrier once")


def _providers_have_a_partner(draft: Draft) -> Iterator[Contradiction]:
    for index, carrier in enumerate(draft.carriers):
        kind, partner = text_of(carrier, "kind"), text_of(carrier, "partner")
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
        if not (kind := kind_of(carrier)):
            continue
        for setting, owner in belongs.items():
            if setting in carrier and kind != owner:
                reason = f"is the {owner}'s (L11), and this carrier is a {kind}"
                yield Contradiction(("carriers", index, setting), reason, f"set it on the {owner}")


def _limits_are_of_whom_they_can_be(draft: Draft) -> Iterator[Contradiction]:
    """L8 lets the host limit what comes over a partner's trunks: a provider's calls, and its partner's."""
    limited = {"limit": ("provider", "partner"), "throttled": ("provider",)}
    for index, carrier in enumerate(draft.carriers):
        for setting, owners in limited.items():
            if setting in carrier and (kind := kind_of(carrier)) and kind not in owners:
                reason = f"is of a {' or a '.join(owners)} (L8), and this carrier is a {kind}"
                yield Contradiction(("carriers", index, setting), reason, f"set it on a {owners[0]}, or remove it")
    for index, group in enumerate(draft.trunk_groups):
        for setting in ("limit", "source_limit"):
            if setting in group and text_of(group, "side") == "host":
                reason = "limits what comes from a partner (L8), and this trunk group reaches a host switch"
                yield Contradiction(
                    ("trunk_groups", index, setting), reason, "set it on a partner's group, or remove it"
                )


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
        if (name := text_of(group, "name")) is not None and (first := seen.setdefault(name, index)) != index:
            reason = f'"{name[:80]}" is already the name of trunk_groups[{first}]'
            yield Contradiction(("trunk_groups", index, "name"), reason, "give each trunk group a name of its own")


def _members_are_bounded_by_their_group(draft: Draft) -> Iterator[Contradiction]:
    for index, group in enumerate(draft.trunk_groups):
        whole, members = group.get("capacity"), group.get("members")
        if not isinstance(whole, int):
            continue
        for place, member in enumerate(members if isinstance(members, list) else []):
            capacity = member.get("capacity") if isinstance(member, Mapping) else None
            if isinstance(capacity, int) and capacity > whole:
                reason = f"{capacity} calls are more than the {whole} of its trunk group"
                key: KeyPath = ("trunk_groups", index, "members", place, "capacity")
                yield Contradiction(key, reason, "correct one of the two")


def _trunk_groups_are_of_known_carriers(draft: Draft) -> Iterator[Contradiction]:
    for index, group in enumerate(draft.trunk_groups):
        side, ocn = text_of(group, "side"), text_of(group, "carrier")
        if ocn is not None and side in ("host", "partner"):
            yield from _names_a_carrier(draft, ("trunk_groups", index, "carrier"), ocn, side)


def _partner_groups_are_complete(draft: Draft) -> Iterator[Contradiction]:
    host_switches = {text_of(group, "switch") for group in draft.trunk_groups if text_of(group, "side") == "host"}
    for index, group in enumerate(draft.trunk_groups):
        side, switch = text_of(group, "side"), text_of(group, "switch")
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
    sides = [text_of(group, "side") for group in draft.trunk_groups if group.get("name") == name]
    if not sides:
        yield Contradiction(key, f'no trunk group is called "{name[:80]}"', "name one of [[trunk_groups]]")
    elif sides == ["partner"]:
        reason = f'"{name[:80]}" leads back to the partner'
        yield Contradiction(key, reason, "name a trunk group of the host side")


def _is_folder_or_can_be(path: Path) -> bool:
    """Whether a folder is there, or nothing is and the gateway may make one: then what is above it is a folder."""
    there = next((each for each in (path, *path.parents) if each.exists()), path)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _files_are_there(draft: Draft) -> Iterator[Contradiction]:
    wanted: tuple[tuple[str, str, Callable[[Path], bool], str], ...] = (
        ("numbering", "lerg", Path.is_dir, "a folder"),
        ("numbering", "ported", Path.is_file, "a file"),
        ("gateway", "state_folder", _is_folder_or_can_be, "a folder"),
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
            reason = f"{str(path)[:500]} is not {kind} that can be {'written to' if key == 'state_folder' else 'read'}"
            yield Contradiction((section, key), reason, "correct the path; it is relative to the configuration file")


_RULES: tuple[Callable[[Draft], Iterator[Contradiction]], ...] = (
    _carriers_are_distinct,
    _providers_have_a_partner,
    _agreements_are_with_whom_they_can_be,
    _limits_are_of_whom_they_can_be,
    _a_provider_stops_after_it_starts,
    _the_agreement_ends_after_it_starts,
    _trunk_groups_are_distinct,
    _members_are_bounded_by_their_group,
    _trunk_groups_are_of_known_carriers,
    _partner_groups_are_complete,
    _modes_are_of_known_checks,
    _the_emergency_group_is_there,
    _files_are_there,
    *DENIAL_OF_SERVICE_RULES,
    *SIGNALLING_RULES,
    *SS7_RULES,
)
