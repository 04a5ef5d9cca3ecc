"""The four transactions of SIP as tables, for unreliable and reliable transports (RFC 3261 section 17, RFC 6026).

A table says for a state and an event which state comes next and what is to be done; what is not in it is ignored, as
the RFCs ask. Over a reliable transport nothing is repeated, and nobody waits for what may be repeated: timers A, E and
G do not run, and D, I, J and K last no time, so that the state in which they would run is the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Final

from gateway.codecs.sip import SipMessage
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.dialogs import Dialog
from gateway.signalling.members import TrunkMember
from gateway.signalling.overload_feedback import Upstream


class State(IntEnum):
    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()  # RFC 6026
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Event(IntEnum):
    REQUEST = auto()  # the same request again
    ACK = auto()
    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    TIMER_A = auto()
    TIMER_B = auto()
    TIMER_C = auto()
    TIMER_D = auto()
    TIMER_E = auto()
    TIMER_F = auto()
    TIMER_G = auto()
    TIMER_H = auto()
    TIMER_I = auto()
    TIMER_J = auto()
    TIMER_K = auto()
    TIMER_L = auto()
    TIMER_M = auto()
    CANCEL_TIMEOUT = auto()  # RFC 3261 section 9.1: no final response 64*T1 after our CANCEL
    OVERDUE = auto()  # not of an RFC: no response for as long as we wait for a member of a trunk group
    TRANSPORT_ERROR = auto()  # RFC 3261 section 17.1.4: the request could not be sent, or its connection is gone


class Effect(IntEnum):
    """What a transition asks for."""

    SEND = auto()  # server: send the response at hand
    REPEAT_RESPONSE = auto()
    REPEAT_REQUEST = auto()
    RELAY = auto()  # client: hand the response to the proxy
    ACKNOWLEDGE = auto()  # client: ACK a failure
    CANCEL = auto()  # client: the callee takes too long
    GIVE_UP = auto()  # client: no response
    UNREACHABLE = auto()  # client: the request cannot be sent
    REPORT_OVERDUE = auto()  # client: another member may have to be asked
    FORGET = auto()  # the transaction is over
    START_A = auto()
    START_C = auto()
    START_D = auto()
    START_E = auto()
    START_G = auto()
    START_H = auto()
    START_I = auto()
    START_J = auto()
    START_K = auto()
    START_L = auto()
    START_M = auto()


Machine = dict[State, dict[Event, tuple[State, tuple[Effect, ...]]]]

_UNREACHABLE: Final = (State.TERMINATED, (Effect.UNREACHABLE, Effect.FORGET))
_OVERDUE: Final = (State.TERMINATED, (Effect.REPORT_OVERDUE, Effect.FORGET))

INVITE_SERVER: Final[Machine] = {  # RFC 3261 figure 7, RFC 6026 section 7.1
    State.PROCEEDING: {
        Event.REQUEST: (State.PROCEEDING, (Effect.REPEAT_RESPONSE,)),
        Event.PROVISIONAL: (State.PROCEEDING, (Effect.SEND,)),
        Event.SUCCESS: (State.ACCEPTED, (Effect.SEND, Effect.START_L)),
        Event.FAILURE: (State.COMPLETED, (Effect.SEND, Effect.START_G, Effect.START_H)),
    },
    State.ACCEPTED: {
        Event.SUCCESS: (State.ACCEPTED, (Effect.SEND,)),
        Event.TIMER_L: (State.TERMINATED, (Effect.FORGET,)),
    },
    State.COMPLETED: {
        Event.REQUEST: (State.COMPLETED, (Effect.REPEAT_RESPONSE,)),
        Event.TIMER_G: (State.COMPLETED, (Effect.REPEAT_RESPONSE, Effect.START_G)),
        Event.ACK: (State.CONFIRMED, (Effect.START_I,)),
        Event.TIMER_H: (State.TERMINATED, (Effect.FORGET,)),
    },
    State.CONFIRMED: {Event.TIMER_I: (State.TERMINATED, (Effect.FORGET,))},
    State.TERMINATED: {},
}

INVITE_CLIENT: Final[Machine] = {  # RFC 3261 figure 5 and section 16.8, RFC 6026 section 7.2
    State.CALLING: {
        Event.TIMER_A: (State.CALLING, (Effect.REPEAT_REQUEST, Effect.START_A)),  # the first starts timer B as well
        Event.TIMER_B: (State.TERMINATED, (Effect.GIVE_UP, Effect.FORGET)),
        Event.OVERDUE: (State.CALLING, (Effect.REPORT_OVERDUE,)),
        Event.TRANSPORT_ERROR: _UNREACHABLE,
        Event.PROVISIONAL: (State.PROCEEDING, (Effect.RELAY, Effect.START_C)),
        Event.SUCCESS: (State.ACCEPTED, (Effect.RELAY, Effect.START_M)),
        Event.FAILURE: (State.COMPLETED, (Effect.ACKNOWLEDGE, Effect.RELAY, Effect.START_D)),
    },
    State.PROCEEDING: {
        Event.PROVISIONAL: (State.PROCEEDING, (Effect.RELAY, Effect.START_C)),
        Event.SUCCESS: (State.ACCEPTED, (Effect.RELAY, Effect.START_M)),
        Event.FAILURE: (State.COMPLETED, (Effect.ACKNOWLEDGE, Effect.RELAY, Effect.START_D)),
        Event.TIMER_C: (State.PROCEEDING, (Effect.CANCEL,)),
        Event.CANCEL_TIMEOUT: (State.TERMINATED, (Effect.GIVE_UP, Effect.FORGET)),
    },
    State.ACCEPTED: {
        Event.SUCCESS: (State.ACCEPTED, (Effect.RELAY,)),
        Event.TIMER_M: (State.TERMINATED, (Effect.FORGET,)),
    },
    State.COMPLETED: {
        Event.FAILURE: (State.COMPLETED, (Effect.ACKNOWLEDGE,)),
        Event.TRANSPORT_ERROR: (State.TERMINATED, (Effect.FORGET,)),
        Event.TIMER_D: (State.TERMINATED, (Effect.FORGET,)),
    },
    State.TERMINATED: {},
}

_SERVER_FINAL: Final = (State.COMPLETED, (Effect.SEND, Effect.START_J))
SERVER: Final[Machine] = {  # RFC 3261 figure 8
    State.TRYING: {
        Event.PROVISIONAL: (State.PROCEEDING, (Effect.SEND,)),
        Event.SUCCESS: _SERVER_FINAL,
        Event.FAILURE: _SERVER_FINAL,
    },
    State.PROCEEDING: {
        Event.REQUEST: (State.PROCEEDING, (Effect.REPEAT_RESPONSE,)),
        Event.PROVISIONAL: (State.PROCEEDING, (Effect.SEND,)),
        Event.SUCCESS: _SERVER_FINAL,
        Event.FAILURE: _SERVER_FINAL,
    },
    State.COMPLETED: {
        Event.REQUEST: (State.COMPLETED, (Effect.REPEAT_RESPONSE,)),
        Event.TIMER_J: (State.TERMINATED, (Effect.FORGET,)),
    },
    State.TERMINATED: {},
}

_CLIENT_FINAL: Final = (State.COMPLETED, (Effect.RELAY, Effect.START_K))
CLIENT: Final[Machine] = {  # RFC 3261 figure 6
    State.TRYING: {
        Event.TIMER_E: (State.TRYING, (Effect.REPEAT_REQUEST, Effect.START_E)),  # the first starts timer F as well
        Event.TIMER_F: (State.TERMINATED, (Effect.GIVE_UP, Effect.FORGET)),
        Event.OVERDUE: _OVERDUE,
        Event.TRANSPORT_ERROR: _UNREACHABLE,
        Event.PROVISIONAL: (State.PROCEEDING, (Effect.RELAY,)),
        Event.SUCCESS: _CLIENT_FINAL,
        Event.FAILURE: _CLIENT_FINAL,
    },
    State.PROCEEDING: {
        Event.TIMER_E: (State.PROCEEDING, (Effect.REPEAT_REQUEST, Effect.START_E)),
        Event.TIMER_F: (State.TERMINATED, (Effect.GIVE_UP, Effect.FORGET)),
        Event.OVERDUE: _OVERDUE,
        Event.TRANSPORT_ERROR: _UNREACHABLE,
        Event.PROVISIONAL: (State.PROCEEDING, (Effect.RELAY,)),
        Event.SUCCESS: _CLIENT_FINAL,
        Event.FAILURE: _CLIENT_FINAL,
    },
    State.COMPLETED: {Event.TIMER_K: (State.TERMINATED, (Effect.FORGET,))},
    State.TERMINATED: {},
}


INVITE_SERVER_RELIABLE: Final[Machine] = {  # as above, without timers G and I
    State.PROCEEDING: {
        **INVITE_SERVER[State.PROCEEDING],
        Event.FAILURE: (State.COMPLETED, (Effect.SEND, Effect.START_H)),
    },
    State.ACCEPTED: INVITE_SERVER[State.ACCEPTED],
    State.COMPLETED: {
        Event.REQUEST: (State.COMPLETED, (Effect.REPEAT_RESPONSE,)),
        Event.ACK: (State.TERMINATED, (Effect.FORGET,)),
        Event.TIMER_H: (State.TERMINATED, (Effect.FORGET,)),
    },
    State.TERMINATED: {},
}

_FAILED_RELIABLY: Final = (State.TERMINATED, (Effect.ACKNOWLEDGE, Effect.RELAY, Effect.FORGET))
INVITE_CLIENT_RELIABLE: Final[Machine] = {  # as above, without timers A and D
    State.CALLING: {
        Event.TIMER_B: (State.TERMINATED, (Effect.GIVE_UP, Effect.FORGET)),
        Event.OVERDUE: (State.CALLING, (Effect.REPORT_OVERDUE,)),
        Event.TRANSPORT_ERROR: _UNREACHABLE,
        Event.PROVISIONAL: (State.PROCEEDING, (Effect.RELAY, Effect.START_C)),
        Event.SUCCESS: (State.ACCEPTED, (Effect.RELAY, Effect.START_M)),
        Event.FAILURE: _FAILED_RELIABLY,
    },
    State.PROCEEDING: {**INVITE_CLIENT[State.PROCEEDING], Event.FAILURE: _FAILED_RELIABLY},
    State.ACCEPTED: INVITE_CLIENT[State.ACCEPTED],
    State.TERMINATED: {},
}

_SERVER_FINAL_RELIABLE: Final = (State.TERMINATED, (Effect.SEND, Effect.FORGET))
SERVER_RELIABLE: Final[Machine] = {  # as above, without timer J
    State.TRYING: {
        Event.PROVISIONAL: (State.PROCEEDING, (Effect.SEND,)),
        Event.SUCCESS: _SERVER_FINAL_RELIABLE,
        Event.FAILURE: _SERVER_FINAL_RELIABLE,
    },
    State.PROCEEDING: {
        Event.REQUEST: (State.PROCEEDING, (Effect.REPEAT_RESPONSE,)),
        Event.PROVISIONAL: (State.PROCEEDING, (Effect.SEND,)),
        Event.SUCCESS: _SERVER_FINAL_RELIABLE,
        Event.FAILURE: _SERVER_FINAL_RELIABLE,
    },
    State.TERMINATED: {},
}

_CLIENT_FINAL_RELIABLE: Final = (State.TERMINATED, (Effect.RELAY, Effect.FORGET))
_CLIENT_WAITING_RELIABLE: Final = {
    Event.TIMER_F: (State.TERMINATED, (Effect.GIVE_UP, Effect.FORGET)),
    Event.OVERDUE: _OVERDUE,
    Event.TRANSPORT_ERROR: _UNREACHABLE,
    Event.PROVISIONAL: (State.PROCEEDING, (Effect.RELAY,)),
    Event.SUCCESS: _CLIENT_FINAL_RELIABLE,
    Event.FAILURE: _CLIENT_FINAL_RELIABLE,
}
CLIENT_RELIABLE: Final[Machine] = {  # as above, without timers E and K
    State.TRYING: _CLIENT_WAITING_RELIABLE,
    State.PROCEEDING: _CLIENT_WAITING_RELIABLE,
    State.TERMINATED: {},
}

_UDP: Final = Transport.UDP
_INVITE_STARTS: Final = State.PROCEEDING
_CALLING: Final = State.CALLING
_TRYING: Final = State.TRYING
_TIMER_A: Final = Event.TIMER_A
_TIMER_B: Final = Event.TIMER_B
_TIMER_E: Final = Event.TIMER_E
_TIMER_F: Final = Event.TIMER_F


@dataclass(frozen=True, slots=True)
class TimerSettings:
    """RFC 3261 table 4, in microseconds."""

    t1_us: int = 500_000
    t2_us: int = 4_000_000
    t4_us: int = 5_000_000
    timer_c_us: int = 185_000_000
    """Section 16.6 step 11: longer than three minutes."""
    timer_d_us: int = 32_000_000


class ServerTransaction:
    """A request that came to us, and what we last answered."""

    __slots__ = (
        *("client", "interval_us", "key", "machine", "method", "reply_to", "request", "response", "source", "state"),
        *("upstream", "via"),
    )

    def __init__(
        self,
        key: tuple[bytes, bytes, int, bytes, str],
        request: SipMessage,
        source: Hop,
        reply_to: Hop,
        via: bytes | None,
        trusted: bool = True,
    ) -> None:
        """`trusted`: the source is known to be where its datagrams say; else no answer is repeated unasked."""
        self.key: Final = key
        self.method: Final = request.method
        self.request: SipMessage | None = request
        """Kept while a response of our own may be needed."""
        self.source: Final = source
        self.reply_to = reply_to
        """Where responses go (RFC 3261 section 18.2.2)."""
        self.via = via
        """The previous hop's Via as it goes back, where it was completed."""
        self.upstream: Upstream | None = None
        """The previous hop, where it takes feedback on overload."""
        self.response: bytes | None = None
        self.client: ClientTransaction | None = None
        self.interval_us = 0
        invite = request.method == b"INVITE"
        if source.transport is _UDP and trusted:
            self.machine = INVITE_SERVER if invite else SERVER
        else:
            self.machine = INVITE_SERVER_RELIABLE if invite else SERVER_RELIABLE
        self.state = _INVITE_STARTS if invite else _TRYING


