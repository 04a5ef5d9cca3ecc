"""What the socket API of SCTP says in structures beside the data (RFC 6458): bytes in and out, nothing done.

Both implementations that the carriers use lay the structures out alike, in the machine's byte order, and differ in the
numbers: those are in an `Api`.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

from gateway.transport.sctp.carrier import M3UA_PPID

IPPROTO_SCTP: Final = 132
MSG_EOR: Final = 0x80
"""With this piece a message is whole."""
RTO_MS: Final = (1_000, 2_000, 500)
"""Retransmission timeout: initial, longest, shortest. RFC 9260 section 16 proposes 1, 60 and 1 s, for any network; a
signalling link must be given up before the calls on it are."""
RETRANSMISSIONS: Final = 5
"""Without an answer, before the association is lost: ten seconds after a message that found nobody."""
HEARTBEAT_MS: Final = 5_000
"""Without data, before the peer is asked whether it is there (RFC 9260 section 8.3; section 16 proposes 30 s). A silent
association is lost after three quarters of a minute."""
INIT_ATTEMPTS: Final = 4

_SNDINFO: Final = struct.Struct("=HHIII")
_RCVINFO: Final = struct.Struct("=HHHxxIIIII")
_NOTIFICATION: Final = struct.Struct("=HHI")
_ASSOC_CHANGE: Final = struct.Struct("=HHIHHHHI")
_INITMSG: Final = struct.Struct("=HHHH")
_RTOINFO: Final = struct.Struct("=IIII")


class Api(NamedTuple):
    """The numbers of one implementation."""

    notification: int
    """Flag of a message that is a notification (MSG_NOTIFICATION)."""
    assoc_change: int
    shutdown_event: int
    comm_up: int
    """State of an association change (SCTP_COMM_UP); the others follow it in the order of RFC 6458 section 6.1.1."""


LINUX: Final = Api(notification=0x8000, assoc_change=0x8001, shutdown_event=0x8005, comm_up=0)
USRSCTP: Final = Api(notification=0x2000, assoc_change=0x0001, shutdown_event=0x0005, comm_up=1)


class Change(Enum):
    """What a notification says of an association; the value is for a person."""

    UP = "up"
    LOST = "the peer is lost, or has aborted"
    RESTARTED = "the peer restarted"
    SHUT_DOWN = "shut down"
    FAILED = "no answer, or a refusal"


_STATES: Final = (Change.UP, Change.LOST, Change.RESTARTED, Change.SHUT_DOWN, Change.FAILED)


class Notification(NamedTuple):
    """A change of the association."""

    change: Change
    streams: int
    """Outbound streams, where it is up."""


def send_info(stream: int) -> bytes:
    """``struct sctp_sndinfo`` of an M3UA message (RFC 6458 section 5.3.4)."""
    return _SNDINFO.pack(stream, 0, socket.htonl(M3UA_PPID), 0, 0)


def stream_of(info: bytes) -> int:
    """The stream in a ``struct sctp_rcvinfo`` (RFC 6458 section 5.3.5); 0 where it is cut short."""
    return int(_RCVINFO.unpack_from(info)[0]) if len(info) >= _RCVINFO.size else 0


def stream_beside(ancillary: Iterable[tuple[int, int, bytes]], rcvinfo: int) -> int:
    """The stream in the ancillary data of a message, which has it in an item of type `rcvinfo`."""
    for level, kind, data in ancillary:
        if level == IPPROTO_SCTP and kind == rcvinfo:
            return stream_of(data)
    return 0


def read_notification(data: bytes, api: Api) -> Notification | None:
    """What a notification says of the association (RFC 6458 section 6.1); None: nothing that matters here."""
    if len(data) < _NOTIFICATION.size or _NOTIFICATION.unpack_from(data)[0] != api.assoc_change:
        return None
    if len(data) < _ASSOC_CHANGE.size:
        return None
    _, _, _, state, _, outbound, _, _ = _ASSOC_CHANGE.unpack_from(data)
    state -= api.comm_up
    return Notification(_STATES[state], outbound) if 0 <= state < len(_STATES) else None


def init_message(streams: int, timeout_ms: int) -> bytes:
    """``struct sctp_initmsg`` (RFC 6458 section 8.1.3)."""
    return _INITMSG.pack(streams, streams, INIT_ATTEMPTS, timeout_ms)


def retransmission_timeouts() -> bytes:
    """``struct sctp_rtoinfo`` (RFC 6458 section 8.1.1)."""
    initial, longest, shortest = RTO_MS
    return _RTOINFO.pack(0, initial, longest, shortest)


class Assembler:
    """Puts messages together that come in pieces: the API gives a long one so (RFC 6458 section 6.1.7)."""

    def __init__(self, message_bytes: int) -> None:
        """`message_bytes`: of the longest message that is taken."""
        self._most: Final = message_bytes
        self._pieces: Final = bytearray()

    @property
    def partial(self) -> bool:
        """Whether the beginning of a message is there."""
        return bool(self._pieces)

    @property
    def overlong(self) -> bool:
        """Whether a message is longer than any that is taken. Nothing after it can be read."""
        return len(self._pieces) > self._most

    def add(self, piece: bytes, flags: int) -> bytes | None:
        """The message that is whole with this piece, if one is."""
        if flags & MSG_EOR and not self._pieces:
            if len(piece) <= self._most:
                return piece
            self._pieces.extend(piece)
            return None
        self._pieces.extend(piece)
        if not flags & MSG_EOR or self.overlong:
            return None
        whole = bytes(self._pieces)
        self._pieces.clear()
        return whole
