"""Requests that open no call and belong to no dialog: CANCEL, OPTIONS, and what we do not do."""

from __future__ import annotations

from typing import Final

from gateway.codecs.sip import headers
from gateway.signalling.answers import ALLOW, Answers
from gateway.signalling.call import Action
from gateway.signalling.parking import Parking
from gateway.signalling.requests import request_of
from gateway.signalling.response_relay import LONGEST_REASON, MAX_REASONS
from gateway.signalling.transaction_layer import TransactionLayer
from gateway.signalling.transactions import ServerTransaction


class OtherRequests:
    """Answers them, each by itself."""

    def __init__(self, layer: TransactionLayer, answers: Answers, parking: Parking) -> None:
        self._layer: Final = layer
        self._answers: Final = answers
        self._parking: Final = parking

    def cancel(self, server: ServerTransaction, at_us: int, actions: list[Action]) -> None:
        """CANCEL of an INVITE that is being relayed (RFC 3261 sections 9.2 and 16.10), with its Reason (RFC 3326)."""
        branch, host, port, _, sender = server.key
        invite = self._layer.server((branch, host, port, b"INVITE", sender))
        if invite is None:
            self._answers.once(server, 481, "Call/Transaction Does Not Exist", actions)
            return
        self._answers.once(server, 200, "OK", actions)
        if invite.client is not None:
            request = request_of(server)
            # What was bare line feeds and the like is written out as single spaces.
            reasons = [b" ".join(request.text(span).split()) for span in request.spans(headers.REASON)[:MAX_REASONS]]
            invite.client.cancel_reason = b"".join(b"Reason: %s\r\n" % reason[:LONGEST_REASON] for reason in reasons)
            self._layer.cancel(invite.client, at_us, actions)
        elif self._parking.cancel(invite):
            self._answers.in_transaction(invite, 487, "Request Terminated", at_us, actions)

    def answer(self, server: ServerTransaction, known_host: bool, actions: list[Action]) -> None:
        """OPTIONS, and methods that are no proxy's: we are nobody's registrar. Raises `Malformed`."""
        request = request_of(server)
        request.check()
        if request.method == b"OPTIONS":
            self._answers.options(server, known_host, actions)
        else:
            self._answers.once(server, 405, "Method Not Allowed", actions, extra=ALLOW)
