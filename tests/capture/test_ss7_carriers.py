"""What else carries SS7: M3UA on TCP, M2UA, M2PA, and the signalling links themselves; and which edition it is of."""

from __future__ import annotations

from io import BytesIO
from struct import pack

import pytest
from capture_bytes import LEFT, RIGHT, pcap, read_all, read_ss7
from hypothesis import given
from hypothesis import strategies as st
from ss7_bytes import ANSI_IAM, HERE, THERE, data_chunk, m3ua, sctp, sctp_capture, tcp, tcp_capture, transfer

from gateway.capture.faults import CaptureLimits, FaultKind
from gateway.capture.msu import LinkMessage
from gateway.capture.reader import CaptureReader
from gateway.codecs.ss7.m3ua import M3uaMessage, MessageType, encode_m3ua
from gateway.codecs.ss7.mtp3 import Mtp3Transfer, encode_mtp3
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Address

ANSI, ITU = Variant.ANSI, Variant.ITU
ITU_IAM = bytes.fromhex(
    "d500010060010a00020a0804104402976400000a088415212155153204c0090684102121559599091d038090a33d011400"
)
"""CIC 213, a restricted calling number, a generic number."""
ITU_ANM = bytes.fromhex("d5000900")
ITU_RLC = bytes.fromhex("d5001000")
ANSI_RLC = bytes.fromhex("292310")
ITU_TRANSFER = Mtp3Transfer(1_000, 2_100, 5, 2, 0, 9, ITU_IAM)
ANSI_UNIT = encode_mtp3(transfer(ANSI_IAM), ANSI)
ITU_UNIT = encode_mtp3(ITU_TRANSFER, ITU)


def mtp2(unit: bytes) -> bytes:
    """A signal unit with its check bits (Q.703 section 4.2)."""
    frame = bytes((0x80, 0x81, min(len(unit), 63))) + unit
    check = 0xFFFF
    for octet in frame:
        check ^= octet
        for _ in range(8):
            check = check >> 1 ^ (0x8408 if check & 1 else 0)
    return frame + (check ^ 0xFFFF).to_bytes(2, "little")


def m2ua(unit: bytes) -> bytes:
    parameters = pack(">HHI", 1, 8, 0) + pack(">HH", 0x0300, 4 + len(unit)) + unit + bytes(-len(unit) % 4)
    return pack(">BBBBI", 1, 0, 6, 1, 8 + len(parameters)) + parameters


def m2pa(unit: bytes) -> bytes:
    return pack(">BBBBIII", 1, 0, 11, 1, 17 + len(unit), 0, 1) + b"\0" + unit


# -- signalling links -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unit", "expected"), [(ANSI_UNIT, transfer(ANSI_IAM)), (ITU_UNIT, ITU_TRANSFER)])
@pytest.mark.parametrize("carrier", ["139", "140", "141", "M2UA", "M2PA", "M2UA by port", "M2PA by port"])
def test_a_message_is_found_on_every_carrier_whatever_its_edition(
    unit: bytes, expected: Mtp3Transfer, carrier: str
) -> None:
    captures = {
        "139": pcap([b"\0\0\0\x01" + mtp2(unit)], link_type=139),
        "140": pcap([mtp2(unit)], link_type=140),
        "141": pcap([unit], link_type=141),
        "M2UA": sctp_capture(sctp(data_chunk(m2ua(unit), protocol=2))),
        "M2PA": sctp_capture(sctp(data_chunk(m2pa(unit), protocol=5))),
        "M2UA by port": sctp_capture(sctp(data_chunk(m2ua(unit), protocol=0), ports=(4_711, 2904))),
        "M2PA by port": sctp_capture(sctp(data_chunk(m2pa(unit), protocol=0), ports=(3565, 4_711))),
    }
    reader, (found,), unread = read_ss7(captures[carrier])
    assert found.transfer == expected
    assert found.variant is (ANSI if expected.opc == HERE else ITU)
    assert dict(reader.variants) == {found.variant: 1}
    assert not unread
    assert not reader.faults


