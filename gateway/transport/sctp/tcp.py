"""M3UA messages one after the other on TCP, for machines and peers without SCTP.

RFC 4666 knows no such thing: it asks for SCTP. What comes closest in other products is cut in the same way, by the
length in the common header (RFC 4666 section 3.1.4). TCP has no streams: a message has the stream that it would have
over SCTP, 1 for DATA and 0 for all else; what waits behind a lost segment waits on all of them.
"""

from __future__ import annotations

import socket
from typing import Final

from gateway.interconnection.links import Address, LinkCarrier
from gateway.transport.connection import notice_a_vanished_peer
from gateway.transport.sctp.association import WireRead
from gateway.transport.sctp.carrier import SctpLimits
from gateway.transport.sctp.sockets import abort

TURN_BYTES: Final = 8_192
"""Read before others get their turn: some eighty messages of ISUP, a thousand of the shortest ones."""
HEADER_BYTES: Final = 8
"""Version, spare, class, type, and the length of the whole message in four bytes."""
_TRANSFER_CLASS: Final = 1


class TcpSockets:
    """Sockets of TCP."""

    kind: Final = LinkCarrier.TCP

    def open(self, family: socket.AddressFamily) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        return sock

    def wire(self, sock: socket.socket, limits: SctpLimits) -> TcpWire:
        return TcpWire(sock, limits.message_bytes)


class TcpWire:
    """Messages on one connection."""

    def __init__(self, sock: socket.socket, message_bytes: int) -> None:
        self._socket: Final = sock
        self._in: Final = MessageCutter(message_bytes)
        self._out: Final = bytearray()

    @property
    def queued(self) -> int:
        return len(self._out)

    @property
    def partial(self) -> bool:
        return self._in.partial

    def opened(self) -> None:
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        notice_a_vanished_peer(self._socket)

    @property
    def local(self) -> Address:
        address: Address = self._socket.getsockname()[:2]
        return address

    def receive(self) -> WireRead:
        try:
            data = self._socket.recv(TURN_BYTES)
        except BlockingIOError:
            return WireRead([])
        if not data:
            return WireRead([], "the peer closed the connection")
        messages, fault = self._in.cut(data)
        return WireRead([(int(message[2] == _TRANSFER_CLASS), message) for message in messages], fault)

    def push(self, stream: int, data: bytes) -> None:  # noqa: ARG002 - there are no streams
        self._out.extend(data)

    def flush(self) -> bool:
        out = self._out
        try:
            while out:
                del out[: self._socket.send(out)]
        except BlockingIOError:
            return False
        return True

    def shutdown(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        abort(self._socket)


class MessageCutter:
    """Cuts a stream into M3UA messages."""

    def __init__(self, message_bytes: int) -> None:
        """`message_bytes`: of the longest message that is taken."""
        self._most: Final = message_bytes
        self._rest: Final = bytearray()
        """The beginning of a message."""

    @property
    def partial(self) -> bool:
        """Whether the beginning of a message is there."""
        return bool(self._rest)

    def cut(self, data: bytes) -> tuple[list[bytes], str | None]:
        """The messages that are whole with this piece of the stream; and why it cannot be cut any further, if so."""
        if self._rest:
            self._rest.extend(data)
            if len(self._rest) < HEADER_BYTES or len(self._rest) < _length_at(self._rest, 0) <= self._most:
                return [], None
            data = bytes(self._rest)
            self._rest.clear()
        messages: list[bytes] = []
        start, end = 0, len(data)
        while end - start >= HEADER_BYTES:
            length = _length_at(data, start)
            if not HEADER_BYTES <= length <= self._most:
                return messages, f"a message of {length} bytes was announced"
            if end - start < length:
                break
            messages.append(data[start : start + length])
            start += length
        self._rest.extend(data[start:])
        return messages, None


def _length_at(data: bytes | bytearray, start: int) -> int:
    return int.from_bytes(data[start + 4 : start + 8], "big")
