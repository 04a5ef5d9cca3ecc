"""Messages of SS7 user parts as a capture holds them, whatever carried them."""

from __future__ import annotations

from typing import NamedTuple

from gateway.capture.reassembly import Piece
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Address


class Msu(NamedTuple):
    """A message signal unit, or what M3UA carries in its place."""

    at_us: int
    """When it was captured, microseconds since the Unix epoch; of one that was fragmented or overtaken, when its
    receiver had it."""
    source: Address | None
    destination: Address | None
    """IP addresses and ports of what carried it; None where that was a signalling link."""
    variant: Variant
    transfer: Mtp3Transfer
    frame: int
    """1-based number of the packet in the file that completed it."""
    offset: int
    """Byte offset in the file of ``transfer.data[0]``."""
    pieces: tuple[Piece, ...]
    """Where `transfer.data` stands in several places: (start, byte offset in the file, length). Else empty."""


class LinkMessage(NamedTuple):
    """A message of M3UA that carries none of a user part: how an association stands, or a destination."""

    at_us: int
    source: Address
    destination: Address
    """IP addresses and ports."""
    message: bytes
    """The whole of it; empty where SCTP has ended the association (ABORT or SHUTDOWN)."""


class Unread(NamedTuple):
    """A message of SS7, or of what carries it, that cannot be read."""

    at_us: int
    source: Address | None
    destination: Address | None
    frame: int
    offset: int
    """Byte offset in the file of what is wrong."""
    what: str
