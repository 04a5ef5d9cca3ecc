"""The shape of what a configuration says of SS7: signalling links, and the circuits of a trunk group."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from gateway.codecs.ss7.isup import MessageType
from gateway.codecs.ss7.mtp3 import parse_point_code
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.circuit_groups import CircuitGroup
from gateway.interconnection.links import Link, LinkCarrier, LinkRole, TrafficMode
from gateway.interconnection.trunk_groups import Address
from gateway.operations.configuration_addresses import parse_address, refused
from gateway.operations.configuration_tables import EXACT
from gateway.signalling.ss7.interworking.sip_i import edition_of, speaks

LONGEST_CIC = {Variant.ANSI: 0x3FFF, Variant.ITU: 0xFFF}
"""The highest circuit identification code: 14 bits (T1.113.3 section 1.2), 12 bits (Q.763 section 1.2)."""
MOST_CIRCUITS = 16_384
"""Of one trunk group: all that a CIC can tell apart."""
_LINK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_EDITION = re.compile(r"[A-Za-z0-9+.-]+(?:;base=[A-Za-z0-9+.-]+)?")
_CICS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_WAYS = {"override": TrafficMode.OVERRIDE, "loadshare": TrafficMode.LOADSHARE, "broadcast": TrafficMode.BROADCAST}


def cic_range(text: str) -> tuple[int, int] | None:
    """First and last CIC of ``1-24`` or ``33``; None where that is not how one is written."""
    match = _CICS.fullmatch(text)
    if match is None:
        return None
    first = int(match[1])
    last = int(match[2]) if match[2] is not None else first
    return (first, last) if first <= last else None


def _cics(value: object) -> object:
    if not isinstance(value, str) or cic_range(value) is None:
        raise refused(f"{str(value)[:40]!r} is no range of CICs", 'write "1-24", or "33" for a single one')
    return value


def _link_name(value: object) -> object:
    if not isinstance(value, str) or _LINK_NAME.fullmatch(value) is None:
        remedy = "use up to 63 letters, digits, dots, dashes and underscores"
        raise refused(f"{str(value)[:80]!r} is not a link's name", remedy)
    return value


def _point_code(value: object) -> object:
    readable = isinstance(value, str) and any(parse_point_code(value, variant) is not None for variant in Variant)
    if not readable:
        remedy = 'write "246-14-7" (ANSI: network, cluster, member) or "2-100-4" (ITU: 3, 8 and 3 bits)'
        raise refused(f"{str(value)[:40]!r} is not a point code", remedy)
    return value


def _message(value: object) -> object:
    if not isinstance(value, str) or value not in MessageType.__members__:
        raise refused(f"{str(value)[:40]!r} is no message of ISUP", "write it as its standard does: IAM, ACM, REL")
    return value


def _traffic_mode(value: object) -> object:
    if value not in _WAYS:
        raise refused(f"{str(value)[:40]!r} is no way to share traffic", f"use one of: {', '.join(_WAYS)}")
    return value


def _peer(value: object) -> object:
    try:
        return str(ip_address(value)) if isinstance(value, str) else ip_address("")
    except ValueError:
        raise refused(f"{str(value)[:40]!r} is not an IP address", 'write "192.0.2.1", without a port') from None


def _link_address(value: object) -> Address:
    return parse_address(value, any_port=True)


def _edition(value: object) -> object:
    remedy = 'write "ansi88", "itu-t92+", or with a base "nxv3;base=ansi88" (RFC 3204 section 4.1)'
    if not isinstance(value, str) or len(value) > 64 or _EDITION.fullmatch(value) is None:
        raise refused(f"{str(value)[:40]!r} is no version of ISUP", remedy)
    if not any(speaks(edition_of(value), variant) for variant in Variant):
        raise refused(f"{value!r} is of no variant that the gateway speaks: no ISUP message would be sent", remedy)
    return value


LinkName = Annotated[str, BeforeValidator(_link_name)]
IpAddressText = Annotated[str, BeforeValidator(_peer)]
SipIEdition = Annotated[str, BeforeValidator(_edition)]
PointCodeText = Annotated[str, BeforeValidator(_point_code)]


class LinkTable(BaseModel):
    """An M3UA association (RFC 4666)."""

    model_config = EXACT

    name: LinkName
    role: Annotated[LinkRole, Field(strict=False)]
    variant: Annotated[Variant, Field(strict=False)] = Variant.ANSI
    point_code: PointCodeText
    address: Annotated[Address, BeforeValidator(_link_address)]
    destinations: Annotated[list[PointCodeText], Field(min_length=1, max_length=256)]
    network_indicator: Annotated[int, Field(ge=0, le=3)] = 2
    carrier: Annotated[LinkCarrier, Field(strict=False)] = LinkCarrier.AUTO
    peers: Annotated[list[IpAddressText], Field(max_length=256)] = []
    routing_context: Annotated[int, Field(ge=0, le=0xFFFFFFFF)] | None = None
    register_routing_key: bool = False
    traffic_mode: Annotated[str, BeforeValidator(_traffic_mode)] = "loadshare"
    heartbeat_seconds: Annotated[float, Field(ge=0, le=3_600)] = 30
    reconnect_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 5
    udp_port: Annotated[int, Field(ge=1, le=65_535)] = 9899

    def link(self) -> Link:
        """As the gateway runs it. The rules have seen to it that its point codes are of its variant."""
        return Link(
            name=self.name,
            role=self.role,
            variant=self.variant,
            own=point_code_in(self.point_code, self.variant),
            address=self.address,
            destinations=tuple(point_code_in(text, self.variant) for text in self.destinations),
            network_indicator=self.network_indicator,
            carrier=self.carrier,
            peers=tuple(self.peers),
            routing_context=self.routing_context,
            register=self.register_routing_key,
            traffic_mode=_WAYS[self.traffic_mode],
            heartbeat_us=round(self.heartbeat_seconds * 1_000_000),
            reconnect_us=round(self.reconnect_seconds * 1_000_000),
            udp_port=self.udp_port,
        )


class CircuitsTable(BaseModel):
    """The circuits of a trunk group that is signalled by ISUP."""

    model_config = EXACT

    point_code: PointCodeText
    cics: Annotated[list[Annotated[str, BeforeValidator(_cics)]], Field(min_length=1, max_length=256)]
    links: Annotated[list[LinkName], Field(min_length=1, max_length=16)]
    emergency_reserve: Annotated[int, Field(ge=0, le=MOST_CIRCUITS)] = 1
    messages: Annotated[list[Annotated[str, BeforeValidator(_message)]], Field(min_length=1, max_length=64)] | None = (
        None
    )

    def group(self, links: dict[str, Link]) -> CircuitGroup:
        """As the gateway runs it; `links` are those of the configuration, by name."""
        first = links[self.links[0]]
        return CircuitGroup(
            variant=first.variant,
            own=first.own,
            adjacent=point_code_in(self.point_code, first.variant),
            cics=merged(self.cics),
            links=tuple(self.links),
            network_indicator=first.network_indicator,
            emergency_reserve=self.emergency_reserve,
            message_types=frozenset(MessageType[name] for name in self.messages) if self.messages is not None else None,
        )


def merged(written: list[str]) -> tuple[tuple[int, int], ...]:
    """Ranges of CICs in ascending order. The rules have seen to it that they do not overlap."""
    return tuple(sorted(found for text in written if (found := cic_range(text)) is not None))


def point_code_in(text: Any, variant: Variant) -> int:
    """The number of a point code that the rules have passed. Raises ValueError for any other."""
    value = parse_point_code(text, variant) if isinstance(text, str) else None
    if value is None:
        raise ValueError(f"{text!r} is no point code of {variant.value}")
    return value
