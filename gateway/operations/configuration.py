"""The gateway's configuration: one TOML file, single settings overridden by ``TOLLGATE_*``, checked as a whole.

``load_configuration`` gives a `Configuration` of domain objects, or raises `ConfigurationError` with every fault.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.codecs.ss7.mtp3 import point_code_text
from gateway.interconnection.carriers import Carrier, CarrierBook, Ocn, RateLimit
from gateway.interconnection.links import Link
from gateway.interconnection.trunk_groups import (
    Address,
    Hop,
    Member,
    NamedMember,
    Supervision,
    Transport,
    TrunkGroup,
)
from gateway.operations.configuration_denial_of_service import DenialOfServiceSettings, NoticeSettings
from gateway.operations.configuration_draft import Draft
from gateway.operations.configuration_faults import ENVIRONMENT, ConfigurationError, ConfigurationFault
from gateway.operations.configuration_file import parse_toml, read_text
from gateway.operations.configuration_rules import CHECK_NAMES, contradictions
from gateway.operations.configuration_schema import (
    CarrierTable,
    Document,
    TlsSection,
    TrunkGroupTable,
    overriding_variables,
    unknown_variables,
)
from gateway.operations.configuration_signalling import advertised_host
from gateway.operations.configuration_tables import LimitTable
from gateway.operations.configuration_words import reason_and_remedy
from gateway.operations.toml_lines import KeyPath, key_text, line_of, locate_keys
from gateway.policy.detectors.settings import DetectorSettings
from gateway.signalling.network_blocked import NetworkBlocked


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what the gateway holds for others."""

    max_message_bytes: int
    """A longer datagram is malformed."""
    max_transactions: int
    max_dialogs: int
    max_call_seconds: int
    """A call that nobody ended is taken as ended after this time."""
    emergency_reserve: int
    """By how many transactions and dialogs emergency calls may exceed those bounds."""
    strangers_per_second: int
    """Requests that are looked at of senders who belong to no trunk group; those beyond are dropped unread."""
    wasted_per_second: int
    """Messages of one source that may come to nothing, beside as many as calls of it that go on."""
    refusals_per_second: int
    """Calls of one source beyond that are refused with an answer; the rest is dropped."""
    session_expires_seconds: int | None
    """Session interval that is asked for (RFC 4028); None: only what the two sides agree on by themselves."""
    min_session_seconds: int | None
    """A shorter session interval is refused; None: any is accepted."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds on what connections may cost, of SIP over TCP and TLS."""

    max_accepted: int
    max_per_address: int
    """Accepted from one IP address."""
    max_handshakes: int
    """TLS handshakes of accepted connections at one time."""
    handshake_seconds: float
    connect_seconds: float
    """For a connection of the gateway's own to be up."""
    message_seconds: float
    """From the first byte of a message to its last."""
    idle_seconds: float
    half_closed_seconds: float
    """For answers to a peer that will send no more."""
    max_queued_bytes: int
    """That wait for a peer which reads too slowly."""
    max_head_bytes: int
    max_body_bytes: int
    messages_per_turn: int
    """Taken from one connection before others get their turn."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The gateway's own certificate, and whose word it takes for others'. Paths are absolute."""

    certificate: Path
    key: Path
    authorities: Path | None
    """None where peers are not verified."""


@dataclass(frozen=True, slots=True)
class DnsSettings:
    """How names are looked up."""

    servers: tuple[Address, ...]
    """Asked in this order; none: those of the operating system."""
    in_dialog: bool
    """Next hops that a dialog names by host name are looked up."""
    server_timeout_seconds: float
    """A server that has said nothing by then is passed over for the next."""
    timeout_seconds: float
    """For an answer, from whichever server."""
    shortest_ttl_seconds: int
    """An answer is believed at least so long."""
    longest_ttl_seconds: int
    max_cached: int
    """Answers that are remembered."""


