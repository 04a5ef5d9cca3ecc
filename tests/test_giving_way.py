"""Work that lets others have their turn is the same work."""

from __future__ import annotations

import threading
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from gateway.giving_way import giving_way


@given(st.lists(st.integers(), max_size=200), st.integers(1, 50))
def test_the_items_are_the_same_in_the_same_order(items: list[int], every: int) -> None:
    assert list(giving_way(items, every)) == items


def test_another_thread_ends_what_work_without_an_end_waits_for() -> None:
    ended = threading.Event()
    other = threading.Thread(target=ended.set)
    other.start()
    next(number for number in giving_way(count()) if ended.is_set())
    other.join()
