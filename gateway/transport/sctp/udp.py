"""SCTP in UDP (RFC 6951): associations of libusrsctp, its packets in datagrams.

The end that connects sends from a UDP port that the system chooses, and the end that listens answers to where a packet
came from (RFC 6951 section 5.3): so several processes on one host can be clients of one another.
"""

from __future__ import annotations

import errno
import secrets
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, TypeVar

from gateway.interconnection.links import Address, LinkCarrier
from gateway.transport.listening import cannot_listen
from gateway.transport.sctp.ancillary import USRSCTP, Assembler, Change, read_notification
from gateway.transport.sctp.association import WiredAssociation, WireRead, shown, text_of
from gateway.transport.sctp.carrier import STREAMS, Admission, Refusal, SctpLimits, SctpUser, fold_stream
from gateway.transport.sctp.udp_stack import Path, Stack, stack

CHOSEN_PORTS: Final = range(49_152, 65_536)
"""SCTP ports of which one is chosen where none is asked for (RFC 6335 section 6)."""
CHOICES: Final = 32
"""Of them tried, before it is given up."""
Taken = TypeVar("Taken")


class UdpSctpCarrier:
    """Associations of SCTP in UDP."""

    kind: Final = LinkCarrier.UDP

    def __init__(self, limits: SctpLimits, udp_port: int) -> None:
        """`udp_port`: where a listener takes datagrams, and where `connect` sends them to."""
        self._limits: Final = limits
        self._udp_port: Final = udp_port

    def listen(self, address: Address, user: SctpUser, admit: Callable[[str], bool]) -> UdpListener:
        try:
            return UdpListener(address, self._udp_port, user, self._limits, Admission(self._limits, admit))
        except OSError as error:
            raise cannot_listen(shown(address), f"M3UA over udp, in UDP port {self._udp_port}", error) from error

    def connect(self, address: Address, user: SctpUser) -> UdpAssociation:
        association = UdpAssociation(self._limits, user, address)
        association.connect(self._udp_port)
        return association


class UdpListener:
    """An SCTP port in the datagrams to one UDP socket."""

    def __init__(
        self, address: Address, udp_port: int, user: SctpUser, limits: SctpLimits, admission: Admission
    ) -> None:
        host, port = address
        self._stack: Final = stack()
        self._user: Final = user
        self._limits: Final = limits
        self._admission: Final = admission
        self._port, self._udp = _first_free(port, lambda chosen: self._stack.listen((host, udp_port), chosen, self))
        self._closed = False
        self.local: Final = (host, self._port)

    @property
    def refused(self) -> Counter[Refusal]:
        return self._admission.refused

    def admits(self, host: str, *, counted: bool) -> bool:
        """Whether packets from an IP address are looked at; `counted`: else that is a refusal."""
        return self._admission.admits(host, counted=counted)

    def accept(self, sock: int, path: Path, port: int) -> None:
        """Take an association that has come, of the library's socket, with that SCTP port at the peer."""
        if self._admission.refusal(path.remote[0]) is not None:
            self._stack.library.abort(sock)
            return
        association = UdpAssociation(self._limits, self._user, (path.remote[0], port), self._admission)
        association.accept(sock, path, self._port)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._stack.unlisten(self._udp, self._port)


