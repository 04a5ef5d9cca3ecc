"""One calling number makes too many of the calls of a trunk group (L8).

The numbers are counted by the summary of Misra and Gries (Finding repeated elements, 1982): with k counters, no number
with more than 1/k of the calls is missed, whatever numbers the others have, and a number is counted short by less than
1/k of the calls, never over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.contracts import NOTHING_AGREED, Contracts
from gateway.policy.detectors.counting import SECOND_US, Samples, Subjects, over_partners
from gateway.policy.detectors.detector import Detection, Subject, SubjectKind
from gateway.policy.verdict import Decision

COUNTERS: Final = 128
"""Calling numbers that are counted of one trunk group, in each half of the window."""


@dataclass(frozen=True, slots=True)
class CallingShareSettings:
    enabled: bool = True
    share_percent: float = 20
    """Percent of a trunk group's calls that one calling number may make."""
    minimum_calls: int = 100
    """Calls on the trunk group within the window before its numbers are judged."""
    window_s: float = 60
    """Seconds that calls are counted over."""


class _Number:
    """The calls of one calling number."""

    __slots__ = ("count", "provider", "samples")

    def __init__(self, provider: Ocn | None) -> None:
        self.count = 1
        self.provider = provider
        self.samples: Samples | None = None
        """None of a number that has called once: spoofed ones hardly ever call again."""


class _Half:
    """The calls of half a window on one trunk group."""

    __slots__ = ("number", "numbers", "total")

    def __init__(self, number: int) -> None:
        self.number = number
        """Which half window since the Unix epoch it is."""
        self.total = 0
        self.numbers: dict[str, _Number] = {}

    def add(self, digits: str, provider: Ocn | None, attempt: CallAttempt) -> None:
        numbers = self.numbers
        known = numbers.get(digits)
        if known is not None:
            known.count += 1
            if known.samples is None:
                known.samples = Samples()
            known.samples.add(attempt)
        elif len(numbers) < COUNTERS:
            numbers[digits] = _Number(provider)
        else:  # one call of this number is set off against one of each that is counted
            for other, counted in list(numbers.items()):
                counted.count -= 1
                if not counted.count:
                    del numbers[other]


class _Group:
    """The calls on one trunk group: of this half window, and of the one before."""

    __slots__ = ("before", "now")

    def __init__(self, number: int) -> None:
        self.now = _Half(number)
        self.before = _Half(number - 1)

    def turn(self, number: int) -> None:
        """Another half window has begun."""
        if number <= self.now.number:
            return
        self.before = self.now if self.now.number == number - 1 else _Half(number - 1)
        self.now = _Half(number)


class CallingShare:
    """Counts call attempts on partners' trunk groups by calling number. Calls without one count among the others."""

    name: Final = "calling_share"
    clause: Final = "L8"

    def __init__(self, settings: CallingShareSettings, contracts: Contracts = NOTHING_AGREED) -> None:
        self._settings: Final = settings
        self._contracts: Final = contracts
        self._half_us: Final = max(round(settings.window_s * SECOND_US / 2), 1)
        self._groups: Final[Subjects[str, _Group]] = Subjects()

    def decided(self, attempt: CallAttempt, decision: Decision) -> None:  # noqa: ARG002 - an attempt counts, refused or not
        ingress = attempt.ingress
        if ingress is None or not over_partners(attempt):
            return
        half = attempt.at_us // self._half_us
        group = self._groups.get(ingress.name) or self._groups.put(ingress.name, _Group(half))
        if half > group.now.number:
            group.turn(half)
        group.now.total += 1
        calling = attempt.calling.number
        if calling is not None:
            group.now.add(calling.digits, self._contracts.answerable(attempt), attempt)

    def judge(self, at_us: int) -> Iterator[Detection]:
        half = at_us // self._half_us
        for name, group in self._groups.items():
            group.turn(half)
            total = group.now.total + group.before.total
            if total < self._settings.minimum_calls:
                continue
            limit = total * self._settings.share_percent / 100
            for digits in {*group.now.numbers, *group.before.numbers}:
                halves = [one for one in (group.before.numbers.get(digits), group.now.numbers.get(digits)) if one]
                count = sum(one.count for one in halves)
                if count > limit:
                    yield self._detection(name, digits, halves[-1], count, total, at_us)

    def _detection(self, group: str, digits: str, number: _Number, count: int, total: int, at_us: int) -> Detection:
        threshold = self._settings.share_percent
        share = count * 100 / total
        return Detection(
            self.name,
            Subject(SubjectKind.CALLING_NUMBER, digits),
            number.provider,
            at_us,
            (at_us // self._half_us - 1) * self._half_us,
            (
                ("share_percent", round(share, 1)),
                ("threshold", threshold),
                ("calls", float(count)),
                ("calls_of_trunk_group", float(total)),
            ),
            f"{share:.0f} % of the {total} calls on trunk group {group} are from this number ({count}); "
            f"over {threshold:g} %",
            share / threshold if threshold else share,
            self._settings.window_s,
            group,
            number.samples.taken() if number.samples is not None else (),
        )
