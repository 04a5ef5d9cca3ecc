"""Few calls are answered, and those not for long: answer-seizure ratio and average call duration (L8).

ITU-T E.425 section 2: the answer-seizure ratio is the share of the seizures that are answered. Here a seizure is a call
that the gateway let through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.contracts import NOTHING_AGREED, Contracts
from gateway.policy.detectors.counting import SlidingCount
from gateway.policy.detectors.detector import Detection
from gateway.policy.detectors.let_through import Counts, LetThrough, Whose
from gateway.policy.verdict import Decision

MILLISECOND_US: Final = 1_000


@dataclass(frozen=True, slots=True)
class AsrAcdSettings:
    enabled: bool = True
    asr_percent: float = 40
    """Percent of the calls that must be answered ..."""
    acd_s: float = 30
    """... unless the answered ones last so many seconds on average."""
    minimum_calls: int = 50
    """Calls that must have ended within the window before they are judged."""
    window_s: float = 300
    """Seconds that calls are counted over, by their end."""


class _Ended(Counts):
    """Calls of one subject that were let through and have ended."""

    __slots__ = ("all", "answered", "still_up", "talked_ms")

    def __init__(self, window_s: float) -> None:
        super().__init__(window_s)
        self.still_up = 0
        """Answered calls beside them that go on, as of when they were judged last."""
        self.all: Final = SlidingCount(window_s)
        self.answered: Final = SlidingCount(window_s)
        self.talked_ms: Final = SlidingCount(window_s)

    def add(self, attempt: CallAttempt, provider: Ocn | None, answered_at_us: int | None, at_us: int) -> None:
        self.all.add(at_us)
        if answered_at_us is None:
            self.answers.unanswered(at_us)
            self.senders.add(provider)
            self.samples.add(attempt)
        else:
            self.answered.add(at_us)
            self.talked_ms.add(at_us, max(at_us - answered_at_us, 0) // MILLISECOND_US)

    def advance(self, at_us: int) -> None:
        self.all.advance(at_us)
        self.answered.advance(at_us)
        self.talked_ms.advance(at_us)
        self.still_up = self.answers.number(self.answered.total, at_us) - self.answered.total

    @property
    def seizures(self) -> int:
        return self.all.total + self.still_up

    @property
    def answers_given(self) -> int:
        return self.answered.total + self.still_up

    @property
    def acd_s(self) -> float:
        """Average duration of the answered calls, in seconds; 0 where there are none."""
        return self.talked_ms.total / self.answered.total / 1_000 if self.answered.total else 0.0


class AsrAcd:
    """Counts calls, by provider and by trunk group: as they end, how they ended. Both ratios must be low at once: many
    calls without an answer are usual where one rings several telephones, and short ones where they are voice mail's.
    """

    name: Final = "asr_acd"
    clause: Final = "L8"

    def __init__(self, settings: AsrAcdSettings, contracts: Contracts = NOTHING_AGREED) -> None:
        self._settings: Final = settings
        self._calls: Final = LetThrough(contracts, lambda: _Ended(settings.window_s))

    def decided(self, attempt: CallAttempt, decision: Decision) -> None:
        for ended in self._calls.of(attempt, decision)[1]:
            ended.answers.begun(attempt.at_us)

    def ended(
        self,
        attempt: CallAttempt,
        decision: Decision,
        progressed_at_us: int | None,  # noqa: ARG002
        answered_at_us: int | None,
        ended_at_us: int,
        cut_off: bool,
    ) -> None:
        if cut_off:
            return
        provider, counts = self._calls.of(attempt, decision)
        for ended in counts:
            ended.add(attempt, provider, answered_at_us, ended_at_us)

    def judge(self, at_us: int) -> Iterator[Detection]:
        for whose, ended in self._calls.all():
            if self._under(ended, at_us):
                yield self._detection(whose, ended, at_us)

    def _under(self, ended: _Ended, at_us: int) -> bool:
        settings = self._settings
        ended.advance(at_us)
        seizures, answers = ended.seizures, ended.answers_given
        if ended.all.total < settings.minimum_calls or answers * 100 >= seizures * settings.asr_percent:
            return False
        answered = ended.answered.total
        return ended.talked_ms.total < answered * settings.acd_s * 1_000 or not answered

    def _detection(self, whose: Whose, ended: _Ended, at_us: int) -> Detection:
        settings, seizures, answers = self._settings, ended.seizures, ended.answers_given
        asr, acd_s = answers * 100 / seizures, ended.acd_s
        by = f"; those without an answer by {ended.senders}" if whose.trunk_group is not None else ""
        return Detection(
            self.name,
            whose.subject,
            whose.provider,
            at_us,
            ended.all.since_us,
            (
                ("asr_percent", round(asr, 1)),
                ("threshold", settings.asr_percent),
                ("acd_s", round(acd_s, 1)),
                ("acd_threshold_s", settings.acd_s),
                ("calls", float(seizures)),
                ("answered_calls", float(answers)),
            ),
            f"{asr:.0f} % of {seizures} calls were answered, for {acd_s:.1f} s on average; under "
            f"{settings.asr_percent:g} % and {settings.acd_s:g} s{by}",
            settings.asr_percent / max(asr, 1.0),
            settings.window_s,
            whose.trunk_group,
            ended.samples.taken(),
        )
