"""SCTP of the operating system (RFC 9260), by one-to-one sockets (RFC 6458 section 4). The numbers are Linux's."""

from __future__ import annotations

import socket
import struct
import sys
from collections import deque
from typing import Final

from gateway.interconnection.links import Address, LinkCarrier
from gateway.transport.sctp.ancillary import (
    HEARTBEAT_MS,
    IPPROTO_SCTP,
    LINUX,
    RETRANSMISSIONS,
    RTO_MS,
    Assembler,
    Change,
    init_message,
    read_notification,
    retransmission_timeouts,
    send_info,
    stream_beside,
)
from gateway.transport.sctp.association import WireRead
from gateway.transport.sctp.carrier import STREAMS, SctpLimits, fold_stream
from gateway.transport.sctp.sockets import abort

PIECE_BYTES: Final = 1 << 16
"""Read at a time."""
_SCTP_RTOINFO: Final = 0
_SCTP_ASSOCINFO: Final = 1
_SCTP_INITMSG: Final = 2
_SCTP_NODELAY: Final = 3
_SCTP_PEER_ADDR_PARAMS: Final = 9
_SCTP_EVENTS: Final = 11
_SCTP_STATUS: Final = 14
_SCTP_RECVRCVINFO: Final = 32
_SNDINFO_TYPE: Final = 2
_RCVINFO_TYPE: Final = 3
_HEARTBEATS_ON: Final = 1
_STATUS: Final = struct.Struct("=iiIHHHH")
_ANCILLARY_BYTES: Final = socket.CMSG_SPACE(64)


def association_parameters() -> bytes:
    """``struct sctp_assocparams`` as Linux has it: how often is sent again before the association is lost."""
    return struct.pack("=iHHIII", 0, RETRANSMISSIONS, 0, 0, 0, 0)


def path_parameters() -> bytes:
    """``struct sctp_paddrparams`` as Linux has it, for all addresses of peers: the heartbeat."""
    return struct.pack("=i128sIHIII", 0, b"", HEARTBEAT_MS, RETRANSMISSIONS, 0, 0, _HEARTBEATS_ON) + bytes(6)


def outbound_streams(status: bytes) -> int:
    """Of a ``struct sctp_status``."""
    return int(_STATUS.unpack_from(status)[6]) if len(status) >= _STATUS.size else 1


def missing() -> str | None:
    """Why there is no SCTP of the kernel here; None where there is."""
    if sys.platform != "linux":
        return f"it is for Linux, and this is {sys.platform}"
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_SCTP).close()
    except OSError as error:
        return f"the kernel has no SCTP ({error.strerror}); `modprobe sctp` may give it one"
    return None


class KernelSockets:
    """One-to-one sockets of SCTP."""

    kind: Final = LinkCarrier.KERNEL

    def open(self, family: socket.AddressFamily) -> socket.socket:
        """What is set here, the sockets of accepted associations have too."""
        sock = socket.socket(family, socket.SOCK_STREAM, IPPROTO_SCTP)
        try:
            sock.setblocking(False)
            sock.setsockopt(IPPROTO_SCTP, _SCTP_INITMSG, init_message(STREAMS, RTO_MS[1]))
            sock.setsockopt(IPPROTO_SCTP, _SCTP_RTOINFO, retransmission_timeouts())
            sock.setsockopt(IPPROTO_SCTP, _SCTP_ASSOCINFO, association_parameters())
            sock.setsockopt(IPPROTO_SCTP, _SCTP_PEER_ADDR_PARAMS, path_parameters())
            sock.setsockopt(IPPROTO_SCTP, _SCTP_NODELAY, 1)
            sock.setsockopt(IPPROTO_SCTP, _SCTP_RECVRCVINFO, 1)
            sock.setsockopt(IPPROTO_SCTP, _SCTP_EVENTS, bytes((0, 1, 0, 0, 0, 1)))  # changes, and the peer's shutdown
        except OSError:
            sock.close()
            raise
        return sock

    def wire(self, sock: socket.socket, limits: SctpLimits) -> KernelWire:
        return KernelWire(sock, limits)


class KernelWire:
    """Messages on one association."""

    def __init__(self, sock: socket.socket, limits: SctpLimits) -> None:
        self._socket: Final = sock
        self._most: Final = limits.messages_per_turn
        self._in: Final = Assembler(limits.message_bytes)
        self._out: Final[deque[tuple[int, bytes]]] = deque()
        self._streams = 1
        self._ended = False
        """The peer has shut the association down."""
        self.queued = 0

    @property
    def partial(self) -> bool:
        return self._in.partial

    def opened(self) -> None:
        self._streams = outbound_streams(self._socket.getsockopt(IPPROTO_SCTP, _SCTP_STATUS, 256))

    @property
    def local(self) -> Address:
        address: Address = self._socket.getsockname()[:2]
        return address

    def receive(self) -> WireRead:
        messages: list[tuple[int, bytes]] = []
        for _ in range(self._most):
            try:
                data, beside, flags, _ = self._socket.recvmsg(PIECE_BYTES, _ANCILLARY_BYTES)
            except BlockingIOError:
                return WireRead(messages)
            if flags & LINUX.notification:
                said = read_notification(data, LINUX)
                if said is not None and said.change is Change.RESTARTED:
                    self._streams = said.streams
                    return WireRead(messages, restarted=True)
                if said is not None and said.change is not Change.UP:
                    return WireRead(messages, said.change.value)
            elif not data:
                self._ended = True
                return WireRead(messages, Change.SHUT_DOWN.value)
            else:
                whole = self._in.add(data, flags)
                if whole is not None:
                    messages.append((stream_beside(beside, _RCVINFO_TYPE), whole))
                elif self._in.overlong:
                    return WireRead(messages, "a message longer than any that is taken")
        return WireRead(messages, more=True)

    def push(self, stream: int, data: bytes) -> None:
        self._out.append((fold_stream(stream, self._streams), data))
        self.queued += len(data)

    def flush(self) -> bool:
        out = self._out
        while out:
            stream, data = out[0]
            try:
                self._socket.sendmsg((data,), ((IPPROTO_SCTP, _SNDINFO_TYPE, send_info(stream)),))
            except BlockingIOError:
                return False
            out.popleft()
            self.queued -= len(data)
        return True

    def shutdown(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        if self._ended:  # the kernel finishes the shutdown
            self._socket.close()
        else:
            abort(self._socket)
