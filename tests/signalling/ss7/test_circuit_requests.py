"""What we ask of circuits, and how it is repeated: resets, blocking by an operator or a cut-over, queries (L8, L10)."""

from __future__ import annotations

import pytest

from gateway.codecs.ss7.isup import CircuitState as QueriedState
from gateway.codecs.ss7.isup import IsupMessage, P, encode_circuit_states, isup_message
from gateway.codecs.ss7.isup import MessageType as M
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.blocking import Blocking
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import StandingBook, Step, StepKind
from gateway.interconnection.trunk_groups import Side
from gateway.signalling.call import Decided, Ended, Ss7Changed
from gateway.signalling.ss7.circuit_states import CircuitState
from tests.signalling.ss7.exchange_playbook import (
    EMERGENCY,
    HOST,
    OURS,
    PARTNER,
    T0,
    A,
    B,
    Stage,
    group,
    iam,
    itu,
    message,
    of_group,
)

FOUR = [True] * 4


def test_circuits_are_reset_when_the_exchange_is_reached_for_the_first_time_and_take_calls_from_then_on() -> None:
    stage = Stage(up=False)
    stage.is_told("resumed", A)
    assert stage.says(A, M.GRS, 1).range_and_status == of_group(M.GRS, 1, FOUR).range_and_status
    stage.says(A, M.GRS, 1)  # an ANSI exchange acts on the second one
    stage.is_told("resumed", B)
    stage.sent.clear()
    stage.hears(A, iam(1))
    stage.says_no_more()
    stage.hears(A, of_group(M.GRA, 1, [False] * 4))
    stage.hears(B, of_group(M.GRA, 1, [True, True, True, False]))
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 4)
    stage.is_told("paused", A)
    stage.is_told("resumed", A)
    stage.says(A, M.CQM, 1)
    stage.says_no_more()


def test_a_reset_that_is_not_acknowledged_is_repeated_and_maintenance_told() -> None:
    stage = Stage((itu(PARTNER), itu(HOST)), up=False)
    stage.is_told("resumed", A)
    stage.says(A, M.GRS, 1)
    stage.waits(15)
    stage.says(A, M.GRS, 1)
    stage.says_no_more()
    stage.waits(285)
    assert any(isinstance(told, Ss7Changed) and not told.good for told in stage.told)
    stage.sent.clear()
    stage.waits(299)
    stage.says_no_more()
    stage.waits(1)
    stage.says(A, M.GRS, 1)
    stage.hears(A, of_group(M.GRA, 1, [False] * 4, variant=Variant.ITU))
    stage.waits(1000)
    stage.says_no_more()
    assert stage.circuit("TG-PARTNER", 1).free


def test_large_groups_are_reset_in_pieces_and_single_circuits_by_rsc() -> None:
    stage = Stage((itu(group("TG-PARTNER", Side.PARTNER, A, cics=((1, 40), (50, 50)))), HOST), up=False)
    stage.is_told("resumed", A)
    first, second = stage.says(A, M.GRS, 1).range_and_status, stage.says(A, M.GRS, 33).range_and_status
    assert first is not None
    assert second is not None
    assert (first.range, second.range) == (31, 7)
    stage.says(A, M.RSC, 50)


def test_an_operator_blocks_all_but_the_reserve_and_calls_in_progress_go_on() -> None:
    stage = Stage()
    stage.hears(A, iam(2))
    stage.says(B, M.IAM, 2)
    stage.blockings.add(Blocking(stage.now_us, "TG-PARTNER", True, "op", "maintenance"))
    stage.is_told("steps_changed")
    asked = stage.says(A, M.CGB, 2)
    assert asked.circuit_group_supervision == 0
    stage.says(A, M.CGB, 2)
    assert stage.blocked() == [2, 3, 4]
    stage.hears(A, of_group(M.CGBA, 2, [True] * 3))
    stage.hears(B, message(M.ACM, 2))
    stage.says(A, M.ACM, 2)
    stage.blockings.add(Blocking(stage.now_us, "TG-PARTNER", False, "op", "done"))
    stage.is_told("steps_changed")
    stage.says(A, M.CGU, 2)
    stage.says(A, M.CGU, 2)
    assert stage.blocked() == [2, 3, 4]
    stage.hears(A, of_group(M.CGUA, 2, [True] * 3))
    assert stage.blocked() == []
    stage.waits(10)
    stage.says_no_more()


