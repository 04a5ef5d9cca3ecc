"""Requests that come again and again although they were answered (L8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.policy.detectors.detector import Detection
from gateway.policy.detectors.source_rate import SourceRates, SourceRateSettings


class RetransmissionStorm:
    """Counts retransmissions by source. A few are usual; many are a flood, or a path that loses our answers."""

    name: Final = "retransmission_storm"
    clause: Final = "L8"

    def __init__(self, settings: SourceRateSettings) -> None:
        self._rates: Final = SourceRates(self.name, "retransmissions", settings)

    def repeated(self, source: Hop, at_us: int) -> None:
        self._rates.add(source, at_us)

    def judge(self, at_us: int) -> Iterable[Detection]:
        return self._rates.judge(at_us)
