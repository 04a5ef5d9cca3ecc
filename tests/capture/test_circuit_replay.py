"""Which circuits of a capture are which of the replay's exchange, once the captured gateway has chosen others."""

from __future__ import annotations

import pytest
from ss7_script import ANSI, ONE, THREE, TWO, acm, bare, grs, iam, rel, rlc

from gateway.capture.circuit_ids import circuit_of_call_id
from gateway.capture.circuit_replay import CircuitReplay
from gateway.codecs.ss7.isup import MessageType, P, encode_range_and_status, isup_message, range_and_status
from gateway.codecs.ss7.m3ua import m3ua_data
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.signalling.call import Carry
from gateway.signalling.isup_attempt import circuit_call_id

OURS, HOST = TWO, THREE
US = 1_000_000


def outward(data: bytes) -> Mtp3Transfer:
    return Mtp3Transfer(OURS, HOST, 5, 2, 0, 0, data)


def inward(data: bytes) -> Mtp3Transfer:
    return Mtp3Transfer(HOST, OURS, 5, 2, 0, 0, data)


def carried(data: bytes) -> Carry:
    return Carry("host-link", 1, m3ua_data(outward(data)))


@pytest.fixture
def learnt() -> CircuitReplay:
    """The captured gateway has taken circuit 9 where the replay has taken 2."""
    replay = CircuitReplay({HOST: ANSI})
    replay.would_send([carried(iam(2))], US)
    replay.sent(outward(iam(9)), US + 100)
    return replay


def test_a_circuit_that_was_chosen_alike_stays_what_it_is() -> None:
    replay = CircuitReplay({HOST: ANSI})
    replay.would_send([carried(iam(2))], US)
    replay.sent(outward(iam(2)), US)
    assert replay.received(inward(acm(2))) == [inward(acm(2))]


def test_two_circuits_are_taken_for_each_other_from_then_on(learnt: CircuitReplay) -> None:
    assert learnt.received(inward(acm(9))) == [inward(acm(2))]
    assert learnt.received(inward(iam(2))) == [inward(iam(9))]
    assert learnt.received(inward(iam(5))) == [inward(iam(5))]
    assert (learnt.replayed_cic(HOST, 9), learnt.replayed_cic(HOST, 2), learnt.replayed_cic(ONE, 9)) == (2, 9, 9)


def test_choices_that_differ_again_are_learnt_on_top(learnt: CircuitReplay) -> None:
    learnt.would_send([carried(iam(4, "3142061101"))], 2 * US)
    learnt.sent(outward(iam(2, "3142061101")), 2 * US)
    assert [learnt.replayed_cic(HOST, cic) for cic in (9, 2, 4)] == [2, 4, 9]


@pytest.mark.parametrize(
    ("chosen", "at_us"), [(iam(9, "3142061199"), US), (iam(9), 7 * US), (acm(9), US)], ids=["other", "late", "no IAM"]
)
def test_what_is_not_the_same_call_teaches_nothing(chosen: bytes, at_us: int) -> None:
    replay = CircuitReplay({HOST: ANSI})
    replay.would_send([carried(iam(2))], US)
    replay.sent(outward(chosen), at_us)
    assert replay.replayed_cic(HOST, 9) == 9


def test_a_message_for_a_range_is_said_of_each_circuit_where_they_are_others(learnt: CircuitReplay) -> None:
    assert learnt.received(inward(grs(3, 4))) == [inward(grs(3, 4))]
    assert [one.data for one in learnt.received(inward(grs(8, 3)))] == [
        bare(MessageType.RSC, cic) for cic in (8, 2, 10)
    ]
    status = encode_range_and_status(range_and_status([True, False, True]))
    blocking = [(P.CIRCUIT_GROUP_SUPERVISION, b"\0"), (P.RANGE_AND_STATUS, status)]
    blocked = isup_message(ANSI, MessageType.CGB, 1, blocking).encode()
    assert learnt.received(inward(blocked))[0].data == bare(MessageType.BLO, 1)
    blocked = isup_message(ANSI, MessageType.CGB, 9, blocking).encode()
    assert [one.data for one in learnt.received(inward(blocked))] == [bare(MessageType.BLO, cic) for cic in (2, 11)]


@pytest.mark.parametrize("data", [acm(3), rel(3), rlc(3)])
def test_what_belongs_to_a_call_from_before_the_capture_is_kept_from_the_exchange(data: bytes) -> None:
    replay = CircuitReplay({HOST: ANSI})
    assert replay.received(inward(data)) == []
    assert replay.received(inward(iam(3))) == [inward(iam(3))]
    assert replay.received(inward(data)) == [inward(data)]


@pytest.mark.parametrize("data", [b"", b"\x01", b"\xff\xff\xff", b"\x09\x00\x17\x01"])
def test_what_cannot_be_read_is_handed_on_or_dropped_and_never_raises(learnt: CircuitReplay, data: bytes) -> None:
    assert learnt.received(inward(data)) in ([inward(data)], [])
    learnt.sent(outward(data), US)


def test_what_is_of_no_exchange_that_is_known_is_handed_on() -> None:
    transfer = inward(acm(3))._replace(opc=ONE)
    assert CircuitReplay({HOST: ANSI}).received(transfer) == [transfer]


@pytest.mark.parametrize("host", ["", "@gateway.example"])
def test_a_call_id_made_of_a_circuit_is_read_again(host: str) -> None:
    call_id = circuit_call_id("246-14-7", "2-137-26", 9001, 1_767_225_600_000_000) + host
    assert circuit_of_call_id(call_id.encode()) == ("246-14-7", "2-137-26", 9001, 1_767_225_600_000_000)


@pytest.mark.parametrize("call_id", [b"1@a", b"1.2.3", b"a.b.1.2@c", b"1.2.3.4x", b"1.2.3." + b"9" * 40])
def test_any_other_call_id_is_made_of_no_circuit(call_id: bytes) -> None:
    assert circuit_of_call_id(call_id) is None
