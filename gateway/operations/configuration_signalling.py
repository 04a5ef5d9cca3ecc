"""What a configuration says of sockets: listeners, the addresses of members, the names and files of TLS."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path

from pydantic_core import PydanticCustomError

from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.operations.configuration_addresses import parse_hop, parse_member
from gateway.operations.configuration_draft import Contradiction, Draft, text_of
from gateway.operations.toml_lines import KeyPath, key_text
from gateway.signalling.locating import target_of

MAX_NAMES = 1_000
"""Members that are names, of all trunk groups together."""


def advertised_host(listener: Hop, written: Sequence[str]) -> str | None:
    """Under which host a listener is reached: as written for its IP version, else the address that it is bound to.

    None where that is no address to be reached at.
    """
    address = ip_address(listener.host)
    for host in written:
        try:
            fits = ip_address(host).version == address.version
        except ValueError:
            fits = True  # a name is good for both
        if fits:
            return host
    return None if address.is_unspecified else listener.host


def _listeners(draft: Draft) -> list[tuple[KeyPath, Hop]]:
    return _hops(draft.sections.get("gateway", {}).get("listen"), ("gateway", "listen"), any_port=True)


def _names(draft: Draft) -> Iterator[tuple[KeyPath, str]]:
    """The URI of every member that is a name."""
    for index, group in enumerate(draft.trunk_groups):
        members = group.get("members")
        for place, member in enumerate(members if isinstance(members, list) else []):
            key: KeyPath = ("trunk_groups", index, "members", place)
            key, text = ((*key, "address"), member.get("address")) if isinstance(member, Mapping) else (key, member)
            try:
                address = parse_member(text)
            except PydanticCustomError:
                continue
            if isinstance(address, str):
                yield key, address


def _members(draft: Draft) -> Iterator[tuple[KeyPath, Hop]]:
    for index, group in enumerate(draft.trunk_groups):
        members = group.get("members")
        for place, member in enumerate(members if isinstance(members, list) else []):
            key: KeyPath = ("trunk_groups", index, "members", place)
            if isinstance(member, Mapping):
                yield from _hops(member.get("address"), (*key, "address"))
            else:
                yield from _hops(member, key)


def _hops(value: object, key: KeyPath, *, any_port: bool = False) -> list[tuple[KeyPath, Hop]]:
    """What is legible of one address, or of an array of them, each with its key."""
    written = [((*key, place), text) for place, text in enumerate(value)] if isinstance(value, list) else [(key, value)]
    hops = []
    for place, text in written:
        try:
            hops.append((place, parse_hop(text, any_port=any_port)))
        except PydanticCustomError:
            continue
    return hops


def _written_hosts(draft: Draft) -> list[str]:
    value = draft.sections.get("gateway", {}).get("record_route_host")
    return [host for host in (value if isinstance(value, list) else [value]) if isinstance(host, str) and host]


def _kind(hop: Hop) -> str:
    return f"{hop.transport.upper()} over IPv{ip_address(hop.host).version}"


def _listeners_are_distinct(draft: Draft) -> Iterator[Contradiction]:
    kinds: dict[str, KeyPath] = {}
    ports: dict[tuple[int, int], KeyPath] = {}
    for key, hop in _listeners(draft):
        if (first := kinds.setdefault(_kind(hop), key)) != key:
            reason = f"{_kind(hop)} already has {key_text(first)}"
            yield Contradiction(key, reason, "keep one listener for each transport and IP version")
            continue
        if hop.transport is Transport.UDP or not hop.port:
            continue
        if (first := ports.setdefault((ip_address(hop.host).version, hop.port), key)) != key:
            reason = f"TCP and TLS cannot share port {hop.port}, which {key_text(first)} has"
            yield Contradiction(key, reason, "give TLS another port; 5061 is usual")


def _members_are_distinct(draft: Draft) -> Iterator[Contradiction]:
    """A call's trunk group is known by the address that it came from."""
    seen: dict[Hop, KeyPath] = {}
    for key, hop in (*_listeners(draft), *_members(draft)):
        if (first := seen.setdefault(hop, key)) != key and key[0] == "trunk_groups":
            reason = f"{_as_written(hop)} is already at {key_text(first)}"
            yield Contradiction(key, reason, "a call's trunk group is known by its address: give each its own")


