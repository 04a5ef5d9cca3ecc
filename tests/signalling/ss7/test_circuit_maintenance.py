"""What the other exchange asks of circuits: blocking, resets, queries (Q.764 sections 2.8, 2.9.3, 2.12)."""

from __future__ import annotations

import pytest

from gateway.codecs.ss7.isup import CircuitState as QueriedState
from gateway.codecs.ss7.isup import MessageType as M
from gateway.interconnection.blocking import Blocking, BlockingBook
from gateway.interconnection.trunk_groups import Side
from gateway.signalling.call import Decided, Ended, EndedBy
from gateway.signalling.ss7.circuit_states import CircuitState
from tests.signalling.ss7.exchange_playbook import (
    HOST,
    T0,
    A,
    B,
    Stage,
    group,
    iam,
    message,
    of_group,
)

FOUR = [True] * 4


def test_a_circuit_that_the_other_exchange_blocks_is_not_seized_until_it_is_unblocked() -> None:
    stage = Stage()
    stage.hears(B, message(M.BLO, 2))
    stage.says(B, M.BLA, 2)
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 4)
    stage.hears(B, message(M.UBL, 2))
    stage.says(B, M.UBA, 2)
    assert stage.circuit("TG-HOST", 2).free


def test_a_call_on_a_circuit_that_is_blocked_for_maintenance_goes_on() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 2)
    stage.hears(B, message(M.ACM, 2))
    stage.says(A, M.ACM, 1)
    stage.hears(B, of_group(M.CGB, 1, FOUR))
    answer = stage.says(B, M.CGBA, 1)
    assert answer.data[3:] == of_group(M.CGBA, 1, FOUR).data[3:]
    stage.hears(B, message(M.ANM, 2))
    stage.says(A, M.ANM, 1)
    stage.hears(A, message(M.REL, 1))
    stage.says(A, M.RLC)
    stage.says(B, M.REL, 2)
    stage.hears(B, message(M.RLC, 2))
    assert not stage.circuit("TG-HOST", 2).free


def test_a_hardware_failure_ends_calls_without_a_rel_on_their_circuits() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 2)
    call = stage.tells(Decided)
    stage.hears(A, of_group(M.CGB, 1, FOUR, hardware=True))
    stage.says(A, M.CGBA, 1)
    stage.releases(B, 2, 41)
    stage.says_no_more()
    stage.tells(Ended)
    assert call.ended_by is EndedBy.CANCEL
    assert not stage.circuit("TG-PARTNER", 1).free
    stage.hears(A, of_group(M.CGU, 1, FOUR, hardware=True))
    stage.says(A, M.CGUA, 1)
    assert stage.circuit("TG-PARTNER", 1).free


def test_only_marked_circuits_of_a_group_are_blocked_and_only_known_ones_acknowledged() -> None:
    stage = Stage()
    stage.hears(A, of_group(M.CGB, 3, [True, False, True, True]))
    answer = stage.says(A, M.CGBA, 3).range_and_status
    assert answer is not None
    assert answer.flags == (True, False, False, False)
    assert [stage.circuit("TG-PARTNER", cic).remotely_blocked for cic in (3, 4)] == [True, False]


def test_a_group_reset_ends_what_is_on_the_circuits_and_tells_which_we_have_blocked() -> None:
    blockings = BlockingBook([Blocking(T0, "TG-PARTNER", True, "op", "test")])
    stage = Stage(blockings=blockings)
    stage.hears(B, iam(1))  # a call towards A would need the group; what is blocked is told of all the same
    stage.sent.clear()
    stage.hears(A, of_group(M.GRS, 1, FOUR))
    answer = stage.says(A, M.GRA, 1).range_and_status
    assert answer is not None
    assert answer.flags == (False, True, True, True)


def test_a_reset_releases_the_other_side_of_a_call() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 2)
    stage.hears(A, of_group(M.GRS, 1, FOUR))
    stage.says(A, M.GRA, 1)
    stage.releases(B, 2, 31)
    stage.tells(Decided)
    assert stage.tells(Ended).ended_by is EndedBy.CANCEL
    assert stage.settled()


def test_a_reset_of_a_circuit_that_we_have_blocked_is_answered_with_blo_and_rlc() -> None:
    blockings = BlockingBook([Blocking(T0, "TG-PARTNER", True, "op", "test")])
    stage = Stage(blockings=blockings)
    stage.hears(A, message(M.RSC, 2))
    stage.says(A, M.BLO, 2)
    stage.says(A, M.RLC, 2)


@pytest.mark.parametrize("kind", [M.GRS, M.CGB, M.CGU, M.CQM])
def test_a_message_about_more_circuits_than_it_may_be_is_discarded(kind: M) -> None:
    stage = Stage((group("TG-PARTNER", Side.PARTNER, A, cics=((1, 60),)), HOST))
    stage.hears(A, of_group(kind, 1, [True] * 40))
    stage.says_no_more()


def test_a_query_is_answered_with_the_state_of_every_circuit() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    stage.hears(A, message(M.BLO, 3))
    stage.sent.clear()
    stage.hears(A, of_group(M.CQM, 1, [True] * 5))
    states = stage.says(A, M.CQR, 1).circuit_states
    assert states == (
        QueriedState(0, 1, 0),
        QueriedState(0, 3, 0),
        QueriedState(2, 3, 0),
        QueriedState(0, 3, 0),
        QueriedState(3, 0, 0),
    )


def test_a_circuit_that_the_other_exchange_does_not_know_is_left_alone_until_it_is_heard_of_again() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 2)
    stage.hears(B, message(M.UCIC, 2))
    stage.says(B, M.IAM, 4)
    assert stage.circuit("TG-HOST", 2).state is CircuitState.UNEQUIPPED
    stage.hears(B, message(M.RSC, 2))
    stage.says(B, M.RLC, 2)
    assert stage.circuit("TG-HOST", 2).free


def test_one_message_may_be_about_circuits_of_several_trunk_groups() -> None:
    low = group("TG-PARTNER", Side.PARTNER, A, cics=((1, 4),))
    high = group("TG-OTHER", Side.PARTNER, A, cics=((5, 8),))
    stage = Stage((low, high, HOST))
    stage.hears(A, of_group(M.CGB, 1, [True] * 8))
    stage.says(A, M.CGBA, 1)
    assert stage.circuit("TG-OTHER", 8).remotely_blocked
