"""Whose calls are refused while a provider, or its partner, is discontinued (L8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
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
    SECOND_US,
    attempt,
)
from guides import CARRIERS, GUIDE, OTHER_LRN, PORTED, PROVIDER_LRN

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Scope, StandingBook, Step, StepKind
from gateway.interconnection.trunk_groups import TrunkGroup
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.checks.discontinuance import Discontinuance
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.routing import Router
from gateway.policy.verdict import Verdict

OTHER_PARTNER = Ocn("7002")
OTHER_PARTNER_GROUP = replace(PARTNER_GROUP, name="partner-9", carrier=OTHER_PARTNER, home_switch="KSCYMO05DS0")
OTHERS_DEDICATED = replace(DEDICATED_GROUP, name="dedicated-2")
GROUPS = (PARTNER_GROUP, DEDICATED_GROUP, OTHERS_DEDICATED, OTHER_PARTNER_GROUP, HOST_GROUP)

TO_PROVIDER, TO_OTHER_PROVIDER, TO_PARTNER = "+13145550100", "+13145551100", "+13145552100"
TO_OTHER_PARTNER = "+18165550100"
"""On the switch behind which the other partner is; ported, unless the message says that it is not."""

P, D = Verdict.PASS, Verdict.DISCONTINUED


def step(after_us: int, kind: StepKind, scope: Scope | None = None, ocn: Ocn = PROVIDER) -> Step:
    group = DEDICATED_GROUP.name if kind is StepKind.CUTOVER else None
    return Step(AT_US + after_us, ocn, kind, "operator", "flood", scope=scope, trunk_group=group)


def trail(scope: Scope, *kinds: StepKind) -> list[Step]:
    """A discontinuance at the time of the calls less ten seconds, and what followed a second apart."""
    first = step(-10 * SECOND_US, StepKind.DISCONTINUE, scope)
    return [first, *(step((place - 9) * SECOND_US, kind) for place, kind in enumerate(kinds))]


REMEDIED = (StepKind.ATTEST, StepKind.CLEAR)
RESTORED = (*REMEDIED, StepKind.RESTORE)

TRAILS: dict[str, list[Step]] = {
    "normal": [],
    "throttled": [step(-SECOND_US, StepKind.THROTTLE)],
    "provider discontinued": trail(Scope.PROVIDER),
    "provider remediated": trail(Scope.PROVIDER, *REMEDIED),
    "partner discontinued": trail(Scope.PARTNER),
    "partner attested": trail(Scope.PARTNER, StepKind.ATTEST),
    "partner remediated": trail(Scope.PARTNER, *REMEDIED),
    "restored": trail(Scope.PARTNER, *RESTORED),
    "dedicated": trail(Scope.PARTNER, *RESTORED, StepKind.CUTOVER),
    "undone": trail(Scope.PARTNER, StepKind.UNDO),
}


def judging(steps: list[Step], *, groups: tuple[TrunkGroup, ...] = GROUPS) -> Discontinuance:
    book = StandingBook(CARRIERS, steps)
    return Discontinuance(book, Router(groups, guide=GUIDE, ported=PORTED, standings=book))


def from_host(called: str, **facts: Any) -> CallAttempt:
    return attempt(calling="+16365550199", called=called, ingress=HOST_GROUP, provider=HOST, **facts)


CALLS: dict[str, CallAttempt] = {
    "of it, on a shared group": attempt(),
    "of it, on a dedicated group": attempt(ingress=DEDICATED_GROUP),
    "of it, over another partner": attempt(ingress=OTHER_PARTNER_GROUP),
    "of another, on a shared group": attempt(provider=OTHER_PROVIDER),
    "of another, on a dedicated group": attempt(provider=OTHER_PROVIDER, ingress=OTHERS_DEDICATED),
    "of the partner itself": attempt(provider=PARTNER),
    "of nobody known": attempt(provider=None),
    "of another partner": attempt(provider=OTHER_PARTNER, ingress=OTHER_PARTNER_GROUP),
    "to it": from_host(TO_PROVIDER),
    "to it, ported in": from_host("+18165550123"),
    "to it, ported in by the message": from_host("+18165550188", rn=PROVIDER_LRN),
    "to it no more, ported out": from_host("+13145550177"),
    "to another": from_host(TO_OTHER_PROVIDER),
    "to the partner itself": from_host(TO_PARTNER),
    "to another partner": from_host(TO_OTHER_PARTNER, rn=OTHER_LRN),
}
EXPECTED: dict[str, dict[str, Verdict]] = {
    call: dict(zip(TRAILS, verdicts, strict=True))
    for call, verdicts in {
        # normal, throttled | provider: discontinued, remediated | partner: discontinued, attested, remediated |
        # restored | dedicated | undone
        "of it, on a shared group": (P, P, D, D, D, D, D, D, P, P),
        "of it, on a dedicated group": (P, P, D, D, D, D, D, P, P, P),
        "of it, over another partner": (P, P, D, D, D, D, D, D, P, P),
        "of another, on a shared group": (P, P, P, P, D, D, D, P, P, P),
        "of another, on a dedicated group": (P, P, P, P, D, D, D, P, P, P),
        "of the partner itself": (P, P, P, P, D, D, D, P, P, P),
        "of nobody known": (P, P, P, P, D, D, D, P, P, P),
        "of another partner": (P, P, P, P, P, P, P, P, P, P),
        "to it": (P, P, D, D, D, D, D, D, P, P),
        "to it, ported in": (P, P, D, D, D, D, D, D, P, P),
        "to it, ported in by the message": (P, P, D, D, D, D, D, D, P, P),
        "to it no more, ported out": (P, P, P, P, P, P, P, P, P, P),
        "to another": (P, P, P, P, D, D, D, P, P, P),
        "to the partner itself": (P, P, P, P, D, D, D, P, P, P),
        "to another partner": (P, P, P, P, P, P, P, P, P, P),
    }.items()
}
CASES = [(call, standing) for call in CALLS for standing in TRAILS]


@pytest.mark.parametrize(("call", "standing"), CASES)
def test_a_call_is_refused_by_how_its_provider_and_its_partner_stand(call: str, standing: str) -> None:
    finding = judging(TRAILS[standing]).judge(CALLS[call])
    assert finding.verdict is EXPECTED[call][standing], finding.text
    assert finding.clause == "L8"
    assert finding.refusal == (REFUSALS[Reason.DISCONTINUED] if finding.verdict is D else None)


@pytest.mark.parametrize(("call", "standing"), CASES)
def test_an_emergency_call_passes_however_anybody_stands(call: str, standing: str) -> None:
    emergency = replace(CALLS[call])
    emergency.emergency = True
    assert judging(TRAILS[standing]).judge(emergency).verdict is P


@pytest.mark.parametrize("scope", Scope)
def test_a_call_is_judged_by_the_steps_in_force_at_its_own_time(scope: Scope) -> None:
    check = judging([step(0, StepKind.DISCONTINUE, scope), step(SECOND_US, StepKind.UNDO)])
    for after_us, verdict in ((-1, P), (0, D), (SECOND_US - 1, D), (SECOND_US, P)):
        assert check.judge(attempt(at_us=AT_US + after_us)).verdict is verdict


@pytest.mark.parametrize(
    ("standing", "call", "said"),
    [
        ("provider discontinued", "to it", "OCN 901A is discontinued since 2025-10-09T08:53:10Z, scope provider"),
        ("partner attested", "to it", "OCN 901A is discontinued since 2025-10-09T08:53:10Z, scope partner"),
        ("provider remediated", "to it", "OCN 901A is remediated since 2025-10-09T08:53:12Z, scope provider"),
        (
            "partner discontinued",
            "to another",
            "all traffic on the trunks of OCN 7001 is discontinued for the sake of OCN 901A: discontinued since "
            "2025-10-09T08:53:10Z, scope partner",
        ),
        (
            "restored",
            "to it",
            "since 2025-10-09T08:53:13Z the partner of OCN 901A is accepted again, OCN 901A itself only on a trunk "
            "group of its own",
        ),
    ],
)
def test_the_finding_says_who_is_discontinued_since_when_and_how_far(standing: str, call: str, said: str) -> None:
    assert judging(TRAILS[standing]).judge(CALLS[call]).text == said


def test_every_call_that_one_step_refuses_shares_one_finding() -> None:
    check = judging(TRAILS["partner discontinued"])
    assert check.judge(attempt(provider=OTHER_PROVIDER)) is check.judge(attempt(provider=None))
    assert check.judge(attempt()) is check.judge(from_host(TO_PROVIDER))


def test_findings_of_long_ago_are_not_kept_for_ever() -> None:
    kinds = (StepKind.DISCONTINUE, StepKind.UNDO)
    steps = [step(2 * place + half, kinds[half], Scope.PROVIDER) for place in range(400) for half in range(2)]
    check = judging(steps)
    texts = {check.judge(attempt(at_us=AT_US + 2 * place)).verdict for place in range(400)}
    assert texts == {D}
    assert len(check._findings) <= 256


def test_of_what_is_not_known_nothing_is_refused() -> None:
    check = judging(TRAILS["provider discontinued"])
    assert check.judge(attempt(ingress=None)).verdict is Verdict.NOT_JUDGED
    assert check.judge(from_host("+12015550100")).verdict is P  # a code that nobody holds: no way leads there
    assert Discontinuance(None, None).judge(attempt()).verdict is P
    without_router = Discontinuance(StandingBook(CARRIERS, TRAILS["provider discontinued"]), None)
    assert without_router.judge(from_host(TO_PROVIDER)).verdict is P
    assert without_router.judge(attempt(called=CALLED)).verdict is D
