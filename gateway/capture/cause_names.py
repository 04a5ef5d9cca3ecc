"""What release causes are called (Q.850 table 1; T1.113.3 for those of the American national coding standard)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.codecs.ss7.isup import Cause

_NATIONAL: Final = 2
"""Coding standard of a national list (Q.850 section 2.2.2)."""

Q850: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "unallocated number",
        2: "no route to transit network",
        3: "no route to destination",
        4: "send special information tone",
        5: "misdialled trunk prefix",
        6: "channel unacceptable",
        7: "call awarded in an established channel",
        8: "preemption",
        9: "preemption, circuit reserved for reuse",
        14: "query on release: ported number",
        16: "normal call clearing",
        17: "user busy",
        18: "no user responding",
        19: "no answer from user",
        20: "subscriber absent",
        21: "call rejected",
        22: "number changed",
        23: "redirection to new destination",
        24: "call rejected due to feature at the destination",
        25: "exchange routing error",
        26: "non-selected user clearing",
        27: "destination out of order",
        28: "invalid number format",
        29: "facility rejected",
        30: "response to status enquiry",
        31: "normal, unspecified",
        34: "no circuit available",
        38: "network out of order",
        39: "permanent frame mode connection out of service",
        40: "permanent frame mode connection operational",
        41: "temporary failure",
        42: "switching equipment congestion",
        43: "access information discarded",
        44: "requested circuit not available",
        46: "precedence call blocked",
        47: "resource unavailable, unspecified",
        49: "quality of service not available",
        50: "requested facility not subscribed",
        53: "outgoing calls barred within closed user group",
        55: "incoming calls barred within closed user group",
        57: "bearer capability not authorized",
        58: "bearer capability not presently available",
        62: "inconsistency in outgoing access information and subscriber class",
        63: "service or option not available, unspecified",
        65: "bearer capability not implemented",
        66: "channel type not implemented",
        69: "requested facility not implemented",
        70: "only restricted digital information bearer capability is available",
        79: "service or option not implemented, unspecified",
        81: "invalid call reference value",
        82: "identified channel does not exist",
        83: "a suspended call exists, but this call identity does not",
        84: "call identity in use",
        85: "no call suspended",
        86: "call having the requested call identity has been cleared",
        87: "user not member of closed user group",
        88: "incompatible destination",
        90: "non-existent closed user group",
        91: "invalid transit network selection",
        95: "invalid message, unspecified",
        96: "mandatory information element is missing",
        97: "message type non-existent or not implemented",
        98: "message not compatible with call state, or not implemented",
        99: "parameter non-existent or not implemented, discarded",
        100: "invalid information element contents",
        101: "message not compatible with call state",
        102: "recovery on timer expiry",
        103: "parameter non-existent or not implemented, passed on",
        110: "message with unrecognized parameter, discarded",
        111: "protocol error, unspecified",
        127: "interworking, unspecified",
    }
)
ANSI: Final[Mapping[int, str]] = MappingProxyType(
    {
        23: "unallocated destination number",
        24: "unknown business group",
        25: "exchange routing error",
        26: "misrouted call to a ported number",
        27: "number portability query on release: number not found",
        45: "preemption",
        46: "precedence call blocked",
        51: "call type incompatible with service request",
        54: "call blocked due to group restrictions",
    }
)
_LOCATIONS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "user",
        1: "private network serving the local user",
        2: "public network serving the local user",
        3: "transit network",
        4: "public network serving the remote user",
        5: "private network serving the remote user",
        7: "international network",
        10: "network beyond interworking point",
    }
)


def cause_name(value: int, coding: int = 0) -> str:
    """``user busy``; empty for a value that has no name in its coding standard."""
    return (ANSI if coding == _NATIONAL else Q850).get(value, "")


def location_name(location: int) -> str:
    """Where a release was made (Q.850 section 2.2.3); empty for a reserved value."""
    return _LOCATIONS.get(location, "")


def cause_text(cause: Cause) -> str:
    """``cause 17 (user busy)``."""
    name = cause_name(cause.value, cause.coding)
    return f"cause {cause.value} ({name})" if name else f"cause {cause.value}"
