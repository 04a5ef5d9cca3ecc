"""Bytes of a capture that know where in the file they stand, through every layer that cuts or joins them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.capture.reassembly import Piece


class Stretch(NamedTuple):
    """Some bytes of a capture, in one piece of the file or in several."""

    data: bytes
    offset: int
    """Byte offset in the file of ``data[0]``."""
    pieces: tuple[Piece, ...] = ()
    """Of bytes that stand in several places: (start in `data`, byte offset in the file, length). Else empty."""

    def part(self, start: int, end: int) -> Stretch:
        """Bytes `start` to `end` of it, which must be within it."""
        if not self.pieces:
            return Stretch(self.data[start:end], self.offset + start)
        return Stretch(self.data[start:end], file_offset(self.pieces, start), shifted(self.pieces, start, end))


def joined(stretches: Sequence[Stretch]) -> Stretch:
    """One stretch of several, which are at least one."""
    if len(stretches) == 1:
        return stretches[0]
    pieces: list[Piece] = []
    start = 0
    for data, offset, within in stretches:
        pieces += [(start + at, place, length) for at, place, length in within or ((0, offset, len(data)),)]
        start += len(data)
    return Stretch(b"".join(stretch.data for stretch in stretches), stretches[0].offset, tuple(pieces))


def file_offset(pieces: tuple[Piece, ...], position: int) -> int:
    """Where byte `position` of reassembled bytes stands in the file; beyond their end, behind the last piece."""
    for start, offset, length in pieces:
        if position < start + length:
            return offset + position - start
    start, offset, _ = pieces[-1]
    return offset + position - start


def shifted(pieces: tuple[Piece, ...], first: int, end: int) -> tuple[Piece, ...]:
    """The pieces of bytes ``first:end`` of what `pieces` is of."""
    kept = []
    for start, offset, length in pieces:
        begin, finish = max(start, first), min(start + length, end)
        if begin < finish:
            kept.append((begin - first, offset + begin - start, finish - begin))
    return tuple(kept)
