"""What a scrape reads of names that are looked up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric


class NameReading(NamedTuple):
    """A member of a trunk group that is a name, as it stands."""

    trunk_group: str
    name: str
    """Its URI."""
    addresses: int
    """Of it that are members: those of the last lookup that found any, but for what another trunk group has."""
    failing: bool
    """The latest lookup found none, or not all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsFigures:
    """Names that are looked up. All is 0 where none is."""

    asked: int = 0
    """Questions put to DNS servers since the start."""
    failed: int = 0
    """Of these, those that no server answered."""
    cached: int = 0
    """Answers remembered."""
    names: Sequence[NameReading] = ()


def dns_families(figures: DnsFigures) -> Iterator[Metric]:
    """The families of one scrape."""
    yield CounterMetricFamily("tollgate_dns_queries", "Questions put to DNS servers.", figures.asked)
    yield CounterMetricFamily(
        "tollgate_dns_failures", "Questions to which no DNS server gave an answer.", figures.failed
    )
    yield GaugeMetricFamily("tollgate_dns_cached_answers", "Answers of DNS servers remembered.", figures.cached)
    addresses = GaugeMetricFamily(
        "tollgate_name_addresses",
        "Addresses of a name that are members of its trunk group.",
        labels=["trunk_group", "name"],
    )
    failing = GaugeMetricFamily(
        "tollgate_name_failing",
        "1 where the latest lookup of a name found no address, or not all; those found before stay in use.",
        labels=["trunk_group", "name"],
    )
    for name in figures.names:
        addresses.add_metric([name.trunk_group, name.name], name.addresses)
        failing.add_metric([name.trunk_group, name.name], name.failing)
    yield from (addresses, failing)
