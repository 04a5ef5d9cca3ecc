"""Calls of those who belong to no trunk group, and whatever of theirs was dropped unread (L8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop
from gateway.policy.detectors.detector import Detection
from gateway.policy.detectors.source_rate import SourceRates, SourceRateSettings


class StrangerFlood:
    """Counts by source what `invite_flood` has neither provider nor trunk group for.

    Strangers are senders at an address that is no member's, and at ports of a member's that are not the member's.
    """

    name: Final = "stranger_flood"
    clause: Final = "L8"

    def __init__(self, settings: SourceRateSettings) -> None:
        self._rates: Final = SourceRates(self.name, "strangers' messages", settings)

    def stranger(self, source: Hop, count: int, at_us: int) -> None:
        self._rates.add(source, at_us, count)

    def shed(self, source: Hop, trunk_group: str | None, provider: Ocn | None, count: int, at_us: int) -> None:  # noqa: ARG002
        if trunk_group is None:
            self._rates.add(source, at_us, count)

    def judge(self, at_us: int) -> Iterable[Detection]:
        return self._rates.judge(at_us)
