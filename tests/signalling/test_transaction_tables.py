"""The transaction tables against the text of RFC 3261 section 17 and RFC 6026, state by state and event by event.

For unreliable and for reliable transports. The expected tables were written from the RFCs' sentences; a pair that they
do not name must be ignored.
"""

from __future__ import annotations

from itertools import product

import pytest

from gateway.signalling.transactions import (
    CLIENT,
    CLIENT_RELIABLE,
    INVITE_CLIENT,
    INVITE_CLIENT_RELIABLE,
    INVITE_SERVER,
    INVITE_SERVER_RELIABLE,
    SERVER,
    SERVER_RELIABLE,
    Effect,
    Event,
    Machine,
    State,
)

Expected = dict[tuple[str, str], tuple[str, str]]
"""(state, event) -> (next state, effects in order)."""

EXPECTED_INVITE_SERVER: Expected = {
    # 17.2.1: a retransmission is answered with the most recent provisional response
    ("PROCEEDING", "REQUEST"): ("PROCEEDING", "REPEAT_RESPONSE"),
    ("PROCEEDING", "PROVISIONAL"): ("PROCEEDING", "SEND"),
    # RFC 6026 7.1: a 2xx moves to Accepted and starts timer L
    ("PROCEEDING", "SUCCESS"): ("ACCEPTED", "SEND START_L"),
    # 17.2.1: 300-699 moves to Completed; G (unreliable transports) and H start
    ("PROCEEDING", "FAILURE"): ("COMPLETED", "SEND START_G START_H"),
    # RFC 6026 7.1: further 2xx are passed on; retransmitted INVITEs are absorbed without an answer
    ("ACCEPTED", "SUCCESS"): ("ACCEPTED", "SEND"),
    ("ACCEPTED", "TIMER_L"): ("TERMINATED", "FORGET"),
    ("COMPLETED", "REQUEST"): ("COMPLETED", "REPEAT_RESPONSE"),
    ("COMPLETED", "TIMER_G"): ("COMPLETED", "REPEAT_RESPONSE START_G"),
    ("COMPLETED", "TIMER_H"): ("TERMINATED", "FORGET"),
    ("COMPLETED", "ACK"): ("CONFIRMED", "START_I"),
    # Confirmed absorbs further ACKs (and INVITEs) until I fires
    ("CONFIRMED", "TIMER_I"): ("TERMINATED", "FORGET"),
}

EXPECTED_INVITE_CLIENT: Expected = {
    ("CALLING", "TIMER_A"): ("CALLING", "REPEAT_REQUEST START_A"),
    ("CALLING", "TIMER_B"): ("TERMINATED", "GIVE_UP FORGET"),
    # figure 5: a transport error ends Calling and Completed; in Proceeding the next hop has the request
    ("CALLING", "TRANSPORT_ERROR"): ("TERMINATED", "UNREACHABLE FORGET"),
    ("COMPLETED", "TRANSPORT_ERROR"): ("TERMINATED", "FORGET"),
    # ours: as long as there is no response at all, another member of the trunk group may be asked
    ("CALLING", "OVERDUE"): ("CALLING", "REPORT_OVERDUE"),
    # 16.6 step 11 and 16.7 step 2: a proxy runs timer C, and starts it again for provisional responses
    ("CALLING", "PROVISIONAL"): ("PROCEEDING", "RELAY START_C"),
    ("CALLING", "SUCCESS"): ("ACCEPTED", "RELAY START_M"),
    ("CALLING", "FAILURE"): ("COMPLETED", "ACKNOWLEDGE RELAY START_D"),
    ("PROCEEDING", "PROVISIONAL"): ("PROCEEDING", "RELAY START_C"),
    ("PROCEEDING", "SUCCESS"): ("ACCEPTED", "RELAY START_M"),
    ("PROCEEDING", "FAILURE"): ("COMPLETED", "ACKNOWLEDGE RELAY START_D"),
    # 16.8: timer C after a provisional response cancels; 9.1: after 64*T1 without answer the client gives up
    ("PROCEEDING", "TIMER_C"): ("PROCEEDING", "CANCEL"),
    ("PROCEEDING", "CANCEL_TIMEOUT"): ("TERMINATED", "GIVE_UP FORGET"),
    # RFC 6026 7.2: every 2xx is passed up
    ("ACCEPTED", "SUCCESS"): ("ACCEPTED", "RELAY"),
    ("ACCEPTED", "TIMER_M"): ("TERMINATED", "FORGET"),
    # 17.1.1.2: a retransmitted final response is acknowledged again and not passed up
    ("COMPLETED", "FAILURE"): ("COMPLETED", "ACKNOWLEDGE"),
    ("COMPLETED", "TIMER_D"): ("TERMINATED", "FORGET"),
}