def test_fill_in_and_link_status_signal_units_are_counted() -> None:
    reader, units, _ = read_ss7(pcap([b"\x80\x80\x00\x12\x34", b"\x80\x80\x01\x03\x12\x34"], link_type=140))
    assert units == []
    assert dict(reader.other) == {"MTP2 fill-in and link status signal units": 2}


def test_a_signal_unit_that_was_not_captured_whole_is_unread() -> None:
    frame = mtp2(ITU_UNIT)
    capture = pcap([], link_type=140) + pack("<IIII", 1, 5, 20, len(frame)) + frame[:20]
    _, units, (unread,) = read_ss7(capture)
    assert units == []
    assert unread.what == "the capture holds only the beginning of the signal unit"


# -- editions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("link_type", [141, "m3ua"])
@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([ITU_IAM, ITU_RLC], [ITU, ITU]),
        ([ITU_RLC, ITU_ANM, ITU_IAM], [ITU, ITU, ITU]),
        ([ANSI_RLC, ANSI_IAM, ANSI_RLC], [ANSI, ANSI, ANSI]),
    ],
)
def test_the_edition_is_told_also_before_the_first_iam(
    messages: list[bytes], expected: list[Variant], link_type: int | str
) -> None:
    ansi = expected[0] is ANSI
    ends = (HERE, THERE) if ansi else (1_000, 2_100)
    if link_type == 141:
        units = [encode_mtp3(transfer(data, *ends), expected[0]) for data in messages]
        capture = pcap(units, link_type=141)
    else:
        chunks = [data_chunk(m3ua(data, *ends), place, sequence=place) for place, data in enumerate(messages)]
        capture = sctp_capture(sctp(*chunks))
    _, found, _ = read_ss7(capture)
    assert [unit.variant for unit in found] == expected
    assert [unit.transfer.data for unit in found] == messages


def test_one_odd_iam_does_not_turn_the_edition_of_its_network() -> None:
    """Else whoever sends one has the messages of others read wrongly: a CIC of 14 bits as one of 12."""
    odd = ITU_IAM
    messages = [ANSI_IAM, ANSI_IAM, odd, odd[:3], ANSI_RLC, b"\x29\x23\x0c\x02\x00\x02\x82\x90"]
    chunks = [data_chunk(m3ua(data, 1_000, 2_100), place, sequence=place) for place, data in enumerate(messages)]
    _, found, _ = read_ss7(sctp_capture(sctp(*chunks)))
    assert [unit.variant for unit in found] == [ANSI, ANSI, ITU, ITU, ANSI, ANSI]


def test_what_the_operator_says_is_not_put_in_question() -> None:
    _, (found,), _ = read_ss7(pcap([ITU_UNIT], link_type=141), variant=ANSI)
    assert found.variant is ANSI
    assert found.transfer.opc != ITU_TRANSFER.opc


# -- M3UA -------------------------------------------------------------------------------------------------------------


def test_m3ua_that_is_no_data_is_counted_by_its_type() -> None:
    messages = [encode_m3ua(M3uaMessage(kind)) for kind in (MessageType.ASPUP, MessageType.BEAT, 0x7777)]
    chunks = [data_chunk(message, place, sequence=place) for place, message in enumerate(messages)]
    reader, units, _ = read_ss7(sctp_capture(sctp(*chunks)))
    assert units == []
    assert dict(reader.other) == {"M3UA ASPUP": 1, "M3UA BEAT": 1, "M3UA message 0x7777": 1}


def test_m3ua_that_is_no_data_is_given_whole_with_its_association() -> None:
    message = encode_m3ua(M3uaMessage(MessageType.ASPUP))
    _, (found,) = read_all(sctp_capture(sctp(data_chunk(message))))
    assert isinstance(found, LinkMessage)
    assert (found.source, found.destination, found.message) == ((LEFT, 2905), (RIGHT, 2905), message)


