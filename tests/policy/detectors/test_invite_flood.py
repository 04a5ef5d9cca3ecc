"""Calls a second over what was agreed on, and over what is usual."""

from __future__ import annotations

import pytest
from attempts import DEDICATED_GROUP, OTHER_PROVIDER
from detected_calls import (
    BEGIN_US,
    HOST_GROUP,
    PARTNER_GROUP,
    PROVIDER,
    REFUSED,
    SECOND_US,
    about,
    call,
    judged,
    spread,
    told,
)

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn, RateLimit
from gateway.interconnection.trunk_groups import Hop
from gateway.policy.detectors.contracts import Contracts
from gateway.policy.detectors.detector import LONGEST_CALL_ID, SAMPLE_CALLS, Subject, SubjectKind
from gateway.policy.detectors.invite_flood import InviteFlood, InviteFloodSettings


def detector(contracted: float | None = None, **settings: float) -> InviteFlood:
    limit = RateLimit(contracted, 100, 100) if contracted is not None else None
    carriers = CarrierBook([Carrier(PROVIDER, "a provider", CarrierKind.PROVIDER, limit=limit)])
    return InviteFlood(InviteFloodSettings(**settings), Contracts(carriers))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("per_s", "seconds", "detected"),
    [
        (19, 15, False),  # below
        (20, 15, False),  # at the threshold
        (21, 9, False),  # over, and not for long enough
        (21, 10, True),
        (21, 15, True),
    ],
)
def test_a_flood_is_over_the_contracted_rate_for_ten_seconds(per_s: int, seconds: int, detected: bool) -> None:
    flood = detector(contracted=20)
    told(flood, (call(at) for at in spread(per_s, seconds)))
    found = about(judged(flood, seconds), SubjectKind.PROVIDER)
    assert [one.subject.name for one in found] == [PROVIDER] * detected


def test_a_detection_has_figures_beside_the_threshold_and_some_of_the_calls() -> None:
    flood = detector(contracted=20)
    told(flood, (call(at, call_id=f"{number}@x") for number, at in enumerate(spread(30, 12))))
    (found,) = about(judged(flood, 12), SubjectKind.PROVIDER)
    assert found.figures[:2] == (("calls_per_s", 30.0), ("threshold", 20.0))
    assert dict(found.figures)["seconds_over"] == 12
    assert found.text == "30.0 calls/s over the last 10 s, each over the contracted 20"
    assert (found.since_us, found.at_us) == (BEGIN_US + 2 * SECOND_US, BEGIN_US + 12 * SECOND_US)
    assert found.excess == 1.5
    assert found.sample_calls == tuple(f"{number}@x" for number in range(360 - SAMPLE_CALLS, 360))


@pytest.mark.parametrize(("per_s", "detected"), [(20, False), (21, True)])
def test_where_nothing_was_agreed_on_five_times_the_moving_average_is_the_threshold(per_s: int, detected: bool) -> None:
    flood = detector()
    told(flood, (call(at) for at in spread(4, 120)))
    told(flood, (call(at) for at in spread(per_s, 10, 120)))
    assert bool(judged(flood, 130)) is detected


def test_a_small_multiple_of_next_to_nothing_is_no_flood() -> None:
    flood = detector(minimum_per_s=10)
    told(flood, (call(at) for at in spread(0.5, 120)))
    told(flood, (call(at) for at in spread(10, 20, 120)))
    assert judged(flood, 140) == []


def test_a_flood_does_not_become_what_is_usual() -> None:
    flood = detector()
    told(flood, (call(at) for at in spread(4, 120)))
    told(flood, (call(at) for at in spread(40, 600, 120)))
    (found,) = about(judged(flood, 720), SubjectKind.PROVIDER)
    assert dict(found.figures)["moving_average_per_s"] == pytest.approx(4, abs=0.01)
    assert dict(found.figures)["seconds_over"] == 600


def test_a_busy_trunk_group_of_which_nothing_is_known_yet_becomes_what_is_usual() -> None:
    flood = detector(cold_per_s=50)
    told(flood, (call(at) for at in spread(60, 59)))
    assert "no moving average is known yet" in judged(flood, 59)[0].text
    told(flood, (call(at) for at in spread(60, 10, 59)))
    assert judged(flood, 69) == []


def test_seconds_without_a_call_count_for_the_moving_average() -> None:
    busy, idle = detector(), detector()
    for one, pause in ((busy, 0), (idle, 10_000)):
        told(one, (call(at) for at in spread(10, 100)))
        told(one, (call(at) for at in spread(20, 10, 100 + pause)))
    assert judged(busy, 110) == []
    assert judged(idle, 10_110) != []


