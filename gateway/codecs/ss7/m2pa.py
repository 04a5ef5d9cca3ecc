"""M2PA: MTP level 2 between two peers over SCTP (RFC 4165). Only as much as finds the message signal units."""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed

_USER_DATA: Final = 0x0B01
"""Class 11, M2PA, type 1, User Data (RFC 4165 section 2.1)."""
_SEQUENCE_NUMBERS_END: Final = 16
"""Common header, then backward and forward sequence number, each 24 bits behind an unused octet (section 2.2)."""
_MAX_LENGTH: Final = 65_535


def msu_of_m2pa(data: bytes) -> tuple[int, int] | None:
    """Where the message signal unit stands, from its service information octet to its end.

    None in a link status and in User Data without data, which only acknowledges. Raises Malformed with the offset in
    `data`.
    """
    if len(data) < 8:
        raise Malformed("the message ends within its M2PA header", len(data))
    length = int.from_bytes(data[4:8], "big")
    if data[0] != 1:
        raise Malformed(f"version {data[0]} of M2PA, not 1", 0)
    if not _SEQUENCE_NUMBERS_END <= length <= min(len(data), _MAX_LENGTH):
        raise Malformed(f"an M2PA message of {length} octets, and {len(data)} came", 4)
    if data[2] << 8 | data[3] != _USER_DATA or length == _SEQUENCE_NUMBERS_END:
        return None
    first = _SEQUENCE_NUMBERS_END + 1  # behind the octet of the message priority (section 2.2.1)
    if first >= length:
        raise Malformed("user data without a message", length)
    return first, length