@pytest.mark.parametrize("kind", [6, 7])
def test_the_end_of_an_association_is_told(kind: int) -> None:
    _, (found,) = read_all(sctp_capture(sctp(bytes((kind, 0, 0, 4)))))
    assert isinstance(found, LinkMessage)
    assert (found.source, found.destination, found.message) == ((LEFT, 2905), (RIGHT, 2905), b"")


@pytest.mark.parametrize("protocol", [3, 0x03000000, 0])
def test_m3ua_is_known_by_its_protocol_identifier_in_either_byte_order_or_by_its_port(protocol: int) -> None:
    _, units, _ = read_ss7(sctp_capture(sctp(data_chunk(m3ua(), protocol=protocol))))
    assert len(units) == 1


def test_another_user_of_sctp_is_counted() -> None:
    reader, units, _ = read_ss7(sctp_capture(sctp(data_chunk(b"hello", protocol=46))))
    assert units == []
    assert dict(reader.other) == {"SCTP payload protocol 46": 1}


def test_m3ua_that_cannot_be_read_is_given_with_the_byte_that_is_wrong() -> None:
    message = bytearray(m3ua())
    message[0] = 9
    capture = sctp_capture(sctp(data_chunk(bytes(message))))
    _, units, (unread,) = read_ss7(capture)
    assert units == []
    assert unread.what == "version 9 of M3UA, not 1"
    assert capture[unread.offset] == 9


# -- TCP --------------------------------------------------------------------------------------------------------------


def stream(count: int) -> bytes:
    return b"".join(m3ua(number.to_bytes(2, "little") + ANSI_IAM[2:]) for number in range(count))


def cics(capture: bytes, limits: CaptureLimits | None = None) -> list[int]:
    return [int.from_bytes(unit.transfer.data[:2], "little") for unit in read_ss7(capture, limits)[1]]


@pytest.mark.parametrize("size", [1, 7, 100, 1_000])
@pytest.mark.parametrize("first", [1_000, 2**32 - 50])
def test_m3ua_on_tcp_is_cut_by_its_own_lengths_wherever_the_segments_end(size: int, first: int) -> None:
    data = stream(3)
    segments = [tcp(data[at : at + size], (first + at) % 2**32) for at in range(0, len(data), size)]
    assert cics(tcp_capture([tcp(b"", first - 1, flags=2), *segments])) == [0, 1, 2]


@given(st.data())
def test_segments_may_overtake_each_other_overlap_and_come_twice(data: st.DataObject) -> None:
    whole = stream(3)
    cuts = sorted({0, *data.draw(st.lists(st.integers(1, len(whole) - 1), max_size=8))})
    spans = list(zip(cuts, [*cuts[1:], len(whole)], strict=True))
    wider = [(start, min(end + data.draw(st.integers(0, 40)), len(whole))) for start, end in spans]
    order = data.draw(st.permutations(wider + wider[:2]))
    segments = [tcp(whole[start:end], 5_000 + start) for start, end in order]
    assert cics(tcp_capture([tcp(b"", 4_999, flags=2), *segments])) == [0, 1, 2]


def test_bytes_that_were_not_captured_are_reported_and_the_stream_is_read_on_behind_them() -> None:
    data = stream(4)
    size = len(data) // 4
    segments = [tcp(data[at * size : at * size + size], 1 + at * size) for at in (0, 2, 3)]
    reader, units, _ = read_ss7(tcp_capture([tcp(b"", 0, flags=2), *segments]))
    assert [unit.transfer.data[0] for unit in units] == [0, 2, 3]
    (fault,) = reader.faults
    assert fault.kind is FaultKind.INCOMPLETE_DATAGRAM
    assert fault.what.startswith(f"{size} bytes of a TCP connection before this segment are not there")


