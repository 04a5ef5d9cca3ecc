"""A call that comes back to us: a loop is refused, a spiral to another number is a call of its own, and bounded."""

from __future__ import annotations

import pytest
from playbook import (
    CALLEE,
    CALLEE_TAGGED,
    CALLER,
    Datagram,
    Discontinue,
    Playbook,
    decided,
    ended,
    progressed,
    reply,
    request,
    sends,
    started,
)

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, Member, Side, TrunkGroup
from gateway.signalling.call import EndedBy
from gateway.signalling.dialogs import MAX_PASSES

WAY = (CALLER, CALLEE, *(Hop(f"192.0.2.{number}", 5060) for number in range(30, 34)))
"""Each of these switches hands calls to the gateway, which hands them to the next one."""
GROUPS = (
    *(TrunkGroup(f"TO-{n}", Side.HOST, Ocn("9740"), f"SWITCH{n}", (Member(WAY[n + 1]),)) for n in range(len(WAY) - 1)),
    *(TrunkGroup(f"FROM-{n}", Side.PARTNER, Ocn("7001"), f"SWITCH{n}", (Member(WAY[n]),)) for n in range(len(WAY) - 1)),
)
THIRD = WAY[2]


def turned_round(invite: bytes, uri: bytes, at: Hop = CALLEE) -> Datagram:
    """What the called side's switch makes of an INVITE that it sends back to us, to another number."""
    line, _, rest = invite.partition(b"\r\n")
    method, _, version = line.split(b" ")
    via = f"Via: SIP/2.0/UDP {at.host}:5060;branch=z9hG4bKback\r\n".encode()
    return Datagram(b" ".join((method, uri, version)) + b"\r\n" + via + rest, at)


def test_a_request_that_comes_back_as_it_left_is_a_loop() -> None:
    """RFC 3261 sections 16.3 step 4 and 16.6 step 8."""
    with Playbook() as play:
        invite = started(play)
        play >> turned_round(invite, b"sip:+16365550199@192.0.2.20") << sends("482", CALLEE)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (1, 1)


def test_the_same_call_without_our_via_is_no_spiral() -> None:
    """RFC 3261 section 8.2.2.2: the same request by another path."""
    with Playbook() as play:
        started(play)
        play >> request(branch="x", uri="sip:+16365550188@192.0.2.20", source=CALLEE) << sends("482", CALLEE)


def test_a_call_that_comes_back_to_another_number_is_decided_again_and_ends_with_the_first() -> None:
    """RFC 3261 section 16.3 step 4: a spiral is no loop."""
    with Playbook(groups=GROUPS) as play:
        first = started(play)
        (
            play
            >> turned_round(first, b"sip:+16365550188@h")
            << decided()
            << sends("100", CALLEE)
            << sends("INVITE", THIRD)
        )
        second = play.sent
        assert (play.proxy.dialogs, play.ledger.in_progress) == (2, 2)
        play >> reply(second, 200, source=THIRD) << progressed() << sends("200", CALLEE)
        back = play.sent.replace(b"Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKback\r\n", b"")
        play >> Datagram(back, CALLEE) << progressed() << sends("200", CALLER)
        play >> request("BYE", branch="b", cseq="2 BYE", to=CALLEE_TAGGED) << sends("BYE", CALLEE)
        play >> turned_round(play.sent, b"sip:+16365550188@h") << sends("BYE", THIRD)
        play >> reply(play.sent, 200, source=THIRD) << sends("200", CALLEE)
        play << ended(EndedBy.CALLER, 200) << ended(EndedBy.CALLER, 200)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)


@pytest.mark.parametrize("first_ends_first", [True, False])
def test_the_passes_of_a_spiral_may_fail_in_either_order(first_ends_first: bool) -> None:
    with Playbook(groups=GROUPS) as play:
        first = started(play)
        (
            play
            >> turned_round(first, b"sip:+16365550188@h")
            << decided()
            << sends("100", CALLEE)
            << sends("INVITE", THIRD)
        )
        second = play.sent
        for to_first in (first_ends_first, not first_ends_first):
            invite, side, other = (first, CALLEE, CALLER) if to_first else (second, THIRD, CALLEE)
            play >> reply(invite, 486, source=side) << sends("ACK", side) << sends("486", other)
            play << ended(EndedBy.FAILURE, 486)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)