def _names_are_distinct(draft: Draft) -> Iterator[Contradiction]:
    seen: dict[str, KeyPath] = {}
    for key, uri in _names(draft):
        if len(seen) == MAX_NAMES:
            reason = f"is a name, and {MAX_NAMES} were written before it"
            yield Contradiction(key, reason, "write addresses: no more names than that are looked up")
            return
        if (first := seen.setdefault(uri, key)) != key:
            reason = f"{uri} is already at {key_text(first)}"
            yield Contradiction(key, reason, "a call's trunk group is known by its address: give each its own")


def _names_can_be_reached(draft: Draft) -> Iterator[Contradiction]:
    """Where a name says its transport; else DNS says it, and what the gateway has no listener for is left out."""
    listeners = _listeners(draft)
    transports = {hop.transport for _, hop in listeners}
    for key, uri in _names(draft):
        target = target_of(uri.encode())
        if target is None or not listeners:
            continue
        transport = Transport.TLS if target.secure else target.transport
        if transport is not None and transport not in transports:
            reason = f"{uri} is reached by {transport.upper()}, and `listen` has nothing of the kind"
            yield Contradiction(key, reason, "add a listener of that transport, or correct the name")


def _members_can_be_reached(draft: Draft) -> Iterator[Contradiction]:
    """Listeners are also what members are reached from, and what they are told to answer to."""
    listeners = _listeners(draft)
    kinds = {_kind(hop) for _, hop in listeners}
    for key, hop in _members(draft):
        host = ip_address(hop.host)
        if host.is_unspecified or host.is_multicast:
            reason = f"{_as_written(hop)} is no address of one switch"
            yield Contradiction(key, reason, "write the address that it sends from")
        elif listeners and _kind(hop) not in kinds:
            reason = f"{_as_written(hop)} is reached by {_kind(hop)}, and `listen` has nothing of the kind"
            yield Contradiction(key, reason, f"add {_example(hop)} to `listen`, or correct the address")


def _as_written(hop: Hop) -> str:
    return str(hop).removeprefix("udp:")


def _example(hop: Hop) -> str:
    host = "::1" if ":" in hop.host else "127.0.0.1"
    return f'"{_as_written(Hop(host, 5061 if hop.transport is Transport.TLS else 5060, hop.transport))}"'


def _the_gateway_can_name_itself(draft: Draft) -> Iterator[Contradiction]:
    """Via and Record-Route (RFC 3261 sections 16.6, 18.1.1) must carry an address that answers can be sent to."""
    key: KeyPath = ("gateway", "record_route_host")
    listeners, hosts = _listeners(draft), _written_hosts(draft)
    for _, hop in listeners:
        if advertised_host(hop, hosts) is None:
            reason = f"is missing, and {hop.host} is no address that others can answer to"
            if hosts:
                reason = f"has no address of IPv{ip_address(hop.host).version}, and `listen` has"
            yield Contradiction(key, reason, "write the address that the switches see")
            return
    names = [host for host in hosts if not _is_address(host)]
    if names and len({ip_address(hop.host).version for _, hop in listeners}) > 1:
        reason = f"{names[0][:80]!r} is a name, and `listen` has both IP versions"
        yield Contradiction(key, reason, 'write an address for each: ["192.0.2.1", "2001:db8::1"]')


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _tls_is_complete(draft: Draft) -> Iterator[Contradiction]:
    """A listener for TLS needs a certificate of its own, and who verifies peers needs to know by whose word."""
    section = draft.sections.get("tls")
    uses = [key for key, hop in _listeners(draft) if hop.transport is Transport.TLS]
    if section is None:
        if uses:
            remedy = "add it with `certificate`, `key` and `ca`, or remove the listener"
            yield Contradiction(("tls",), f"is missing, and {key_text(uses[0])} is for TLS", remedy)
        return
    if _verifies(draft) and "ca" not in section:
        remedy = "name the file of the authorities' certificates, or set verify_peers = false where nobody is verified"
        yield Contradiction(("tls", "ca"), "is missing", remedy)


def _verifies(draft: Draft) -> bool:
    return _is_on(draft.sections.get("tls", {}).get("verify_peers", True))


def _is_on(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.lower() in ("true", "1", "yes", "on", "t", "y"))


def _names_can_be_looked_up(draft: Draft) -> Iterator[Contradiction]:
    section = draft.sections.get("dns", {})
    if _is_on(section.get("in_dialog", False)) and not section.get("servers"):
        reason = "asks for names to be looked up, and dns.servers names nobody to ask"
        yield Contradiction(("dns", "in_dialog"), reason, "add `servers`, or remove it")


