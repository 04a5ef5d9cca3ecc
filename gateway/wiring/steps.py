"""Steps about providers and trunk groups: checked against what is in force, on the disk before they count, then in
force (L8). Those of an operator and those that the gateway takes by itself go the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from gateway.interconnection.blocking import Blocking
from gateway.interconnection.denial_of_service import Standing, StandingBook, Step
from gateway.interconnection.notices import Notice, NoticeMaker, Taken
from gateway.operations.configuration import Configuration
from gateway.operations.control_plane import Answer, KeyReused, Order, RequestKey, StepRefused
from gateway.policy.enforcement import not_enforced_on
from gateway.records.database import DatabaseFileError
from gateway.records.journal import Entry, OperatorJournal, step_of
from gateway.transport.clock import Clock
from gateway.wiring.declines import Declines
from gateway.wiring.engine import Policy
from gateway.wiring.journal_status import taken_status
from gateway.wiring.recommendations import Recommendations
from gateway.wiring.status import standing_status, timestamp

Evidence = Mapping[str, Any]
"""What the journal keeps of a bundle of evidence: its ``id``, and the SHA-256 of each of its ``files``."""


class StepEffects(Protocol):
    """What steps need of the gateway, and bring about there."""

    async def evidence(self, order: Order) -> Evidence | None:
        """Puts together what speaks for a step: of one that follows a recommendation, what was seen since. None where
        nothing need, or it cannot be kept. Raises nothing.
        """

    def calls_concerned(self, step: Step) -> int:
        """Calls that are up, or being set up, and that a step which is not in force yet would not let through."""

    def steps_changed(self, at_us: int) -> None:
        """A step is in force that may block circuits, or open them."""

    def step_taken(self, step: Step, entry: Entry) -> None:
        """A step about a provider is in force."""

    def at_exchange(self, trunk_group: str) -> dict[str, Any]:
        """How far a step has come at the exchange of a trunk group; nothing of one without circuits."""


class OperatorSteps:
    """Takes steps, one at a time, in the gateway's loop."""

    def __init__(
        self,
        configuration: Configuration,
        policy: Policy,
        journal: OperatorJournal,
        clock: Clock,
        notices: NoticeMaker,
        recommendations: Recommendations,
        declines: Declines,
        effects: StepEffects,
    ) -> None:
        self._groups: Final = {group.name: group for group in configuration.trunk_groups}
        self._carriers: Final = configuration.carriers
        self._policy: Final = policy
        self._journal: Final = journal
        self._clock: Final = clock
        self._notices: Final = notices
        self._recommendations: Final = recommendations
        self._declines: Final = declines
        self._effects: Final = effects
        self._one_at_a_time: Final = asyncio.Lock()

    # -- about providers ----------------------------------------------------------------------------------------------

    async def step(self, order: Order, key: RequestKey | None = None) -> dict[str, Any]:
        """Take a step about a provider, and say what is in force. Raises `StepRefused` and `KeyReused`."""
        async with self._one_at_a_time:
            known = self._answered_before(key)
            if known is not None:
                return known
            if order.approves is not None:
                self._must_be_recommended(order, order.approves)
            self._must_be_possible(self._step(order), order)  # before anything is written for it
            return self._take(order, key, await self._effects.evidence(order))

    async def take(self, order: Order, evidence: Evidence | None) -> dict[str, Any]:
        """Take a step that the gateway itself has come to. Raises `StepRefused`."""
        async with self._one_at_a_time:
            return self._take(order, None, evidence)

    async def approve(self, answer: Answer, key: RequestKey | None = None) -> dict[str, Any]:
        """Take the step that a recommendation asks for. Raises `StepRefused` and `KeyReused`."""
        async with self._one_at_a_time:
            known = self._answered_before(key)
            if known is not None:
                return known
            recommendation = self._open(answer.recommendation)
            step = step_of(recommendation)
            order = Order(
                kind=step.kind,
                ocn=step.ocn,
                who=answer.who,
                why=answer.why,
                scope=step.scope,
                trunk_group=step.trunk_group,
                drain_s=answer.drain_s if answer.drain_s is not None else step.drain_s,
                approves=recommendation.sequence,
                expected=answer.expected,
            )
            self._must_be_possible(self._step(order), order)
            return self._take(order, key, await self._effects.evidence(order))

    def dismiss(self, answer: Answer, key: RequestKey | None = None) -> dict[str, Any]:
        """Lay a recommendation aside. Raises `StepRefused` and `KeyReused`."""
        known = self._answered_before(key)
        if known is not None:
            return known
        recommendation = self._open(answer.recommendation)
        at_us = self._clock.now_us()
        said = {
            "at": timestamp(at_us),
            "recommendation": recommendation.sequence,
            "ocn": recommendation.subject,
            "who": answer.who,
            "why": answer.why,
        }
        declines = self._declines.by_dismissal(step_of(recommendation))
        entry = _written(
            lambda: self._journal.append_dismissal(
                recommendation, at_us, answer.who, answer.why, **_request(key), answer=said, declines=declines
            )
        )
        self._declines.note(entry)
        self._recommendations.answered(recommendation.sequence)
        return _said(entry, said)

    def _take(self, order: Order, key: RequestKey | None, evidence: Evidence | None) -> dict[str, Any]:
        step = self._step(order)
        self._must_be_possible(step, order)
        standings = self._policy.standings
        before, after = standings.standing_of(step.ocn, step.at_us), self._after(step)
        said = (
            taken_status(step)
            | {"before": standing_status(before), "after": standing_status(after)}
            | {"not_enforced_on": self._not_enforced_on(step, after)}
            | {"established_calls": self._effects.calls_concerned(step)}
            | {"evidence": evidence.get("id") if evidence is not None else None}
        )

        def notices_of(entry: Entry) -> Iterable[Notice]:
            bundle = evidence.get("id") if evidence is not None else None
            return self._notices.notices_of(Taken(step, entry.sequence, entry.hash, before, after, bundle))

        declines = self._declines.by_step(step, before, after)
        entry = _written(
            lambda: self._journal.append_step(
                step, **_request(key), answer=said, evidence=evidence, declines=declines, notices=notices_of
            )
        )
        standings.add(step)
        self._declines.note(entry)
        self._effects.steps_changed(step.at_us)
        self._effects.step_taken(step, entry)
        return _said(entry, said) | self._exchange_of(before, after)

    def _step(self, order: Order) -> Step:
        return Step(
            self._clock.now_us(),
            order.ocn,
            order.kind,
            order.who,
            order.why,
            order.scope,
            order.trunk_group,
            order.drain_s,
            order.approves,
        )

    def _must_be_possible(self, step: Step, order: Order) -> None:
        standings = self._policy.standings
        objection = standings.objection_to(step, self._groups, order.expected)
        if objection is not None:
            known = step.ocn in self._carriers
            raise StepRefused(objection, standings.standing_of(step.ocn, step.at_us).state if known else None)

    def _after(self, step: Step) -> Standing:
        """How the provider will stand."""
        trail = (*self._policy.standings.trail(step.ocn), step)
        return StandingBook(self._carriers, trail).standing_of(step.ocn, step.at_us)

    def _not_enforced_on(self, step: Step, after: Standing) -> list[str]:
        carrier = self._carriers.get(step.ocn)
        partner = carrier.partner if carrier is not None else None
        return list(not_enforced_on(after, partner, self._groups.values()))

    def _exchange_of(self, *standings: Standing) -> dict[str, Any]:
        groups = [standing.trunk_group for standing in standings if standing.trunk_group is not None]
        return self._effects.at_exchange(groups[-1]) if groups else {}

    def _open(self, number: int) -> Entry:
        waiting = {entry.sequence: entry for entry in self._recommendations.open}
        if number not in waiting:
            numbers = ", ".join(str(each) for each in waiting)
            raise StepRefused(f"{number} is not a recommendation that waits; there are: {numbers or 'none'}")
        return waiting[number]

    def _must_be_recommended(self, order: Order, number: int) -> None:
        step = step_of(self._open(number))
        if (step.kind, step.ocn) != (order.kind, order.ocn):
            raise StepRefused(f"recommendation {number} is to {step.kind.value} {step.ocn}: it is not what you ask for")

    # -- about trunk groups -------------------------------------------------------------------------------------------

    def block(
        self, trunk_group: str, blocked: bool, who: str, why: str, key: RequestKey | None = None
    ) -> dict[str, Any]:
        """Block the circuits of a trunk group, emergency calls excepted, or open them again (L8, L10).

        Raises `StepRefused` and `KeyReused`.
        """
        known = self._answered_before(key)
        if known is not None:
            return known
        step = Blocking(self._clock.now_us(), trunk_group, blocked, who, why)
        objection = self._policy.blockings.objection_to(step, self._groups)
        if objection is not None:
            raise StepRefused(objection)
        circuits = self._groups[trunk_group].circuits
        said = {
            "at": timestamp(step.at_us),
            "trunk_group": trunk_group,
            "blocked": blocked,
            "who": who,
            "why": why,
            "circuits": len(circuits) if circuits is not None else 0,
            "emergency_reserve": circuits.emergency_reserve if circuits is not None else 0,
        }
        entry = _written(lambda: self._journal.append_blocking(step, **_request(key), answer=said))
        self._policy.blockings.add(step)
        self._effects.steps_changed(step.at_us)
        return _said(entry, said) | self._effects.at_exchange(trunk_group)

    # -- requests that come again -------------------------------------------------------------------------------------

    def _answered_before(self, key: RequestKey | None) -> dict[str, Any] | None:
        """The answer to a request that was carried out under the same key; None where none was."""
        entry = self._journal.by_key(key.key) if key is not None else None
        if key is None or entry is None:
            return None
        if entry.request != key.digest or entry.answer is None:
            raise KeyReused(
                f"the idempotency key belongs to another request, which was carried out at {timestamp(entry.at_us)} "
                f"(entry {entry.sequence} of the journal); give each request a key of its own"
            )
        groups = (entry.answer.get("trunk_group"), (entry.answer.get("before") or {}).get("trunk_group"))
        group = next((each for each in groups if each is not None), None)
        return _said(entry, entry.answer) | (self._effects.at_exchange(group) if group is not None else {})


def _request(key: RequestKey | None) -> dict[str, Any]:
    return {"key": key.key, "request": key.digest} if key is not None else {}


def _said(entry: Entry, answer: Mapping[str, Any]) -> dict[str, Any]:
    """What the request is answered: with what only the entry itself can tell."""
    return {**answer, "entry": entry.sequence, "journal": str(entry.head)}


def _written(write: Any) -> Entry:
    """An entry that is on the disk."""
    try:
        entry: Entry = write()
    except DatabaseFileError as error:
        raise StepRefused(str(error)) from error
    return entry
