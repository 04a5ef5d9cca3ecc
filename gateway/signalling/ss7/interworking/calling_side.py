"""The SIP half of a call whose caller is on SIP: the user agent server of its INVITE (RFC 3398 section 7)."""

from __future__ import annotations

from typing import Final

from gateway.codecs.sip import SipMessage, headers, tag_of
from gateway.codecs.ss7.isup import Cause, IsupMessage, MessageType
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Action
from gateway.signalling.ss7.interworking import causes
from gateway.signalling.ss7.interworking.agent import Agent, Timer
from gateway.signalling.ss7.interworking.progress import reason_line, status_of
from gateway.signalling.ss7.interworking.sdp import Media
from gateway.signalling.ss7.interworking.sip_half import SipHalf, State, cause_of
from gateway.signalling.ss7.interworking.sip_i import body_of
from gateway.signalling.ss7.interworking.sip_writing import (
    ALLOW,
    SUPPORTED,
    Leg,
    answer_to,
    rack_of,
    record_routes,
    tag_for,
    wants,
)

MOST_PROVISIONAL: Final = 16
"""Reliable provisional responses that wait for one another's PRACK; of more, those in the middle are left out."""


class CallingSide(SipHalf):
    """Answers the INVITE with what comes back on the circuit."""

    def __init__(
        self,
        agent: Agent,
        invite: SipMessage,
        edition: bytes,
        exchange: Hop,
        variant: Variant,
        media: Media,
        description: bytes,
    ) -> None:
        """`description` is our session description: the answer to the INVITE's offer, or empty where it has none.

        Raises `Malformed` where the INVITE cannot make a dialog.
        """
        to, from_ = invite.required(headers.TO), invite.required(headers.FROM)
        call_id = invite.required(headers.CALL_ID)
        tag = tag_for(call_id, tag_of(from_))
        leg = Leg(exchange, exchange.port, call_id, to + b";tag=" + tag, tag, from_)
        leg.learn(invite, from_caller=True)
        secure = invite.request_uri[:5].lower() == b"sips:"
        super().__init__(agent, leg, exchange, variant, edition, media, secure=secure)
        self._invite: Final = invite
        self._description: Final = description
        self._lines: Final = record_routes(invite) + self._contact
        self._number: Final = invite.cseq()[0]
        self._reliable: Final = wants(invite, headers.REQUIRE, b"100rel")
        self._rseq = 0
        self._pending: list[bytes] = []
        """Reliable provisional responses: the first is said and waits for its PRACK, the others for their turn."""
        self._answer = b""
        """The 2xx, where it waits for a PRACK."""

    def proceed(self, actions: list[Action]) -> None:
        """A circuit is seized: the INVITE is on its way."""
        self._known()
        self._say(answer_to(self._invite, 100, b""), actions)

    # -- what the circuit's half says ---------------------------------------------------------------------------------

    def _pass_on_early(self, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        if message.type in (MessageType.ACM.value, MessageType.CPG.value):
            self._provisional(status_of(message), message, at_us, actions)
        elif message.type in (MessageType.ANM.value, MessageType.CON.value):
            self._success(message, at_us, actions)

    def _provisional(self, status: int, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        """ACM or CPG (RFC 3398 sections 7.2.5 to 7.2.7), with the description, for there may be tones to be heard."""
        lines = self._lines + reason_line(message)
        body = body_of(self._description, message, self._edition)
        if not self._reliable:
            self._say(answer_to(self._invite, status, self._leg.local_tag, lines, body), actions)
            return
        if len(self._pending) == MOST_PROVISIONAL:
            return
        self._rseq += 1
        lines += b"Require: 100rel\r\nRSeq: %d\r\n" % self._rseq
        self._pending.append(answer_to(self._invite, status, self._leg.local_tag, lines, body))
        if len(self._pending) == 1:
            self._say_reliably(at_us, actions)

    def _success(self, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        description = self._description or self._media.offer(self._media.bearer)
        lines = self._lines + ALLOW + SUPPORTED + self._session()
        body = body_of(description, message, self._edition)
        answer = answer_to(self._invite, 200, self._leg.local_tag, lines, body)
        if self._pending:
            self._answer = answer  # RFC 3262 section 3: not before what was said reliably has arrived
            return
        self.state = State.ANSWERED
        self._say_2xx(self._invite, answer, at_us, actions)

    def _session(self) -> bytes:
        """Who requires session timers is told to refresh the session (RFC 4028 section 9)."""
        interval = self._invite.value(headers.SESSION_EXPIRES)
        if interval is None or not wants(self._invite, headers.REQUIRE, b"timer"):
            return b""
        seconds = interval.partition(b";")[0].strip()
        return b"Require: timer\r\nSession-Expires: %s;refresher=uac\r\n" % seconds if seconds.isdigit() else b""

    def _release_early(self, cause: Cause, at_us: int, actions: list[Action]) -> None:
        """The call was not answered: the final response that the cause asks for, and the cause (RFC 6432)."""
        status = causes.sip_status_of(cause.value, coding=cause.coding, location=cause.location)
        self._refuse(status, cause, at_us, actions)

    def _refuse(self, status: int, cause: Cause, at_us: int, actions: list[Action]) -> None:
        lines = b"Reason: %s\r\n" % causes.reason_of(cause.value, cause.location, cause.coding)
        body = self._release_body(cause)
        self._say(answer_to(self._invite, status, self._leg.local_tag, lines, body), actions)
        self._pending.clear()
        self._end(State.OVER, at_us)

    # -- what the proxy says ------------------------------------------------------------------------------------------

    def take_request(self, request: SipMessage, at_us: int, actions: list[Action]) -> None:
        """A request of the caller."""
        if request.method == b"CANCEL":
            self._cancelled(request, at_us, actions)
        elif request.method == b"PRACK":
            self._received(request, at_us, actions)
        else:
            super().take_request(request, at_us, actions)

    def _cancelled(self, cancel: SipMessage, at_us: int, actions: list[Action]) -> None:
        self._say(answer_to(cancel, 200, self._leg.local_tag), actions)
        if self.state is State.EARLY and cancel.cseq()[0] == self._number:
            cause = cause_of(cancel, None, causes.NORMAL_CALL_CLEARING)
            self._refuse(487, cause, at_us, actions)
            self._release_other(cause, at_us, actions)

    def _hung_up(self, bye: SipMessage, at_us: int, actions: list[Action]) -> None:
        if self.state is State.EARLY:  # a BYE in an early dialog ends it as a CANCEL would (RFC 3261 section 15.1.2)
            self._refuse(487, cause_of(bye, None, causes.NORMAL_CALL_CLEARING), at_us, actions)
            self.state = State.CLEARING
        super()._hung_up(bye, at_us, actions)

    # -- reliable provisional responses (RFC 3262) --------------------------------------------------------------------

    def _say_reliably(self, at_us: int, actions: list[Action]) -> None:
        self._repeat_us = self._agent.settings.t1_us
        self._say(self._pending[0], actions)
        self._agent.timers.start(Timer.PRACK, self, at_us, self._repeat_us)
        self._agent.timers.start(Timer.NO_PRACK, self, at_us, self._agent.linger_us)

    def _received(self, prack: SipMessage, at_us: int, actions: list[Action]) -> None:
        said = self._rseq - len(self._pending) + 1
        if not self._pending or rack_of(prack) != (said, self._number):
            self._say(answer_to(prack, 481, self._leg.local_tag), actions)
            return
        self._say(answer_to(prack, 200, self._leg.local_tag), actions)
        self._agent.timers.stop(Timer.PRACK, self, self._repeat_us)
        self._agent.timers.stop(Timer.NO_PRACK, self, self._agent.linger_us)
        del self._pending[0]
        if self._pending:
            self._say_reliably(at_us, actions)
        elif self._answer:
            self.state = State.ANSWERED
            self._say_2xx(self._invite, self._answer, at_us, actions)

    def due(self, timer: Timer, at_us: int, actions: list[Action]) -> None:
        """A timer has run out."""
        if timer is Timer.PRACK:
            if self._pending:
                self._say(self._pending[0], actions)
                self._repeat_us *= 2
                self._agent.timers.start(Timer.PRACK, self, at_us, self._repeat_us)
        elif timer is Timer.NO_PRACK:
            if self._pending and self.state is State.EARLY:
                cause = Cause(causes.RECOVERY_ON_TIMER_EXPIRY, causes.BEYOND_INTERWORKING_POINT)
                self._refuse(504, cause, at_us, actions)
                self._release_other(cause, at_us, actions)
        else:
            super().due(timer, at_us, actions)
