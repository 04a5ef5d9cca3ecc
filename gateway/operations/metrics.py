"""The gateway's metrics: counters that calls turn, and their rendering for Prometheus.

`GatewayMetrics` observes `Decided`, `Progressed` and `Ended`. A call costs a few dictionary reads and increments.
Labels are names and members' addresses from the configuration, the agreement's clauses and our own enums; telephone
numbers, Call-IDs and addresses out of a message are never labels, and a provider that is not configured is counted as
`other`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import prometheus_client
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import Metric

from gateway.interconnection.carriers import CarrierBook
from gateway.interconnection.trunk_groups import Mode, Side, TrunkGroup
from gateway.operations.readings import OTHER, Readings, ReadingsCollector
from gateway.operations.tally import Tally
from gateway.policy.verdict import Outcome, Verdict
from gateway.signalling.call import Call, EndedBy

NO_TRUNK_GROUP = "none"
"""Label of a call that came on no configured trunk group."""

SETUP_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Up to 32 s: an INVITE without any answer ends at 64 x T1 = 32 s (RFC 3261 section 17.1.1.2, timer B)."""
CALL_BUCKETS_S = (1.0, 3.0, 6.0, 15.0, 30.0, 60.0, 180.0, 300.0, 600.0, 1800.0, 3600.0)
"""With a bound at 6 s, below which an answered call counts as a short one."""

Observe = Callable[[float], None]


class RefusalKind(NamedTuple):
    """A refusal that a check can lead to. Its series are there from the start, at 0."""

    check: str
    clause: str
    verdict: Verdict


