"""What was agreed on with whom: the limits that detectors hold calls against."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.interconnection.carriers import CarrierBook, Ocn
from gateway.interconnection.trunk_groups import TrunkGroup


class Contracts:
    """Contracted rates and calls in progress, of providers by OCN and of trunk groups by name; None where none is."""

    def __init__(self, carriers: CarrierBook | None = None, trunk_groups: Iterable[TrunkGroup] = ()) -> None:
        self.calls_per_s: Final[dict[Ocn, float]] = {}
        """Sustained rate of each provider that has a limit."""
        self.in_progress: Final[dict[Ocn, int]] = {}
        """Calls in progress of each provider that has a limit."""
        self.group_calls_per_s: Final[dict[str, float]] = {}
        """Sustained rate of each trunk group that has a limit."""
        self.group_in_progress: Final[dict[str, int]] = {}
        """Calls in progress of each trunk group: its capacity, or what its limit says, whichever is less."""
        for carrier in carriers if carriers is not None else ():
            if carrier.limit is not None:
                self.calls_per_s[carrier.ocn] = carrier.limit.sustained_per_s
                self.in_progress[carrier.ocn] = carrier.limit.in_progress
        for group in trunk_groups:
            limit = group.limit
            if limit is not None:
                self.group_calls_per_s[group.name] = limit.sustained_per_s
            allowed = [most for most in (group.capacity, limit.in_progress if limit else None) if most is not None]
            if allowed:
                self.group_in_progress[group.name] = min(allowed)
