"""The order in which the servers of an SRV answer are tried (RFC 2782)."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.locating import Candidate, in_order_of_trial


def candidates_of(servers: list[tuple[int, int, int]]) -> list[Candidate]:
    """Priority, weight and number of addresses of each server."""
    listed = []
    for place, (priority, weight, addresses) in enumerate(servers):
        hops = [Hop(f"10.0.{place}.{n}", 5060) for n in range(addresses)]
        listed.append([Candidate(hop, priority, weight, f"s{place}.example") for hop in hops])
    listed.sort(key=lambda group: group[0].priority)
    return [candidate for group in listed for candidate in group]


some_servers = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 65_535), st.integers(1, 3)), max_size=12)


@given(some_servers, st.randoms(use_true_random=False))
def test_every_candidate_is_tried_once_and_none_before_a_better_priority(
    servers: list[tuple[int, int, int]], random: Random
) -> None:
    candidates = candidates_of(servers)
    ordered = in_order_of_trial(candidates, lambda most: random.randint(0, most))
    assert Counter(ordered) == Counter(candidates)
    assert [candidate.priority for candidate in ordered] == sorted(candidate.priority for candidate in candidates)


@given(some_servers, st.randoms(use_true_random=False))
def test_the_addresses_of_a_server_stay_together_and_in_their_order(
    servers: list[tuple[int, int, int]], random: Random
) -> None:
    candidates = candidates_of(servers)
    ordered = in_order_of_trial(candidates, lambda most: random.randint(0, most))
    runs = [(server, list(group)) for server, group in groupby(ordered, key=lambda candidate: candidate.server)]
    assert len(runs) == len({server for server, _ in runs})
    for server, group in runs:
        assert group == [candidate for candidate in candidates if candidate.server == server]


@pytest.mark.parametrize(
    ("mark", "first"),
    [(0, "s2.example"), (1, "s0.example"), (10, "s0.example"), (11, "s1.example"), (40, "s1.example")],
)
def test_the_running_sum_that_reaches_the_mark_is_chosen(mark: int, first: str) -> None:
    candidates = candidates_of([(0, 10, 1), (0, 30, 1), (0, 0, 1)])
    draws = [mark]
    ordered = in_order_of_trial(candidates, lambda most: draws.pop() if draws else most)
    assert ordered[0].server == first


def test_each_server_comes_first_as_often_as_its_weight_says() -> None:
    random = Random(1)
    candidates = candidates_of([(0, 10, 1), (0, 30, 2), (0, 60, 1), (0, 0, 1), (1, 1_000, 1)])
    firsts = Counter(
        in_order_of_trial(candidates, lambda most: random.randint(0, most))[0].server for _ in range(10_000)
    )
    assert firsts["s4.example"] == 0
    for server, share in (("s0.example", 1_000), ("s1.example", 3_000), ("s2.example", 6_000), ("s3.example", 100)):
        assert abs(firsts[server] - share) < 200, (server, firsts)


def test_a_draw_beyond_the_sum_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="more than it was asked for"):
        in_order_of_trial(candidates_of([(0, 1, 1)]), lambda most: most + 1)
