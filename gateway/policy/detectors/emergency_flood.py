"""Many emergency calls on one trunk group: an alert, and never a refusal (L10).

911 is the provider's own to solve, so that a single such call is a finding of the check `emergency`. Many of them may
be an attack on a public-safety answering point, or a tornado. Nobody here can tell, so they all go on, and the operator
is told at once. What is seen here names no provider: no step of L8 follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.counting import Samples, Senders, SlidingCount, Subjects
from gateway.policy.detectors.detector import Detection, Subject, SubjectKind
from gateway.policy.verdict import Decision


@dataclass(frozen=True, slots=True)
class EmergencyFloodSettings:
    enabled: bool = True
    calls: int = 10
    """Emergency calls on one trunk group within the window that raise no alert."""
    window_s: float = 60
    """Seconds that they are counted over."""


class _Calls:
    """Emergency calls on one trunk group."""

    __slots__ = ("count", "samples", "senders")

    def __init__(self, window_s: float) -> None:
        self.count = SlidingCount(window_s)
        self.senders = Senders()
        self.samples = Samples()


class EmergencyFlood:
    """Counts emergency calls by the trunk group that they came on."""

    name: Final = "emergency_flood"
    clause: Final = "L10"

    def __init__(self, settings: EmergencyFloodSettings) -> None:
        self._settings: Final = settings
        self._groups: Final[Subjects[str, _Calls]] = Subjects()

    def decided(self, attempt: CallAttempt, decision: Decision) -> None:  # noqa: ARG002 - one that no route leads from counts
        if not attempt.emergency or attempt.ingress is None:
            return
        name = attempt.ingress.name
        calls = self._groups.get(name) or self._groups.put(name, _Calls(self._settings.window_s))
        calls.count.add(attempt.at_us)
        calls.senders.add(attempt.provider)
        calls.samples.add(attempt)

    def judge(self, at_us: int) -> Iterator[Detection]:
        for name, calls in self._groups.items():
            count = calls.count.advance(at_us)
            if count > self._settings.calls:
                yield self._detection(name, calls, count, at_us)
            elif not count:
                calls.senders.clear()

    def _detection(self, name: str, calls: _Calls, count: int, at_us: int) -> Detection:
        settings = self._settings
        return Detection(
            self.name,
            Subject(SubjectKind.TRUNK_GROUP, name),
            None,
            at_us,
            calls.count.since_us,
            (
                ("emergency_calls", float(count)),
                ("threshold", float(settings.calls)),
                ("window_s", settings.window_s),
                ("providers", float(calls.senders.number)),
            ),
            f"{count} emergency calls within {settings.window_s:g} s; over {settings.calls}; by {calls.senders}",
            count / max(settings.calls, 1),
            settings.window_s,
            name,
            calls.samples.taken(),
        )
