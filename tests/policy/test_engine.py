"""The engine: which finding decides, what is told to whom, and what no check can do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest
from attempts import AT_US, DEDICATED_GROUP, HOST_GROUP, PARTNER_GROUP, PROVIDER, attempt
from guides import CARRIERS, GUIDE, PORTED
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, RateLimit
from gateway.interconnection.denial_of_service import StandingBook, Step, StepKind
from gateway.interconnection.trunk_groups import Mode, TrunkGroup
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.check import Check
from gateway.policy.checks import all_checks
from gateway.policy.checks.rate_limit import RateLimits
from gateway.policy.engine import ENDS_JUDGING, NO_ROUTE_FINDING, UNKNOWN_SOURCE, Engine
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.routing import Router
from gateway.policy.verdict import Finding, Outcome, Refusal, Verdict

CLAUSE: Final = "L0"


class SaysAlways:
    """A check that says the same of every call, and counts what it is asked and told."""

    clause: Final = CLAUSE

    def __init__(self, name: str, verdict: Verdict = Verdict.PASS, error: Exception | None = None) -> None:
        self.name: Final = name
        refusal = Refusal(403, name, 21) if verdict.violation else None
        self.finding: Final = Finding(name, verdict, CLAUSE, refusal=refusal)
        self.error: Final = error
        self.judged = 0
        self.told: list[str] = []

    def judge(self, attempt: CallAttempt) -> Finding:  # noqa: ARG002 - it says the same of every call
        self.judged += 1
        if self.error is not None:
            raise self.error
        return self.finding

    def admitted(self, attempt: CallAttempt) -> None:
        self.told.append(f"admitted {attempt.call_id}")

    def ended(self, attempt: CallAttempt, at_us: int) -> None:
        self.told.append(f"ended {attempt.call_id} at {at_us}")


def passes(name: str) -> SaysAlways:
    return SaysAlways(name)


def violates(name: str, verdict: Verdict = Verdict.ALTERED) -> SaysAlways:
    return SaysAlways(name, verdict)


def fails(name: str) -> SaysAlways:
    return SaysAlways(name, error=KeyError("a table is not as it should be"))


def engine(*checks: Check, counting: tuple[SaysAlways | RateLimits, ...] = (), **kept: Any) -> Engine:
    router = Router(
        kept.get("groups", (PARTNER_GROUP, DEDICATED_GROUP, HOST_GROUP)),
        guide=GUIDE,
        ported=PORTED,
        standings=kept.get("standings", StandingBook()),
        emergency_trunk_group=kept.get("emergency_trunk_group"),
    )
    return Engine(checks, counting, router)


def with_modes(default: Mode = Mode.ENFORCE, **modes: Mode) -> TrunkGroup:
    return replace(PARTNER_GROUP, default_mode=default, modes=modes)


def test_an_honest_call_is_admitted_with_every_finding_in_the_order_of_the_checks() -> None:
    checks = [passes("first"), passes("second"), SaysAlways("third", Verdict.WARN)]
    decision = engine(*checks).decide(attempt())
    assert decision.outcome is Outcome.ADMIT
    assert decision.egress is HOST_GROUP
    assert decision.findings == tuple(check.finding for check in checks)
    assert decision.modes == (Mode.ENFORCE,) * 3
    assert decision.refused_by is None
    assert not decision.emergency


def test_the_first_violation_refuses_and_the_later_checks_still_judge() -> None:
    checks = [passes("first"), violates("second"), violates("third"), passes("fourth")]
    decision = engine(*checks).decide(attempt())
    assert decision.outcome is Outcome.REFUSE
    assert decision.egress is None
    assert decision.refused_by is checks[1].finding
    assert [check.judged for check in checks] == [1, 1, 1, 1]
    assert len(decision.findings) == 4


@pytest.mark.parametrize("name", sorted(ENDS_JUDGING))
def test_what_floods_is_refused_before_any_later_check_is_asked(name: str) -> None:
    later = passes("later")
    decision = engine(passes("earlier"), violates(name), later).decide(attempt())
    assert decision.refused_by is not None
    assert decision.refused_by.check == name
    assert later.judged == 0
    assert [finding.check for finding in decision.findings] == ["earlier", name]


@pytest.mark.parametrize("name", sorted(ENDS_JUDGING))
@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        (attempt(ingress=with_modes(Mode.MONITOR)), Outcome.ADMIT),
        (attempt(emergency=True), Outcome.ADMIT),
        (attempt(ingress=with_modes(Mode.MONITOR, later=Mode.ENFORCE)), Outcome.ADMIT),
    ],
)
def test_a_flood_that_is_not_enforced_ends_no_judging(name: str, call: CallAttempt, outcome: Outcome) -> None:
    later = passes("later")
    assert engine(violates(name), later).decide(call).outcome is outcome
    assert later.judged == 1


def test_an_earlier_violation_is_the_one_that_refuses_though_a_flood_ends_the_judging() -> None:
    first, later = violates("first"), passes("later")
    decision = engine(first, violates("rate_limit"), later).decide(attempt())
    assert decision.refused_by is first.finding
    assert later.judged == 0


@pytest.mark.parametrize(
    ("mode", "outcome", "findings"),
    [(Mode.ENFORCE, Outcome.REFUSE, 2), (Mode.MONITOR, Outcome.ADMIT, 2), (Mode.OFF, Outcome.ADMIT, 1)],
)
def test_a_violation_is_enforced_only_watched_or_not_looked_for_by_the_trunk_groups_mode(
    mode: Mode, outcome: Outcome, findings: int
) -> None:
    check = violates("judged")
    decision = engine(check, passes("other")).decide(attempt(ingress=with_modes(judged=mode)))
    assert decision.outcome is outcome
    assert len(decision.findings) == len(decision.modes) == findings
    assert check.judged == (mode is not Mode.OFF)
    enforced = [judgement.finding for judgement in decision.judgements if judgement.enforced]
    assert enforced == ([check.finding] if mode is Mode.ENFORCE else [])


def test_each_trunk_group_has_modes_of_its_own() -> None:
    strict, lenient = with_modes(), replace(with_modes(Mode.MONITOR), name="lenient")
    decides = engine(violates("judged")).decide
    for _ in range(2):  # the second time from memory
        assert decides(attempt(ingress=strict)).outcome is Outcome.REFUSE
        assert decides(attempt(ingress=lenient)).outcome is Outcome.ADMIT


def test_a_check_that_fails_is_an_error_that_refuses_and_stops_no_other() -> None:
    faulty, later = fails("faulty"), violates("later")
    decision = engine(faulty, later).decide(attempt())
    assert decision.refused_by is decision.findings[0]
    assert decision.findings[0].verdict is Verdict.ERROR
    assert decision.findings[0].clause == CLAUSE
    assert decision.findings[0].refusal == REFUSALS[Reason.CHECK_FAILED]
    assert "KeyError: 'a table is not as it should be'" in decision.findings[0].text
    assert decision.findings[1] is later.finding


@pytest.mark.parametrize(("mode", "findings"), [(Mode.MONITOR, 1), (Mode.OFF, 0)])
def test_a_check_that_fails_refuses_nothing_where_it_is_not_enforced(mode: Mode, findings: int) -> None:
    decision = engine(fails("faulty")).decide(attempt(ingress=with_modes(mode)))
    assert decision.outcome is Outcome.ADMIT
    assert [finding.verdict for finding in decision.findings] == [Verdict.ERROR] * findings


NAMES = st.sampled_from(["one", "two", "three", "trunk_group", "rate_limit"])
CHECKS = st.lists(
    st.tuples(NAMES, st.sampled_from([*Verdict, None])), max_size=6, unique_by=lambda check: check[0]
).map(lambda pairs: [fails(name) if verdict is None else SaysAlways(name, verdict) for name, verdict in pairs])
MODES = st.dictionaries(NAMES, st.sampled_from(Mode))


@settings(max_examples=200)
@given(CHECKS, MODES, st.sampled_from(Mode), st.booleans())
def test_no_check_in_any_mode_refuses_an_emergency_call(
    checks: list[SaysAlways], modes: dict[str, Mode], default: Mode, routed: bool
) -> None:
    call = attempt(called="911", emergency=True, ingress=with_modes(default, **modes))
    decision = engine(*checks, emergency_trunk_group=HOST_GROUP.name if routed else None).decide(call)
    assert decision.outcome is (Outcome.DIVERT if routed else Outcome.ADMIT)
    assert decision.egress is HOST_GROUP
    assert decision.emergency
    assert decision.refused_by is None
    on = [check for check in checks if call.ingress is not None and call.ingress.mode_of(check.name) is not Mode.OFF]
    assert [finding.check for finding in decision.findings] == [check.name for check in on]


@settings(max_examples=200)
@given(CHECKS, MODES, st.sampled_from(Mode))
def test_a_call_is_refused_if_and_only_if_a_check_is_enforced_and_violated(
    checks: list[SaysAlways], modes: dict[str, Mode], default: Mode
) -> None:
    group = with_modes(default, **modes)
    decision = engine(*checks).decide(attempt(ingress=group))
    expected = [
        check.name
        for check in checks
        if group.mode_of(check.name) is Mode.ENFORCE and (check.error is not None or check.finding.verdict.violation)
    ]
    assert (decision.outcome is Outcome.REFUSE) == bool(expected)
    assert (decision.refused_by.check if decision.refused_by is not None else None) == next(iter(expected), None)
    assert decision.egress is (None if expected else HOST_GROUP)
    assert decision.modes == tuple(group.mode_of(finding.check) for finding in decision.findings)


def test_a_call_that_no_trunk_group_can_carry_is_refused_with_404() -> None:
    counting = passes("counting")
    decision = engine(counting, counting=(counting,), groups=(PARTNER_GROUP,)).decide(attempt())
    assert decision.outcome is Outcome.REFUSE
    assert decision.refused_by is NO_ROUTE_FINDING
    assert decision.refused_by.refusal is not None
    assert decision.refused_by.refusal.status == 404
    assert decision.findings == (counting.finding, NO_ROUTE_FINDING)
    assert decision.modes == (Mode.ENFORCE, Mode.ENFORCE)
    assert counting.told == []


def test_a_call_from_no_trunk_group_is_refused_unasked() -> None:
    check = passes("check")
    decision = engine(check, counting=(check,)).decide(attempt(ingress=None))
    assert decision.outcome is Outcome.REFUSE
    assert decision.refused_by is UNKNOWN_SOURCE
    assert check.judged == 0
    assert check.told == []


def test_a_refused_call_is_told_to_no_counting_check_and_an_admitted_one_once() -> None:
    counting = passes("counting")
    decides = engine(counting, violates("judged"), counting=(counting,)).decide
    decides(attempt())
    assert counting.told == []
    decides(attempt(ingress=replace(with_modes(judged=Mode.MONITOR), name="watched")))
    assert counting.told == ["admitted 1@192.0.2.10"]


def test_the_end_of_a_call_is_told_once_to_each_counting_check() -> None:
    counting, other = passes("counting"), passes("other")
    decides = engine(counting, other, counting=(counting, other))
    call = attempt()
    decides.decide(call)
    decides.ended(call, AT_US + 5)
    assert counting.told == other.told == ["admitted 1@192.0.2.10", f"ended 1@192.0.2.10 at {AT_US + 5}"]


def test_a_diverted_call_is_counted_like_an_admitted_one() -> None:
    counting = passes("counting")
    standings = StandingBook(
        steps=[Step(AT_US, PROVIDER, StepKind.CUTOVER, "operator", "flood", trunk_group=DEDICATED_GROUP.name)]
    )
    call = attempt(ingress=HOST_GROUP, provider=None, called="+13145550100")
    decision = engine(counting, counting=(counting,), standings=standings).decide(call)
    assert decision.outcome is Outcome.DIVERT
    assert decision.egress is DEDICATED_GROUP
    assert counting.told == ["admitted 1@192.0.2.10"]


def test_a_check_that_is_off_is_still_told_of_admitted_calls() -> None:
    """Who is counted is not who is judged: switched on again, the check must know what is in progress."""
    counting = passes("rate_limit")
    engine(counting, counting=(counting,)).decide(attempt(ingress=with_modes(Mode.OFF)))
    assert counting.told == ["admitted 1@192.0.2.10"]


@given(CHECKS)
def test_judging_asks_every_check_and_enforces_counts_and_routes_nothing(checks: list[SaysAlways]) -> None:
    counting = passes("counting")
    findings = engine(*checks, counting, counting=(counting,), groups=()).judge(attempt(ingress=None))
    assert [finding.check for finding in findings] == [check.name for check in (*checks, counting)]
    assert all(check.judged == 1 for check in checks)
    assert counting.told == []
    for check, finding in zip(checks, findings, strict=False):
        assert finding.verdict is (Verdict.ERROR if check.error is not None else check.finding.verdict)


def _limited_to(burst: int) -> CarrierBook:
    provider = Carrier(
        PROVIDER,
        "Provider",
        CarrierKind.PROVIDER,
        PARTNER_GROUP.carrier,
        numbering_agreement=True,
        confirmed_at_us=0,
        limit=RateLimit(1.0, burst, 100),
    )
    return CarrierBook([*(carrier for carrier in CARRIERS if carrier.ocn != PROVIDER), provider])


def test_with_the_real_checks_a_refused_call_takes_nothing_from_anyones_quota() -> None:
    checks = all_checks(guide=GUIDE, ported=PORTED, carriers=_limited_to(2), standings=StandingBook())
    limiter = next(check for check in checks if isinstance(check, RateLimits))
    decides = engine(*checks, counting=(limiter,)).decide
    for _ in range(5):
        assert decides(attempt(called="+18165550199")).outcome is Outcome.REFUSE  # outside the switch's area
    outcomes = [decides(attempt()).outcome for _ in range(3)]
    assert outcomes == [Outcome.ADMIT, Outcome.ADMIT, Outcome.REFUSE]
    assert limiter.in_progress(PROVIDER) == 2
    emergency = decides(attempt(called="911", emergency=True))
    assert emergency.outcome is Outcome.ADMIT
    assert emergency.egress is HOST_GROUP
