"""Calls that are answered and over at once, as robocalls are (L8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.contracts import NOTHING_AGREED, Contracts
from gateway.policy.detectors.counting import SECOND_US, SlidingCount
from gateway.policy.detectors.detector import Detection
from gateway.policy.detectors.let_through import Counts, LetThrough, Whose
from gateway.policy.verdict import Decision


@dataclass(frozen=True, slots=True)
class ShortCallsSettings:
    enabled: bool = True
    longest_s: float = 6
    """A call of so many seconds, from answer to end, is a short one."""
    share_percent: float = 15
    """Percent of the answered calls that may be short ones."""
    minimum_answered: int = 50
    """Answered calls that must have ended within the window before they are judged."""
    window_s: float = 300
    """Seconds that calls are counted over, by their end."""


class _Answered(Counts):
    """Answered calls of one subject."""

    __slots__ = ("all", "ended", "short")

    def __init__(self, window_s: float) -> None:
        super().__init__(window_s)
        self.all = 0
        """Those that were answered in the window, as of when they were judged last."""
        self.ended: Final = SlidingCount(window_s)
        self.short: Final = SlidingCount(window_s)

    def add(self, attempt: CallAttempt, provider: Ocn | None, at_us: int, *, short: bool) -> None:
        self.ended.add(at_us)
        if short:
            self.short.add(at_us)
            self.senders.add(provider)
            self.samples.add(attempt)


class ShortCalls:
    """Counts answered calls, by provider and by trunk group: as they end, those that are short ones."""

    name: Final = "short_calls"
    clause: Final = "L8"

    def __init__(self, settings: ShortCallsSettings, contracts: Contracts = NOTHING_AGREED) -> None:
        self._settings: Final = settings
        self._longest_us: Final = round(settings.longest_s * SECOND_US)
        self._calls: Final = LetThrough(contracts, lambda: _Answered(settings.window_s))

    def decided(self, attempt: CallAttempt, decision: Decision) -> None:
        for answered in self._calls.of(attempt, decision)[1]:
            answered.answers.begun(attempt.at_us)

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
        for answered in counts:
            if answered_at_us is None:
                answered.answers.unanswered(ended_at_us)
            else:
                short = ended_at_us - answered_at_us <= self._longest_us
                answered.add(attempt, provider, ended_at_us, short=short)

    def judge(self, at_us: int) -> Iterator[Detection]:
        for whose, answered in self._calls.all():
            if self._over(answered, at_us):
                yield self._detection(whose, answered, at_us)

    def _over(self, answered: _Answered, at_us: int) -> bool:
        ended, short = answered.ended.advance(at_us), answered.short.advance(at_us)
        answered.all = answered.answers.number(ended, at_us)
        return ended >= self._settings.minimum_answered and short * 100 > answered.all * self._settings.share_percent

    def _detection(self, whose: Whose, answered: _Answered, at_us: int) -> Detection:
        settings, all_, short = self._settings, answered.all, answered.short.total
        share = short * 100 / all_
        by = f"; by {answered.senders}" if whose.trunk_group is not None else ""
        return Detection(
            self.name,
            whose.subject,
            whose.provider,
            at_us,
            answered.ended.since_us,
            (
                ("short_percent", round(share, 1)),
                ("threshold", settings.share_percent),
                ("short_calls", float(short)),
                ("answered_calls", float(all_)),
            ),
            f"{share:.0f} % of {all_} answered calls were over within {settings.longest_s:g} s ({short}); "
            f"over {settings.share_percent:g} %{by}",
            share / settings.share_percent if settings.share_percent else share,
            settings.window_s,
            whose.trunk_group,
            answered.samples.taken(),
        )
