"""Ending the established calls that a step concerns, when their time is up (L8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import StandingBook, Step
from gateway.interconnection.trunk_groups import PARTNER_SIDE, TrunkGroup
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.checks.discontinuance import Discontinuance
from gateway.policy.checks.trunk_group import TrunkGroupOfProvider
from gateway.policy.enforcement import is_enforced
from gateway.policy.verdict import Verdict
from gateway.signalling.call import Call, Wanted
from gateway.wiring.engine import Policy

CAUSE: Final = 21
"""Call rejected (Q.850), as of a new call of whom is discontinued."""
_REFUSED: Final = frozenset({Verdict.DISCONTINUED, Verdict.WRONG_TRUNK_GROUP})


class Drains:
    """The steps after which established calls go on for a while, and are then ended.

    What is ended is what the step would have refused, as far as it would still be refused now: a step that was undone
    meanwhile, or followed by another, ends no call that may be up, nor one more of those that wait for their turn.
    """

    def __init__(self, policy: Policy, end_calls: Callable[[Wanted, int, str, int], None]) -> None:
        """`end_calls` ends the calls that are wanted, emergency calls excepted: with a cause, a text, at a time. Where
        many are, each is asked about again when it is its turn.
        """
        self._policy: Final = policy
        self._end_calls: Final = end_calls
        self._due: list[tuple[int, Step]] = []

    def begin(self, step: Step, at_us: int) -> None:
        """A step is in force. One whose calls are to end at once ends them."""
        self.foresee(step)
        self.end_due(at_us)

    def foresee(self, step: Step) -> None:
        """A step is, or will be, in force from its own time on."""
        if step.drain_s is not None:
            self._due.append((step.at_us + step.drain_s * 1_000_000, step))

    def end_due(self, at_us: int) -> None:
        """End the calls of the steps whose time is up."""
        due = [step for due_us, step in self._due if due_us <= at_us]
        if not due:
            return
        self._due = [each for each in self._due if each[0] > at_us]
        for step in due:
            text = f"L8 {step.kind.value} of OCN {step.ocn}"
            self._end_calls(StillRefused(self._policy, step), CAUSE, text, at_us)

    @property
    def next_us(self) -> int | None:
        """When calls are to be ended next; None: no step waits."""
        return min((due_us for due_us, _ in self._due), default=None)

    def waiting(self) -> Iterator[tuple[int, Step]]:
        """Steps whose calls are still to be ended, and when."""
        yield from self._due


class StillRefused:
    """Whether a call is to be ended for a step: it would have been refused by the step, and would still be."""

    def __init__(self, policy: Policy, step: Step) -> None:
        self._policy: Final = policy
        self._ocn: Final = step.ocn
        self._at_step: Final = Refusal(policy, step.ocn, step.at_us)
        self._now_us = step.at_us
        self._now = self._at_step

    def __call__(self, call: Call, at_us: int) -> bool:
        """As `Wanted` asks. Many calls are asked about at the same time, and fewer pass the first question."""
        if at_us != self._now_us:
            self._now_us, self._now = at_us, Refusal(self._policy, self._ocn, at_us)
        return self._now.concerns(call) and self._at_step.concerns(call)


class Refusal:
    """Which calls would be refused, were they set up at another time, by how one provider stands then.

    Made for one asking, of however many calls: what it once found it does not look up again.
    """

    def __init__(self, policy: Policy, ocn: Ocn, at_us: int, *more: Step) -> None:
        """`more`: steps about the provider that are not in force yet."""
        self._at_us: Final = at_us
        self._ocn: Final = ocn
        standings = StandingBook(policy.carriers, (*policy.standings.trail(ocn), *more))
        self._router: Final = policy.router_by(standings)
        self._discontinuance: Final = Discontinuance(standings, self._router)
        self._trunk_group: Final = TrunkGroupOfProvider(standings)
        self._own: Final = standings.group_of(ocn, at_us)
        self._from_partner: Final[dict[tuple[str, Ocn | None], bool]] = {}
        """By trunk group and provider: nothing else of such a call matters."""
        self._to_partner: Final[dict[tuple[str, str | None, str, str], bool]] = {}
        """By ingress and egress group, and by whose the called number is and the switch on which it is homed."""

    def concerns(self, call: Call) -> bool:
        """Whether the call would be refused, or would not go the way that it went; never an emergency call (L10)."""
        attempt = call.attempt
        ingress = attempt.ingress
        if ingress is None or attempt.emergency:
            return False
        if ingress.side is PARTNER_SIDE:
            of_caller = (ingress.name, attempt.provider)
            known = self._from_partner.get(of_caller)
            if known is None:
                known = self._from_partner[of_caller] = self._concerns_from_partner(attempt, ingress)
            return known
        row = self._router.row_of_called(attempt, self._at_us)
        if row is None:
            return False  # nobody's number: it is no provider's, and no way leads to it
        egress = call.decision.egress
        of_called = (ingress.name, egress.name if egress is not None else None, row.ocn, row.switch)
        known = self._to_partner.get(of_called)
        if known is None:
            known = self._to_partner[of_called] = self._concerns_to_partner(attempt, ingress, egress, Ocn(row.ocn))
        return known

    def _concerns_from_partner(self, attempt: CallAttempt, ingress: TrunkGroup) -> bool:
        attempt = replace(attempt, at_us=self._at_us)
        if self._is_discontinued(attempt, ingress):
            return True
        if attempt.provider != self._ocn and ingress.name != self._own:
            return False  # another's dedicated trunk group, of which this book does not know
        enforced = is_enforced(self._trunk_group.name, ingress)
        return enforced and self._trunk_group.judge(attempt).verdict in _REFUSED

    def _concerns_to_partner(
        self, attempt: CallAttempt, ingress: TrunkGroup, egress: TrunkGroup | None, holder: Ocn
    ) -> bool:
        if self._is_discontinued(replace(attempt, at_us=self._at_us), ingress):
            return True
        strays = self._own is not None and holder == self._ocn
        return strays and egress is not None and egress.name != self._own

    def _is_discontinued(self, attempt: CallAttempt, ingress: TrunkGroup) -> bool:
        enforced = is_enforced(self._discontinuance.name, ingress)
        return enforced and self._discontinuance.judge(attempt).verdict in _REFUSED
