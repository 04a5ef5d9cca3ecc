"""What a scrape reads of denial of service: standings, alerts, recommendations, notices, and what was shed (L8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import State

NO_TRUNK_GROUP = "none"
"""Label of what came from a member's host and is no member."""
SHED = ("calls refused", "calls dropped", "requests dropped", "repeats dropped", "answers to malformed")
"""What is done with what floods (`ProxyCounters.shed`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DenialOfServiceFigures:
    """How things stand. Where nothing ever happened, counts are there and are 0."""

    states: Mapping[Ocn, State] = field(default_factory=dict)
    """Of every provider of the configuration."""
    alerts: Mapping[str, int] = field(default_factory=dict)
    """Alerts that are up, of every detector that is enabled."""
    waiting: int = 0
    """Recommendations that wait for an operator."""
    overdue: int = 0
    """Of these, those that have waited for too long."""
    deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Deliveries of notices by channel and state, since the journal began."""
    journal_entries: int = 0
    journal_faults: int = 0
    """Found in the journal when the gateway started."""
    shed_calls: Mapping[str | None, int] = field(default_factory=dict)
    """New calls refused or dropped unread since the start, by the trunk group that they came on."""
    shed_messages: Mapping[str, int] = field(default_factory=dict)
    """Messages refused or dropped unread since the start, by what was done with them."""
    socket_drops: int | None = None
    """Datagrams that the kernel dropped; None where it does not say."""


def denial_of_service_families(figures: DenialOfServiceFigures) -> Iterator[Metric]:
    """The families of one scrape."""
    states = GaugeMetricFamily(
        "tollgate_provider_state", "1 for the state in which a provider stands (L8).", labels=["ocn", "state"]
    )
    for ocn, state in figures.states.items():
        for each in State:
            states.add_metric([ocn, each.value], each is state)
    alerts = GaugeMetricFamily("tollgate_alerts", "Alerts that are up, by their detector.", labels=["detector"])
    for detector, count in figures.alerts.items():
        alerts.add_metric([detector], count)
    yield from (states, alerts)
    yield GaugeMetricFamily(
        "tollgate_recommendations_waiting", "Recommended steps that wait for an operator.", figures.waiting
    )
    yield GaugeMetricFamily(
        "tollgate_recommendations_overdue", "Of these, those that have waited for too long.", figures.overdue
    )
    deliveries = GaugeMetricFamily(
        "tollgate_notice_deliveries",
        "Deliveries of notices to partners that are pending, delivered, or given up (failed).",
        labels=["channel", "state"],
    )
    for (channel, delivery_state), count in figures.deliveries.items():
        deliveries.add_metric([channel, delivery_state], count)
    yield deliveries
    yield GaugeMetricFamily("tollgate_journal_entries", "Entries of the journal.", figures.journal_entries)
    yield GaugeMetricFamily(
        "tollgate_journal_faults",
        "Entries of the journal that were not as written at the start.",
        figures.journal_faults,
    )
    yield from _shed(figures)


def _shed(figures: DenialOfServiceFigures) -> Iterator[Metric]:
    calls = CounterMetricFamily(
        "tollgate_calls_shed",
        "New calls refused or dropped unread, because too much of what came from there came to nothing.",
        labels=["trunk_group"],
    )
    for trunk_group, count in figures.shed_calls.items():
        calls.add_metric([trunk_group if trunk_group is not None else NO_TRUNK_GROUP], count)
    messages = CounterMetricFamily(
        "tollgate_messages_shed",
        "Messages of members refused or dropped unread, by what was done with them.",
        labels=["done"],
    )
    for done, count in (dict.fromkeys(SHED, 0) | dict(figures.shed_messages)).items():
        messages.add_metric([done], count)
    yield from (calls, messages)
    if figures.socket_drops is not None:
        yield CounterMetricFamily(
            "tollgate_socket_drops",
            "Datagrams that the kernel dropped because more came than the machine takes in.",
            figures.socket_drops,
        )
