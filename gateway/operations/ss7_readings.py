"""What a scrape reads off the SS7 side of a running gateway: links, circuits, messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFigures:
    """One signalling link."""

    name: str
    carrier: str
    """What carries it in fact: ``kernel``, ``udp``, ``tcp``."""
    state: str
    """For people: ``active``, ``inactive``, ``down``."""
    active: bool
    """Messages can be sent on it."""
    associations: int
    """Up now."""
    received: Mapping[str, int]
    """M3UA messages since the start, by type."""
    sent: Mapping[str, int]
    lost: int
    """Messages for which there was no way, since the start."""
    destinations: Mapping[str, bool]
    """Point codes of the configuration, and whether each can be reached by this link."""
    congested: Mapping[str, int] = field(default_factory=dict)
    """Congestion level, 1 to 3, of those that have one."""
    last_error: tuple[str, int] | None = None
    """What went wrong on it last, for people, and when, in microseconds since the Unix epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitFigures:
    """The circuits of one trunk group."""

    trunk_group: str
    states: Mapping[str, int]
    """Circuits by how they stand; every state is there."""
    events: Mapping[str, int]
    """What happened since the start, by name: timers that expired, dual seizures, resets."""
    releases: Mapping[int, int]
    """Calls released since the start, by Q.850 cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ss7Figures:
    """All of it. Everything is empty where a gateway has no links."""

    links: Sequence[LinkFigures] = ()
    circuits: Sequence[CircuitFigures] = ()
    isup_received: Mapping[str, int] = field(default_factory=dict)
    """ISUP messages since the start, by type."""
    held_back: Mapping[str, int] = field(default_factory=dict)
    """Messages that went no further since the start: ``malformed``, ``screened``, ``stray``."""


def ss7_families(figures: Ss7Figures) -> Iterator[Metric]:
    """The metric families of a scrape."""
    yield from _links(figures)
    yield from _circuits(figures)
    received = CounterMetricFamily("tollgate_isup_messages", "ISUP messages received, by type.", labels=["type"])
    for kind, count in figures.isup_received.items():
        received.add_metric([kind], count)
    held_back = CounterMetricFamily(
        "tollgate_isup_messages_held_back",
        "SS7 messages that went no further: malformed, screened, or of no circuit.",
        labels=["why"],
    )
    for why, count in figures.held_back.items():
        held_back.add_metric([why], count)
    yield from (received, held_back)


def _links(figures: Ss7Figures) -> Iterator[Metric]:
    active = GaugeMetricFamily(
        "tollgate_link_active", "1 where messages can be sent on a signalling link.", labels=["link", "carrier"]
    )
    associations = GaugeMetricFamily(
        "tollgate_link_associations", "M3UA associations of a signalling link that are up.", labels=["link"]
    )
    messages = CounterMetricFamily(
        "tollgate_link_messages", "M3UA messages received and sent, by type.", labels=["link", "direction", "type"]
    )
    lost = CounterMetricFamily(
        "tollgate_link_messages_lost", "Messages for which a signalling link had no way.", labels=["link"]
    )
    available = GaugeMetricFamily(
        "tollgate_destination_available",
        "1 where an exchange can be reached by a signalling link.",
        labels=["link", "point_code"],
    )
    congestion = GaugeMetricFamily(
        "tollgate_destination_congestion",
        "Congestion level of the way to an exchange, 0 to 3.",
        labels=["link", "point_code"],
    )
    for link in figures.links:
        active.add_metric([link.name, link.carrier], link.active)
        associations.add_metric([link.name], link.associations)
        lost.add_metric([link.name], link.lost)
        for direction, counts in (("in", link.received), ("out", link.sent)):
            for kind, count in counts.items():
                messages.add_metric([link.name, direction, kind], count)
        for point_code, reachable in link.destinations.items():
            available.add_metric([link.name, point_code], reachable)
            congestion.add_metric([link.name, point_code], link.congested.get(point_code, 0))
    yield from (active, associations, messages, lost, available, congestion)


def _circuits(figures: Ss7Figures) -> Iterator[Metric]:
    circuits = GaugeMetricFamily(
        "tollgate_circuits", "Circuits of a trunk group, by how they stand.", labels=["trunk_group", "state"]
    )
    events = CounterMetricFamily(
        "tollgate_circuit_events",
        "What happened on the circuits of a trunk group: timers that expired, dual seizures, resets.",
        labels=["trunk_group", "event"],
    )
    releases = CounterMetricFamily(
        "tollgate_circuit_releases", "Calls released on circuits, by Q.850 cause.", labels=["trunk_group", "cause"]
    )
    for group in figures.circuits:
        for state, count in group.states.items():
            circuits.add_metric([group.trunk_group, state], count)
        for event, count in group.events.items():
            events.add_metric([group.trunk_group, event], count)
        for cause, count in group.releases.items():
            releases.add_metric([group.trunk_group, str(cause)], count)
    yield from (circuits, events, releases)
