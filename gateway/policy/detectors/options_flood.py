"""More OPTIONS a second than a probe needs (L8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.policy.detectors.detector import Detection
from gateway.policy.detectors.source_rate import SourceRates, SourceRateSettings


class OptionsFlood:
    """Counts OPTIONS by source."""

    name: Final = "options_flood"
    clause: Final = "L8"
    methods: Final = frozenset({b"OPTIONS"})

    def __init__(self, settings: SourceRateSettings) -> None:
        self._rates: Final = SourceRates(self.name, "OPTIONS", settings)

    def request(self, source: Hop, method: bytes, at_us: int) -> None:  # noqa: ARG002 - there is one method
        self._rates.add(source, at_us)

    def judge(self, at_us: int) -> Iterable[Detection]:
        return self._rates.judge(at_us)