class ClientTransaction:
    """A request that we sent on."""

    __slots__ = (
        "abandoned",
        "ack",
        "branch",
        "cancel_reason",
        "cancel_wanted",
        "cancelled",
        "dialog",
        "interval_us",
        "machine",
        "member",
        "method",
        "overdue",
        "released",
        "request",
        "sent_at_us",
        "server",
        "state",
        "target",
        "to_caller",
        "waits_for",
    )

    def __init__(
        self,
        branch: bytes,
        method: bytes,
        request: bytes,
        target: Hop,
        server: ServerTransaction | None,
        dialog: Dialog | None,
        sent_at_us: int,
    ) -> None:
        self.branch: Final = branch
        self.method: Final = method
        self.request = request
        """The bytes sent; emptied once a final response has come."""
        self.target: Final = target
        self.sent_at_us: Final = sent_at_us
        self.server: Final = server
        """Whom the responses are for; None for a request of our own (a CANCEL)."""
        self.dialog: Final = dialog
        self.to_caller = False
        """Whether it goes to the dialog's caller; else to the called side."""
        self.ack: bytes | None = None
        self.cancel_reason = b""
        """Reason lines that the CANCEL takes along (RFC 3326), each with its line end."""
        self.cancel_wanted = False
        self.cancelled = False
        self.overdue = False
        """Cancelled because timer C fired, not by the caller."""
        self.member: TrunkMember | None = None
        """The member of a trunk group of which the answer tells: to an INVITE that opens a call, or to a probe."""
        self.abandoned = False
        """The call went on to another member meanwhile: nothing that still comes is for the caller."""
        self.released: tuple[bytes, ...] = ()
        """To tags of the 2xx that came all the same, and were ended."""
        self.interval_us = 0
        invite = method == b"INVITE"
        self.state = _CALLING if invite else _TRYING
        if target.transport is _UDP:
            self.machine = INVITE_CLIENT if invite else CLIENT
            self.waits_for = _TIMER_A if invite else _TIMER_E
        else:
            self.machine = INVITE_CLIENT_RELIABLE if invite else CLIENT_RELIABLE
            self.waits_for = _TIMER_B if invite else _TIMER_F
        """`waits_for` is the timer that runs until something comes back, for `interval_us`."""