EXPECTED_SERVER: Expected = {
    # 17.2.2: in Trying a retransmission is discarded
    ("TRYING", "PROVISIONAL"): ("PROCEEDING", "SEND"),
    ("TRYING", "SUCCESS"): ("COMPLETED", "SEND START_J"),
    ("TRYING", "FAILURE"): ("COMPLETED", "SEND START_J"),
    ("PROCEEDING", "REQUEST"): ("PROCEEDING", "REPEAT_RESPONSE"),
    ("PROCEEDING", "PROVISIONAL"): ("PROCEEDING", "SEND"),
    ("PROCEEDING", "SUCCESS"): ("COMPLETED", "SEND START_J"),
    ("PROCEEDING", "FAILURE"): ("COMPLETED", "SEND START_J"),
    ("COMPLETED", "REQUEST"): ("COMPLETED", "REPEAT_RESPONSE"),
    # any other final response passed by the TU in Completed is discarded
    ("COMPLETED", "TIMER_J"): ("TERMINATED", "FORGET"),
}

EXPECTED_CLIENT: Expected = {
    ("TRYING", "TIMER_E"): ("TRYING", "REPEAT_REQUEST START_E"),
    ("TRYING", "TIMER_F"): ("TERMINATED", "GIVE_UP FORGET"),
    # ours: a probe of a member of a trunk group is waited for less long than timer F
    ("TRYING", "OVERDUE"): ("TERMINATED", "REPORT_OVERDUE FORGET"),
    ("PROCEEDING", "OVERDUE"): ("TERMINATED", "REPORT_OVERDUE FORGET"),
    # figure 6: a transport error ends Trying and Proceeding
    ("TRYING", "TRANSPORT_ERROR"): ("TERMINATED", "UNREACHABLE FORGET"),
    ("PROCEEDING", "TRANSPORT_ERROR"): ("TERMINATED", "UNREACHABLE FORGET"),
    ("TRYING", "PROVISIONAL"): ("PROCEEDING", "RELAY"),
    ("TRYING", "SUCCESS"): ("COMPLETED", "RELAY START_K"),
    ("TRYING", "FAILURE"): ("COMPLETED", "RELAY START_K"),
    ("PROCEEDING", "TIMER_E"): ("PROCEEDING", "REPEAT_REQUEST START_E"),
    ("PROCEEDING", "TIMER_F"): ("TERMINATED", "GIVE_UP FORGET"),
    ("PROCEEDING", "PROVISIONAL"): ("PROCEEDING", "RELAY"),
    ("PROCEEDING", "SUCCESS"): ("COMPLETED", "RELAY START_K"),
    ("PROCEEDING", "FAILURE"): ("COMPLETED", "RELAY START_K"),
    ("COMPLETED", "TIMER_K"): ("TERMINATED", "FORGET"),
}

EXPECTED_INVITE_SERVER_RELIABLE: Expected = {
    # 17.2.1: timer G runs over unreliable transports only, and timer I fires after no time
    **{pair: found for pair, found in EXPECTED_INVITE_SERVER.items() if pair[1] not in ("TIMER_G", "TIMER_I")},
    ("PROCEEDING", "FAILURE"): ("COMPLETED", "SEND START_H"),
    ("COMPLETED", "ACK"): ("TERMINATED", "FORGET"),
}

