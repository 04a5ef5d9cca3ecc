"""What all associations of SCTP in UDP share in a process: the library, its clock, UDP sockets, paths and SCTP ports.

A path is a UDP socket of ours and the UDP address of a peer (RFC 6951 section 5): the number that the library knows for
it is never used again. Packets of hosts that no listener admits go no further than the UDP socket.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import logging
import socket
import struct
from collections.abc import Callable
from itertools import count
from typing import Final, Protocol

from gateway.interconnection.links import Address
from gateway.transport.sctp.packets import COMMON_HEADER, INIT, is_sound
from gateway.transport.sctp.usrsctp import Usrsctp, usrsctp

TICK_S: Final = 0.02
"""Between looks at the library's timers; the shortest of them, for an acknowledgement, is ten times as long."""
DATAGRAMS_PER_TURN: Final = 64
"""Read from one UDP socket before others get their turn."""
ACCEPTED_PER_TURN: Final = 16
"""Associations taken before the loop gets its turn."""
IDLE_PATHS: Final = 1_024
"""Paths without an association that are remembered: a handshake needs its path for a round trip."""
BUFFER_BYTES: Final = 4 << 20
"""For datagrams that wait to be read."""
LARGEST: Final = 65_535
_ICMP_ERRORS: Final = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
"""IP_RECVERR and IPV6_RECVERR of Linux."""

LOG = logging.getLogger("tollgate.transport")


class Peer(Protocol):
    """An association, as its path knows it."""

    tag: bytes
    """Verification tag of the last packet to the peer."""

    def unreachable(self) -> None:
        """Nobody has the peer's UDP port."""


class Acceptor(Protocol):
    """Takes the associations that come to one SCTP port of one UDP socket."""

    def admits(self, host: str, *, counted: bool) -> bool:
        """Whether packets from an IP address are looked at; `counted`: else the refusal is counted."""

    def accept(self, sock: int, path: Path, port: int) -> None:
        """Take an association, of the library's socket, with that SCTP port at the peer."""


class Path:
    """The way to a peer."""

    __slots__ = ("number", "peers", "remote", "udp")

    def __init__(self, number: int, udp: UdpSocket, remote: Address) -> None:
        self.number: Final = number
        self.udp: Final = udp
        self.remote: Final = remote
        self.peers: Final[dict[bytes, Peer]] = {}
        """Associations on it, by the first four bytes of their packets: our SCTP port, and the peer's."""


class UdpSocket:
    """A UDP socket that carries packets of SCTP."""

    def __init__(self, stack: Stack, sock: socket.socket) -> None:
        self._stack: Final = stack
        self._socket: Final = sock
        self._loop: Final = asyncio.get_running_loop()
        self.address: Final[Address] = sock.getsockname()[:2]
        self.acceptors: Final[dict[int, Acceptor]] = {}
        """By SCTP port."""
        self.paths: Final[dict[Address, Path]] = {}
        self._loop.add_reader(sock.fileno(), self._readable)

    def send(self, path: Path, packet: bytes) -> None:
        """Send a packet; SCTP sends again what was lost."""
        for _ in range(2):  # the first may only say that another packet drew an ICMP error
            try:
                self._socket.sendto(packet, path.remote)
            except OSError:
                continue
            return

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            for path in [*self.paths.values()]:
                self._stack.forget(path)

    def _readable(self) -> None:
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                packet, remote = self._socket.recvfrom(LARGEST)
            except BlockingIOError:
                break
            except OSError:
                continue  # said of a packet that was sent: `_errors` knows of which
            if is_sound(packet):
                self._take(packet, remote[:2])
        self._errors()

    def _take(self, packet: bytes, remote: Address) -> None:
        path = self.paths.get(remote)
        if path is None or not path.peers:
            acceptor = self.acceptors.get(packet[2] << 8 | packet[3])
            if acceptor is None or not acceptor.admits(remote[0], counted=packet[COMMON_HEADER] == INIT):
                return
            if path is None:
                path = self._stack.path(self, remote)
        self._stack.library.input(path.number, packet)

    def _errors(self) -> None:
        """Take ICMP errors: where nobody has the peer's port, the association is lost (RFC 9260 section 10).

        Believed is only an error that quotes the verification tag.
        """
        found = False
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                quoted, beside, _, remote = self._socket.recvmsg(64, 512, socket.MSG_ERRQUEUE)
            except OSError:
                break
            found = True
            path = self.paths.get(remote[:2]) if remote else None
            peer = path.peers.get(quoted[:4]) if path is not None else None
            if peer is not None and quoted[4:8] == peer.tag and _is_refusal(self._socket.family, beside):
                peer.unreachable()
        if found and self._socket.fileno() >= 0:  # some loops stop looking at a socket that had an error
            self._loop.remove_reader(self._socket.fileno())
            self._loop.add_reader(self._socket.fileno(), self._readable)


