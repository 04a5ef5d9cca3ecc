"""Calls from one exchange through ours to another: every message of a call, and what the books say of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.ss7.isup import IsupMessage, P, isup_message
from gateway.codecs.ss7.isup import MessageType as M
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Side
from gateway.signalling.call import Action, Call, Decided, Ended, EndedBy, Progressed
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
)


def set_up(stage: Stage, *, answered: bool = True) -> Call:
    """A call from CIC 1 of A to CIC 2 of B; the stage is left without a word that was not looked at."""
    stage.hears(A, iam(1))
    call = stage.tells(Decided)
    stage.hears(B, message(M.ACM, 2))
    stage.tells(Progressed)
    if answered:
        stage.hears(B, message(M.ANM, 2))
    stage.sent.clear()
    return call


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
    stage.hears(A, message(M.SAM, 1, variant=Variant.ITU))
    stage.says(B, M.SAM, 2)


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


# -- hostile bytes ----------------------------------------------------------------------------------------------------

SAID = [
    iam(1, variant=variant).replaced(
        {
            P.TRANSIT_NETWORK_SELECTION: b"\x21\x82\x08",
            P.USER_SERVICE_INFORMATION: b"\x90\x90\xa2",
            0xC0: b"\xc0\x03\x10\x13",
        }
    )
    for variant in Variant
]


@settings(deadline=None)
@given(
    st.sampled_from(SAID),
    st.lists(st.tuples(st.integers(2, 60), st.integers(0, 255)), max_size=4),
    st.integers(0, 60),
    st.lists(
        st.tuples(st.sampled_from((A, B)), st.integers(0, 4), st.integers(0, 255), st.binary(max_size=12)), max_size=6
    ),
)
def test_no_bytes_fail_the_exchange_nor_leave_a_call_behind(
    said: IsupMessage,
    changes: list[tuple[int, int]],
    cut: int,
    others: list[tuple[int, int, int, bytes]],
) -> None:
    variants = (said.variant, Variant.ITU if said.variant is Variant.ANSI else Variant.ANSI)
    groups = [
        itu(each) if variant is Variant.ITU else each for each, variant in zip((PARTNER, HOST), variants, strict=True)
    ]
    stage = Stage(groups)
    data = bytearray(said.data)
    for at, octet in changes:
        data[at % len(data)] = octet
    data[:2] = b"\x01\x00"
    actions: list[Action] = []
    stage.exchange.receive(
        Mtp3Transfer(A, OURS, 5, 2, 0, 0, bytes(data[: len(data) - cut // 4])), stage.now_us, actions
    )
    for origin, cic, kind, rest in others:
        stage.exchange.receive(
            Mtp3Transfer(origin, OURS, 5, 2, 0, 0, bytes((cic, 0, kind)) + rest), stage.now_us, actions
        )
    for cic in range(1, 5):
        for origin, variant in zip((A, B), variants, strict=True):
            rel = message(M.REL, cic, variant=variant).data
            stage.exchange.receive(Mtp3Transfer(origin, OURS, 5, 2, 0, 0, rel), stage.now_us, actions)
    assert stage.settled()
    decided = [told.call for told in actions if isinstance(told, Decided)]
    assert sorted(map(id, decided)) == sorted(id(told.call) for told in actions if isinstance(told, Ended))
