"""The watch: what detectors are told, and alerts that are raised once and cleared once."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from attempts import AT_US, HOST_GROUP, OTHER_PROVIDER, PROVIDER, SECOND_US, attempt
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.contracts import Contracts
from gateway.policy.detectors.detector import Detection, Subject, SubjectKind
from gateway.policy.detectors.settings import DetectorSettings, all_detectors
from gateway.policy.detectors.source_rate import SourceRateSettings
from gateway.policy.verdict import Decision, Outcome
from gateway.policy.watch import MOST_ALERTS, MOST_OF_SOURCES, Watch

SOURCE = Hop("192.0.2.66", 5060)
ADMITTED = Decision(Outcome.ADMIT, HOST_GROUP, (), ())


class Seeing:
    """A detector that sees what the test says."""

    name = "seeing"
    clause = "L8"

    def __init__(self) -> None:
        self.excess: dict[Ocn, float] = {}

    def judge(self, at_us: int) -> Iterable[Detection]:
        for ocn, excess in self.excess.items():
            figures = (("calls_per_s", excess * 10), ("threshold", 10.0))
            subject = Subject(SubjectKind.PROVIDER, ocn)
            yield Detection("seeing", subject, ocn, at_us, at_us - SECOND_US, figures, "many calls", excess)


class Hearing:
    """A detector that notes what it is told."""

    name = "hearing"
    clause = "L8"
    methods = frozenset({b"REGISTER"})

    def __init__(self) -> None:
        self.heard: list[str] = []

    def judge(self, at_us: int) -> Iterable[Detection]:  # noqa: ARG002
        return ()

    def decided(self, attempt: CallAttempt, decision: Decision) -> None:
        self.heard.append(f"decided {attempt.call_id} {decision.outcome.value}")

    def ended(
        self,
        attempt: CallAttempt,
        decision: Decision,  # noqa: ARG002
        progressed_at_us: int | None,
        answered_at_us: int | None,
        ended_at_us: int,
        cut_off: bool,
    ) -> None:
        times = [None if at_us is None else at_us - AT_US for at_us in (progressed_at_us, answered_at_us, ended_at_us)]
        self.heard.append(f"ended {attempt.call_id} {times} {cut_off}")

    def request(self, source: Hop, method: bytes, at_us: int) -> None:
        self.heard.append(f"{method.decode()} {source} {at_us - AT_US}")

    def malformed(self, source: Hop, at_us: int) -> None:
        self.heard.append(f"malformed {source} {at_us - AT_US}")

    def stray(self, source: Hop, at_us: int) -> None:
        self.heard.append(f"stray {source} {at_us - AT_US}")

    def repeated(self, source: Hop, at_us: int) -> None:
        self.heard.append(f"repeated {source} {at_us - AT_US}")

    def stranger(self, source: Hop, count: int, at_us: int) -> None:
        self.heard.append(f"stranger {source} {count} {at_us - AT_US}")

    def shed(self, source: Hop, trunk_group: str | None, provider: Ocn | None, count: int, at_us: int) -> None:
        self.heard.append(f"shed {source} {trunk_group} {provider} {count} {at_us - AT_US}")


def test_a_detector_is_told_of_what_it_has_a_hook_for() -> None:
    hearing = Hearing()
    watch = Watch([Seeing(), hearing], AT_US)
    call = attempt()
    watch.decided(call, ADMITTED)
    watch.ended(call, ADMITTED, AT_US + 1, AT_US + 2, AT_US + 3)
    watch.ended(call, ADMITTED, None, None, AT_US + 3, cut_off=True)
    watch.request(SOURCE, b"REGISTER", AT_US + 4)
    watch.request(SOURCE, b"OPTIONS", AT_US + 5)
    watch.malformed(SOURCE, AT_US + 6)
    watch.stray(SOURCE, AT_US + 7)
    watch.shed(SOURCE, "partner-1", PROVIDER, 12, AT_US + 8)
    watch.repeated(SOURCE, AT_US + 9)
    watch.stranger(SOURCE, 34, AT_US + 10)
    assert hearing.heard == [
        "decided 1@192.0.2.10 ADMIT",
        "ended 1@192.0.2.10 [1, 2, 3] False",
        "ended 1@192.0.2.10 [None, None, 3] True",
        "REGISTER udp:192.0.2.66:5060 4",
        "malformed udp:192.0.2.66:5060 6",
        "stray udp:192.0.2.66:5060 7",
        "shed udp:192.0.2.66:5060 partner-1 901A 12 8",
        "repeated udp:192.0.2.66:5060 9",
        "stranger udp:192.0.2.66:5060 34 10",
    ]


def test_detectors_are_asked_once_a_second() -> None:
    seeing = Seeing()
    seeing.excess[PROVIDER] = 2
    watch = Watch([seeing], AT_US)
    assert not any(watch.due(AT_US + SECOND_US - 1))
    assert len(watch.due(AT_US + SECOND_US).raised) == 1
    assert not any(watch.due(AT_US + 2 * SECOND_US - 1))
    assert watch.next_us == AT_US + 2 * SECOND_US


def test_an_alert_is_raised_once_goes_on_and_is_cleared_once() -> None:
    seeing = Seeing()
    watch = Watch([seeing], AT_US, clear_after_s=3)
    story = []
    for second, excess in enumerate([2, 5, 3, 0, 0, 0, 0, 2], start=1):
        seeing.excess = {PROVIDER: float(excess)} if excess else {}
        alerts = watch.due(AT_US + second * SECOND_US)
        story.append("".join(kind[0] * len(found) for kind, found in zip(alerts._fields, alerts, strict=True)))
    assert story == ["r", "o", "o", "o", "o", "c", "", "r"]


def test_what_hovers_about_its_threshold_is_one_alert() -> None:
    seeing = Seeing()
    watch = Watch([seeing], AT_US, clear_after_s=3)
    raised = 0
    for second in range(1, 60):
        seeing.excess = {PROVIDER: 1.1} if second % 2 else {}
        raised += len(watch.due(AT_US + second * SECOND_US).raised)
    assert raised == 1


def test_an_alert_keeps_its_worst_and_its_latest_figures() -> None:
    seeing = Seeing()
    watch = Watch([seeing], AT_US)
    for second, excess in enumerate([2, 5, 3], start=1):
        seeing.excess = {PROVIDER: float(excess)}
        watch.due(AT_US + second * SECOND_US)
    (alert,) = watch.active
    assert (alert.number, alert.provider, alert.clause) == (1, PROVIDER, "L8")
    assert (alert.peak.excess, alert.detection.excess) == (5, 3)
    assert (alert.raised_us, alert.seen_us) == (AT_US + SECOND_US, AT_US + 3 * SECOND_US)


def test_a_cleared_alert_says_when() -> None:
    seeing = Seeing()
    watch = Watch([seeing], AT_US, clear_after_s=3)
    seeing.excess = {PROVIDER: 2.0}
    watch.due(AT_US + SECOND_US)
    seeing.excess = {}
    (alert,) = watch.due(AT_US + 10 * SECOND_US).cleared
    assert alert.cleared_us == AT_US + 10 * SECOND_US
    assert watch.active == ()


def test_the_watch_knows_since_when_a_provider_is_quiet() -> None:
    seeing = Seeing()
    watch = Watch([seeing], AT_US)
    seeing.excess = {PROVIDER: 2.0}
    watch.due(AT_US + 5 * SECOND_US)
    seeing.excess = {}
    watch.due(AT_US + 9 * SECOND_US)
    assert watch.quiet_since(PROVIDER) == AT_US + 5 * SECOND_US
    assert watch.quiet_since(OTHER_PROVIDER) == AT_US


def test_the_number_of_alerts_is_bounded() -> None:
    seeing = Seeing()
    watch = Watch([seeing], AT_US)
    seeing.excess = {Ocn(f"{place:05}"): 2.0 for place in range(5_000)}
    assert len(watch.due(AT_US + SECOND_US).raised) == MOST_ALERTS
    assert watch.due(AT_US + 2 * SECOND_US).raised == ()
    assert len(watch.active) == MOST_ALERTS
    assert watch.quiet_since(Ocn("00000")) == AT_US  # of the oldest, more than are remembered ago


def test_alerts_about_sources_leave_room_for_those_about_providers() -> None:
    watch = Watch(all_detectors(DetectorSettings(), Contracts()), AT_US)
    for number in range(2 * MOST_ALERTS):
        for _ in range(200):
            watch.stray(Hop(f"203.0.{number >> 8}.{number & 255}", 5060), AT_US)
    assert len(watch.due(AT_US + SECOND_US).raised) == MOST_OF_SOURCES
    for second in range(1, 12):
        watch.shed(SOURCE, "partner-1", PROVIDER, 500, AT_US + second * SECOND_US)
        watch.due(AT_US + (second + 1) * SECOND_US)
    assert PROVIDER in {alert.provider for alert in watch.active}
    watch.due(AT_US + 60 * SECOND_US)
    for _ in range(200):
        watch.stray(SOURCE, AT_US + 60 * SECOND_US)
    assert [alert.detection.subject.name for alert in watch.due(AT_US + 61 * SECOND_US).raised] == [SOURCE.host]


@pytest.mark.parametrize("enabled", [True, False])
def test_a_detector_that_is_switched_off_is_not_there(enabled: bool) -> None:
    thresholds = DetectorSettings(register_flood=SourceRateSettings(enabled=enabled))
    names = [one.name for one in all_detectors(thresholds, Contracts())]
    assert ("register_flood" in names) is enabled
    assert len(names) == len(set(names)) == 14 - (not enabled)


def test_an_emergency_call_counts_against_nobody_but_in_emergency_flood() -> None:
    watch = Watch(all_detectors(DetectorSettings(), Contracts()), AT_US)
    for place in range(5_000):
        call = attempt(emergency=True, called="911", at_us=AT_US + place * 10_000)
        watch.decided(call, ADMITTED)
        watch.ended(call, ADMITTED, None, call.at_us, call.at_us + 1)
    assert [one.detection.detector for one in watch.due(AT_US + 50 * SECOND_US).raised] == ["emergency_flood"]


TIMES = st.one_of(st.integers(0, 90), st.integers(-30, 0), st.just(1_000_000_000))
"""Seconds since the beginning: as they come, late ones, and a damaged time stamp."""
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["decided", "ended", "request", "malformed", "stray", "shed", "repeated", "stranger"]),
        TIMES,
        st.integers(0, 3),
        st.booleans(),
        st.integers(1, 500),
    ),
    max_size=120,
)


def _tell(watch: Watch, kind: str, at_us: int, number: int, emergency: bool, count: int) -> None:
    """One event, so many times over."""
    call = attempt(
        at_us=at_us,
        calling=f"+1314555{number:04}",
        called="911" if emergency else "+16365550199",
        provider=(PROVIDER, OTHER_PROVIDER, None, PROVIDER)[number],
        emergency=emergency,
    )
    decision = ADMITTED if number else Decision(Outcome.REFUSE, None, (), ())
    for _ in range(count):
        if kind == "decided":
            watch.decided(call, decision)
        elif kind == "ended":
            watch.ended(call, decision, at_us, at_us if number % 2 else None, at_us + count, cut_off=number == 3)
        elif kind == "request":
            watch.request(SOURCE, (b"REGISTER", b"OPTIONS", b"PUBLISH", b"")[number], at_us)
        elif kind == "malformed":
            watch.malformed(SOURCE, at_us)
        elif kind == "stray":
            watch.stray(SOURCE, at_us)
        elif kind == "repeated":
            watch.repeated(SOURCE, at_us)
        elif kind == "stranger":
            watch.stranger(SOURCE, count, at_us)
        else:
            watch.shed(SOURCE, "partner-1" if number else None, call.provider, count, at_us)


@settings(max_examples=40, deadline=None)
@given(EVENTS)
def test_whatever_happens_an_alert_is_raised_once_before_it_is_cleared_once(
    events: list[tuple[str, int, int, bool, int]],
) -> None:
    watch = Watch(all_detectors(DetectorSettings(), Contracts()), AT_US)
    up: set[int] = set()
    now_us = AT_US
    for kind, at_s, number, emergency, count in events:
        at_us = AT_US + at_s * SECOND_US
        _tell(watch, kind, at_us, number, emergency, count)
        now_us = max(now_us, at_us)
        alerts = watch.due(now_us)
        raised, cleared = ({alert.number for alert in some} for some in (alerts.raised, alerts.cleared))
        assert not raised & up
        assert cleared <= up
        up = (up | raised) - cleared
        assert {alert.number for alert in watch.active} == up
        for alert in alerts.up:
            assert alert.detection.figures[1][0] == "threshold"
            assert alert.clause == ("L10" if alert.detection.detector == "emergency_flood" else "L8")
            assert alert.peak.excess >= alert.detection.excess


@settings(max_examples=40, deadline=None)
@given(EVENTS)
def test_whatever_else_happens_emergency_calls_change_nothing_that_is_said_of_anybody(
    events: list[tuple[str, int, int, bool, int]],
) -> None:
    with_them, without = (Watch(all_detectors(DetectorSettings(), Contracts()), AT_US) for _ in range(2))
    now_us = AT_US
    for kind, at_s, number, emergency, count in events:
        at_us = AT_US + at_s * SECOND_US
        of_emergency = emergency and kind in ("decided", "ended")
        _tell(with_them, kind, at_us, number, of_emergency, count)
        if not of_emergency:
            _tell(without, kind, at_us, number, False, count)
        now_us = max(now_us, at_us)
        with_them.due(now_us)
        without.due(now_us)
    said = [one.detection for one in with_them.active if one.detection.detector != "emergency_flood"]
    assert said == [one.detection for one in without.active]
