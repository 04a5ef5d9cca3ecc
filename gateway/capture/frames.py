"""A frame as the capture file holds it, and the sliding window of bytes through which the file is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol


class Frame(NamedTuple):
    """One packet of a capture file, in place: no bytes are copied."""

    number: int
    """1-based, as Wireshark numbers them."""
    at_us: int
    """Microseconds since the Unix epoch; 0 where the file does not say."""
    link_type: int
    """LINKTYPE_ number (the registry of tcpdump.org, the appendix of the pcapng draft)."""
    data: bytes
    """A window of the file that holds the whole frame."""
    start: int
    """Where in `data` the frame starts."""
    end: int
    """Where in `data` the captured part of the frame ends."""
    wire_end: int
    """Where it would end, had all of it been captured. Never less than `end`."""
    base: int
    """Byte offset in the file of ``data[0]``."""


class FrameSource(Protocol):
    """A capture file of some format. Iterating gives its frames, in file order, once."""

    def __iter__(self) -> Iterator[Frame]: ...


class ByteWindow:
    """A sliding window over a stream, so that a capture of any size is read in constant memory.

    `data` is replaced, never changed: a slice position stays good for as long as its `data` is held.
    """

    __slots__ = ("_ended", "_read_size", "_stream", "base", "data", "position")

    def __init__(self, stream: BinaryIO, read_size: int) -> None:
        self._stream = stream
        self._read_size = read_size
        self._ended = False
        self.data = b""
        self.position = 0
        """Where in `data` the next unread byte is."""
        self.base = 0
        """Byte offset in the file of ``data[0]``."""

    @property
    def offset(self) -> int:
        """Byte offset in the file of the next unread byte."""
        return self.base + self.position

    @property
    def available(self) -> int:
        """Bytes that are in the window and not read yet."""
        return len(self.data) - self.position

    def fill(self, need: int) -> bool:
        """Have at least `need` unread bytes in the window; false if the file ends before. May replace `data`."""
        have = len(self.data) - self.position
        if have >= need:
            return True
        pieces = [self.data[self.position :]]
        while have < need and not self._ended:
            piece = self._stream.read(max(self._read_size, need - have))
            if piece:
                pieces.append(piece)
                have += len(piece)
            else:
                self._ended = True
        self.base += self.position
        self.position = 0
        self.data = b"".join(pieces)
        return have >= need

    def skip(self, count: int) -> bool:
        """Pass over `count` bytes without holding them; false if the file ends before."""
        while count > self.available:
            count -= self.available
            self.position = len(self.data)
            if not self.fill(1):
                return False
        self.position += count
        return True