class Stack:
    """The library in this process, as one event loop after the other uses it."""

    def __init__(self, library: Usrsctp) -> None:
        self.library: Final = library
        library.output = self._output
        library.ready = self._ready
        self._numbers: Final = count(1)
        self.paths: Final[dict[int, Path]] = {}
        """By number."""
        self._idle: Final[dict[int, None]] = {}
        """Paths without an association, the one longest so first."""
        self._readers: Final[dict[int, Callable[[], bool]]] = {}
        """What is called when a socket of the library can be read, by number."""
        self._due: dict[int, None] = {}
        self._ports: Final[dict[int, _Port]] = {}
        self._listening: Final[dict[tuple[Address, asyncio.AbstractEventLoop], UdpSocket]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._working = False
        self._timer: asyncio.TimerHandle | None = None
        self._told_s = 0.0
        """The loop's time as the library knows it."""

    # -- sockets of the library ---------------------------------------------------------------------------------------

    def watch(self, reader: Callable[[], bool]) -> int:
        """A number for a socket: `reader` is called when it can be read, and once more when it says so."""
        number = next(self._numbers)
        self._readers[number] = reader
        self._run()
        return number

    def unwatch(self, number: int) -> None:
        self._readers.pop(number, None)
        self._due.pop(number, None)
        if not self._readers and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self, number: int) -> None:
        """Have a socket read soon."""
        self._ready(number)

    def listen(self, address: Address, port: int, acceptor: Acceptor) -> UdpSocket:
        """Accept associations at that SCTP port in datagrams to that address. Raises OSError."""
        key = (address, asyncio.get_running_loop())
        udp = self._listening.get(key)
        if udp is not None and port in udp.acceptors:
            raise OSError(errno.EADDRINUSE, "another link has that SCTP port there")
        shared = self._ports.get(port)
        if shared is None:
            shared = self._ports[port] = _Port(self, port)
        try:
            udp = udp or self.open(address)
        except OSError:
            if not shared.users:
                shared.close()
                del self._ports[port]
            raise
        self._listening[key] = udp
        udp.acceptors[port] = acceptor
        shared.users += 1
        return udp

    def unlisten(self, udp: UdpSocket, port: int) -> None:
        """Accept no more there. The UDP socket stays as long as it has associations."""
        del udp.acceptors[port]
        shared = self._ports[port]
        shared.users -= 1
        if not shared.users:
            shared.close()
            del self._ports[port]
        self._close_unused(udp)

    def open(self, address: Address, remote: Address | None = None) -> UdpSocket:
        """A UDP socket, for packets of that remote end alone where one is given. Raises OSError."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(*_ICMP_ERRORS[family], 1)
            sock.bind(address)
            if remote is not None:
                sock.connect(remote)
        except BaseException:
            sock.close()
            raise
        return UdpSocket(self, sock)

    # -- paths --------------------------------------------------------------------------------------------------------

    def path(self, udp: UdpSocket, remote: Address) -> Path:
        """A path that is not known yet. The one longest without an association makes room for it."""
        if len(self._idle) >= IDLE_PATHS:
            self.forget(self.paths[next(iter(self._idle))])
        path = Path(next(self._numbers), udp, remote)
        self.paths[path.number] = udp.paths[remote] = path
        self._idle[path.number] = None
        self.library.register(path.number)
        return path

    def join(self, path: Path, ports: bytes, peer: Peer) -> None:
        """An association is on a path from now on."""
        self._idle.pop(path.number, None)
        path.peers[ports] = peer

    def leave(self, path: Path, ports: bytes, peer: Peer) -> None:
        """An association is gone. Another with the same ports may be there already."""
        if path.peers.get(ports) is peer:
            del path.peers[ports]
        if not path.peers and path.number in self.paths:
            self._idle[path.number] = None
            self._close_unused(path.udp)

    def forget(self, path: Path) -> None:
        """A path without an association, or whose socket is closed."""
        if self.paths.pop(path.number, None) is not None:
            self._idle.pop(path.number, None)
            del path.udp.paths[path.remote]
            self.library.deregister(path.number)

    # -- what the library calls ---------------------------------------------------------------------------------------

    def _output(self, number: int, packet: bytes) -> None:
        path = self.paths.get(number)
        if path is not None:
            peer = path.peers.get(packet[:4])
            if peer is not None:
                peer.tag = packet[4:8]
            path.udp.send(path, packet)

    def _ready(self, number: int) -> None:
        self._due[number] = None
        self._run()

    # -- the loop -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        """See to it that what is due is done, and that time passes, on the loop that runs now."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # the one before it is over
            self._loop, self._timer, self._working = loop, None, False
        if self._timer is None:
            self._told_s = loop.time()
            self._timer = loop.call_later(TICK_S, self._tick)
        if self._due and not self._working:
            self._working = True
            loop.call_soon(self._work)

    def _work(self) -> None:
        self._working = False
        due, self._due = self._due, {}
        for number in due:
            asyncio.get_running_loop().call_soon(self._read, number)  # each by itself: one that fails is the only one

    def _read(self, number: int) -> None:
        reader = self._readers.get(number)
        if reader is not None and reader():
            self._ready(number)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(TICK_S, self._tick)
        elapsed_ms = int((loop.time() - self._told_s) * 1e3)
        self._told_s += elapsed_ms / 1e3
        self.library.elapse(elapsed_ms)

    def _close_unused(self, udp: UdpSocket) -> None:
        if not udp.acceptors and not any(path.peers for path in udp.paths.values()):
            udp.close()
            for key in [key for key, found in self._listening.items() if found is udp]:
                del self._listening[key]


