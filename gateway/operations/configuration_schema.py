"""The shape of the configuration file: sections, keys, bounds. What one value may be is said here; what values must
be to one another is said in `configuration_rules`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, TypeGuard, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.interconnection.carriers import CarrierKind
from gateway.interconnection.trunk_groups import Address, Hop, Mode, Side
from gateway.numbering.telephone_number import Nature, parse_number
from gateway.operations.configuration_addresses import parse_address, parse_dns_server, parse_hop, parse_member, refused
from gateway.operations.configuration_denial_of_service import DenialOfServiceSection, NoticesSection
from gateway.operations.configuration_detectors import DetectorsSection
from gateway.operations.configuration_refusals import RefusalsSection
from gateway.operations.configuration_ss7 import CircuitsTable, IpAddressText, LinkTable, SipIEdition
from gateway.operations.configuration_tables import CONVERTING, EXACT, LimitTable

ENVIRONMENT_PREFIX = "TOLLGATE_"
NESTING = "__"

_OCN = re.compile(r"[0-9A-Z]{4}")
_CLLI = re.compile(r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}[A-Z0-9]{3}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def _one_or_several(value: object) -> object:
    if value == []:  # as a bound it would also be said of a list whose only element is at fault
        raise refused("has too few elements", "give at least 1")
    return (value,) if isinstance(value, str) else value


def _operations_address(text: object) -> Address:
    return parse_address(text, any_port=True)


def _listeners(value: object, each: ValidatorFunctionWrapHandler) -> object:
    """One listener as text, or several in brackets."""
    return each(value) if isinstance(value, list) else (parse_hop(value, any_port=True),)


def _matching(pattern: re.Pattern[str], what: str, remedy: str) -> BeforeValidator:
    def validate(value: object) -> object:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise refused(f"{str(value)[:80]!r} is not {what}", remedy)
        return value

    return BeforeValidator(validate)


def _host_name(value: object) -> object:
    try:
        address = ip_address(value) if isinstance(value, str) else None
    except ValueError:
        if _HOST_NAME.fullmatch(str(value)) is None:
            raise refused(
                f"{str(value)[:80]!r} is not a host name or IP address", "write it without port and brackets"
            ) from None
        return value
    if address is None:
        return value
    if address.is_unspecified or address.is_multicast or "%" in str(address):
        raise refused(f"{str(value)[:80]!r} is no address of one host", "write the address that the switches see")
    return str(address)


def _timestamp(value: object) -> int:
    if not isinstance(value, datetime):
        raise refused("is not a date and time", "write it without quotes: 2026-01-15T00:00:00Z")
    if value.tzinfo is None:
        raise refused("has no time zone", "add Z for UTC or an offset: 2026-01-15T00:00:00-06:00")
    since_epoch = value - datetime(1970, 1, 1, tzinfo=UTC)
    return (since_epoch.days * 86_400 + since_epoch.seconds) * 1_000_000 + since_epoch.microseconds


def _day(value: object) -> date:
    if isinstance(value, str):  # from the environment
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    if not isinstance(value, date) or isinstance(value, datetime):
        raise refused("is not a date", "write year, month and day, in a file without quotes: 2005-10-17")
    return value


def _canonical_number(value: object) -> str:
    number = parse_number(value) if isinstance(value, str) else None
    if number is None:
        raise refused(f"{str(value)[:80]!r} is not a telephone number", 'write digits in quotes: "+13145550100"')
    return number.digits


def _whole_number(value: object) -> str:
    digits = _canonical_number(value)
    number = parse_number(str(value))
    if number is None or number.nature not in (Nature.NATIONAL, Nature.INTERNATIONAL):
        raise refused(f"{str(value)[:80]!r} is not a whole telephone number", 'write all its digits: "+13145550100"')
    return digits


OcnText = Annotated[
    str, _matching(_OCN, "an OCN", "write its four characters, digits and capital letters, as in LERG 1")
]
ClliText = Annotated[
    str, _matching(_CLLI, "a CLLI of a switch", "write its 11 characters, capitals and digits, as in LERG 7")
]
GroupName = Annotated[
    str, _matching(_NAME, "a trunk group's name", "use up to 63 letters, digits, dots, dashes and underscores")
]
HostName = Annotated[str, BeforeValidator(_host_name)]
MemberText = Annotated[Hop | str, PlainValidator(parse_member)]
ListenerText = Annotated[Hop, PlainValidator(lambda text: parse_hop(text, any_port=True))]
Listeners = Annotated[
    tuple[ListenerText, ...], Field(min_length=1, max_length=6), WrapValidator(_listeners)
]  # one for each of three transports and two IP versions
OperationsAddress = Annotated[Address, BeforeValidator(_operations_address)]
HostNames = Annotated[tuple[HostName, ...], Field(max_length=2), BeforeValidator(_one_or_several)]
DnsServer = Annotated[Address, PlainValidator(parse_dns_server)]
Day = Annotated[date, BeforeValidator(_day)]
Timestamp = Annotated[int, BeforeValidator(_timestamp)]
NumberText = Annotated[str, BeforeValidator(_canonical_number)]
WholeNumberText = Annotated[str, BeforeValidator(_whole_number)]
PersonName = Annotated[str, Field(min_length=1, max_length=120)]
FilePath = Annotated[Path, Field(strict=False)]


class Section(BaseModel):
    """A section of single settings."""

    model_config = CONVERTING


class Table(BaseModel):
    """An element of an array of tables."""

    model_config = EXACT


class GatewaySection(Section):
    listen: Listeners
    state_folder: FilePath = Path("var/tollgate")
    record_route_host: HostNames | None = None
    mask_numbers: bool = False
    emergency_trunk_group: GroupName | None = None
    emergency_numbers: Annotated[list[NumberText], Field(max_length=100)] = ["911"]
    gateway_numbers: Annotated[list[WholeNumberText], Field(max_length=10_000)] = []


class OperationsSection(Section):
    listen: OperationsAddress = ("127.0.0.1", 9464)


class LimitsSection(Section):
    max_message_bytes: Annotated[int, Field(ge=512, le=65_535)] = 65_535
    max_transactions: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    max_dialogs: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    max_call_seconds: Annotated[int, Field(ge=1, le=604_800)] = 43_200
    emergency_reserve: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    strangers_per_second: Annotated[int, Field(ge=1, le=100_000)] = 50
    wasted_per_second: Annotated[int, Field(ge=1, le=100_000)] = 100
    refusals_per_second: Annotated[int, Field(ge=0, le=100_000)] = 50
    session_expires_seconds: Annotated[int, Field(ge=90, le=604_800)] | None = None
    min_session_seconds: Annotated[int, Field(ge=90, le=604_800)] | None = None


class ConnectionsSection(Section):
    """Bounds on SIP over TCP and TLS."""

    max_accepted: Annotated[int, Field(ge=1, le=1_000_000)] = 4_096
    max_per_address: Annotated[int, Field(ge=1, le=1_000_000)] = 512
    max_handshakes: Annotated[int, Field(ge=1, le=100_000)] = 256
    handshake_seconds: Annotated[float, Field(ge=0.1, le=60)] = 5
    connect_seconds: Annotated[float, Field(ge=0.1, le=60)] = 5
    message_seconds: Annotated[float, Field(ge=0.1, le=600)] = 10
    idle_seconds: Annotated[float, Field(ge=32, le=604_800)] = 1_800
    half_closed_seconds: Annotated[float, Field(ge=0.1, le=600)] = 32
    max_queued_bytes: Annotated[int, Field(ge=65_536, le=1 << 30)] = 1 << 20
    max_head_bytes: Annotated[int, Field(ge=512, le=65_535)] = 32_768
    max_body_bytes: Annotated[int, Field(ge=512, le=65_535)] = 65_535
    messages_per_turn: Annotated[int, Field(ge=1, le=10_000)] = 64


class TlsSection(Section):
    certificate: FilePath
    key: FilePath
    ca: FilePath | None = None
    verify_peers: bool = True


class DnsSection(Section):
    """Where names are looked up, and for how long an answer is believed. Nothing is, where nothing is named."""

    servers: Annotated[list[DnsServer], Field(max_length=8)] = []
    in_dialog: bool = False
    server_timeout_seconds: Annotated[float, Field(ge=0.01, le=30)] = 2
    timeout_seconds: Annotated[float, Field(ge=0.01, le=30)] = 5
    shortest_ttl_seconds: Annotated[int, Field(ge=1, le=3_600)] = 5
    longest_ttl_seconds: Annotated[int, Field(ge=1, le=604_800)] = 3_600
    max_cached: Annotated[int, Field(ge=1, le=1_000_000)] = 4_096


class MediaSection(Section):
    """Where the media of calls on circuits would be: said in SDP, and nothing more."""

    address: IpAddressText = "127.0.0.1"
    first_port: Annotated[int, Field(ge=1_024, le=65_534)] = 16_384
    ports: Annotated[int, Field(ge=2, le=64_512)] = 16_384


class RecordsSection(Section):
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    queue: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000


class NumberingSection(Section):
    lerg: FilePath
    ported: FilePath | None = None


class AgreementSection(Section):
    name: PersonName
    effective: Day
    replaced: Day | None = None


class CarrierTable(Table):
    ocn: OcnText
    name: PersonName
    kind: Annotated[CarrierKind, Field(strict=False)]
    partner: OcnText | None = None
    numbering_agreement: bool = False
    amendment: bool = False
    confirmed: Timestamp | None = None
    stopped: Timestamp | None = None
    limit: LimitTable | None = None
    throttled: LimitTable | None = None
    account_manager: PersonName | None = None


class MemberTable(Table):
    """A member of a trunk group; one that is written as text is its address and nothing more."""

    address: MemberText
    priority: Annotated[int, Field(ge=0, le=65_535)] = 0
    weight: Annotated[int, Field(ge=0, le=65_535)] = 1
    capacity: Annotated[int, Field(ge=1, le=10_000_000)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if isinstance(value, str):
            parse_member(value)  # here, so that what is wrong with it is said of the member as it is written
            return {"address": value}
        if not isinstance(value, dict):
            raise refused("is not a member", 'write "ADDRESS:PORT" in quotes, or a table { address = "ADDRESS:PORT" }')
        return value


class TrunkGroupTable(Table):
    name: GroupName
    side: Annotated[Side, Field(strict=False)]
    carrier: OcnText
    switch: ClliText
    home_switch: ClliText | None = None
    members: Annotated[list[MemberTable], Field(min_length=1, max_length=64)] | None = None
    circuits: CircuitsTable | None = None
    certificate: HostName | None = None
    tgrp: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~!*'()/&+$-]{1,64}$")] | None = None
    trunk_context: Annotated[str, Field(pattern=r"^(\+[0-9]{1,15}|[A-Za-z0-9.-]{1,128})$")] | None = None
    capacity: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    limit: LimitTable | None = None
    source_limit: LimitTable | None = None
    probe_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0
    failures: Annotated[int, Field(ge=1, le=1_000)] = 3
    failover_seconds: Annotated[float, Field(ge=0.1, le=30)] = 4
    retry_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = 30
    retry_after_max_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300
    sip_i: SipIEdition | None = None
    dedicated: bool = False
    mode: Annotated[Mode, Field(strict=False)] = Mode.ENFORCE
    modes: Annotated[dict[str, Annotated[Mode, Field(strict=False)]], Field(max_length=100)] = {}


class Document(BaseSettings):
    """The whole file, its single settings overridden from the environment (``TOLLGATE_GATEWAY__LISTEN``)."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    gateway: GatewaySection
    operations: OperationsSection = OperationsSection()
    limits: LimitsSection = LimitsSection()
    connections: ConnectionsSection = ConnectionsSection()
    tls: TlsSection | None = None
    dns: DnsSection = DnsSection()
    media: MediaSection = MediaSection()
    records: RecordsSection = RecordsSection()
    denial_of_service: DenialOfServiceSection = DenialOfServiceSection()
    notices: NoticesSection = NoticesSection()
    detectors: DetectorsSection = DetectorsSection()
    refusals: RefusalsSection = RefusalsSection()
    numbering: NumberingSection
    agreement: AgreementSection
    carriers: Annotated[list[CarrierTable], Field(min_length=1, max_length=10_000)]
    links: Annotated[list[LinkTable], Field(max_length=1_000)] = []
    trunk_groups: Annotated[list[TrunkGroupTable], Field(min_length=1, max_length=10_000)]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return _Environment(settings_cls), init_settings


