"""Which trunk group a provider may use: the cut-over of an offender to a group of its own (L8).

The book is a dated trail, so that a call is judged by what was in force at its own time: a live call and the same call
read from a capture later get the same answer.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.interconnection.carriers import CarrierBook, CarrierKind, Ocn
from gateway.interconnection.trunk_groups import Side, TrunkGroup


@dataclass(frozen=True, slots=True)
class Cutover:
    """One step of an operator: from `at_us` on, `ocn` may come on `trunk_group` only.

    `trunk_group` None takes the step back: the provider may use the partner's shared groups again.
    """

    at_us: int
    ocn: Ocn
    trunk_group: str | None
    who: str
    why: str


class CutoverBook:
    """The cut-overs in force at any time."""

    def __init__(self, cutovers: Iterable[Cutover] = ()) -> None:
        self._by_ocn: dict[Ocn, list[Cutover]] = {}
        self._by_group: dict[str, set[Ocn]] = {}
        for cutover in cutovers:
            self.add(cutover)

    def add(self, cutover: Cutover) -> None:
        insort(self._by_ocn.setdefault(cutover.ocn, []), cutover, key=lambda step: step.at_us)
        if cutover.trunk_group is not None:
            self._by_group.setdefault(cutover.trunk_group, set()).add(cutover.ocn)

    def trail(self) -> tuple[Cutover, ...]:
        """Every step, oldest first."""
        return tuple(sorted((step for steps in self._by_ocn.values() for step in steps), key=lambda step: step.at_us))

    def group_of(self, ocn: Ocn, at_us: int) -> str | None:
        """The dedicated trunk group of a provider at a time, or None if it is not cut over."""
        step = self._in_force(ocn, at_us)
        return step.trunk_group if step is not None else None

    def owner_of(self, trunk_group: str, at_us: int) -> Ocn | None:
        """The provider that a dedicated trunk group is kept for at a time, or None if it is nobody's.

        No step without objection gives a group to two. Where a trail does all the same, it is the first one's, so that
        every gateway that reads the trail says the same.
        """
        on_it = (self._in_force(ocn, at_us) for ocn in self._by_group.get(trunk_group, ()))
        held = [step for step in on_it if step is not None and step.trunk_group == trunk_group]
        return min(held, key=lambda step: (step.at_us, step.ocn)).ocn if held else None

    def _in_force(self, ocn: Ocn, at_us: int) -> Cutover | None:
        """The last step of a provider up to a time."""
        in_force = None
        for step in self._by_ocn.get(ocn, ()):
            if step.at_us > at_us:
                break
            in_force = step
        return in_force

    def objection_to(self, step: Cutover, carriers: CarrierBook, trunk_groups: Mapping[str, TrunkGroup]) -> str | None:
        """Why a step cannot be taken, for the operator; None where nothing stands against it."""
        carrier = carriers.get(step.ocn)
        if carrier is None or carrier.kind is not CarrierKind.PROVIDER:
            return f"{step.ocn} is not a provider of this configuration; cut over one of its providers' OCNs"
        now_on = self.group_of(step.ocn, step.at_us)
        if step.trunk_group is None:
            return None if now_on is not None else f"{step.ocn} is not cut over: there is nothing to take back"
        if now_on == step.trunk_group:
            return f"{step.ocn} is already cut over to {step.trunk_group}"
        group = trunk_groups.get(step.trunk_group)
        if group is None or not group.dedicated or group.side is not Side.PARTNER:
            dedicated = sorted(g.name for g in trunk_groups.values() if g.dedicated and g.carrier == carrier.partner)
            return f"{step.trunk_group} is not a dedicated trunk group; there are: {', '.join(dedicated) or 'none'}"
        if group.carrier != carrier.partner:
            return f"{step.trunk_group} belongs to {group.carrier}, and {step.ocn} comes over {carrier.partner}"
        owner = self.owner_of(step.trunk_group, step.at_us)
        if owner is not None:
            return f"{step.trunk_group} is kept for {owner}: nobody else may use it (L8)"
        return None
