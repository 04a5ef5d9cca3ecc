"""The four transactions of SIP over an unreliable transport, as tables (RFC 3261 section 17, RFC 6026).

A table says for a state and an event which state comes next and what is to be done; what is not in it is ignored, as
the RFCs ask. Everything else in this file is the memory of a transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Final

from gateway.codecs.sip.message import SipMessage
from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.dialogs import Dialog


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


class Effect(IntEnum):
    """What a transition asks for."""

    SEND = auto()  # server: send the response at hand
    REPEAT_RESPONSE = auto()
    REPEAT_REQUEST = auto()
    RELAY = auto()  # client: hand the response to the proxy
    ACKNOWLEDGE = auto()  # client: ACK a failure
    CANCEL = auto()  # client: the callee takes too long
    GIVE_UP = auto()  # client: no response
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
        Event.PROVISIONAL: (State.PROCEEDING, (Effect.RELAY,)),
        Event.SUCCESS: _CLIENT_FINAL,
        Event.FAILURE: _CLIENT_FINAL,
    },
    State.PROCEEDING: {
        Event.TIMER_E: (State.PROCEEDING, (Effect.REPEAT_REQUEST, Effect.START_E)),
        Event.TIMER_F: (State.TERMINATED, (Effect.GIVE_UP, Effect.FORGET)),
        Event.PROVISIONAL: (State.PROCEEDING, (Effect.RELAY,)),
        Event.SUCCESS: _CLIENT_FINAL,
        Event.FAILURE: _CLIENT_FINAL,
    },
    State.COMPLETED: {Event.TIMER_K: (State.TERMINATED, (Effect.FORGET,))},
    State.TERMINATED: {},
}


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
        "via",
    )

    def __init__(
        self, key: tuple[bytes, bytes, int, bytes], request: SipMessage, source: Hop, via: bytes | None
    ) -> None:
        self.key: Final = key
        self.method: Final = request.method
        self.request: SipMessage | None = request
        """Kept while a response of our own may be needed."""
        self.source: Final = source
        self.reply_to = source
        """Where responses go: the source, or with its port as the Via says."""
        self.via: Final = via
        """The previous hop's Via as it goes back, where it was completed."""
        self.response: bytes | None = None
        self.client: ClientTransaction | None = None
        self.interval_us = 0
        invite = request.method == b"INVITE"
        self.machine: Final = INVITE_SERVER if invite else SERVER
        self.state = State.PROCEEDING if invite else State.TRYING


class ClientTransaction:
    """A request that we sent on."""

    __slots__ = (
        "ack",
        "branch",
        "cancel_wanted",
        "cancelled",
        "dialog",
        "interval_us",
        "machine",
        "method",
        "overdue",
        "request",
        "sent_at_us",
        "server",
        "state",
        "target",
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
        self.ack: bytes | None = None
        self.cancel_wanted = False
        self.cancelled = False
        self.overdue = False
        """Cancelled because timer C fired, not by the caller."""
        self.interval_us = 0
        invite = method == b"INVITE"
        self.machine: Final = INVITE_CLIENT if invite else CLIENT
        self.state = State.CALLING if invite else State.TRYING
