"""Whoever shows a provider's numbers where its calls cannot come has not made it a suspect (L8)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from attempts import DEDICATED_GROUP, OTHER_PROVIDER, PARTNER, SECOND_US
from detected_calls import ADMITTED, BEGIN_US, HOST_GROUP, PARTNER_GROUP, PROVIDER, REFUSED, call

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service import StandingBook, Step, StepKind
from gateway.interconnection.trunk_groups import TrunkGroup
from gateway.policy.detectors.contracts import Contracts
from gateway.policy.detectors.detector import SubjectKind
from gateway.policy.detectors.settings import DetectorSettings, all_detectors
from gateway.policy.verdict import Decision
from gateway.policy.watch import Alert, Watch

OTHER_PARTNER = Ocn("7002")
OTHERS_GROUP = replace(PARTNER_GROUP, name="other-1", carrier=OTHER_PARTNER)
GROUPS = (PARTNER_GROUP, OTHERS_GROUP, DEDICATED_GROUP, HOST_GROUP)
CARRIERS = CarrierBook(
    (
        Carrier(PARTNER, "Partner", CarrierKind.PARTNER),
        Carrier(OTHER_PARTNER, "Other partner", CarrierKind.PARTNER),
        Carrier(PROVIDER, "Provider", CarrierKind.PROVIDER, PARTNER),
        Carrier(OTHER_PROVIDER, "Other provider", CarrierKind.PROVIDER, PARTNER),
    )
)
CUTOVER = Step(
    BEGIN_US - SECOND_US, OTHER_PROVIDER, StepKind.CUTOVER, "somebody", "L8", trunk_group=DEDICATED_GROUP.name
)


def watch() -> Watch:
    contracts = Contracts(CARRIERS, GROUPS, StandingBook(CARRIERS, [CUTOVER]))
    return Watch(all_detectors(DetectorSettings(), contracts), BEGIN_US)


def flood(group: TrunkGroup, decision: Decision, *, one_number: bool) -> tuple[Alert, ...]:
    """The alerts that are up after 20 s of 60 calls a second, short ones where they are let through."""
    seen = watch()
    for number in range(1_200):
        calling = f"+1314555{0 if one_number else number % 1_000:04}"
        at_s = number / 60
        one = call(at_s, group=group, calling=calling, called=f"+1636555{number % 1_000:04}")
        seen.due(one.at_us)
        seen.decided(one, decision)
        answered = one.at_us if decision is ADMITTED and number % 3 == 0 else None
        seen.ended(one, decision, None, answered, one.at_us + SECOND_US)
    return seen.active


@pytest.mark.parametrize("one_number", [True, False])
@pytest.mark.parametrize("decision", [ADMITTED, REFUSED])
@pytest.mark.parametrize("group", [OTHERS_GROUP, DEDICATED_GROUP])
def test_a_flood_under_its_numbers_where_it_cannot_come_is_not_laid_to_a_provider(
    group: TrunkGroup, decision: Decision, one_number: bool
) -> None:
    alerts = flood(group, decision, one_number=one_number)
    assert alerts, "the flood is seen all the same"
    assert {alert.provider for alert in alerts} == {None}
    assert not [alert for alert in alerts if alert.detection.subject.kind is SubjectKind.PROVIDER]


@pytest.mark.parametrize("decision", [ADMITTED, REFUSED])
def test_a_flood_where_its_calls_do_come_is(decision: Decision) -> None:
    alerts = flood(PARTNER_GROUP, decision, one_number=True)
    assert {alert.provider for alert in alerts if alert.detection.detector != "sequential_called"} == {PROVIDER}


@pytest.mark.parametrize(("group", "laid"), [(PARTNER_GROUP, True), (OTHERS_GROUP, False), (DEDICATED_GROUP, False)])
def test_calls_that_the_gate_sheds_are_laid_to_a_provider_where_its_calls_come(group: TrunkGroup, laid: bool) -> None:
    seen = watch()
    for second in range(20):
        at_us = BEGIN_US + second * SECOND_US
        seen.due(at_us)
        seen.shed(group.members[0].hop, group.name, PROVIDER, 500, at_us)
    assert {alert.provider for alert in seen.active} == {PROVIDER if laid else None}
