"""M3UA links against octets that no peer should send. `tests/fuzz/m3ua_target.py` goes on where this ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.ss7.m3ua import (
    M3uaMessage,
    MessageType,
    Parameter,
    Tag,
    encode_m3ua,
    encode_parameters,
    m3ua_data,
    number,
)
from gateway.interconnection.links import LinkRole
from gateway.signalling.ss7.application_servers import RoutingContexts
from gateway.signalling.ss7.turn import Deadlines, Timer, Turn
from tests.signalling.ss7.m3ua_ends import OURS, THEIRS, End, link, transfer

MOST_ANSWERS = 4
"""An ASPDN of the last process: its acknowledgement, and what is notified."""


def active_client() -> tuple[End, str]:
    return End(link()).active_client(), "rb-a"


def active_server() -> tuple[End, str]:
    return End(link("rb", LinkRole.SERVER)).active_process("rb#1"), "rb#1"


ENDS: list[Callable[[], tuple[End, str]]] = [active_client, active_server]

values = st.one_of(
    st.binary(max_size=20),
    st.lists(st.integers(0, (1 << 32) - 1), max_size=4).map(lambda found: number(1, *found).value),
    st.sampled_from([OURS.to_bytes(4, "big"), THEIRS.to_bytes(4, "big"), b"\0\0\0\1", b"\0\1\0\2", b"\0\2\0\2"]),
)
parameters = st.builds(Parameter, st.one_of(st.sampled_from(Tag).map(int), st.integers(0, 0xFFFF)), values)
nested = st.builds(
    Parameter,
    st.sampled_from([int(Tag.ROUTING_KEY), int(Tag.REGISTRATION_RESULT), int(Tag.DEREGISTRATION_RESULT)]),
    st.lists(parameters, max_size=5).map(encode_parameters),
)
messages = st.builds(
    M3uaMessage,
    st.sampled_from(MessageType).map(int),
    st.lists(st.one_of(parameters, nested), max_size=6).map(tuple),
)


@pytest.mark.parametrize("start", ENDS)
@given(data=st.binary(max_size=120), stream=st.integers(0, 3))
def test_arbitrary_octets_draw_one_err(start: Callable[[], tuple[End, str]], data: bytes, stream: int) -> None:
    end, name = start()
    assert end.take(data, stream=stream, name=name) in ([MessageType.ERR], [])
    assert end.told == []
    assert end.reading().is_active


@pytest.mark.parametrize("start", ENDS)
@settings(max_examples=60)
@given(several=st.lists(st.tuples(messages, st.integers(0, 1)), min_size=1, max_size=5))
def test_messages_of_arbitrary_parameters_draw_few_answers_each(
    start: Callable[[], tuple[End, str]], several: list[tuple[M3uaMessage, int]]
) -> None:
    end, name = start()
    for message, stream in several:
        assert len(end.take(encode_m3ua(message), stream=stream, name=name)) <= MOST_ANSWERS
    end.after(10_000_000)


@pytest.mark.parametrize("start", ENDS)
def test_a_message_is_malformed_wherever_it_is_cut(start: Callable[[], tuple[End, str]]) -> None:
    end, name = start()
    whole = m3ua_data(transfer(), 7)
    for length in range(len(whole)):
        assert end.take(whole[:length], stream=1, name=name) == [MessageType.ERR]
    assert end.told == []


# -- what keeps time and numbers --------------------------------------------------------------------------------------


class Owner:
    """Whose timers they are."""

    def expired(self, timer: Timer, turn: Turn) -> None:
        """Nothing is done here: `Deadlines.take` says what is due."""


def test_timers_run_out_in_the_order_of_their_times_and_once() -> None:
    deadlines, one, two = Deadlines(), Owner(), Owner()
    deadlines.start(Timer.ACK, one, 30)
    deadlines.start(Timer.BEAT, two, 10)
    deadlines.start(Timer.BEAT, one, 20)
    assert deadlines.next_us == 10
    assert deadlines.take(9) == []
    assert deadlines.take(20) == [(Timer.BEAT, two), (Timer.BEAT, one)]
    assert deadlines.next_us == 30
    assert deadlines.take(1_000) == [(Timer.ACK, one)]
    assert not len(deadlines)


def test_a_timer_that_is_set_anew_runs_out_at_its_new_time() -> None:
    deadlines, owner = Deadlines(), Owner()
    deadlines.start(Timer.ACK, owner, 10)
    deadlines.start(Timer.ACK, owner, 50)
    assert deadlines.take(49) == []
    assert deadlines.next_us == 50
    assert deadlines.take(50) == [(Timer.ACK, owner)]


def test_stopped_timers_do_not_run_out() -> None:
    deadlines, one, two = Deadlines(), Owner(), Owner()
    for timer in Timer:
        deadlines.start(timer, one, 10)
        deadlines.start(timer, two, 10)
    deadlines.stop(Timer.ACK, two)
    deadlines.stop(Timer.ACK, two)
    deadlines.stop_all(one)
    assert [timer for timer, _ in deadlines.take(10)] == [timer for timer in Timer if timer is not Timer.ACK]


def test_routing_contexts_are_given_once_and_past_those_of_the_configuration() -> None:
    contexts = RoutingContexts((1, 3))
    assert [contexts.take(None) for _ in range(3)] == [2, 4, 5]
    assert (contexts.take(3), contexts.take(9), contexts.take(9)) == (None, 9, None)
    contexts.give_back(9)
    assert contexts.take(9) == 9
