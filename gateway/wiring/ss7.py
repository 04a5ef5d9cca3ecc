"""The SS7 side of a gateway: what it is made of, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.codecs.ss7.mtp3 import point_code_text
from gateway.interconnection.links import Link, LinkCarrier
from gateway.interconnection.screening import Screening, rules_of
from gateway.interconnection.trunk_groups import Hop
from gateway.operations.configuration import Configuration
from gateway.operations.ss7_readings import CircuitFigures, LinkFigures, Ss7Figures
from gateway.signalling.proxy import SipProxy
from gateway.signalling.ss7.circuits import CircuitTable
from gateway.signalling.ss7.exchange import Exchange
from gateway.signalling.ss7.exchange_settings import ExchangeSettings
from gateway.signalling.ss7.interworking.interworking import Interworking
from gateway.signalling.ss7.interworking.sdp import MediaSettings
from gateway.signalling.ss7.interworking.settings import InterworkingSettings
from gateway.signalling.ss7.link_readings import LinkReading
from gateway.signalling.ss7.m3ua_links import M3uaLinks
from gateway.signalling.ss7.signalling_point import SignallingPoint
from gateway.transport.links import LinkEndpoint
from gateway.wiring.engine import Policy
from gateway.wiring.status import timestamp


def point_of(configuration: Configuration, policy: Policy, proxy: SipProxy, own: Hop) -> SignallingPoint | None:
    """The signalling point of a gateway, with its proxy in it; None where no links are configured.

    `own` is where peers reach the gateway over SIP: the first of its listeners.
    """
    if not configuration.links:
        return None
    links = M3uaLinks(configuration.links)
    settings = ExchangeSettings(
        emergency_numbers=configuration.emergency_numbers,
        max_call_s=configuration.limits.max_call_seconds,
        host=own.host,
        network_blocked=configuration.network_blocked is not None,
    )
    exchange = Exchange(
        settings,
        configuration.trunk_groups,
        policy.engine,
        policy.find_provider,
        proxy.members,
        links.send,
        policy.standings,
        policy.blockings,
    )
    media = configuration.media
    user_agent = Interworking(
        InterworkingSettings(
            own=own,
            media=MediaSettings(media.address, media.first_port, media.ports),
            emergency_numbers=configuration.emergency_numbers,
        ),
        configuration.trunk_groups,
        exchange,
    )
    return SignallingPoint(proxy, links, exchange, user_agent, Screening(rules_of(configuration.trunk_groups)))


def unavailable_carriers(configuration: Configuration, missing: Mapping[LinkCarrier, str]) -> Iterator[str]:
    """For each link that asks for a carrier that a machine has not, why: with it the gateway does not start there.

    `missing`: the carriers that are missing, each with the reason.
    """
    for link in configuration.links:
        reason = missing.get(link.carrier)
        if reason is not None:
            yield f"link {link.name}: this machine has no carrier {link.carrier.value}: {reason}"


def figures_of(configuration: Configuration, point: SignallingPoint, endpoint: LinkEndpoint) -> Ss7Figures:
    """What a scrape reads."""
    readings = {reading.name: reading for reading in point.links.readings()}
    exchange = point.exchange
    counters = exchange.counters
    return Ss7Figures(
        links=[_link_figures(link, readings[link.name], endpoint) for link in configuration.links],
        circuits=[
            CircuitFigures(trunk_group=name, states=table.by_state(), events=table.counters, releases=table.releases)
            for name, table in exchange.tables.items()
        ],
        isup_received=counters.messages,
        held_back={
            "malformed": counters.malformed.total(),
            "screened": counters.screened.total(),
            "stray": counters.strays.total(),
        },
    )


def _link_figures(link: Link, reading: LinkReading, endpoint: LinkEndpoint) -> LinkFigures:
    return LinkFigures(
        name=link.name,
        carrier=endpoint.carriers[link.name].value,
        state=reading.state,
        active=reading.is_active,
        associations=endpoint.up[link.name],
        received=reading.received,
        sent=reading.sent,
        lost=reading.lost + endpoint.lost[link.name],
        destinations={
            point_code_text(code, link.variant): code not in reading.unavailable for code in link.destinations
        },
        congested={point_code_text(code, link.variant): level for code, level in reading.congested.items()},
        last_error=endpoint.last_errors.get(link.name),
    )


def link_status(figures: LinkFigures, link: Link) -> dict[str, Any]:
    """A link, as /status says it."""
    return {
        "name": figures.name,
        "role": link.role.value,
        "variant": link.variant.value,
        "carrier": figures.carrier,
        "address": f"{link.address[0]}:{link.address[1]}",
        "point_code": point_code_text(link.own, link.variant),
        "state": figures.state,
        "associations": figures.associations,
        "last_error": None
        if figures.last_error is None
        else {"text": figures.last_error[0], "at": timestamp(figures.last_error[1])},
        "destinations": {
            code: _way(reachable, figures.congested.get(code, 0)) for code, reachable in figures.destinations.items()
        },
    }


def _way(reachable: bool, congestion: int) -> str:
    if not reachable:
        return "unavailable"
    return f"congested, level {congestion}" if congestion else "available"


def step_status(table: CircuitTable, unacknowledged: int) -> dict[str, Any]:
    """How far a step of an operator has come at the other exchange."""
    return {"exchange_reachable": table.reachable, "circuits_unacknowledged": unacknowledged}


def circuit_status(table: CircuitTable, unacknowledged: int) -> dict[str, Any]:
    """The circuits of a trunk group, as /status says them; `unacknowledged` as of `Exchange`."""
    blocked = sum(circuit.locally_blocked for circuit in table.by_cic.values())
    group = table.group
    return {
        "point_code": point_code_text(group.adjacent, group.variant),
        "cics": [f"{first}-{last}" if first != last else str(first) for first, last in group.cics],
        "links": list(group.links),
        "reachable": table.reachable,
        "blocked": {
            "operator": table.blocked_by_operator,
            "dedicated": table.unowned,
            "circuits": blocked,
            "acknowledged": blocked - unacknowledged,
        },
        "states": {state: count for state, count in table.by_state().items() if count},
        "events": dict(table.counters),
    }
