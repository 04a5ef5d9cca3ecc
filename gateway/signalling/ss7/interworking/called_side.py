"""The SIP half of a call whose caller is on a circuit: the user agent client of its INVITE (RFC 3398 section 8)."""

from __future__ import annotations

from typing import Final

from gateway.codecs.sip import SipMessage, ack_of_failure, cancel_of, headers, tag_of
from gateway.codecs.ss7.isup import Cause, IsupMessage, MessageType
from gateway.signalling.call import Action, Call, ToProxy
from gateway.signalling.ss7.half_call import HalfCall
from gateway.signalling.ss7.interworking import causes
from gateway.signalling.ss7.interworking.agent import Agent, Timer
from gateway.signalling.ss7.interworking.bearers import bearer_of
from gateway.signalling.ss7.interworking.invite_of_iam import call_fields
from gateway.signalling.ss7.interworking.progress import answer_message, early_acm, progress_messages
from gateway.signalling.ss7.interworking.sdp import Media
from gateway.signalling.ss7.interworking.sip_half import SipHalf, State, bodies_or_none, cause_of
from gateway.signalling.ss7.interworking.sip_i import ACCEPT, NOTHING, body_of, edition_of
from gateway.signalling.ss7.interworking.sip_writing import (
    ALLOW,
    SUPPORTED,
    Leg,
    host_of,
    rseq_of,
    tag_for,
    wants,
    warnings_of,
)

MAX_FORKS: Final = 16
"""Telephones that one INVITE may ring at once and whose provisional responses are acknowledged."""
_CANCEL_END: Final = b"Content-Length: 0\r\n\r\n"
_BEFORE_ANSWER: Final = frozenset({MessageType.ACM.value, MessageType.CPG.value})
_ANSWERS: Final = frozenset({MessageType.ANM.value, MessageType.CON.value})


