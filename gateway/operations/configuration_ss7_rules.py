"""What links and circuits of a configuration must be to one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from pydantic_core import PydanticCustomError

from gateway.codecs.ss7.mtp3 import parse_point_code
from gateway.codecs.ss7.variant import Variant
from gateway.operations.configuration_addresses import parse_address
from gateway.operations.configuration_draft import Contradiction, Draft, text_of
from gateway.operations.configuration_ss7 import LONGEST_CIC, cic_range
from gateway.operations.toml_lines import KeyPath, key_text

_FOR_SIP_ALONE = (
    "certificate",
    "tgrp",
    "trunk_context",
    "sip_i",
    "probe_seconds",
    "failures",
    "failover_seconds",
    "retry_seconds",
    "retry_after_max_seconds",
    "capacity",
)
"""Settings of a trunk group that mean nothing for circuits: their number is their capacity, ISUP supervises them."""


def _variant_of(link: Mapping[str, Any]) -> Variant | None:
    written = link.get("variant", Variant.ANSI.value)
    return next((variant for variant in Variant if variant.value == written), None)


def _links(draft: Draft) -> dict[str, Mapping[str, Any]]:
    return {name: link for link in reversed(draft.links) if (name := text_of(link, "name")) is not None}


def _circuits(draft: Draft) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, group in enumerate(draft.trunk_groups):
        circuits = group.get("circuits")
        if isinstance(circuits, Mapping):
            yield index, circuits


def _names(circuits: Mapping[str, Any]) -> list[tuple[int, str]]:
    written = circuits.get("links")
    return [
        (place, name) for place, name in enumerate(written if isinstance(written, list) else []) if type(name) is str
    ]


def _links_are_distinct(draft: Draft) -> Iterator[Contradiction]:
    names: dict[str, int] = {}
    addresses: dict[tuple[str, int], KeyPath] = {}
    for index, link in enumerate(draft.links):
        name = text_of(link, "name")
        if name is not None and (first := names.setdefault(name, index)) != index:
            reason = f'"{name[:80]}" is already the name of links[{first}]'
            yield Contradiction(("links", index, "name"), reason, "give each link a name of its own")
        try:
            address = parse_address(link.get("address"), any_port=True)
        except PydanticCustomError:
            continue
        key: KeyPath = ("links", index, "address")
        if not address[1]:
            if link.get("role") == "client":
                yield Contradiction(key, "has no port to connect to", "write the port of the peer; 2905 is usual")
            continue
        if link.get("role") == "server" and (taken := addresses.setdefault(address, key)) != key:
            yield Contradiction(key, f"is already listened on by {key_text(taken)}", "give it another port")


def _links_have_point_codes_of_their_variant(draft: Draft) -> Iterator[Contradiction]:
    for index, link in enumerate(draft.links):
        variant = _variant_of(link)
        if variant is None:
            continue
        destinations = link.get("destinations")
        written: list[tuple[KeyPath, Any]] = [(("links", index, "point_code"), link.get("point_code"))]
        for place, text in enumerate(destinations if isinstance(destinations, list) else []):
            written.append((("links", index, "destinations", place), text))
        own = link.get("point_code")
        for key, text in written:
            if isinstance(text, str) and any(parse_point_code(text, each) is not None for each in Variant):
                if parse_point_code(text, variant) is None:
                    reason = f"{text[:40]} is no point code of {variant.value}"
                    yield Contradiction(key, reason, "correct it, or `variant`")
                elif key[2] == "destinations" and text == own:
                    yield Contradiction(key, f"{text[:40]} is the gateway's own point code", "name the exchange there")


def _a_server_does_not_register(draft: Draft) -> Iterator[Contradiction]:
    for index, link in enumerate(draft.links):
        if link.get("role") == "server" and link.get("register_routing_key") is True:
            reason = "it is the client that registers a routing key (RFC 4666 section 4.4)"
            yield Contradiction(("links", index, "register_routing_key"), reason, "remove it")
        if link.get("role") == "client" and link.get("peers"):
            reason = "a client accepts no associations"
            yield Contradiction(("links", index, "peers"), reason, "remove it")


def _servers_beyond_this_machine_name_their_peers(draft: Draft) -> Iterator[Contradiction]:
    """Whoever may open an association may take part of a link's traffic, and answer for its exchange."""
    for index, link in enumerate(draft.links):
        if link.get("role") != "server" or link.get("peers"):
            continue
        try:
            host, _ = parse_address(link.get("address"), any_port=True)
        except PydanticCustomError:
            continue
        if not ip_address(host).is_loopback:
            reason = f"is missing, and {host} can be reached from other machines"
            yield Contradiction(("links", index, "peers"), reason, "name the IP addresses of the exchanges there")


