"""What the watch hears of calls, and when a provider was seen last."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "policy"))

from attempts import AT_US, HOST_GROUP, OTHER_PROVIDER, PARTNER_GROUP, PROVIDER, SECOND_US, attempt

from gateway.policy.detectors.contracts import Contracts
from gateway.policy.detectors.settings import DetectorSettings, all_detectors
from gateway.policy.verdict import Decision, Outcome
from gateway.policy.watch import Watch
from gateway.signalling.call import Call, EndedBy
from gateway.wiring.call_watch import CallWatch

ADMITTED = Decision(Outcome.ADMIT, HOST_GROUP, (), ())


def call_watch() -> CallWatch:
    return CallWatch(Watch(all_detectors(DetectorSettings(), Contracts()), AT_US), AT_US, [PARTNER_GROUP.name])


@pytest.mark.parametrize(
    ("ended_by", "detectors"),
    [
        (EndedBy.CALLER, {"short_calls"}),
        (EndedBy.CALLED, {"short_calls"}),
        (EndedBy.DISCONTINUED, set()),
        (EndedBy.SHUTDOWN, set()),
    ],
)
def test_a_call_that_the_gateway_cut_off_is_no_short_one_of_its_caller(ended_by: EndedBy, detectors: set[str]) -> None:
    watched = call_watch()
    for place in range(60):
        call = Call(attempt(at_us=AT_US + place * SECOND_US), ADMITTED)
        watched.decided(call)
        call.answered_at_us = call.attempt.at_us
        call.ended_at_us, call.ended_by = call.attempt.at_us + SECOND_US, ended_by
        watched.ended(call)
    alerts = watched.watch.due(AT_US + 61 * SECOND_US).raised
    assert {alert.detection.detector for alert in alerts} - {"calling_share"} == detectors


def test_a_provider_is_seen_by_its_calls_over_partners_and_not_by_emergency_calls() -> None:
    watched = call_watch()
    watched.decided(Call(attempt(at_us=AT_US + 5), ADMITTED))
    watched.decided(Call(attempt(at_us=AT_US + 7, emergency=True), ADMITTED))
    watched.decided(Call(attempt(at_us=AT_US + 9, ingress=HOST_GROUP), ADMITTED))
    assert watched.seen_us(PROVIDER) == AT_US + 5
    assert watched.seen_us(OTHER_PROVIDER) == AT_US
