"""Link, IP and UDP layers: whatever carries a datagram, it is found; whatever is not one is named and counted."""

from __future__ import annotations

from struct import pack

import pytest
from capture_bytes import (
    COOKED,
    COOKED_2,
    ETHERNET,
    INVITE,
    LOOP,
    NULL,
    RAW,
    cut_frame,
    ethernet,
    ipv4,
    ipv6,
    payloads,
    pcap,
    read,
    read_all,
    udp,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.capture.faults import CaptureLimits, FaultKind
from gateway.capture.links import LINKS

FOUR, SIX = ipv4(udp()), ipv6(udp())


def _vlan(payload: bytes, ether_type: int) -> bytes:
    return pack(">HH", 5, ether_type) + payload


@pytest.mark.parametrize(
    ("link_type", "frame"),
    [
        (ETHERNET, ethernet(FOUR)),
        (ETHERNET, ethernet(SIX, 0x86DD)),
        (ETHERNET, ethernet(FOUR + b"\0" * 9)),  # padding, or a frame check sequence
        (ETHERNET, ethernet(SIX + b"\0" * 9, 0x86DD)),
        (ETHERNET, ethernet(_vlan(FOUR, 0x0800), 0x8100)),
        (ETHERNET, ethernet(_vlan(_vlan(SIX, 0x86DD), 0x8100), 0x88A8)),
        (ETHERNET, ethernet(b"\0\x01\x00\x40" + b"\0\x02\x01\x40" + FOUR, 0x8847)),
        (ETHERNET, ethernet(b"\x11\0\0\x01\0\x99\0\x21" + FOUR, 0x8864)),
        (ETHERNET, ethernet(b"\xaa\xaa\x03\0\0\0\x08\0" + FOUR, 8 + len(FOUR))),
        (RAW, FOUR),
        (RAW, SIX),
        (12, FOUR),
        (14, SIX),
        (228, FOUR),
        (229, SIX),
        (NULL, pack("<I", 2) + FOUR),
        (NULL, pack(">I", 2) + FOUR),
        (NULL, pack("<I", 30) + SIX),
        (NULL, pack("<I", 24) + SIX),
        (LOOP, pack(">I", 28) + SIX),
        (COOKED, pack(">HHH8sH", 0, 1, 6, bytes(8), 0x0800) + FOUR),
        (COOKED, pack(">HHH8sH", 0, 1, 6, bytes(8), 0x8100) + _vlan(SIX, 0x86DD)),
        (COOKED_2, pack(">HHIHBB8s", 0x86DD, 0, 1, 1, 0, 6, bytes(8)) + SIX),
    ],
)
def test_a_datagram_is_found_under_every_link_layer(link_type: int, frame: bytes) -> None:
    reader, (datagram,) = read(pcap([frame], link_type=link_type))
    assert datagram.payload == INVITE
    assert datagram.source in (("10.0.0.1", 5060), ("2001:db8::1", 5060))
    assert not reader.faults
    assert not reader.other


@pytest.mark.parametrize(
    ("link_type", "frame", "kind"),
    [
        (ETHERNET, ethernet(bytes(28), 0x0806), "ARP"),
        (ETHERNET, ethernet(bytes(28), 0x22F0), "EtherType 0x22f0"),
        (ETHERNET, ethernet(bytes(28), 28), "IEEE 802.3 LLC"),
        (ETHERNET, ethernet(bytes(8), 0x8847), "frames shorter than their link header"),
        (ETHERNET, ethernet(b"\0\x01\x01\x40\0\0\0\0", 0x8847), "network protocol other than IP"),
        (ETHERNET, ethernet(_vlan(b"", 0x8100) * 20, 0x8100), "frames with too many VLAN tags or MPLS labels"),
        (ETHERNET, b"\0" * 9, "frames shorter than their link header"),
        (ETHERNET, ethernet(ipv4(bytes(20), protocol=6)), "TCP"),
        (ETHERNET, ethernet(ipv4(bytes(20), protocol=47)), "GRE"),
        (ETHERNET, ethernet(ipv6(bytes(20), next_header=58), 0x86DD), "ICMPv6"),
        (RAW, ipv4(b"", protocol=200), "IP protocol 200"),
        (NULL, pack("<I", 7) + FOUR, "network protocol other than IP"),
        (COOKED, pack(">HHH8sH", 0, 824, 6, bytes(8), 0x0800) + FOUR, "Linux cooked device without EtherTypes"),
    ],
)
def test_sound_traffic_that_is_no_datagram_is_counted_by_kind_and_is_no_fault(
    link_type: int, frame: bytes, kind: str
) -> None:
    reader, datagrams = read(pcap([frame], link_type=link_type))
    assert datagrams == []
    assert dict(reader.other) == {kind: 1}
    assert not reader.faults


def test_a_link_type_that_is_not_read_is_named_once_and_all_its_frames_are_counted() -> None:
    reader, datagrams = read(pcap([b"\x11\x22\x33"] * 3, link_type=142))
    assert (datagrams, reader.packets) == ([], 3)
    assert dict(reader.other) == {"link type 142 (SS7 SCCP)": 3}
    assert [fault.kind for fault in reader.faults] == [FaultKind.UNKNOWN_LINK]


def test_kinds_of_skipped_traffic_beyond_the_limit_are_counted_together() -> None:
    frames = [ethernet(b"", 0x7000 + number) for number in range(9)]
    reader, _ = read(pcap(frames), CaptureLimits(kinds=4))
    assert reader.other["other kinds"] == 5
    assert reader.other.total() == 9


EXTENSION = b"\x11\x00" + bytes(6)


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(udp(), options=bytes([1] * 8)),
        ipv4(udp(), total=0),  # left so by segmentation offload
        ipv6(udp(), length=0),
        ipv6(EXTENSION + udp(), next_header=0),
        ipv6(b"\x2b\x00" + bytes(6) + b"\x3c\x00" + bytes(6) + EXTENSION + udp(), next_header=0),
        ipv6(b"\x11\x04" + bytes(22) + udp(), next_header=51),
        ipv6(b"\x11\x00" + bytes(6) + udp(), next_header=44),  # atomic fragment
        ipv6(b"\x3c\x00" + bytes(6) + EXTENSION + udp(), next_header=44),
    ],
)
def test_options_and_extension_headers_are_stepped_over(packet: bytes) -> None:
    assert payloads(pcap([packet], link_type=RAW)) == [INVITE]


