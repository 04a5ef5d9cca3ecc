"""Packets of SCTP as far as they are looked at before libusrsctp has them: a filter, not a reader.

Its version 0.9.5 never returns from an INIT with a parameter of no length. So a packet whose lengths cannot be, by RFC
9260 section 3, stays outside, and so does one with chunks of extensions, which our side never offers.
"""

from __future__ import annotations

from typing import Final

COMMON_HEADER: Final = 12
"""Bytes of ports, verification tag and checksum (RFC 9260 section 3.1)."""
INIT: Final = 1
_LEAST: Final = (17, 20, 20, 16, 8, 8, 4, 8, 4, 4, 4, 4, 8, 4, 4)
"""Bytes of the shortest chunk of each type: DATA, INIT, INIT ACK, SACK, HEARTBEAT, HEARTBEAT ACK, ABORT, SHUTDOWN,
SHUTDOWN ACK, ERROR, COOKIE ECHO, COOKIE ACK, ECNE, CWR, SHUTDOWN COMPLETE (RFC 9260 section 3.2)."""
_PARAMETERS_FROM: Final = {1: 20, 2: 20, 4: 4, 5: 4, 6: 4, 9: 4}
"""Where the parameters, or causes, begin in the chunks that have any."""
_ALONE: Final = frozenset({1, 2, 14})
"""INIT, INIT ACK and SHUTDOWN COMPLETE share a packet with no other chunk (RFC 9260 section 6.10)."""


def is_sound(packet: bytes) -> bool:
    """Whether all lengths in a packet can be, and all its chunks are of RFC 9260 itself."""
    at, end = COMMON_HEADER, len(packet)
    if at + 4 > end:
        return False
    while at < end:
        if at + 4 > end:
            return False
        kind, length = packet[at], packet[at + 2] << 8 | packet[at + 3]
        if kind >= len(_LEAST) or length < _LEAST[kind] or at + length > end:
            return False
        first = _PARAMETERS_FROM.get(kind)
        if first is not None and not _has_sound_parameters(packet, at + first, at + length):
            return False
        if kind in _ALONE and (at != COMMON_HEADER or at + (length + 3 & ~3) < end):
            return False
        at += length + 3 & ~3
    return True


def _has_sound_parameters(packet: bytes, at: int, end: int) -> bool:
    while at < end:
        if at + 4 > end:
            return False
        length = packet[at + 2] << 8 | packet[at + 3]
        if length < 4 or at + length > end:
            return False
        at += length + 3 & ~3
    return True
