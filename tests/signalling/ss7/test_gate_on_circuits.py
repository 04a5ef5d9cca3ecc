"""Calls on circuits that come to nothing, too many of them: an IAM is refused before the engine is asked (L8)."""

from __future__ import annotations

from gateway.codecs.ss7.isup import MessageType as M
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.policy.attribution import ProviderFinder
from gateway.signalling.call import Decided, Ended
from gateway.signalling.gate import Gate, Shed
from gateway.signalling.ingress import Ingress
from tests.signalling.ss7.exchange_playbook import EMERGENCY, REFUSED_NUMBER, A, Stage, iam, message

WASTED = 5


def flooded() -> Stage:
    """A stage whose exchange A has sent as many calls in vain as it may."""
    stage = Stage()
    stage.exchange.gate = Gate(
        Ingress(stage.groups.values()), ProviderFinder(None, None), frozenset({"911"}), WASTED, 1
    )
    for _ in range(WASTED):
        stage.hears(A, iam(1, called=REFUSED_NUMBER))
        stage.tells(Decided)
        stage.tells(Ended)
        stage.hears(A, message(M.RLC, 1))
    stage.sent.clear()
    return stage


def test_an_iam_is_refused_undecided_where_too_much_of_its_exchange_came_to_nothing() -> None:
    stage = flooded()
    stage.hears(A, iam(1, called=REFUSED_NUMBER))
    stage.releases(A, 1, 42)
    stage.tells_no_more()
    assert stage.exchange.tables["TG-PARTNER"].counters["refused in a flood"] == 1
    gate = stage.exchange.gate
    assert gate is not None
    (shed,) = gate.take_shed()
    assert shed == Shed(Hop("3-0-0", 0, Transport.SS7), "TG-PARTNER", None, 1)


def test_an_emergency_call_is_decided_whatever_its_exchange_has_wasted() -> None:
    stage = flooded()
    stage.hears(A, iam(1, called=EMERGENCY))
    assert stage.tells(Decided).decision.emergency


def test_time_and_calls_that_go_on_bring_the_allowance_back() -> None:
    stage = flooded()
    stage.hears(A, iam(1), after_s=1 / WASTED)
    stage.tells(Decided)  # it goes on, and gives one back
    for _ in range(2):
        stage.hears(A, iam(3, called=REFUSED_NUMBER))
        stage.tells(Decided)
        stage.tells(Ended)
        stage.hears(A, message(M.RLC, 3))
    stage.hears(A, iam(3))
    stage.tells_no_more()