@pytest.mark.parametrize(
    ("packet", "kind"),
    [
        (b"\x44" + FOUR[1:], FaultKind.BAD_HEADER),
        (ipv4(udp(), total=19), FaultKind.BAD_HEADER),
        (FOUR[:19], FaultKind.BAD_LENGTH),
        (b"\x4f" + FOUR[1:30], FaultKind.BAD_LENGTH),
        (SIX[:39], FaultKind.BAD_LENGTH),
        (ipv6(b"\x11\xff" + bytes(6), next_header=0), FaultKind.BAD_HEADER),
        (ipv6(b"\x11", next_header=60), FaultKind.BAD_HEADER),
        (ipv6((b"\x3c\x00" + bytes(6)) * 20 + udp(), next_header=60), FaultKind.BAD_HEADER),
        (ipv6(b"\x11\x00\x00", next_header=44), FaultKind.BAD_LENGTH),
        (ipv6(b"\x2c\x00" + bytes(6) + b"\x11\x00" + bytes(6) + udp(), next_header=44), FaultKind.BAD_HEADER),
        (ipv4(b"\0\x01\0\x02"), FaultKind.BAD_LENGTH),
        (ipv4(udp(length=7)), FaultKind.BAD_LENGTH),
    ],
)
def test_a_header_that_contradicts_its_packet_loses_that_packet_alone(packet: bytes, kind: FaultKind) -> None:
    reader, datagrams = read(pcap([packet, FOUR], link_type=RAW))
    assert [datagram.frame for datagram in datagrams] == [2]
    assert [fault.kind for fault in reader.faults] == [kind]
    assert reader.faults[0].frame == 1


