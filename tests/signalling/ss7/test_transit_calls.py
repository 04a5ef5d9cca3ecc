"""Calls from one exchange through ours to another: every message of a call, and what the books say of it."""

from __future__ import annotations

import pytest

from gateway.codecs.ss7.isup import MessageType as M
from gateway.codecs.ss7.isup import P
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Side
from gateway.signalling.call import Action, Decided, Ended, EndedBy, Progressed, Wanted
from gateway.signalling.pacing import BATCH, INTERVAL_US
from tests.signalling.ss7.exchange_playbook import (
    EMERGENCY,
    HOST,
    PARTNER,
    REFUSED_NUMBER,
    A,
    B,
    Stage,
    group,
    iam,
    itu,
    message,
    set_up,
)


def test_a_call_goes_through_from_iam_to_rlc() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    # B has the lower point code: ours is the higher, and has the even circuits.
    onward = stage.says(B, M.IAM, 2)
    assert onward.hop_counter == 19
    call = stage.tells(Decided)
    assert call.egress_member is not None
    stage.hears(B, message(M.ACM, 2), after_s=1)
    stage.says(A, M.ACM, 1)
    assert stage.tells(Progressed) is call
    stage.hears(B, message(M.CPG, 2))
    stage.says(A, M.CPG, 1)
    stage.hears(B, message(M.ANM, 2), after_s=3)
    stage.says(A, M.ANM, 1)
    assert call.answered_at_us == stage.now_us
    stage.hears(A, message(M.REL, 1), after_s=60)
    stage.says(A, M.RLC, 1)
    stage.releases(B, 2, 16)
    assert stage.tells(Ended) is call
    assert (call.ended_by, call.final_status, call.ended_at_us) == (EndedBy.CALLER, 200, stage.now_us)
    stage.hears(B, message(M.RLC, 2))
    stage.says_no_more()
    stage.tells_no_more()
    assert stage.settled()


def test_what_passes_through_is_changed_in_its_circuit_and_its_hop_counter_alone() -> None:
    stage = Stage()
    said = iam(1).replaced({0xC4: bytes.fromhex("522553"), 0xEB: bytes.fromhex("030152559999"), 0x77: b"\x01"})
    stage.hears(A, said)
    assert stage.says(B, M.IAM).data == said.replaced({P.HOP_COUNTER: b"\x13"}).with_cic(2).data
    acm = message(M.ACM, 2).replaced({0x77: b"\x02\x03"})
    stage.hears(B, acm)
    assert stage.says(A, M.ACM).data == acm.with_cic(1).data


def test_a_refused_call_is_released_with_the_reasons_cause() -> None:
    stage = Stage()
    stage.hears(A, iam(1, REFUSED_NUMBER))
    call = stage.tells(Decided)
    stage.releases(A, 1, 1)
    assert stage.tells(Ended) is call
    assert (call.ended_by, call.final_status) == (EndedBy.REFUSAL, 604)
    stage.hears(A, message(M.RLC, 1))
    stage.says_no_more()
    assert stage.settled()


@pytest.mark.parametrize(
    ("answered", "origin", "cause", "ended_by", "status"),
    [
        (False, A, 16, EndedBy.CANCEL, 487),
        (False, B, 17, EndedBy.FAILURE, 486),
        (True, A, 16, EndedBy.CALLER, 200),
        (True, B, 16, EndedBy.CALLED, 200),
    ],
)
def test_who_releases_first_ends_the_call_in_the_books(
    answered: bool, origin: int, cause: int, ended_by: EndedBy, status: int
) -> None:
    stage = Stage()
    call = set_up(stage, answered=answered)
    cic, other = (1, B) if origin == A else (2, A)
    stage.hears(origin, message(M.REL, cic, cause=cause))
    stage.says(origin, M.RLC, cic)
    stage.releases(other, 3 - cic, cause)
    assert stage.tells(Ended) is call
    assert (call.ended_by, call.final_status) == (ended_by, status)
    assert stage.settled()