def test_a_blocked_group_takes_emergency_calls_and_no_others_either_way() -> None:
    stage = Stage()
    for name in ("TG-PARTNER", "TG-HOST"):
        stage.blockings.add(Blocking(stage.now_us, name, True, "op", "maintenance"))
    stage.is_told("steps_changed")
    stage.sent.clear()
    stage.hears(A, iam(1))  # on the circuit that is kept
    refused = stage.tells(Decided).decision.refused_by
    assert refused is not None
    assert refused.check == "capacity"
    stage.releases(A, 1, 34)
    stage.tells(Ended)
    stage.hears(A, message(M.RLC, 1))
    stage.hears(A, iam(1, EMERGENCY))
    stage.says(B, M.IAM, 1)
    stage.tells(Decided)


def test_an_iam_on_a_blocked_circuit_is_taken_only_for_an_emergency_call() -> None:
    stage = Stage()
    stage.blockings.add(Blocking(stage.now_us, "TG-PARTNER", True, "op", "maintenance"))
    stage.is_told("steps_changed")
    stage.sent.clear()
    stage.hears(A, iam(2))
    stage.says(A, M.BLO, 2)
    stage.says_no_more()
    stage.tells_no_more()
    stage.hears(A, iam(2, EMERGENCY))
    stage.says(B, M.IAM, 2)
    stage.tells(Decided)


def test_a_dedicated_group_is_blocked_until_a_provider_is_cut_over_to_it_and_again_when_that_is_undone() -> None:
    standings = StandingBook()
    dedicated = group("TG-VOIP", Side.PARTNER, A, cics=((11, 14),), dedicated=True)
    stage = Stage((PARTNER, dedicated, HOST), standings=standings, up=False)
    stage.is_told("resumed", A)
    stage.hears(A, of_group(M.GRA, 1, [False] * 4))
    stage.sent.clear()
    stage.hears(A, of_group(M.GRA, 11, [False] * 4))
    stage.says(A, M.CGB, 12)
    stage.says(A, M.CGB, 12)
    assert stage.blocked("TG-VOIP") == [12, 13, 14]
    standings.add(Step(stage.now_us, Ocn("8001"), StepKind.CUTOVER, "op", "L8", trunk_group="TG-VOIP"))
    stage.is_told("steps_changed")
    stage.says(A, M.CGU, 12)
    stage.sent.clear()
    stage.hears(A, of_group(M.CGUA, 12, [True] * 3))
    assert stage.blocked("TG-VOIP") == []
    standings.add(Step(stage.now_us + 1, Ocn("8001"), StepKind.UNDO, "op", "undone"))
    stage.waits(1)
    stage.is_told("steps_changed")
    stage.says(A, M.CGB, 12)
    assert stage.blocked("TG-VOIP") == [12, 13, 14]


def test_a_step_comes_into_force_at_its_own_time_in_a_replay() -> None:
    standings = StandingBook(
        steps=[Step(T0 + 10_000_000, Ocn("8001"), StepKind.CUTOVER, "op", "L8", trunk_group="TG-VOIP")]
    )
    dedicated = group("TG-VOIP", Side.PARTNER, A, cics=((11, 14),), dedicated=True)
    stage = Stage((PARTNER, dedicated, HOST), standings=standings)
    assert stage.exchange.tables["TG-VOIP"].closed
    stage.hears(A, message(M.RLC, 1), after_s=11)
    assert not stage.exchange.tables["TG-VOIP"].closed


