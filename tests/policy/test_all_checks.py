"""The checks together: their order, their refusals, and what they say without a configuration."""

from __future__ import annotations

import pytest
from attempts import attempt, identity
from guides import CARRIERS, GUIDE, PORTED, STRANGER
from hypothesis import given
from hypothesis import strategies as st

from gateway.interconnection.denial_of_service import StandingBook
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.checks import REFUSES, all_checks
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Verdict

CHECKS = all_checks(guide=GUIDE, ported=PORTED, carriers=CARRIERS, standings=StandingBook())

ORDER = [
    "emergency",
    "discontinuance",
    "trunk_group",
    "rate_limit",
    "calling_number",
    "presentation",
    "charge_number",
    "called_number",
    "diversion",
    "encapsulated_isup",
    "passport",
    "calling_code",
    "jurisdiction",
    "admission",
    "footprint",
]
BY_TRUNK_GROUP = {"discontinuance", "trunk_group", "admission", "rate_limit", "calling_code", "footprint"}
"""Checks that go by the trunk group of a call, and let every emergency call pass."""


def test_the_checks_stand_in_the_engines_order() -> None:
    assert [check.name for check in CHECKS] == ORDER


@pytest.mark.parametrize("call", [attempt(), attempt(asserted=()), attempt(identities=(identity(),))])
def test_an_honest_call_passes_every_check(call: CallAttempt) -> None:
    assert {check.name: check.judge(call).verdict for check in CHECKS} == dict.fromkeys(ORDER, Verdict.PASS)


@pytest.mark.parametrize(
    ("call", "check"),
    [
        (attempt(calling="anonymous", asserted=(), provider=None), "calling_number"),
        (attempt(calling="+19995550100", provider=None), "calling_code"),
        (attempt(calling="+13145560100", provider=STRANGER), "calling_code"),
        (attempt(calling="+442079460000", provider=None), "admission"),
    ],
    ids=["no number", "a number of nobody", "a stranger's number", "a foreign number"],
)
def test_a_call_that_belongs_to_no_provider_is_refused_for_what_its_sender_has_to_mend(
    call: CallAttempt, check: str
) -> None:
    findings = [each.judge(call) for each in CHECKS]
    assert next(finding.check for finding in findings if finding.verdict.violation) == check


def test_without_a_configuration_what_one_message_shows_is_judged_and_the_rest_says_what_it_lacks() -> None:
    findings = [check.judge(attempt(ingress=None)) for check in all_checks()]
    lacking = {finding.check: finding.text for finding in findings if finding.verdict is Verdict.NOT_JUDGED}
    assert set(lacking) == BY_TRUNK_GROUP
    assert set(lacking.values()) == {"no trunk group configured for the source"}
    assert all(finding.verdict is Verdict.PASS for finding in findings if finding.check not in lacking)


def test_every_reason_has_a_refusal_that_fits_a_status_line() -> None:
    assert set(REFUSALS) == set(Reason)
    for refusal in REFUSALS.values():
        assert 400 <= refusal.status < 600
        assert 1 <= refusal.cause <= 127
        assert refusal.phrase.isascii()
        assert refusal.phrase.isprintable()
        assert len(refusal.phrase) <= 32
    assert len({refusal.phrase for refusal in REFUSALS.values()}) == len(REFUSALS)


def test_no_refusal_tells_a_peer_to_stop_sending_everything() -> None:
    assert 503 not in {refusal.status for refusal in REFUSALS.values()}


USERS = st.sampled_from(
    ["+13145550100", "3145550100", "+16365550199", "911", "411", "1001", "anonymous", "+442079460000", "9", "0" * 32]
) | st.text("+0123456789-", max_size=12)
FEW = st.lists(USERS, max_size=3).map(tuple)


@given(
    calling=USERS,
    called=USERS,
    to=USERS,
    asserted=FEW,
    charge=FEW,
    diversions=FEW,
    history=FEW,
    privacy=st.none() | st.text(max_size=20),
    category=st.none() | st.sampled_from(["payphone", "ordinary", "="]),
    rn=st.none() | st.sampled_from(["6365559999", "8165559999", "12"]),
    npdi=st.booleans(),
    emergency=st.booleans(),
    identities=st.lists(
        st.builds(identity, st.text("0123456789+", max_size=12), st.tuples(st.text("0123456789", max_size=12))),
        max_size=2,
    ).map(tuple),
)
def test_whatever_a_message_says_every_check_answers_and_a_violation_can_be_refused(**facts: object) -> None:
    call = attempt(**facts)  # type: ignore[arg-type]
    for check in CHECKS:
        finding = check.judge(call)
        assert finding == check.judge(call)
        assert finding.check == check.name
        assert finding.verdict.violation == (finding.refusal is not None)
        assert (finding.verdict is Verdict.PASS) == (finding.text == "")
        if finding.verdict.violation:
            clauses, verdicts = REFUSES[finding.check]
            assert finding.clause in clauses
            assert finding.verdict in verdicts
        if call.emergency and check.name in {
            "discontinuance",
            "trunk_group",
            "admission",
            "rate_limit",
            "calling_code",
            "footprint",
        }:
            assert finding.verdict is Verdict.PASS
