"""Fragmented datagrams: put together in any order, refused where they overlap, bounded in every way."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from capture_bytes import INVITE, RAW, cut_frame, ethernet, ipv4, ipv6_fragment, payloads, pcap, read, udp
from hypothesis import given
from hypothesis import strategies as st

from gateway.capture.faults import CaptureLimits, FaultKind

BODY = INVITE * 3
WHOLE = udp(BODY)

Cut = Callable[..., bytes]
BOTH = pytest.mark.parametrize("fragment", [ipv4, ipv6_fragment], ids=["IPv4", "IPv6"])


def _capture(*packets: bytes) -> bytes:
    return pcap(packets, link_type=RAW)


def _fragments(fragment: Cut, *cuts: int, identification: int = 9) -> list[bytes]:
    """The datagram, cut into fragments at these multiples of 8."""
    edges = [0, *cuts, len(WHOLE)]
    return [
        fragment(WHOLE[start:end], offset=start, more=end < len(WHOLE), identification=identification)
        for start, end in pairwise(edges)
    ]


@BOTH
@given(order=st.permutations(range(5)), cuts=st.sets(st.integers(1, len(WHOLE) // 8), min_size=4, max_size=4))
def test_fragments_make_their_datagram_in_whatever_order_they_come(
    fragment: Cut, order: list[int], cuts: set[int]
) -> None:
    pieces = _fragments(fragment, *(8 * cut for cut in sorted(cuts)))
    reader, (datagram,) = read(_capture(*(pieces[index] for index in order)))
    assert (datagram.payload, datagram.frame, datagram.at_us) == (BODY, 5, 5_000_005)
    assert datagram.identification == 9
    assert not reader.faults
    assert not reader.other


@BOTH
def test_a_first_fragment_that_holds_no_more_than_the_udp_header_leaves_no_piece(fragment: Cut) -> None:
    _, (datagram,) = read(_capture(*_fragments(fragment, 8, 64)))
    assert [(start, length) for start, _, length in datagram.pieces] == [(0, 56), (56, len(BODY) - 56)]
    assert datagram.offset == datagram.file_offset(0)


@BOTH
def test_two_datagrams_are_kept_apart_by_their_identification(fragment: Cut) -> None:
    one, other = _fragments(fragment, 64), _fragments(fragment, 64, identification=10)
    assert payloads(_capture(one[0], other[0], other[1], one[1])) == [BODY, BODY]


def test_two_datagrams_are_kept_apart_by_their_protocol_in_ipv4() -> None:
    tcp = ipv4(WHOLE[:64], more=True, protocol=6, identification=9)
    reader, datagrams = read(_capture(tcp, *_fragments(ipv4, 64)))
    assert [datagram.payload for datagram in datagrams] == [BODY]
    assert reader.fault_counts[FaultKind.INCOMPLETE_DATAGRAM] == 1


@BOTH
@pytest.mark.parametrize(
    ("offset", "end"),
    [(56, 72), (0, 72), (8, 16), (64, 88)],
    ids=["over the edge", "from the start, longer", "inside", "in front of the next"],
)
def test_overlapping_fragments_refuse_the_datagram_and_all_that_still_comes_of_it(
    fragment: Cut, offset: int, end: int
) -> None:
    first, middle, last = _fragments(fragment, 64, 80)
    overlap = fragment(b"X" * (end - offset), offset=offset, more=True, identification=9)
    packets = [first, last, overlap, middle] if offset < 64 else [first, overlap, middle, last]
    reader, datagrams = read(_capture(*packets))
    assert datagrams == []
    assert reader.fault_counts[FaultKind.OVERLAPPING_FRAGMENTS] == 1
    assert reader.other["fragments of a refused IP datagram"] >= 1
    assert "RFC 5722" in str(reader.faults[0])


@BOTH
@pytest.mark.parametrize("late", [0, 1])
def test_fragments_that_disagree_about_the_end_refuse_the_datagram(fragment: Cut, late: int) -> None:
    ends = [
        fragment(bytes(8), offset=80, identification=9),
        fragment(bytes(8), offset=160, more=True, identification=9),
    ]
    reader, datagrams = read(_capture(ends[late], ends[1 - late]))
    assert datagrams == []
    assert reader.fault_counts[FaultKind.OVERLAPPING_FRAGMENTS] == 1


@BOTH
def test_copies_of_fragments_as_a_port_mirror_makes_them_change_nothing(fragment: Cut) -> None:
    first, last = _fragments(fragment, 64)
    reader, datagrams = read(_capture(first, first, last, last))
    assert [datagram.payload for datagram in datagrams] == [BODY]
    assert not reader.faults
    assert reader.other["repeated IP fragments"] == 2


@BOTH
@pytest.mark.parametrize(
    ("payload", "offset", "more"), [(b"", 8, False), (bytes(9), 0, True), (bytes(80), 65_512, False)]
)
def test_a_fragment_that_cannot_be_is_ignored_and_reported(
    fragment: Cut, payload: bytes, offset: int, more: bool
) -> None:
    bad = fragment(payload, offset=offset, more=more, identification=9)
    reader, datagrams = read(_capture(bad, *_fragments(fragment, 64)))
    assert [datagram.payload for datagram in datagrams] == [BODY]
    assert set(reader.fault_counts) == {FaultKind.BAD_FRAGMENT}


@BOTH
def test_a_datagram_whose_fragments_are_missing_is_reported_at_the_end_with_its_first_frame(fragment: Cut) -> None:
    capture = _capture(*_fragments(fragment, 64)[:1])
    reader, datagrams = read(capture)
    (fault,) = reader.faults
    assert datagrams == []
    assert (fault.kind, fault.frame, fault.offset) == (FaultKind.INCOMPLETE_DATAGRAM, 1, capture.index(WHOLE[:64]))


@BOTH
def test_fragments_too_far_apart_in_time_do_not_make_a_datagram(fragment: Cut) -> None:
    first, last = _fragments(fragment, 64)
    limits = CaptureLimits(reassembly_timeout_us=2_000_000)
    filler = ipv4(udp())
    reader, datagrams = read(_capture(first, filler, filler, last), limits)
    assert [datagram.payload for datagram in datagrams] == [INVITE, INVITE]
    assert reader.fault_counts[FaultKind.INCOMPLETE_DATAGRAM] == 2


def test_an_identification_used_again_after_the_timeout_is_a_new_datagram() -> None:
    first, last = _fragments(ipv4, 64)
    limits = CaptureLimits(reassembly_timeout_us=1_500_000)
    reader, datagrams = read(_capture(first, ipv4(udp()), first, last), limits)
    assert [datagram.payload for datagram in datagrams] == [INVITE, BODY]
    assert reader.fault_counts[FaultKind.INCOMPLETE_DATAGRAM] == 1


@pytest.mark.parametrize(
    "limits",
    [CaptureLimits(reassemblies=2), CaptureLimits(reassembly_bytes=200), CaptureLimits(fragments=2)],
    ids=["count", "bytes", "fragments"],
)
def test_what_a_capture_can_make_us_hold_is_bounded(limits: CaptureLimits) -> None:
    openings = [_fragments(ipv4, 64, identification=number)[0] for number in range(20, 26)]
    many = [ipv4(bytes(8), offset=8 * number, more=True, identification=7) for number in range(4)]
    reader, datagrams = read(_capture(*openings, *many, *_fragments(ipv4, 64)), limits)
    assert [datagram.payload for datagram in datagrams] == [BODY]
    assert reader.fault_counts[FaultKind.LIMIT] >= 1


def test_a_refused_datagram_takes_no_room_from_the_others() -> None:
    refused = [
        ipv4(bytes(64), offset=start, more=True, identification=number) for number in range(20, 30) for start in (0, 8)
    ]
    reader, datagrams = read(_capture(*refused, *_fragments(ipv4, 64)), CaptureLimits(reassembly_bytes=200))
    assert [datagram.payload for datagram in datagrams] == [BODY]
    assert FaultKind.LIMIT not in reader.fault_counts


def test_an_atomic_fragment_is_a_packet_by_itself_whatever_shares_its_identification() -> None:
    first, last = _fragments(ipv6_fragment, 64)
    assert payloads(_capture(first, ipv6_fragment(udp(), identification=9), last)) == [INVITE, BODY]


@BOTH
def test_a_fragment_cut_by_the_snapshot_length_refuses_its_datagram(fragment: Cut) -> None:
    first, last = _fragments(fragment, 64)
    ether_type = 0x0800 if fragment is ipv4 else 0x86DD
    cut = cut_frame(ethernet(first, ether_type), len(first))
    reader, datagrams = read(cut + pcap([ethernet(last, ether_type)])[24:])
    assert datagrams == []
    assert reader.fault_counts == {FaultKind.CUT_SHORT: 1}
    assert reader.other["fragments of a refused IP datagram"] == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 40), st.booleans(), st.integers(1, 2), st.booleans()), max_size=24
    )
)
def test_arbitrary_fragments_raise_nothing_and_hold_their_places(
    pieces: list[tuple[int, int, bool, int, bool]],
) -> None:
    packets = [
        (ipv4 if four else ipv6_fragment)(udp(bytes(size)), offset=8 * eighth, more=more, identification=number)
        for eighth, size, more, number, four in pieces
    ]
    read(_capture(*packets), CaptureLimits(reassemblies=2, reassembly_bytes=300, reassembly_timeout_us=3_000_000))
