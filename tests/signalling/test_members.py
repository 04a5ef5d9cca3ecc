"""The members of trunk groups: how they stand, whose turn it is, and who has room."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, Member, Service, Side, Supervision, TrunkGroup
from gateway.signalling.call import Action, MemberChanged
from gateway.signalling.members import STANDING, Event, TrunkGroupState, TrunkMember, TrunkMembers

SECOND = 1_000_000


def hop(number: int) -> Hop:
    return Hop(f"192.0.2.{number}", 5060)


def group_of(*members: Member, supervision: Supervision | None = None, capacity: int | None = None) -> TrunkGroup:
    return TrunkGroup(
        "host",
        Side.HOST,
        Ocn("9740"),
        "CLMAMOXADS0",
        members,
        capacity=capacity,
        supervision=supervision or Supervision(),
    )


def state_of(*members: Member, supervision: Supervision | None = None) -> tuple[TrunkMembers, TrunkGroupState]:
    book = TrunkMembers([group_of(*members, supervision=supervision)])
    return book, book.groups["host"]


def two(supervision: Supervision | None = None) -> tuple[TrunkMembers, TrunkMember, TrunkMember]:
    book, group = state_of(Member(hop(1)), Member(hop(2)), supervision=supervision)
    return book, *group.members


# -- the table --------------------------------------------------------------------------------------------------------

EXPECTED = {
    (Service.IN_SERVICE, Event.FAILED): Service.SUSPECT,
    (Service.IN_SERVICE, Event.FAILED_TOO_OFTEN): Service.OUT_OF_SERVICE,
    (Service.IN_SERVICE, Event.OVERLOADED): Service.PENALISED,
    (Service.SUSPECT, Event.RESPONDED): Service.IN_SERVICE,
    (Service.SUSPECT, Event.FAILED_TOO_OFTEN): Service.OUT_OF_SERVICE,
    (Service.SUSPECT, Event.OVERLOADED): Service.PENALISED,
    # RFC 3261 section 21.5.4: it is left alone until the time that it named, whatever else it answers meanwhile
    (Service.PENALISED, Event.PENALTY_OVER): Service.IN_SERVICE,
    (Service.PENALISED, Event.FAILED_TOO_OFTEN): Service.OUT_OF_SERVICE,
    (Service.OUT_OF_SERVICE, Event.RESPONDED): Service.IN_SERVICE,
    (Service.OUT_OF_SERVICE, Event.OVERLOADED): Service.PENALISED,
    (Service.OUT_OF_SERVICE, Event.RETRY): Service.SUSPECT,
}


@pytest.mark.parametrize(("service", "event"), list(product(Service, Event)))
def test_every_pair_of_standing_and_event_leads_where_it_should(service: Service, event: Event) -> None:
    assert STANDING[service].get(event) == EXPECTED.get((service, event))


def test_no_standing_is_final() -> None:
    for service in Service:
        reached = {service}
        while more := {after for one in reached for after in STANDING[one].values()} - reached:
            reached |= more
        assert reached == set(Service)


# -- standing ---------------------------------------------------------------------------------------------------------


def test_a_member_that_fails_too_often_in_a_row_is_out_of_service() -> None:
    book, first, _ = two(Supervision(failures=3))
    actions: list[Action] = []
    for _ in range(2):
        book.failed(first, 1, 1, actions)
    assert first.service is Service.SUSPECT
    book.responded(first, 2, actions)
    assert first.service is Service.IN_SERVICE
    for _ in range(3):
        book.failed(first, 3, 3, actions)
    assert first.service is Service.OUT_OF_SERVICE
    assert [(action.before, action.after) for action in actions if isinstance(action, MemberChanged)] == [
        (Service.IN_SERVICE, Service.SUSPECT),
        (Service.SUSPECT, Service.IN_SERVICE),
        (Service.IN_SERVICE, Service.SUSPECT),
        (Service.SUSPECT, Service.OUT_OF_SERVICE),
    ]


def test_what_a_member_was_asked_before_it_came_back_says_nothing_of_it_now() -> None:
    book, first, _ = two(Supervision(failures=2))
    actions: list[Action] = []
    book.failed(first, 1, 5, actions)
    book.responded(first, 6, actions)
    for asked_at_us in (2, 5):
        book.failed(first, asked_at_us, 9, actions)
    assert (first.service, first.failures) == (Service.IN_SERVICE, 0)
    book.failed(first, 6, 10, actions)
    assert (first.service, first.failures) == (Service.SUSPECT, 1)


def test_a_member_that_nothing_probes_is_tried_again_and_out_again_at_its_first_failure() -> None:
    book, first, _ = two(Supervision(failures=2, retry_us=30 * SECOND))
    actions: list[Action] = []
    for _ in range(2):
        book.failed(first, 0, 0, actions)
    book.wake(30 * SECOND - 1, actions)
    assert first.service is Service.OUT_OF_SERVICE
    book.wake(30 * SECOND, actions)
    assert first.service is Service.SUSPECT
    book.failed(first, 31 * SECOND, 31 * SECOND, actions)
    assert first.service is Service.OUT_OF_SERVICE
    assert book.next_us == 61 * SECOND


def test_a_member_that_is_probed_waits_for_a_probe_to_bring_it_back() -> None:
    book, first, _ = two(Supervision(probe_us=SECOND, failures=1))
    actions: list[Action] = []
    book.failed(first, 0, 0, actions)
    assert (first.service, book.next_us) == (Service.OUT_OF_SERVICE, None)
    book.responded(first, 9, actions)
    assert (first.service, first.failures, first.since_us) == (Service.IN_SERVICE, 0, 9)


def test_the_only_member_that_nothing_probes_is_suspect_and_never_taken_out() -> None:
    book, group = state_of(Member(hop(1)))
    only = group.members[0]
    actions: list[Action] = []
    for _ in range(100):
        book.failed(only, 0, 0, actions)
    assert (only.service, only.used, len(actions)) == (Service.SUSPECT, True, 1)
    book.responded(only, 1, actions)
    assert (only.service, len(actions)) == (Service.IN_SERVICE, 2)


def test_a_penalty_ends_when_its_time_is_over_and_is_never_longer_than_allowed() -> None:
    book, first, _ = two(Supervision(retry_after_max_us=60 * SECOND))
    actions: list[Action] = []
    book.overloaded(first, 5, 0, actions)
    book.responded(first, SECOND, actions)
    assert first.service is Service.PENALISED
    book.wake(5 * SECOND, actions)
    assert first.service is Service.IN_SERVICE
    book.overloaded(first, 999_999_999, 10 * SECOND, actions)
    assert book.next_us == 70 * SECOND


def test_a_second_penalty_counts_where_it_is_the_longer_one() -> None:
    book, first, _ = two()
    actions: list[Action] = []
    book.overloaded(first, 10, 0, actions)
    book.overloaded(first, 2, 0, actions)
    book.overloaded(first, 20, 0, actions)
    book.wake(19 * SECOND, actions)
    assert first.service is Service.PENALISED
    book.wake(20 * SECOND, actions)
    assert first.service is Service.IN_SERVICE


def test_a_retry_after_of_nothing_is_no_penalty() -> None:
    book, first, _ = two()
    actions: list[Action] = []
    book.overloaded(first, 0, 0, actions)
    assert (first.service, actions, book.next_us) == (Service.IN_SERVICE, [], None)


# -- whose turn it is -------------------------------------------------------------------------------------------------


def chosen(book: TrunkMembers, group: TrunkGroupState, times: int) -> Counter[str]:
    return Counter(
        member.hop.host
        for _ in range(times)
        if (member := book.choose(group)) is not None  # type: ignore[misc]
    )


def test_calls_are_shared_out_by_weight_within_the_lowest_priority() -> None:
    members = (Member(hop(1), 1, 3), Member(hop(2), 1, 1), Member(hop(3), 2, 9), Member(hop(4), 1, 0))
    book, group = state_of(*members)
    assert chosen(book, group, 400) == {"192.0.2.1": 300, "192.0.2.2": 100}


def test_the_next_priority_and_then_a_weight_of_nothing_are_for_when_the_others_cannot() -> None:
    book, group = state_of(Member(hop(1), 1, 0), Member(hop(2), 1, 5), Member(hop(3), 2))
    first, second, third = group.members
    assert book.choose(group) is second
    assert book.choose(group, tried=[second]) is first
    assert book.choose(group, tried=[first, second]) is third
    assert book.choose(group, tried=group.members) is None


def test_a_member_out_of_service_or_full_gets_no_call() -> None:
    book, group = state_of(Member(hop(1)), Member(hop(2), capacity=1), Member(hop(3)), supervision=Supervision())
    first, second, third = group.members
    book.overloaded(first, 10, 0, [])
    book.take(None, second)
    assert chosen(book, group, 10) == {"192.0.2.3": 10}
    book.release(None, second)
    assert chosen(book, group, 10) == {"192.0.2.2": 5, "192.0.2.3": 5}
    assert third.calls == 0


def test_an_emergency_call_is_tried_on_every_member_those_out_of_service_last() -> None:
    book, group = state_of(*(Member(hop(n), capacity=1) for n in (1, 2, 3, 4)), supervision=Supervision(failures=1))
    out, penalised, full, well = group.members
    book.failed(out, 0, 0, [])
    book.overloaded(penalised, 10, 0, [])
    book.take(None, full)
    tried: list[TrunkMember] = []
    while (member := book.choose(group, emergency=True, tried=tried)) is not None:
        tried.append(member)
    assert tried == [well, full, penalised, out]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20)), min_size=1, max_size=8), st.integers(1, 200))
def test_over_any_time_each_member_gets_its_share_to_within_one_call_for_each_other(
    settings: list[tuple[int, int]], times: int
) -> None:
    book, group = state_of(*(Member(hop(n), *one) for n, one in enumerate(settings)))
    counts = chosen(book, group, times)
    lowest = min(priority for priority, _ in settings)
    weights = {n: weight for n, (priority, weight) in enumerate(settings) if priority == lowest}
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1)
    for n in range(len(settings)):
        share = times * weights.get(n, 0) / sum(weights.values())
        assert abs(counts[f"192.0.2.{n}"] - share) < len(weights)


# -- never astray -----------------------------------------------------------------------------------------------------

EVENTS = st.one_of(
    st.tuples(st.sampled_from(["failed", "responded", "wake", "choose"]), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("overloaded"), st.integers(0, 2), st.integers(0, 1_000)),
)


@given(st.lists(EVENTS, max_size=60), st.booleans())
def test_whatever_happens_who_is_left_out_comes_back(events: list[tuple[str, int, int]], probed: bool) -> None:
    supervision = Supervision(probe_us=SECOND if probed else 0, failures=2, retry_us=30 * SECOND)
    book, group = state_of(*(Member(hop(n)) for n in range(3)), supervision=supervision)
    now, actions = 0, list[Action]()
    for what, place, seconds in events:
        now += SECOND
        member = group.members[place]
        match what:
            case "wake":
                book.wake(now, actions)
            case "choose":
                one = book.choose(group)
                assert one is None or one.used
            case "overloaded":
                book.overloaded(member, seconds, now, actions)
            case "failed":
                book.failed(member, now, now, actions)
            case _:
                book.responded(member, now, actions)
        assert (book.choose(group) is None) == (not any(member.used for member in group.members))
    while (due := book.next_us) is not None:
        now = max(now, due)
        book.wake(now, actions)
    for member in group.members:
        book.responded(member, now, actions)
        assert member.used
