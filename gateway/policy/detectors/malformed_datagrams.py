"""Messages that cannot be read, one after the other (L8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.policy.detectors.detector import Detection
from gateway.policy.detectors.source_rate import SourceRates, SourceRateSettings


class MalformedDatagrams:
    """Counts malformed messages by source."""

    name: Final = "malformed_datagrams"
    clause: Final = "L8"

    def __init__(self, settings: SourceRateSettings) -> None:
        self._rates: Final = SourceRates(self.name, "malformed messages", settings)

    def malformed(self, source: Hop, at_us: int) -> None:
        self._rates.add(source, at_us)

    def judge(self, at_us: int) -> Iterable[Detection]:
        return self._rates.judge(at_us)
