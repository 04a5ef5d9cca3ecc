"""One half of a call on SIP, towards the proxy: what is alike whoever called.

The proxy is reached in memory, where nothing is lost, so that no request and no final response but a 2xx is repeated.
A 2xx is, until its ACK comes from the far end (RFC 3261 section 13.3.1.4).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, ack_of_failure, headers, tag_of
from gateway.codecs.ss7.isup import Cause, IsupMessage, MessageType, P, encode_cause, isup_message
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Action, ToProxy
from gateway.signalling.ss7.half_call import HalfCall
from gateway.signalling.ss7.interworking import causes
from gateway.signalling.ss7.interworking.agent import Agent, Timer
from gateway.signalling.ss7.interworking.numbers import readable
from gateway.signalling.ss7.interworking.progress import hold_message
from gateway.signalling.ss7.interworking.sdp import Media, NotAcceptable
from gateway.signalling.ss7.interworking.sip_i import ACCEPT, Bodies, bodies_of, body_of, speaks
from gateway.signalling.ss7.interworking.sip_writing import (
    ALLOW,
    METHODS,
    SUPPORTED,
    Leg,
    answer_to,
    cause_values,
    contact_of,
)

NO_BODY: Final = (b"", b"")
RETRY_SOON: Final = b"Retry-After: 2\r\n"
_RELAYED: Final = frozenset(
    {
        *(MessageType.SUS.value, MessageType.RES.value, MessageType.FAR.value, MessageType.FAA.value),
        *(MessageType.FRJ.value, MessageType.FAC.value, MessageType.USR.value, MessageType.CPG.value),
        *(MessageType.IDR.value, MessageType.IRS.value, MessageType.CRG.value, MessageType.PAM.value),
    }
)
"""ISUP messages that INFO carries to the other side and back (Q.1912.5 section 5.4.3)."""
_SUSPENSION: Final = frozenset({MessageType.SUS.value, MessageType.RES.value})


class State(Enum):
    """How far the SIP half of a call is."""

    EARLY = "early"  # the INVITE is not answered
    ANSWERED = "answered"  # our 2xx waits for its ACK
    UP = "up"
    CLEARING = "clearing"  # our CANCEL or BYE is on its way
    OVER = "over"


class SipHalf:
    """A user agent in one call. `other` is the half on the circuit."""

    def __init__(
        self,
        agent: Agent,
        leg: Leg,
        exchange: Hop,
        variant: Variant,
        edition: bytes,
        media: Media,
        *,
        secure: bool,
    ) -> None:
        """`edition` is that of SIP-I, empty where ISUP messages do not go along; `exchange` who stands behind us."""
        self._agent: Final = agent
        self._leg = leg
        self._exchange: Final = exchange
        self._variant: Final = variant
        self._edition: Final = edition if speaks(edition, variant) else b""
        self._contact: Final = contact_of(agent.settings.own, exchange, secure=secure)
        self._media: Final = media
        self.state = State.EARLY
        self.other: HalfCall | None = None
        self._released_by: Cause | None = None
        """A release that waits for an ACK."""
        self._unacknowledged = b""
        """Our 2xx without its ACK, the CSeq number of its INVITE, and after how long it is said again."""
        self._answered_cseq = 0
        self._repeat_us = 0
        self._hold_wanted = False
        self._asked_to_hold = False
        self._hold_said = False
        self._our_invite = b""
        """A re-INVITE of ours that is not answered."""
        self._may_fork = False
        """Other telephones may answer the INVITE yet, after the call is over."""

    # -- what the circuit's half says ---------------------------------------------------------------------------------

    def pass_on(self, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        """A message of the call came on the circuit."""
        if self.state is State.EARLY:
            self._pass_on_early(message, at_us, actions)
        elif self.state is State.UP:
            if self._edition:
                if message.type in _RELAYED:
                    self._send(b"INFO", b"", body_of(b"", message, self._edition), actions)
            elif message.type in _SUSPENSION and readable(lambda: message.network_initiated) is False:
                # A subscriber's suspension; the network's is ended by the exchange's own timer T6 (RFC 3398 section 9).
                self._hold_wanted = message.type == MessageType.SUS.value
                self._hold(actions)

    def release(self, cause: Cause, at_us: int, actions: list[Action]) -> None:
        """The circuit's half is released."""
        self.other = None
        if self.state is State.EARLY:
            self._release_early(cause, at_us, actions)
        elif self.state is State.ANSWERED:
            self._released_by = cause  # no BYE before the ACK (RFC 3261 section 15)
        elif self.state is State.UP:
            self._bye(self._leg, cause, actions)
            self._end(State.CLEARING, at_us)

    def abandon(self, at_us: int, actions: list[Action]) -> None:
        """The proxy has given the call up, and has no dialog any more in which a BYE could be said."""
        self._end(State.OVER, at_us)
        cause = Cause(causes.RECOVERY_ON_TIMER_EXPIRY, causes.PUBLIC_NETWORK_SERVING_LOCAL_USER)
        self._release_other(cause, at_us, actions)

    def _pass_on_early(self, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        raise NotImplementedError

    def _release_early(self, cause: Cause, at_us: int, actions: list[Action]) -> None:
        raise NotImplementedError

    # -- what the proxy says ------------------------------------------------------------------------------------------

    def take_request(self, request: SipMessage, at_us: int, actions: list[Action]) -> None:
        """A request of the dialog."""
        method = request.method
        if method == b"ACK":
            self._acknowledged(request, at_us, actions)
        elif method == b"BYE":
            self._hung_up(request, at_us, actions)
        elif self.state is State.CLEARING or self.state is State.OVER:
            self._say(answer_to(request, 481, self._leg.local_tag), actions)
        elif method == b"INVITE":
            self._reinvited(request, at_us, actions)
        elif method == b"UPDATE":
            self._updated(request, at_us, actions)
        elif method == b"INFO":
            self._informed(request, at_us, actions)
        elif method == b"OPTIONS":
            self._say(answer_to(request, 200, self._leg.local_tag, ALLOW + ACCEPT + SUPPORTED), actions)
        else:
            status = 405 if method in METHODS else 501
            self._say(answer_to(request, status, self._leg.local_tag, ALLOW), actions)

    def take_response(self, response: SipMessage, at_us: int, actions: list[Action]) -> None:
        """A response to a request of ours."""
        method = response.cseq()[1]
        if method == b"INVITE":
            self._invite_answered(response, at_us, actions)
        elif method == b"BYE" and response.status >= 200 and self.state is State.CLEARING:
            self._end(State.OVER, at_us)

    def due(self, timer: Timer, at_us: int, actions: list[Action]) -> None:
        """A timer has run out."""
        if timer is Timer.ACK:
            if self._unacknowledged:
                self._say(self._unacknowledged, actions)
                self._repeat_us = min(2 * self._repeat_us, self._agent.settings.t2_us)
                self._agent.timers.start(Timer.ACK, self, at_us, self._repeat_us)
        elif timer is Timer.NO_ACK:
            self._never_acknowledged(at_us, actions)
        elif timer is Timer.END:
            self._agent.halves.pop((self._leg.call_id, self._leg.local_tag), None)

    # -- 2xx and ACK --------------------------------------------------------------------------------------------------

    def _say_2xx(self, request: SipMessage, data: bytes, at_us: int, actions: list[Action]) -> None:
        """Answer an INVITE with 2xx, until its ACK comes."""
        self._unacknowledged = data
        self._answered_cseq = request.cseq()[0]
        self._repeat_us = self._agent.settings.t1_us
        self._say(data, actions)
        self._agent.timers.start(Timer.ACK, self, at_us, self._repeat_us)
        self._agent.timers.start(Timer.NO_ACK, self, at_us, self._agent.linger_us)

    def _acknowledged(self, ack: SipMessage, at_us: int, actions: list[Action]) -> None:
        if not self._unacknowledged or ack.cseq()[0] != self._answered_cseq:
            return
        self._unacknowledged = b""
        self._agent.timers.stop(Timer.ACK, self, self._repeat_us)
        self._agent.timers.stop(Timer.NO_ACK, self, self._agent.linger_us)
        if self.state is not State.ANSWERED:
            return
        self.state = State.UP
        if self._released_by is not None:
            self.release(self._released_by, at_us, actions)

    def _never_acknowledged(self, at_us: int, actions: list[Action]) -> None:
        """RFC 3261 section 13.3.1.4: the session is to be ended."""
        if not self._unacknowledged or self.state not in (State.ANSWERED, State.UP):
            return
        self._unacknowledged = b""
        cause = self._released_by or Cause(causes.RECOVERY_ON_TIMER_EXPIRY, causes.BEYOND_INTERWORKING_POINT)
        self._bye(self._leg, cause, actions)
        self._end(State.CLEARING, at_us)
        self._release_other(cause, at_us, actions)

    # -- requests of the other side -----------------------------------------------------------------------------------

    def _hung_up(self, bye: SipMessage, at_us: int, actions: list[Action]) -> None:
        if tag_of(bye.required(headers.FROM)) != self._leg.remote_tag:
            # Another telephone that the INVITE rang, or one that has not answered and must not hang up (section 15).
            self._say(answer_to(bye, 481, self._leg.local_tag), actions)
            return
        bodies = bodies_or_none(bye)
        self._say(answer_to(bye, 200, self._leg.local_tag), actions)
        over = self.state is State.OVER
        self._end(State.OVER, at_us)
        if not over:
            self._release_other(cause_of(bye, bodies, causes.NORMAL_CALL_CLEARING), at_us, actions)

    def _reinvited(self, request: SipMessage, at_us: int, actions: list[Action]) -> None:
        """Another offer within the session, or a refresh of it (RFC 3261 section 14.2)."""
        if self._our_invite:
            self._say(answer_to(request, 491, self._leg.local_tag), actions)
            return
        if self.state is not State.UP or self._unacknowledged:
            self._say(answer_to(request, 500, self._leg.local_tag, RETRY_SOON), actions)
            return
        bodies = bodies_of(request)
        description = self._described(request, bodies, actions, wanted=True)
        if description is None:
            return
        self._leg.retarget(request)
        lines = self._contact + ALLOW + SUPPORTED
        answer = answer_to(request, 200, self._leg.local_tag, lines, body_of(description, None, b""))
        self._say_2xx(request, answer, at_us, actions)
        self._follow_hold(at_us, actions)

    def _updated(self, request: SipMessage, at_us: int, actions: list[Action]) -> None:
        """UPDATE (RFC 3311): as a re-INVITE, at once and without ACK, and before the answer too."""
        bodies = bodies_of(request)
        if bodies.sdp is not None and self._our_invite:
            self._say(answer_to(request, 491, self._leg.local_tag), actions)
            return
        description = self._described(request, bodies, actions, wanted=False)
        if description is None:
            return
        self._leg.retarget(request)
        body = body_of(description, None, b"")
        self._say(answer_to(request, 200, self._leg.local_tag, self._contact, body), actions)
        self._follow_hold(at_us, actions)

    def _informed(self, request: SipMessage, at_us: int, actions: list[Action]) -> None:
        """INFO: an ISUP message of the other side, or nothing that concerns us (RFC 6086, Q.1912.5)."""
        bodies = bodies_of(request)
        if bodies.unknown:
            self._say(answer_to(request, 415, self._leg.local_tag, ACCEPT), actions)
            return
        self._say(answer_to(request, 200, self._leg.local_tag), actions)
        if bodies.isup is not None and self.other is not None and bodies.isup.type in _RELAYED and self._edition:
            self.other.pass_on(bodies.isup, at_us, actions)

    def _described(self, request: SipMessage, bodies: Bodies, actions: list[Action], *, wanted: bool) -> bytes | None:
        """Our description in answer to a request's offer; where it has none, an offer if one is wanted, else nothing.

        None: the offer cannot be accepted, and the request has been answered.
        """
        if bodies.sdp is None:
            return self._media.offer(self._media.bearer) if wanted else b""
        try:
            return self._media.answer(bodies.sdp)
        except NotAcceptable as refused:
            warning = f'Warning: {refused.warning} gateway "{refused.text}"\r\n'.encode()
            self._say(answer_to(request, 488, self._leg.local_tag, warning), actions)
            return None

    def _follow_hold(self, at_us: int, actions: list[Action]) -> None:
        """The other side has put the call on hold, or taken it up: ITU-T's ISUP has a word for it."""
        if self._media.held is self._hold_said:
            return
        self._hold_said = self._media.held
        if self._variant is Variant.ITU and self.other is not None and self.state is State.UP:
            self.other.pass_on(hold_message(self._hold_said), at_us, actions)

    # -- requests of ours ---------------------------------------------------------------------------------------------

    def _hold(self, actions: list[Action]) -> None:
        """Ask the other side to stop sending while the subscriber is suspended, or to send again."""
        if self._our_invite or self._unacknowledged:
            return  # it is looked at again when that is answered
        offer = self._media.offer(self._media.bearer, hold=self._hold_wanted)
        number = self._leg.next_cseq()
        self._our_invite = self._leg.request(b"INVITE", number, self._contact + ALLOW, body_of(offer, None, b""))
        self._say(self._our_invite, actions)
        self._asked_to_hold = self._hold_wanted

    def _invite_answered(self, response: SipMessage, at_us: int, actions: list[Action]) -> None:
        """A response to a re-INVITE of ours."""
        if response.status < 200 or not self._our_invite:
            return
        number = response.cseq()[0]
        if response.status < 300:
            self._say(self._leg.request(b"ACK", number), actions)
        else:
            self._say(ack_of_failure(SipMessage(self._our_invite), response.required(headers.TO)), actions)
        self._our_invite = b""
        if response.status in (408, 481):  # the dialog is gone (RFC 3261 section 12.2.1.2)
            cause = cause_of(response, None, causes.cause_of_status(response.status))
            self._bye(self._leg, cause, actions)
            self._end(State.CLEARING, at_us)
            self._release_other(cause, at_us, actions)
        elif response.status < 300 and self._asked_to_hold is not self._hold_wanted and self.state is State.UP:
            self._hold(actions)

    def _bye(self, leg: Leg, cause: Cause, actions: list[Action]) -> None:
        lines = b"Reason: %s\r\n" % causes.reason_of(cause.value, cause.location, cause.coding)
        self._say(leg.request(b"BYE", leg.next_cseq(), lines, self._release_body(cause)), actions)

    def _release_body(self, cause: Cause) -> tuple[bytes, bytes]:
        """SIP-I: the REL that goes along with what ends a call; else nothing."""
        if not self._edition:
            return NO_BODY
        release = isup_message(
            self._variant, MessageType.REL.value, None, [(P.CAUSE_INDICATORS.value, encode_cause(cause))]
        )
        return body_of(b"", release, self._edition)

    def _send(self, method: bytes, lines: bytes, body: tuple[bytes, bytes], actions: list[Action]) -> None:
        self._say(self._leg.request(method, self._leg.next_cseq(), lines, body), actions)

    # -- small steps --------------------------------------------------------------------------------------------------

    def _known(self) -> None:
        """From now on what comes in the dialog is this half's."""
        self._agent.halves[self._leg.call_id, self._leg.local_tag] = self

    def _say(self, data: bytes, actions: list[Action]) -> None:
        actions.append(ToProxy(data, self._exchange))

    def _release_other(self, cause: Cause, at_us: int, actions: list[Action]) -> None:
        other, self.other = self.other, None
        if other is not None:
            other.release(cause, at_us, actions)

    def _end(self, state: State, at_us: int) -> None:
        """The call is over, or soon will be; the dialog is known for as long as something of it may still come."""
        self.state = state
        self._unacknowledged = b""
        if state is State.OVER and not self._may_fork:
            self._agent.halves.pop((self._leg.call_id, self._leg.local_tag), None)
            self._agent.timers.stop(Timer.END, self, self._agent.linger_us)
        else:
            self._agent.timers.start(Timer.END, self, at_us, self._agent.linger_us)


def cause_of(message: SipMessage, bodies: Bodies | None, otherwise: int) -> Cause:
    """Why a SIP message ends a call: the REL in its body, its Reason (RFC 6432), else this cause."""
    isup = bodies.isup if bodies is not None else None
    if isup is not None and isup.type == MessageType.REL.value:
        cause = readable(lambda: isup.cause)
        if cause is not None:
            return cause
    said = causes.q850_of(cause_values(message))
    if said is not None:
        return Cause(said.cause, said.location)
    return Cause(otherwise, causes.BEYOND_INTERWORKING_POINT)


def bodies_or_none(message: SipMessage) -> Bodies | None:
    """The bodies of what answers or ends a call: one that cannot be read must not keep anybody waiting."""
    try:
        return bodies_of(message)
    except Malformed:
        return None
