"""Nearly all the calls in progress that a provider, or a trunk group, may have are taken, and stay so (L8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import PARTNER_SIDE
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.contracts import Contracts
from gateway.policy.detectors.counting import SECOND_US
from gateway.policy.detectors.detector import Detection, Subject, SubjectKind
from gateway.policy.verdict import Decision


@dataclass(frozen=True, slots=True)
class CallsInProgressSettings:
    enabled: bool = True
    share_percent: float = 90
    """Percent that may be taken of the calls in progress that were agreed on, or of a trunk group's capacity."""
    most: int = 1_000
    """Calls in progress that a provider, or a trunk group, may have where nothing was agreed on."""
    hold_s: float = 10
    """Seconds for which there must be more."""


class _Up:
    """The calls in progress of one subject. It is forgotten when there are none."""

    __slots__ = ("count", "over_since_us")

    def __init__(self) -> None:
        self.count = 0
        self.over_since_us: int | None = None


class CallsInProgress:
    """Counts the calls that are up or being set up: their number bounds what is kept.

    It says who holds the places. Whoever holds them for long, and says nothing, is not seen by any rate.
    """

    name: Final = "calls_in_progress"
    clause: Final = "L8"

    def __init__(self, settings: CallsInProgressSettings, contracts: Contracts) -> None:
        self._settings: Final = settings
        self._contracts: Final = contracts
        self._providers: Final[dict[str, _Up]] = {}
        self._groups: Final[dict[str, _Up]] = {}

    def decided(self, attempt: CallAttempt, decision: Decision) -> None:
        ingress = attempt.ingress
        if decision.egress is None or ingress is None or attempt.emergency:
            return
        provider = self._contracts.answerable(attempt)
        if provider is not None and ingress.side is PARTNER_SIDE:
            _begin(self._providers, provider)
        _begin(self._groups, ingress.name)

    def ended(
        self,
        attempt: CallAttempt,
        decision: Decision,
        progressed_at_us: int | None,  # noqa: ARG002 - a call in progress is one whatever became of it
        answered_at_us: int | None,  # noqa: ARG002
        ended_at_us: int,  # noqa: ARG002
        cut_off: bool,  # noqa: ARG002
    ) -> None:
        ingress = attempt.ingress
        if decision.egress is None or ingress is None or attempt.emergency:
            return
        provider = self._contracts.answerable(attempt)
        if provider is not None and ingress.side is PARTNER_SIDE:
            _end(self._providers, provider)
        _end(self._groups, ingress.name)

    def judge(self, at_us: int) -> Iterator[Detection]:
        for ocn, up in self._providers.items():
            allowed = self._contracts.in_progress.get(Ocn(ocn))
            if self._holds(up, allowed, at_us):
                yield self._detection(Subject(SubjectKind.PROVIDER, ocn), Ocn(ocn), up, allowed, at_us)
        for name, up in self._groups.items():
            allowed = self._contracts.group_in_progress.get(name)
            if self._holds(up, allowed, at_us):
                yield self._detection(Subject(SubjectKind.TRUNK_GROUP, name), None, up, allowed, at_us, name)

    def _threshold(self, allowed: int | None) -> float:
        return self._settings.most if allowed is None else allowed * self._settings.share_percent / 100

    def _holds(self, up: _Up, allowed: int | None, at_us: int) -> bool:
        if up.count <= self._threshold(allowed):
            up.over_since_us = None
            return False
        if up.over_since_us is None:
            up.over_since_us = at_us
        return at_us - up.over_since_us >= self._settings.hold_s * SECOND_US

    def _detection(
        self,
        subject: Subject,
        provider: Ocn | None,
        up: _Up,
        allowed: int | None,
        at_us: int,
        trunk_group: str | None = None,
    ) -> Detection:
        settings, threshold = self._settings, self._threshold(allowed)
        since_us = up.over_since_us if up.over_since_us is not None else at_us
        of = f"{settings.share_percent:g} % of the {allowed} it may have" if allowed is not None else f"{threshold:g}"
        return Detection(
            self.name,
            subject,
            provider,
            at_us,
            since_us,
            (
                ("calls_in_progress", float(up.count)),
                ("threshold", threshold),
                ("over_for_s", float((at_us - since_us) // SECOND_US)),
            ),
            f"{up.count} calls in progress; over {of} for {(at_us - since_us) // SECOND_US} s",
            up.count / threshold if threshold else float(up.count),
            trunk_group=trunk_group,
        )


def _begin(subjects: dict[str, _Up], name: str) -> None:
    up = subjects.get(name)
    if up is None:
        up = subjects[name] = _Up()
    up.count += 1


def _end(subjects: dict[str, _Up], name: str) -> None:
    up = subjects.get(name)
    if up is None:
        return
    up.count -= 1
    if not up.count:
        del subjects[name]