class CalledSide(SipHalf):
    """Sends the INVITE of an IAM, and says on the circuit what comes back."""

    def __init__(
        self, agent: Agent, call: Call, iam: IsupMessage, half: HalfCall, port: int, target: bytes, edition: str | None
    ) -> None:
        """`port` is that of the ingress group's member, `target` host and port of the member that the call goes to."""
        attempt = call.attempt
        settings = agent.settings
        fields = call_fields(iam, host_of(settings.own), target)
        call_id = attempt.call_id.encode()
        tag = tag_for(call_id, b"")
        leg = Leg(attempt.source, port, call_id, fields.from_ + b";tag=" + tag, tag, fields.to)
        spoken = edition_of(edition) if edition is not None else b""
        media = Media(settings.media, call_id)
        super().__init__(agent, leg, attempt.source, iam.variant, spoken, media, secure=False)
        self.other = half
        self._call: Final = call
        self._number: Final = leg.next_cseq()
        self._acm_sent = False
        self._forks: Final[dict[bytes, tuple[Leg, int]]] = {}
        """By the tag of who answers: its leg, and the RSeq that was acknowledged last."""
        self._ack = b""
        offer = self._media.offer(bearer_of(iam))
        lines = self._contact + ALLOW + ACCEPT + SUPPORTED + fields.lines
        body = body_of(offer, iam, self._edition)
        self._invite: Final = leg.request(
            b"INVITE", self._number, lines, body, uri=fields.request_uri, hops=fields.hops
        )

    def call_out(self, at_us: int, actions: list[Action]) -> None:
        """Send the INVITE."""
        self._known()
        actions.append(ToProxy(self._invite, self._exchange, self._call))
        self._agent.timers.start(Timer.PROGRESS, self, at_us, self._agent.settings.early_acm_us)

    # -- what the circuit's half says ---------------------------------------------------------------------------------

    def _pass_on_early(self, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        """Nothing that the caller's exchange says before the answer has a word in SIP."""

    def _release_early(self, cause: Cause, _at_us: int, actions: list[Action]) -> None:
        cancel = cancel_of(SipMessage(self._invite))
        reason = b"Reason: %s\r\n" % causes.reason_of(cause.value, cause.location, cause.coding)
        self._say(cancel[: -len(_CANCEL_END)] + reason + _CANCEL_END, actions)
        self._released_by = cause
        self.state = State.CLEARING  # until the INVITE is answered: with 487, or with a 2xx that crossed the CANCEL
        self._agent.timers.stop(Timer.PROGRESS, self, self._agent.settings.early_acm_us)

    def due(self, timer: Timer, at_us: int, actions: list[Action]) -> None:
        """A timer has run out."""
        if timer is not Timer.PROGRESS:
            super().due(timer, at_us, actions)
        elif self.state is State.EARLY and not self._acm_sent and self.other is not None:
            self._acm_sent = True
            self.other.pass_on(early_acm(self._variant), at_us, actions)

    # -- what the proxy says ------------------------------------------------------------------------------------------

    def take_response(self, response: SipMessage, at_us: int, actions: list[Action]) -> None:
        """A response to a request of ours."""
        number, method = response.cseq()
        if method != b"INVITE" or number != self._number or self._our_invite:
            super().take_response(response, at_us, actions)
        elif response.status < 200:
            if response.status > 100 and self.state is State.EARLY:
                self._provisional(response, at_us, actions)
        elif response.status < 300:
            self._success(response, at_us, actions)
        else:
            self._failure(response, at_us, actions)

    def _provisional(self, response: SipMessage, at_us: int, actions: list[Action]) -> None:
        """RFC 3398 section 8.2.3."""
        if wants(response, headers.REQUIRE, b"100rel") and not self._acknowledge_reliably(response, actions):
            return  # it was said before
        bodies = bodies_or_none(response) or NOTHING
        signal = bodies.isup
        if signal is None or signal.type not in _BEFORE_ANSWER or not self._edition:
            in_band = bodies.sdp is not None
            messages = progress_messages(response.status, self._variant, acm_sent=self._acm_sent, in_band=in_band)
        elif (signal.type == MessageType.ACM.value) is self._acm_sent:
            # A second ACM, or a CPG before any: a fork's, or what another exchange has already said for it.
            messages = progress_messages(response.status, self._variant, acm_sent=self._acm_sent, in_band=False)
        else:
            messages = [signal]
        self._acm_sent = True
        self._agent.timers.stop(Timer.PROGRESS, self, self._agent.settings.early_acm_us)
        for message in messages:
            if self.other is not None:
                self.other.pass_on(message, at_us, actions)

    def _acknowledge_reliably(self, response: SipMessage, actions: list[Action]) -> bool:
        """PRACK (RFC 3262 section 4). False where the response is a repetition, or out of order."""
        rseq = rseq_of(response)
        tag = tag_of(response.required(headers.TO))
        if rseq is None or not tag:
            return False
        known = self._forks.get(tag)
        if known is None:
            if len(self._forks) == MAX_FORKS:
                return False
            leg = self._leg_of(response)
        else:
            leg, before = known
            if rseq != before + 1:
                return False
        self._forks[tag] = (leg, rseq)
        line = b"RAck: %d %d INVITE\r\n" % (rseq, self._number)
        self._say(leg.request(b"PRACK", leg.next_cseq(), line), actions)
        return True

    def _leg_of(self, response: SipMessage) -> Leg:
        """The dialog that a response makes."""
        own = self._leg
        leg = Leg(self._exchange, own.port, own.call_id, own.local, own.local_tag, response.required(headers.TO))
        leg.learn(response, from_caller=False)
        while leg.cseq < self._number:
            leg.next_cseq()
        return leg

    def _success(self, response: SipMessage, at_us: int, actions: list[Action]) -> None:
        tag = tag_of(response.required(headers.TO))
        if self._ack and tag == self._leg.remote_tag:
            self._say(self._ack, actions)  # said again, for the ACK was lost on the way
            return
        known = self._forks.pop(tag, None)
        leg = known[0] if known is not None else self._leg_of(response)
        leg.learn(response, from_caller=False)
        ack = leg.request(b"ACK", self._number)
        self._say(ack, actions)
        if self.state is not State.EARLY:
            # It crossed our CANCEL, or is another telephone's: a call with nobody in it.
            cause = self._released_by or Cause(causes.NORMAL_CALL_CLEARING)
            self._bye(leg, cause, actions)
            if not self._ack:
                self._end(State.CLEARING, at_us)
            return
        self._leg, self._ack = leg, ack
        self._may_fork = True
        self.state = State.UP
        self._agent.timers.stop(Timer.PROGRESS, self, self._agent.settings.early_acm_us)
        bodies = bodies_or_none(response)
        signal = bodies.isup if bodies is not None else None
        if signal is None or signal.type not in _ANSWERS or not self._edition or not self._fits(signal):
            signal = answer_message(self._variant, acm_sent=self._acm_sent)
        if self.other is not None:
            self.other.pass_on(signal, at_us, actions)

    def _fits(self, answer: IsupMessage) -> bool:
        """Whether the answer of the other network is one that the caller's exchange can be told as it is."""
        return answer.type == MessageType.ANM.value or not self._acm_sent

    def _failure(self, response: SipMessage, at_us: int, actions: list[Action]) -> None:
        self._say(ack_of_failure(SipMessage(self._invite), response.required(headers.TO)), actions)
        if self.state is State.OVER:
            return
        self._agent.timers.stop(Timer.PROGRESS, self, self._agent.settings.early_acm_us)
        self._end(State.OVER, at_us)
        if self.other is not None:
            otherwise = causes.cause_of_status(response.status, warnings_of(response))
            self._release_other(cause_of(response, bodies_or_none(response), otherwise), at_us, actions)
