"""Detectors on a capture: what would have been seen, when, and what would have been recommended (L8, L10).

The captures are read as for an audit. With a configuration the calls are those that its gateway decides, and alerts
lead to steps as they would have led live, as if each step had been taken when it was recommended. What it would have
changed of the calls is not known: they are those of the capture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from typing import TYPE_CHECKING, Final, Protocol

from gateway.capture.auditing import INCOMPLETE
from gateway.capture.detection_result import DetectionResult
from gateway.capture.reader import CaptureReader
from gateway.capture.udp import Datagram
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Standing, Step, standing_after
from gateway.policy.response_plan import Proposal, ResponsePlan
from gateway.policy.watch import SECOND_US, Alerts, Watch

if TYPE_CHECKING:
    from gateway.capture.sigtran import Ss7

MOST_LOOKS: Final = 7_200
"""How often the detectors are asked between two packets; then time leaps. A damaged time stamp may be decades ahead."""
BY_ITSELF: Final = "tollgate"
"""Who takes a step that is recommended, here."""


class Feed(Protocol):
    """Makes of what was captured what detectors are told."""

    watch: Watch | None
    """Who is told."""

    def take(self, captured: Datagram | Ss7) -> None:
        """The next datagram or SS7 message, in order of time."""

    def pass_time(self, at_us: int) -> None:
        """Tell what becomes known with the time, before the detectors are asked."""


class Detecting:
    """Takes what was captured, one by one, and asks the detectors once a second of the capture's own time."""

    def __init__(
        self,
        result: DetectionResult,
        feed: Feed,
        make_watch: Callable[[int], Watch],
        plan: ResponsePlan | None,
        standing_of: Callable[[Ocn, int], Standing],
        *,
        steps_before: bool = False,
    ) -> None:
        """`result` is what is filled in. `make_watch` is called with the time of the first packet. `plan` is None where
        no provider is known. `standing_of` says how a provider stood, by the journal; `steps_before`, whether there are
        steps in it at all.
        """
        self.result: Final = result
        self._feed: Final = feed
        self._make_watch: Final = make_watch
        self._plan: Final = plan
        self._standing_of: Final = standing_of
        self._steps_before: Final = steps_before
        self._standings: Final[dict[Ocn, Standing]] = {}  # by the steps that were recommended here
        self._answered: Final[set[int]] = set()  # numbers of alerts that a step was recommended for
        self._watch: Watch | None = None

    def take(self, captured: Datagram | Ss7) -> None:
        """The next datagram or SS7 message, in order of time."""
        at_us = captured.at_us
        watch = self._watch
        if watch is None:
            watch = self._watch = self._feed.watch = self._make_watch(at_us)
            self.result.began_us = at_us
        if at_us >= watch.next_us:
            self._look(watch, at_us)
        self.result.ended_us = max(self.result.ended_us, at_us)
        self._feed.take(captured)

    def finish(self, readers: Iterable[CaptureReader]) -> DetectionResult:
        """The result. Call it once, after the last message."""
        result, watch = self.result, self._watch
        if watch is not None:
            self._look(watch, result.ended_us // SECOND_US * SECOND_US + SECOND_US)
            for alert in watch.active:
                result.note(alert)
        for reader in readers:
            result.packets += reader.packets
            result.faults += reader.faults
            result.fault_count += reader.fault_counts.total()
            result.incomplete |= any(reader.fault_counts[kind] for kind in INCOMPLETE)
        return result

    def _look(self, watch: Watch, until_us: int) -> None:
        """Ask the detectors for every second up to a time."""
        looks = 0
        while watch.next_us <= until_us:
            looks += 1
            at_us = watch.next_us if looks < MOST_LOOKS else until_us
            self._feed.pass_time(at_us)
            alerts = watch.due(at_us)
            if any(alerts) or self._standings or self._steps_before:
                self._note(watch, alerts, at_us)

    def _note(self, watch: Watch, alerts: Alerts, at_us: int) -> None:
        result = self.result
        result.alert_count += len(alerts.raised)
        for alert in (*alerts.raised, *alerts.cleared):
            result.note(alert)
        if self._plan is None:
            return
        response = self._plan.respond(alerts.up, self._standing, watch.quiet_since, at_us)
        for advice in response.advice:
            number = advice.alert.number
            if number in result.alerts and number not in self._answered:
                result.advice.setdefault(number, advice)
        for proposal in response.proposals:
            self._take_step(proposal, at_us)

    def _standing(self, ocn: Ocn, at_us: int) -> Standing:
        return self._standings.get(ocn) or self._standing_of(ocn, at_us)

    def _take_step(self, proposal: Proposal, at_us: int) -> None:
        """As if the step had been taken: what follows from it is seen as well."""
        self.result.recommend(at_us, proposal)
        self._answered.update(alert.number for alert in proposal.alerts)
        step = Step(at_us, proposal.ocn, proposal.kind, BY_ITSELF, proposal.why, proposal.scope)
        self._standings[proposal.ocn] = standing_after(self._standing(proposal.ocn, at_us), step)


def detect_in(readers: Sequence[CaptureReader], detecting: Detecting) -> DetectionResult:
    """Run detectors on captures as one, their messages in order of time.

    Whatever the bytes are, nothing is raised by them. An OSError of a stream is not caught.
    """
    streams: list[Iterator[Datagram | Ss7]] = [iter(reader) for reader in readers]
    for captured in streams[0] if len(streams) == 1 else merge(*streams, key=lambda one: one.at_us):
        detecting.take(captured)
    return detecting.finish(readers)
