"""Messages a second of one source: what several detectors have in common.

A source is an IP address: whoever sends from a thousand ports of it is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.policy.detectors.counting import SlidingCount, Subjects
from gateway.policy.detectors.detector import Detection, Subject, SubjectKind

MOST_PORTS: Final = 64
"""Ports of a source that are told apart."""


@dataclass(frozen=True, slots=True)
class SourceRateSettings:
    enabled: bool = True
    per_s: float = 10
    """Messages a second of one source that are no flood."""
    window_s: float = 10
    """Seconds that they are counted over."""


class _Source:
    """What came from one address within the window."""

    __slots__ = ("count", "ports")

    def __init__(self, window_s: float) -> None:
        self.count = SlidingCount(window_s)
        self.ports: set[int] = set()


class SourceRates:
    """Counts the messages of each source, and gives a detection for those over the rate."""

    def __init__(self, detector: str, messages: str, settings: SourceRateSettings) -> None:
        """`messages` is what is counted, in the plural, for people."""
        self._detector: Final = detector
        self._messages: Final = messages
        self._settings: Final = settings
        self._sources: Final[Subjects[str, _Source]] = Subjects()

    def add(self, source: Hop, at_us: int, count: int = 1) -> None:
        """So many messages came; from port 0 where their ports were not told apart."""
        known = self._sources.get(source.host)
        if known is None:
            known = self._sources.put(source.host, _Source(self._settings.window_s))
        known.count.add(at_us, count)
        if source.port and len(known.ports) < MOST_PORTS:
            known.ports.add(source.port)

    def judge(self, at_us: int) -> Iterator[Detection]:
        """Every source that is over the rate. Sources of which nothing is left in the window are forgotten."""
        threshold = self._settings.per_s
        silent = []
        for host, source in self._sources.items():
            count = source.count.advance(at_us)
            if not count:
                silent.append(host)
            elif count - 1 > threshold * source.count.covered_s(at_us):  # so many, with one less time between them
                yield self._detection(host, source, at_us)
        for host in silent:
            self._sources.drop(host)

    def _detection(self, host: str, source: _Source, at_us: int) -> Detection:
        window_s, threshold = self._settings.window_s, self._settings.per_s
        rate, ports = source.count.total / source.count.covered_s(at_us), len(source.ports)
        several = f"{ports} or more ports" if ports >= MOST_PORTS else f"{ports} port{'' if ports == 1 else 's'}"
        where = f", from {several}" if ports else ""
        return Detection(
            self._detector,
            Subject(SubjectKind.SOURCE, host),
            None,
            at_us,
            source.count.since_us,
            (("messages_per_s", round(rate, 1)), ("threshold", threshold), ("ports", float(ports))),
            f"{rate:.1f} {self._messages}/s over {window_s:g} s{where}; over {threshold:g}/s",
            rate / threshold if threshold else rate,
            window_s,
        )
