"""MTP level 2 (Q.703, T1.111.3). Only as much as finds the message signal units in the frames of a capture."""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed

_MIN_MSU: Final = 3
"""A length indicator of 0 is a fill-in signal unit, of 1 or 2 a link status signal unit (Q.703 section 2.3.3)."""
_LENGTH_FULL: Final = 63
"""Length indicator of every message of 63 octets and more, where it has six bits."""
_GOOD_CHECK: Final = 0xF0B8
"""What the check of a frame with its own check bits behind it always comes to (Q.703 section 4.2)."""


def _check_table() -> tuple[int, ...]:
    table = []
    for octet in range(256):
        for _ in range(8):
            octet = octet >> 1 ^ (0x8408 if octet & 1 else 0)
        table.append(octet)
    return tuple(table)


_CHECK: Final = _check_table()


def msu_of_mtp2(data: bytes, start: int = 0, *, annex_a: bool = False) -> tuple[int, int] | None:
    """Where the message signal unit of a frame stands, from its service information octet to its end.

    The frame begins at `start`, without flags; check bits at its end may be there or not. `annex_a`: the format of high
    speed links, sequence numbers of 12 bits and a length indicator of nine (Q.703 Annex A). None in fill-in and link
    status signal units. Raises Malformed with the offset in `data`.
    """
    first = start + (6 if annex_a else 3)
    if len(data) < first:
        raise Malformed("the frame ends within its MTP2 header", len(data))
    length = (data[start + 4] | data[start + 5] << 8) & 0x1FF if annex_a else data[start + 2] & 0x3F
    if length < _MIN_MSU:
        return None
    if length == _LENGTH_FULL and not annex_a:
        end = _end_before_check(data, start)
        if end - first < length:
            raise Malformed(f"a message of at least {length} octets, and {end - first} are there", len(data))
        return first, end
    if first + length > len(data):
        raise Malformed(f"a message of {length} octets, and {len(data) - first} are there", len(data))
    return first, first + length


def _end_before_check(data: bytes, start: int) -> int:
    """The end of a frame whose length indicator does not tell it: before the check bits, if such are at its end."""
    check = 0xFFFF
    for at in range(start, len(data)):
        check = check >> 8 ^ _CHECK[(check ^ data[at]) & 0xFF]
    return len(data) - 2 if check == _GOOD_CHECK else len(data)
