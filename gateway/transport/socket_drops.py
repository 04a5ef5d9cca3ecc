"""Datagrams that the kernel dropped at a UDP socket because nobody had read those before them (Linux).

Beyond this point no gateway can help: what the machine dropped was never seen, whoever sent it. The count tells an
operator that a flood was more than the machine takes in, and not that calls were refused.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final, NamedTuple

TABLES: Final = (Path("/proc/net/udp"), Path("/proc/net/udp6"))
"""The kernel's UDP sockets of this network namespace (proc(5))."""

_SO_MEMINFO: Final = 55
"""Socket option of Linux 4.12 and later (include/uapi/asm-generic/socket.h): nine counts of 32 bits."""
_MEMINFO: Final = struct.Struct("=9I")
_DROPS: Final = 8
"""SK_MEMINFO_DROPS, the place of the count (include/uapi/linux/sock_diag.h)."""


class UdpSocket(NamedTuple):
    """One UDP socket as the kernel's tables show it."""

    waiting_bytes: int
    """In its receive queue, with what the kernel adds to each datagram."""
    drops: int
    """Datagrams dropped at it since it was made."""


def dropped(own: Iterable[socket.socket]) -> int | None:
    """Datagrams dropped at this process's own UDP sockets since they were made; None where the kernel does not say.

    A microsecond a socket. The kernel counts to 2^32 and starts over.
    """
    total = 0
    for one in own:
        try:
            counts = one.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
            total += _MEMINFO.unpack(counts)[_DROPS]
        except (OSError, struct.error):  # another kernel, or an older one that has fewer counts
            return None
    return total


def udp_sockets(inodes: Collection[int], tables: Iterable[Path] = TABLES) -> dict[int, UdpSocket]:
    """UDP sockets of any process, by their inodes (`inodes_of`). One that is closed, or no UDP socket, is left out.

    The kernel writes its whole table for that, which takes milliseconds where there are a thousand sockets. Tables that
    are not there are left out; a line that is not of their form is passed over.
    """
    found: dict[int, UdpSocket] = {}
    for table in tables:
        try:
            lines = table.read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines[1:]:
            columns = line.split()
            try:  # sl, local, remote, st, tx:rx, tr:when, retrnsmt, uid, timeout, inode, ref, pointer, drops
                inode, waiting, drops = int(columns[9]), int(columns[4].split(":")[1], 16), int(columns[12])
            except (IndexError, ValueError):
                continue
            if inode in inodes:
                found[inode] = UdpSocket(waiting, drops)
    return found


def inodes_of(pid: int) -> frozenset[int]:
    """Inodes of all sockets that a process has open. Raises OSError where the process is not there or not ours."""
    inodes: set[int] = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue
        if target.startswith("socket:["):
            inodes.add(int(target[8:-1]))
    return frozenset(inodes)
