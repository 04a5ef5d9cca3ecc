"""Many emergency calls on one trunk group."""

from __future__ import annotations

import pytest
from attempts import DEDICATED_GROUP
from detected_calls import PARTNER_GROUP, REFUSED, call, judged, told

from gateway.interconnection.carriers import Ocn
from gateway.policy.detectors.detector import Subject, SubjectKind
from gateway.policy.detectors.emergency_flood import EmergencyFlood, EmergencyFloodSettings


@pytest.mark.parametrize(("calls", "detected"), [(9, False), (10, False), (11, True)])
def test_more_than_ten_emergency_calls_in_a_minute_raise_an_alert(calls: int, detected: bool) -> None:
    one = EmergencyFlood(EmergencyFloodSettings())
    told(one, (call(place, emergency=True) for place in range(calls)))
    assert bool(judged(one, calls)) is detected


def test_it_rests_on_l10_and_is_nobodys() -> None:
    one = EmergencyFlood(EmergencyFloodSettings())
    told(one, (call(place, emergency=True) for place in range(20)))
    (found,) = judged(one, 20)
    assert one.clause == "L10"
    assert found.provider is None
    assert found.subject == Subject(SubjectKind.TRUNK_GROUP, PARTNER_GROUP.name)
    assert found.figures[:2] == (("emergency_calls", 20.0), ("threshold", 10.0))
    assert found.text == "20 emergency calls within 60 s; over 10; by OCN 901A"


def test_one_that_no_route_led_from_counts_and_other_calls_do_not() -> None:
    one = EmergencyFlood(EmergencyFloodSettings())
    told(one, (call(0, emergency=True) for _ in range(11)), REFUSED)
    assert judged(one, 1) != []
    other = EmergencyFlood(EmergencyFloodSettings())
    told(other, (call(0) for _ in range(1_000)))
    assert judged(other, 1) == []


@pytest.mark.parametrize(("at_s", "detected"), [(53, True), (61, False)])
def test_calls_before_the_window_count_no_more(at_s: float, detected: bool) -> None:
    one = EmergencyFlood(EmergencyFloodSettings())
    told(one, (call(0, emergency=True) for _ in range(20)))
    assert bool(judged(one, at_s)) is detected


def test_trunk_groups_are_told_apart() -> None:
    one = EmergencyFlood(EmergencyFloodSettings())
    groups = PARTNER_GROUP, DEDICATED_GROUP
    told(one, (call(0, emergency=True, group=groups[place % 2], provider=Ocn("901A")) for place in range(20)))
    assert judged(one, 1) == []
