"""The engine: one call attempt in, one decision out. The same for a live call and for one read from a capture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from gateway.interconnection.trunk_groups import Mode, TrunkGroup
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.check import Check, CountingCheck
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.routing import Router
from gateway.policy.verdict import Decision, Finding, Outcome, Refusal, Verdict

ENDS_JUDGING: Final = frozenset({"discontinuance", "trunk_group", "rate_limit"})
"""Checks whose enforced violation ends the judging: what floods must be refused before it costs more."""

NO_ROUTE: Final = Refusal(404, "No Trunk Group Leads There", 3)
NO_ROUTE_FINDING: Final = Finding(
    "route", Verdict.OUTSIDE, "L9", "no trunk group leads to the called number", refusal=NO_ROUTE
)
NO_CIRCUIT: Final = "ITU-T Q.850"
"""What a refusal for want of a circuit rests on: no clause of the agreement is broken."""
NO_ROOM_FINDING: Final = Finding(
    "capacity",
    Verdict.NO_CIRCUIT,
    NO_CIRCUIT,
    "the trunk group that the call came on, or the one that it would leave on, has as many calls as it may have",
    refusal=REFUSALS[Reason.NO_ROOM],
)
NO_MEMBER_FINDING: Final = Finding(
    "capacity",
    Verdict.NO_CIRCUIT,
    NO_CIRCUIT,
    "no member of the trunk group that leads to the called number is in service",
    refusal=REFUSALS[Reason.NO_MEMBER],
)
UNKNOWN_SOURCE: Final = Finding(
    "trunk_group",
    Verdict.WRONG_TRUNK_GROUP,
    "L9",
    "the call comes from an address that is a member of no trunk group",
    refusal=Refusal(403, "Not A Member Of A Trunk Group", 21),
)

_ENFORCE: Final = Mode.ENFORCE
_ADMIT: Final = Outcome.ADMIT

RoomFor = Callable[[CallAttempt, TrunkGroup], Finding | None]
"""Why a call cannot leave on a trunk group now; None where it can."""


class _Plan:
    """The checks of a trunk group, and what its calls share: a call that is up should not hold what all others hold."""

    def __init__(self, steps: tuple[tuple[Check, Mode], ...]) -> None:
        self.steps: Final = steps
        self.modes: Final = tuple(mode for _, mode in steps)
        self._last: tuple[Finding, ...] = ()

    def shared(self, findings: list[Finding]) -> tuple[Finding, ...]:
        """The findings of a call: the very object that the one before it has, where they are the same."""
        found = tuple(findings)
        if found != self._last:
            self._last = found
        return self._last


class Engine:
    """Decides calls. Synchronous and free of I/O; the only state is in the checks that count admitted calls."""

    def __init__(self, checks: Sequence[Check], counting: Sequence[CountingCheck], router: Router) -> None:
        """`checks` in the order in which they are run; `counting` those of them that must be told of admitted calls."""
        self.change(checks, counting, router)

    def change(self, checks: Sequence[Check], counting: Sequence[CountingCheck], router: Router) -> None:
        """Decide by these from the next call on. What counts must go on counting: hand in the same."""
        self._checks = tuple(checks)
        self._counting = tuple(counting)
        self._router = router
        self._plans: dict[str, _Plan] = {}

    def decide(self, attempt: CallAttempt, room_for: RoomFor | None = None) -> Decision:
        """The decision on a call, by what is in force at `attempt.at_us`.

        `room_for` is asked last, of a call that is to go on; None: every trunk group is taken to have room.
        An emergency call is judged like any other and never refused by a check, nor for want of room (L10); only where
        `room_for` knows no address at all to send it to.
        """
        ingress = attempt.ingress
        if ingress is None:
            return Decision(Outcome.REFUSE, None, (UNKNOWN_SOURCE,), (Mode.ENFORCE,), UNKNOWN_SOURCE, attempt.emergency)
        plan = self._plan_of(ingress)
        findings: list[Finding] = []
        refused_by: Finding | None = None
        for check, mode in plan.steps:
            try:
                finding = check.judge(attempt)
            except Exception as error:  # one faulty check must not stop the call, nor the others
                finding = _error(check, error)
            findings.append(finding)
            if finding.refusal is not None and mode is _ENFORCE and not attempt.emergency:
                if refused_by is None:
                    refused_by = finding
                if check.name in ENDS_JUDGING:
                    break
        return self._conclude(attempt, plan, findings, refused_by, room_for)

    def _conclude(
        self,
        attempt: CallAttempt,
        plan: _Plan,
        findings: list[Finding],
        refused_by: Finding | None,
        room_for: RoomFor | None,
    ) -> Decision:
        modes = plan.modes[: len(findings)]
        route = self._router.route_of(attempt) if refused_by is None else None
        if refused_by is None:
            if route is None:
                refused_by = NO_ROUTE_FINDING
            elif room_for is not None:
                refused_by = room_for(attempt, route.trunk_group)
            if refused_by is not None:
                findings.append(refused_by)
                modes = (*modes, _ENFORCE)
        if route is None or refused_by is not None:
            return Decision(Outcome.REFUSE, None, plan.shared(findings), modes, refused_by, attempt.emergency)
        for counting in self._counting:
            counting.admitted(attempt)
        outcome = Outcome.DIVERT if route.diverted else _ADMIT
        return Decision(outcome, route.trunk_group, plan.shared(findings), modes, None, attempt.emergency)

    def judge(self, attempt: CallAttempt) -> tuple[Finding, ...]:
        """Every check's finding, with nothing enforced, counted or routed: for a call that is not ours to decide."""
        findings = []
        for check in self._checks:
            try:
                findings.append(check.judge(attempt))
            except Exception as error:  # as above
                findings.append(_error(check, error))
        return tuple(findings)

    def ended(self, attempt: CallAttempt, at_us: int) -> None:
        """A call that was admitted or diverted is over."""
        for counting in self._counting:
            counting.ended(attempt, at_us)

    def _plan_of(self, ingress: TrunkGroup) -> _Plan:
        plan = self._plans.get(ingress.name)
        if plan is None:
            modes = ((check, ingress.mode_of(check.name)) for check in self._checks)
            plan = _Plan(tuple((check, mode) for check, mode in modes if mode is not Mode.OFF))
            self._plans[ingress.name] = plan
        return plan


def _error(check: Check, error: Exception) -> Finding:
    text = f"the check itself failed: {type(error).__name__}: {error}"
    return Finding(check.name, Verdict.ERROR, check.clause, text, refusal=REFUSALS[Reason.CHECK_FAILED])
