"""The state tables against the sentences of RFC 4666 section 4.3, state by state and event by event.

A pair that no sentence names must be ignored.
"""

from __future__ import annotations

from itertools import product

import pytest

from gateway.signalling.ss7.asp_states import (
    APPLICATION_SERVER,
    CLIENT,
    SERVER,
    AsEvent,
    AspEvent,
    AspState,
    AsState,
    ClientEvent,
    ClientState,
)

EXPECTED_CLIENT: dict[tuple[str, str], tuple[str, str]] = {
    # 4.3.4.1: when the association is up, ASP Up is sent; T(ack) repeats it; the acknowledgement makes us inactive
    ("DOWN", "CONNECTED"): ("COMING_UP", "ASPUP"),
    ("DOWN", "LEAVE"): ("LEFT", ""),
    ("COMING_UP", "UP_ACK"): ("ACTIVATING", "ASPAC"),
    ("COMING_UP", "UP_ACK_KEY"): ("REGISTERING", "REG REQ"),
    ("COMING_UP", "ACK_OVERDUE"): ("COMING_UP", "ASPUP"),
    ("COMING_UP", "REFUSAL"): ("REFUSED", "start the retry timer"),
    ("COMING_UP", "LEAVE"): ("GOING_DOWN", "ASPDN"),
    ("COMING_UP", "LOST"): ("DOWN", ""),
    # 4.4.1: registration before becoming active
    ("REGISTERING", "REGISTERED"): ("ACTIVATING", "ASPAC"),
    ("REGISTERING", "REFUSAL"): ("REFUSED", "start the retry timer"),
    ("REGISTERING", "ACK_OVERDUE"): ("REGISTERING", "REG REQ"),
    ("REGISTERING", "DOWN_ACK"): ("COMING_UP", "ASPUP"),
    ("REGISTERING", "LEAVE"): ("GOING_DOWN", "ASPDN"),
    ("REGISTERING", "LOST"): ("DOWN", ""),
    # 4.3.4.3: ASP Active, repeated by T(ack)
    ("ACTIVATING", "ACTIVE_ACK"): ("ACTIVE", ""),
    ("ACTIVATING", "REFUSAL"): ("REFUSED", "start the retry timer"),
    ("ACTIVATING", "ACK_OVERDUE"): ("ACTIVATING", "ASPAC"),
    ("ACTIVATING", "DOWN_ACK"): ("COMING_UP", "ASPUP"),
    ("ACTIVATING", "LEAVE"): ("DEACTIVATING", "ASPIA"),
    ("ACTIVATING", "LOST"): ("DOWN", ""),
    # 4.3.4.5: another process has the traffic; 4.3.4.1, .2, .4: an acknowledgement nobody asked for
    ("ACTIVE", "OVERRIDDEN"): ("STANDBY", ""),
    ("ACTIVE", "NEEDED"): ("ACTIVE", "ASPAC"),  # what may be old news interrupts nothing
    ("ACTIVE", "UP_ACK"): ("ACTIVATING", "ERR, unexpected message; ASPAC"),
    ("ACTIVE", "UP_ACK_KEY"): ("ACTIVATING", "ERR, unexpected message; ASPAC"),
    ("ACTIVE", "INACTIVE_ACK"): ("ACTIVATING", "ASPAC"),
    ("ACTIVE", "INACTIVE_ACK_KEY"): ("ACTIVATING", "ASPAC"),
    ("ACTIVE", "DOWN_ACK"): ("COMING_UP", "ASPUP"),
    ("ACTIVE", "LEAVE"): ("DEACTIVATING", "ASPIA"),
    ("ACTIVE", "LOST"): ("DOWN", ""),
    ("STANDBY", "NEEDED"): ("ACTIVATING", "ASPAC"),
    ("STANDBY", "DOWN_ACK"): ("COMING_UP", "ASPUP"),
    ("STANDBY", "LEAVE"): ("DEACTIVATING", "ASPIA"),
    ("STANDBY", "LOST"): ("DOWN", ""),
    ("REFUSED", "RETRY"): ("COMING_UP", "ASPUP"),
    ("REFUSED", "LEAVE"): ("GOING_DOWN", "ASPDN"),
    ("REFUSED", "LOST"): ("DOWN", ""),
    # 4.3.4.4, 4.4.2, 4.3.4.2: out of service, in this order
    ("DEACTIVATING", "INACTIVE_ACK"): ("GOING_DOWN", "ASPDN"),
    ("DEACTIVATING", "INACTIVE_ACK_KEY"): ("DEREGISTERING", "DEREG REQ"),
    ("DEACTIVATING", "REFUSAL"): ("GOING_DOWN", "ASPDN"),
    ("DEACTIVATING", "ACK_OVERDUE"): ("DEACTIVATING", "ASPIA"),
    ("DEACTIVATING", "DOWN_ACK"): ("LEFT", ""),
    ("DEACTIVATING", "LOST"): ("LEFT", ""),
    ("DEREGISTERING", "DEREGISTERED"): ("GOING_DOWN", "ASPDN"),
    ("DEREGISTERING", "REFUSAL"): ("GOING_DOWN", "ASPDN"),
    ("DEREGISTERING", "ACK_OVERDUE"): ("DEREGISTERING", "DEREG REQ"),
    ("DEREGISTERING", "DOWN_ACK"): ("LEFT", ""),
    ("DEREGISTERING", "LOST"): ("LEFT", ""),
    ("GOING_DOWN", "DOWN_ACK"): ("LEFT", ""),
    ("GOING_DOWN", "REFUSAL"): ("LEFT", ""),
    ("GOING_DOWN", "ACK_OVERDUE"): ("GOING_DOWN", "ASPDN"),
    ("GOING_DOWN", "LOST"): ("LEFT", ""),
    ("LEFT", "UP_ACK"): ("LEFT", "ERR, unexpected message"),
    ("LEFT", "UP_ACK_KEY"): ("LEFT", "ERR, unexpected message"),
}