def test_what_a_rel_carries_beside_its_cause_is_passed_on() -> None:
    stage = Stage()
    set_up(stage)
    rel = message(M.REL, 2).replaced({P.USER_TO_USER_INFORMATION: b"\x04bye"})
    stage.hears(B, rel)
    stage.says(B, M.RLC)
    assert stage.says(A, M.REL).data == rel.with_cic(1).data


def test_releases_that_cross_are_both_answered_and_end_the_call_once() -> None:
    # Q.764 section 2.3.3
    stage = Stage()
    set_up(stage)
    stage.hears(A, message(M.REL, 1))
    stage.says(A, M.RLC, 1)
    stage.says(B, M.REL, 2)
    stage.hears(B, message(M.REL, 2))
    stage.says(B, M.RLC, 2)
    stage.tells(Ended)
    stage.tells_no_more()
    assert not stage.circuit("TG-HOST", 2).free
    stage.hears(B, message(M.RLC, 2))
    assert stage.circuit("TG-HOST", 2).free
    stage.says_no_more()


@pytest.mark.parametrize(
    ("kind", "origin"),
    [(M.SUS, B), (M.RES, B), (M.CPG, B), (M.FAC, B), (M.SUS, A), (M.RES, A), (M.FOT, A), (M.FAC, A)],
)
def test_messages_of_an_answered_call_pass_through_both_ways(kind: M, origin: int) -> None:
    stage = Stage()
    set_up(stage)
    cic, other = (1, B) if origin == A else (2, A)
    if kind is M.RES and origin == B:
        stage.hears(B, message(M.SUS, 2))
        stage.says(A, M.SUS)
    stage.hears(origin, message(kind, cic))
    assert stage.says(other, kind, 3 - cic).data[3:] == message(kind, cic).data[3:]
    stage.says_no_more()


def test_the_called_side_may_ask_for_information_before_its_acm() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    stage.says(B, M.IAM)
    stage.hears(B, message(M.INR, 2))
    stage.says(A, M.INR, 1)
    stage.hears(A, message(M.INF, 1))
    stage.says(B, M.INF, 2)
    stage.hears(B, message(M.ACM, 2))
    stage.says(A, M.ACM, 1)
    stage.says_no_more()


# -- hops, continuity, digits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hops", [0, 1])
def test_a_call_with_no_hops_left_is_released_unasked(hops: int) -> None:
    stage = Stage()
    stage.hears(A, iam(1, hops=hops))
    stage.releases(A, 1, 25)
    stage.says_no_more()
    stage.tells_no_more()


def test_a_call_without_a_hop_counter_gets_none() -> None:
    stage = Stage()
    stage.hears(A, iam(1, hops=None))
    assert stage.says(B, M.IAM).hop_counter is None


@pytest.mark.parametrize("continuity", [1, 2])
def test_a_call_waits_for_the_continuity_check_before_it_is_decided(continuity: int) -> None:
    stage = Stage()
    stage.hears(A, iam(1, continuity=continuity))
    stage.says_no_more()
    stage.tells_no_more()
    stage.hears(A, message(M.COT, 1), after_s=2)
    nature = stage.says(B, M.IAM).nature_of_connection
    assert nature is not None
    assert nature.continuity == 0
    assert stage.tells(Decided).attempt.at_us == stage.now_us


def test_a_failed_continuity_check_is_made_again_and_costs_nobody_anything() -> None:
    stage = Stage()
    stage.hears(A, iam(1, continuity=1))
    stage.hears(A, message(M.COT, 1, on=0))
    stage.hears(A, message(M.CCR, 1))
    stage.says(A, M.LPA, 1)
    stage.hears(A, message(M.COT, 1))
    assert stage.circuit("TG-PARTNER", 1).free
    stage.says_no_more()
    stage.tells_no_more()


def test_a_check_that_never_ends_is_released_by_t8() -> None:
    stage = Stage()
    stage.hears(A, iam(1, continuity=1))
    stage.waits(10)
    stage.releases(A, 1, 41)
    stage.hears(A, message(M.RLC, 1))
    assert stage.circuit("TG-PARTNER", 1).free


