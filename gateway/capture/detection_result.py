"""What detectors would have seen in captures, and what would have been recommended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.capture.faults import CaptureFault
from gateway.policy.response_plan import Advice, Proposal
from gateway.policy.watch import Alert

MESSAGES_TO_THE_GATEWAY: Final = "messages to the gateway"
CALLS_ON_ANOTHER_LEG: Final = "of them on another leg"
"""Calls with the Call-ID of one that was seen between two other addresses, as of what passes through a gateway."""
NOTHING_ENTERED: Final = (
    "nothing in the captures was sent to the gateway at {gateway}: see gateway.listen in the configuration, or leave "
    "--config away to go by the messages alone"
)
MOST_LISTED: Final = 10_000
"""Alerts, and steps, that are listed; all are counted."""


class RecommendedStep(NamedTuple):
    """A step that would have been recommended."""

    at_us: int
    proposal: Proposal


@dataclass(slots=True)
class DetectionResult:
    """What came of one run of the detectors. Times are microseconds since the Unix epoch."""

    began_us: int | None = None
    """Of the first packet; None where nothing could be read."""
    ended_us: int = 0
    """Of the last one."""
    packets: int = 0
    alerts: dict[int, Alert] = field(default_factory=dict)
    """By number, as they were seen last; `cleared_us` is None for those that were up at the end."""
    alert_count: int = 0
    steps: list[RecommendedStep] = field(default_factory=list)
    step_count: int = 0
    advice: dict[int, Advice] = field(default_factory=dict)
    """By the number of the alert: what could be done about one that leads to no step."""
    seen: Counter[str] = field(default_factory=Counter)
    """What the detectors were told of: ``calls``, ``REGISTER``, ``malformed``."""
    notes: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """Inputs that could not be read at all."""
    faults: list[CaptureFault] = field(default_factory=list)
    fault_count: int = 0
    incomplete: bool = False
    """An unknown part of a capture was not read."""
    gateway: str | None = None
    """Where the gateway is whose traffic is looked for; None where every message counts."""

    @property
    def elsewhere(self) -> str | None:
        """Why the captures say nothing of the gateway, for people; None where they do, or are empty."""
        if self.gateway is None or not self.packets or self.seen[MESSAGES_TO_THE_GATEWAY]:
            return None
        return NOTHING_ENTERED.format(gateway=self.gateway)

    def note(self, alert: Alert) -> None:
        """Keep an alert as it stands now."""
        if alert.number in self.alerts or len(self.alerts) < MOST_LISTED:
            self.alerts[alert.number] = alert

    def recommend(self, at_us: int, proposal: Proposal) -> None:
        """A step would have been recommended."""
        self.step_count += 1
        if len(self.steps) < MOST_LISTED:
            self.steps.append(RecommendedStep(at_us, proposal))
