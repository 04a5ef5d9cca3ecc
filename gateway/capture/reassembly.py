"""Putting fragmented IP datagrams together again (RFC 791 section 3.2, RFC 8200 section 4.5).

Overlapping fragments are refused with their whole datagram (RFC 5722 for IPv6; the same is done for IPv4, where an
overlap lets one capture be read in two ways). Exact copies, as a port mirror makes them, are dropped instead, as
RFC 8200 allows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from operator import attrgetter
from typing import NamedTuple

from gateway.capture.faults import CaptureLimits, FaultKind, FaultLog, SkipCount

_LARGEST_DATAGRAM = 65_535
_position = attrgetter("position")

Key = tuple[bytes, bytes, int, int]
"""Source, destination, identification, and protocol (IPv4) or -1 (IPv6)."""

Piece = tuple[int, int, int]
"""Of a reassembled payload: where the piece starts in it, its byte offset in the file, its length."""


class Fragment(NamedTuple):
    """The payload of one IP fragment, and where it goes."""

    frame: int
    at_us: int
    file_offset: int
    """Byte offset in the file of ``data[0]``."""
    protocol: int
    """Protocol, or next header; of IPv6 only the first fragment's counts."""
    position: int
    """Byte offset in the datagram's payload."""
    more: bool
    data: bytes


class Whole(NamedTuple):
    """A reassembled payload."""

    protocol: int
    data: bytes
    pieces: tuple[Piece, ...]


class _Partial:
    """A datagram whose fragments are being collected. One that is refused keeps its place, to refuse the rest of it."""

    __slots__ = ("at_us", "file_offset", "fragments", "frame", "refused", "size", "total")

    def __init__(self, first: Fragment) -> None:
        self.frame = first.frame
        self.at_us = first.at_us
        self.file_offset = first.file_offset
        self.fragments: list[Fragment] = []
        self.size = 0
        self.total: int | None = None
        self.refused = False

    def clash(self, fragment: Fragment, index: int) -> str | None:
        """How a fragment that is to be inserted at `index` contradicts those already here; None if it fits."""
        start, end = fragment.position, fragment.position + len(fragment.data)
        if index and (before := self.fragments[index - 1]).position + len(before.data) > start:
            return f"overlaps that of frame {before.frame}"
        if index < len(self.fragments) and (after := self.fragments[index]).position < end:
            return f"overlaps that of frame {after.frame}"
        if self.total is not None and (end > self.total or (not fragment.more and end != self.total)):
            return f"goes past the datagram's end at {self.total}"
        if not fragment.more and self.fragments and self.fragments[-1].position >= end:
            return f"is the last, and frame {self.fragments[-1].frame} lies behind it"
        return None


