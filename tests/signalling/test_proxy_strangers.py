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
    with Playbook(settings(max_transactions=80)) as play:
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