class UdpAssociation(WiredAssociation):
    """An association of the library."""

    tag = b""
    """Verification tag of the last packet to the peer."""
    _number = 0
    """Its socket's, with the stack."""

    def connect(self, udp_port: int) -> None:
        """Begin it."""
        host, port = self.peer
        library = stack().library
        try:
            port.to_bytes(2, "big")  # that it is one
            udp = stack().open((_any_address(host), 0), (host, udp_port))
        except (OSError, OverflowError) as error:
            self._end(text_of(error))
            return
        self._number = stack().watch(self._turn)
        try:
            sock = library.socket(self._number)
        except OSError as error:
            udp.close()
            self._end(text_of(error))
            return
        try:
            local, _ = _first_free(0, lambda chosen: library.bind(sock, chosen))
        except OSError as error:
            library.abort(sock)
            udp.close()
            self._end(text_of(error))
            return
        path = stack().path(udp, (host, udp_port))
        self._connecting(UdpWire(self, sock, path, (local, port), self._limits))
        try:
            library.connect(sock, path.number, port)
        except OSError as error:
            self._end(text_of(error))

    def accept(self, sock: int, path: Path, local: int) -> None:
        """Take the socket that a listener had for it."""
        self._number = stack().watch(self._turn)
        stack().library.watch(sock, self._number)
        self._accepted(UdpWire(self, sock, path, (local, self.peer[1]), self._limits))

    def unreachable(self) -> None:
        """Nobody has the peer's UDP port."""
        self._end("nobody has its UDP port")

    def _turn(self) -> bool:
        self._writable()
        return self._readable()

    def _watch(self) -> None:
        stack().look(self._number)  # what came before it was watched

    def _watch_writable(self) -> None:
        """It is always watched."""

    def _unwatch(self) -> None:
        stack().unwatch(self._number)


class UdpWire:
    """Messages on one association."""

    def __init__(
        self, association: UdpAssociation, sock: int, path: Path, ports: tuple[int, int], limits: SctpLimits
    ) -> None:
        """`ports`: SCTP ports, ours and the peer's."""
        self._stack: Final[Stack] = stack()
        self._socket: Final = sock
        self._path: Final = path
        self._ports: Final = b"".join(port.to_bytes(2, "big") for port in ports)
        self._most: Final = limits.messages_per_turn
        self._in: Final = Assembler(limits.message_bytes)
        self._out: Final[deque[tuple[int, bytes]]] = deque()
        self._streams = STREAMS
        self._association: Final = association
        self._stack.join(path, self._ports, association)
        self.local: Final = (path.udp.address[0], ports[0])
        self.queued = 0

    @property
    def partial(self) -> bool:
        return self._in.partial

    def opened(self) -> None:
        """There is nothing to be set on it."""

    def receive(self) -> WireRead:
        messages: list[tuple[int, bytes]] = []
        for _ in range(self._most):
            try:
                data, flags, stream = self._stack.library.receive(self._socket)
            except BlockingIOError:
                return WireRead(messages)
            if flags & USRSCTP.notification:
                said = read_notification(data, USRSCTP)
                if said is None:
                    continue
                if said.change is Change.UP or said.change is Change.RESTARTED:
                    self._streams = said.streams
                    restarted = said.change is Change.RESTARTED
                    return WireRead(messages, came_up=not restarted, restarted=restarted)
                return WireRead(messages, said.change.value)
            if not data:
                return WireRead(messages, Change.SHUT_DOWN.value)
            whole = self._in.add(data, flags)
            if whole is not None:
                messages.append((stream, whole))
            elif self._in.overlong:
                return WireRead(messages, "a message longer than any that is taken")
        return WireRead(messages, more=True)

    def push(self, stream: int, data: bytes) -> None:
        self._out.append((stream, data))
        self.queued += len(data)

    def flush(self) -> bool:
        out = self._out
        while out:
            stream, data = out[0]
            try:
                self._stack.library.send(self._socket, fold_stream(stream, self._streams), data)
            except BlockingIOError:
                return False
            out.popleft()
            self.queued -= len(data)
        return True

    def shutdown(self) -> None:
        self._stack.library.shutdown(self._socket)

    def abort(self) -> None:
        self._stack.library.abort(self._socket)
        self._stack.leave(self._path, self._ports, self._association)


def _first_free(port: int, take: Callable[[int], Taken]) -> tuple[int, Taken]:
    """An SCTP port, and what `take` made of it: that one, or for 0 one that was chosen. Raises what `take` raises."""
    for _ in range(CHOICES):
        chosen = port or CHOSEN_PORTS[secrets.randbelow(len(CHOSEN_PORTS))]
        try:
            return chosen, take(chosen)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, "no SCTP port was found that is free")


def _any_address(host: str) -> str:
    return "::" if ":" in host else "0.0.0.0"  # noqa: S104 - connected at once: the system puts our address there
