"""MTP level 3: point codes, and the transfer of a user part's message between two of them (Q.701 section 8, T1.111)."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class ServiceIndicator(IntEnum):
    """The user part that a message is for (Q.704 section 14.2.1)."""

    MANAGEMENT = 0
    TESTING = 1
    SPECIAL_TESTING = 2  # ANSI
    SCCP = 3
    TUP = 4
    ISUP = 5


class Mtp3Transfer(NamedTuple):
    """A message as MTP carries it for a user part (MTP-TRANSFER, Q.701 section 8.2). Point codes are plain integers."""

    opc: int
    """Originating point code."""
    dpc: int
    """Destination point code."""
    si: int
    """Service indicator; of ISUP 5."""
    ni: int
    """Network indicator: 0 and 1 international, 2 and 3 national."""
    mp: int
    """Message priority, 0 to 3 (T1.111.4; ITU leaves it 0)."""
    sls: int
    """Signalling link selection: 8 bits in ANSI, 4 in ITU."""
    data: bytes
    """The user part's message; of ISUP from the CIC on."""