def _the_session_interval_is_not_too_short_for_ourselves(draft: Draft) -> Iterator[Contradiction]:
    limits = draft.sections.get("limits", {})
    wanted, shortest = limits.get("session_expires_seconds"), limits.get("min_session_seconds")
    if isinstance(wanted, int) and isinstance(shortest, int) and wanted < shortest:
        reason = f"the {wanted} s that are asked for are fewer than limits.min_session_seconds takes, {shortest}"
        yield Contradiction(("limits", "session_expires_seconds"), reason, "raise it, or lower the other")


def _trunks_are_named_in_full(draft: Draft) -> Iterator[Contradiction]:
    """RFC 4904 section 5: a label means something in its context only."""
    for index, group in enumerate(draft.trunk_groups):
        for name, other in (("tgrp", "trunk_context"), ("trunk_context", "tgrp")):
            if text_of(group, name) is not None and text_of(group, other) is None:
                reason = f"stands without `{other}`, and names no trunk group by itself (RFC 4904)"
                yield Contradiction(("trunk_groups", index, name), reason, f"add `{other}`, or remove it")


def _certificates_are_asked_for(draft: Draft) -> Iterator[Contradiction]:
    for index, group in enumerate(draft.trunk_groups):
        if text_of(group, "certificate") is None:
            continue
        key: KeyPath = ("trunk_groups", index, "certificate")
        members = _hops(group.get("members"), ("trunk_groups", index, "members"))
        if not any(hop.transport is Transport.TLS for _, hop in members):
            yield Contradiction(
                key, "no member is reached over TLS", 'write members as "tls:ADDRESS:PORT", or remove it'
            )
        elif not _verifies(draft):
            reason = "cannot be held against anything while tls.verify_peers is false"
            yield Contradiction(key, reason, "set verify_peers = true, or remove it")


def _tls_files_can_be_used(draft: Draft) -> Iterator[Contradiction]:
    for name in ("certificate", "key", "ca"):
        if draft.sections.get("tls", {}).get(name) == "":
            yield Contradiction(("tls", name), "is empty", "write the path of a file in PEM")
            return
    certificate, key, authorities = (_file(draft, name) for name in ("certificate", "key", "ca"))
    for name, file in (("certificate", certificate), ("key", key), ("ca", authorities)):
        if file is not None and (fault := _unreadable(file)) is not None:
            remedy = "correct the path; it is relative to the configuration file"
            yield Contradiction(("tls", name), f"{str(file)[:500]} {fault}", remedy)
            return
    if "tls" not in draft.sections:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if authorities is not None and (fault := _said_by(lambda: context.load_verify_locations(authorities))) is not None:
        remedy = "write a file of certificates in PEM, of those who sign the peers' certificates"
        yield Contradiction(("tls", "ca"), f"{str(authorities)[:500]} holds no certificate ({fault})", remedy)
    if certificate is None or key is None:
        return
    fault = _said_by(lambda: context.load_cert_chain(certificate, key, password=_no_passphrase))
    if fault is not None:
        reason = f"{str(key)[:500]} is no key of {str(certificate)[:500]} ({fault})"
        remedy = "write a certificate in PEM, with those above it, and its private key without a passphrase"
        yield Contradiction(("tls", "key"), reason, remedy)


def _file(draft: Draft, name: str) -> Path | None:
    written = draft.setting("tls", name)
    return draft.folder / written if written is not None else None


def _unreadable(file: Path) -> str | None:
    try:
        with file.open("rb") as content:
            content.read(1)
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    return None


def _said_by(load: Callable[[], object]) -> str | None:
    try:
        load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return None


def _no_passphrase() -> str:
    raise ValueError("it is protected by a passphrase")


SIGNALLING_RULES: tuple[Callable[[Draft], Iterator[Contradiction]], ...] = (
    _listeners_are_distinct,
    _members_are_distinct,
    _members_can_be_reached,
    _names_are_distinct,
    _names_can_be_reached,
    _the_gateway_can_name_itself,
    _tls_is_complete,
    _certificates_are_asked_for,
    _trunks_are_named_in_full,
    _names_can_be_looked_up,
    _the_session_interval_is_not_too_short_for_ourselves,
    _tls_files_can_be_used,
)
