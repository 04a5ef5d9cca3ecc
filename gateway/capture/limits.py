"""Bounds on what a capture may make its audit hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEG_BYTES: Final = 4_096
"""What a leg takes beside its INVITE, about."""


@dataclass(frozen=True, slots=True)
class AuditLimits:
    """Bounds on one audit."""

    captures: int = 64
    """Captures of one audit, which are read side by side."""
    calls: int = 50_000
    """Calls that are being followed at once; the oldest is closed first."""
    followed_bytes: int = 256 << 20
    """Bytes of their INVITEs, and `LEG_BYTES` for each of their legs."""
    listed_legs: int = 100_000
    """Legs of closed calls that are listed, for those that break a clause and for the others each. Calls beyond are
    judged and counted only."""
    legs: int = 16
    """Legs of one call."""
    decisions: int = 64
    """Decisions on one leg that are listed; all are counted."""
    messages: int = 512
    """Messages of one leg that are listed and compared to find copies and retransmissions; all are counted."""
    all_messages: int = 1_000_000
    """The same for all calls together."""
    kinds: int = 256
    """Methods and statuses that are told apart."""
    malformed: int = 1_000
    """Datagrams that are no sound SIP and are listed; all are counted."""
    evidence_bytes: int = 2_048
    """Bytes of one piece of evidence that are kept."""
