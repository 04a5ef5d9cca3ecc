"""Trunk groups that an operator took out of service: circuits blocked, emergency calls excepted (L8, L10).

A dated trail, as of the steps about providers: a call is judged by what was in force at its own time.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.interconnection.trunk_groups import TrunkGroup


@dataclass(frozen=True, slots=True)
class Blocking:
    """One step of an operator: from `at_us` on, the circuits of a trunk group are blocked, or open again."""

    at_us: int
    trunk_group: str
    blocked: bool
    who: str
    why: str


class BlockingBook:
    """What is blocked at any time."""

    def __init__(self, steps: Iterable[Blocking] = ()) -> None:
        self._by_group: dict[str, list[Blocking]] = {}
        for step in steps:
            self.add(step)

    def add(self, step: Blocking) -> None:
        insort(self._by_group.setdefault(step.trunk_group, []), step, key=lambda step: step.at_us)

    def trail(self) -> tuple[Blocking, ...]:
        """Every step, oldest first."""
        every = (step for steps in self._by_group.values() for step in steps)
        return tuple(sorted(every, key=lambda step: step.at_us))

    def is_blocked(self, trunk_group: str, at_us: int) -> bool:
        """Whether an operator has the group blocked at a time."""
        blocked = False
        for step in self._by_group.get(trunk_group, ()):
            if step.at_us > at_us:
                break
            blocked = step.blocked
        return blocked

    def objection_to(self, step: Blocking, trunk_groups: Mapping[str, TrunkGroup]) -> str | None:
        """Why a step cannot be taken, for the operator; None where nothing stands against it."""
        group = trunk_groups.get(step.trunk_group)
        if group is None or group.circuits is None:
            on_circuits = sorted(name for name, each in trunk_groups.items() if each.circuits is not None)
            return (
                f"{step.trunk_group} is not a trunk group with circuits; there are: {', '.join(on_circuits) or 'none'}"
            )
        if self.is_blocked(step.trunk_group, step.at_us) is step.blocked:
            return f"{step.trunk_group} is {'blocked already' if step.blocked else 'not blocked'}"
        return None
