"""The trunk group that a provider may use (L8)."""

from __future__ import annotations

import pytest
from attempts import (
    AT_US,
    DEDICATED_GROUP,
    HOST_GROUP,
    OTHER_PROVIDER,
    PARTNER_GROUP,
    PROVIDER,
    SECOND_US,
    attempt,
)

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import StandingBook, Step, StepKind
from gateway.interconnection.trunk_groups import TrunkGroup
from gateway.policy.checks.trunk_group import TrunkGroupOfProvider
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Verdict


def cut_over(at_us: int, group: str | None = DEDICATED_GROUP.name) -> Step:
    kind = StepKind.UNDO if group is None else StepKind.CUTOVER
    return Step(at_us, PROVIDER, kind, "operator", "flood", trunk_group=group)


@pytest.mark.parametrize(
    ("ingress", "provider", "after_us", "verdict"),
    [
        (PARTNER_GROUP, PROVIDER, -1, Verdict.PASS),
        (PARTNER_GROUP, PROVIDER, 0, Verdict.WRONG_TRUNK_GROUP),
        (PARTNER_GROUP, PROVIDER, SECOND_US, Verdict.WRONG_TRUNK_GROUP),
        (PARTNER_GROUP, OTHER_PROVIDER, SECOND_US, Verdict.PASS),
        (PARTNER_GROUP, None, SECOND_US, Verdict.PASS),
        (DEDICATED_GROUP, PROVIDER, -1, Verdict.WRONG_TRUNK_GROUP),
        (DEDICATED_GROUP, PROVIDER, 0, Verdict.PASS),
        (DEDICATED_GROUP, PROVIDER, SECOND_US, Verdict.PASS),
        (DEDICATED_GROUP, OTHER_PROVIDER, -1, Verdict.WRONG_TRUNK_GROUP),
        (DEDICATED_GROUP, OTHER_PROVIDER, SECOND_US, Verdict.WRONG_TRUNK_GROUP),
        (DEDICATED_GROUP, None, SECOND_US, Verdict.WRONG_TRUNK_GROUP),
        (HOST_GROUP, PROVIDER, SECOND_US, Verdict.PASS),
    ],
)
def test_an_offender_comes_on_its_own_trunk_group_only_and_nobody_else_comes_on_it(
    ingress: TrunkGroup, provider: Ocn | None, after_us: int, verdict: Verdict
) -> None:
    check = TrunkGroupOfProvider(StandingBook(steps=[cut_over(AT_US)]))
    finding = check.judge(attempt(ingress=ingress, provider=provider, at_us=AT_US + after_us))
    assert finding.verdict is verdict
    assert finding.clause == "L8"
    if verdict.violation:
        assert finding.refusal == REFUSALS[Reason.WRONG_TRUNK_GROUP]


def test_a_cut_over_counts_from_the_moment_it_is_added_to_the_book() -> None:
    book = StandingBook()
    check = TrunkGroupOfProvider(book)
    assert check.judge(attempt()).verdict is Verdict.PASS
    book.add(cut_over(AT_US))
    assert check.judge(attempt()).verdict is Verdict.WRONG_TRUNK_GROUP


def test_a_step_taken_back_opens_the_shared_groups_again_and_closes_the_dedicated_one() -> None:
    check = TrunkGroupOfProvider(StandingBook(steps=[cut_over(AT_US - 2), cut_over(AT_US, None)]))
    assert check.judge(attempt(at_us=AT_US - 1)).verdict is Verdict.WRONG_TRUNK_GROUP
    assert check.judge(attempt(at_us=AT_US)).verdict is Verdict.PASS
    assert check.judge(attempt(at_us=AT_US, ingress=DEDICATED_GROUP)).verdict is Verdict.WRONG_TRUNK_GROUP


def test_an_emergency_call_passes_on_any_trunk_group() -> None:
    check = TrunkGroupOfProvider(StandingBook(steps=[cut_over(AT_US)]))
    assert check.judge(attempt(called="911", emergency=True)).verdict is Verdict.PASS
    assert check.judge(attempt(called="911", emergency=True, ingress=DEDICATED_GROUP)).verdict is Verdict.PASS


def test_without_cut_overs_every_shared_group_is_open_and_every_dedicated_one_closed() -> None:
    check = TrunkGroupOfProvider(None)
    assert check.judge(attempt()).verdict is Verdict.PASS
    assert check.judge(attempt(ingress=DEDICATED_GROUP)).verdict is Verdict.WRONG_TRUNK_GROUP
    assert check.judge(attempt(ingress=None)).verdict is Verdict.NOT_JUDGED