class _Port:
    """An SCTP port on which the library listens, whatever path a packet takes to it."""

    def __init__(self, stack: Stack, port: int) -> None:
        self.users = 0
        self._stack: Final = stack
        self._port: Final = port
        self._number: Final = stack.watch(self._acceptable)
        try:
            self._socket: Final = stack.library.socket(self._number)
        except OSError:
            stack.unwatch(self._number)
            raise
        try:
            stack.library.bind(self._socket, port)
            stack.library.listen(self._socket)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        self._stack.unwatch(self._number)
        self._stack.library.abort(self._socket)

    def _acceptable(self) -> bool:
        for _ in range(ACCEPTED_PER_TURN):
            try:
                sock, number, port = self._stack.library.accept(self._socket)
            except OSError:
                return False
            path = self._stack.paths.get(number)
            acceptor = path.udp.acceptors.get(self._port) if path is not None else None
            if path is None or acceptor is None:
                self._stack.library.abort(sock)
            else:
                acceptor.accept(sock, path, port)
        return True


@functools.cache
def stack() -> Stack:
    """The one of this process. Raises OSError where the library is missing."""
    return Stack(usrsctp())


def _is_refusal(family: int, beside: list[tuple[int, int, bytes]]) -> bool:
    """Whether a ``struct sock_extended_err`` says that nobody has the port."""
    for level, kind, data in beside:
        if (level, kind) == _ICMP_ERRORS[socket.AddressFamily(family)] and len(data) >= 4:
            return int(struct.unpack_from("=I", data)[0]) == errno.ECONNREFUSED
    return False
