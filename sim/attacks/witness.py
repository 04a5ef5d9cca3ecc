"""What the gateway itself says of an attack: what it found, what it recommends, and what it did about the messages."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from gateway.wiring.live import Gateway
from sim.attacks.attack import Attack, Found, Holds
from sim.attacks.attacker import AssaultReport
from sim.attacks.messages import Kind
from sim.laboratory import Lab
from sim.observation import DecisionSeen

PATIENCE_S: Final = 4.0
"""How long a detection gets after the attack: the detectors are asked once a second."""
_LEVELS: Final[Mapping[str, Holds]] = {
    "trunk group ": Holds.GROUP,
    "source ": Holds.SOURCE,
    "partner ": Holds.PARTNER,
    "OCN ": Holds.OCN,
}
"""How the finding of `rate_limit` begins -> whose limit it is."""


class AlertSeen(NamedTuple):
    """An alert of the gateway's, as `/status` has it."""

    detector: str
    subject: str
    """Kind and name."""
    provider: str | None
    text: str
    figures: Mapping[str, float]


class RecommendationSeen(NamedTuple):
    """A step that the gateway recommends, as `/status` has it."""

    step: str
    ocn: str


async def watched(gateway: Gateway, attack: Attack) -> tuple[tuple[AlertSeen, ...], tuple[RecommendationSeen, ...]]:
    """Wait until everything that must be found of the attack is, or the time has run out; then what there is."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        status = gateway.control.status()
        alerts, recommended = alerts_of(status), recommendations_of(status)
        if all(is_found(found, alerts, recommended) for found in attack.found) or time.monotonic() > deadline:
            return alerts, recommended
        await asyncio.sleep(0.05)


def is_found(found: Found, alerts: Iterable[AlertSeen], recommended: Iterable[RecommendationSeen]) -> bool:
    """Whether a detection is there, with the step that it must lead to."""
    alert = next((one for one in alerts if (one.detector, one.subject) == (found.detector, found.subject)), None)
    if alert is None:
        return False
    return found.step is None or any(one == (found.step, alert.provider) for one in recommended)


def alerts_of(status: Mapping[str, Any]) -> tuple[AlertSeen, ...]:
    return tuple(
        AlertSeen(one["detector"], one["subject"], one["provider"], one["text"], one["figures"])
        for one in status.get("detections", ())
    )


def recommendations_of(status: Mapping[str, Any]) -> tuple[RecommendationSeen, ...]:
    return tuple(RecommendationSeen(one["step"], one["ocn"]) for one in status.get("recommendations", ()))


def held_by(lab: Lab, attack: Attack, report: AssaultReport) -> Counter[Holds]:
    """How many messages of the attack were held, by what held them."""
    held: Counter[Holds] = Counter(
        _level(decision) for decision in lab.live.by_call_id.values() if decision.refused_by is not None
    )
    counters = lab.gateway.proxy.counters
    held[Holds.ABSORBED] += counters.absorbed
    held[Holds.GATE] += counters.shed.total()
    held[Holds.DROPPED] += counters.unwelcome + counters.stray
    if attack.kind not in (Kind.CALLS, Kind.REPEATED_CALL):
        held[Holds.ANSWERED] += report.statuses.total()
    return +held


def _level(decision: DecisionSeen) -> Holds:
    refused_by = decision.refused_by
    if refused_by is None or refused_by.check != "rate_limit":
        return Holds.CHECKS
    if "is throttled" in refused_by.text:
        return Holds.THROTTLE
    return next(level for start, level in _LEVELS.items() if refused_by.text.startswith(start))
