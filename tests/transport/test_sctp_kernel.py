"""The socket API of SCTP as bytes, and the kernel's sockets by what they would say: most test machines have none.

Where the kernel has SCTP, `test_sctp_associations.py` runs on it. The bytes of the structures are those of a C program,
compiled with the headers that define them on a little-endian machine.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Sequence
from typing import Final

import pytest
from associations import message
from hypothesis import given
from hypothesis import strategies as st

from gateway.transport.sctp import SctpLimits, kernel, missing_carriers, open_carrier, usrsctp
from gateway.transport.sctp.ancillary import (
    IPPROTO_SCTP,
    LINUX,
    MSG_EOR,
    USRSCTP,
    Api,
    Assembler,
    Change,
    Notification,
    init_message,
    read_notification,
    retransmission_timeouts,
    send_info,
    stream_beside,
    stream_of,
)
from gateway.transport.sctp.association import WireRead
from gateway.transport.sctp.carrier import LinkCarrier, fold_stream
from gateway.transport.sctp.kernel import KernelWire

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the tables are of a little-endian machine")

RCVINFO: Final = bytes.fromhex("0500 0700 0000 0000 00000003 01000000 01000000 00000000 02000000")
UP: Final = bytes.fromhex("0180 0000 14000000 0000 0000 0a00 1100 02000000")
LOST: Final = bytes.fromhex("0180 0000 14000000 0100 0000 0000 0000 02000000")
RESTART: Final = bytes.fromhex("0180 0000 14000000 0200 0000 0200 1100 02000000")
SHUTDOWN_EVENT: Final = bytes.fromhex("0580 0000 0c000000 02000000")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (send_info(5), "0500 0000 00000003 00000000 00000000"),
        (send_info(65_535), "ffff 0000 00000003 00000000 00000000"),
        (init_message(17, 2_000), "1100 1100 0400 d007"),
        (retransmission_timeouts(), "00000000 e8030000 d0070000 f4010000"),
        (kernel.association_parameters(), "00000000 0500 0000 00000000 00000000 00000000"),
        (kernel.path_parameters(), "00000000" + "00" * 128 + "88130000 0500 00000000 00000000 01000000" + "00" * 6),
        (usrsctp.association_parameters(), "00000000 00000000 00000000 00000000 0500 0000"),
        (usrsctp.path_parameters(), "00" * 128 + "00000000 88130000 78050000 11000000 00000000 0500 00 00"),
        (usrsctp.address_of(0x0102, 2905), "7b00 0b59 00000000 0201000000000000"),
    ],
)
def test_a_structure_is_laid_out_as_its_header_says(made: bytes, expected: str) -> None:
    assert made == bytes.fromhex(expected)


@pytest.mark.parametrize(
    ("data", "api", "found"),
    [
        (UP, LINUX, Notification(Change.UP, 10)),
        (LOST, LINUX, Notification(Change.LOST, 0)),
        (RESTART, LINUX, Notification(Change.RESTARTED, 2)),
        (bytes.fromhex("0180 0000 14000000 0300 0000 0000 0000 02000000"), LINUX, Notification(Change.SHUT_DOWN, 0)),
        (bytes.fromhex("0180 0000 14000000 0400 0000 0000 0000 02000000"), LINUX, Notification(Change.FAILED, 0)),
        (bytes.fromhex("0180 0000 14000000 0500 0000 0000 0000 02000000"), LINUX, None),
        (UP + bytes(4), LINUX, Notification(Change.UP, 10)),
        (UP[:19], LINUX, None),
        (SHUTDOWN_EVENT, LINUX, None),
        (b"", LINUX, None),
        (UP, USRSCTP, None),
        (
            bytes.fromhex("0100 0000 19000000 0100 0000 1100 1100 03000000 0102030405"),
            USRSCTP,
            Notification(Change.UP, 17),
        ),
        (bytes.fromhex("0100 0000 14000000 0000 0000 1100 1100 03000000"), USRSCTP, None),
        (bytes.fromhex("0100 0000 14000000 0500 0000 0000 0000 03000000"), USRSCTP, Notification(Change.FAILED, 0)),
    ],
)
def test_a_notification_says_what_became_of_the_association(data: bytes, api: Api, found: Notification | None) -> None:
    assert read_notification(data, api) == found


@given(st.binary(max_size=64), st.sampled_from([LINUX, USRSCTP]))
def test_no_notification_is_too_strange_to_be_read(data: bytes, api: Api) -> None:
    read_notification(data, api)
    stream_of(data)
    kernel.outbound_streams(data)


@pytest.mark.parametrize(
    ("beside", "stream"),
    [
        ([], 0),
        ([(IPPROTO_SCTP, 3, RCVINFO)], 5),
        ([(IPPROTO_SCTP, 3, RCVINFO[:27])], 0),
        ([(socket.SOL_SOCKET, 3, RCVINFO)], 0),
        ([(IPPROTO_SCTP, 1, bytes(28)), (IPPROTO_SCTP, 3, RCVINFO)], 5),
    ],
)
def test_the_stream_of_a_message_is_in_its_ancillary_data(beside: list[tuple[int, int, bytes]], stream: int) -> None:
    assert stream_beside(beside, 3) == stream


def test_the_peers_streams_are_in_the_status() -> None:
    status = bytes.fromhex("02000000 04000000 00000100 0000 0000 1100 0a00 a0050000") + bytes(152)
    assert kernel.outbound_streams(status) == 10
    assert kernel.outbound_streams(status[:15]) == 1


@pytest.mark.parametrize(
    ("streams", "folded"),
    [(17, list(range(17))), (4, [0, 1, 2, 3, 1, 2, 3, 1, 2, 3]), (2, [0, 1, 1, 1]), (1, [0, 0, 0]), (0, [0, 0])],
)
def test_streams_beyond_the_peers_are_folded_back_and_never_on_0(streams: int, folded: list[int]) -> None:
    assert [fold_stream(stream, streams) for stream in range(len(folded))] == folded


@given(st.lists(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=5), max_size=10))
def test_pieces_make_the_messages_that_they_are_of(messages: list[list[bytes]]) -> None:
    assembler, whole = Assembler(250), []
    for pieces in messages:
        for number, piece in enumerate(pieces):
            one = assembler.add(piece, MSG_EOR if number == len(pieces) - 1 else 0)
            whole += [one] if one is not None else []
    assert whole == [b"".join(pieces) for pieces in messages]
    assert not assembler.partial


@pytest.mark.parametrize("pieces", [[(b"abcd", MSG_EOR)], [(b"ab", 0), (b"cd", MSG_EOR)], [(b"abcd", 0)]])
def test_a_message_beyond_the_bound_is_never_given(pieces: list[tuple[bytes, int]]) -> None:
    assembler = Assembler(3)
    assert [assembler.add(*piece) for piece in pieces] == [None] * len(pieces)
    assert assembler.overlong


class SpokenSocket:
    """In a socket's place: says what it was told to, and keeps what was sent."""

    def __init__(self, *said: tuple[bytes, Sequence[tuple[int, int, bytes]], int]) -> None:
        self.said = list(said)
        self.sent: list[tuple[bytes, list[tuple[int, int, bytes]]]] = []
        self.room = 100
        self.lingers = True
        self.closed = False

    def recvmsg(self, length: int, beside: int) -> tuple[bytes, Sequence[tuple[int, int, bytes]], int, None]:
        assert length >= 1 << 16
        assert beside >= socket.CMSG_SPACE(len(RCVINFO))
        if not self.said:
            raise BlockingIOError
        return (*self.said.pop(0), None)

    def sendmsg(self, data: Sequence[bytes], beside: Sequence[tuple[int, int, bytes]]) -> int:
        if len(self.sent) >= self.room:
            raise BlockingIOError
        self.sent.append((b"".join(data), list(beside)))
        return len(self.sent[-1][0])

    def setsockopt(self, _level: int, option: int, value: bytes) -> None:
        assert (option, value) == (socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.lingers = False

    def close(self) -> None:
        self.closed = True

    def getsockopt(self, *_option: int) -> bytes:
        return bytes.fromhex("02000000 04000000 00000100 0000 0000 1100 0400 a0050000") + bytes(152)


def data(number: int, flags: int = MSG_EOR) -> tuple[bytes, Sequence[tuple[int, int, bytes]], int]:
    return message(number), [(IPPROTO_SCTP, 3, RCVINFO)], flags


def said(notification: bytes) -> tuple[bytes, Sequence[tuple[int, int, bytes]], int]:
    return notification, [], LINUX.notification | MSG_EOR


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ([], WireRead([])),
        ([data(1), data(2)], WireRead([(5, message(1)), (5, message(2))])),
        ([said(UP), data(1)], WireRead([(5, message(1))])),
        ([data(1), said(LOST)], WireRead([(5, message(1))], "the peer is lost, or has aborted")),
        ([data(1), said(RESTART), data(2)], WireRead([(5, message(1))], restarted=True)),
        ([said(SHUTDOWN_EVENT), (b"", [], 0)], WireRead([], "shut down")),
        ([data(1, 0), data(2)], WireRead([(5, message(1) + message(2))])),
        ([(bytes(70_000), [], MSG_EOR)], WireRead([], "a message longer than any that is taken")),
    ],
)
def test_what_the_socket_says_is_read_as_it_is_meant(
    script: list[tuple[bytes, Sequence[tuple[int, int, bytes]], int]], found: WireRead
) -> None:
    assert KernelWire(SpokenSocket(*script), SctpLimits()).receive() == found  # type: ignore[arg-type]


