"""Why a call ended, in the words of both sides: SIP status codes and Q.850 causes (RFC 3398, RFC 6432, RFC 8606).

Where a Reason header with a Q.850 cause is there, it is the cause, and no table is asked (RFC 6432 section 4). A status
code says less than a cause does, so that a cause that crosses SIP comes out as it was only because it goes along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

UNALLOCATED_NUMBER: Final = 1
NORMAL_CALL_CLEARING: Final = 16
USER_BUSY: Final = 17
NO_USER_RESPONDING: Final = 18
CALL_REJECTED: Final = 21
NUMBER_CHANGED: Final = 22
NORMAL_UNSPECIFIED: Final = 31
NO_CIRCUIT_AVAILABLE: Final = 34
TEMPORARY_FAILURE: Final = 41
BEARER_CAPABILITY_NOT_IMPLEMENTED: Final = 65
RECOVERY_ON_TIMER_EXPIRY: Final = 102
PROTOCOL_ERROR: Final = 111
INTERWORKING_UNSPECIFIED: Final = 127

USER: Final = 0
PUBLIC_NETWORK_SERVING_LOCAL_USER: Final = 2
BEYOND_INTERWORKING_POINT: Final = 10
"""Locations (Q.850 section 2.2.3). The last is that of every cause learnt from SIP."""

ANSI_CODING: Final = 2
"""Coding standard of a cause that means what T1.113 says, not Q.850."""

SIP_STATUS: Final[Mapping[int, int]] = MappingProxyType(
    {
        1: 404,  # unallocated number
        2: 404,  # no route to network
        3: 404,  # no route to destination
        16: 480,  # normal call clearing: RFC 3398 expects BYE or CANCEL; before an answer there is neither to send
        17: 486,  # user busy
        18: 408,  # no user responding
        19: 480,  # no answer from the user
        20: 480,  # subscriber absent
        21: 403,  # call rejected
        22: 410,  # number changed
        23: 410,  # redirection to new destination
        26: 404,  # non-selected user clearing; in ANSI networks: misrouted call to a ported number
        27: 502,  # destination out of order
        28: 484,  # address incomplete
        29: 501,  # facility rejected
        31: 480,  # normal, unspecified
        34: 503,  # no circuit available
        38: 503,  # network out of order
        41: 503,  # temporary failure
        42: 503,  # switching equipment congestion
        47: 503,  # resource unavailable
        55: 403,  # incoming calls barred within CUG
        57: 403,  # bearer capability not authorized
        58: 503,  # bearer capability not presently available
        65: 488,  # bearer capability not implemented
        70: 488,  # only restricted digital available
        79: 501,  # service or option not implemented
        87: 403,  # user not member of CUG
        88: 503,  # incompatible destination
        102: 504,  # recovery on timer expiry
        111: 500,  # protocol error
        127: 500,  # interworking, unspecified
    }
)
"""Q.850 cause -> status of the final response to an INVITE that was not answered (RFC 3398 section 7.2.4.1)."""

CAUSE: Final[Mapping[int, int]] = MappingProxyType(
    {
        400: TEMPORARY_FAILURE,
        401: CALL_REJECTED,
        402: CALL_REJECTED,
        403: CALL_REJECTED,
        404: UNALLOCATED_NUMBER,
        405: 63,  # service or option not available
        406: 79,  # service or option not implemented
        407: CALL_REJECTED,
        408: RECOVERY_ON_TIMER_EXPIRY,
        410: NUMBER_CHANGED,
        413: INTERWORKING_UNSPECIFIED,
        414: INTERWORKING_UNSPECIFIED,
        415: 79,
        416: INTERWORKING_UNSPECIFIED,
        420: INTERWORKING_UNSPECIFIED,
        421: INTERWORKING_UNSPECIFIED,
        423: INTERWORKING_UNSPECIFIED,
        480: NO_USER_RESPONDING,
        481: TEMPORARY_FAILURE,
        482: 25,  # exchange routing error
        483: 25,
        484: 28,  # invalid number format
        485: UNALLOCATED_NUMBER,
        486: USER_BUSY,
        487: NORMAL_UNSPECIFIED,  # the RFC has none: it answers a CANCEL of our own, after which nobody asks
        488: NORMAL_UNSPECIFIED,  # unless a Warning speaks of the bearer: `cause_of_status`
        500: TEMPORARY_FAILURE,
        501: 79,
        502: 38,  # network out of order
        503: TEMPORARY_FAILURE,
        504: RECOVERY_ON_TIMER_EXPIRY,
        505: INTERWORKING_UNSPECIFIED,
        513: INTERWORKING_UNSPECIFIED,
        600: USER_BUSY,
        603: CALL_REJECTED,
        604: UNALLOCATED_NUMBER,
        606: NORMAL_UNSPECIFIED,  # as 488
        607: CALL_REJECTED,  # unwanted (RFC 8197)
        608: CALL_REJECTED,  # rejected by an intermediary (RFC 8688)
    }
)
"""Status of a final response -> Q.850 cause of the REL (RFC 3398 section 8.2.6.1, and what came later)."""

_ANSI_AS_Q850: Final = {
    23: UNALLOCATED_NUMBER,  # unallocated destination number
    24: CALL_REJECTED,  # unknown business group
    27: UNALLOCATED_NUMBER,  # number portability: number not found on query on release
    45: 8,  # preemption
}
"""Causes of T1.113 whose values mean something else in Q.850. 25, 26 and 46 are read alike by RFC 3398 and Q.850."""

_BEARER_WARNINGS: Final = re.compile(rb"(?:\A|,)[ \t]*30[45][ \t]")
"""Media type not available, incompatible media format (RFC 3261 section 20.43)."""

_LOCATIONS: Final = (
    *("U", "LPN", "LN", "TN", "RLN", "RPN", "LOC-6", "INTL"),
    *("LOC-8", "LOC-9", "BI", "LOC-11", "LOC-12", "LOC-13", "LOC-14", "LOC-15"),
)
"""Names of the locations 0 to 15 (RFC 8606 section 4)."""
_LOCATION_OF: Final = {name: location for location, name in enumerate(_LOCATIONS)}

_Q850: Final = re.compile(rb"[ \t]*Q\.850[ \t]*(?=;)", re.IGNORECASE)
_CAUSE_PARAMETER: Final = re.compile(rb";[ \t]*cause[ \t]*=[ \t]*0*([0-9]{1,3})[ \t]*(?=;|\Z)", re.IGNORECASE)
_LOCATION_PARAMETER: Final = re.compile(rb";[ \t]*location[ \t]*=[ \t]*([A-Za-z0-9-]+)", re.IGNORECASE)
_QUOTED: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')


class Q850(NamedTuple):
    """What a Reason header says of a release."""

    cause: int
    """0 to 127."""
    location: int
    """0 to 15."""


def q850_cause(value: int, coding: int = 0) -> int:
    """The cause in the terms of Q.850, whatever coding standard the release used."""
    return _ANSI_AS_Q850.get(value, value) if coding == ANSI_CODING else value


def sip_status_of(cause: int, *, coding: int = 0, location: int = PUBLIC_NETWORK_SERVING_LOCAL_USER) -> int:
    """Status of the final response to an INVITE whose call was released with this cause (RFC 3398 section 7.2.4.1).

    `coding` is the cause's coding standard. A call that the user rejected is declined everywhere: 603 for 403. A cause
    that the RFC does not name is 500.
    """
    value = q850_cause(cause, coding)
    if value == CALL_REJECTED and location == USER:
        return 603
    return SIP_STATUS.get(value, 500)


def cause_of_status(status: int, warnings: Iterable[bytes] = ()) -> int:
    """Q.850 cause of a call that a final response refused (RFC 3398 section 8.2.6.1).

    `warnings` are the values of Warning. A status that no document maps, 3xx among them, is 127: what it wants said
    has no word in ISUP.
    """
    if status in (488, 606) and any(_BEARER_WARNINGS.search(value) for value in warnings):
        return BEARER_CAPABILITY_NOT_IMPLEMENTED
    return CAUSE.get(status, INTERWORKING_UNSPECIFIED)


def q850_of(reasons: Iterable[bytes]) -> Q850 | None:
    """The first Q.850 cause in values of Reason (RFC 3326); None where there is none that can be read."""
    for value in reasons:
        unquoted = _QUOTED.sub(b'""', value)  # a text may well read ";cause=1"
        for reason in unquoted.split(b","):
            cause = _CAUSE_PARAMETER.search(reason) if _Q850.match(reason) else None
            if cause is None or int(cause[1]) > 127:
                continue
            location = _LOCATION_PARAMETER.search(reason)
            name = location[1].decode("ascii").upper() if location is not None else "BI"
            return Q850(int(cause[1]), _LOCATION_OF.get(name, BEYOND_INTERWORKING_POINT))
    return None


def reason_of(cause: int, location: int, coding: int = 0) -> bytes:
    """Value of the Reason header that says this cause (RFC 6432, RFC 8606)."""
    return b"Q.850;cause=%d;location=%s" % (q850_cause(cause, coding), _LOCATIONS[location & 15].encode())
