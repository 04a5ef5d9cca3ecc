"""The watch: tells the detectors what happens, and makes of what they see alerts that are raised once and cleared once.

Pure: the times are handed in. `due` is called about once a second.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.detector import (
    Detection,
    Detector,
    Subject,
    SubjectKind,
)
from gateway.policy.verdict import Decision

SECOND_US: Final = 1_000_000
MOST_ALERTS: Final = 1_024
"""Alerts that are up at one time. Beyond, a new one waits until another is cleared."""
MOST_OF_SOURCES: Final = MOST_ALERTS // 4
"""Of them those about sources: a datagram may name as many as one likes, and nobody may hide a flood behind them."""
MOST_PROVIDERS: Final = 4_096
"""Providers of whose last alert the time is kept."""

_Key = tuple[str, Subject, str | None]


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a detector sees, from when it was first seen until it is seen no more."""

    number: int
    """Counted from 1 since the watch began."""
    clause: str
    detection: Detection
    """As it was seen last."""
    peak: Detection
    """As it was seen at its worst."""
    raised_us: int
    cleared_us: int | None = None

    @property
    def provider(self) -> Ocn | None:
        """The provider whose doing it is, by what was seen last."""
        return self.detection.provider

    @property
    def seen_us(self) -> int:
        """When it was last seen."""
        return self.detection.at_us


class Alerts(NamedTuple):
    """What a look at the detectors gave."""

    raised: tuple[Alert, ...] = ()
    """New ones."""
    ongoing: tuple[Alert, ...] = ()
    """Those that were up before, and still are."""
    cleared: tuple[Alert, ...] = ()
    """Those that are up no more."""

    @property
    def up(self) -> tuple[Alert, ...]:
        """All that are up now, in the order in which they were raised."""
        return self.ongoing + self.raised


NOTHING: Final = Alerts()