def test_a_second_that_is_not_over_takes_two_back_that_were() -> None:
    flood = detector(contracted=20)
    told(flood, (call(at) for at in spread(30, 9)))
    told(flood, (call(at) for at in spread(10, 1, 9)))
    told(flood, (call(at) for at in spread(30, 2, 10)))
    assert judged(flood, 12) == []
    told(flood, (call(at) for at in spread(30, 1, 12)))
    assert [one.text for one in about(judged(flood, 13), SubjectKind.PROVIDER)] == [
        "28.0 calls/s over the last 10 s, most over the contracted 20"
    ]
    assert judged(flood, 15) == []  # a whole second without a call


def test_under_one_call_a_second_no_second_is_over_by_one_call() -> None:
    flood = detector(contracted=0.5)
    told(flood, (call(at) for at in spread(1, 30)))
    assert judged(flood, 30) == []
    told(flood, (call(at) for at in spread(2, 10, 30)))
    assert judged(flood, 40) != []


@pytest.mark.parametrize(("on_s", "off_s", "detected"), [(9, 1, True), (5, 1, True), (2, 1, False), (5, 5, False)])
def test_a_flood_that_pauses_for_a_second_now_and_then_is_one(on_s: int, off_s: int, detected: bool) -> None:
    flood = detector(contracted=20)
    seen = False
    for pulse in range(10):
        from_s = pulse * (on_s + off_s)
        told(flood, (call(at) for at in spread(200, on_s, from_s)))
        seen = seen or bool(judged(flood, from_s + on_s))
    assert seen is detected


def test_refused_calls_and_those_that_were_never_read_count_too() -> None:
    flood = detector(contracted=20)
    for second in range(10):
        told(flood, (call(at) for at in spread(11, 1, second)), REFUSED)
        flood.shed(Hop("192.0.2.10", 5060), PARTNER_GROUP.name, PROVIDER, 10, BEGIN_US + second * SECOND_US)
    (found,) = about(judged(flood, 10), SubjectKind.PROVIDER)
    assert found.figures[0] == ("calls_per_s", 21.0)


def test_emergency_calls_count_for_nobody() -> None:
    flood = detector(contracted=20)
    told(flood, (call(at, emergency=True) for at in spread(100, 15)))
    assert judged(flood, 15) == []


def test_calls_from_the_host_are_no_providers() -> None:
    flood = detector(contracted=20)
    told(flood, (call(at, group=HOST_GROUP) for at in spread(100, 15)))
    assert about(judged(flood, 15), SubjectKind.PROVIDER) == []


def test_a_flood_on_a_trunk_group_is_the_providers_whose_nearly_all_of_it_is() -> None:
    flood = detector()
    told(flood, (call(at, provider=OTHER_PROVIDER if n % 10 == 0 else PROVIDER) for n, at in enumerate(spread(60, 10))))
    (found,) = about(judged(flood, 10), SubjectKind.TRUNK_GROUP)
    assert (found.provider, found.trunk_group) == (PROVIDER, PARTNER_GROUP.name)
    assert found.text.endswith(f"; by OCN {PROVIDER}")


def test_a_flood_whose_calls_claim_to_be_of_many_providers_is_nobodys() -> None:
    flood = detector()
    told(flood, (call(at, provider=Ocn(f"{n % 400:04}")) for n, at in enumerate(spread(100, 10))))
    (found,) = judged(flood, 10)
    assert found.subject == Subject(SubjectKind.TRUNK_GROUP, PARTNER_GROUP.name)
    assert found.provider is None
    assert found.text.endswith("; by 64 or more providers")


def test_trunk_groups_are_told_apart() -> None:
    flood = detector(cold_per_s=50)
    told(flood, (call(at, group=DEDICATED_GROUP if n % 2 else PARTNER_GROUP) for n, at in enumerate(spread(60, 10))))
    assert about(judged(flood, 10), SubjectKind.TRUNK_GROUP) == []


def test_the_provider_that_was_heard_of_longest_ago_is_forgotten_first() -> None:
    flood = detector(cold_per_s=20)
    told(flood, (call(at) for at in spread(30, 9)))
    told(flood, (call(9, provider=Ocn(f"{n:05}")) for n in range(4_095)))
    told(flood, (call(9.5) for _ in range(30)))
    assert [one.subject.name for one in about(judged(flood, 10), SubjectKind.PROVIDER)] == [PROVIDER]
    assert len(flood._providers) == 4_096
    told(flood, (call(10, provider=Ocn(f"{n:05}")) for n in range(4_096)))
    assert len(flood._providers) == 4_096
    assert flood._providers.get(PROVIDER) is None


def test_what_a_caller_chose_to_be_long_is_cut() -> None:
    flood = detector(contracted=20)
    told(flood, (call(at, call_id="x" * 10_000) for at in spread(30, 10)))
    assert {len(one) for one in judged(flood, 10)[0].sample_calls} == {LONGEST_CALL_ID}


def test_a_time_that_goes_back_or_leaps_by_decades_is_survived() -> None:
    flood = detector(contracted=20)
    told(flood, [call(5), call(0), call(2_000_000_000), call(1)])
    assert judged(flood, 2_000_000_100) == []
