"""What a scrape reads off the running gateway: gauges, limits, standing, and counters that other rooms keep.

Nothing here is touched while a call is handled. The callables of `Readings` are called once a scrape, all of them in
the gateway's own loop, so they may look at what the loop owns without a lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from gateway.interconnection.carriers import CarrierBook, CarrierKind, Ocn, RateLimit
from gateway.interconnection.trunk_groups import Side, TrunkGroup
from gateway.operations.denial_of_service_readings import DenialOfServiceFigures, denial_of_service_families
from gateway.operations.dns_readings import DnsFigures, dns_families
from gateway.operations.ss7_readings import Ss7Figures, ss7_families
from gateway.signalling.members import CAUSES

OTHER = "other"
"""Label value for whatever is not configured or not known: it keeps the number of series bounded."""
NOT_ASSIGNED = "nobody"
"""`dedicated_to` of a dedicated trunk group that nobody was cut over to."""

DIRECTIONS = ("in", "out")
METHODS = (
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "PRACK",
    "UPDATE",
    "INFO",
    "REFER",
    "NOTIFY",
    "SUBSCRIBE",
    "MESSAGE",
    "PUBLISH",
)
STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "6xx")
MOST_REASONS = 50
"""Reasons of malformed messages that get a series of their own; the rest is counted as `other`."""


class ConfigurationInfo(NamedTuple):
    """Which configuration is in force."""

    file: str
    """Its path as it was given."""
    digest: str
    """SHA-256 of its bytes, hexadecimal, as many digits as the caller cares to give."""


class MemberReading(NamedTuple):
    """One member of a trunk group, as it stands."""

    trunk_group: str
    address: str
    """As the configuration names it."""
    in_service: bool
    """Calls are sent to it."""
    calls: int
    """In progress, of those that were sent to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFigures:
    """Connections of SIP over TCP and TLS. Reasons and transports that have not occurred yet may be left out."""

    up: Mapping[str, int]
    """By direction: ``in`` where they were accepted, ``out`` where the gateway made them."""
    handshakes: int
    """TLS handshakes of accepted connections that go on now."""
    opened: Mapping[tuple[str, str], int]
    """Since the start, by transport and direction."""
    refused: Mapping[str, int]
    """Not taken or not made, since the start, by the bound that was reached."""
    closed: Mapping[str, int]
    """Since the start, by what closed them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Where each value is read. Every callable is quick, raises nothing, and is called in the gateway's loop."""

    calls_in_progress: Callable[[], Mapping[Ocn, int]]
    """Calls in progress of each provider, as the limits count them."""
    trunk_group_calls: Callable[[], Mapping[str, int]]
    """Calls in progress that each trunk group carries, in either direction, by its name."""
    members: Callable[[], Iterable[MemberReading]]
    """Every member of every trunk group."""
    failovers: Callable[[], Mapping[tuple[str, str], int]]
    """Calls that went on to another member since the start, by trunk group and by what the one before failed with."""
    limits: Callable[[], Mapping[Ocn, RateLimit]]
    """The limit in force for each provider; a provider without one is left out."""
    cut_over: Callable[[], Mapping[Ocn, str]]
    """Trunk group of every provider that is cut over now (L8)."""
    transactions: Callable[[], int]
    """SIP transactions held (RFC 3261 section 17)."""
    dialogs: Callable[[], int]
    """SIP dialogs held (RFC 3261 section 12)."""
    messages: Callable[[], Mapping[tuple[str, str], int]]
    """SIP messages since the start, by direction (``in``, ``out``) and kind: a method, or a status code's digits."""
    malformed: Callable[[], Mapping[str, int]]
    """Malformed messages since the start, by reason."""
    retransmissions_absorbed: Callable[[], int]
    datagrams_dropped: Callable[[], int]
    """Datagrams that were neither forwarded nor answered, since the start."""
    connections: Callable[[], ConnectionFigures]
    ss7: Callable[[], Ss7Figures]
    dns: Callable[[], DnsFigures]
    denial_of_service: Callable[[], DenialOfServiceFigures]
    records_queued: Callable[[], int]
    records_written: Callable[[], int]
    records_lost: Callable[[], int]
    lerg_rows: Callable[[], int]
    """Rows of the LERG table in force."""
    configuration: Callable[[], ConfigurationInfo]