def test_a_stream_that_cannot_be_cut_is_taken_up_again_at_a_later_segment() -> None:
    data = stream(2)
    half = len(data) // 2
    segments = [tcp(data[5:half], 6), tcp(data[half:], 1 + half)]
    _, units, unread = read_ss7(tcp_capture(segments))
    assert [unit.transfer.data[0] for unit in units] == [1]
    assert len(unread) == 1


OTHER_DATA = b"\x16\x03\x01\x02\x00\x01\x00\x01"


def test_m3ua_on_any_port_of_tcp_is_known_by_its_header_from_then_on() -> None:
    ports = (40_000, 14_001)
    whole = m3ua()
    segments = [
        tcp(OTHER_DATA, 1, ports=ports),
        tcp(whole, 9, ports=ports),
        tcp(whole[:20], 9 + len(whole), ports=ports),
        tcp(whole[20:], 29 + len(whole), ports=ports),
    ]
    reader, units, unread = read_ss7(tcp_capture(segments))
    assert (len(units), unread, dict(reader.other)) == (2, [], {"TCP": 1})


@pytest.mark.parametrize(
    "header",
    ["0200010100000010", "0101010100000010", "0100070100000010", "0100010900000010", "0100010100000004"],
)
def test_what_only_resembles_a_header_of_m3ua_is_none(header: str) -> None:
    data = bytes.fromhex(header) + bytes(8)
    reader, found = read_all(tcp_capture([tcp(data, 1, ports=(40_000, 14_001))]))
    assert found == []
    assert dict(reader.other) == {"TCP": 1}


@pytest.mark.parametrize("address", [None, 0, 1])
def test_m3ua_on_tcp_is_taken_at_the_addresses_of_links_from_the_first_byte_on(address: int | None) -> None:
    ports = (40_000, 14_001)
    segments = [tcp(m3ua()[:5], 1, ports=ports), tcp(m3ua()[5:], 6, ports=ports)]
    capture = tcp_capture(segments)
    (source, destination) = read_ss7(tcp_capture([tcp(m3ua(), 1, ports=ports)]))[1][0][1:3]
    assert source is not None
    assert destination is not None
    known = frozenset([(source, destination)[address]]) if address is not None else frozenset[Address]()
    found = list(CaptureReader(BytesIO(capture), "x.pcap", m3ua_addresses=known))
    assert len(found) == (address is not None)


def test_other_ports_of_tcp_are_counted_as_before() -> None:
    reader, found = read_all(tcp_capture([tcp(OTHER_DATA + m3ua(), 1, ports=(40_000, 443))]))
    assert found == []
    assert dict(reader.other) == {"TCP": 1}


@given(
    st.lists(
        st.tuples(st.binary(max_size=30), st.integers(0, 60), st.sampled_from([0x10, 0x11, 0x02, 0x04])), max_size=20
    )
)
def test_whatever_the_segments_are_nothing_is_raised(segments: list[tuple[bytes, int, int]]) -> None:
    limits = CaptureLimits(held=3, flows=1)
    read_ss7(tcp_capture(tcp(data, sequence, flags=flags) for data, sequence, flags in segments), limits)


@given(st.binary(max_size=80), st.sampled_from([139, 140, 141]), st.sampled_from([None, ANSI, ITU]))
def test_whatever_a_signalling_link_carries_nothing_is_raised(
    noise: bytes, link_type: int, variant: Variant | None
) -> None:
    read_ss7(pcap([noise, mtp2(noise)], link_type=link_type), variant=variant)


@given(st.binary(max_size=200), st.sampled_from([2, 3, 5]))
def test_whatever_an_adaptation_layer_carries_nothing_is_raised(noise: bytes, protocol: int) -> None:
    header = pack(">BBBBI", 1, 0, {2: 6, 3: 1, 5: 11}[protocol], 1, 8 + len(noise))
    for payload in (noise, header + noise):
        if payload:
            read_ss7(sctp_capture(sctp(data_chunk(payload, protocol=protocol))))
