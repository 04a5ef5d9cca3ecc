"""Calls that are answered and over at once, as robocalls are (L8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.contracts import NOTHING_AGREED, Contracts
from gateway.policy.detectors.counting import (
    SECOND_US,
    Answers,
    Samples,
    Senders,
    SlidingCount,
    Subjects,
    over_partners,
)
from gateway.policy.detectors.detector import Detection, Subject, SubjectKind
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


class _Answered:
    """Answered calls of one subject."""

    __slots__ = ("all", "answers", "ended", "samples", "senders", "short")

    def __init__(self, window_s: float) -> None:
        self.answers = Answers(window_s)
        self.all = 0
        """Those that were answered in the window, as of when they were judged last."""
        self.ended = SlidingCount(window_s)
        self.short = SlidingCount(window_s)
        self.senders = Senders()
        """Whose the short ones are."""
        self.samples = Samples()

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
        self._contracts: Final = contracts
        self._longest_us: Final = round(settings.longest_s * SECOND_US)
        self._providers: Final[Subjects[str, _Answered]] = Subjects()
        self._groups: Final[Subjects[str, _Answered]] = Subjects()

    def decided(self, attempt: CallAttempt, decision: Decision) -> None:
        ingress = attempt.ingress
        if decision.egress is None or ingress is None or not over_partners(attempt):
            return
        provider = self._contracts.answerable(attempt)
        if provider is not None:
            self._of(self._providers, provider).answers.begun(attempt.at_us)
        self._of(self._groups, ingress.name).answers.begun(attempt.at_us)

    def ended(
        self,
        attempt: CallAttempt,
        decision: Decision,
        progressed_at_us: int | None,  # noqa: ARG002
        answered_at_us: int | None,
        ended_at_us: int,
        cut_off: bool,
    ) -> None:
        ingress = attempt.ingress
        if decision.egress is None or cut_off or ingress is None or not over_partners(attempt):
            return
        provider = self._contracts.answerable(attempt)
        if answered_at_us is None:
            if provider is not None:
                self._of(self._providers, provider).answers.unanswered(ended_at_us)
            self._of(self._groups, ingress.name).answers.unanswered(ended_at_us)
            return
        short = ended_at_us - answered_at_us <= self._longest_us
        if provider is not None:
            self._of(self._providers, provider).add(attempt, provider, ended_at_us, short=short)
        self._of(self._groups, ingress.name).add(attempt, provider, ended_at_us, short=short)

    def _of(self, subjects: Subjects[str, _Answered], name: str) -> _Answered:
        return subjects.get(name) or subjects.put(name, _Answered(self._settings.window_s))

    def judge(self, at_us: int) -> Iterator[Detection]:
        for ocn, answered in self._providers.items():
            if self._over(answered, at_us):
                yield self._detection(Subject(SubjectKind.PROVIDER, ocn), Ocn(ocn), answered, at_us)
        for name, answered in self._groups.items():
            if self._over(answered, at_us):
                subject = Subject(SubjectKind.TRUNK_GROUP, name)
                yield self._detection(subject, answered.senders.sole(), answered, at_us, name)

    def _over(self, answered: _Answered, at_us: int) -> bool:
        ended, short = answered.ended.advance(at_us), answered.short.advance(at_us)
        answered.all = answered.answers.number(ended, at_us)
        return ended >= self._settings.minimum_answered and short * 100 > answered.all * self._settings.share_percent

    def _detection(
        self, subject: Subject, provider: Ocn | None, answered: _Answered, at_us: int, trunk_group: str | None = None
    ) -> Detection:
        settings, all_, short = self._settings, answered.all, answered.short.total
        share = short * 100 / all_
        by = f"; by {answered.senders}" if trunk_group is not None else ""
        return Detection(
            self.name,
            subject,
            provider,
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
            trunk_group,
            answered.samples.taken(),
        )
