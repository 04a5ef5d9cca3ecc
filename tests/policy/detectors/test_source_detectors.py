"""REGISTER, OPTIONS, malformed, stray, repeated and strangers' messages of one source."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from detected_calls import BEGIN_US, SECOND_US, judged, spread

from gateway.interconnection.trunk_groups import Hop
from gateway.policy.detectors.detector import Subject, SubjectKind
from gateway.policy.detectors.malformed_datagrams import MalformedDatagrams
from gateway.policy.detectors.options_flood import OptionsFlood
from gateway.policy.detectors.register_flood import RegisterFlood
from gateway.policy.detectors.retransmission_storm import RetransmissionStorm
from gateway.policy.detectors.source_rate import MOST_PORTS, SourceRateSettings
from gateway.policy.detectors.stranger_flood import StrangerFlood
from gateway.policy.detectors.stray_messages import StrayMessages

SourceDetector = RegisterFlood | OptionsFlood | MalformedDatagrams | StrayMessages | StrangerFlood | RetransmissionStorm

MADE: dict[str, Callable[[SourceRateSettings], SourceDetector]] = {
    "register_flood": RegisterFlood,
    "options_flood": OptionsFlood,
    "malformed_datagrams": MalformedDatagrams,
    "stray_messages": StrayMessages,
    "stranger_flood": StrangerFlood,
    "retransmission_storm": RetransmissionStorm,
}


def detector(name: str = "register_flood", per_s: float = 10, window_s: float = 10) -> SourceDetector:
    return MADE[name](SourceRateSettings(per_s=per_s, window_s=window_s))


def send(one: SourceDetector, at_s: float, host: str = "192.0.2.66", port: int = 5060) -> None:
    at_us, source = BEGIN_US + round(at_s * SECOND_US), Hop(host, port)
    if isinstance(one, RegisterFlood | OptionsFlood):
        one.request(source, next(iter(one.methods)), at_us)
    elif isinstance(one, MalformedDatagrams):
        one.malformed(source, at_us)
    elif isinstance(one, StrangerFlood):
        one.stranger(source, 1, at_us)
    elif isinstance(one, RetransmissionStorm):
        one.repeated(source, at_us)
    else:
        one.stray(source, at_us)


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(("per_s", "detected"), [(9, False), (10, False), (11, True)])
def test_more_than_ten_a_second_over_ten_seconds_are_a_flood(name: str, per_s: int, detected: bool) -> None:
    one = detector(name)
    for at in spread(per_s, 10):
        send(one, at)
    found = judged(one, 10)
    assert [each.detector for each in found] == [name] * detected


def test_a_burst_that_is_few_over_the_whole_window_is_none() -> None:
    one = detector()
    for _ in range(91):
        send(one, 0)
    assert judged(one, 0) == []
    send(one, 0)
    assert judged(one, 0) != []


def test_what_is_older_than_the_window_counts_no_more() -> None:
    one = detector()
    for at in spread(11, 10):
        send(one, at)
    assert judged(one, 10) != []
    assert judged(one, 11) == []
    assert judged(one, 25) == []


def test_figures_say_how_many_and_from_how_many_ports() -> None:
    one = detector()
    for place, at in enumerate(spread(20, 10)):
        send(one, at, port=1_024 + place % 3)
    (found,) = judged(one, 10)
    assert found.subject == Subject(SubjectKind.SOURCE, "192.0.2.66")
    assert found.provider is None
    assert found.figures == (("messages_per_s", 20.0), ("threshold", 10.0), ("ports", 3.0))
    assert found.text == "20.0 REGISTER/s over 10 s, from 3 ports; over 10/s"
    assert found.excess == 2


def test_a_thousand_ports_of_one_address_are_one_source() -> None:
    one = detector()
    for place, at in enumerate(spread(100, 10)):
        send(one, at, port=1_024 + place)
    (found,) = judged(one, 10)
    assert dict(found.figures)["ports"] == MOST_PORTS
    assert f"from {MOST_PORTS} or more ports" in found.text


def test_each_source_has_its_own_rate() -> None:
    one = detector()
    for place, at in enumerate(spread(20, 10)):
        send(one, at, host=f"192.0.2.{place % 2}")
    assert judged(one, 10) == []


def test_sources_that_fell_silent_are_forgotten_and_their_number_is_bounded() -> None:
    one = detector()
    for place in range(10_000):
        send(one, 0, host=f"10.0.{place // 256}.{place % 256}")
    assert len(one._rates._sources) == 4_096
    assert judged(one, 100) == []
    assert len(one._rates._sources) == 0


def test_what_is_shed_of_a_members_host_counts_as_a_strangers_and_what_is_shed_of_a_trunk_group_does_not() -> None:
    one = StrangerFlood(SourceRateSettings())
    one.shed(Hop("192.0.2.10", 0), None, None, 200, BEGIN_US)
    one.shed(Hop("192.0.2.11", 5060), "partner-1", None, 200, BEGIN_US)
    assert [str(found.subject) for found in judged(one, 1)] == ["source 192.0.2.10"]


def test_of_what_was_counted_without_its_ports_none_are_told() -> None:
    one = StrangerFlood(SourceRateSettings())
    one.stranger(Hop("192.0.2.66", 0), 300, BEGIN_US)
    (found,) = judged(one, 1)
    assert "strangers' messages/s over 10 s; over 10/s" in found.text
    one.stranger(Hop("192.0.2.66", 5060), 1, BEGIN_US)
    (found,) = judged(one, 1)
    assert "over 10 s, from 1 port; over 10/s" in found.text