EXPECTED_INVITE_CLIENT_RELIABLE: Expected = {
    # 17.1.1.2: timer A runs over unreliable transports only, and timer D fires after no time
    **{
        pair: found for pair, found in EXPECTED_INVITE_CLIENT.items() if pair[1] != "TIMER_A" and pair[0] != "COMPLETED"
    },
    ("CALLING", "FAILURE"): ("TERMINATED", "ACKNOWLEDGE RELAY FORGET"),
    ("PROCEEDING", "FAILURE"): ("TERMINATED", "ACKNOWLEDGE RELAY FORGET"),
}

EXPECTED_SERVER_RELIABLE: Expected = {
    # 17.2.2: timer J fires after no time
    **{pair: found for pair, found in EXPECTED_SERVER.items() if pair[0] != "COMPLETED"},
    **{
        (state, event): ("TERMINATED", "SEND FORGET")
        for state in ("TRYING", "PROCEEDING")
        for event in ("SUCCESS", "FAILURE")
    },
}

EXPECTED_CLIENT_RELIABLE: Expected = {
    # 17.1.2.2: timer E runs over unreliable transports only, and timer K fires after no time
    **{pair: found for pair, found in EXPECTED_CLIENT.items() if pair[1] != "TIMER_E" and pair[0] != "COMPLETED"},
    **{
        (state, event): ("TERMINATED", "RELAY FORGET")
        for state in ("TRYING", "PROCEEDING")
        for event in ("SUCCESS", "FAILURE")
    },
}

MACHINES = {
    "INVITE server": (INVITE_SERVER, EXPECTED_INVITE_SERVER, State.PROCEEDING),
    "INVITE client": (INVITE_CLIENT, EXPECTED_INVITE_CLIENT, State.CALLING),
    "server": (SERVER, EXPECTED_SERVER, State.TRYING),
    "client": (CLIENT, EXPECTED_CLIENT, State.TRYING),
    "INVITE server, reliable": (INVITE_SERVER_RELIABLE, EXPECTED_INVITE_SERVER_RELIABLE, State.PROCEEDING),
    "INVITE client, reliable": (INVITE_CLIENT_RELIABLE, EXPECTED_INVITE_CLIENT_RELIABLE, State.CALLING),
    "server, reliable": (SERVER_RELIABLE, EXPECTED_SERVER_RELIABLE, State.TRYING),
    "client, reliable": (CLIENT_RELIABLE, EXPECTED_CLIENT_RELIABLE, State.TRYING),
}


@pytest.mark.parametrize(("machine", "expected", "_start"), MACHINES.values(), ids=MACHINES)
def test_every_pair_of_state_and_event_does_what_the_rfc_says(
    machine: Machine, expected: Expected, _start: State
) -> None:
    for state, event in product(State, Event):
        found = machine.get(state, {}).get(event)
        wanted = expected.get((state.name, event.name))
        if wanted is None:
            assert found is None, (state, event)
        else:
            assert found == (State[wanted[0]], tuple(Effect[name] for name in wanted[1].split())), (state, event)


@pytest.mark.parametrize(("machine", "_expected", "start"), MACHINES.values(), ids=MACHINES)
def test_every_state_is_reached_and_terminated_has_no_way_out(
    machine: Machine, _expected: Expected, start: State
) -> None:
    reached, left = {start}, [start]
    while left:
        for following, _ in machine[left.pop()].values():
            if following not in reached:
                reached.add(following)
                left.append(following)
    assert reached == set(machine)
    assert machine[State.TERMINATED] == {}


@pytest.mark.parametrize(("machine", "_expected", "start"), MACHINES.values(), ids=MACHINES)
def test_every_way_to_the_end_forgets_the_transaction(machine: Machine, _expected: Expected, start: State) -> None:
    assert start in machine
    for following, effects in (transition for events in machine.values() for transition in events.values()):
        assert (following is State.TERMINATED) == (Effect.FORGET in effects)
