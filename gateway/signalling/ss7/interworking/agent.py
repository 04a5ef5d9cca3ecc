"""What the halves of calls on the SIP side share: settings, timers, and the book of who is in which dialog."""

from __future__ import annotations

from enum import Enum
from typing import Final, Protocol

from gateway.codecs.sip import SipMessage
from gateway.signalling.call import Action
from gateway.signalling.ss7.half_call import HalfCall
from gateway.signalling.ss7.interworking.settings import InterworkingSettings
from gateway.signalling.timers import TimerQueue

DialogName = tuple[bytes, bytes]
"""Call-ID and our own tag."""


class Timer(Enum):
    """What a half of a call waits for."""

    ACK = "ACK"  # of a 2xx: it is said again
    NO_ACK = "no ACK"  # it never came
    PRACK = "PRACK"  # of a reliable provisional response: it is said again
    NO_PRACK = "no PRACK"
    PROGRESS = "progress"  # the called side has said nothing: the caller's exchange gets an ACM
    END = "end"  # the call is over, and what may still come has come


class SipSide(HalfCall, Protocol):
    """A half of a call on the SIP side, as the agent knows it."""

    def take_request(self, request: SipMessage, at_us: int, actions: list[Action]) -> None:
        """A request of the dialog, or a CANCEL of the INVITE that is to make it. Raises `Malformed`."""

    def take_response(self, response: SipMessage, at_us: int, actions: list[Action]) -> None:
        """A response to a request of ours. Raises `Malformed`."""

    def abandon(self, at_us: int, actions: list[Action]) -> None:
        """The proxy has given the call up without a word to either side."""

    def due(self, timer: Timer, at_us: int, actions: list[Action]) -> None:
        """A timer has run out."""


class Agent:
    """Keeps the halves that are up, and their timers."""

    def __init__(self, settings: InterworkingSettings) -> None:
        self.settings: Final = settings
        self.halves: Final[dict[DialogName, SipSide]] = {}
        self.timers: Final[TimerQueue[Timer, SipSide]] = TimerQueue()
        self.linger_us: Final = 64 * settings.t1_us
        """So long a dialog that is over is known, for what crosses its end."""