class ReadingsCollector:
    """Metric families made from `Readings`: one series for everything configured, whether it has a value yet or not."""

    def __init__(
        self, readings: Readings, carriers: CarrierBook, trunk_groups: Iterable[TrunkGroup], version: str
    ) -> None:
        self._readings = readings
        self._providers = tuple(carrier for carrier in carriers if carrier.kind is CarrierKind.PROVIDER)
        self._carriers = carriers
        self._groups = tuple(trunk_groups)
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """The families of one scrape. Call it in the gateway's loop: it reads what the loop owns."""
        yield from self._calls()
        yield from self._members()
        yield from self._limits()
        yield from self._standing()
        yield from self._signalling()
        yield from self._connections()
        yield from dns_families(self._readings.dns())
        yield from denial_of_service_families(self._readings.denial_of_service())
        yield from ss7_families(self._readings.ss7())
        yield from self._housekeeping()

    def _calls(self) -> Iterator[Metric]:
        by_ocn = GaugeMetricFamily(
            "tollgate_calls_in_progress",
            "Calls in progress of a provider, as its limit counts them.",
            labels=["ocn"],
        )
        counted: Counter[str] = Counter({carrier.ocn: 0 for carrier in self._providers})
        for ocn, calls in self._readings.calls_in_progress().items():
            counted[ocn if ocn in self._carriers else OTHER] += calls
        for label, calls in counted.items():
            by_ocn.add_metric([label], calls)
        yield by_ocn

        by_group = GaugeMetricFamily(
            "tollgate_trunk_group_calls_in_progress",
            "Calls in progress that a trunk group carries, in either direction.",
            labels=["trunk_group"],
        )
        in_progress = self._readings.trunk_group_calls()
        for group in self._groups:
            by_group.add_metric([group.name], in_progress.get(group.name, 0))
        yield by_group

    def _members(self) -> Iterator[Metric]:
        in_service = GaugeMetricFamily(
            "tollgate_member_in_service",
            "1 where calls are sent to a member of a trunk group, or could be to the exchange at the end of circuits; "
            "0 where it is out of service or penalised.",
            labels=["trunk_group", "member"],
        )
        calls = GaugeMetricFamily(
            "tollgate_member_calls_in_progress",
            "Calls in progress that were sent to a member of a trunk group.",
            labels=["trunk_group", "member"],
        )
        for member in self._readings.members():
            labels = [member.trunk_group, member.address]
            in_service.add_metric(labels, member.in_service)
            calls.add_metric(labels, member.calls)
        capacity = GaugeMetricFamily(
            "tollgate_trunk_group_capacity",
            "Calls that a trunk group may have in progress, where that is bounded.",
            labels=["trunk_group"],
        )
        failovers = CounterMetricFamily(
            "tollgate_failovers",
            "Calls that went on to another member of their trunk group, by what the one before failed with.",
            labels=["trunk_group", "cause"],
        )
        counted = self._readings.failovers()
        for group in self._groups:
            if group.capacity is not None:
                capacity.add_metric([group.name], group.capacity)
            for cause in CAUSES if len(group.members) > 1 or group.names else ():
                failovers.add_metric([group.name, cause], counted.get((group.name, cause), 0))
        yield from (in_service, calls, capacity, failovers)

    def _limits(self) -> Iterator[Metric]:
        sustained = GaugeMetricFamily(
            "tollgate_limit_calls_per_second", "Sustained calls a second that a provider may send.", labels=["ocn"]
        )
        burst = GaugeMetricFamily(
            "tollgate_limit_burst", "Calls that a provider may send at once after a pause.", labels=["ocn"]
        )
        ceiling = GaugeMetricFamily(
            "tollgate_limit_calls_in_progress", "Calls that a provider may have in progress.", labels=["ocn"]
        )
        for ocn, limit in self._readings.limits().items():
            sustained.add_metric([ocn], limit.sustained_per_s)
            burst.add_metric([ocn], limit.burst)
            ceiling.add_metric([ocn], limit.in_progress)
        yield from (sustained, burst, ceiling)

    def _standing(self) -> Iterator[Metric]:
        in_force = self._readings.cut_over()
        owner = {group: ocn for ocn, group in in_force.items()}
        info = InfoMetricFamily(
            "tollgate_trunk_group",
            "A trunk group, who is at its far end, which switch it serves, and the provider that it is kept for.",
            labels=["trunk_group", "side", "carrier", "switch", "dedicated_to"],
        )
        for group in self._groups:
            kept_for = owner.get(group.name, NOT_ASSIGNED if group.dedicated else "")
            info.add_metric([group.name, group.side.value, group.carrier, group.switch, kept_for], {})
        yield info

        cut_over = GaugeMetricFamily(
            "tollgate_provider_cut_over",
            "1 where a provider is cut over to the dedicated trunk group and may come on that one only (L8).",
            labels=["ocn", "trunk_group"],
        )
        pairs = dict.fromkeys(
            (provider.ocn, group.name)
            for provider in self._providers
            for group in self._groups
            if group.dedicated and group.side is Side.PARTNER and group.carrier == provider.partner
        )
        pairs.update(dict.fromkeys(in_force.items()))
        for ocn, name in pairs:
            cut_over.add_metric([ocn, name], in_force.get(ocn) == name)
        yield cut_over

    def _signalling(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("tollgate_transactions", "SIP transactions held.", self._readings.transactions())
        yield GaugeMetricFamily("tollgate_dialogs", "SIP dialogs held.", self._readings.dialogs())

        messages = CounterMetricFamily(
            "tollgate_sip_messages",
            "SIP messages received and sent, by method or class of status.",
            labels=["direction", "kind"],
        )
        for (direction, kind), count in _by_known_kind(self._readings.messages()).items():
            messages.add_metric([direction, kind], count)
        yield messages

        malformed = CounterMetricFamily(
            "tollgate_malformed", "Messages that could not be read, by what is wrong with them.", labels=["reason"]
        )
        for reason, count in _most_frequent(self._readings.malformed()).items():
            malformed.add_metric([reason], count)
        yield malformed

        yield CounterMetricFamily(
            "tollgate_retransmissions_absorbed",
            "Retransmitted requests and responses that were answered or dropped from memory.",
            self._readings.retransmissions_absorbed(),
        )
        yield CounterMetricFamily(
            "tollgate_datagrams_dropped",
            "Datagrams that were neither forwarded nor answered.",
            self._readings.datagrams_dropped(),
        )

    def _connections(self) -> Iterator[Metric]:
        figures = self._readings.connections()
        up = GaugeMetricFamily(
            "tollgate_connections",
            "SIP connections over TCP and TLS, accepted (in) or made (out).",
            labels=["direction"],
        )
        for direction, count in figures.up.items():
            up.add_metric([direction], count)
        yield up
        yield GaugeMetricFamily(
            "tollgate_tls_handshakes", "TLS handshakes of accepted connections that go on.", figures.handshakes
        )
        opened = CounterMetricFamily(
            "tollgate_connections_opened", "SIP connections that came up.", labels=["transport", "direction"]
        )
        for (transport, direction), count in figures.opened.items():
            opened.add_metric([transport, direction], count)
        refused = CounterMetricFamily(
            "tollgate_connections_refused",
            "SIP connections not taken or not made, by the bound that was reached.",
            labels=["reason"],
        )
        for reason, count in figures.refused.items():
            refused.add_metric([reason], count)
        closed = CounterMetricFamily(
            "tollgate_connections_closed", "SIP connections that are gone, by what closed them.", labels=["reason"]
        )
        for reason, count in figures.closed.items():
            closed.add_metric([reason], count)
        yield from (opened, refused, closed)

    def _housekeeping(self) -> Iterator[Metric]:
        read = self._readings
        yield CounterMetricFamily("tollgate_records_written", "Call records written.", read.records_written())
        yield CounterMetricFamily(
            "tollgate_records_lost",
            "Call records given up, because the store failed or fell behind.",
            read.records_lost(),
        )
        yield GaugeMetricFamily("tollgate_records_queued", "Call records waiting to be written.", read.records_queued())
        yield GaugeMetricFamily("tollgate_lerg_rows", "Rows of the LERG table in force.", read.lerg_rows())
        configuration = read.configuration()
        yield InfoMetricFamily(
            "tollgate_configuration",
            "The configuration in force.",
            {"file": configuration.file, "digest": configuration.digest},
        )
        yield InfoMetricFamily("tollgate_build", "The program's version.", {"version": self._version})


def _by_known_kind(messages: Mapping[tuple[str, str], int]) -> Counter[tuple[str, str]]:
    """Folds the counts onto a fixed set of kinds: a peer can invent methods without end (RFC 3261 section 7.1)."""
    folded = Counter({(direction, kind): 0 for direction in DIRECTIONS for kind in (*METHODS, *STATUS_CLASSES, OTHER)})
    for (direction, kind), count in messages.items():
        folded[direction if direction in DIRECTIONS else OTHER, _known_kind(kind)] += count
    return folded


def _known_kind(kind: str) -> str:
    if kind in METHODS:
        return kind
    status_class = f"{kind[:1]}xx"
    return status_class if status_class in STATUS_CLASSES else OTHER


def _most_frequent(reasons: Mapping[str, int]) -> Counter[str]:
    """The reasons, at most `MOST_REASONS` of them by name and the rest together as `other`, which is always there."""
    kept = Counter({OTHER: 0})
    for place, (reason, count) in enumerate(reasons.items()):
        kept[reason if place < MOST_REASONS else OTHER] += count
    return kept
