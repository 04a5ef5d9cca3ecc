"""What the user agent between circuits and SIP needs to know of itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.ss7.interworking.sdp import MediaSettings


@dataclass(frozen=True, slots=True)
class InterworkingSettings:
    """Times are in microseconds."""

    own: Hop
    """The listener that Contact names, and whose host stands behind the numbers of callers."""
    media: MediaSettings = field(default_factory=MediaSettings)
    emergency_numbers: frozenset[str] = frozenset({"911"})
    t1_us: int = 500_000
    t2_us: int = 4_000_000
    """Of RFC 3261: a 2xx without its ACK is said again after T1, then after twice as long, up to T2; given up after 64
    times T1. A reliable provisional response likewise, without T2 (RFC 3262)."""
    early_acm_us: int = 10_000_000
    """A caller's exchange that has heard nothing by then gets an ACM, before its T7 ends the call (Q.1912.5, Toiw2)."""