def test_a_step_of_a_replay_waits_for_no_message_on_a_circuit() -> None:
    standings = StandingBook(
        steps=[Step(T0 + 10_000_000, Ocn("8001"), StepKind.CUTOVER, "op", "L8", trunk_group="TG-VOIP")]
    )
    dedicated = group("TG-VOIP", Side.PARTNER, A, cics=((11, 14),), dedicated=True)
    stage = Stage((PARTNER, dedicated, HOST), standings=standings)
    assert stage.exchange.next_us is not None
    assert stage.exchange.next_us <= T0 + 10_000_000
    stage.waits(11)
    assert not stage.exchange.tables["TG-VOIP"].closed


def test_blocking_that_is_acknowledged_out_of_turn_is_put_right() -> None:
    # Q.764 section 2.9.2.3
    stage = Stage()
    stage.hears(A, message(M.BLA, 1))
    stage.says(A, M.UBL, 1)
    stage.hears(A, message(M.UBA, 1))
    stage.hears(A, of_group(M.CGBA, 2, [True, True]))
    stage.says(A, M.UBL, 2)
    stage.says(A, M.UBL, 3)
    stage.blockings.add(Blocking(stage.now_us, "TG-PARTNER", True, "op", "maintenance"))
    stage.is_told("steps_changed")
    stage.sent.clear()
    stage.hears(A, message(M.UBA, 4))
    stage.says(A, M.BLO, 4)
    stage.hears(A, of_group(M.CGUA, 2, [True, True]))
    stage.says(A, M.BLO, 2)
    stage.says(A, M.BLO, 3)


def test_after_an_outage_a_query_of_ours_brings_both_views_into_line() -> None:
    # Q.764 section 2.8.3.2
    stage = Stage()
    stage.hears(A, iam(1))
    stage.sent.clear()
    stage.is_told("paused", A)
    stage.waits(1)
    stage.is_told("resumed", A)
    stage.says(A, M.CQM, 1)
    states = encode_circuit_states(
        [QueriedState(0, 3, 0), QueriedState(1, 3, 0), QueriedState(2, 3, 0), QueriedState(3, 0, 0)]
    )
    cqr = of_group(M.CQM, 1, FOUR)
    answer = isup_message(
        Variant.ANSI, M.CQR, 1, ((P.RANGE_AND_STATUS, cqr.value(P.RANGE_AND_STATUS) or b""), (P.CIRCUIT_STATE, states))
    )
    stage.hears(A, answer)
    stage.says(A, M.RSC, 1)  # busy here, idle there
    stage.says(B, M.REL, 2)
    stage.says(A, M.UBL, 3)  # it holds for blocked by us what is not
    assert stage.circuit("TG-PARTNER", 2).remotely_blocked
    assert stage.circuit("TG-PARTNER", 4).state is CircuitState.UNEQUIPPED
    stage.says_no_more()


def test_every_circuit_is_counted_once_in_the_readings() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    stage.hears(A, message(M.BLO, 3))
    counted = stage.exchange.tables["TG-PARTNER"].by_state()
    assert sum(counted.values()) == 4
    assert (counted["busy"], counted["blocked remotely"], counted["idle"]) == (1, 1, 2)


def test_in_a_replay_a_call_is_on_the_circuit_that_the_captured_gateway_seized() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    onward = stage.says(B, M.IAM, 2)
    stage.exchange.went_out(Mtp3Transfer(OURS, B, 5, 2, 0, 0, onward.with_cic(3).data), stage.now_us)
    stage.hears(B, message(M.ACM, 3))
    stage.says(A, M.ACM, 1)
    assert stage.circuit("TG-HOST", 2).free


def test_what_an_acknowledgement_leaves_out_is_asked_again() -> None:
    stage = Stage()
    stage.blockings.add(Blocking(stage.now_us, "TG-PARTNER", True, "op", "maintenance"))
    stage.is_told("steps_changed")
    stage.blockings.add(Blocking(stage.now_us + 1, "TG-PARTNER", False, "op", "done"))
    stage.waits(1)
    stage.is_told("steps_changed")
    stage.sent.clear()
    stage.hears(A, of_group(M.CGUA, 2, [True, False, True]))
    assert stage.blocked() == [3]
    stage.waits(15)
    stage.says(A, M.CGU, 2)
    stage.hears(A, of_group(M.CGUA, 2, [True] * 3))
    assert stage.blocked() == []


