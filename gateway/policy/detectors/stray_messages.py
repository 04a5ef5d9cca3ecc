"""Messages that belong to nothing: a storm of BYE, CANCEL or responses (L8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.policy.detectors.detector import Detection
from gateway.policy.detectors.source_rate import SourceRates, SourceRateSettings


class StrayMessages:
    """Counts stray messages by source. A few are usual after a restart, and where somebody's call has timed out."""

    name: Final = "stray_messages"
    clause: Final = "L8"

    def __init__(self, settings: SourceRateSettings) -> None:
        self._rates: Final = SourceRates(self.name, "stray messages", settings)

    def stray(self, source: Hop, at_us: int) -> None:
        self._rates.add(source, at_us)

    def judge(self, at_us: int) -> Iterable[Detection]:
        return self._rates.judge(at_us)