@pytest.mark.parametrize("link_type", [228, 229])
def test_an_ip_version_that_the_link_type_excludes_is_a_bad_header(link_type: int) -> None:
    reader, _ = read(pcap([SIX if link_type == 228 else FOUR + bytes(20)], link_type=link_type))
    assert set(reader.fault_counts) == {FaultKind.BAD_HEADER}


def test_bytes_behind_the_udp_length_are_not_payload() -> None:
    assert payloads(pcap([ipv4(udp() + b"trailer")], link_type=RAW)) == [INVITE]


@pytest.mark.parametrize("packet", [ipv4(udp(length=80)), ipv6(udp(length=80))])
def test_padding_is_never_taken_for_payload_even_where_the_udp_length_reaches_into_it(packet: bytes) -> None:
    ether_type = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    reader, (datagram,) = read(pcap([ethernet(packet + b"P" * 40, ether_type)]))
    assert (datagram.payload, datagram.truncated) == (INVITE, True)
    assert set(reader.fault_counts) == {FaultKind.BAD_LENGTH}


def test_a_udp_length_of_zero_is_a_jumbograms_and_the_packet_bounds_it() -> None:
    assert payloads(pcap([ipv6(udp(length=0))], link_type=RAW)) == [INVITE]


def test_an_empty_datagram_is_a_datagram() -> None:
    assert payloads(pcap([ipv4(udp(b""))], link_type=RAW)) == [b""]


@pytest.mark.parametrize("network", [ethernet(FOUR), ethernet(SIX, 0x86DD)])
def test_a_frame_cut_at_any_byte_gives_what_is_there_of_the_payload_and_says_that_it_is_cut(network: bytes) -> None:
    headers = len(network) - len(INVITE)
    for captured in range(len(network)):
        reader, datagrams = read(cut_frame(network, captured))
        assert [(datagram.payload, datagram.truncated) for datagram in datagrams] == (
            [(INVITE[: captured - headers], True)] if captured >= headers else []
        )
        assert set(reader.fault_counts) == {FaultKind.CUT_SHORT}


@pytest.mark.parametrize("packet", [ipv4(udp(length=480), total=500), ipv4(udp(length=500)), ipv6(udp(length=500))])
def test_a_length_that_claims_more_than_was_sent_marks_the_datagram_as_truncated(packet: bytes) -> None:
    reader, (datagram,) = read(pcap([packet], link_type=RAW))
    assert (datagram.payload, datagram.truncated) == (INVITE, True)
    assert set(reader.fault_counts) == {FaultKind.BAD_LENGTH}


def test_a_place_outside_of_the_payload_is_an_index_error() -> None:
    _, (datagram,) = read(pcap([FOUR], link_type=RAW))
    for outside in (-1, len(INVITE)):
        with pytest.raises(IndexError):
            datagram.file_offset(outside)


@given(st.lists(st.binary(max_size=120), max_size=6), st.sampled_from([*LINKS, 139, 140, 141, 142]))
def test_arbitrary_frames_of_any_link_type_are_read_counted_or_reported(frames: list[bytes], link_type: int) -> None:
    reader, found = read_all(pcap(frames, link_type=link_type))
    assert reader.packets == len(frames)
    assert len(found) + reader.other.total() + len(reader.faults) >= len(frames)


@given(st.binary(max_size=120), st.sampled_from([4, 6]), st.integers(0, 255))
def test_arbitrary_bytes_behind_a_sound_ip_header_are_read_counted_or_reported(
    noise: bytes, version: int, protocol: int
) -> None:
    packet = ipv4(noise, protocol=protocol) if version == 4 else ipv6(noise, next_header=protocol)
    reader, found = read_all(pcap([packet], link_type=RAW))
    assert len(found) + reader.other.total() + len(reader.faults) >= 1
