"""Calls for the tests of detectors: what a detector is told of them, and what it says of them afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from attempts import AT_US, HOST_GROUP, PARTNER_GROUP, PROVIDER, SECOND_US, attempt

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import TrunkGroup
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.detector import Detection, Detector, SubjectKind
from gateway.policy.verdict import Decision, Outcome
from gateway.policy.watch import Watch

BEGIN_US = AT_US // (3_600 * SECOND_US) * 3_600 * SECOND_US
"""A full hour, so that windows begin where the tests say."""
ADMITTED = Decision(Outcome.ADMIT, HOST_GROUP, (), ())
REFUSED = Decision(Outcome.REFUSE, None, (), ())


def call(
    at_s: float,
    *,
    provider: Ocn | None = PROVIDER,
    calling: str = "+13145550100",
    called: str = "+16365550199",
    group: TrunkGroup | None = PARTNER_GROUP,
    emergency: bool = False,
    call_id: str = "1@192.0.2.10",
) -> CallAttempt:
    """A call so many seconds after `BEGIN_US`."""
    made = attempt(
        at_us=BEGIN_US + round(at_s * SECOND_US),
        provider=provider,
        calling=calling,
        called="911" if emergency else called,
        ingress=group,
        emergency=emergency,
    )
    return replace(made, call_id=call_id)


def told(detector: Detector, calls: Iterable[CallAttempt], decision: Decision = ADMITTED) -> None:
    """Tell a detector that calls were decided."""
    watch = Watch((detector,), BEGIN_US)
    for one in calls:
        watch.decided(one, decision)


def told_end(
    detector: Detector,
    one: CallAttempt,
    *,
    talked_s: float | None,
    at_s: float,
    decision: Decision = ADMITTED,
    cut_off: bool = False,
) -> None:
    """Tell a detector that a call was over at a time, `talked_s` after its answer; None: it was never answered."""
    end = BEGIN_US + round(at_s * SECOND_US)
    answered = None if talked_s is None else end - round(talked_s * SECOND_US)
    Watch((detector,), BEGIN_US).ended(one, decision, answered, answered, end, cut_off)


def judged(detector: Detector, at_s: float) -> list[Detection]:
    """What a detector says at a time."""
    return list(detector.judge(BEGIN_US + round(at_s * SECOND_US)))


def about(detections: Iterable[Detection], kind: SubjectKind) -> list[Detection]:
    return [one for one in detections if one.subject.kind is kind]


def spread(per_s: float, seconds: float, from_s: float = 0) -> list[float]:
    """The times of so many calls a second, evenly."""
    return [from_s + place / per_s for place in range(round(per_s * seconds))]


__all__ = [
    "ADMITTED",
    "BEGIN_US",
    "HOST_GROUP",
    "PARTNER_GROUP",
    "PROVIDER",
    "REFUSED",
    "SECOND_US",
    "about",
    "call",
    "judged",
    "spread",
    "told",
    "told_end",
]