EXPECTED_SERVER: dict[tuple[str, str], tuple[str, str]] = {
    # 4.3.1, figure 3
    ("DOWN", "ASPUP"): ("INACTIVE", "ACK"),
    ("DOWN", "ASPDN"): ("DOWN", "ACK"),
    ("DOWN", "ASPAC"): ("DOWN", "UNEXPECTED"),
    ("DOWN", "ASPIA"): ("DOWN", "UNEXPECTED"),
    ("INACTIVE", "ASPUP"): ("INACTIVE", "ACK"),
    ("INACTIVE", "ASPDN"): ("DOWN", "ACK"),
    ("INACTIVE", "ASPAC"): ("ACTIVE", "ACK"),
    ("INACTIVE", "ASPIA"): ("INACTIVE", "ACK"),
    ("INACTIVE", "LOCKED_OUT"): ("DOWN", "ACK"),
    ("INACTIVE", "LOST"): ("DOWN", "NOTHING"),
    # 4.3.4.1: an ASP Up of an active process is acknowledged and refused, and the process is inactive
    ("ACTIVE", "ASPUP"): ("INACTIVE", "ACK_UNEXPECTED"),
    ("ACTIVE", "ASPDN"): ("DOWN", "ACK"),
    ("ACTIVE", "ASPAC"): ("ACTIVE", "ACK"),
    ("ACTIVE", "ASPIA"): ("INACTIVE", "ACK"),
    # 4.3.4.3: in override mode
    ("ACTIVE", "OVERRIDDEN"): ("INACTIVE", "ALTERNATE_ACTIVE"),
    ("ACTIVE", "LOCKED_OUT"): ("DOWN", "ACK"),
    ("ACTIVE", "LOST"): ("DOWN", "NOTHING"),
}

EXPECTED_APPLICATION_SERVER: dict[tuple[str, str], str] = {
    # 4.3.2, figure 4
    ("DOWN", "NONE_ACTIVE"): "INACTIVE",
    ("DOWN", "SOME_ACTIVE"): "ACTIVE",
    ("INACTIVE", "SOME_ACTIVE"): "ACTIVE",
    ("INACTIVE", "ALL_DOWN"): "DOWN",
    ("ACTIVE", "NONE_ACTIVE"): "PENDING",
    ("ACTIVE", "ALL_DOWN"): "PENDING",
    ("PENDING", "SOME_ACTIVE"): "ACTIVE",
    ("PENDING", "OVER_NONE_ACTIVE"): "INACTIVE",
    ("PENDING", "OVER_ALL_DOWN"): "DOWN",
}


@pytest.mark.parametrize(("state", "event"), list(product(ClientState, ClientEvent)))
def test_a_process_of_ours_does_what_the_rfc_says(state: ClientState, event: ClientEvent) -> None:
    step = CLIENT[state].get(event)
    expected = EXPECTED_CLIENT.get((state.name, event.name))
    if step is None:
        assert expected is None
    else:
        assert (step.state.name, "; ".join(effect.value for effect in step.effects)) == expected


@pytest.mark.parametrize(("state", "event"), list(product(AspState, AspEvent)))
def test_a_server_takes_a_process_as_the_rfc_says(state: AspState, event: AspEvent) -> None:
    step = SERVER[state].get(event)
    expected = EXPECTED_SERVER.get((state.name, event.name))
    assert (None if step is None else (step.state.name, step.reply.name)) == expected


@pytest.mark.parametrize(("state", "event"), list(product(AsState, AsEvent)))
def test_an_application_server_stands_as_the_rfc_says(state: AsState, event: AsEvent) -> None:
    found = APPLICATION_SERVER[state].get(event)
    assert (None if found is None else found.name) == EXPECTED_APPLICATION_SERVER.get((state.name, event.name))


def test_from_every_state_of_a_process_there_is_a_way_to_active_or_out_of_service() -> None:
    for start in ClientState:
        seen, frontier = {start}, [start]
        while frontier:
            for step in CLIENT[frontier.pop()].values():
                if step.state not in seen:
                    seen.add(step.state)
                    frontier.append(step.state)
        assert seen & {ClientState.ACTIVE, ClientState.LEFT}
