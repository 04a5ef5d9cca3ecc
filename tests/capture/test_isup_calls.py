"""Calls on circuits: what seizes, answers and frees a circuit, and which call each message belongs to (Q.764)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_gateway import START_US
from ss7_script import (
    CALLED,
    CALLING,
    ONE,
    THREE,
    TWO,
    Said,
    acm,
    anm,
    audited,
    bare,
    grs,
    hardware_cgb,
    iam,
    rel,
    rlc,
)

from gateway.capture.calls import AuditedCall, Role
from gateway.capture.circuit_use import CircuitUse, End
from gateway.capture.limits import AuditLimits
from gateway.codecs.ss7.isup import MessageType

WHOLE_CALL = [
    Said(0, ONE, TWO, iam(7)),
    Said(100, TWO, ONE, acm(7)),
    Said(2_000, TWO, ONE, anm(7)),
    Said(62_000, ONE, TWO, rel(7)),
    Said(62_010, TWO, ONE, rlc(7)),
]


def use_of(call: AuditedCall) -> CircuitUse:
    (leg,) = call.legs
    assert leg.circuit is not None
    return leg.circuit


def test_a_call_is_followed_from_its_iam_to_its_rlc() -> None:
    result = audited(WHOLE_CALL)
    (call,) = result.calls
    assert call.call_id == f"1-1-1.2-2-2.7.{START_US}"
    assert (call.calling, call.called) == (f"+1{CALLING}", f"+1{CALLED}")
    leg, use = call.legs[0], use_of(call)
    assert (leg.source, leg.destination) == (("1-1-1", 7), ("2-2-2", 7))
    assert [(message.name, message.forward) for message in leg.messages] == [
        ("IAM", True),
        ("ACM", False),
        ("ANM", False),
        ("REL", True),
        ("RLC", False),
    ]
    assert use.progressed is not None
    assert use.answered is not None
    assert use.ended is not None
    assert (use.progressed.frame, use.answered.frame, use.ended.frame) == (2, 3, 5)
    assert (use.end, use.talked_us) == (End.RELEASED, 60_000_000)
    assert use.release is not None
    assert use.release.cause is not None
    assert (use.release.by_source, use.release.cause.value, use.release.place.frame) == (True, 16, 4)
    assert dict(result.messages) == {"IAM": 1, "ACM": 1, "ANM": 1, "REL": 1, "RLC": 1}
    assert (result.circuits.seized, result.circuits.answered, dict(result.circuits.causes)) == (1, 1, {16: 1})
    assert not result.of_no_call


BUSY = [Said(0, ONE, TWO, iam(7)), Said(100, TWO, ONE, rel(7, 17)), Said(110, ONE, TWO, rlc(7))]
RINGING = [Said(0, ONE, TWO, iam(7)), Said(100, TWO, ONE, acm(7))]


@pytest.mark.parametrize(
    ("said", "end", "frame"),
    [
        (BUSY, End.RELEASED, 3),
        (RINGING, End.IN_USE, None),
        ([*RINGING, Said(200, ONE, TWO, rel(7))], End.NO_RLC, None),
        ([*RINGING, Said(200, ONE, TWO, rlc(7))], End.NO_REL, 3),
        ([*RINGING, Said(200, ONE, TWO, bare(MessageType.RSC, 7)), Said(210, TWO, ONE, rlc(7))], End.RESET, 3),
        ([*RINGING, Said(200, ONE, TWO, grs(1, 12)), Said(210, TWO, ONE, rlc(7))], End.RESET, 3),
        ([*RINGING, Said(200, ONE, TWO, grs(8, 12))], End.IN_USE, None),
        ([*RINGING, Said(200, TWO, ONE, hardware_cgb(6, [False, True]))], End.BLOCKED, 3),
        ([*RINGING, Said(200, TWO, ONE, hardware_cgb(6, [True, False]))], End.IN_USE, None),
        ([Said(0, ONE, TWO, iam(7)), Said(50, TWO, ONE, bare(MessageType.UCIC, 7))], End.UNEQUIPPED, 2),
    ],
)
def test_how_a_circuit_becomes_free_is_told(said: list[Said], end: End, frame: int | None) -> None:
    (call,) = audited(said).calls
    use = use_of(call)
    assert use.end is end
    assert (use.ended.frame if use.ended is not None else None) == frame


def test_a_circuit_that_is_seized_again_has_a_new_call() -> None:
    result = audited([*WHOLE_CALL, *(said._replace(ms=said.ms + 70_000) for said in BUSY)])
    assert [use_of(call).end for call in result.calls] == [End.RELEASED, End.RELEASED]
    assert [call.legs[0].total for call in result.calls] == [5, 3]


@pytest.mark.parametrize(
    ("before", "end"),
    [(RINGING, End.REUSED), ([*RINGING, Said(300, TWO, ONE, rel(7))], End.NO_RLC)],
)
@pytest.mark.parametrize("ends", [(ONE, TWO), (TWO, ONE)])
def test_a_seizure_ends_the_call_whose_release_the_capture_lacks(
    before: list[Said], end: End, ends: tuple[int, int]
) -> None:
    result = audited([*before, Said(60_000, *ends, iam(7, called="6363270199"))])
    assert [use_of(call).end for call in result.calls] == [end, End.IN_USE]


@pytest.mark.parametrize("cic", [7, 8])
@pytest.mark.parametrize("first", [ONE, TWO])
def test_of_a_dual_seizure_the_exchange_that_controls_the_circuit_goes_on(cic: int, first: int) -> None:
    """The higher point code has the even circuits (Q.764 section 2.9.1.4)."""
    second = TWO if first == ONE else ONE
    winner = TWO if cic % 2 == 0 else ONE
    other = ONE if winner == TWO else TWO
    said = [
        Said(0, first, second, iam(cic)),
        Said(20, second, first, iam(cic, "6363270155", "3142061111")),
        Said(100, other, winner, acm(cic)),
        Said(900, other, winner, anm(cic)),
    ]
    result = audited(said)
    by_opc = {use_of(call).circuit.opc: call for call in result.calls}
    assert use_of(by_opc[winner]).end is End.IN_USE
    assert use_of(by_opc[winner]).answered is not None
    assert use_of(by_opc[other]).end is End.GAVE_WAY
    assert by_opc[winner].legs[0].total == 3
    assert result.circuits.dual_seizures == 2


def test_messages_on_a_circuit_without_a_call_are_of_no_call() -> None:
    result = audited(
        [Said(0, ONE, TWO, rel(7)), Said(10, TWO, ONE, rlc(7)), Said(20, TWO, ONE, bare(MessageType.BLO, 9))]
    )
    assert result.calls == []
    assert dict(result.of_no_call) == {"REL": 1, "RLC": 1, "BLO": 1}


def test_a_release_that_is_sent_again_is_a_retransmission_and_changes_nothing() -> None:
    said = [*RINGING, Said(1_000, ONE, TWO, rel(7)), Said(17_000, ONE, TWO, rel(7)), Said(17_010, TWO, ONE, rlc(7))]
    (call,) = audited(said).calls
    assert [message.role for message in call.legs[0].messages][2:] == [
        Role.ON_CIRCUIT,
        Role.RETRANSMISSION,
        Role.ON_CIRCUIT,
    ]
    release = use_of(call).release
    assert release is not None
    assert release.place.frame == 3


def test_a_collision_of_releases_is_the_first_ones() -> None:
    said = [
        *RINGING,
        Said(1_000, TWO, ONE, rel(7, 31)),
        Said(1_005, ONE, TWO, rel(7, 16)),
        Said(1_010, ONE, TWO, rlc(7)),
    ]
    (call,) = audited([*said, Said(1_015, TWO, ONE, rlc(7))]).calls
    use = use_of(call)
    assert use.release is not None
    assert use.release.cause is not None
    assert (use.release.by_source, use.release.cause.value, use.end) == (False, 31, End.RELEASED)
    assert call.legs[0].total == 6


def test_equal_circuits_between_other_exchanges_are_others() -> None:
    result = audited([Said(0, ONE, TWO, iam(7)), Said(20_000, ONE, THREE, iam(7)), Said(20_100, THREE, ONE, acm(7))])
    assert [call.legs[0].total for call in result.calls] == [1, 2]


def test_calls_beyond_the_bound_are_closed_as_not_followed() -> None:
    said = [Said(20_000 * cic, ONE, TWO, iam(cic)) for cic in range(1, 6)]
    result = audited(said, AuditLimits(calls=2))
    assert [use_of(call).end for call in result.calls] == [End.NOT_FOLLOWED] * 3 + [End.IN_USE] * 2


def test_a_message_that_cannot_be_read_is_listed_with_its_byte() -> None:
    broken = iam(7)[:-3]
    result = audited([Said(0, ONE, TWO, broken), Said(1, ONE, TWO, b"\x07\x00\x0c\x02\x00\x01\x80")])
    assert [(one.source, one.destination, one.place.frame) for one in result.malformed] == [
        (("1-1-1", 7), ("2-2-2", 7), 1),
        (("1-1-1", 7), ("2-2-2", 7), 2),
    ]
    assert result.malformed_count == 2
    assert result.calls == []


def _reset(cic: int) -> bytes:
    return bare(MessageType.RSC, cic)


def _unequipped(cic: int) -> bytes:
    return bare(MessageType.UCIC, cic)


KINDS = st.sampled_from([iam, acm, anm, rel, rlc, _reset, _unequipped])


@given(
    st.lists(
        st.tuples(st.integers(0, 4_000), st.permutations([ONE, TWO, THREE]), st.integers(1, 3), KINDS, st.booleans()),
        max_size=30,
    )
)
def test_whatever_comes_every_message_is_counted_once_and_every_seizure_is_a_leg(
    steps: list[tuple[int, list[int], int, Callable[[int], bytes], bool]],
) -> None:
    said, ms = [], 0
    for wait, (source, destination, _), cic, make, cut in steps:
        ms += wait
        data = make(cic)
        said.append(Said(ms, source, destination, data[:-1] if cut else data))
    result = audited(said)
    laid = sum(leg.total for call in result.calls for leg in call.legs)
    assert laid + result.of_no_call.total() == result.messages.total()
    assert result.messages.total() + result.malformed_count >= len(said)
    assert result.circuits.seized == sum(len(call.legs) for call in result.calls)
