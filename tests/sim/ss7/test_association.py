"""The handshake of RFC 4666, message by message: two ends joined by a list."""

from __future__ import annotations

from gateway.codecs.ss7.m3ua import M3uaMessage, MessageType, Parameter, Tag, decode_m3ua, encode_m3ua
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from sim.ss7.association import Association, Side, State

TRANSFER = Mtp3Transfer(1, 2, 5, 2, 0, 7, b"\x01\x00\x10\x00")


class End:
    """One end, with what it sent and was given."""

    def __init__(self, side: Side, context: int | None = None) -> None:
        self.sent: list[tuple[int, bytes]] = []
        self.given: list[Mtp3Transfer] = []
        self.association = Association(
            side,
            send=lambda stream, data: self.sent.append((stream, data)),
            deliver=self.given.append,
            changed=lambda: None,
            routing_context=context,
        )

    def names(self) -> list[str]:
        return [MessageType(decode_m3ua(data).type).name for _, data in self.sent]


def talk(one: End, other: End) -> None:
    """Hand over what was sent until nobody says anything any more."""
    at = {one: 0, other: 0}
    while any(at[end] < len(end.sent) for end in (one, other)):
        for end, far in ((one, other), (other, one)):
            for stream, data in end.sent[at[end] :]:
                at[end] += 1
                far.association.take(stream, data)


def active(context: int | None = None) -> tuple[End, End]:
    asp, sgp = End(Side.ASP, context), End(Side.SGP)
    asp.association.up()
    sgp.association.up()
    talk(asp, sgp)
    return asp, sgp


def test_the_process_comes_up_and_becomes_active() -> None:
    asp, sgp = active(context=9)
    assert asp.names() == ["ASPUP", "ASPAC"]
    assert sgp.names() == ["ASPUP_ACK", "NTFY", "ASPAC_ACK", "NTFY"]
    assert (asp.association.state, sgp.association.state) == (State.ACTIVE, State.ACTIVE)
    assert sgp.association.routing_context == 9


def test_transfers_go_on_a_stream_of_their_own_both_ways_with_the_routing_context() -> None:
    asp, sgp = active(context=9)
    for end in (asp, sgp):
        assert end.association.transfer(TRANSFER)
        stream, data = end.sent[-1]
        assert stream == 1
        assert decode_m3ua(data).integer(Tag.ROUTING_CONTEXT) == 9
    talk(asp, sgp)
    asp.association.take(1, sgp.sent[-1][1])
    sgp.association.take(1, asp.sent[-1][1])
    assert asp.given[-1] == sgp.given[-1] == TRANSFER


def test_nothing_is_sent_before_the_association_is_active() -> None:
    assert End(Side.ASP).association.transfer(TRANSFER) is False


def test_data_on_stream_0_is_an_error_and_so_is_data_out_of_turn() -> None:
    asp, sgp = active()
    asp.association.transfer(TRANSFER)
    data = asp.sent[-1][1]
    sgp.association.take(0, data)
    assert sgp.association.faults == ["DATA on stream 0"]
    fresh = End(Side.SGP)
    fresh.association.take(1, data)
    assert fresh.association.faults == ["DATA while down"]
    assert fresh.names() == ["ERR"]


def test_a_process_may_leave_and_join_again() -> None:
    asp, sgp = active()
    asp.association.leave()
    sgp.association.take(*asp.sent[-1])
    asp.association.take(*sgp.sent[-1])
    assert (asp.association.state, sgp.association.state) == (State.INACTIVE, State.INACTIVE)
    asp.association.join()
    sgp.association.take(*asp.sent[-1])
    asp.association.take(*sgp.sent[-2])
    assert (asp.association.state, sgp.association.state) == (State.ACTIVE, State.ACTIVE)


def test_destinations_are_announced_and_an_audit_is_answered() -> None:
    asp, sgp = active()
    sgp.association.announce(MessageType.DUNA, 0x020D1A)
    asp.association.take(*sgp.sent[-1])
    assert asp.association.unavailable == {0x020D1A}
    audit = encode_m3ua(M3uaMessage(MessageType.DAUD, (Parameter(Tag.AFFECTED_POINT_CODE, b"\0\x02\x0d\x1a"),)))
    sgp.association.take(0, audit)
    assert sgp.names()[-1] == "DUNA"
    sgp.association.announce(MessageType.DAVA, 0x020D1A)
    asp.association.take(*sgp.sent[-1])
    assert asp.association.unavailable == set()
    sgp.association.announce(MessageType.SCON, 0x020D1A, level=2)
    assert decode_m3ua(sgp.sent[-1][1]).integer(Tag.CONGESTION_INDICATIONS) == 2


def test_a_heartbeat_comes_back_with_its_data_and_a_routing_key_gets_a_context() -> None:
    _, sgp = active()
    sgp.association.take(0, encode_m3ua(M3uaMessage(MessageType.BEAT, (Parameter(Tag.HEARTBEAT_DATA, b"tick"),))))
    assert decode_m3ua(sgp.sent[-1][1]) == M3uaMessage(MessageType.BEAT_ACK, (Parameter(Tag.HEARTBEAT_DATA, b"tick"),))
    key = Parameter(Tag.ROUTING_KEY, b"\x02\x0a\x00\x08\x00\x00\x00\x05")
    sgp.association.take(0, encode_m3ua(M3uaMessage(MessageType.REG_REQ, (key,))))
    assert sgp.names()[-1] == "REG_RSP"
    assert sgp.association.routing_context == 100


def test_what_cannot_be_read_is_answered_with_err_and_kept_as_a_fault() -> None:
    _, sgp = active()
    sgp.association.take(0, b"\x01\x00\x03\x01\x00\x00\x00\xff")
    assert sgp.names()[-1] == "ERR"
    assert len(sgp.association.faults) == 1
