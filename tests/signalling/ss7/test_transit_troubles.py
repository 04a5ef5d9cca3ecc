"""Circuits seized from both ends, messages that nobody expected, want of room: what becomes of calls then."""

from __future__ import annotations

import pytest

from gateway.codecs.ss7.isup import IsupMessage, P, isup_message
from gateway.codecs.ss7.isup import MessageType as M
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Side
from gateway.signalling.call import Decided, Ended, EndedBy, Progressed
from tests.signalling.ss7.exchange_playbook import (
    EMERGENCY,
    HOST,
    OURS,
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

# -- the same circuit from both ends ----------------------------------------------------------------------------------


def test_of_two_that_seize_a_circuit_at_once_the_one_that_controls_it_prevails() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 2)
    stage.hears(B, iam(2))
    stage.says_no_more()
    stage.hears(B, message(M.ACM, 2))
    stage.says(A, M.ACM, 1)
    assert stage.exchange.tables["TG-HOST"].counters["glare, ours"] == 1


def test_who_does_not_control_the_circuit_yields_and_tries_another() -> None:
    narrow = group("TG-HOST", Side.HOST, B, cics=((1, 1), (3, 3)))  # odd ones: all theirs
    stage = Stage((PARTNER, narrow))
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 3)
    call = stage.tells(Decided)
    stage.hears(B, iam(3, REFUSED_NUMBER))
    assert stage.says(B, M.IAM, 1).data == iam(1, hops=19).data
    assert stage.tells(Decided) is not call
    stage.releases(B, 3, 1)
    stage.tells(Ended)
    stage.hears(B, message(M.ACM, 1))
    stage.says(A, M.ACM, 1)
    assert stage.tells(Progressed) is call


def test_a_call_that_finds_no_other_circuit_ends_for_want_of_one() -> None:
    narrow = group("TG-HOST", Side.HOST, B, cics=((3, 3),))
    stage = Stage((PARTNER, narrow))
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 3)
    call = stage.tells(Decided)
    stage.hears(B, iam(3, REFUSED_NUMBER))
    stage.releases(A, 1, 34)
    assert stage.tells(Ended) is call
    assert (call.ended_by, call.final_status) == (EndedBy.FAILURE, 503)


@pytest.mark.parametrize("kind", [M.RSC, M.BLO, M.UCIC, M.RLC, M.CPG])
def test_a_call_is_tried_again_where_nothing_came_back_on_its_circuit(kind: M) -> None:
    # Q.764 section 2.8.1.2
    stage = Stage()
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 2)
    stage.hears(B, message(kind, 2))
    assert [each.message.cic for each in stage.sent if each.message.type == M.IAM] == [4]
    stage.hears(B, message(M.ACM, 4))
    assert stage.sent[-1].message.data == message(M.ACM, 1).data


def test_a_call_is_tried_on_so_many_circuits_and_no_more() -> None:
    stage = Stage((PARTNER, group("TG-HOST", Side.HOST, B, cics=((1, 12),))))
    stage.hears(A, iam(1))
    for cic in (2, 4, 6, 8):
        stage.says(B, M.IAM, cic)
        stage.hears(B, message(M.UCIC, cic))
    stage.releases(A, 1, 34)
    stage.says_no_more()


def test_nothing_is_tried_again_when_something_came_back() -> None:
    stage = Stage()
    call = set_up(stage, answered=False)
    stage.hears(B, message(M.RSC, 2))
    stage.says(B, M.RLC, 2)
    stage.releases(A, 1, 31)
    stage.tells(Ended)
    assert call.ended_by is EndedBy.FAILURE


# -- the unexpected ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (message(M.REL, 1), M.RLC),
        (message(M.RLC, 1), None),
        (message(M.RSC, 1), M.RLC),
        (message(M.ACM, 1), M.RSC),
        (message(M.ANM, 1), M.RSC),
        (message(M.COT, 1), M.RSC),
        (message(M.CFN, 1), None),
        (isup_message(Variant.ANSI, M.LPA, 1), None),
    ],
)
def test_messages_on_an_idle_circuit(said: IsupMessage, answer: M | None) -> None:
    stage = Stage()
    stage.hears(A, said)
    if answer is not None:
        stage.says(A, answer, 1)
    stage.says_no_more()


def test_a_message_of_an_unknown_type_causes_confusion() -> None:
    stage = Stage()
    stage.hears(A, IsupMessage(b"\x01\x00\x99\x01\x02", Variant.ANSI))
    cause = stage.says(A, M.CFN, 1).cause
    assert cause is not None
    assert (cause.value, cause.diagnostics) == (97, b"\x99")


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x01\x00", b"\x01\x00\x01", b"\x01\x00\x0c\x02\x00"])
def test_a_message_that_cannot_be_read_is_counted_and_dropped(data: bytes) -> None:
    stage = Stage()
    stage.exchange.receive(Mtp3Transfer(A, OURS, 5, 2, 0, 0, data), stage.now_us, [])
    stage.says_no_more()
    assert sum(stage.exchange.counters.malformed.values()) == 1


