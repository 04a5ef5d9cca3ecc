"""How every provider stands at any time: the dated trail of the steps taken (L8).

A call is judged by what was in force at its own time, so a live call and the same call read from a capture later get
the same answer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service.standing import NORMAL, Standing, Step, standing_after
from gateway.interconnection.denial_of_service.states import TRANSITIONS, Scope, State, StepKind
from gateway.interconnection.trunk_groups import Side, TrunkGroup

_REFUSING_ALL: Final = frozenset({State.DISCONTINUED, State.REMEDIATED})
_BY_ITSELF: Final = frozenset({StepKind.CLEAR})
"""Steps that nobody takes: the gateway finds them."""


class _Trail:
    """The steps of one provider, oldest first, and how it stands after each."""

    __slots__ = ("_left", "standings", "steps", "times")

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.times: list[int] = []
        self.standings: list[Standing] = []
        self._left: list[Standing] = []
        """How it stood before each step that is in force, oldest first."""

    def add(self, step: Step) -> None:
        if not self.times or step.at_us >= self.times[-1]:
            self._append(step)
            return
        steps = sorted([*self.steps, step], key=lambda each: each.at_us)
        self.steps, self.times, self.standings, self._left = [], [], [], []
        for each in steps:
            self._append(each)

    def _append(self, step: Step) -> None:
        standing = self.standings[-1] if self.standings else NORMAL
        if step.kind is StepKind.UNDO:
            if self._left:
                standing = self._left.pop()._replace(since_us=step.at_us)
        else:
            after = standing_after(standing, step)
            if after is not standing:
                self._left.append(standing)
            standing = after
        self.steps.append(step)
        self.times.append(step.at_us)
        self.standings.append(standing)

    def at(self, at_us: int) -> Standing:
        times = self.times
        if at_us >= times[-1]:
            return self.standings[-1]
        before = bisect_right(times, at_us)
        return self.standings[before - 1] if before else NORMAL

    def undone(self) -> Standing | None:
        """How the provider would stand if its last step in force were undone; None where none is in force."""
        return self._left[-1] if self._left else None


class StandingBook:
    """How providers stand. Reading it costs a call one look into a dictionary where nothing was ever done."""

    def __init__(self, carriers: CarrierBook | None = None, steps: Iterable[Step] = ()) -> None:
        """`carriers` None: of none is anything known, and no step is without objection."""
        self._carriers: Final = carriers if carriers is not None else CarrierBook(())
        self._trails: Final[dict[Ocn, _Trail]] = {}
        self._on_group: Final[dict[str, set[Ocn]]] = {}
        """Providers that were ever cut over to a trunk group."""
        self._stopped: Final[dict[Ocn, tuple[Ocn, ...]]] = {}
        """By partner, the providers for whose sake all its traffic was ever discontinued."""
        self.ever_discontinued = False
        """Whether anybody was ever discontinued: where nobody was, no call need be looked at for it."""
        self.ever_stopped = False
        """Whether all traffic of a partner ever was."""
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
        if step.kind is StepKind.DISCONTINUE:
            self.ever_discontinued = True
            carrier = self._carriers.get(step.ocn)
            if step.scope is Scope.PARTNER and carrier is not None and carrier.partner is not None:
                self.ever_stopped = True
                stopped = self._stopped.get(carrier.partner, ())
                self._stopped[carrier.partner] = tuple(sorted({*stopped, step.ocn}))

    def trail(self, ocn: Ocn | None = None) -> tuple[Step, ...]:
        """Every step, oldest first; of one provider, or of all."""
        trails = self._trails.values() if ocn is None else filter(None, (self._trails.get(ocn),))
        return tuple(sorted((step for trail in trails for step in trail.steps), key=lambda step: step.at_us))

    def next_after(self, at_us: int) -> int | None:
        """When the first step after a time was taken; None where none was. In microseconds since the Unix epoch."""
        first: int | None = None
        for trail in self._trails.values():
            place = bisect_right(trail.times, at_us)
            if place < len(trail.times) and (first is None or trail.times[place] < first):
                first = trail.times[place]
        return first

    def standing_of(self, ocn: Ocn, at_us: int) -> Standing:
        """How a provider stands at a time."""
        trail = self._trails.get(ocn)
        return trail.at(at_us) if trail is not None else NORMAL

    def group_of(self, ocn: Ocn, at_us: int) -> str | None:
        """The dedicated trunk group of a provider at a time; None where it is not cut over."""
        trail = self._trails.get(ocn)
        return trail.at(at_us).trunk_group if trail is not None else None

    def owner_of(self, trunk_group: str, at_us: int) -> Ocn | None:
        """The provider that a dedicated trunk group is kept for at a time, or None if it is nobody's.

        No step without objection gives a group to two. Where a trail does all the same, it is the first one's, so that
        every gateway that reads the trail says the same.
        """
        owner: Ocn | None = None
        owned_since_us = 0
        for ocn in self._on_group.get(trunk_group, ()):
            standing = self.standing_of(ocn, at_us)
            if standing.trunk_group != trunk_group:
                continue
            if owner is None or (standing.since_us, ocn) < (owned_since_us, owner):
                owner, owned_since_us = ocn, standing.since_us
        return owner

    def stopped_for(self, partner: Ocn, at_us: int) -> Ocn | None:
        """The provider for whose sake all traffic on a partner's trunks is discontinued; None where it is not."""
        for ocn in self._stopped.get(partner, ()):
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
        trail = self._trails.get(step.ocn)
        if trail is not None and step.at_us < trail.times[-1]:
            return f"the last step of {step.ocn} is later than this one: set the clock right, then take it again"
        standing = self.standing_of(step.ocn, step.at_us)
        if expected is not None and standing.state is not expected:
            return f"{step.ocn} is {standing.state.value}, not {expected.value}: look again before you take the step"
        if step.kind is StepKind.UNDO:
            return self._objection_to_undo(step, carrier, trail.undone() if trail is not None else None, trunk_groups)
        if (standing.state, step.kind) not in TRANSITIONS:
            return f"{step.ocn} is {standing.state.value}: {_remedy(standing.state, step.kind)}"
        if step.kind is StepKind.DISCONTINUE:
            return _objection_to_scope(step, standing)
        if step.kind is StepKind.CLEAR and standing.attested_us is None:
            return f"{step.ocn} is discontinued, and its partner has not attested the removal of its traffic"
        if step.kind is StepKind.CUTOVER:
            if standing.trunk_group is not None and standing.trunk_group == step.trunk_group:
                return f"{step.ocn} is already cut over to {step.trunk_group}"
            return self._objection_to_group(step.trunk_group or "(none)", step, carrier, trunk_groups)
        return None

    def _objection_to_undo(
        self, step: Step, carrier: Carrier, undone: Standing | None, trunk_groups: Mapping[str, TrunkGroup]
    ) -> str | None:
        if undone is None:
            return f"no step of {step.ocn} is in force: there is nothing to undo"
        if undone.trunk_group is None or self.owner_of(undone.trunk_group, step.at_us) == step.ocn:
            return None
        objection = self._objection_to_group(undone.trunk_group, step, carrier, trunk_groups)
        return f"undone, {step.ocn} would be on {undone.trunk_group} again: {objection}" if objection else None

    def _objection_to_group(
        self, name: str, step: Step, carrier: Carrier, trunk_groups: Mapping[str, TrunkGroup]
    ) -> str | None:
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


def _objection_to_scope(step: Step, standing: Standing) -> str | None:
    if step.scope is None:
        return f"say what is discontinued for {step.ocn}: {' or '.join(scope.value for scope in Scope)}"
    if standing.state is State.DISCONTINUED and standing.scope is step.scope:
        return f"{step.ocn} is {standing.state.value} already, with the same scope"
    return None


def _remedy(state: State, kind: StepKind) -> str:
    """What an operator can do in place of a step that the table does not have."""
    possible = sorted(other.value for at, other in TRANSITIONS if at is state and other not in _BY_ITSELF)
    return f"{kind.value} leads nowhere from there; possible are {', '.join(possible)}"
