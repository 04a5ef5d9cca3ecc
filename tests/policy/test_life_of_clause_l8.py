"""Steps in any order, and calls between them: what must hold in every life of clause L8 and L10."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from attempts import (
    AT_US,
    CALLED,
    DEDICATED_GROUP,
    HOST,
    HOST_GROUP,
    OTHER_PROVIDER,
    PARTNER,
    PARTNER_GROUP,
    PROVIDER,
    attempt,
)
from guides import CARRIERS, GUIDE, PORTED
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Scope, Standing, StandingBook, State, Step, StepKind
from gateway.interconnection.trunk_groups import TrunkGroup
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.checks import all_checks
from gateway.policy.engine import Engine
from gateway.policy.routing import Router
from gateway.policy.verdict import Finding, Outcome, Verdict

SAFETY_GROUP = replace(HOST_GROUP, name="safety")
SECOND_DEDICATED = replace(DEDICATED_GROUP, name="dedicated-2")
GROUPS = (DEDICATED_GROUP, SECOND_DEDICATED, PARTNER_GROUP, HOST_GROUP, SAFETY_GROUP)
BY_NAME = {group.name: group for group in GROUPS}
DEDICATED = (DEDICATED_GROUP, SECOND_DEDICATED)

NUMBERS: dict[Ocn, str] = {PROVIDER: "+13145550100", OTHER_PROVIDER: "+13145551100", PARTNER: "+13145552100"}
SUSPECTS = (PROVIDER, OTHER_PROVIDER)
STRANGERS = (PARTNER, HOST, Ocn("0000"))
"""Of whom no step can be taken."""

FROM_PARTNER = st.tuples(st.sampled_from([PARTNER_GROUP, *DEDICATED]), st.sampled_from([*NUMBERS]))


class Told:
    """A counting check that knows which calls it was told of."""

    name, clause = "told", "L8"

    def __init__(self) -> None:
        self.admitted_calls: list[CallAttempt] = []

    def judge(self, attempt: CallAttempt) -> Finding:  # noqa: ARG002
        return Finding(self.name, Verdict.PASS, self.clause)

    def admitted(self, attempt: CallAttempt) -> None:
        self.admitted_calls.append(attempt)

    def ended(self, attempt: CallAttempt, at_us: int) -> None:
        """Nothing is counted."""


class LifeOfClauseL8(RuleBasedStateMachine):
    """An operator, the gateway and callers, each doing what comes to mind."""

    def __init__(self) -> None:
        super().__init__()
        self.now_us = AT_US
        self.book = StandingBook(CARRIERS)
        self.router = Router(
            GROUPS, guide=GUIDE, ported=PORTED, standings=self.book, emergency_trunk_group=SAFETY_GROUP.name
        )
        checks = all_checks(guide=GUIDE, ported=PORTED, carriers=CARRIERS, standings=self.book, router=self.router)
        self.told = Told()
        self.engine = Engine((*checks, self.told), (self.told,), self.router)
        self.before: dict[Ocn, list[Standing]] = {ocn: [] for ocn in SUSPECTS}
        """How each stood before every step that is in force."""

    # -- steps --------------------------------------------------------------------------------------------------------

    @rule(
        ocn=st.sampled_from(SUSPECTS),
        kind=st.sampled_from(StepKind),
        scope=st.sampled_from(Scope) | st.none(),
        group=st.sampled_from(GROUPS).map(lambda group: group.name) | st.just("gone"),
        expected=st.none() | st.sampled_from(State),
        after_us=st.integers(0, 3),
    )
    def a_step_is_asked_for(
        self, ocn: Ocn, kind: StepKind, scope: Scope | None, group: str, expected: State | None, after_us: int
    ) -> None:
        self.now_us += after_us
        named = group if kind is StepKind.CUTOVER else None
        step = Step(self.now_us, ocn, kind, "operator", "flood", scope=scope, trunk_group=named)
        was = self.book.standing_of(ocn, self.now_us)
        if not self._taken(step, expected):
            return  # that nothing changed, the invariants see
        assert expected in (None, was.state)
        stands = self.book.standing_of(ocn, self.now_us)
        if kind is StepKind.UNDO:
            assert stands == self.before[ocn].pop()._replace(since_us=self.now_us)
        else:
            assert stands != was or after_us == 0
            self.before[ocn].append(was)

    def _taken(self, step: Step, expected: State | None = None) -> bool:
        """Takes a step, unless something stands against it."""
        if self.book.objection_to(step, BY_NAME, expected) is not None:
            return False
        self.book.add(step)
        return True

    @rule(ocn=st.sampled_from(SUSPECTS), group=st.sampled_from(DEDICATED).map(lambda group: group.name))
    def a_provider_is_cut_over_or_undone(self, ocn: Ocn, group: str) -> None:
        """So that trunk groups often go from hand to hand."""
        standing = self.book.standing_of(ocn, self.now_us)
        self.now_us += 1
        if self._taken(Step(self.now_us, ocn, StepKind.CUTOVER, "operator", "flood", trunk_group=group)):
            self.before[ocn].append(standing)
        elif self._taken(Step(self.now_us, ocn, StepKind.UNDO, "operator", "mistaken")):
            self.before[ocn].pop()

    @rule(ocn=st.sampled_from(SUSPECTS), after_us=st.integers(1, 3))
    def a_provider_lives_through_it_all(self, ocn: Ocn, after_us: int) -> None:
        """The way of the agreement, so that its late states are come to often."""
        following = {
            State.NORMAL: (StepKind.DISCONTINUE, Scope.PARTNER, None),
            State.THROTTLED: (StepKind.DISCONTINUE, Scope.PROVIDER, None),
            State.DISCONTINUED: (StepKind.ATTEST, None, None),
            State.REMEDIATED: (StepKind.RESTORE, None, None),
            State.RESTORED: (StepKind.CUTOVER, None, DEDICATED_GROUP.name),
            State.DEDICATED: (StepKind.CUTOVER, None, SECOND_DEDICATED.name),
        }
        standing = self.book.standing_of(ocn, self.now_us)
        kind, scope, group = following[standing.state]
        if standing.state is State.DISCONTINUED and standing.attested_us is not None:
            kind = StepKind.CLEAR
        self.now_us += after_us
        step = Step(self.now_us, ocn, kind, "operator", "flood", scope=scope, trunk_group=group)
        if self._taken(step):
            self.before[ocn].append(standing)

    @rule(ocn=st.sampled_from(STRANGERS), kind=st.sampled_from(StepKind))
    def a_step_about_no_provider_is_refused(self, ocn: Ocn, kind: StepKind) -> None:
        step = Step(self.now_us, ocn, kind, "operator", "flood", Scope.PARTNER, DEDICATED_GROUP.name)
        assert self.book.objection_to(step, BY_NAME) is not None

    # -- calls --------------------------------------------------------------------------------------------------------

    @rule(way=FROM_PARTNER)
    def a_call_comes_from_the_partner(self, way: tuple[TrunkGroup, Ocn]) -> None:
        ingress, ocn = way
        call = attempt(calling=NUMBERS[ocn], ingress=ingress, provider=ocn, at_us=self.now_us)
        admitted = self._is_admitted(call)
        if ingress.dedicated and admitted:
            assert self.book.owner_of(ingress.name, self.now_us) == ocn
        assert admitted is self._may_pass(ocn, ingress)

    @rule(called=st.sampled_from([*NUMBERS]))
    def a_call_comes_from_the_host(self, called: Ocn) -> None:
        call = attempt(calling=CALLED, called=NUMBERS[called], ingress=HOST_GROUP, provider=HOST, at_us=self.now_us)
        decision = self.engine.decide(call)
        if decision.egress is not None and decision.egress.dedicated:
            assert self.book.owner_of(decision.egress.name, self.now_us) == called
        leaves_on = BY_NAME[self.book.group_of(called, self.now_us) or PARTNER_GROUP.name]
        assert (decision.outcome is not Outcome.REFUSE) is self._may_pass(called, leaves_on)
        assert decision.egress in (None, leaves_on)

    @rule(ingress=st.sampled_from(GROUPS), ocn=st.sampled_from([*NUMBERS, None]))
    def an_emergency_call_is_never_refused(self, ingress: TrunkGroup, ocn: Ocn | None) -> None:
        calling = NUMBERS[ocn] if ocn is not None else "anonymous"
        call = attempt(calling=calling, called="911", emergency=True, ingress=ingress, provider=ocn, at_us=self.now_us)
        if ingress is SAFETY_GROUP:
            call = attempt(called=NUMBERS[PARTNER], emergency=True, ingress=ingress, provider=HOST, at_us=self.now_us)
        decision = self.engine.decide(call)
        assert decision.outcome is not Outcome.REFUSE
        by_standing = {finding.check: finding for finding in decision.findings}
        assert {by_standing[name].verdict for name in ("discontinuance", "trunk_group", "rate_limit")} == {Verdict.PASS}

    def _is_admitted(self, call: CallAttempt) -> bool:
        """Decides a call, which is counted if it goes on and else takes nothing from anyone."""
        told = len(self.told.admitted_calls)
        admitted = self.engine.decide(call).outcome is not Outcome.REFUSE
        assert len(self.told.admitted_calls) - told == admitted
        return admitted

    def _may_pass(self, ocn: Ocn, group: TrunkGroup) -> bool:
        """Whether L8 lets a call of a carrier, or to it, pass on a trunk group, by nothing but the standings."""
        stands = {suspect: self.book.standing_of(suspect, self.now_us) for suspect in SUSPECTS}
        refusing = (State.DISCONTINUED, State.REMEDIATED)
        if any(each.state in refusing and each.scope is Scope.PARTNER for each in stands.values()):
            return False
        own = stands.get(ocn)
        if own is None:
            return not group.dedicated
        if own.state is State.DEDICATED:
            return group.name == own.trunk_group
        return own.state in (State.NORMAL, State.THROTTLED) and not group.dedicated

    # -- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def the_book_is_where_the_steps_without_objection_have_led(self) -> None:
        in_force = {ocn: len(before) for ocn, before in self.before.items()}
        for ocn, steps in in_force.items():
            undo = Step(self.now_us, ocn, StepKind.UNDO, "operator", "mistaken")
            said = self.book.objection_to(undo, BY_NAME)
            assert (said is not None and "there is nothing to undo" in said) is (steps == 0)

    @invariant()
    def a_standing_says_what_belongs_to_its_state(self) -> None:
        for ocn in SUSPECTS:
            standing = self.book.standing_of(ocn, self.now_us)
            assert (standing.scope is not None) == (standing.state in (State.DISCONTINUED, State.REMEDIATED))
            assert (standing.trunk_group is not None) == (standing.state is State.DEDICATED)
            assert standing.attested_us is not None or standing.state is not State.REMEDIATED

    @invariant()
    def no_trunk_group_is_kept_for_two(self) -> None:
        held = [group for ocn in SUSPECTS if (group := self.book.group_of(ocn, self.now_us)) is not None]
        assert len(held) == len(set(held))

    @invariant()
    def the_trail_leads_anew_to_the_same_at_every_time(self) -> None:
        trail = self.book.trail()
        again = StandingBook(CARRIERS, trail)
        shuffled = StandingBook(CARRIERS, _mixed(trail))
        assert again.trail() == trail
        for at_us in {time for step in trail for time in (step.at_us - 1, step.at_us)} | {self.now_us}:
            for ocn in SUSPECTS:
                stands = self.book.standing_of(ocn, at_us)
                assert again.standing_of(ocn, at_us) == stands == shuffled.standing_of(ocn, at_us)
            for group in DEDICATED:
                assert again.owner_of(group.name, at_us) == shuffled.owner_of(group.name, at_us)
            assert again.stopped_for(PARTNER, at_us) == shuffled.stopped_for(PARTNER, at_us)
            assert again.next_after(at_us) == min((step.at_us for step in trail if step.at_us > at_us), default=None)


def _mixed(trail: tuple[Step, ...]) -> list[Step]:
    """The steps in another order, but for those of one time, whose order is all that there is."""
    times = list({step.at_us for step in trail})
    Random(len(trail)).shuffle(times)
    return [step for time in times for step in trail if step.at_us == time]


TestLifeOfClauseL8 = LifeOfClauseL8.TestCase
TestLifeOfClauseL8.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