class Watch:
    """Hears what happens, and says what is wrong."""

    def __init__(self, detectors: Iterable[Detector], began_us: int, clear_after_s: float = 30) -> None:
        """An alert is cleared when it was not seen for `clear_after_s` seconds: what hovers about its threshold is one
        alert and not a hundred. `began_us` is the time from which on the watch knows what happened.
        """
        self.detectors: Final = tuple(detectors)
        self._clear_after_us: Final = round(clear_after_s * SECOND_US)
        self._began_us: Final = began_us
        self._next_us = began_us + SECOND_US
        self._count = 0
        self._up: Final[OrderedDict[_Key, Alert]] = OrderedDict()
        self._up_of_sources = 0
        self._last_alert: Final[OrderedDict[Ocn, int]] = OrderedDict()
        self._decided: Final = self._hooks("decided")
        self._ended: Final = self._hooks("ended")
        self._malformed: Final = self._hooks("malformed")
        self._stray: Final = self._hooks("stray")
        self._repeated: Final = self._hooks("repeated")
        self._stranger: Final = self._hooks("stranger")
        self._shed: Final = self._hooks("shed")
        self._requests: Final[dict[bytes, list[Callable[[Hop, bytes, int], None]]]] = {}
        for one in self.detectors:
            hears: Any = one
            for method in getattr(one, "methods", ()):
                self._requests.setdefault(method, []).append(hears.request)

    def _hooks(self, name: str) -> tuple[Callable[..., None], ...]:
        """One hook of every detector that has it. By name: no compiled protocol can be asked for with `isinstance`."""
        return tuple(getattr(one, name) for one in self.detectors if hasattr(one, name))

    # -- what happens -------------------------------------------------------------------------------------------------

    def decided(self, attempt: CallAttempt, decision: Decision) -> None:
        """A call was decided, let through or refused."""
        for tell in self._decided:
            tell(attempt, decision)

    def ended(
        self,
        attempt: CallAttempt,
        decision: Decision,
        progressed_at_us: int | None,
        answered_at_us: int | None,
        ended_at_us: int,
        cut_off: bool = False,
    ) -> None:
        """A call is over, by whatever end: once for each that was decided. `cut_off`: the gateway itself has ended it
        (a forced release, its own stop).
        """
        for tell in self._ended:
            tell(attempt, decision, progressed_at_us, answered_at_us, ended_at_us, cut_off)

    def request(self, source: Hop, method: bytes, at_us: int) -> None:
        """A request came that opens no call. Methods that no detector asks for cost a look into a dictionary."""
        heard = self._requests.get(method)
        if heard is not None:
            for tell in heard:
                tell(source, method, at_us)

    def malformed(self, source: Hop, at_us: int) -> None:
        """A message came that cannot be read."""
        for tell in self._malformed:
            tell(source, at_us)

    def stray(self, source: Hop, at_us: int) -> None:
        """A message came that belongs to nothing."""
        for tell in self._stray:
            tell(source, at_us)

    def repeated(self, source: Hop, at_us: int) -> None:
        """A request came again."""
        for tell in self._repeated:
            tell(source, at_us)

    def stranger(self, source: Hop, count: int, at_us: int) -> None:
        """So many messages came that belong to no trunk group."""
        for tell in self._stranger:
            tell(source, count, at_us)

    def shed(self, source: Hop, trunk_group: str | None, provider: Ocn | None, count: int, at_us: int) -> None:
        """So many new calls were refused, or dropped, without being read."""
        for tell in self._shed:
            tell(source, trunk_group, provider, count, at_us)

    # -- what is wrong ------------------------------------------------------------------------------------------------

    @property
    def next_us(self) -> int:
        """When the detectors are to be asked again."""
        return self._next_us

    def due(self, at_us: int) -> Alerts:
        """Ask the detectors, where a second has passed since they were asked last."""
        if at_us < self._next_us:
            return NOTHING
        self._next_us = at_us + SECOND_US
        raised: list[Alert] = []
        for detector in self.detectors:
            for detection in detector.judge(at_us):
                alert = self._seen(detection, detector.clause)
                if alert is not None:
                    raised.append(alert)
        cleared = [
            replace(alert, cleared_us=at_us)
            for alert in self._up.values()
            if at_us - alert.seen_us >= self._clear_after_us
        ]
        for alert in cleared:
            del self._up[alert.detection.key]
            self._up_of_sources -= alert.detection.subject.kind is SubjectKind.SOURCE
        ongoing = tuple(list(self._up.values())[: len(self._up) - len(raised)])
        return Alerts(tuple(raised), ongoing, tuple(cleared))

    def _seen(self, detection: Detection, clause: str) -> Alert | None:
        """Note a detection. Gives the alert where it is a new one."""
        if detection.provider is not None:
            self._last_alert[detection.provider] = detection.at_us
            self._last_alert.move_to_end(detection.provider)
            if len(self._last_alert) > MOST_PROVIDERS:
                self._last_alert.popitem(last=False)
        key = detection.key
        known = self._up.get(key)
        if known is not None:
            peak = detection if detection.excess > known.peak.excess else known.peak
            self._up[key] = replace(known, detection=detection, peak=peak)
            return None
        of_source = detection.subject.kind is SubjectKind.SOURCE
        if len(self._up) >= MOST_ALERTS or (of_source and self._up_of_sources >= MOST_OF_SOURCES):
            return None
        self._up_of_sources += of_source
        self._count += 1
        alert = self._up[key] = Alert(self._count, clause, detection, detection, detection.at_us)
        return alert

    @property
    def active(self) -> tuple[Alert, ...]:
        """The alerts that are up, in the order in which they were raised."""
        return tuple(self._up.values())

    def quiet_since(self, ocn: Ocn) -> int:
        """Since when nothing was seen of a provider: its last detection, or the beginning of the watch."""
        return self._last_alert.get(ocn, self._began_us)