class GatewayMetrics:
    """Counts calls as they are decided, progress and end, and renders everything that the gateway can tell.

    Not thread-safe: `decided`, `progressed`, `ended` and `render` belong to the gateway's loop.
    """

    def __init__(
        self,
        *,
        carriers: CarrierBook,
        trunk_groups: Iterable[TrunkGroup],
        checks: Iterable[str],
        refusal_kinds: Iterable[RefusalKind],
        readings: Readings,
        version: str,
    ) -> None:
        """Makes every series that the configuration implies, so that rates are right from the first event on.

        A counter that first appears with its first event has no zero to rise from, and `increase()` misses that event.

        Args:
            carriers: providers and the carriers whose trunks they use; their OCNs become label values.
            trunk_groups: every configured trunk group.
            checks: names of the checks that the engine runs.
            refusal_kinds: refusals that those checks can lead to; one that is not listed appears when it happens.
            readings: where a scrape reads what is not counted here.
            version: the program's.
        """
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        groups = tuple(trunk_groups)
        self.registry = CollectorRegistry()
        self._from_readings = ReadingsCollector(readings, carriers, groups, version)
        self._configured: frozenset[str | None] = frozenset(carrier.ocn for carrier in carriers)
        self._rendering = asyncio.Lock()
        self._make_tallies()
        self._make_histograms()
        for check in checks:
            for verdict in Verdict:
                for mode in (Mode.ENFORCE, Mode.MONITOR):
                    self._findings.open((check, verdict.value, mode.value))
        kinds = tuple(refusal_kinds)
        for group in groups:
            self._open_group(group, carriers, kinds)

    def _make_tallies(self) -> None:
        into = self.registry
        self._calls = Tally(
            "tollgate_calls_total",
            "Calls decided, by the trunk group they came on, their provider, and what was decided.",
            ["trunk_group", "ocn", "outcome"],
            into,
        )
        self._refusals = Tally(
            "tollgate_refusals_total",
            "Calls refused, by the first enforced violation and the clause it breaks.",
            ["trunk_group", "ocn", "check", "clause", "verdict"],
            into,
        )
        self._findings = Tally(
            "tollgate_findings_total",
            "What each check found, whether or not it was enforced.",
            ["check", "verdict", "mode"],
            into,
        )
        self._emergency_calls = Tally(
            "tollgate_emergency_calls_total",
            "Emergency calls that came on a trunk group (L10). They are never limited or refused.",
            ["trunk_group"],
            into,
        )
        self._calls_ended = Tally(
            "tollgate_calls_ended_total", "Calls ended, by what ended them.", ["trunk_group", "ended_by"], into
        )

    def _make_histograms(self) -> None:
        self._setup_seconds = Histogram(
            "tollgate_setup_seconds",
            "From the INVITE to the first response of 180 or above from the called side.",
            ["trunk_group"],
            buckets=SETUP_BUCKETS_S,
            registry=self.registry,
        )
        self._observe_setup: dict[str, Observe] = {}
        call_seconds = Histogram(
            "tollgate_call_seconds", "From answer to end.", buckets=CALL_BUCKETS_S, registry=self.registry
        )
        self._observe_call: Observe = call_seconds.observe

    def _open_group(self, group: TrunkGroup, carriers: CarrierBook, kinds: tuple[RefusalKind, ...]) -> None:
        """Makes the series of one trunk group: for its carrier, that carrier's providers, and the rest."""
        self._emergency_calls.open((group.name,))
        self._setup_time_of(group.name)
        for ended_by in EndedBy:
            self._calls_ended.open((group.name, ended_by.value))
        for ocn in (group.carrier, *(provider.ocn for provider in carriers.providers_of(group.carrier)), OTHER):
            for outcome in Outcome:
                self._calls.open((group.name, ocn, outcome.value))
            if group.side is Side.PARTNER:
                for kind in kinds:
                    self._refusals.open((group.name, ocn, kind.check, kind.clause, kind.verdict.value))

    def _setup_time_of(self, trunk_group: str) -> Observe:
        observe = self._observe_setup.get(trunk_group)
        if observe is None:
            observe = self._observe_setup[trunk_group] = self._setup_seconds.labels(trunk_group).observe
        return observe

    def decided(self, call: Call) -> None:
        """Counts a call that the engine has decided: its outcome, its findings, its refusal, its being an emergency."""
        attempt, decision = call.attempt, call.decision
        group = _group_of(call)
        provider = attempt.provider
        ocn = provider if provider is not None and provider in self._configured else OTHER
        # `_value_`, because hashing an enum member, or reading its `value`, runs Python code on 3.11.
        self._calls.cells[group, ocn, decision.outcome._value_][0] += 1
        findings = self._findings.cells
        for finding, mode in zip(decision.findings, decision.modes, strict=True):
            findings[finding.check, finding.verdict._value_, mode._value_][0] += 1
        refused_by = decision.refused_by
        if refused_by is not None:
            reason = (refused_by.check, refused_by.clause, refused_by.verdict._value_)
            self._refusals.cells[(group, ocn, *reason)][0] += 1
        if decision.emergency:
            self._emergency_calls.cells[(group,)][0] += 1

    def progressed(self, call: Call) -> None:
        """Observes the set-up time of a call that rings or is answered for the first time."""
        if call.progressed_at_us is not None:
            self._setup_time_of(_group_of(call))(_seconds(call.attempt.at_us, call.progressed_at_us))

    def ended(self, call: Call) -> None:
        """Counts a call's end by what ended it, and observes the length of an answered one."""
        ended_by = call.ended_by._value_ if call.ended_by is not None else OTHER
        self._calls_ended.cells[_group_of(call), ended_by][0] += 1
        if call.answered_at_us is not None and call.ended_at_us is not None:
            self._observe_call(_seconds(call.answered_at_us, call.ended_at_us))

    def collect(self) -> Iterator[Metric]:
        """Every family as it stands now. In the gateway's loop only."""
        yield from self.registry.collect()
        yield from self._from_readings.collect()

    async def render(self) -> bytes:
        """Everything in Prometheus' text format 0.0.4.

        The readings are taken in the loop, which owns what they look at; the text is made in a thread, because that
        takes a tenth of a second for 20,000 series. One scrape is rendered at a time, however many are asked for.
        """
        async with self._rendering:
            scrape = _Scrape(self.registry, tuple(self._from_readings.collect()))
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, prometheus_client.generate_latest, scrape)


class _Scrape:
    """The counters, which lock themselves, and the readings already taken: what a thread may render."""

    def __init__(self, registry: CollectorRegistry, readings: tuple[Metric, ...]) -> None:
        self._registry = registry
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        yield from self._registry.collect()
        yield from self._readings


def _group_of(call: Call) -> str:
    ingress = call.attempt.ingress
    return ingress.name if ingress is not None else NO_TRUNK_GROUP


def _seconds(from_us: int, to_us: int) -> float:
    """Seconds from one time to a later one; 0 where the system clock was set back between the two."""
    return max(0, to_us - from_us) / 1e6