def test_an_iam_whose_called_number_cannot_be_read_is_released() -> None:
    stage = Stage()
    stage.hears(A, iam(1).replaced({P.CALLED_PARTY_NUMBER: b"\x03"}))
    stage.releases(A, 1, 111)
    stage.tells_no_more()


def test_a_circuit_that_is_not_known_is_said_to_be_unequipped() -> None:
    stage = Stage()
    stage.hears(A, iam(99))
    stage.says(A, M.UCIC, 99)
    stage.hears(A, message(M.UCIC, 99))
    stage.says_no_more()


# -- room and emergency -----------------------------------------------------------------------------------------------


def test_a_call_finds_no_room_where_every_circuit_is_taken_and_takes_nothing_from_anyone() -> None:
    stage = Stage((PARTNER, group("TG-HOST", Side.HOST, B, cics=((1, 1),))))
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 1)
    stage.tells(Decided)
    stage.hears(A, iam(3))
    refused = stage.tells(Decided)
    assert refused.decision.refused_by is not None
    assert refused.decision.refused_by.check == "capacity"
    stage.releases(A, 3, 34)
    stage.tells(Ended)
    assert stage.ledger.in_progress == 1


def test_a_call_to_an_exchange_that_cannot_be_reached_is_refused() -> None:
    stage = Stage()
    stage.is_told("paused", B)
    stage.hears(A, iam(1))
    stage.releases(A, 1, 34)
    call = stage.tells(Decided)
    assert call.ended_by is EndedBy.REFUSAL


def test_an_emergency_call_is_let_through_and_fails_only_where_there_is_no_circuit_at_all() -> None:
    stage = Stage((PARTNER, group("TG-HOST", Side.HOST, B, cics=((1, 1),))))
    stage.hears(A, iam(1))
    stage.says(B, M.IAM, 1)
    stage.tells(Decided)
    stage.hears(A, iam(3, EMERGENCY))
    call = stage.tells(Decided)
    assert call.decision.refused_by is None
    stage.releases(A, 3, 34)
    stage.tells(Ended)
    assert call.ended_by is EndedBy.FAILURE


def test_while_draining_only_emergency_calls_are_taken() -> None:
    stage = Stage()
    stage.exchange.accepting = False
    stage.hears(A, iam(1))
    stage.releases(A, 1, 42)
    stage.tells_no_more()
    stage.hears(A, iam(2, EMERGENCY))
    stage.says(B, M.IAM)


def test_a_congested_way_gets_fewer_calls_but_every_emergency_call_and_all_of_them_later_on() -> None:
    stage = Stage(
        (group("TG-PARTNER", Side.PARTNER, A, cics=((1, 60),)), group("TG-HOST", Side.HOST, B, cics=((1, 60),)))
    )
    stage.exchange.congested(B, 1, stage.now_us)
    stage.exchange.congested(B, 1, stage.now_us)  # within T29: of the same congestion
    for cic in range(1, 11):
        stage.hears(A, iam(cic))
    assert sum(each.message.type == M.IAM for each in stage.sent) == 8
    stage.hears(A, iam(20, EMERGENCY))
    assert sum(each.message.type == M.IAM for each in stage.sent) == 9
    stage.waits(5)
    stage.sent.clear()
    for cic in range(31, 41):
        stage.hears(A, iam(cic))
    assert sum(each.message.type == M.IAM for each in stage.sent) == 10


# -- selection --------------------------------------------------------------------------------------------------------


def test_of_our_own_circuits_the_one_idle_for_longest_is_seized_and_of_theirs_the_one_released_last() -> None:
    stage = Stage()
    table = stage.exchange.tables["TG-HOST"]
    assert [table.choose(), table.choose({2}), table.choose({2, 4})] == [table.by_cic[cic] for cic in (2, 4, 3)]
    set_up(stage)
    stage.hears(B, message(M.REL, 2))
    assert table.choose() is table.by_cic[4]


# -- between networks -------------------------------------------------------------------------------------------------


def test_a_call_from_an_itu_network_to_an_ansi_one_is_said_in_the_words_of_each() -> None:
    stage = Stage((itu(PARTNER), HOST))
    stage.hears(A, iam(1, variant=Variant.ITU))
    onward = stage.says(B, M.IAM, 2)
    assert onward.variant is Variant.ANSI
    assert onward.user_service is not None
    assert onward.value(P.TRANSMISSION_MEDIUM) is None
    assert onward.calling == iam(1).calling
    stage.hears(B, message(M.ACM, 2))
    assert stage.says(A, M.ACM, 1).variant is Variant.ITU


def test_a_connect_message_is_an_acm_and_an_anm_where_there_is_none() -> None:
    stage = Stage((PARTNER, itu(HOST)))
    stage.hears(A, iam(1))
    onward = stage.says(B, M.IAM, 2)
    assert onward.transmission_medium == 0
    stage.hears(B, message(M.CON, 2, variant=Variant.ITU))
    stage.says(A, M.ACM, 1)
    stage.says(A, M.ANM, 1)
    call = stage.tells(Decided)
    assert call.answered_at_us is not None