def test_a_spiral_does_not_go_on_for_ever() -> None:
    with Playbook(groups=GROUPS) as play:
        invite = started(play)
        for number in range(1, MAX_PASSES):
            play >> turned_round(invite, b"sip:+1636555018%d@h" % number, WAY[number])
            play << decided() << sends("100", WAY[number]) << sends("INVITE", WAY[number + 1])
            invite = play.sent
        play >> turned_round(invite, b"sip:+16365550177@h", WAY[MAX_PASSES]) << sends("482", WAY[MAX_PASSES])
        assert play.proxy.dialogs == MAX_PASSES


@pytest.mark.parametrize("hops", [b"0", b"1"])
def test_max_forwards_bounds_what_no_branch_tells(hops: bytes) -> None:
    """RFC 3261 section 16.3 step 3."""
    with Playbook() as play:
        play >> request(hops=hops)
        if hops == b"0":
            play << sends("483", CALLER)
        else:
            play << decided() << sends("100", CALLER) << sends("INVITE", CALLEE, lines=(b"Max-Forwards: 0",))


def spiral_up(play: Playbook) -> tuple[bytes, bytes]:
    """A call that passes twice is answered and acknowledged; its two INVITEs, as we sent them."""
    first = started(play)
    play >> turned_round(first, b"sip:+16365550188@h") << decided() << sends("100", CALLEE) << sends("INVITE", THIRD)
    second = play.sent
    play >> reply(second, 200, source=THIRD) << progressed() << sends("200", CALLEE)
    back = play.sent.replace(b"Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKback\r\n", b"")
    play >> Datagram(back, CALLEE) << progressed() << sends("200", CALLER)
    play >> request("ACK", branch="k", cseq="1 ACK", to=CALLEE_TAGGED) << sends("ACK", CALLEE)
    play >> turned_round(play.sent, b"sip:+16365550188@h") << sends("ACK", THIRD)
    return first, second


@pytest.mark.parametrize("wanted_pass", [0, 1])
def test_a_call_that_passes_twice_is_ended_as_a_whole(wanted_pass: int) -> None:
    """Its caller is told in front of the first pass, who was called behind the last one."""
    with Playbook(groups=GROUPS) as play:
        spiral_up(play)
        wanted = ("+16365550199", "+16365550188")[wanted_pass]
        play >> Discontinue(lambda call, _: wanted.encode() in call.attempt.called.raw)
        play << ended(EndedBy.DISCONTINUED, 200) << ended(EndedBy.DISCONTINUED, 200)
        play << sends("BYE", CALLER)
        to_caller = play.sent
        play << sends("BYE", THIRD)
        play >> reply(play.sent, 200, source=THIRD)
        assert play.proxy.dialogs == 2
        play >> reply(to_caller, 200, source=CALLER)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)


def test_a_call_that_passes_twice_and_rings_is_given_up_at_both_passes() -> None:
    with Playbook(groups=GROUPS) as play:
        first = started(play)
        play >> turned_round(first, b"sip:+16365550188@h")
        play << decided() << sends("100", CALLEE) << sends("INVITE", THIRD)
        play >> reply(first, 100)
        play >> reply(play.sent, 180, source=THIRD) << progressed() << sends("180", CALLEE)
        play >> Discontinue()
        play << sends("403", CALLER) << sends("CANCEL", CALLEE) << ended(EndedBy.DISCONTINUED, 403)
        play << sends("403", CALLEE) << sends("CANCEL", THIRD) << ended(EndedBy.DISCONTINUED, 403)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)


def test_an_emergency_call_among_its_passes_keeps_a_call_up() -> None:
    with Playbook(groups=GROUPS) as play:
        first = started(play)
        play >> turned_round(first, b"sip:911@h") << decided() << sends("100", CALLEE) << sends("INVITE", THIRD)
        play >> Discontinue()
        assert play.proxy.dialogs == 2
