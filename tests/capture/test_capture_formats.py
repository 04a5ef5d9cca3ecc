"""pcap and pcapng: every variant of the two formats gives the same datagrams, and damage is named, not raised."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from struct import pack

import pytest
from capture_bytes import (
    ETHERNET,
    INVITE,
    RAW,
    block,
    enhanced,
    ethernet,
    interface,
    ipv4,
    option,
    pcap,
    read,
    section,
    udp,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.capture.faults import CaptureLimits, FaultKind, NotACapture
from gateway.capture.reader import CaptureReader

FRAME = ethernet(ipv4(udp()))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("magic", "fraction"), [(0xA1B2C3D4, 5), (0xA1B23C4D, 5_999), (0xA1B2CD34, 5)], ids=["us", "ns", "modified"]
)
def test_every_variant_of_pcap_gives_time_addresses_and_place(order: str, magic: int, fraction: int) -> None:
    capture = pcap([FRAME, FRAME], order=order, magic=magic, fraction=fraction)
    reader, datagrams = read(capture)
    assert reader.packets == 2
    assert [datagram.at_us for datagram in datagrams] == [1_000_005, 2_000_005]
    first = datagrams[0]
    assert (first.source, first.destination) == (("10.0.0.1", 5060), ("10.0.0.2", 5070))
    assert (first.payload, first.frame, first.truncated, first.identification) == (INVITE, 1, False, 7)
    assert first.offset == capture.index(INVITE)
    assert not reader.faults


def test_the_length_of_the_frame_check_sequence_is_not_part_of_the_link_type() -> None:
    assert len(read(pcap([FRAME], link_type=ETHERNET | 0x5400_0000))[1]) == 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("options", "ticks"),
    [
        (b"", 1_000_005),
        ("tsresol 9", 1_000_005_999),
        ("tsresol 3", 1_000),
        ("tsresol 2^-10", 1_024),
        ("tsoffset -1", 2_000_005),
    ],
)
def test_the_interface_says_how_pcapng_times_are_to_be_read(order: str, options: str, ticks: int) -> None:
    encoded = {
        "tsresol 9": option(9, b"\x09", order),
        "tsresol 3": option(9, b"\x03", order),
        "tsresol 2^-10": option(2, b"eth", order) + option(9, b"\x8a", order) + option(0, b"", order),
        "tsoffset -1": option(14, pack(order + "q", -1), order),
    }.get(options, b"")
    capture = section(order) + interface(options=encoded, order=order) + enhanced(FRAME, ticks, order=order)
    reader, (datagram,) = read(capture)
    assert datagram.at_us in (1_000_005, 1_000_000)
    assert datagram.payload == INVITE
    assert not reader.faults


def test_sections_of_either_byte_order_and_interfaces_of_their_own_link_types_are_kept_apart() -> None:
    little = section("<") + interface(RAW) + interface(ETHERNET) + enhanced(FRAME, index=1) + enhanced(ipv4(udp()))
    big = section(">") + interface(ETHERNET, order=">") + enhanced(FRAME, order=">", options=option(1, b"note", ">"))
    reader, datagrams = read(little + big)
    assert [datagram.frame for datagram in datagrams] == [1, 2, 3]
    assert not reader.faults


def test_a_simple_packet_block_is_cut_at_its_interfaces_snapshot_length_and_has_no_time() -> None:
    snapshot = len(FRAME) - 4
    capture = section() + interface(snapshot=snapshot) + block(3, pack("<I", len(FRAME)) + FRAME[:snapshot])
    reader, (datagram,) = read(capture)
    assert (datagram.at_us, datagram.payload, datagram.truncated) == (0, INVITE[:-4], True)
    assert set(reader.fault_counts) == {FaultKind.NO_TIME, FaultKind.CUT_SHORT}


def test_the_obsolete_packet_block_is_read() -> None:
    packet = block(2, pack("<HHIIII", 0, 0, 0, 1_000_005, len(FRAME), len(FRAME)) + FRAME)
    _, (datagram,) = read(section() + interface() + packet)
    assert (datagram.at_us, datagram.payload) == (1_000_005, INVITE)


def test_blocks_without_packets_are_passed_over_and_unknown_ones_named() -> None:
    capture = (
        section() + interface() + block(4, b"names") + block(5, bytes(12)) + block(0x77, b"what") + enhanced(FRAME)
    )
    reader, datagrams = read(capture)
    assert len(datagrams) == 1
    (fault,) = reader.faults
    assert (fault.kind, fault.offset) == (FaultKind.UNKNOWN_BLOCK, capture.index(pack("<I", 0x77)))
    assert "0x77" in str(fault)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (enhanced(FRAME, index=3), "interface 3"),
        (block(6, bytes(8)), "no room for its own header"),
        (block(6, pack("<IIIII", 0, 0, 0, 500, 500)), "claims 500 bytes and holds 0"),
        (block(3, b""), "no room for the packet's length"),
        (block(3, pack("<I", 500)), "claims 500 bytes and holds 0"),
        (block(1, b""), "holds 0 of at least 8"),
        (interface(options=pack("<HH", 9, 400)), "claims 400 bytes"),
        (block(5, b"")[:-4] + pack("<I", 16), "12 in front and 16 behind"),
    ],
)
def test_a_damaged_block_is_reported_and_the_next_packet_is_still_read(damage: bytes, what: str) -> None:
    reader, datagrams = read(section() + interface() + damage + enhanced(FRAME))
    assert len(datagrams) == 1
    assert [what in str(fault) for fault in reader.faults] == [True]
    assert reader.faults[0].kind is FaultKind.BAD_RECORD


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        (pack("<III", 5, 8, 8), FaultKind.BAD_RECORD),
        (pack("<III", 5, 13, 13), FaultKind.BAD_RECORD),
        (pack("<III", 5, 1 << 30, 0), FaultKind.TRUNCATED_FILE),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), FaultKind.BAD_RECORD),
        (section()[:20], FaultKind.TRUNCATED_FILE),
    ],
)
def test_where_a_file_cannot_be_followed_any_further_what_came_before_is_read(tail: bytes, kind: FaultKind) -> None:
    reader, datagrams = read(section() + interface() + enhanced(FRAME) + tail)
    assert len(datagrams) == 1
    assert kind in reader.fault_counts


def test_a_block_that_is_too_long_to_be_looked_into_is_passed_over() -> None:
    limits = CaptureLimits(block_size=256)
    capture = section() + interface() + block(6, bytes(1_000)) + block(10, bytes(1_000)) + enhanced(FRAME)
    reader, datagrams = read(capture, limits)
    assert [datagram.frame for datagram in datagrams] == [2]
    assert reader.fault_counts[FaultKind.LIMIT] == 2


def test_a_pcap_record_of_an_impossible_length_ends_the_reading_with_its_place() -> None:
    good = pcap([FRAME])
    reader, datagrams = read(good + pack("<IIII", 1, 1, 1 << 31, 1 << 31) + FRAME)
    assert len(datagrams) == 1
    (fault,) = reader.faults
    assert (fault.kind, fault.frame, fault.offset) == (FaultKind.BAD_RECORD, 2, len(good))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\x1f\x8b\x08\x00", "gunzip"),
        (b"Hello, world", "neither pcap nor pcapng"),
        (pcap([])[:10], "10 of its header"),
        (b"\xd4\xc3\xb2\xa1\x09\x00" + bytes(30), "version 9"),
        (section()[:20], "section header block"),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "byte-order magic"),
        (b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x07\0\0\0" + bytes(12), "version 7"),
    ],
)
def test_a_file_that_is_no_capture_is_refused_with_what_it_is_and_what_to_do(content: bytes, word: str) -> None:
    with pytest.raises(NotACapture, match=word) as caught:
        CaptureReader(BytesIO(content), "x.pcap")
    assert caught.value.file == "x.pcap"
    assert caught.value.remedy


def _three(kind: str) -> tuple[bytes, list[int]]:
    """A capture of four frames, the middle ones two fragments of one datagram, and where each frame's record ends."""
    whole = udp(INVITE * 2)
    frames = [FRAME, ethernet(ipv4(whole[:64], more=True)), ethernet(ipv4(whole[64:], offset=64)), FRAME]
    head, records = pcap([]), [pcap([frame])[24:] for frame in frames]
    if kind == "pcapng":
        head, records = section() + interface(), [enhanced(frame) for frame in frames]
    return head + b"".join(records), [len(head + b"".join(records[:count])) for count in (1, 2, 3, 4)]