class _Environment(PydanticBaseSettingsSource):
    """Plain text for single settings; the library's own source would read addresses and lists as JSON."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        sections: dict[str, Any] = {}
        for (section, key), variable in overriding_variables(os.environ).items():
            sections.setdefault(section, {})[key] = os.environ[variable]
        return sections


def single_settings() -> frozenset[tuple[str, str]]:
    """Section and key of every setting that the environment may override: those that hold one value."""
    return frozenset(
        (section, key)
        for section, whole in Document.model_fields.items()
        if get_origin(whole.annotation) is not list
        for model in get_args(whole.annotation) or (whole.annotation,)
        if _is_table(model)
        for key, field in model.model_fields.items()
        if get_origin(field.annotation) is not list and not _is_table(field.annotation)
    )


def _is_table(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def overriding_variables(environment: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Section and key -> name of the variable that overrides it. An empty variable overrides nothing."""
    return {
        (section, key): variable
        for section, key in single_settings()
        if environment.get(variable := f"{ENVIRONMENT_PREFIX}{section}{NESTING}{key}".upper())
    }


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Variables written as a section and key of ours that name no single setting.

    A name without the double underscore is left alone: container platforms set ``TOLLGATE_PORT`` and the like for a
    service called tollgate.
    """
    known = {f"{ENVIRONMENT_PREFIX}{section}{NESTING}{key}".upper() for section, key in single_settings()}
    return tuple(
        sorted(
            name
            for name in environment
            if name.startswith(ENVIRONMENT_PREFIX) and NESTING in name and name not in known
        )
    )
