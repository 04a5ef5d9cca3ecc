"""Admission of a provider (L1.1, L1.2, L11)."""

from __future__ import annotations

import pytest
from attempts import AT_US, HOST, HOST_GROUP, OTHER_PROVIDER, PARTNER, PROVIDER, SECOND_US, attempt

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.policy.checks.admission import Admission
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Verdict

OTHER_PARTNER = Ocn("7002")


def check(
    *,
    numbering_agreement: bool = True,
    amendment: bool = True,
    confirmed_at_us: int | None = AT_US,
    stopped_at_us: int | None = None,
    partner: Ocn = PARTNER,
) -> Admission:
    return Admission(
        CarrierBook(
            [
                Carrier(HOST, "Host", CarrierKind.HOST),
                Carrier(PARTNER, "Partner", CarrierKind.PARTNER, amendment=amendment),
                Carrier(OTHER_PARTNER, "Other partner", CarrierKind.PARTNER, amendment=True),
                Carrier(
                    PROVIDER,
                    "Provider",
                    CarrierKind.PROVIDER,
                    partner,
                    numbering_agreement=numbering_agreement,
                    confirmed_at_us=confirmed_at_us,
                    stopped_at_us=stopped_at_us,
                ),
            ]
        )
    )


@pytest.mark.parametrize(
    ("numbering_agreement", "amendment", "verdict"),
    [
        (True, True, Verdict.PASS),
        (True, False, Verdict.UNCONFIRMED),
        (False, True, Verdict.UNCONFIRMED),
        (False, False, Verdict.UNCONFIRMED),
    ],
)
def test_a_provider_needs_both_its_numbering_agreement_and_the_amendment(
    numbering_agreement: bool, amendment: bool, verdict: Verdict
) -> None:
    finding = check(numbering_agreement=numbering_agreement, amendment=amendment).judge(attempt())
    assert finding.verdict is verdict
    if verdict.violation:
        assert finding.clause == "L11"
        assert ("numbering agreement" in finding.text) == (not numbering_agreement)
        assert ("amendment" in finding.text) == (not amendment)
        assert finding.refusal == REFUSALS[Reason.UNCONFIRMED]


@pytest.mark.parametrize(
    ("after_us", "verdict"),
    [
        (-SECOND_US, Verdict.UNCONFIRMED),
        (-1, Verdict.UNCONFIRMED),
        (0, Verdict.PASS),
        (1, Verdict.PASS),
        (SECOND_US, Verdict.PASS),
    ],
)
def test_a_call_before_the_confirmation_is_unconfirmed_and_one_after_it_passes(after_us: int, verdict: Verdict) -> None:
    finding = check(confirmed_at_us=AT_US).judge(attempt(at_us=AT_US + after_us))
    assert finding.verdict is verdict
    if verdict.violation:
        assert finding.clause == "L1.1"


def test_a_provider_that_was_never_confirmed_is_unconfirmed() -> None:
    assert check(confirmed_at_us=None).judge(attempt()).verdict is Verdict.UNCONFIRMED


@pytest.mark.parametrize(
    ("after_us", "verdict"),
    [
        (-SECOND_US, Verdict.PASS),
        (-1, Verdict.PASS),
        (0, Verdict.UNCONFIRMED),
        (SECOND_US, Verdict.UNCONFIRMED),
    ],
)
def test_traffic_after_the_stop_notice_is_a_violation(after_us: int, verdict: Verdict) -> None:
    finding = check(confirmed_at_us=0, stopped_at_us=AT_US).judge(attempt(at_us=AT_US + after_us))
    assert finding.verdict is verdict
    if verdict.violation:
        assert finding.clause == "L1.2"


@pytest.mark.parametrize("provider", [None, OTHER_PROVIDER, HOST, OTHER_PARTNER])
def test_a_call_of_nobody_that_the_partner_may_carry_is_unconfirmed(provider: Ocn | None) -> None:
    finding = check().judge(attempt(provider=provider))
    assert finding.verdict is Verdict.UNCONFIRMED
    assert finding.clause == "L1.1"


def test_a_provider_of_another_partner_is_unconfirmed_here() -> None:
    finding = check(partner=OTHER_PARTNER).judge(attempt())
    assert finding.verdict is Verdict.UNCONFIRMED
    assert "not a provider of the partner 7001" in finding.text


def test_the_partners_own_traffic_needs_no_confirmation() -> None:
    assert check(amendment=False).judge(attempt(provider=PARTNER)).verdict is Verdict.PASS


def test_an_emergency_call_passes_whoever_makes_it() -> None:
    assert check().judge(attempt(provider=None, called="911", emergency=True)).verdict is Verdict.PASS


def test_calls_from_the_hosts_own_switch_are_not_the_amendments() -> None:
    assert check().judge(attempt(ingress=HOST_GROUP, provider=HOST)).verdict is Verdict.PASS


def test_without_carriers_or_trunk_groups_nothing_is_judged_and_it_says_why() -> None:
    no_carriers = Admission(None).judge(attempt())
    no_ingress = check().judge(attempt(ingress=None))
    assert no_carriers.verdict is no_ingress.verdict is Verdict.NOT_JUDGED
    assert no_carriers.text == "no carriers configured"
    assert no_ingress.text == "no trunk group configured for the source"
