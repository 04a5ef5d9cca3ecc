"""The timer queue, in tables and against a plain sorted list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.signalling.timers import TimerQueue


def test_nothing_is_due_before_its_time_and_each_timer_fires_once() -> None:
    timers: TimerQueue[str, str] = TimerQueue()
    timers.start("B", "call", 100, 50)
    timers.start("A", "call", 100, 10)
    assert (timers.next_us, len(timers)) == (110, 2)
    assert list(timers.due(109)) == []
    assert list(timers.due(110)) == [("A", "call")]
    assert (timers.next_us, len(timers)) == (150, 1)
    assert list(timers.due(150)) == [("B", "call")]
    assert list(timers.due(10_000)) == []
    assert len(timers) == 0
    assert timers.next_us is None


def test_a_timer_started_again_fires_at_its_new_time_only() -> None:
    timers: TimerQueue[str, str] = TimerQueue()
    timers.start("A", "one", 0, 10)
    timers.start("A", "two", 1, 10)
    timers.start("A", "one", 5, 10)
    assert list(timers.due(11)) == [("A", "two")]
    assert timers.next_us == 15
    assert list(timers.due(15)) == [("A", "one")]


def test_timers_of_two_durations_run_side_by_side() -> None:
    timers: TimerQueue[str, str] = TimerQueue()
    timers.start("A", "one", 0, 10)
    timers.start("A", "one", 0, 20)
    timers.stop("A", "one", 10)
    assert list(timers.due(20)) == [("A", "one")]


def test_a_stopped_timer_does_not_fire_and_stopping_none_is_no_fault() -> None:
    timers: TimerQueue[str, str] = TimerQueue()
    timers.stop("A", "one", 10)
    timers.start("A", "one", 0, 10)
    timers.stop("A", "two", 10)
    timers.stop("A", "one", 10)
    assert len(timers) == 0
    assert list(timers.due(100)) == []


def test_a_timer_started_while_others_fire_waits_for_the_next_call() -> None:
    timers: TimerQueue[str, str] = TimerQueue()
    timers.start("A", "one", 0, 10)
    for event, owner in timers.due(50):
        timers.start(event, owner, 0, 10)
    assert timers.next_us == 10
    assert list(timers.due(50)) == [("A", "one")]


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["start", "stop", "due"]),
        st.sampled_from("AB"),
        st.integers(0, 3),
        st.sampled_from([5, 20]),
        st.integers(0, 15),  # time that passes first
    ),
    max_size=60,
)


@given(_STEPS)
def test_it_says_the_same_as_a_sorted_list(steps: list[tuple[str, str, int, int, int]]) -> None:
    timers: TimerQueue[str, int] = TimerQueue()
    running: dict[tuple[str, int, int], int] = {}
    now = 0
    for what, event, owner, duration, passes in steps:
        now += passes
        if what == "start":
            timers.start(event, owner, now, duration)
            running[event, owner, duration] = now + duration
        elif what == "stop":
            timers.stop(event, owner, duration)
            running.pop((event, owner, duration), None)
        else:
            expected = sorted(key[:2] for key, deadline in running.items() if deadline <= now)
            running = {key: deadline for key, deadline in running.items() if deadline > now}
            assert sorted(timers.due(now)) == expected
            assert timers.next_us == min(running.values(), default=None)
        assert len(timers) == len(running)
        if running:
            assert timers.next_us is not None
            assert timers.next_us <= min(running.values())