def _a_trunk_group_has_members_or_circuits(draft: Draft) -> Iterator[Contradiction]:
    for index, group in enumerate(draft.trunk_groups):
        has_members, has_circuits = "members" in group, "circuits" in group
        if not has_members and not has_circuits:
            remedy = "write the SIP addresses at its far end, or `circuits` for one that is signalled by ISUP"
            yield Contradiction(("trunk_groups", index, "members"), "is missing", remedy)
        elif has_members and has_circuits:
            reason = "stands beside `members`: a trunk group is signalled by SIP or by ISUP"
            yield Contradiction(("trunk_groups", index, "circuits"), reason, "remove one of the two")
        for setting in _FOR_SIP_ALONE if has_circuits else ():
            if setting in group:
                reason = "is for trunk groups signalled by SIP, and this one has circuits"
                yield Contradiction(("trunk_groups", index, setting), reason, "remove it")


def _circuits_have_links(draft: Draft) -> Iterator[Contradiction]:
    links = _links(draft)
    for index, circuits in _circuits(draft):
        adjacent = text_of(circuits, "point_code")
        known = [links[name] for _, name in _names(circuits) if name in links]
        for place, name in _names(circuits):
            key: KeyPath = ("trunk_groups", index, "circuits", "links", place)
            if name not in links:
                reason = f'no link is called "{name[:80]}"'
                yield Contradiction(key, reason, "name one of [[links]]")
                continue
            link = links[name]
            for setting in ("variant", "point_code", "network_indicator"):
                if link.get(setting) != known[0].get(setting):
                    reason = f'"{name}" has another {setting} than "{known[0].get("name")}"'
                    yield Contradiction(key, reason, "a trunk group's links lead from one point code of one network")
            destinations = link.get("destinations")
            if adjacent is not None and isinstance(destinations, list) and adjacent not in destinations:
                reason = f'"{name}" does not lead to {adjacent[:40]}'
                yield Contradiction(key, reason, "add the point code to its `destinations`, or name another link")


def _circuits_are_distinct(draft: Draft) -> Iterator[Contradiction]:
    """A call's trunk group is known by the point code and the CIC that it came on."""
    links = _links(draft)
    taken: dict[tuple[str, str], list[tuple[int, int, KeyPath]]] = {}
    for index, circuits in _circuits(draft):
        first_link = next((links[name] for _, name in _names(circuits) if name in links), {})
        adjacent, written = text_of(circuits, "point_code"), circuits.get("cics")
        others = taken.setdefault((str(adjacent), str(first_link.get("point_code"))), [])
        variant = _variant_of(first_link) if first_link else None
        for place, text in enumerate(written if isinstance(written, list) else []):
            found = cic_range(text) if isinstance(text, str) else None
            if found is None:
                continue
            key: KeyPath = ("trunk_groups", index, "circuits", "cics", place)
            if variant is not None and found[1] > LONGEST_CIC[variant]:
                reason = f"CIC {found[1]} is higher than {LONGEST_CIC[variant]}, the highest in {variant.value}"
                yield Contradiction(key, reason, "correct the range")
            clash = next((other for first, last, other in others if first <= found[1] and found[0] <= last), None)
            if clash is not None:
                reason = f"{text} overlaps {key_text(clash)}, of the same exchange"
                yield Contradiction(key, reason, "a call's trunk group is known by its CIC: give each circuit once")
            others.append((*found, key))


def _the_reserve_is_a_part(draft: Draft) -> Iterator[Contradiction]:
    for index, circuits in _circuits(draft):
        reserve, written = circuits.get("emergency_reserve"), circuits.get("cics")
        if type(reserve) is not int or not isinstance(written, list):
            continue
        ranges = [found for text in written if isinstance(text, str) and (found := cic_range(text)) is not None]
        total = sum(last - first + 1 for first, last in ranges)
        if ranges and reserve > total:
            reason = f"{reserve} circuits are more than the {total} that there are"
            yield Contradiction(("trunk_groups", index, "circuits", "emergency_reserve"), reason, "lower it")


_EVERY_CALL_NEEDS = ("REL", "RLC", "GRA")
"""Messages without which a circuit never becomes idle: after a call, or after the reset at the start."""


def _messages_are_enough(draft: Draft) -> Iterator[Contradiction]:
    for index, circuits in _circuits(draft):
        written = circuits.get("messages")
        missing = [name for name in _EVERY_CALL_NEEDS if isinstance(written, list) and name not in written]
        if missing:
            reason = f"leaves out {', '.join(missing)}, without which no circuit becomes idle again"
            remedy = f"add {', '.join(missing)}, or leave `messages` out to take every message"
            yield Contradiction(("trunk_groups", index, "circuits", "messages"), reason, remedy)


SS7_RULES: tuple[Callable[[Draft], Iterator[Contradiction]], ...] = (
    _links_are_distinct,
    _links_have_point_codes_of_their_variant,
    _a_server_does_not_register,
    _servers_beyond_this_machine_name_their_peers,
    _a_trunk_group_has_members_or_circuits,
    _circuits_have_links,
    _circuits_are_distinct,
    _the_reserve_is_a_part,
    _messages_are_enough,
)
