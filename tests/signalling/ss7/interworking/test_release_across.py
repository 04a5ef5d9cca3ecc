"""Calls between circuits and SIP that the gateway ends: BYE, CANCEL or a refusal here, REL with the cause there."""

from __future__ import annotations

from border import Border, caller_says, invited, releases, seized
from messages import iam_with
from playbook import CALLEE, CALLER, Discontinue, decided, ended, progressed, reply, sends
from test_circuits_to_sip import answered as answered_over_sip
from test_circuits_to_sip import called
from test_sip_to_circuits import ANM, FREE, acm
from test_sip_to_circuits import answered as answered_on_a_circuit

from gateway.codecs.ss7.isup import PartyNumber
from gateway.signalling.call import EndedBy

REASON = b'Reason: Q.850;cause=21;text="DISCONTINUED 7001 L8"'
NETWORK = 10
EMERGENCY_IAM = iam_with(called=PartyNumber("911", 3))


def to_circuits() -> Border:
    play = Border()
    play.start(play.to_circuits)
    return play


def from_circuits() -> Border:
    play = Border()
    play.start(play.from_circuits)
    return play


def over(play: Border) -> None:
    """Nothing of the call is left, and nothing more comes of it."""
    assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)
    assert play.until(70) == []
    assert (play.proxy.transactions, len(play.agent)) == (0, 0)


def test_a_call_that_is_up_from_sip_is_hung_up_there_and_released_on_its_circuit() -> None:
    with to_circuits() as play:
        answered_on_a_circuit(play)
        play >> Discontinue() << ended(EndedBy.DISCONTINUED, 200) << sends("BYE", CALLER, lines=(REASON,))
        play << releases(21, NETWORK)
        play >> reply(play.sent, 200, source=CALLER)
        over(play)


def test_a_call_from_sip_that_is_being_set_up_is_refused_there_and_released_on_its_circuit() -> None:
    with to_circuits() as play:
        play >> invited() << decided() << sends("100", CALLER) << seized()
        play >> acm(FREE) << progressed() << sends("180", CALLER)
        play >> Discontinue() << sends("403", CALLER, lines=(REASON,)) << ended(EndedBy.DISCONTINUED, 403)
        play << releases(21, NETWORK)
        play >> caller_says("ACK", play.sent, branch="1")
        over(play)


def test_a_call_from_sip_whose_answer_is_not_acknowledged_is_ended_when_it_is() -> None:
    with to_circuits() as play:
        play >> invited() << decided() << sends("100", CALLER) << seized()
        play >> ANM << progressed() << sends("200", CALLER)
        answer = play.sent
        play >> Discontinue() << ended(EndedBy.DISCONTINUED, 200)
        play >> caller_says("ACK", answer) << sends("BYE", CALLER)
        play << releases(21, NETWORK)
        play >> reply(play.sent, 200, source=CALLER)
        over(play)


def test_a_call_that_is_up_from_a_circuit_is_released_there_and_hung_up_over_sip() -> None:
    with from_circuits() as play:
        answered_over_sip(play)
        play >> Discontinue() << ended(EndedBy.DISCONTINUED, 200) << sends("BYE", CALLEE, lines=(REASON,))
        play << releases(21, NETWORK)
        play >> reply(play.sent, 200)
        over(play)


def test_a_call_from_a_circuit_that_is_being_set_up_is_released_there_and_cancelled_over_sip() -> None:
    with from_circuits() as play:
        invite = called(play)
        play >> reply(invite, 100)
        play >> Discontinue() << sends("CANCEL", CALLEE, lines=(REASON,)) << ended(EndedBy.DISCONTINUED, 403)
        cancel = play.sent
        play << releases(21, NETWORK)
        play >> reply(cancel, 200)
        play >> reply(invite, 487) << sends("ACK", CALLEE)
        over(play)


def test_an_emergency_call_from_a_circuit_stays_up() -> None:
    with from_circuits() as play:
        play.call_in(EMERGENCY_IAM) << decided() << sends("INVITE", CALLEE)
        play >> Discontinue()
        assert play.proxy.dialogs == 1
