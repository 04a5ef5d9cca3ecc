"""Which trunk group carries a call on (L8, L9, L10)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from attempts import (
    AT_US,
    DEDICATED_GROUP,
    HOST,
    HOST_GROUP,
    HOST_SWITCH,
    OTHER_PROVIDER,
    PARTNER_GROUP,
    PROVIDER,
    SECOND_US,
    attempt,
)
from guides import GUIDE, HOST_WITH_REMOTE, OTHER_LRN, OTHER_SWITCH, PORTED, PROVIDER_LRN

from gateway.interconnection.denial_of_service import StandingBook, Step, StepKind
from gateway.interconnection.trunk_groups import Hop, Member, Side, TrunkGroup
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.routing import Route, Router

SECOND_HOST_GROUP = TrunkGroup("host-2", Side.HOST, HOST, HOST_SWITCH, (Member(Hop("192.0.2.21", 5060)),))
OTHER_HOST_GROUP = TrunkGroup("host-3", Side.HOST, HOST, HOST_WITH_REMOTE, (Member(Hop("192.0.2.22", 5060)),))
SAFETY_GROUP = TrunkGroup("public-safety", Side.HOST, HOST, "STLSMO0100T", (Member(Hop("192.0.2.30", 5060)),))
OTHER_PARTNER_GROUP = replace(
    PARTNER_GROUP, name="partner-2", switch=HOST_WITH_REMOTE, members=(Member(Hop("192.0.2.12", 5060)),)
)
GROUPS = (
    OTHER_PARTNER_GROUP,
    PARTNER_GROUP,
    DEDICATED_GROUP,
    HOST_GROUP,
    SECOND_HOST_GROUP,
    OTHER_HOST_GROUP,
    SAFETY_GROUP,
)
TO_PROVIDER, TO_OTHER_PROVIDER = "+13145550100", "+13145551100"


def cut_over(at_us: int = AT_US, group: str | None = "dedicated-1") -> Step:
    kind = StepKind.UNDO if group is None else StepKind.CUTOVER
    return Step(at_us, PROVIDER, kind, "operator", "flood", trunk_group=group)


def router(*steps: Step, **kept: Any) -> Router:
    given: dict[str, Any] = {"guide": GUIDE, "ported": PORTED, "emergency_trunk_group": SAFETY_GROUP.name}
    return Router(GROUPS, standings=StandingBook(steps=steps), **(given | kept))


def from_host(called: str, **facts: Any) -> CallAttempt:
    given: dict[str, Any] = {"ingress": HOST_GROUP, "provider": HOST}
    return attempt(calling="+16365550199", called=called, **(given | facts))


@pytest.mark.parametrize(
    ("ingress", "egress"),
    [(PARTNER_GROUP, HOST_GROUP), (OTHER_PARTNER_GROUP, OTHER_HOST_GROUP), (DEDICATED_GROUP, HOST_GROUP)],
)
@pytest.mark.parametrize("called", ["+16365550199", "+18165550100", "+442071838750", "0", "+12015550100"])
def test_a_call_from_the_partner_goes_to_the_switch_that_its_group_serves_whatever_it_calls(
    ingress: TrunkGroup, egress: TrunkGroup, called: str
) -> None:
    assert router().route_of(attempt(ingress=ingress, called=called)) == Route(egress, diverted=False)


def test_a_partner_group_of_a_switch_that_no_group_reaches_leads_nowhere() -> None:
    stranded = replace(PARTNER_GROUP, switch=OTHER_SWITCH)
    assert router().route_of(attempt(ingress=stranded)) is None


@pytest.mark.parametrize(
    ("facts", "egress"),
    [
        pytest.param({"called": TO_PROVIDER}, PARTNER_GROUP, id="homed on the partner's switch"),
        pytest.param({"called": TO_PROVIDER, "ingress": OTHER_HOST_GROUP}, OTHER_PARTNER_GROUP, id="its switch's"),
        pytest.param({"called": TO_PROVIDER, "ingress": SAFETY_GROUP}, OTHER_PARTNER_GROUP, id="else the first"),
        pytest.param({"called": "+18165550123"}, PARTNER_GROUP, id="ported in, by our data"),
        pytest.param({"called": "+18165550188", "rn": PROVIDER_LRN}, PARTNER_GROUP, id="ported in, by the message"),
        pytest.param({"called": "+13145550177"}, None, id="ported out, by our data"),
        pytest.param({"called": TO_PROVIDER, "rn": OTHER_LRN}, None, id="ported out, by the message"),
        pytest.param({"called": "+13145550177", "npdi": True}, PARTNER_GROUP, id="dipped and found not ported"),
        pytest.param({"called": "+18165550100"}, None, id="ported back to the host"),
        pytest.param({"called": "+13145580100"}, None, id="the provider's, homed on another switch"),
        pytest.param({"called": "+12015550100"}, None, id="a code that nobody holds"),
        pytest.param({"called": "+442071838750"}, None, id="another country"),
        pytest.param({"called": "411"}, None, id="a service code"),
        pytest.param({"called": "anonymous"}, None, id="no number"),
        pytest.param({"called": TO_PROVIDER, "rn": "+442071838750"}, None, id="an LRN that is no NANP number"),
    ],
)
def test_a_call_from_the_host_goes_to_the_group_behind_which_its_destination_is_homed(
    facts: dict[str, Any], egress: TrunkGroup | None
) -> None:
    expected = Route(egress, diverted=False) if egress is not None else None
    assert router().route_of(from_host(**facts)) == expected


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"called": TO_PROVIDER}, id="by its code"),
        pytest.param({"called": "+18165550188", "rn": PROVIDER_LRN}, id="ported, by the message"),
        pytest.param({"called": "+18165550123"}, id="ported, by our data"),
        pytest.param({"called": "+13145580100"}, id="on a code that is homed elsewhere"),
    ],
)
def test_a_provider_that_was_cut_over_is_reached_on_its_dedicated_group_only(facts: dict[str, Any]) -> None:
    assert router(cut_over()).route_of(from_host(**facts)) == Route(DEDICATED_GROUP, diverted=True)


def test_before_the_cut_over_and_after_it_was_taken_back_the_shared_group_is_used() -> None:
    routes = router(cut_over(), cut_over(AT_US + SECOND_US, None))
    shared, dedicated = Route(PARTNER_GROUP, diverted=False), Route(DEDICATED_GROUP, diverted=True)
    for after_us, expected in ((-1, shared), (0, dedicated), (SECOND_US - 1, dedicated), (SECOND_US, shared)):
        assert routes.route_of(from_host(TO_PROVIDER, at_us=AT_US + after_us)) == expected


def test_the_cut_over_of_one_provider_moves_nobody_else() -> None:
    routes = router(cut_over())
    assert routes.route_of(from_host(TO_OTHER_PROVIDER)) == Route(PARTNER_GROUP, diverted=False)
    assert routes.route_of(attempt(provider=OTHER_PROVIDER)) == Route(HOST_GROUP, diverted=False)


def test_nobody_is_led_to_a_dedicated_group_without_a_cut_over() -> None:
    routes = Router((DEDICATED_GROUP, HOST_GROUP), guide=GUIDE, ported=PORTED, standings=StandingBook())
    assert routes.route_of(from_host(TO_PROVIDER)) is None


def test_a_provider_whose_dedicated_group_the_configuration_no_longer_has_is_not_reached_on_a_shared_one() -> None:
    routes = router(cut_over(group="gone"))
    assert routes.route_of(from_host(TO_PROVIDER)) is None


def test_an_emergency_call_to_such_a_provider_still_finds_a_way() -> None:
    call = from_host(TO_PROVIDER, emergency=True, ingress=SAFETY_GROUP)
    assert router(cut_over(group="gone")).route_of(call) == Route(OTHER_PARTNER_GROUP, diverted=False)


@pytest.mark.parametrize("ingress", [PARTNER_GROUP, DEDICATED_GROUP, HOST_GROUP, OTHER_HOST_GROUP])
def test_an_emergency_call_goes_to_the_emergency_group_from_anywhere(ingress: TrunkGroup) -> None:
    call = attempt(called="911", emergency=True, ingress=ingress)
    assert router(cut_over()).route_of(call) == Route(SAFETY_GROUP, diverted=True)


def test_an_emergency_call_that_comes_from_the_emergency_group_is_not_sent_back_to_it() -> None:
    call = from_host(TO_PROVIDER, emergency=True, ingress=SAFETY_GROUP)
    assert router().route_of(call) == Route(OTHER_PARTNER_GROUP, diverted=False)


def test_without_an_emergency_group_an_emergency_call_goes_the_way_of_any_other() -> None:
    call = attempt(called="911", emergency=True)
    assert router(emergency_trunk_group=None).route_of(call) == Route(HOST_GROUP, diverted=False)


def test_a_call_from_no_trunk_group_leads_nowhere() -> None:
    assert router().route_of(attempt(ingress=None)) is None
    assert router().route_of(attempt(ingress=None, called="911", emergency=True)) is None


def test_without_a_guide_the_partners_calls_still_find_their_switch_and_the_hosts_find_none() -> None:
    routes = router(guide=None, ported=None)
    assert routes.route_of(attempt()) == Route(HOST_GROUP, diverted=False)
    assert routes.route_of(from_host(TO_PROVIDER)) is None
