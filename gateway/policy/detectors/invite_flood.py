"""More calls a second than were agreed on, and than there usually are (L8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import PARTNER_SIDE, Hop
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.contracts import Contracts
from gateway.policy.detectors.counting import SECOND_US, Samples, Senders, Subjects
from gateway.policy.detectors.detector import Detection, Subject, SubjectKind
from gateway.policy.verdict import Decision

PAUSE_TAKES: Final = 2
"""A second that is not over takes back so many that were: else a flood that pauses one second in ten is never seen."""


@dataclass(frozen=True, slots=True)
class InviteFloodSettings:
    enabled: bool = True
    multiple: float = 5
    """Calls a second may be this many times their moving average."""
    hold_s: int = 10
    """Seconds that must be over. Each between them that is not takes back two."""
    minimum_per_s: float = 10
    """Calls a second that are no flood where no limit was agreed on, whatever the moving average is."""
    cold_per_s: float = 50
    """Calls a second that are none where no limit was agreed on and there is no moving average yet."""
    baseline_s: int = 300
    """Seconds that the moving average is over."""
    warm_up_s: int = 60
    """Seconds that must have been seen before there is a moving average."""


class _Calls:
    """Calls a second of one subject: what is usual, and since when they are over it."""

    __slots__ = (
        *("average", "contracted", "count", "held", "last", "over"),
        *("samples", "second", "seen", "senders", "threshold"),
    )

    def __init__(self, second: int, contracted: float, hold_s: int) -> None:
        self.contracted = contracted
        self.second = second
        """The second that is counted now, since the Unix epoch."""
        self.count = 0
        self.last = [0] * hold_s
        """Calls in each of the last seconds, the one of second n at n modulo their number."""
        self.over = 0
        """Seconds in a row that were over."""
        self.held = 0
        """Seconds that were over, less `PAUSE_TAKES` for each that was not; no more than make a flood."""
        self.average = 0.0
        self.seen = 0
        """Seconds that the average is of."""
        self.threshold = 0.0
        self.senders = Senders()
        """Of a trunk group: whose the calls are, in the seconds that were over and the one that is counted now."""
        self.samples = Samples()


class InviteFlood:
    """Counts call attempts, let through or not, by provider and by trunk group.

    A second over the threshold teaches the moving average nothing: a flood must not become what is usual. Who grows for
    good beyond five times its average has a limit agreed on, and that limit is the threshold then. Only where nothing
    was agreed on, and nothing is known yet, whatever comes is taken to be usual: a busy trunk group must not be a flood
    for ever because the gateway was started in its busy hour.
    """

    name: Final = "invite_flood"
    clause: Final = "L8"

    def __init__(self, settings: InviteFloodSettings, contracts: Contracts) -> None:
        self._settings: Final = settings
        self._contracts: Final = contracts
        self._providers: Final[Subjects[Ocn, _Calls]] = Subjects()
        self._groups: Final[Subjects[str, _Calls]] = Subjects()

    def decided(self, attempt: CallAttempt, decision: Decision) -> None:  # noqa: ARG002 - an attempt counts, refused or not
        ingress = attempt.ingress
        if ingress is None or attempt.emergency:
            return
        second = attempt.at_us // SECOND_US
        provider = self._contracts.answerable(attempt)
        if provider is not None and ingress.side is PARTNER_SIDE:
            self._of_provider(provider, second).samples.add(attempt)
        self._of_group(ingress.name, provider, second).samples.add(attempt)

    def shed(self, source: Hop, trunk_group: str | None, provider: Ocn | None, count: int, at_us: int) -> None:  # noqa: ARG002
        second = at_us // SECOND_US
        if provider is not None and trunk_group is not None:
            provider = provider if self._contracts.may_come(provider, trunk_group, at_us) else None
        if provider is not None:
            self._of_provider(provider, second, count)
        if trunk_group is not None:
            self._of_group(trunk_group, provider, second, count)

    def _of_provider(self, provider: Ocn, second: int, count: int = 1) -> _Calls:
        calls = self._providers.get(provider)
        if calls is None:
            contracted = self._contracts.calls_per_s.get(provider, 0.0)
            calls = self._providers.put(provider, _Calls(second, contracted, self._settings.hold_s))
        if second > calls.second:
            self._close(calls, second)
        calls.count += count
        return calls

    def _of_group(self, name: str, provider: Ocn | None, second: int, count: int = 1) -> _Calls:
        calls = self._groups.get(name)
        if calls is None:
            contracted = self._contracts.group_calls_per_s.get(name, 0.0)
            calls = self._groups.put(name, _Calls(second, contracted, self._settings.hold_s))
        if second > calls.second:
            self._close(calls, second)
        calls.count += count
        calls.senders.add(provider, count)
        return calls

    def _close(self, calls: _Calls, second: int) -> None:
        """The second that was counted is over, and so are those after it in which nothing came."""
        settings, count, last = self._settings, calls.count, calls.last
        threshold = calls.threshold = self._threshold(calls)
        last[calls.second % settings.hold_s] = count
        if count > threshold and count > 1:  # one call is no rate: under one a second, each would be over
            calls.over, calls.held = calls.over + 1, min(calls.held + 1, settings.hold_s)
        else:
            calls.over, calls.held = 0, max(calls.held - PAUSE_TAKES, 0)
        if not calls.over or (not calls.contracted and calls.seen < settings.warm_up_s):
            calls.seen += 1
            calls.average += (count - calls.average) / min(calls.seen, settings.baseline_s)
        empty = second - calls.second - 1
        if empty > 0:
            calls.over, calls.held = 0, max(calls.held - PAUSE_TAKES * empty, 0)
            for each in range(calls.second + 1, calls.second + 1 + min(empty, settings.hold_s)):
                last[each % settings.hold_s] = 0
            _decay(calls, empty, settings.baseline_s)
        if not calls.held:
            calls.senders.clear()
        calls.second, calls.count = second, 0

    def _threshold(self, calls: _Calls) -> float:
        settings, known = self._settings, calls.contracted
        if calls.seen >= settings.warm_up_s:
            return max(known or settings.minimum_per_s, settings.multiple * calls.average)
        return known or settings.cold_per_s

    def judge(self, at_us: int) -> Iterator[Detection]:
        second = at_us // SECOND_US
        for provider, calls in self._providers.items():
            if second > calls.second:
                self._close(calls, second)
            if calls.held >= self._settings.hold_s:
                yield self._detection(Subject(SubjectKind.PROVIDER, provider), provider, calls, at_us)
        for name, calls in self._groups.items():
            if second > calls.second:
                self._close(calls, second)
            if calls.held >= self._settings.hold_s:
                subject = Subject(SubjectKind.TRUNK_GROUP, name)
                yield self._detection(subject, calls.senders.sole(), calls, at_us, name)

    def _detection(
        self, subject: Subject, provider: Ocn | None, calls: _Calls, at_us: int, trunk_group: str | None = None
    ) -> Detection:
        hold_s = self._settings.hold_s
        rate, threshold = sum(calls.last) / hold_s, calls.threshold
        figures = [("calls_per_s", rate), ("threshold", threshold), ("moving_average_per_s", round(calls.average, 3))]
        figures += [("contracted_per_s", calls.contracted), ("seconds_over", float(calls.over))]
        seconds = "each" if calls.over >= hold_s else "most"
        text = f"{rate:.1f} calls/s over the last {hold_s} s, {seconds} over {self._why(calls)}"
        if trunk_group is not None:
            figures.append(("providers", float(calls.senders.number)))
            text += f"; by {calls.senders}"
        return Detection(
            self.name,
            subject,
            provider,
            at_us,
            (calls.second - hold_s) * SECOND_US,
            tuple(figures),
            text,
            rate / threshold,
            trunk_group=trunk_group,
            sample_calls=calls.samples.taken(),
        )

    def _why(self, calls: _Calls) -> str:
        """The threshold in words."""
        settings, threshold = self._settings, calls.threshold
        if threshold == calls.contracted:
            return f"the contracted {threshold:g}"
        if calls.seen < settings.warm_up_s and not calls.contracted:
            return f"{threshold:g} (no limit was agreed on, and no moving average is known yet)"
        if threshold == settings.minimum_per_s:
            return f"{threshold:g}, the least that is a flood where no limit was agreed on"
        return f"{threshold:.1f}, {settings.multiple:g} times the moving average of {calls.average:.1f}"


def _decay(calls: _Calls, empty: int, baseline_s: int) -> None:
    """So many seconds without a call go into the average."""
    growing = min(empty, max(baseline_s - calls.seen, 0))
    if growing:
        calls.average *= calls.seen / (calls.seen + growing)
    rest = empty - growing
    if rest:
        calls.average *= (1.0 - 1.0 / baseline_s) ** min(rest, 1_000_000)
    calls.seen += empty
