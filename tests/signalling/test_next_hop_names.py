"""A request inside a dialog that names its next hop by host name waits until the name is located, where that is set."""

from __future__ import annotations

from typing import Final

import pytest
from playbook import (
    CALLEE,
    CALLEE_TAGGED,
    CALLER,
    OURSELVES,
    Datagram,
    Expectation,
    Found,
    Playbook,
    Wait,
    answered,
    from_callee,
    in_dialog,
    locates,
    reply,
    request,
    sends,
    settings_with,
)

from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.parking import MAX_PARKED, PATIENCE_US

HOP: Final = Hop("198.51.100.7", 5060)
CONTACT: Final = b"Contact: <sip:x@switch.example:5070>"
ASKS: Final = locates("sip:switch.example:5070")


def locating_play() -> Playbook:
    return Playbook(settings_with(locate_in_dialog=True))


def to_name(method: str, *, uri: str = "sip:x@switch.example:5070", branch: str = "2", cseq: int = 2) -> Datagram:
    return request(method, uri=uri, branch=branch, cseq=f"{cseq} {method}", to=CALLEE_TAGGED)


def up(play: Playbook, contact: bytes = CONTACT) -> None:
    answered(play, contact)


@pytest.mark.parametrize(
    ("bye", "asks"),
    [
        (to_name("BYE"), ASKS),
        (to_name("BYE", uri="sip:x@SWITCH.example.:5070"), ASKS),
        (to_name("BYE", uri="sip:x@switch.example;transport=tcp"), locates("sip:switch.example;transport=tcp")),
        (to_name("BYE", uri="sips:x@switch.example"), locates("sips:switch.example")),
        (in_dialog("BYE", b"Route: <sip:switch.example:5070;lr>"), ASKS),
        (in_dialog("BYE", b"Route: <sip:192.0.2.1:5060;lr>, <sip:switch.example:5070;lr>"), ASKS),
    ],
)
def test_a_request_waits_until_its_next_hop_is_located(bye: Datagram, asks: Expectation) -> None:
    play = locating_play()
    up(play)
    play >> bye << asks
    with play:
        play >> Found((HOP,)) << sends("BYE", HOP)


@pytest.mark.parametrize(
    "bye",
    [
        to_name("BYE", uri="sip:x@other.example"),
        to_name("BYE", uri="sip:x@192.0.2.20"),
        to_name("BYE", uri="sip:x@999.1.1.1"),
        to_name("BYE", uri="sip:x@switch.example;transport=sctp"),
        in_dialog("BYE", b"Route: <sip:other.example;lr>"),
    ],
)
def test_a_name_that_the_other_side_did_not_give_is_not_looked_up(bye: Datagram) -> None:
    play = locating_play()
    up(play)
    with play:
        play >> bye << sends("BYE", CALLEE)


def test_without_the_setting_no_name_is_looked_up() -> None:
    play = Playbook()
    up(play)
    with play:
        play >> to_name("BYE") << sends("BYE", CALLEE)


@pytest.mark.parametrize(
    "hops", [(), (OURSELVES,), (Hop("198.51.100.7", 5060, Transport.TCP),), (Hop("2001:db8::7", 5060),)]
)
def test_a_name_that_leads_nowhere_sends_the_request_to_the_other_side(hops: tuple[Hop, ...]) -> None:
    play = locating_play()
    up(play)
    play >> to_name("BYE") << ASKS
    with play:
        play >> Found(hops) << sends("BYE", CALLEE)


def test_the_first_hop_that_can_be_reached_is_taken() -> None:
    play = locating_play()
    up(play)
    play >> to_name("BYE") << ASKS
    play >> Found((OURSELVES, Hop("198.51.100.9", 5061, Transport.TLS), HOP, CALLEE)) << sends("BYE", HOP)


def test_the_called_side_reaches_a_caller_by_name_too() -> None:
    play = locating_play()
    up(play)
    update = in_dialog("UPDATE", b"Contact: <sip:a@caller.example>")
    play >> update << sends("UPDATE", CALLEE)
    bye = from_callee("BYE", b"Route: <sip:caller.example;lr>")
    play >> bye << locates("sip:caller.example")
    play >> Found((HOP,)) << sends("BYE", HOP)


def test_an_ack_waits_as_well_and_goes_on_before_what_comes_after_it() -> None:
    play = locating_play()
    up(play)
    play >> to_name("ACK", cseq=1, branch="7") << ASKS
    ack = play.token
    play >> to_name("BYE") << ASKS
    bye = play.token
    play >> Found((HOP,), ack) << sends("ACK", HOP)
    play >> Found((HOP,), bye) << sends("BYE", HOP)


def test_a_request_that_waits_is_not_asked_for_twice() -> None:
    play = locating_play()
    up(play)
    play >> to_name("BYE") << ASKS
    with play:
        play >> to_name("BYE")
    play >> Found((HOP,)) << sends("BYE", HOP)


def test_an_invite_that_waits_says_so_and_is_answered_when_it_is_cancelled() -> None:
    play = locating_play()
    up(play)
    play >> to_name("INVITE") << sends("100", CALLER) << ASKS
    with play:
        play >> to_name("INVITE") << sends("100", CALLER)
    with play:
        play >> to_name("CANCEL") << sends("200", CALLER) << sends("487", CALLER)
    with play:
        play >> Found((HOP,))


def test_a_request_goes_on_to_the_other_side_when_it_has_waited_long_enough() -> None:
    play = locating_play()
    up(play)
    play >> to_name("INFO") << ASKS
    late = play.token
    wake_us = play.proxy.next_wake_us
    assert wake_us is not None
    assert wake_us <= play.now_us + PATIENCE_US
    with play:
        play >> Wait(PATIENCE_US / 1e6 - 0.001)
    with play:
        play >> Wait(0.001) << sends("INFO", CALLEE)
    with play:
        play >> Found((HOP,), late)
    with play:
        play >> reply(play.sent, 200) << sends("200", CALLER)


def test_no_more_than_so_many_requests_wait() -> None:
    play = Playbook(settings_with(locate_in_dialog=True, max_transactions=MAX_PARKED * 2))
    up(play)
    for n in range(MAX_PARKED):
        play >> to_name("INFO", branch=f"w{n}", cseq=n + 2) << ASKS
    with play:
        play >> to_name("INFO", branch="more", cseq=MAX_PARKED + 2) << sends("INFO", CALLEE)


def test_what_was_located_for_nobody_changes_nothing() -> None:
    play = locating_play()
    with play:
        play >> Found((HOP,), 4711)