@dataclass(frozen=True, slots=True)
class MediaPlace:
    """Where the media of calls on circuits would be: what SDP says of it."""

    address: str
    first_port: int
    ports: int
    """From the first one on; each call has an even one of them."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement in force, by its dates (S preamble, S5, S6)."""

    name: str
    effective: date
    replaced: date | None
    """First day on which it no longer holds; None while nothing has replaced it."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that a gateway is told before it starts. Paths are absolute."""

    file: Path
    listen: tuple[Hop, ...]
    """Where SIP is taken, and from where members are reached: at most one for a transport and IP version."""
    operations_listen: Address
    """HTTP: metrics, health, status, cut-over."""
    state_folder: Path
    """Call records, journal, API token. May not exist yet."""
    record_route_hosts: tuple[str, ...]
    """For each of `listen`, the host part of the gateway's own Via and Record-Route there."""
    mask_numbers: bool
    """Telephone numbers are masked in records and logs."""
    retention_days: int
    """Call records older than this are deleted when the gateway starts."""
    record_queue: int
    """Call records that may wait to be written; more are counted as lost."""
    emergency_trunk_group: str | None
    emergency_numbers: frozenset[str]
    """Canonical digits of 911 and of the configured public-safety numbers."""
    gateway_numbers: frozenset[str]
    """Canonical digits of switches' and gateways' own numbers, which are no caller's (47 CFR 64.1601(a))."""
    limits: Limits
    connections: ConnectionLimits
    tls: TlsSettings | None
    """None where no listener is for TLS."""
    dns: DnsSettings
    media: MediaPlace
    lerg_folder: Path
    ported_file: Path | None
    agreement: Agreement
    denial_of_service: DenialOfServiceSettings
    notices: NoticeSettings
    detectors: DetectorSettings
    network_blocked: NetworkBlocked | None
    """Whom callers can turn to whose calls are blocked, as 603+ says it; None: other answers refuse them."""
    carriers: CarrierBook
    links: tuple[Link, ...]
    """Signalling links to exchanges."""
    trunk_groups: tuple[TrunkGroup, ...]


def load_configuration(path: Path, *, check_names: frozenset[str] = CHECK_NAMES) -> Configuration:
    """Reads and checks a configuration file and the ``TOLLGATE_*`` variables of this process.

    Raises `ConfigurationError`, with all faults found, in the order of the file.
    A file that is not TOML has one fault only.
    """
    text = read_text(path)
    data = parse_toml(text, path)
    reporter = _Reporter(str(path), text)
    for variable in unknown_variables(os.environ):
        remedy = "remove it; TOLLGATE_SECTION__KEY overrides a single setting of a section"
        reporter.faults.append(ConfigurationFault(ENVIRONMENT, None, variable, "names no setting", remedy))
    document, malformed = _validated(data)
    for key, reason, remedy in malformed:
        reporter.report(key, reason, remedy)
    malformed_keys = {key for key, _, _ in malformed}
    for key, reason, remedy in contradictions(Draft.of(_overridden(data), path.resolve().parent, check_names)):
        if key not in malformed_keys:  # "no carrier has OCN 0" adds nothing to "0 is not an OCN"
            reporter.report(key, reason, remedy)
    if document is None or reporter.faults:
        raise ConfigurationError(reporter.faults)
    return _domain(document, path)


def _validated(data: Mapping[str, Any]) -> tuple[Document | None, list[tuple[KeyPath, str, str]]]:
    """The document, or the key, reason and remedy of each value that is not of the schema's shape."""
    try:
        return Document(**data), []
    except ValidationError as error:
        return None, [(detail["loc"], *reason_and_remedy(detail)) for detail in error.errors(include_url=False)]


def _overridden(data: Mapping[str, Any]) -> dict[str, Any]:
    """The parsed file with the environment's text laid over it, for the rules."""
    result = dict(data)
    for (section, key), variable in overriding_variables(os.environ).items():
        below = result.get(section, {})
        result[section] = {**(below if isinstance(below, Mapping) else {}), key: os.environ[variable]}
    return result


class _Reporter:
    """Turns key paths into places: a line of the file, or the variable that overrode it."""

    def __init__(self, file: str, text: str) -> None:
        self.faults: list[ConfigurationFault] = []
        self._file = file
        self._lines = locate_keys(text)
        self._variables = overriding_variables(os.environ)

    def report(self, path: KeyPath, reason: str, remedy: str) -> None:
        variable = self._variables.get((str(path[0]), str(path[1]))) if len(path) == 2 else None
        if variable is not None:
            self.faults.append(ConfigurationFault(ENVIRONMENT, None, variable, reason, remedy))
        else:
            line = line_of(path, self._lines)
            self.faults.append(ConfigurationFault(self._file, line, key_text(path), reason, remedy))


