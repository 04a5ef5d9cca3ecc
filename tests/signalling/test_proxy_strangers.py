"""What those who are no member of a trunk group can and cannot do, and where answers go."""

from __future__ import annotations

import pytest
from playbook import (
    CALLEE,
    CALLER,
    STRANGER,
    Datagram,
    Playbook,
    decided,
    ended,
    in_dialog,
    progressed,
    reply,
    request,
    sends,
)
from playbook import settings_with as settings

from gateway.interconnection.trunk_groups import Hop
from gateway.policy.verdict import Outcome
from gateway.signalling.call import EndedBy


def stranger_calls(number: int) -> Datagram:
    return request(branch=f"s{number}", call_id=f"s{number}", source=STRANGER)


def test_strangers_cannot_fill_the_table_of_transactions() -> None:
    with Playbook(settings(max_transactions=80, strangers_per_s=200)) as play:
        for number in range(100):
            play >> stranger_calls(number) << decided(Outcome.REFUSE) << sends("403", STRANGER)
            play << ended(EndedBy.REFUSAL, 403)
        assert play.proxy.transactions == 10
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)


@pytest.mark.parametrize("method", ["INFO", "BYE", "INVITE"])
def test_a_request_in_a_dialog_comes_from_a_member_of_a_trunk_group(method: str) -> None:
    with Playbook() as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 180) << progressed() << sends("180", CALLER)
        stolen = Datagram(in_dialog(method).data, STRANGER)
        play >> stolen << sends("481", Hop(STRANGER.host, CALLER.port))


def test_an_ack_in_a_dialog_comes_from_a_member_of_a_trunk_group() -> None:
    with Playbook() as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 200) << progressed() << sends("200", CALLER)
        play >> Datagram(in_dialog("ACK", cseq=1).data, STRANGER)
        assert play.proxy.counters.stray == 1


def test_without_rport_an_answer_goes_to_the_port_that_the_via_says() -> None:
    via = b"Via: SIP/2.0/UDP 192.0.2.10:5999;branch=z9hG4bK1"
    with Playbook() as play:
        play >> request(via=via) << decided() << sends("100", Hop(CALLER.host, 5999)) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 486) << sends("ACK", CALLEE) << sends("486", Hop(CALLER.host, 5999))
        play << ended(EndedBy.FAILURE, 486)


def test_with_rport_an_answer_goes_back_to_the_port_it_came_from() -> None:
    via = b"Via: SIP/2.0/UDP 192.0.2.10:5999;branch=z9hG4bK1;rport"
    with Playbook() as play:
        play >> request(via=via) << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)


def test_911_behind_the_country_code_is_an_emergency_call_all_the_same() -> None:
    with Playbook() as play:
        play >> request(uri="sip:+1911@192.0.2.20") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        assert play.call is not None
        assert play.call.attempt.emergency


def test_beyond_so_many_a_second_what_strangers_send_is_dropped_unread() -> None:
    with Playbook(settings(strangers_per_s=2)) as play:
        for number in range(2):
            play >> stranger_calls(number) << decided(Outcome.REFUSE) << sends("403", STRANGER)
            play << ended(EndedBy.REFUSAL, 403)
        play >> stranger_calls(2)
        play >> Datagram(b"nonsense", STRANGER)
        play >> Datagram(b"\r\n\r\n", STRANGER)
        assert (play.proxy.counters.unwelcome, play.proxy.counters.malformed.total()) == (3, 0)
        play.now_us += 500_000
        play >> stranger_calls(3) << decided(Outcome.REFUSE) << sends("403", STRANGER)
        play << ended(EndedBy.REFUSAL, 403)
        play >> stranger_calls(4)
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)  # members are not affected


def test_a_stranger_is_answered_once_for_each_request_and_nothing_is_repeated_unasked() -> None:
    """Its address may be somebody else's, at whom the answers are aimed: timer G does not run for it."""
    with Playbook() as play:
        play >> stranger_calls(1) << decided(Outcome.REFUSE) << sends("403", STRANGER) << ended(EndedBy.REFUSAL, 403)
        assert play.until(10) == []
        play >> stranger_calls(1) << sends("403", STRANGER)  # asked again, and not decided again
        assert play.until(40) == []
        assert play.proxy.transactions == 0


def test_an_answer_to_a_stranger_is_hardly_longer_than_what_it_sent() -> None:
    with Playbook() as play:
        play >> request("OPTIONS", source=STRANGER) << sends("200", STRANGER)
        assert len(play.sent) < len(request("OPTIONS", source=STRANGER).data)
        assert b"Allow" not in play.sent
        invite = stranger_calls(1)
        play >> invite << decided(Outcome.REFUSE) << sends("403", STRANGER) << ended(EndedBy.REFUSAL, 403)


def test_a_member_is_told_what_we_can() -> None:
    """RFC 3261 sections 11.2 and 16.3 step 3: also where it may go no further."""
    with Playbook() as play:
        play >> request("OPTIONS", hops=b"0")
        play << sends("200", CALLER, lines=(b"Accept: application/sdp", b"Supported: timer"))


def test_responses_of_strangers_to_nothing_of_ours_are_dropped_unread() -> None:
    with Playbook() as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        invite = play.sent
        play >> Datagram(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n\r\n", STRANGER)
        assert play.proxy.counters.unwelcome == 1
        # A Contact behind a member may answer from an address of its own.
        play >> reply(invite, 180, source=Hop("198.51.100.7", 5060)) << progressed() << sends("180", CALLER)
