"""The life of L8, every state by every step, as the agreement and the house's reading of it have it.

The table here is written from the words of the agreement, and not from the table of the code.
"""

from __future__ import annotations

import pytest
from standing_examples import CARRIERS, GROUPS, OFFENDER, OTHER, of_kind, step, way_to

from gateway.interconnection.denial_of_service import NORMAL, Scope, Standing, StandingBook, State, Step, StepKind

N, T, D, M, R, O = (  # noqa: E741 - a table is read at a glance
    *(State.NORMAL, State.THROTTLED, State.DISCONTINUED, State.REMEDIATED, State.RESTORED, State.DEDICATED),
)
LIFE: dict[StepKind, dict[State, State | None]] = {
    # A detector has this provider alone limited; where it is refused already there is nothing to limit.
    StepKind.THROTTLE: {N: T, T: None, D: None, M: None, R: None, O: None},
    StepKind.RELEASE: {N: None, T: N, D: None, M: None, R: None, O: None},
    # The host may discontinue whenever its service is denied or degraded. With the same scope once is enough.
    StepKind.DISCONTINUE: {N: D, T: D, D: None, M: D, R: D, O: D},
    # The partner removes the provider's traffic, and says so; the gateway itself sees none of it.
    StepKind.ATTEST: {N: None, T: None, D: D, M: None, R: None, O: None},
    StepKind.CLEAR: {N: None, T: None, D: None, M: None, R: None, O: None},  # not before it was attested: see below
    # Then the rest is accepted again.
    StepKind.RESTORE: {N: None, T: None, D: None, M: R, R: None, O: None},
    # After that the provider comes only on a trunk group of its own. An operator may also have it there from the first
    # day on, but not while it is refused. To the same trunk group once is enough.
    StepKind.CUTOVER: {N: O, T: O, D: None, M: None, R: O, O: None},
    # Whatever a step has led to can be undone: where each way leads back to is tested below.
    StepKind.UNDO: {N: None, T: N, D: N, M: D, R: M, O: N},
}
PAIRS = [(state, kind) for kind in StepKind for state in State]


def test_the_table_has_every_state_and_every_kind_of_step() -> None:
    assert set(LIFE) == set(StepKind)
    assert all(set(row) == set(State) for row in LIFE.values())


@pytest.mark.parametrize(("state", "kind"), PAIRS, ids=lambda value: value.value)
def test_a_step_leads_where_the_agreement_says_or_is_refused_with_the_reason(state: State, kind: StepKind) -> None:
    book = StandingBook(CARRIERS, way_to(state))
    assert book.standing_of(OFFENDER, 99).state is state
    taken = of_kind(kind, 100)
    said = book.objection_to(taken, GROUPS)
    leads_to = LIFE[kind][state]
    assert (said is None) is (leads_to is not None), said
    if said is not None:
        assert said.startswith((f"{OFFENDER} is ", f"no step of {OFFENDER} is in force"))
    else:
        book.add(taken)
        assert book.standing_of(OFFENDER, 100).state is leads_to
    assert book.standing_of(OFFENDER, 99).state is state


@pytest.mark.parametrize(("state", "kind"), PAIRS, ids=lambda value: value.value)
def test_a_step_that_stands_in_a_trail_against_the_table_changes_nothing(state: State, kind: StepKind) -> None:
    if LIFE[kind][state] is not None or (state, kind) in {(D, StepKind.DISCONTINUE), (O, StepKind.CUTOVER)}:
        return  # one that the table has; those two lead to the same again, from their own time on
    way = way_to(state)
    before = StandingBook(CARRIERS, way).standing_of(OFFENDER, 200)
    book = StandingBook(CARRIERS, [*way, of_kind(kind, 100)])
    assert book.standing_of(OFFENDER, 200) == before
    assert book.objection_to(step(200, StepKind.UNDO), GROUPS) == StandingBook(CARRIERS, way).objection_to(
        step(200, StepKind.UNDO), GROUPS
    )


@pytest.mark.parametrize("state", State, ids=lambda value: value.value)
def test_undone_step_by_step_a_provider_goes_back_the_way_that_it_came(state: State) -> None:
    way = way_to(state)
    book = StandingBook(CARRIERS, way)
    stood = [NORMAL, *(book.standing_of(OFFENDER, each.at_us) for each in way)]
    for place, before in enumerate(reversed(stood[:-1])):
        undo = step(100 + place, StepKind.UNDO)
        assert book.objection_to(undo, GROUPS) is None
        book.add(undo)
        assert book.standing_of(OFFENDER, undo.at_us) == before._replace(since_us=undo.at_us)
    assert book.objection_to(step(200, StepKind.UNDO), GROUPS) == (
        f"no step of {OFFENDER} is in force: there is nothing to undo"
    )


@pytest.mark.parametrize("state", State, ids=lambda value: value.value)
def test_the_state_that_the_sender_expects_is_the_one_or_the_step_is_refused(state: State) -> None:
    book = StandingBook(CARRIERS, way_to(state))
    for expected in State:
        for kind in StepKind:
            said = book.objection_to(of_kind(kind, 100), GROUPS, expected)
            if expected is state:
                assert said == book.objection_to(of_kind(kind, 100), GROUPS)
            else:
                assert said == f"{OFFENDER} is {state.value}, not {expected.value}: look again before you take the step"


def discontinue(at_us: int, scope: Scope | None) -> Step:
    return step(at_us, StepKind.DISCONTINUE, scope=scope)


