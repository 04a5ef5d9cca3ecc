"""A call through the gateway, from its decision to its end, and the actions that a state machine asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from gateway.interconnection.trunk_groups import Hop, Service
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.verdict import Decision
from gateway.signalling.locating import Target


class EndedBy(Enum):
    """What ended a call."""

    REFUSAL = "refusal"  # the engine's
    CALLER = "caller"  # BYE from the calling side
    CALLED = "called"  # BYE from the called side
    CANCEL = "cancel"
    FAILURE = "failure"  # a final response other than 2xx from the called side
    TIMEOUT = "timeout"  # no final response in time (RFC 3261 timers B and C)
    EXPIRED = "expired"  # its sides agreed to refresh it and did not (RFC 4028)
    DISCONTINUED = "discontinued"  # released by the gateway: its traffic is discontinued (clause L8)
    SHUTDOWN = "shutdown"  # still up when the gateway stopped


CUT_OFF: Final = frozenset({EndedBy.DISCONTINUED, EndedBy.SHUTDOWN})
"""Ends that are the gateway's own doing, so that the length of a call says nothing of its caller."""


@dataclass(slots=True)
class Call:
    """One call. Times are microseconds since the Unix epoch; None for what has not happened."""

    attempt: CallAttempt
    decision: Decision
    progressed_at_us: int | None = None
    """First response of 180 or above from the called side: the set-up time ends here."""
    answered_at_us: int | None = None
    ended_at_us: int | None = None
    final_status: int | None = None
    """Status of the final response that the caller was sent."""
    ended_by: EndedBy | None = None
    egress_member: Hop | None = None
    """The member of the egress trunk group that has the call: the one tried last."""


Wanted = Callable[[Call, int], bool]
"""Whether a call is to be ended at a time, in microseconds: what is so at one time need not be at a later."""


class Send(NamedTuple):
    """Send these bytes."""

    data: bytes
    target: Hop


def send_to(data: bytes, target: Hop) -> Send:
    """As `Send(...)`, without the Python code of a named tuple's own constructor: a call has seven."""
    return tuple.__new__(Send, (data, target))


class Decided(NamedTuple):
    """The engine has decided a new call. A refused call ends at once: an `Ended` follows."""

    call: Call


class Progressed(NamedTuple):
    """The called side rings or has answered, for the first time."""

    call: Call


class Ended(NamedTuple):
    """The call is over and `ended_at_us`, `ended_by` are set. Comes once for each `Decided`."""

    call: Call


class Locate(NamedTuple):
    """Find out where a named host is, and call `SipProxy.located` with the token: once, also where it is nowhere."""

    target: Target
    token: int


class MemberChanged(NamedTuple):
    """A member of a trunk group stands otherwise than before."""

    trunk_group: str
    member: Hop
    before: Service
    after: Service
    at_us: int
    """When, microseconds since the Unix epoch."""


class Carry(NamedTuple):
    """Send an M3UA message on the association of a signalling link."""

    link: str
    stream: int
    """SCTP stream: 0 for management, above 0 for DATA (RFC 4666 section 1.4.7)."""
    data: bytes


class Drop(NamedTuple):
    """Abort the association of a signalling link; a client makes a new one after `Link.reconnect_us`."""

    link: str
    why: str


class Ss7Changed(NamedTuple):
    """A signalling link, or the circuits of a trunk group, stand otherwise than before: for the log."""

    subject: str
    """For a person: ``link rb-a``, ``trunk group RB-SS7``."""
    what: str
    """``application server active``, ``destination 2-137-26 unavailable``, ``circuits blocked``."""
    good: bool
    at_us: int


class ToProxy(NamedTuple):
    """Give this to the proxy: what our user agent between circuits and SIP says. It stays within the point."""

    data: bytes
    source: Hop
    """The exchange at the far end of the circuit: ``Hop(point code, CIC, Transport.SS7)``."""
    call: Call | None = None
    """Set with the INVITE of a call that was decided: it is for `SipProxy.open_decided`, all else for `receive`."""


Action = Send | Decided | Progressed | Ended | Locate | MemberChanged | Carry | Drop | Ss7Changed | ToProxy