def test_digits_that_follow_are_waited_for_where_the_number_is_not_complete() -> None:
    stage = Stage((itu(PARTNER), itu(HOST)))
    stage.hears(A, iam(1, "31455501", variant=Variant.ITU))
    stage.says_no_more()
    stage.hears(A, message(M.SAM, 1, variant=Variant.ITU), after_s=1)
    called = stage.says(B, M.IAM).called
    assert called is not None
    assert called.digits == "3145550199"


def test_digits_that_come_after_the_decision_go_no_further() -> None:
    stage = Stage((itu(PARTNER), itu(HOST)))
    stage.hears(A, iam(1, variant=Variant.ITU))
    stage.says(B, M.IAM)
    stage.hears(A, message(M.SAM, 1, variant=Variant.ITU))
    stage.says_no_more()


def test_what_was_dialled_is_decided_when_no_more_digits_come() -> None:
    stage = Stage((itu(PARTNER), itu(HOST)))
    stage.hears(A, iam(1, "3145550", variant=Variant.ITU))
    stage.waits(5)
    stage.says(B, M.IAM)
    stage.tells(Decided)


def test_a_caller_who_gives_up_after_all_digits_came_late_has_cancelled() -> None:
    stage = Stage((itu(PARTNER), itu(HOST)))
    stage.hears(A, iam(1, "3145550", variant=Variant.ITU))
    stage.waits(5)
    call = stage.tells(Decided)
    stage.hears(A, message(M.REL, 1, variant=Variant.ITU))
    assert stage.tells(Ended) is call
    assert call.ended_by is EndedBy.CANCEL


def test_a_rel_whose_cause_cannot_be_read_is_not_passed_on_as_it_is() -> None:
    stage = Stage()
    set_up(stage)
    stage.hears(A, message(M.REL, 1).replaced({P.CAUSE_INDICATORS: b"\x80"}))
    stage.says(A, M.RLC)
    stage.releases(B, 2, 31)


# -- timers -----------------------------------------------------------------------------------------------------------


def test_a_call_that_is_not_completed_in_time_is_released_by_t7() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    call = stage.tells(Decided)
    stage.says(B, M.IAM)
    stage.waits(19)
    stage.says_no_more()
    stage.waits(1)
    stage.releases(B, 2, 102)
    stage.releases(A, 1, 102)
    assert stage.tells(Ended) is call
    assert (call.ended_by, call.final_status) == (EndedBy.TIMEOUT, 504)


def test_a_call_that_is_not_answered_in_time_is_released_by_t9() -> None:
    stage = Stage()
    call = set_up(stage, answered=False)
    stage.waits(180)
    stage.releases(B, 2, 19)
    stage.releases(A, 1, 19)
    stage.tells(Ended)
    assert (call.ended_by, call.final_status) == (EndedBy.TIMEOUT, 480)


def test_a_release_that_is_not_answered_is_repeated_and_the_circuit_reset_in_the_end() -> None:
    stage = Stage()
    set_up(stage)
    stage.hears(A, message(M.REL, 1, cause=17))
    stage.says(A, M.RLC)
    stage.releases(B, 2, 17)
    stage.waits(15)
    stage.releases(B, 2, 17)
    stage.waits(44)
    stage.releases(B, 2, 17)
    stage.releases(B, 2, 17)
    stage.waits(1)  # T5 of T1.113.4: a minute, when T1 is due for the fourth time
    assert M.RSC in {each.message.type for each in stage.sent}
    stage.sent.clear()
    stage.waits(15)
    stage.says(B, M.RSC, 2)
    stage.hears(B, message(M.RLC, 2))
    stage.says_no_more()
    assert stage.circuit("TG-HOST", 2).free


def test_a_call_that_nobody_ends_is_ended_when_it_has_been_up_too_long() -> None:
    stage = Stage(max_call_s=600)
    call = set_up(stage)
    stage.waits(600)
    stage.releases(A, 1, 102)
    stage.releases(B, 2, 102)
    assert stage.tells(Ended) is call
    assert (call.ended_by, call.final_status) == (EndedBy.TIMEOUT, 200)
    assert stage.settled()


