"""What follows from alerts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from attempts import AT_US, HOST, OTHER_PROVIDER, PARTNER, PROVIDER, SECOND_US

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service import NORMAL, Scope, Standing, State, StepKind
from gateway.policy.detectors.detector import Detection, Subject, SubjectKind
from gateway.policy.response_plan import Response, ResponsePlan, ResponseSettings
from gateway.policy.watch import Alert

THIRD_PROVIDER, ELSEWHERE = Ocn("903C"), Ocn("905E")
CARRIERS = CarrierBook(
    [
        Carrier(PARTNER, "the partner", CarrierKind.PARTNER),
        Carrier(HOST, "the host", CarrierKind.HOST),
        Carrier(PROVIDER, "a provider", CarrierKind.PROVIDER, PARTNER),
        Carrier(OTHER_PROVIDER, "another", CarrierKind.PROVIDER, PARTNER),
        Carrier(THIRD_PROVIDER, "a third", CarrierKind.PROVIDER, PARTNER),
        Carrier(ELSEWHERE, "another partner's", CarrierKind.PROVIDER, Ocn("7002")),
    ]
)
NOW_US = AT_US + 1_000 * SECOND_US


def alert(
    provider: Ocn | None = PROVIDER,
    *,
    kind: SubjectKind = SubjectKind.PROVIDER,
    detector: str = "invite_flood",
    clause: str = "L8",
    raised_s: float = 900,
    seen_s: float = 1_000,
    memory_s: float = 0,
    trunk_group: str | None = None,
    figures: tuple[tuple[str, float], ...] = (),
) -> Alert:
    """An alert that was raised, and seen last, so many seconds after `AT_US`."""
    seen_us = AT_US + round(seen_s * SECOND_US)
    detection = Detection(
        detector,
        Subject(kind, provider or "x"),
        provider,
        seen_us,
        seen_us,
        figures,
        "many calls",
        2,
        memory_s,
        trunk_group,
    )
    return Alert(1, clause, detection, detection, AT_US + round(raised_s * SECOND_US))


def respond(
    *alerts: Alert,
    standing: Standing = NORMAL,
    quiet_s: float = 0,
    settings: ResponseSettings | None = None,
    emergency_trunk_group: str | None = None,
) -> Response:
    """What follows at `NOW_US`, where `PROVIDER` stands as given, and was seen last so many seconds after `AT_US`."""
    plan = ResponsePlan(settings or ResponseSettings(), CARRIERS, emergency_trunk_group)
    return plan.respond(
        alerts,
        lambda ocn, _: standing if ocn == PROVIDER else NORMAL,
        lambda _: AT_US + round(quiet_s * SECOND_US),
        NOW_US,
    )


def standing(state: State, since_s: float = 900) -> Standing:
    return Standing(state, AT_US + round(since_s * SECOND_US), trunk_group="dedicated-1")


def test_a_normal_provider_with_an_alert_is_to_be_throttled() -> None:
    (proposal,) = respond(alert()).proposals
    assert (proposal.kind, proposal.ocn, proposal.scope) == (StepKind.THROTTLE, PROVIDER, None)
    assert proposal.why == "invite_flood: many calls"
    assert len(proposal.alerts) == 1


def test_several_alerts_of_one_provider_call_for_one_step() -> None:
    names = ["invite_flood", "short_calls", "asr_acd", "calling_share", "calls_in_progress"]
    (proposal,) = respond(*(alert(detector=name) for name in names)).proposals
    assert len(proposal.alerts) == 5
    assert proposal.why.endswith("asr_acd: many calls; and 2 more")


@pytest.mark.parametrize(
    ("raised_s", "throttled_s", "seen_s", "memory_s", "escalated"),
    [
        (900, 900, 960, 0, True),  # sixty seconds later
        (900, 900, 959, 0, False),
        (500, 941, 1_000, 0, False),  # the throttle counts, not the alert from before it
        (500, 940, 1_000, 0, True),
        (970, 500, 1_000, 0, False),  # and a new alert counts from its beginning
        (500, 600, 1_000, 300, True),  # what was seen before the throttle is out of the window by now
        (500, 700, 1_000, 300, False),
    ],
)
def test_a_throttled_provider_that_goes_on_is_to_be_discontinued(
    raised_s: float, throttled_s: float, seen_s: float, memory_s: float, escalated: bool
) -> None:
    one = alert(raised_s=raised_s, seen_s=seen_s, memory_s=memory_s)
    proposals = respond(one, standing=standing(State.THROTTLED, throttled_s)).proposals
    assert [proposal.kind for proposal in proposals] == [StepKind.DISCONTINUE] * escalated
    if escalated:
        assert proposals[0].scope is Scope.PROVIDER
        assert proposals[0].why == "still so 60 s after it was throttled: invite_flood: many calls"


def test_what_is_discontinued_is_a_setting() -> None:
    settings = ResponseSettings(discontinue_scope=Scope.PARTNER)
    (proposal,) = respond(alert(), standing=standing(State.THROTTLED), settings=settings).proposals
    assert proposal.scope is Scope.PARTNER


@pytest.mark.parametrize(
    ("throttled_s", "quiet_s", "released"),
    [(500, 700, True), (700, 500, True), (701, 500, False), (500, 701, False)],
)
def test_a_throttled_provider_that_is_quiet_is_to_be_released(
    throttled_s: float, quiet_s: float, released: bool
) -> None:
    proposals = respond(standing=standing(State.THROTTLED, throttled_s), quiet_s=quiet_s).proposals
    assert [proposal.kind for proposal in proposals] == [StepKind.RELEASE] * released


def test_a_throttled_provider_with_an_alert_is_not_released() -> None:
    assert respond(alert(seen_s=901), standing=standing(State.THROTTLED, 500), quiet_s=0).proposals == ()


@pytest.mark.parametrize("state", [State.DISCONTINUED, State.REMEDIATED, State.RESTORED, State.DEDICATED])
def test_of_a_provider_that_is_refused_or_on_its_own_group_the_operator_is_told(state: State) -> None:
    response = respond(alert(), standing=standing(state))
    assert response.proposals == ()
    (advice,) = response.advice
    expected = "own trunk group dedicated-1" if state is State.DEDICATED else f"is {state.value} already"
    assert expected in advice.text


@pytest.mark.parametrize("state", list(State))
def test_emergency_calls_never_lead_to_a_step(state: State) -> None:
    one = alert(kind=SubjectKind.TRUNK_GROUP, detector="emergency_flood", clause="L10", raised_s=1)
    response = respond(one, standing=standing(state, since_s=999), quiet_s=999)
    assert response.proposals == ()
    assert "set emergency_trunk_group" in response.advice[0].text
    routed = respond(one, emergency_trunk_group="PSAP-1", standing=standing(state, since_s=999), quiet_s=999)
    assert "they leave on PSAP-1" in routed.advice[0].text


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (alert(None, kind=SubjectKind.TRUNK_GROUP, trunk_group="partner-1"), "on trunk group partner-1"),
        (alert(None, kind=SubjectKind.SOURCE, detector="register_flood"), "block the address"),
        (alert(None, kind=SubjectKind.CALLING_NUMBER), "discontinue all traffic on the partner's trunks"),
        (alert(Ocn("9999")), "OCN 9999 is not in the configuration"),
        (alert(PARTNER), "is a partner and no provider"),
        (alert(HOST), "is the host itself"),
    ],
)
def test_where_no_provider_is_known_there_is_no_step_and_the_operator_is_told_what_he_can_do(
    one: Alert, expected: str
) -> None:
    response = respond(one)
    assert response.proposals == ()
    assert expected in response.advice[0].text
    assert response.advice[0].alert == one


def test_asking_twice_gives_the_same_twice() -> None:
    alerts = (alert(), alert(OTHER_PROVIDER), replace(alert(None, kind=SubjectKind.SOURCE), number=2))
    assert respond(*alerts) == respond(*alerts)
    assert {proposal.ocn for proposal in respond(*alerts).proposals} == {PROVIDER, OTHER_PROVIDER}


def of_many(trunk_group: str = "shared-1", providers: float = 3) -> Alert:
    """The flood of a trunk group whose calls show the numbers of several providers."""
    return alert(None, kind=SubjectKind.TRUNK_GROUP, trunk_group=trunk_group, figures=(("providers", providers),))


def test_a_flood_under_many_providers_numbers_leads_to_no_step_against_them() -> None:
    several = (of_many(), alert(PROVIDER), alert(OTHER_PROVIDER), alert(PROVIDER, detector="short_calls"))
    response = respond(*several)
    assert response.proposals == ()
    assert {advice.alert.provider for advice in response.advice} == {None, PROVIDER, OTHER_PROVIDER}
    assert all("might hit the wrong one" in advice.text for advice in response.advice)


def test_one_provider_over_its_limits_on_a_busy_trunk_group_is_the_one() -> None:
    (proposal,) = respond(of_many(), alert(PROVIDER)).proposals
    assert proposal.ocn == PROVIDER


def test_what_a_provider_does_on_another_trunk_group_counts_against_it_all_the_same() -> None:
    own = alert(PROVIDER, kind=SubjectKind.TRUNK_GROUP, trunk_group="shared-2")
    (proposal,) = respond(of_many(), alert(PROVIDER), alert(OTHER_PROVIDER), own).proposals
    assert (proposal.ocn, proposal.alerts) == (PROVIDER, (own,))


@pytest.mark.parametrize("providers", [0, 1])
def test_a_flood_of_no_known_provider_accuses_nobody_less(providers: float) -> None:
    response = respond(of_many(providers=providers), alert(PROVIDER), alert(OTHER_PROVIDER))
    assert {proposal.ocn for proposal in response.proposals} == {PROVIDER, OTHER_PROVIDER}


def test_many_providers_of_one_partner_that_begin_at_once_are_one_senders_numbers() -> None:
    three = alert(PROVIDER, raised_s=900), alert(OTHER_PROVIDER, raised_s=902), alert(THIRD_PROVIDER, raised_s=905)
    response = respond(*three)
    assert response.proposals == ()
    assert {advice.alert.provider for advice in response.advice} == {PROVIDER, OTHER_PROVIDER, THIRD_PROVIDER}
    assert all("cannot be laid to one provider" in advice.text for advice in response.advice)
    before = alert(PROVIDER, detector="short_calls", raised_s=600)
    assert [proposal.ocn for proposal in respond(*three, before).proposals] == [PROVIDER]


@pytest.mark.parametrize(
    "third",
    [
        alert(THIRD_PROVIDER, raised_s=930),  # not at once
        alert(THIRD_PROVIDER, detector="short_calls"),  # something else
        alert(ELSEWHERE),  # not over these trunks
    ],
)
def test_providers_that_have_nothing_in_common_are_each_to_be_throttled(third: Alert) -> None:
    response = respond(alert(PROVIDER), alert(OTHER_PROVIDER), third)
    assert {proposal.ocn for proposal in response.proposals} == {PROVIDER, OTHER_PROVIDER, third.provider}
