"""M2UA: a signalling link's messages over SCTP (RFC 3331). Only as much as finds the message signal units."""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.m3ua import HEADER_LENGTH, MAX_LENGTH, MAX_PARAMETERS

_MAUP_DATA: Final = 0x0601
"""Class 6, MTP2 user adaptation, type 1, Data (RFC 3331 section 3.1.3)."""
_PROTOCOL_DATA_1: Final = 0x0300
_PROTOCOL_DATA_2: Final = 0x0301
"""Of the Japanese edition of MTP2, with the length indicator in front (RFC 3331 section 3.3.1.1)."""


def msu_of_m2ua(data: bytes) -> tuple[int, int] | None:
    """Where the message signal unit stands, from its service information octet to its end; None in other messages.

    The header is the same as that of M3UA. Raises Malformed with the offset in `data`.
    """
    if len(data) < HEADER_LENGTH:
        raise Malformed("the message ends within its M2UA header", len(data))
    length = int.from_bytes(data[4:8], "big")
    if data[0] != 1:
        raise Malformed(f"version {data[0]} of M2UA, not 1", 0)
    if not HEADER_LENGTH <= length <= min(len(data), MAX_LENGTH):
        raise Malformed(f"an M2UA message of {length} octets, and {len(data)} came", 4)
    if data[2] << 8 | data[3] != _MAUP_DATA:
        return None
    return _protocol_data(data, length)


def _protocol_data(data: bytes, end: int) -> tuple[int, int]:
    at = HEADER_LENGTH
    for _ in range(MAX_PARAMETERS):
        if at + 4 > end:
            raise Malformed("no protocol data", min(at, end))
        tag, length = data[at] << 8 | data[at + 1], data[at + 2] << 8 | data[at + 3]
        if length < 4 or at + length > end:
            raise Malformed(f"a parameter of {length} octets, and {end - at} are left", at + 2)
        first = at + (5 if tag == _PROTOCOL_DATA_2 else 4)
        if tag in (_PROTOCOL_DATA_1, _PROTOCOL_DATA_2):
            if first >= at + length:
                raise Malformed("protocol data without a message", at + length)
            return first, at + length
        at += length + 3 & ~3
    raise Malformed(f"more than {MAX_PARAMETERS} parameters", at)
