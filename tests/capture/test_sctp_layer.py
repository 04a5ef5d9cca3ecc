"""SCTP: what its user was handed comes out once, in its order, whole, and with the place of each of its bytes."""

from __future__ import annotations

from struct import pack

import pytest
from capture_bytes import LEFT, RIGHT, ipv4, pcap, read_all, read_ss7, udp
from hypothesis import given
from hypothesis import strategies as st
from ss7_bytes import (
    ANSI_IAM,
    FIRST,
    HERE,
    LAST,
    THERE,
    UNORDERED,
    data_chunk,
    i_data_chunk,
    m3ua,
    sctp,
    sctp_capture,
)

from gateway.capture.faults import CaptureLimits, FaultKind
from gateway.capture.sctp import NO_DATA, REPEATED
from gateway.codecs.ss7.variant import Variant


def iam(cic: int) -> bytes:
    return cic.to_bytes(2, "little") + ANSI_IAM[2:]


def cics(capture: bytes, limits: CaptureLimits | None = None) -> list[int]:
    return [int.from_bytes(unit.transfer.data[:2], "little") for unit in read_ss7(capture, limits)[1]]


def test_a_message_is_found_with_its_label_and_its_place() -> None:
    capture = sctp_capture(sctp(data_chunk(m3ua())))
    reader, (unit,), unread = read_ss7(capture)
    assert (unit.transfer.opc, unit.transfer.dpc, unit.transfer.data) == (HERE, THERE, ANSI_IAM)
    assert (unit.source, unit.destination) == ((LEFT, 2905), (RIGHT, 2905))
    assert (unit.frame, unit.variant, unread) == (1, Variant.ANSI, [])
    assert capture[unit.offset : unit.offset + len(ANSI_IAM)] == ANSI_IAM
    assert not reader.faults
    assert not reader.other


