"""Datagrams that the kernel dropped: counted where a socket really overflowed."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.transport.socket_drops import dropped, inodes_of, udp_sockets

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts of the Linux kernel")

SENT = 64
LENGTH = 1_000


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"])
def small(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """A bound UDP socket with the smallest receive buffer there is."""
    family, host = request.param
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        sock.setblocking(False)
        try:
            sock.bind((host, 0))
        except OSError:
            pytest.skip(f"{host} is not an address of this machine")
        yield sock


def overflow(sock: socket.socket) -> int:
    """Send it more than it holds, and read what it took: the number that was lost."""
    with socket.socket(sock.family, socket.SOCK_DGRAM) as sender:
        for _ in range(SENT):
            sender.sendto(bytes(LENGTH), sock.getsockname())
    taken = 0
    while True:
        try:
            sock.recv(LENGTH)
        except BlockingIOError:
            return SENT - taken
        taken += 1


def inode(sock: socket.socket) -> int:
    return os.fstat(sock.fileno()).st_ino


def test_a_socket_that_was_read_in_time_dropped_nothing(small: socket.socket) -> None:
    assert dropped([small]) == 0
    assert udp_sockets([inode(small)])[inode(small)].drops == 0


def test_what_a_full_socket_lost_is_what_the_kernel_counts(small: socket.socket) -> None:
    lost = overflow(small)
    assert lost > 0
    assert dropped([small]) == lost
    assert udp_sockets([inode(small)])[inode(small)].drops == lost


def test_what_waits_to_be_read_is_told(small: socket.socket) -> None:
    with socket.socket(small.family, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", small.getsockname())
    assert udp_sockets([inode(small)])[inode(small)].waiting_bytes > 0


def test_the_drops_of_several_sockets_are_added_up(small: socket.socket) -> None:
    with socket.socket(small.family, socket.SOCK_DGRAM) as quiet:
        lost = overflow(small)
        assert dropped([small, quiet]) == lost


def test_a_processs_sockets_are_found_by_its_number(small: socket.socket) -> None:
    assert inode(small) in inodes_of(os.getpid())


def test_a_socket_that_is_no_udp_socket_has_no_count() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
        assert udp_sockets([inode(stream)]) == {}


def test_a_table_that_is_missing_or_broken_counts_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "udp"
    broken.write_text("header\n1: 0100007F:1 x y\n\n 1: a b c d e f g h i j k l\n", encoding="ascii")
    assert udp_sockets([1], [broken, tmp_path / "nothing"]) == {}


def test_a_count_that_the_kernel_does_not_have_is_none() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as closed:
        closed.close()
        assert dropped([closed]) is None
