"""The steps of an operator: checked against what is in force, on the disk before they count, then in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gateway.interconnection.blocking import Blocking
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Step, StepKind
from gateway.operations.configuration import Configuration
from gateway.operations.http_api import StepRefused
from gateway.records.database import DatabaseFileError
from gateway.records.journal import OperatorJournal
from gateway.transport.clock import Clock
from gateway.wiring.engine import Policy
from gateway.wiring.status import timestamp


class OperatorSteps:
    """Takes steps, one at a time, in the gateway's loop."""

    def __init__(
        self,
        configuration: Configuration,
        policy: Policy,
        journal: OperatorJournal,
        clock: Clock,
        circuits_changed: Callable[[int], None],
        at_exchange: Callable[[str], dict[str, Any]],
    ) -> None:
        """`circuits_changed` is called with the time after a step that may block circuits, or open them; `at_exchange`
        then says how far it has come at the exchange of a trunk group, and nothing of one that has no circuits.
        """
        self._groups: Final = {group.name: group for group in configuration.trunk_groups}
        self._policy: Final = policy
        self._journal: Final = journal
        self._clock: Final = clock
        self._circuits_changed: Final = circuits_changed
        self._at_exchange: Final = at_exchange

    def cutover(self, ocn: str, trunk_group: str | None, who: str, why: str) -> dict[str, Any]:
        """Cut a provider over to a dedicated trunk group (L8), or take its last step back. Established calls drain.

        Raises `StepRefused`.
        """
        kind = StepKind.UNDO if trunk_group is None else StepKind.CUTOVER
        step = Step(self._clock.now_us(), Ocn(ocn), kind, who, why, trunk_group=trunk_group)
        concerned = trunk_group or self._policy.standings.group_of(Ocn(ocn), step.at_us)
        self._journalled(step, self._policy.standings.objection_to(step, self._groups))
        self._policy.standings.add(step)
        self._circuits_changed(step.at_us)
        return {
            "at": timestamp(step.at_us),
            "ocn": ocn,
            "trunk_group": trunk_group,
            "who": who,
            "why": why,
            "established_calls_draining": self._policy.limiter.in_progress(Ocn(ocn)),
        } | (self._at_exchange(concerned) if concerned is not None else {})

    def block(self, trunk_group: str, blocked: bool, who: str, why: str) -> dict[str, Any]:
        """Block the circuits of a trunk group, emergency calls excepted, or open them again (L8, L10).

        Raises `StepRefused`.
        """
        step = Blocking(self._clock.now_us(), trunk_group, blocked, who, why)
        self._journalled(step, self._policy.blockings.objection_to(step, self._groups))
        self._policy.blockings.add(step)
        self._circuits_changed(step.at_us)
        circuits = self._groups[trunk_group].circuits
        return {
            "at": timestamp(step.at_us),
            "trunk_group": trunk_group,
            "blocked": blocked,
            "who": who,
            "why": why,
            "circuits": len(circuits) if circuits is not None else 0,
            "emergency_reserve": circuits.emergency_reserve if circuits is not None else 0,
        } | self._at_exchange(trunk_group)

    def _journalled(self, step: Step | Blocking, objection: str | None) -> None:
        """Have a step on the disk, unless something stands against it."""
        if objection is not None:
            raise StepRefused(objection)
        try:
            if isinstance(step, Step):
                self._journal.append_step(step)
            else:
                self._journal.append_blocking(step)
        except DatabaseFileError as error:
            raise StepRefused(str(error)) from error
