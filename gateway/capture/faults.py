"""What a capture reader says of what it could not read: faults, skipped traffic, and files that are no captures.

Nothing is passed over in silence: damage is a `CaptureFault` with its place in the file, sound traffic that is not
wanted (TCP, ARP, ...) is counted by kind. Both are bounded, because a capture comes from outside.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """Bounds on what a capture may make its reader hold or do. Sizes in bytes, times in microseconds."""

    read_size: int = 1 << 20
    """How much is asked of the file at once."""
    frame_size: int = 262_144
    """The longest frame; libpcap's own bound (MAXIMUM_SNAPLEN). A longer one is a damaged record."""
    block_size: int = 1 << 20
    """The longest pcapng block that is looked into. Longer ones are passed over and reported."""
    interfaces: int = 4_096
    """Interfaces in one section of a pcapng file."""
    reassemblies: int = 1_024
    """Fragmented IP datagrams in progress at once."""
    reassembly_bytes: int = 16 << 20
    """Bytes held for all of them."""
    fragments: int = 256
    """Fragments of one datagram."""
    reassembly_timeout_us: int = 60_000_000
    """How long the fragments of a datagram may be apart, in capture time (RFC 8200 section 4.5)."""
    flows: int = 4_096
    """Directions of SCTP associations, and of TCP connections, that are followed at once."""
    addresses: int = 64
    """IP addresses of one end of an SCTP association."""
    streams: int = 4_096
    """SCTP streams of one direction whose order is kept; messages on others are read as they come."""
    chunks_remembered: int = 131_072
    """SCTP chunks, of all associations, that are known again when they are sent again."""
    held: int = 256
    """Messages of one SCTP stream, or segments of one TCP connection, that wait for one before them."""
    order_timeout_us: int = 10_000_000
    """How long they wait, in capture time: what is lost on the way is sent again within this (RFC 9260 section 6.3.1).
    """
    faults: int = 1_000
    """Faults that are listed. All are counted."""
    kinds: int = 256
    """Kinds of skipped traffic that are told apart."""


class NotACapture(Exception):
    """The file is neither pcap nor pcapng, so that nothing of it can be read."""

    def __init__(self, file: str, found: str, remedy: str) -> None:
        super().__init__(f"{file}: {found}; {remedy}")
        self.file = file
        self.found = found
        """What the first bytes of the file are."""
        self.remedy = remedy
        """What to do about it."""


class FaultKind(Enum):
    """What is wrong with a place in a capture."""

    TRUNCATED_FILE = "truncated file"  # the file ends inside a record
    BAD_RECORD = "bad record"  # the file's own framing is damaged: a record, a block, an option
    UNKNOWN_BLOCK = "unknown block"  # a pcapng block of a type that is not known
    UNKNOWN_LINK = "unknown link type"
    NO_TIME = "no time stamp"
    CUT_SHORT = "cut short"  # by the capture's snapshot length
    BAD_HEADER = "bad header"  # a link, IP or UDP header that contradicts itself
    BAD_LENGTH = "bad length"  # a length field that claims more than its carrier holds
    BAD_FRAGMENT = "bad fragment"
    OVERLAPPING_FRAGMENTS = "overlapping fragments"
    INCOMPLETE_DATAGRAM = "incomplete datagram"  # fragments are missing
    LIMIT = "limit reached"


class CaptureFault(NamedTuple):
    """One thing that could not be read, where it is, and what that means for the reader's result."""

    file: str
    frame: int
    """1-based number of the packet in the file; 0 where it is not inside a packet."""
    offset: int
    """Byte offset in the file."""
    kind: FaultKind
    what: str
    meaning: str

    def __str__(self) -> str:
        frame = f"frame {self.frame}, " if self.frame else ""
        return f"{self.file}: {frame}byte {self.offset}: {self.what}; {self.meaning}"


class FaultLog:
    """The faults of one file: the first ones listed, all of them counted."""

    def __init__(self, file: str, limit: int) -> None:
        self.file = file
        self.listed: list[CaptureFault] = []
        self.counts: Counter[FaultKind] = Counter()
        self._limit = limit

    def report(self, kind: FaultKind, frame: int, offset: int, what: str, meaning: str) -> None:
        """Count a fault, and list it while there is room; arguments as in `CaptureFault`."""
        self.counts[kind] += 1
        if len(self.listed) < self._limit:
            self.listed.append(CaptureFault(self.file, frame, offset, kind, what, meaning))

    @property
    def not_listed(self) -> int:
        """How many faults were counted and not listed."""
        return self.counts.total() - len(self.listed)


class SkipCount:
    """Sound traffic that was passed over, counted by kind."""

    OVERFLOW = "other kinds"

    def __init__(self, limit: int) -> None:
        self.by_kind: Counter[str] = Counter()
        self._limit = limit

    def add(self, kind: str) -> None:
        """Count one frame or packet; under `OVERFLOW` once there are too many kinds."""
        if kind not in self.by_kind and len(self.by_kind) >= self._limit:
            kind = self.OVERFLOW
        self.by_kind[kind] += 1
