"""Places that are taken and stay so."""

from __future__ import annotations

import pytest
from attempts import DEDICATED_GROUP
from detected_calls import HOST_GROUP, PARTNER_GROUP, PROVIDER, REFUSED, about, call, judged, told, told_end

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, RateLimit
from gateway.policy.detectors.calls_in_progress import CallsInProgress, CallsInProgressSettings
from gateway.policy.detectors.contracts import Contracts
from gateway.policy.detectors.detector import SubjectKind


def detector(in_progress: int | None = 100) -> CallsInProgress:
    limit = RateLimit(1, 1, in_progress) if in_progress is not None else None
    carriers = CarrierBook([Carrier(PROVIDER, "a provider", CarrierKind.PROVIDER, limit=limit)])
    return CallsInProgress(CallsInProgressSettings(), Contracts(carriers))


@pytest.mark.parametrize(
    ("calls", "seconds", "detected"),
    [(89, 11, False), (90, 11, False), (91, 9, False), (91, 10, True), (91, 11, True)],
)
def test_more_than_nine_tenths_of_what_was_agreed_on_are_taken_for_ten_seconds(
    calls: int, seconds: int, detected: bool
) -> None:
    one = detector()
    told(one, (call(0) for _ in range(calls)))
    assert judged(one, 0) == []
    found = about(judged(one, seconds), SubjectKind.PROVIDER)
    assert bool(found) is detected
    if found:
        assert found[0].figures[:2] == (("calls_in_progress", 91.0), ("threshold", 90.0))
        assert found[0].text == f"91 calls in progress; over 90 % of the 100 it may have for {seconds} s"


@pytest.mark.parametrize(("calls", "detected"), [(1_000, False), (1_001, True)])
def test_where_nothing_was_agreed_on_there_is_a_number_all_the_same(calls: int, detected: bool) -> None:
    one = detector(in_progress=None)
    told(one, (call(0) for _ in range(calls)))
    judged(one, 0)
    assert bool(about(judged(one, 10), SubjectKind.PROVIDER)) is detected


def test_a_place_that_becomes_free_for_a_moment_starts_the_time_again() -> None:
    one = detector()
    told(one, (call(0) for _ in range(91)))
    judged(one, 0)
    told_end(one, call(0), talked_s=1, at_s=5)
    judged(one, 5)
    told(one, [call(6)])
    judged(one, 6)
    assert judged(one, 15) == []
    assert about(judged(one, 16), SubjectKind.PROVIDER) != []


def test_refused_calls_and_emergency_calls_take_no_place() -> None:
    one = detector()
    told(one, (call(0) for _ in range(200)), REFUSED)
    told(one, (call(0, emergency=True) for _ in range(200)))
    judged(one, 0)
    assert judged(one, 60) == []
    told_end(one, call(0), talked_s=None, at_s=61, decision=REFUSED)
    told_end(one, call(0, emergency=True), talked_s=1, at_s=61)
    assert one._providers == {}


def test_calls_from_the_host_are_no_providers() -> None:
    one = detector()
    told(one, (call(0, group=HOST_GROUP) for _ in range(200)))
    judged(one, 0)
    assert about(judged(one, 60), SubjectKind.PROVIDER) == []


def test_a_trunk_group_has_its_capacity_or_its_limit() -> None:
    from dataclasses import replace

    groups = [
        replace(PARTNER_GROUP, capacity=50, limit=RateLimit(7, 1, 20)),
        replace(DEDICATED_GROUP, capacity=10, limit=RateLimit(7, 1, 20)),
        HOST_GROUP,
    ]
    contracts = Contracts(None, groups)
    assert contracts.group_in_progress == {PARTNER_GROUP.name: 20, DEDICATED_GROUP.name: 10}
    assert contracts.group_calls_per_s == {PARTNER_GROUP.name: 7, DEDICATED_GROUP.name: 7}


def test_nothing_is_kept_of_calls_that_are_over() -> None:
    one = detector()
    told(one, (call(0) for _ in range(50)))
    for _ in range(50):
        told_end(one, call(0), talked_s=1, at_s=5)
    assert (one._providers, one._groups) == ({}, {})
    told_end(one, call(0), talked_s=1, at_s=6)  # of a call from before the gateway began
    assert (one._providers, one._groups) == ({}, {})