def _domain(document: Document, path: Path) -> Configuration:
    folder = path.resolve().parent
    gateway, numbering = document.gateway, document.numbering
    state_folder = (folder / gateway.state_folder).resolve()
    links = {table.name: table.link() for table in document.links}
    return Configuration(
        file=path.resolve(),
        listen=gateway.listen,
        record_route_hosts=tuple(
            advertised_host(hop, gateway.record_route_host or ()) or hop.host for hop in gateway.listen
        ),
        operations_listen=document.operations.listen,
        state_folder=state_folder,
        mask_numbers=gateway.mask_numbers,
        retention_days=document.records.retention_days,
        record_queue=document.records.queue,
        emergency_trunk_group=gateway.emergency_trunk_group,
        emergency_numbers=frozenset({"911", *gateway.emergency_numbers}),
        gateway_numbers=frozenset(gateway.gateway_numbers),
        limits=Limits(**document.limits.model_dump()),
        connections=ConnectionLimits(**document.connections.model_dump()),
        tls=_tls(document.tls, folder) if document.tls is not None else None,
        dns=DnsSettings(**{**document.dns.model_dump(), "servers": tuple(document.dns.servers)}),
        media=MediaPlace(**document.media.model_dump()),
        lerg_folder=folder / numbering.lerg,
        ported_file=folder / numbering.ported if numbering.ported is not None else None,
        agreement=Agreement(**document.agreement.model_dump()),
        denial_of_service=document.denial_of_service.settings(),
        notices=_notices(document, state_folder),
        detectors=document.detectors.settings(),
        network_blocked=document.refusals.blocked(),
        carriers=CarrierBook(_carrier(table) for table in document.carriers),
        links=tuple(links.values()),
        trunk_groups=tuple(_trunk_group(table, links) for table in document.trunk_groups),
    )


def _tls(section: TlsSection, folder: Path) -> TlsSettings:
    return TlsSettings(
        certificate=folder / section.certificate,
        key=folder / section.key,
        authorities=folder / section.ca if section.verify_peers and section.ca is not None else None,
    )


def _notices(document: Document, state_folder: Path) -> NoticeSettings:
    managers = {Ocn(table.ocn): table.account_manager for table in document.carriers if table.account_manager}
    return NoticeSettings(state_folder / document.notices.folder, document.notices.webhook, managers)


def _carrier(table: CarrierTable) -> Carrier:
    return Carrier(
        ocn=Ocn(table.ocn),
        name=table.name,
        kind=table.kind,
        partner=Ocn(table.partner) if table.partner is not None else None,
        numbering_agreement=table.numbering_agreement,
        amendment=table.amendment,
        confirmed_at_us=table.confirmed,
        stopped_at_us=table.stopped,
        limit=_rate_limit(table.limit),
        throttled=_rate_limit(table.throttled),
    )


def _rate_limit(table: LimitTable | None) -> RateLimit | None:
    return table.limit() if table is not None else None


def _trunk_group(table: TrunkGroupTable, links: dict[str, Link]) -> TrunkGroup:
    circuits = table.circuits.group(links) if table.circuits is not None else None
    members: tuple[Member, ...]
    if circuits is not None:
        exchange = point_code_text(circuits.adjacent, circuits.variant)
        members = (Member(Hop(exchange, circuits.cics[0][0], Transport.SS7)),)
    else:
        members = tuple(
            Member(member.address, member.priority, member.weight, member.capacity)
            for member in table.members or ()
            if isinstance(member.address, Hop)
        )
    return TrunkGroup(
        name=table.name,
        side=table.side,
        carrier=Ocn(table.carrier),
        switch=table.switch,
        members=members,
        circuits=circuits,
        names=tuple(
            NamedMember(member.address, member.priority, member.weight, member.capacity)
            for member in table.members or ()
            if isinstance(member.address, str)
        ),
        certificate=table.certificate.lower() if table.certificate is not None else None,
        home_switch=table.home_switch,
        tgrp=table.tgrp,
        trunk_context=table.trunk_context,
        sip_i=table.sip_i,
        dedicated=table.dedicated,
        default_mode=table.mode,
        modes=dict(table.modes),
        capacity=table.capacity,
        limit=_rate_limit(table.limit),
        source_limit=_rate_limit(table.source_limit),
        supervision=Supervision(
            probe_us=_microseconds(table.probe_seconds),
            failures=table.failures,
            failover_us=_microseconds(table.failover_seconds),
            retry_us=_microseconds(table.retry_seconds),
            retry_after_max_us=_microseconds(table.retry_after_max_seconds),
        ),
    )


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)
