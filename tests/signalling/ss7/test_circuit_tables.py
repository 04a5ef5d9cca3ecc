"""The table of circuit states, walked completely: every state and every event, held against Q.764."""

from __future__ import annotations

import pytest

from gateway.signalling.ss7.circuit_states import (
    BUSY,
    MESSAGES,
    OUTGOING,
    TABLE,
    TIMERS,
    CircuitState,
    Do,
    Event,
    Step,
    step,
)
from gateway.signalling.ss7.isup_timers import ANSI, ITU, Timer

S, E = CircuitState, Event
PAIRS = [(state, event) for state in CircuitState for event in Event]
TIMER_EVENTS = {Event[timer.name] for running in TIMERS.values() for timer in running}


@pytest.mark.parametrize(("state", "event"), PAIRS, ids=lambda value: value.name)
def test_every_event_in_every_state_leads_somewhere(state: CircuitState, event: Event) -> None:
    taken, expected = step(state, event)
    assert expected is (event in TABLE[state])
    if state not in BUSY and taken.next in BUSY:
        assert event in {E.IAM, E.IAM_TO_CHECK, E.IAM_INCOMPLETE, E.SEIZE}, "nothing else begins a call"
    if taken.next is S.RELEASING and state is not S.RELEASING:
        assert Do.SEND_REL in taken.do, "RLC is waited for only of a REL that was sent"
    if taken.next is S.RESETTING and state is not S.RESETTING:
        assert Do.SEND_RSC in taken.do, "RLC is waited for only of an RSC that was sent"
    if state in BUSY - {S.INCOMING_CHECK} and taken.next not in BUSY and event is not E.RELEASE:
        assert {Do.RELEASE_OTHER, Do.REPEAT} & set(taken.do), "the other half must not be left behind"
    if state is not S.OUTGOING_SETUP:
        assert Do.REPEAT not in taken.do, "a call is tried again only while nothing came back"


@pytest.mark.parametrize("state", CircuitState, ids=lambda state: state.name)
def test_a_reset_of_the_other_exchange_ends_whatever_there_was(state: CircuitState) -> None:
    # Q.764 section 2.9.3.1: RSC is answered in every state, GRS by its GRA.
    taken, expected = step(state, E.RSC)
    assert expected
    assert Do.SEND_RLC in taken.do
    waiting_itself = {S.RESETTING, S.STUCK, S.GROUP_RESETTING}
    assert taken.next is (state if state in waiting_itself else S.IDLE)
    if state not in waiting_itself:
        assert step(state, E.GROUP_RESET)[0].next is S.IDLE


@pytest.mark.parametrize("state", CircuitState, ids=lambda state: state.name)
def test_a_release_is_answered_in_every_state(state: CircuitState) -> None:
    # Q.764 sections 2.3.1, 2.3.3, 2.9.5.1 b.
    taken, _ = step(state, E.REL)
    assert taken.do[0] is Do.SEND_RLC
    assert taken.next in {S.IDLE, S.RELEASING, S.RESETTING, S.STUCK, S.GROUP_RESETTING, S.UNEQUIPPED}


@pytest.mark.parametrize("state", BUSY, ids=lambda state: state.name)
def test_our_own_side_can_release_a_call_in_every_state(state: CircuitState) -> None:
    assert step(state, E.RELEASE) == (Step(S.RELEASING, (Do.SEND_REL,)), True)


@pytest.mark.parametrize("state", CircuitState, ids=lambda state: state.name)
def test_our_own_side_can_reset_a_circuit_in_every_state(state: CircuitState) -> None:
    if state is not S.GROUP_RESETTING:  # that one is being reset
        assert step(state, E.RESET)[0].next is S.RESETTING
    assert step(state, E.RESET_IN_GROUP)[0].next is S.GROUP_RESETTING


@pytest.mark.parametrize("event", MESSAGES, ids=lambda event: event.name)
def test_an_unexpected_message_resets_a_circuit_that_is_idle_or_just_seized_and_is_discarded_elsewhere(
    event: Event,
) -> None:
    # Q.764 section 2.9.5.1.
    for state in CircuitState:
        taken, expected = step(state, event)
        if expected:
            continue
        if state is S.IDLE:
            assert taken == Step(S.RESETTING, (Do.SEND_RSC,))
        elif state is S.OUTGOING_SETUP:
            assert taken == Step(S.RESETTING, (Do.SEND_RSC, Do.REPEAT))
        else:
            assert taken == Step(state)


@pytest.mark.parametrize("event", [event for event in Event if event not in MESSAGES], ids=lambda event: event.name)
def test_what_is_no_message_changes_nothing_where_it_does_not_belong(event: Event) -> None:
    for state in CircuitState:
        taken, expected = step(state, event)
        assert expected or taken == Step(state)


def test_a_timer_fires_only_where_it_runs() -> None:
    for state, rows in TABLE.items():
        fired = {event for event in rows if event in TIMER_EVENTS}
        assert fired == {Event[timer.name] for timer in TIMERS.get(state, ())}, state


def test_every_timer_has_a_duration_in_both_variants() -> None:
    assert set(ITU) == set(ANSI) == set(Timer)
    assert ITU[Timer.T5] == 300_000_000
    assert ANSI[Timer.T5] == 60_000_000


def test_states_of_outgoing_calls_are_those_that_a_seizure_leads_to() -> None:
    reached = {S.OUTGOING_SETUP}
    while True:
        further = {taken.next for state in reached for taken in TABLE[state].values()} & BUSY
        if further <= reached:
            break
        reached |= further
    assert reached == OUTGOING


def test_every_state_can_be_left_for_idle() -> None:
    leads_to = {state: {taken.next for taken in TABLE[state].values()} for state in CircuitState}
    back: set[CircuitState] = {S.IDLE}
    while more := {state for state in CircuitState if leads_to[state] & back} - back:
        back |= more
    assert back == set(CircuitState)