class Reassembly:
    """The fragmented datagrams of one capture; bounded in count, bytes, fragments and capture time."""

    def __init__(self, faults: FaultLog, skipped: SkipCount, limits: CaptureLimits) -> None:
        self._faults = faults
        self._skipped = skipped
        self._limits = limits
        self._partials: OrderedDict[Key, _Partial] = OrderedDict()
        self._completed: OrderedDict[Key, int] = OrderedDict()
        self._bytes = 0

    def add(self, key: Key, fragment: Fragment) -> Whole | None:
        """Take a fragment; the whole payload if it was the last one missing."""
        self._expire(fragment.at_us)
        problem = _problem_of(fragment)
        if problem is not None:
            self._report(FaultKind.BAD_FRAGMENT, fragment, problem, "the fragment is ignored")
            return None
        partial = self._partials.get(key)
        if partial is None:
            partial = self._partials[key] = _Partial(fragment)
            if len(self._partials) > self._limits.reassemblies:
                self._evict(f"more than {self._limits.reassemblies} fragmented datagrams at once")
        if partial.refused:
            self._skipped.add("fragments of a refused IP datagram")
            return None
        if not self._insert(partial, fragment):
            return None
        if partial.size != partial.total:
            while self._bytes > self._limits.reassembly_bytes:
                self._evict(f"more than {self._limits.reassembly_bytes} bytes of fragments at once")
            return None
        del self._partials[key]
        self._bytes -= partial.size
        self._remember(key, fragment.at_us)
        return _joined(partial)

    def refuse(self, key: Key, fragment: Fragment, what: str) -> None:
        """Take note of a fragment that was not captured whole: its datagram cannot be had any more."""
        partial = self._partials.setdefault(key, _Partial(fragment))
        if len(self._partials) > self._limits.reassemblies:
            self._evict(f"more than {self._limits.reassemblies} fragmented datagrams at once")
        self._refuse(partial, fragment, FaultKind.CUT_SHORT, what)

    def finish(self) -> None:
        """The capture is over: report what was never completed."""
        while self._partials:
            self._give_up("the capture ended")

    def _insert(self, partial: _Partial, fragment: Fragment) -> bool:
        """Put a fragment in its place; false if it is a copy, or made the datagram be refused."""
        fragments = partial.fragments
        index = bisect_left(fragments, fragment.position, key=_position)
        if index < len(fragments) and fragments[index][4:] == fragment[4:]:
            self._skipped.add("repeated IP fragments")
            return False
        clash = partial.clash(fragment, index)
        if clash is not None:
            self._refuse(partial, fragment, FaultKind.OVERLAPPING_FRAGMENTS, f"the fragment {clash} (RFC 5722)")
            return False
        if len(fragments) >= self._limits.fragments:
            self._refuse(
                partial, fragment, FaultKind.LIMIT, f"more than {self._limits.fragments} fragments of a datagram"
            )
            return False
        fragments.insert(index, fragment)
        partial.size += len(fragment.data)
        self._bytes += len(fragment.data)
        if not fragment.more:
            partial.total = fragment.position + len(fragment.data)
        return True

    def _refuse(self, partial: _Partial, fragment: Fragment, kind: FaultKind, what: str) -> None:
        if partial.refused:
            self._skipped.add("fragments of a refused IP datagram")
            return
        self._bytes -= partial.size
        partial.fragments.clear()
        partial.size = 0
        partial.refused = True
        self._report(kind, fragment, what, "the whole datagram is refused, and what else comes of it")

    def _expire(self, at_us: int) -> None:
        # The time may also run backwards, where captures were joined: that too puts fragments apart.
        while self._partials:
            oldest = next(iter(self._partials.values()))
            if abs(at_us - oldest.at_us) <= self._limits.reassembly_timeout_us:
                return
            self._give_up(f"nothing came in {self._limits.reassembly_timeout_us // 1_000_000} s")

    def _evict(self, why: str) -> None:
        self._give_up(why, FaultKind.LIMIT)

    def _give_up(self, why: str, kind: FaultKind = FaultKind.INCOMPLETE_DATAGRAM) -> None:
        """Drop the oldest datagram in progress, and say so."""
        key, partial = self._partials.popitem(last=False)
        self._bytes -= partial.size
        if partial.refused:
            return  # said already
        completed_at_us = self._completed.get(key)
        if completed_at_us is not None and partial.at_us - completed_at_us <= self._limits.reassembly_timeout_us:
            self._skipped.add("repeated IP fragments")
            return
        total = "an unknown number of" if partial.total is None else str(partial.total)
        self._faults.report(
            kind,
            partial.frame,
            partial.file_offset,
            f"{partial.size} of {total} bytes of a fragmented datagram, {why}",
            "the datagram is lost",
        )

    def _remember(self, key: Key, at_us: int) -> None:
        """Keep in mind that a datagram was completed, so that late copies of its fragments are known as such."""
        self._completed[key] = at_us
        self._completed.move_to_end(key)
        if len(self._completed) > self._limits.reassemblies:
            self._completed.popitem(last=False)

    def _report(self, kind: FaultKind, fragment: Fragment, what: str, meaning: str) -> None:
        self._faults.report(kind, fragment.frame, fragment.file_offset, what, meaning)


def _problem_of(fragment: Fragment) -> str | None:
    """What makes a fragment impossible by itself."""
    size = len(fragment.data)
    if not size:
        return "a fragment without payload"
    if fragment.more and size % 8:
        return f"a fragment of {size} bytes that is not the last: not a multiple of 8"
    if fragment.position + size > _LARGEST_DATAGRAM:
        return f"a fragment that ends at {fragment.position + size}, past the largest datagram"
    return None


def _joined(partial: _Partial) -> Whole:
    fragments = partial.fragments
    pieces = tuple((fragment.position, fragment.file_offset, len(fragment.data)) for fragment in fragments)
    return Whole(fragments[0].protocol, b"".join(fragment.data for fragment in fragments), pieces)
