"""M3UA messages one after the other on TCP, for machines and peers without SCTP.

RFC 4666 knows no such thing: it asks for SCTP. What comes closest in other products is cut in the same way, by the
length in the common header (RFC 4666 section 3.1.4). TCP has no streams: a message has the stream that it would have
over SCTP, 1 for DATA and 0 for all else; what waits behind a lost segment waits on all of them.
"""

from __future__ import annotations

import socket
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.m3ua import MessageClass, message_length
from gateway.interconnection.links import Address, LinkCarrier
from gateway.transport.connection import notice_a_vanished_peer
from gateway.transport.sctp.association import WireRead
from gateway.transport.sctp.carrier import SctpLimits
from gateway.transport.sctp.sockets import abort

TURN_BYTES: Final = 8_192
"""Read before others get their turn: some eighty messages of ISUP, a thousand of the shortest ones."""


class TcpSockets:
    """Sockets of TCP."""

    kind: Final = LinkCarrier.TCP

    def open(self, family: socket.AddressFamily) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        return sock

    def wire(self, sock: socket.socket, limits: SctpLimits) -> TcpWire:  # noqa: ARG002 - the signature is of all kinds
        return TcpWire(sock)


class TcpWire:
    """Messages on one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket: Final = sock
        self._in: Final = MessageCutter()
        self._out: Final = bytearray()
        self._ended = False

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
            self._ended = True
            return WireRead([], "the peer closed the connection")
        messages, fault = self._in.cut(data)
        return WireRead([(int(message[2] == MessageClass.TRANSFER), message) for message in messages], fault, more=True)

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
        if self._ended:  # what was written last may still be on its way
            self._socket.close()
        else:
            abort(self._socket)


class MessageCutter:
    """Cuts a stream into M3UA messages, none longer than `MAX_LENGTH`."""

    def __init__(self) -> None:
        self._rest: Final = bytearray()
        """The beginning of a message."""

    @property
    def partial(self) -> bool:
        """Whether the beginning of a message is there."""
        return bool(self._rest)

    def cut(self, data: bytes) -> tuple[list[bytes], str | None]:
        """The messages that are whole with this piece of the stream; and why it cannot be cut any further, if so."""
        messages: list[bytes] = []
        start = 0
        try:
            if self._rest:
                self._rest.extend(data)
                length = message_length(self._rest)
                if length is None or len(self._rest) < length:
                    return messages, None
                data = bytes(self._rest)
                self._rest.clear()
            while (length := message_length(data, start)) is not None and len(data) - start >= length:
                messages.append(data[start : start + length])
                start += length
        except Malformed as fault:
            return messages, fault.what
        self._rest.extend(data[start:])
        return messages, None