def test_a_call_on_a_circuit_that_is_being_unblocked_is_taken_and_the_unblocking_goes_on() -> None:
    stage = Stage()
    stage.blockings.add(Blocking(stage.now_us, "TG-PARTNER", True, "op", "maintenance"))
    stage.is_told("steps_changed")
    stage.blockings.add(Blocking(stage.now_us + 1, "TG-PARTNER", False, "op", "done"))
    stage.waits(1)
    stage.is_told("steps_changed")
    stage.sent.clear()
    stage.hears(A, iam(2))
    stage.says(B, M.IAM, 2)
    stage.hears(A, message(M.RSC, 3))
    stage.says(A, M.RLC, 3)
    stage.says_no_more()
    stage.hears(A, of_group(M.CGUA, 2, [True] * 3))
    assert stage.blocked() == []


def test_a_call_whose_circuit_is_reset_in_a_group_is_tried_again_when_that_is_acknowledged() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 2)
    stage.hears(B, of_group(M.GRS, 1, FOUR))
    stage.says(B, M.GRA, 1)
    stage.says(B, M.IAM, 4)
    stage.says_no_more()


@pytest.mark.parametrize("hardware", [False, True])
def test_a_call_whose_circuit_is_blocked_in_a_group_is_tried_again_on_one_that_is_not(hardware: bool) -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 2)
    stage.hears(B, of_group(M.CGB, 2, [True] * 3, hardware=hardware))
    stage.says(B, M.CGBA, 2)
    if not hardware:
        stage.says(B, M.REL, 2)
    stage.says(B, M.IAM, 1)
    stage.says_no_more()


def test_what_was_on_its_way_when_a_query_was_sent_is_not_taken_for_a_difference() -> None:
    stage = Stage()
    stage.is_told("paused", B)
    stage.is_told("resumed", B)
    stage.says(B, M.CQM, 1)
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 2)
    states = encode_circuit_states([QueriedState(0, 3, 0)] * 4)
    span = of_group(M.CQM, 1, FOUR).value(P.RANGE_AND_STATUS) or b""
    stage.hears(B, isup_message(Variant.ANSI, M.CQR, 1, ((P.RANGE_AND_STATUS, span), (P.CIRCUIT_STATE, states))))
    stage.says_no_more()


def test_who_tests_whether_the_user_part_is_there_is_told_that_it_is() -> None:
    # Q.764 section 2.13.2
    stage = Stage((itu(PARTNER), itu(HOST)))
    stage.hears(A, isup_message(Variant.ITU, M.UPT, 0))
    stage.says(A, M.UPA, 0)


@pytest.mark.parametrize(
    "said",
    [
        message(M.BLO, 1),
        message(M.UCIC, 1),
        of_group(M.CGB, 1, [True, True]),
        of_group(M.CGB, 1, [True, True], hardware=True),
    ],
)
def test_where_the_circuit_kept_for_emergency_calls_is_lost_another_one_is_kept(said: IsupMessage) -> None:
    stage = Stage()
    stage.blockings.add(Blocking(stage.now_us, "TG-PARTNER", True, "op", "maintenance"))
    stage.is_told("steps_changed")
    stage.hears(A, of_group(M.CGBA, 2, [True] * 3))
    stage.sent.clear()
    stage.hears(A, said)
    asked = next(each.message for each in stage.sent if each.message.type == M.UBL)
    assert asked.cic is not None
    stage.sent.clear()
    stage.hears(A, message(M.UBA, asked.cic))
    assert stage.circuit("TG-PARTNER", asked.cic).free
    stage.hears(A, iam(asked.cic, EMERGENCY))
    stage.says(B, M.IAM, 2)
