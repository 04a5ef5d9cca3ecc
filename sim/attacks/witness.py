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

PATIENCE_S: Final = 2.5
"""How long a detection gets after the attack: the detectors are asked once a second."""
STEP_S: Final = 10.0
"""How long the step gets that follows from what is detected: its evidence is written first."""
LOOK_S: Final = 0.25
GATEWAY: Final = "tollgate"
"""Who takes a step that the gateway takes by itself."""
_LEVELS: Final[Mapping[str, Holds]] = {
    "trunk group ": Holds.GROUP,
    "source ": Holds.SOURCE,
    "partner ": Holds.PARTNER,
    "OCN ": Holds.OCN,
}
"""How the finding of `rate_limit` begins -> whose limit it is."""


class AlertSeen(NamedTuple):
    """An alert of the gateway's, as `/status` has it: its text is of the last look, its figures of the worst."""

    detector: str
    subject: str
    """Kind and name."""
    provider: str | None
    text: str
    figures: Mapping[str, float]
    advice: str | None
    """What the operator can do, where no step follows."""


class RecommendationSeen(NamedTuple):
    """A step that the gateway recommends, or has taken by itself, as `/status` has it."""

    step: str
    ocn: str


class Witness:
    """Looks at a gateway again and again while it is under attack, and keeps what it says."""

    def __init__(self, gateway: Gateway, wanted: Iterable[Found]) -> None:
        self._gateway, self._wanted = gateway, tuple(wanted)
        self._alerts: dict[tuple[str, str], AlertSeen] = {}
        self._recommended: dict[RecommendationSeen, None] = {}

    @property
    def alerts(self) -> tuple[AlertSeen, ...]:
        """Every alert that was up, each as it was at its worst, in the order in which they were raised."""
        return tuple(self._alerts.values())

    @property
    def recommended(self) -> tuple[RecommendationSeen, ...]:
        return tuple(self._recommended)

    @property
    def has_all(self) -> bool:
        """Whether everything that must be found of the attack was."""
        return all(is_found(found, self.alerts, self.recommended) for found in self._wanted)

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            whole = self._gateway.control.status()
            status = whole["denial_of_service"]
            self._alerts |= {(alert.detector, alert.subject): alert for alert in alerts_of(status)}
            self._recommended |= dict.fromkeys((*recommendations_of(status), *taken_of(whole)))
            await asyncio.sleep(LOOK_S)

    async def found(self) -> None:
        """Wait until everything that must be found is, or the time has run out."""
        since = time.monotonic()
        while not self.has_all:
            within_s = STEP_S if all(alert_of(one, self.alerts) is not None for one in self._wanted) else PATIENCE_S
            if time.monotonic() - since > within_s:
                return
            await asyncio.sleep(LOOK_S)


def alert_of(found: Found, alerts: Iterable[AlertSeen]) -> AlertSeen | None:
    """The alert that a detection is, of these."""
    return next((one for one in alerts if (one.detector, one.subject) == (found.detector, found.subject)), None)


def is_found(found: Found, alerts: Iterable[AlertSeen], recommended: Iterable[RecommendationSeen]) -> bool:
    """Whether a detection is there, with the step that it must lead to."""
    alert = alert_of(found, alerts)
    if alert is None:
        return False
    return found.step is None or any(one == (found.step, alert.provider) for one in recommended)


def alerts_of(status: Mapping[str, Any]) -> tuple[AlertSeen, ...]:
    return tuple(
        AlertSeen(
            one["detector"],
            f"{one['subject']['kind']} {one['subject']['name']}",
            one["ocn"],
            one["text"],
            one["peak"],
            one["advice"],
        )
        for one in status["alerts"]
    )


def recommendations_of(status: Mapping[str, Any]) -> tuple[RecommendationSeen, ...]:
    return tuple(RecommendationSeen(one["step"], one["ocn"]) for one in status["recommendations"])


def taken_of(status: Mapping[str, Any]) -> tuple[RecommendationSeen, ...]:
    """The steps that the gateway has taken by itself."""
    return tuple(RecommendationSeen(one["step"], one["ocn"]) for one in status["steps"] if one["who"] == GATEWAY)


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