def test_one_turn_takes_so_many_messages_and_no_more() -> None:
    wire = KernelWire(SpokenSocket(*[data(number) for number in range(10)]), SctpLimits(messages_per_turn=4))  # type: ignore[arg-type]
    turns = [wire.receive() for _ in range(4)]
    assert [(len(turn.messages), turn.more) for turn in turns] == [(4, True), (4, True), (2, False), (0, False)]


def test_messages_are_sent_with_their_stream_as_far_as_the_kernel_takes_them() -> None:
    sock = SpokenSocket()
    wire = KernelWire(sock, SctpLimits())  # type: ignore[arg-type]
    wire.opened()
    for number in range(6):
        wire.push(number, message(number))
    sock.room = 2
    assert not wire.flush()
    assert wire.queued == 4 * len(message())
    sock.room = 100
    assert wire.flush()
    assert wire.queued == 0
    assert sock.sent == [
        (message(number), [(IPPROTO_SCTP, 2, send_info(stream))]) for number, stream in enumerate([0, 1, 2, 3, 1, 2])
    ]


@pytest.mark.parametrize(
    ("script", "lingers"), [([data(1)], False), ([said(LOST)], False), ([said(SHUTDOWN_EVENT), (b"", [], 0)], True)]
)
def test_only_an_association_that_the_peer_shut_down_is_not_aborted(
    script: list[tuple[bytes, Sequence[tuple[int, int, bytes]], int]], lingers: bool
) -> None:
    sock = SpokenSocket(*script)
    wire = KernelWire(sock, SctpLimits())  # type: ignore[arg-type]
    wire.receive()
    wire.abort()
    assert sock.closed
    assert sock.lingers is lingers


def test_a_carrier_that_is_missing_is_refused_with_the_reason() -> None:
    for kind, reason in missing_carriers().items():
        with pytest.raises(OSError, match=f"no carrier {kind.value}: ") as refusal:
            open_carrier(kind)
        assert reason in str(refusal.value)


def test_the_best_carrier_is_taken_where_none_is_asked_for() -> None:
    missing = missing_carriers()
    best = next(kind for kind in (LinkCarrier.KERNEL, LinkCarrier.UDP, LinkCarrier.TCP) if kind not in missing)
    assert open_carrier().kind is best
