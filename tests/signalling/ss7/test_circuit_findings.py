"""What a call that finds no circuit is refused with: what is so, and nobody's full trunk group where none is full."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.codecs.ss7.isup import MessageType as M
from gateway.interconnection.blocking import Blocking
from gateway.interconnection.trunk_groups import Side
from gateway.policy.engine import NO_ROOM_FINDING
from gateway.policy.verdict import Finding, Verdict
from gateway.signalling.call import Decided
from tests.signalling.ss7.exchange_playbook import CALLED, HOST, PARTNER, A, B, Stage, group, iam, message, of_group

FOUR = [True] * 4


def refused(stage: Stage, cic: int = 3) -> Finding:
    """The finding that refuses a call from A on this circuit."""
    stage.sent.clear()
    stage.told.clear()
    stage.hears(A, iam(cic, CALLED))
    stage.releases(A, cic, 34)
    stage.hears(A, message(M.RLC, cic))
    finding = stage.tells(Decided).decision.refused_by
    assert finding is not None
    assert (finding.check, finding.verdict) == ("capacity", Verdict.NO_CIRCUIT)
    return finding


def resetting(stage: Stage) -> None:
    stage.exchange.tables["TG-HOST"].reachable = stage.exchange.tables["TG-HOST"].started = False
    stage.is_told("resumed", B)


def blocked(stage: Stage) -> None:
    stage.blockings.add(Blocking(stage.now_us, "TG-HOST", True, "op", "floods"))
    stage.is_told("steps_changed")


def blocked_where_it_came(stage: Stage) -> None:
    stage.blockings.add(Blocking(stage.now_us, "TG-PARTNER", True, "op", "floods"))
    stage.is_told("steps_changed")
    stage.circuit("TG-PARTNER", 3).locally_blocked = False  # the other exchange did not hear of it yet


def being_opened(stage: Stage) -> None:
    blocked(stage)
    stage.hears(B, message(M.BLO, 1))
    stage.hears(B, message(M.BLO, 2))
    stage.blockings.add(Blocking(stage.now_us + 1, "TG-HOST", False, "op", "over"))
    stage.now_us += 1
    stage.is_told("steps_changed")
    for circuit in stage.exchange.tables["TG-HOST"].by_cic.values():
        if not circuit.unblocking:
            circuit.remotely_blocked = True
            circuit.table.settle(circuit)


def unequipped(stage: Stage) -> None:
    for cic in (1, 2, 3, 4):
        stage.hears(B, message(M.UCIC, cic))


@pytest.mark.parametrize(
    ("happen", "text"),
    [
        (lambda stage: stage.is_told("paused", B), "trunk group TG-HOST: exchange 1-0-0 cannot be reached"),
        (resetting, "trunk group TG-HOST: its circuits wait for exchange 1-0-0 to acknowledge a reset"),
        (blocked, "trunk group TG-HOST: its circuits are blocked by an operator, but for emergency calls"),
        (blocked_where_it_came, "trunk group TG-PARTNER: its circuits are blocked by an operator, but for emergency"),
        (being_opened, "trunk group TG-HOST: its circuits wait for exchange 1-0-0 to acknowledge that they are unbl"),
        (
            lambda stage: stage.hears(B, of_group(M.CGB, 1, FOUR)),
            "trunk group TG-HOST: its circuits are blocked by exchange 1-0-0",
        ),
        (unequipped, "trunk group TG-HOST: its circuits are not known to exchange 1-0-0"),
    ],
)
def test_a_call_that_finds_no_circuit_is_told_why(happen: Callable[[Stage], None], text: str) -> None:
    stage = Stage()
    happen(stage)
    finding = refused(stage)
    assert finding.text.startswith(text)
    assert refused(stage) is finding
    assert finding.refusal is not None
    assert finding.refusal.phrase == "Trunk Group Out Of Service"


def test_a_dedicated_group_that_nobody_was_cut_over_to_is_said_to_be_kept() -> None:
    host = group("TG-HOST", Side.HOST, B, dedicated=True)
    stage = Stage((PARTNER, host))
    assert "kept for one provider, and none is cut over" in refused(stage).text


def test_a_group_whose_circuits_all_have_calls_is_full() -> None:
    stage = Stage((group("TG-PARTNER", Side.PARTNER, A, cics=((1, 9),)), HOST))
    for cic in (1, 2, 4, 5):
        stage.hears(A, iam(cic))
    assert refused(stage, 7) is NO_ROOM_FINDING


def test_calls_that_a_congested_way_is_spared_are_told_of_it() -> None:
    stage = Stage((group("TG-PARTNER", Side.PARTNER, A, cics=((1, 9),)), HOST))
    stage.exchange.congested(B, 1, stage.now_us)
    assert "the way to exchange 1-0-0 is congested" in refused(stage, 7).text