def test_chunks_of_one_packet_are_messages_of_their_own() -> None:
    packet = sctp(
        pack(">BBHI", 3, 0, 16, 0) + bytes(8),
        *(data_chunk(m3ua(iam(cic)), cic, sequence=cic) for cic in range(5)),
    )
    assert cics(sctp_capture(packet)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("first_tsn", [10, 0xFFFFFFFF])
def test_fragments_are_put_together_by_their_tsn_in_any_order(order: tuple[int, ...], first_tsn: int) -> None:
    whole, flags = m3ua(), (FIRST, 0, LAST)
    packets = [
        sctp(data_chunk(whole[place * 30 : place * 30 + 30], (first_tsn + place) % 2**32, flags=flags[place]))
        for place in range(3)
    ]
    reader, (unit,), _ = read_ss7(sctp_capture(*(packets[place] for place in order)))
    assert unit.transfer.data == ANSI_IAM
    assert unit.frame == 3
    assert not reader.faults


def test_interleaved_fragments_of_two_messages_are_told_apart() -> None:
    one, other = m3ua(iam(1)), m3ua(iam(2))
    packet = sctp(
        i_data_chunk(one[:40], 1, 0, flags=FIRST),
        i_data_chunk(other[:40], 2, 1, flags=FIRST),
        i_data_chunk(one[40:], 3, 0, fragment=1, flags=LAST),
        i_data_chunk(other[40:], 4, 1, fragment=1, flags=LAST),
    )
    assert cics(sctp_capture(packet)) == [1, 2]


def test_what_is_sent_again_is_read_once() -> None:
    packet = sctp(data_chunk(m3ua(), 5))
    reader, units, _ = read_ss7(sctp_capture(packet, packet, packet))
    assert len(units) == 1
    assert dict(reader.other) == {REPEATED: 2}


def test_a_chunk_with_a_known_number_and_other_bytes_is_reported_and_the_first_one_taken() -> None:
    reader, units, _ = read_ss7(
        sctp_capture(sctp(data_chunk(m3ua(iam(1)), 5)), sctp(data_chunk(m3ua(iam(2)), 5, sequence=1)))
    )
    assert [unit.transfer.data for unit in units] == [iam(1)]
    assert [(fault.kind, fault.frame) for fault in reader.faults] == [(FaultKind.OVERLAPPING_FRAGMENTS, 2)]


def test_a_number_is_new_again_when_an_association_begins_anew() -> None:
    packet = sctp(data_chunk(m3ua(), 5))
    init = pack(">HHII", 2905, 2905, 0, 0) + pack(">BBHI", 1, 0, 20, 7) + bytes(12)
    assert len(cics(sctp_capture(packet, init, packet))) == 2


def test_messages_of_a_stream_are_handed_on_in_its_order_at_the_time_of_what_they_waited_for() -> None:
    packets = [sctp(data_chunk(m3ua(iam(place)), place, sequence=place)) for place in range(4)]
    capture = sctp_capture(packets[0], packets[3], packets[2], packets[1])
    _, units, _ = read_ss7(capture)
    assert [int.from_bytes(unit.transfer.data[:2], "little") for unit in units] == [0, 1, 2, 3]
    assert [unit.frame for unit in units] == [1, 4, 3, 2]
    assert [unit.at_us // 1_000_000 for unit in units] == [1, 4, 4, 4]


@pytest.mark.parametrize(("stream", "flags"), [(2, 3), (1, 3 | UNORDERED)])
def test_another_stream_and_an_unordered_message_wait_for_nothing(stream: int, flags: int) -> None:
    packets = [
        sctp(data_chunk(m3ua(iam(0)), 0)),
        sctp(data_chunk(m3ua(iam(2)), 2, sequence=2)),
        sctp(data_chunk(m3ua(iam(3)), 3, stream=stream, flags=flags)),
        sctp(data_chunk(m3ua(iam(1)), 1, sequence=1)),
    ]
    assert cics(sctp_capture(*packets)) == [0, 3, 1, 2]


def test_messages_wait_no_longer_than_the_bound_for_one_that_was_not_captured() -> None:
    packets = [sctp(data_chunk(m3ua(iam(place)), place, sequence=place)) for place in (0, 2, 3)]
    later = [sctp(data_chunk(m3ua(iam(9)), 9, stream=5))] * 1
    limits = CaptureLimits(order_timeout_us=1_500_000)
    reader, units, _ = read_ss7(sctp_capture(*packets, *later), limits)
    assert [int.from_bytes(unit.transfer.data[:2], "little") for unit in units] == [0, 2, 3, 9]
    (fault,) = reader.faults
    assert (fault.kind, fault.what) == (
        FaultKind.INCOMPLETE_DATAGRAM,
        "1 SCTP messages before this one on stream 1 are not there, 1 s are over",
    )


def test_what_still_waits_at_the_end_of_the_capture_is_read_all_the_same() -> None:
    packets = [sctp(data_chunk(m3ua(iam(place)), place, sequence=place)) for place in (0, 2, 4)]
    assert cics(sctp_capture(*packets)) == [0, 2, 4]


def test_no_more_messages_wait_than_the_bound_allows() -> None:
    packets = [sctp(data_chunk(m3ua(iam(place)), place, sequence=place)) for place in (0, *range(2, 20))]
    assert cics(sctp_capture(*packets), CaptureLimits(held=4)) == [0, *range(2, 20)]


def test_fragments_without_the_others_are_reported_and_forgotten() -> None:
    limits = CaptureLimits(reassembly_timeout_us=1_000_000)
    packets = [sctp(data_chunk(m3ua()[:40], tsn, flags=FIRST)) for tsn in (1, 10, 20, 30)]
    reader, units, _ = read_ss7(sctp_capture(*packets), limits)
    assert units == []
    assert reader.fault_counts == {FaultKind.INCOMPLETE_DATAGRAM: 4}


def test_a_multi_homed_association_is_one_whatever_address_it_uses() -> None:
    packets = [sctp(data_chunk(m3ua(iam(place)), place, sequence=place)) for place in (0, 1, 1)]
    frames = [ipv4(packet, protocol=132) for packet in packets]
    frames[2] = frames[2].replace(bytes([10, 0, 0, 2]), bytes([10, 9, 0, 2]))
    reader, units, _ = read_ss7(pcap(frames, link_type=101))
    assert len(units) == 2
    assert dict(reader.other) == {REPEATED: 1}


def test_two_directions_with_one_tag_and_one_port_are_told_apart_by_their_addresses() -> None:
    one, other = (
        ipv4(sctp(data_chunk(m3ua(iam(1)), 5)), protocol=132),
        ipv4(sctp(data_chunk(m3ua(iam(2)), 5)), protocol=132),
    )
    left, right = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
    back = other.replace(left + right, right + left)
    assert cics(pcap([one, back], link_type=101)) == [1, 2]


def test_both_ends_may_be_on_one_host() -> None:
    whole = m3ua()
    left, right = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
    packets = [sctp(data_chunk(whole[:40], 1, flags=FIRST)), sctp(data_chunk(whole[40:], 2, flags=LAST))]
    frames = [ipv4(packet, protocol=132).replace(right, left) for packet in (*packets, packets[0])]
    reader, units, _ = read_ss7(pcap(frames, link_type=101))
    assert [unit.transfer.data for unit in units] == [ANSI_IAM]
    assert dict(reader.other) == {REPEATED: 1}
    assert not reader.faults


def test_sctp_in_udp_is_read_alike() -> None:
    datagram = udp(sctp(data_chunk(m3ua())))
    reader, (unit,), _ = read_ss7(pcap([ipv4(pack(">HH", 9899, 9899) + datagram[4:])], link_type=101))
    assert (unit.source, unit.transfer.data) == ((LEFT, 2905), ANSI_IAM)
    assert not reader.faults


def test_a_datagram_on_that_port_that_is_no_sctp_stays_a_datagram() -> None:
    datagram = udp(b"OPTIONS sip:a@b SIP/2.0\r\n\r\n")
    _, found = read_all(pcap([ipv4(pack(">HH", 9899, 9899) + datagram[4:])], link_type=101))
    assert [type(one).__name__ for one in found] == ["Datagram"]


def test_control_chunks_are_counted() -> None:
    reader, units, _ = read_ss7(sctp_capture(sctp(pack(">BBHI", 4, 0, 8, 1) + bytes(4))))
    assert units == []
    assert dict(reader.other) == {NO_DATA: 1}


@pytest.mark.parametrize(
    ("packet", "kind", "what"),
    [
        (b"\x0b\x59\x0b", FaultKind.BAD_LENGTH, "3 of the 12 bytes of an SCTP header"),
        (sctp(b"\0\x03\0\x03"), FaultKind.BAD_LENGTH, "an SCTP chunk of 3 bytes, with 4 left in its packet"),
        (
            sctp(b"\0\x03\0\x40" + bytes(12)),
            FaultKind.BAD_LENGTH,
            "an SCTP chunk of 64 bytes, with 16 left in its packet",
        ),
        (
            sctp(data_chunk(b"")),
            FaultKind.BAD_LENGTH,
            "a DATA chunk of 16 bytes, without user data (RFC 9260 section 6.2)",
        ),
        (sctp(b"\0\x03"), FaultKind.BAD_LENGTH, "2 bytes where an SCTP chunk begins"),
    ],
)
def test_what_is_no_sctp_is_reported_with_its_place(packet: bytes, kind: FaultKind, what: str) -> None:
    reader, units, _ = read_ss7(sctp_capture(packet))
    assert units == []
    (fault,) = reader.faults
    assert (fault.kind, fault.what, fault.frame) == (kind, what, 1)


CHUNKS = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.builds(
            data_chunk,
            st.sampled_from([m3ua(), m3ua()[:20], b"", b"\x01"]),
            st.integers(0, 6),
            stream=st.integers(0, 2),
            sequence=st.integers(0, 4),
            flags=st.integers(0, 7),
            protocol=st.sampled_from([0, 2, 3, 5, 0x03000000, 99]),
        ),
        st.builds(i_data_chunk, st.binary(max_size=40), st.integers(0, 6), st.integers(0, 2), flags=st.integers(0, 7)),
    ),
    max_size=8,
)


@given(st.lists(CHUNKS, max_size=6))
def test_whatever_the_chunks_are_nothing_is_raised_and_every_byte_has_its_place(packets: list[list[bytes]]) -> None:
    limits = CaptureLimits(held=3, fragments=4, chunks_remembered=4, streams=2, flows=1, reassembly_bytes=64)
    read_ss7(sctp_capture(*(sctp(*chunks) for chunks in packets)), limits)