def test_calls_that_are_up_when_the_gateway_stops_are_ended_in_the_books() -> None:
    stage = Stage()
    call = set_up(stage)
    stage.is_told("stop")
    assert stage.tells(Ended) is call
    assert call.ended_by is EndedBy.SHUTDOWN


def discontinued(stage: Stage, wanted: Wanted = lambda _, __: True) -> None:
    actions: list[Action] = []
    stage.exchange.end_calls(wanted, 21, stage.now_us, actions)
    stage.told.extend(actions)


@pytest.mark.parametrize("answered", [True, False])
def test_a_discontinued_call_is_released_in_both_directions(answered: bool) -> None:
    stage = Stage()
    call = set_up(stage, answered=answered)
    discontinued(stage)
    stage.releases(A, 1, 21)
    stage.releases(B, 2, 21)
    assert stage.tells(Ended) is call
    assert (call.ended_by, call.final_status) == (EndedBy.DISCONTINUED, 200 if answered else 403)
    stage.hears(A, message(M.RLC, 1))
    stage.hears(B, message(M.RLC, 2))
    stage.says_no_more()
    assert stage.settled()
    discontinued(stage)
    stage.tells_no_more()


def test_a_discontinued_call_that_the_other_exchange_has_not_answered_to_is_released_there_too() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    stage.tells(Decided)
    stage.says(B, M.IAM, 2)
    discontinued(stage)
    stage.releases(A, 1, 21)
    stage.releases(B, 2, 21)
    assert stage.tells(Ended).ended_by is EndedBy.DISCONTINUED
    stage.hears(B, message(M.ACM, 2))
    stage.says_no_more()


def test_a_rel_that_crosses_ours_is_answered_and_ends_the_call_no_second_time() -> None:
    stage = Stage()
    set_up(stage)
    discontinued(stage)
    stage.sent.clear()
    stage.tells(Ended)
    stage.hears(A, message(M.REL, 1))
    stage.says(A, M.RLC, 1)
    stage.hears(A, message(M.RLC, 1))
    stage.hears(B, message(M.RLC, 2))
    stage.says_no_more()
    stage.tells_no_more()
    assert stage.settled()


def test_an_exchange_that_does_not_answer_our_rel_hears_it_again() -> None:
    stage = Stage()
    set_up(stage)
    discontinued(stage)
    stage.hears(A, message(M.RLC, 1))
    stage.sent.clear()
    stage.waits(16)
    stage.releases(B, 2, 21)


def test_an_emergency_call_on_circuits_is_never_released_by_us() -> None:
    stage = Stage()
    stage.hears(A, iam(1, EMERGENCY))
    stage.tells(Decided)
    stage.sent.clear()
    discontinued(stage)
    stage.says_no_more()
    stage.tells_no_more()


def many_up(count: int) -> Stage:
    """So many calls on as many circuits, of which the other exchange has said nothing yet."""
    wide = ((1, 2 * count),)
    stage = Stage([group("TG-PARTNER", Side.PARTNER, A, cics=wide), group("TG-HOST", Side.HOST, B, cics=wide)])
    for cic in range(1, count + 1):
        stage.hears(A, iam(cic))
        stage.tells(Decided)
    stage.sent.clear()
    return stage


def test_many_calls_on_circuits_are_released_a_few_at_a_time() -> None:
    count = BATCH + 20
    stage = many_up(count)
    discontinued(stage)
    assert len(stage.sent) == 2 * BATCH
    stage.sent.clear()
    assert stage.exchange.next_us is not None
    stage.waits(0.06)
    assert len(stage.sent) == 2 * (count - BATCH)
    assert len([each for each in stage.told if isinstance(each, Ended)]) == count


def test_each_call_on_circuits_is_asked_about_again_when_it_is_its_turn() -> None:
    stage = many_up(BATCH * 2 + 50)
    until_us = stage.now_us + INTERVAL_US
    discontinued(stage, lambda _, at_us: at_us < until_us)
    assert len([each for each in stage.told if isinstance(each, Ended)]) == BATCH
    stage.sent.clear()
    stage.waits(1)
    stage.says_no_more()
    assert len([each for each in stage.told if isinstance(each, Ended)]) == BATCH
