"""One step of the machine, and how a provider stands after it (L8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service.states import TRANSITIONS, Scope, State, StepKind


@dataclass(frozen=True, slots=True)
class Step:
    """From `at_us` on, this is so for a provider. Times are microseconds since the Unix epoch."""

    at_us: int
    ocn: Ocn
    kind: StepKind
    who: str
    """Who takes it; ``tollgate`` for what the gateway does, or finds, by itself."""
    why: str
    scope: Scope | None = None
    """DISCONTINUE: what is discontinued."""
    trunk_group: str | None = None
    """CUTOVER: the dedicated trunk group."""
    drain_s: int | None = None
    """DISCONTINUE and CUTOVER: established calls may go on for so long and are then ended; 0: they are ended at once.
    None: they are left to end by themselves."""
    approves: int | None = None
    """Number in the journal of the recommendation that this step follows."""


class Standing(NamedTuple):
    """How a provider stands at a time."""

    state: State
    since_us: int
    """When it came into this state; 0 for one of which no step tells."""
    scope: Scope | None = None
    """DISCONTINUED and REMEDIATED: what is refused."""
    trunk_group: str | None = None
    """DEDICATED: the provider's own trunk group."""
    attested_us: int | None = None
    """DISCONTINUED and REMEDIATED: when the partner attested the removal of the provider's traffic."""


NORMAL: Final = Standing(State.NORMAL, 0)
"""A provider of which no step tells."""


def standing_after(before: Standing, step: Step) -> Standing:
    """How a provider stands after a step of the table; as before, the very object, after any other.

    A step that lacks what its kind needs (DISCONTINUE its scope, CUTOVER its trunk group, CLEAR an attestation) is none
    of the table. A discontinuance anew is to be attested anew. UNDO is the book's work.
    """
    state = TRANSITIONS.get((before.state, step.kind))
    if state is None:
        return before
    if step.kind is StepKind.ATTEST:
        return before._replace(attested_us=step.at_us)
    if step.kind is StepKind.CLEAR:
        return before._replace(state=state, since_us=step.at_us) if before.attested_us is not None else before
    if step.kind is StepKind.DISCONTINUE:
        return Standing(state, step.at_us, scope=step.scope) if step.scope is not None else before
    if step.kind is StepKind.CUTOVER:
        return Standing(state, step.at_us, trunk_group=step.trunk_group) if step.trunk_group is not None else before
    return Standing(state, step.at_us)
