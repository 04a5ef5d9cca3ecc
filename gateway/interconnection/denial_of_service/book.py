"""How every provider stands at any time: the dated trail of the steps taken (L8).

A call is judged by what was in force at its own time, so a live call and the same call read from a capture later get
the same answer.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service.standing import NORMAL, Standing, Step, standing_after
from gateway.interconnection.denial_of_service.states import TRANSITIONS, Scope, State, StepKind
from gateway.interconnection.trunk_groups import Side, TrunkGroup

_REFUSING_ALL: Final = frozenset({State.DISCONTINUED, State.REMEDIATED})


class _Trail:
    """The steps of one provider, oldest first, and how it stands after each."""

    __slots__ = ("standings", "steps", "times")

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.times: list[int] = []
        self.standings: list[Standing] = []

    def add(self, step: Step) -> None:
        insort(self.steps, step, key=lambda each: each.at_us)
        self.times = [each.at_us for each in self.steps]
        self.standings = list(_standings(self.steps))

    def at(self, at_us: int) -> Standing:
        times = self.times
        if not times or at_us < times[0]:
            return NORMAL
        if at_us >= times[-1]:
            return self.standings[-1]
        return self.standings[bisect_right(times, at_us) - 1]


def _standings(steps: Iterable[Step]) -> Iterator[Standing]:
    """How a provider stands after each of its steps. UNDO leads back to where the last step in force began."""
    before: list[Standing] = []
    standing = NORMAL
    for step in steps:
        if step.kind is StepKind.UNDO:
            standing = before.pop()._replace(since_us=step.at_us) if before else standing
        else:
            after = standing_after(standing, step)
            if after is not standing:
                before.append(standing)
            standing = after
        yield standing


class StandingBook:
    """How providers stand. Reading it costs a call one look into a dictionary where nothing was ever done."""

    def __init__(self, carriers: CarrierBook | None = None, steps: Iterable[Step] = ()) -> None:
        """`carriers` None: of none is anything known, and no step is without objection."""
        self._carriers: Final = carriers if carriers is not None else CarrierBook(())
        self._trails: Final[dict[Ocn, _Trail]] = {}
        self._on_group: Final[dict[str, set[Ocn]]] = {}
        """Providers that were ever cut over to a trunk group."""
        self._stopped: Final[dict[Ocn, set[Ocn]]] = {}
        """By partner, the providers for whose sake all its traffic was ever discontinued."""
        for step in steps:
            self.add(step)

    def add(self, step: Step) -> None:
        """A step was taken. It has been asked about (`objection_to`), or stands in a journal."""
        trail = self._trails.get(step.ocn)
        if trail is None:
            trail = self._trails[step.ocn] = _Trail()
        trail.add(step)
        if step.trunk_group is not None:
            self._on_group.setdefault(step.trunk_group, set()).add(step.ocn)
        carrier = self._carriers.get(step.ocn)
        if step.scope is Scope.PARTNER and carrier is not None and carrier.partner is not None:
            self._stopped.setdefault(carrier.partner, set()).add(step.ocn)

    def trail(self, ocn: Ocn | None = None) -> tuple[Step, ...]:
        """Every step, oldest first; of one provider, or of all."""
        trails = self._trails.values() if ocn is None else filter(None, (self._trails.get(ocn),))
        return tuple(sorted((step for trail in trails for step in trail.steps), key=lambda step: step.at_us))

    def standing_of(self, ocn: Ocn, at_us: int) -> Standing:
        """How a provider stands at a time."""
        trail = self._trails.get(ocn)
        return trail.at(at_us) if trail is not None else NORMAL

    def group_of(self, ocn: Ocn, at_us: int) -> str | None:
        """The dedicated trunk group of a provider at a time; None where it is not cut over."""
        return self.standing_of(ocn, at_us).trunk_group

    def owner_of(self, trunk_group: str, at_us: int) -> Ocn | None:
        """The provider that a dedicated trunk group is kept for at a time, or None if it is nobody's.

        No step without objection gives a group to two. Where a trail does all the same, it is the first one's, so that
        every gateway that reads the trail says the same.
        """
        held = [
            (standing.since_us, ocn)
            for ocn in self._on_group.get(trunk_group, ())
            if (standing := self.standing_of(ocn, at_us)).trunk_group == trunk_group
        ]
        return min(held)[1] if held else None

    def stopped_for(self, partner: Ocn, at_us: int) -> Ocn | None:
        """The provider for whose sake all traffic on a partner's trunks is discontinued; None where it is not."""
        for ocn in sorted(self._stopped.get(partner, ())):
            standing = self.standing_of(ocn, at_us)
            if standing.scope is Scope.PARTNER and standing.state in _REFUSING_ALL:
                return ocn
        return None

    def objection_to(
        self, step: Step, trunk_groups: Mapping[str, TrunkGroup], expected: State | None = None
    ) -> str | None:
        """Why a step cannot be taken, for the operator; None where nothing stands against it.

        `expected` is the state in which its sender takes the provider to be.
        """
        carrier = self._carriers.get(step.ocn)
        if carrier is None or carrier.kind is not CarrierKind.PROVIDER:
            return f"{step.ocn} is not a provider of this configuration; give one of its providers' OCNs"
        standing = self.standing_of(step.ocn, step.at_us)
        if expected is not None and standing.state is not expected:
            return f"{step.ocn} is {standing.state.value}, not {expected.value}: look again before you take the step"
        if step.kind is StepKind.UNDO:
            undone = standing is not NORMAL and self._can_undo(step.ocn)
            return None if undone else f"no step of {step.ocn} is in force: there is nothing to undo"
        if (standing.state, step.kind) not in TRANSITIONS:
            return f"{step.ocn} is {standing.state.value}: {_remedy(standing.state, step.kind)}"
        if step.kind is StepKind.DISCONTINUE and standing.scope is step.scope and step.scope is not None:
            return f"{step.ocn} is {standing.state.value} already, with the same scope"
        if step.kind is StepKind.CLEAR and standing.attested_us is None:
            return f"{step.ocn} is discontinued, and its partner has not attested the removal of its traffic"
        if step.kind is StepKind.CUTOVER:
            return self._objection_to_group(step, carrier, standing, trunk_groups)
        return None

    def _can_undo(self, ocn: Ocn) -> bool:
        """Whether a step is in force that was not undone."""
        trail = self._trails.get(ocn)
        if trail is None:
            return False
        depth, standing = 0, NORMAL
        for step, after in zip(trail.steps, trail.standings, strict=True):
            if step.kind is StepKind.UNDO:
                depth = max(depth - 1, 0)
            elif after is not standing:
                depth += 1
            standing = after
        return depth > 0

    def _objection_to_group(
        self, step: Step, carrier: Carrier, standing: Standing, trunk_groups: Mapping[str, TrunkGroup]
    ) -> str | None:
        name = step.trunk_group or ""
        if standing.trunk_group == name:
            return f"{step.ocn} is already cut over to {name}"
        group = trunk_groups.get(name)
        if group is None or not group.dedicated or group.side is not Side.PARTNER:
            dedicated = sorted(g.name for g in trunk_groups.values() if g.dedicated and g.carrier == carrier.partner)
            return f"{name} is not a dedicated trunk group; there are: {', '.join(dedicated) or 'none'}"
        if group.carrier != carrier.partner:
            return f"{name} belongs to {group.carrier}, and {step.ocn} comes over {carrier.partner}"
        owner = self.owner_of(name, step.at_us)
        if owner is not None:
            return f"{name} is kept for {owner}: nobody else may use it (L8)"
        return None


def _remedy(state: State, kind: StepKind) -> str:
    """What an operator can do in place of a step that the table does not have."""
    possible = sorted(other.value for at, other in TRANSITIONS if at is state)
    return f"{kind.value} leads nowhere from there; possible are {', '.join(possible)}"
