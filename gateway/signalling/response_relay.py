"""Responses on their way from the called side to the caller, and what becomes of requests that get none.

What the transactions report (RFC 3261 sections 16.7 to 16.9) is heeded here: the calls' books are kept, the members'
failures noted, and the caller is told what the gateway itself has to say.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import RelayedResponse, SipMessage, headers, tag_of
from gateway.signalling.answers import Answers
from gateway.signalling.call import Action, EndedBy
from gateway.signalling.calls import CallsUp
from gateway.signalling.dialogs import Dialog
from gateway.signalling.failover import Failover
from gateway.signalling.forced_release import ForcedRelease
from gateway.signalling.own_side import OwnSide
from gateway.signalling.remote_targets import REFRESHING, learn_from_response
from gateway.signalling.session_timers import REFRESHES, SessionTimers
from gateway.signalling.transaction_layer import TransactionLayer
from gateway.signalling.transactions import ClientTransaction

MAX_REASONS: Final = 4
LONGEST_REASON: Final = 256
"""Reason lines of a message that are passed on where its fields are not, and the bytes of each: one a protocol, in the
length of a sentence."""


class ResponseRelay:
    """The user of the transactions, as their layer knows it."""

    def __init__(
        self,
        own: OwnSide,
        layer: TransactionLayer,
        calls: CallsUp,
        answers: Answers,
        failover: Failover,
        sessions: SessionTimers,
        released: ForcedRelease,
    ) -> None:
        self._own: Final = own
        self._layer: Final = layer
        self._calls: Final = calls
        self._answers: Final = answers
        self._failover: Final = failover
        self._sessions: Final = sessions
        self._released: Final = released

    def on_response(
        self, client: ClientTransaction, response: RelayedResponse, at_us: int, actions: list[Action]
    ) -> None:
        """A response passes from the called side to the caller (RFC 3261 section 16.7)."""
        member = client.member
        if member is not None and self._failover.takes(client, member, response, at_us, actions):
            return
        status = response.status
        server, dialog = client.server, client.dialog
        if status == 100 or dialog is None:
            return
        if status < 200 and client.method != b"INVITE":
            return  # RFC 4320 section 4.1
        if server is None:  # a BYE of our own: whatever it says, that side is over (RFC 3261 section 15.1.1)
            self._released.finished(dialog)
            return
        answer = None
        if client.method == b"INVITE":
            tag = tag_of(response.to)
            if not client.to_caller:  # else it is the caller's own
                dialog.learn(tag)
                if 200 <= status < 300:
                    answer = dialog.answered(tag)
            self._calls.progress(dialog, status, at_us, actions)
        if 100 < status < 300 and client.method in REFRESHING:
            if status >= 200 and answer is None and not client.to_caller:
                answer = dialog.answer_of(tag_of(response.to))
            opening = client.branch == dialog.opened_by
            learn_from_response(dialog, response.onward, self._own, client.to_caller, opening, answer)
        if status == 503:
            self._fail(client, "the next hop is out of service", _kept_of(response.onward), at_us, actions)
            return
        onward = response.onward
        if 200 <= status < 300 and client.method in REFRESHES:
            onward = self._sessions.answered(client, dialog, onward, at_us)
        self._layer.respond(server, status, onward, at_us, actions)
        if client.method == b"BYE":
            if status < 300 or status in (408, 481):
                self._hang_up(client, dialog, at_us, actions)
            else:
                dialog.closing = False
        elif status >= 300 and client.branch == dialog.opened_by:
            self._calls.fail(dialog, status, _given_up_by(client) or EndedBy.FAILURE, at_us, actions)

    def _hang_up(self, client: ClientTransaction, dialog: Dialog, at_us: int, actions: list[Action]) -> None:
        """A BYE was answered, or never will be: its sender has left (RFC 3261 section 15.1.1).

        One that is refused ends nothing: the other side still talks. Nor does one in an early dialog: the answer to the
        INVITE says what becomes of the call.
        """
        server = client.server
        if server is None or server.request is None:
            return
        tag = tag_of(server.request.required(headers.FROM if client.to_caller else headers.TO))
        ended_by = EndedBy.CALLED if client.to_caller else EndedBy.CALLER
        self._calls.hung_up(dialog, tag, ended_by, client.sent_at_us, at_us, actions)

    def on_slow(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None:
        """Timer E has come to T2: the sender of this request shall repeat it as seldom (RFC 4320 section 4.1)."""
        server = client.server
        if server is not None and server.response is None:
            self._answers.in_transaction(server, 100, "Trying", at_us, actions)

    def on_unreachable(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None:
        """The request cannot be sent: as if the next hop had answered 503 (RFC 3261 section 16.9)."""
        member = client.member
        if member is not None and self._failover.unreachable(client, member, at_us, actions):
            return
        self._fail(client, "the next hop cannot be reached", b"", at_us, actions)

    def _fail(self, client: ClientTransaction, text: str, extra: bytes, at_us: int, actions: list[Action]) -> None:
        """The next hop is out of service. A 503 passed on would say that we are (RFC 3261 section 16.7 step 6)."""
        server, dialog = client.server, client.dialog
        if server is None:
            if dialog is not None:
                self._released.finished(dialog)
            return
        extra += f'Reason: SIP;cause=503;text="{text}"\r\n'.encode()
        self._answers.in_transaction(server, 500, "Next Hop Out Of Service", at_us, actions, extra)
        if dialog is None:
            return
        if client.method == b"BYE":
            self._hang_up(client, dialog, at_us, actions)
        elif client.branch == dialog.opened_by:
            self._calls.fail(dialog, 500, _given_up_by(client) or EndedBy.FAILURE, at_us, actions)

    def on_silence(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None:
        """Nothing came back in time."""
        member = client.member
        if member is not None and self._failover.silent(client, member, at_us, actions):
            return
        server, dialog = client.server, client.dialog
        if server is None:
            if dialog is not None:
                self._released.finished(dialog)
            return
        if client.method != b"INVITE":
            if client.method == b"BYE" and dialog is not None:
                self._hang_up(client, dialog, at_us, actions)
            self._layer.forget(server)  # RFC 4320: a late 408 to a non-INVITE does harm only
            return
        ended_by = _given_up_by(client) or EndedBy.TIMEOUT
        status, phrase = (487, "Request Terminated") if ended_by is EndedBy.CANCEL else (408, "Request Timeout")
        self._answers.in_transaction(server, status, phrase, at_us, actions)
        if dialog is not None and client.branch == dialog.opened_by:
            self._calls.fail(dialog, status, ended_by, at_us, actions)

    def on_overdue(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None:
        """A member of a trunk group keeps us waiting."""
        if client.member is not None:
            self._failover.overdue(client, client.member, at_us, actions)


def _given_up_by(client: ClientTransaction) -> EndedBy | None:
    """Who wanted an INVITE cancelled: the caller, or timer C."""
    if client.overdue:
        return EndedBy.TIMEOUT
    return EndedBy.CANCEL if client.cancelled or client.cancel_wanted else None


def _kept_of(response: bytes) -> bytes:
    """Lines of a 503 that its stand-in keeps: Retry-After, and the Q.850 cause of a call that ISUP released (RFC 6432).

    Empty where it has none, or cannot be read with care.
    """
    kept = b""
    with suppress(Malformed):
        message = SipMessage(response)
        value = message.value(headers.RETRY_AFTER)
        if value:
            kept = b"Retry-After: %s\r\n" % b" ".join(value.split())
        for span in message.spans(headers.REASON)[:MAX_REASONS]:
            reason = b" ".join(message.text(span).split())
            if reason[:6].upper() == b"Q.850;" and len(reason) <= LONGEST_REASON:
                return kept + b"Reason: %s\r\n" % reason
    return kept
