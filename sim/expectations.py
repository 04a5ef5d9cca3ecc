"""What a step expects of its call, over SIP or on a circuit, held against what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from sim.act import finding_of
from sim.far_ends import Arrival
from sim.observation import DecisionSeen
from sim.ss7.facts import unexpected as unexpected_of_iam


class Expected(Protocol):
    """What both kinds of calls may be held to; see `sim.steps.StepExpect`."""

    @property
    def check(self) -> str | None: ...
    @property
    def verdict(self) -> str | None: ...
    @property
    def clause(self) -> str | None: ...
    @property
    def trunk_group(self) -> str | None: ...
    @property
    def received_by(self) -> str | None: ...
    @property
    def has(self) -> Sequence[str]: ...
    @property
    def lacks(self) -> Sequence[str]: ...
    @property
    def iam(self) -> Mapping[str, str]: ...


def unexpected(
    expect: Expected,
    decision: DecisionSeen | None,
    arrivals: Sequence[Arrival],
    seen_by_caller: Sequence[tuple[str, object, object]],
) -> Iterator[str]:
    """Where it came otherwise. `seen_by_caller` has, for each of its own expectations, name, wanted and got."""
    arrival = arrivals[0] if arrivals else None
    finding = finding_of(decision, expect.check)
    for what, wanted, got in (
        *seen_by_caller,
        ("received by", expect.received_by, None if arrival is None else arrival.at),
        ("trunk group", expect.trunk_group, None if decision is None else decision.trunk_group),
        ("verdict", expect.verdict, None if finding is None else finding.verdict),
        ("clause", expect.clause, None if finding is None else finding.clause),
    ):
        if wanted is not None and wanted != got:
            yield f"{what}: expected {wanted}, got {got}"
    yield from _of_invite(expect, arrival)
    if expect.iam and (arrival is None or arrival.iam is None):
        yield "no IAM arrived"
    elif expect.iam and arrival is not None and arrival.iam is not None:
        yield from unexpected_of_iam(expect.iam, arrival.iam)


def _of_invite(expect: Expected, arrival: Arrival | None) -> Iterator[str]:
    data = arrival.invite if arrival is not None else None
    invite = data.decode("utf-8", "replace") if data is not None else ""
    yield from (f"the INVITE arrived without {text!r}" for text in expect.has if text not in invite)
    yield from (f"the INVITE arrived with {text!r}" for text in expect.lacks if text in invite)