def test_the_gateway_clears_a_provider_only_once_its_partner_has_attested_the_removal() -> None:
    book = StandingBook(CARRIERS, [discontinue(10, Scope.PARTNER)])
    clear = step(30, StepKind.CLEAR)
    assert book.objection_to(clear, GROUPS) == (
        f"{OFFENDER} is discontinued, and its partner has not attested the removal of its traffic"
    )
    book.add(step(20, StepKind.ATTEST))
    assert book.objection_to(clear, GROUPS) is None
    book.add(clear)
    assert book.standing_of(OFFENDER, 30) == Standing(M, 30, Scope.PARTNER, attested_us=20)


@pytest.mark.parametrize("scope", Scope)
def test_a_discontinuance_goes_over_to_the_other_scope_and_is_attested_anew(scope: Scope) -> None:
    other = next(each for each in Scope if each is not scope)
    book = StandingBook(CARRIERS, [discontinue(10, scope), step(20, StepKind.ATTEST)])
    assert (
        book.objection_to(discontinue(30, scope), GROUPS) == f"{OFFENDER} is discontinued already, with the same scope"
    )
    assert book.objection_to(discontinue(30, other), GROUPS) is None
    book.add(discontinue(30, other))
    assert book.standing_of(OFFENDER, 30) == Standing(D, 30, other)
    book.add(step(40, StepKind.UNDO))
    assert book.standing_of(OFFENDER, 40) == Standing(D, 40, scope, attested_us=20)


@pytest.mark.parametrize("scope", Scope)
def test_a_flood_after_the_remediation_is_discontinued_with_whatever_scope(scope: Scope) -> None:
    for before in Scope:
        way = [discontinue(10, before), step(20, StepKind.ATTEST), step(30, StepKind.CLEAR)]
        assert StandingBook(CARRIERS, way).objection_to(discontinue(40, scope), GROUPS) is None


def test_what_is_discontinued_must_be_said() -> None:
    assert StandingBook(CARRIERS).objection_to(discontinue(10, None), GROUPS) == (
        f"say what is discontinued for {OFFENDER}: provider or partner"
    )
    assert StandingBook(CARRIERS, [discontinue(10, None)]).standing_of(OFFENDER, 10) == NORMAL


def test_a_cut_over_must_name_its_trunk_group() -> None:
    cutover = step(10, StepKind.CUTOVER)
    said = StandingBook(CARRIERS).objection_to(cutover, GROUPS)
    assert said == "(none) is not a dedicated trunk group; there are: dedicated-1, dedicated-2"
    assert StandingBook(CARRIERS, [cutover]).standing_of(OFFENDER, 10) == NORMAL


def test_only_a_cut_over_gives_a_trunk_group_and_only_a_discontinuance_a_scope() -> None:
    book = StandingBook(CARRIERS, [step(10, StepKind.THROTTLE, scope=Scope.PARTNER, trunk_group="dedicated-1")])
    assert book.standing_of(OFFENDER, 10) == Standing(T, 10)
    assert book.owner_of("dedicated-1", 10) is None


def test_a_refused_step_says_what_can_be_done_instead() -> None:
    assert StandingBook(CARRIERS).objection_to(step(10, StepKind.RESTORE), GROUPS) == (
        f"{OFFENDER} is normal: restore leads nowhere from there; possible are cutover, discontinue, throttle"
    )
    assert StandingBook(CARRIERS, way_to(D)).objection_to(step(100, StepKind.CUTOVER), GROUPS) == (
        f"{OFFENDER} is discontinued: cutover leads nowhere from there; possible are discontinue, remediate"
    )


def test_a_step_dated_before_the_last_one_is_refused() -> None:
    book = StandingBook(CARRIERS, [discontinue(50, Scope.PROVIDER)])
    assert book.objection_to(step(49, StepKind.THROTTLE), GROUPS) == (
        f"the last step of {OFFENDER} is later than this one: set the clock right, then take it again"
    )
    assert book.objection_to(step(50, StepKind.ATTEST), GROUPS) is None
    assert book.objection_to(step(49, StepKind.THROTTLE, OTHER), GROUPS) is None


@pytest.mark.parametrize(
    "away",
    [step(20, StepKind.CUTOVER, trunk_group="dedicated-2"), discontinue(20, Scope.PROVIDER)],
    ids=["moved", "discontinued"],
)
def test_a_step_is_not_undone_onto_a_trunk_group_that_is_anothers_by_now(away: Step) -> None:
    taken_by_other = step(30, StepKind.CUTOVER, OTHER, trunk_group="dedicated-1")
    book = StandingBook(CARRIERS, [of_kind(StepKind.CUTOVER, 10), away])
    undo = step(40, StepKind.UNDO)
    assert book.objection_to(undo, GROUPS) is None
    assert book.objection_to(taken_by_other, GROUPS) is None
    book.add(taken_by_other)
    assert book.objection_to(undo, GROUPS) == (
        f"undone, {OFFENDER} would be on dedicated-1 again: "
        f"dedicated-1 is kept for {OTHER}: nobody else may use it (L8)"
    )
    book.add(step(35, StepKind.UNDO, OTHER))
    assert book.objection_to(undo, GROUPS) is None


def test_a_step_is_not_undone_onto_a_trunk_group_that_the_configuration_no_longer_has() -> None:
    book = StandingBook(CARRIERS, [of_kind(StepKind.CUTOVER, 10), discontinue(20, Scope.PROVIDER)])
    without = {name: each for name, each in GROUPS.items() if name != "dedicated-1"}
    assert book.objection_to(step(40, StepKind.UNDO), without) == (
        f"undone, {OFFENDER} would be on dedicated-1 again: dedicated-1 is not a dedicated trunk group; there are: "
        "dedicated-2"
    )