@pytest.mark.parametrize(("kind", "boundaries"), [("pcap", {24}), ("pcapng", {28, 48})])
def test_a_file_cut_at_any_byte_gives_every_datagram_before_the_cut_and_says_that_it_is_cut(
    kind: str, boundaries: set[int]
) -> None:
    capture, ends = _three(kind)
    for cut in range(len(capture)):
        try:
            reader, datagrams = read(capture[:cut])
        except NotACapture:
            assert cut < min(boundaries)
            continue
        complete_at = (ends[0], ends[2], ends[3])
        assert len(datagrams) == sum(end <= cut for end in complete_at)
        assert bool(reader.fault_counts[FaultKind.TRUNCATED_FILE]) == (cut not in boundaries.union(ends))
        assert reader.fault_counts[FaultKind.INCOMPLETE_DATAGRAM] == (ends[1] <= cut < ends[2])


@given(st.binary(max_size=400), st.sampled_from(["", "pcap", "pcapng", "blocks"]))
def test_arbitrary_bytes_raise_nothing_but_not_a_capture(noise: bytes, head: str) -> None:
    start = {"": b"", "pcap": pcap([FRAME]), "pcapng": section() + interface(), "blocks": section() + interface()}[head]
    content = start + (block(6, noise) + block(1, noise) + block(3, noise) if head == "blocks" else noise)
    try:
        read(content)
    except NotACapture:
        assert head == ""


@given(st.data())
def test_a_capture_with_any_byte_changed_raises_nothing_but_not_a_capture(data: st.DataObject) -> None:
    capture = bytearray(_three(data.draw(st.sampled_from(["pcap", "pcapng"])))[0])
    for _ in range(data.draw(st.integers(1, 3))):
        capture[data.draw(st.integers(0, len(capture) - 1))] = data.draw(st.integers(0, 255))
    with suppress(NotACapture):
        read(bytes(capture))


@pytest.mark.parametrize("read_size", [1, 7, 64, 4_096])
def test_how_much_is_read_at_once_changes_nothing(read_size: int) -> None:
    for kind in ("pcap", "pcapng"):
        capture = _three(kind)[0]
        assert read(capture, CaptureLimits(read_size=read_size))[1] == read(capture)[1]


@pytest.mark.parametrize("ticks", [1 << 63, 253_402_300_800_000_000])
def test_a_time_that_no_calendar_has_is_reported_and_taken_as_unknown(ticks: int) -> None:
    reader, (datagram,) = read(section() + interface() + enhanced(FRAME, ticks))
    assert datagram.at_us == 0
    assert set(reader.fault_counts) == {FaultKind.NO_TIME}


def test_faults_beyond_the_limit_are_counted_and_not_listed() -> None:
    capture = section() + interface() + block(0x77, b"") * 5
    reader, _ = read(capture, CaptureLimits(faults=2))
    assert (len(reader.faults), reader.faults_not_listed, reader.fault_counts.total()) == (2, 3, 5)
