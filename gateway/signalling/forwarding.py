"""How a request goes on: with a Via of ours in front, one hop fewer to go, and our own Route taken off."""

from __future__ import annotations

from typing import Final

from gateway.codecs.sip import SipMessage, Via, completed_via, forwarded
from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Action, Send
from gateway.signalling.dialogs import Dialog
from gateway.signalling.own_side import OwnSide
from gateway.signalling.requests import request_of
from gateway.signalling.transaction_layer import TransactionLayer
from gateway.signalling.transactions import ClientTransaction, ServerTransaction


class Forwarder:
    """Sends requests on (RFC 3261 section 16.6)."""

    def __init__(self, own: OwnSide, layer: TransactionLayer) -> None:
        self._own: Final = own
        self._layer: Final = layer

    def forward(
        self,
        server: ServerTransaction,
        dialog: Dialog,
        target: Hop,
        hops: int,
        pop_route: bool,
        at_us: int,
        actions: list[Action],
        record_route: bool = False,
    ) -> ClientTransaction:
        request = request_of(server)
        branch = self._own.new_branch()
        outside = self._own.towards(target)
        own = outside.via + branch
        if record_route:
            secure = request.request_uri[:5].lower() == b"sips:"
            own += self._own.record_route(self._own.towards(server.source), outside, secure=secure)
        else:
            own += b"\r\n"
        data = forwarded(request, own, hops, server.via, pop_route=pop_route)
        return self._layer.send_request(request.method, branch, data, target, server, dialog, at_us, actions)

    def forward_ack(
        self,
        request: SipMessage,
        via_value: bytes,
        via: Via,
        source: Hop,
        target: Hop,
        hops: int,
        pop_route: bool,
        actions: list[Action],
    ) -> None:
        """An ACK for a 2xx has no transaction: it is sent on and forgotten."""
        own = self._own.towards(target).via + self._own.new_branch() + b"\r\n"
        received = completed_via(via_value, via, source.host, source.port)
        actions.append(Send(forwarded(request, own, hops, received, pop_route=pop_route), target))
