"""How a request goes on: with a Via of ours in front, one hop fewer to go, and our own Route taken off."""

from __future__ import annotations

from typing import Final

from gateway.codecs.sip import SipMessage, Via, forwarded
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.call import Action, send_to
from gateway.signalling.dialogs import Dialog
from gateway.signalling.own_side import OwnSide
from gateway.signalling.requests import received_via, request_of
from gateway.signalling.transaction_layer import TransactionLayer
from gateway.signalling.transactions import ClientTransaction, ServerTransaction

LONGEST_DATAGRAM: Final = 65_507
"""Bytes: what UDP can carry over IPv4."""
OUR_LINES: Final = 512
"""Bytes that our Via and Record-Route, and what is filled in by us, add to a message at most."""
_UDP: Final = Transport.UDP
_TLS: Final = Transport.TLS


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
        received = received_via(via_value, via, source)
        actions.append(send_to(forwarded(request, own, hops, received, pop_route=pop_route), target))


def hindrance_of(request: SipMessage, target: Hop, *, emergency: bool) -> tuple[int, str, bytes] | None:
    """Why a call that was let through cannot be carried to where it goes: status, phrase, header lines; else None."""
    if target.transport is _UDP and len(request.data) > LONGEST_DATAGRAM - OUR_LINES:
        return 513, "Message Too Large For UDP", b""  # RFC 3261 sections 18.1.1 and 21.5.7
    if request.request_uri[:5].lower() == b"sips:" and target.transport is not _TLS and not emergency:
        # A sips URI promises TLS from hop to hop (RFC 3261 section 26.2.2, RFC 5630 section 3).
        return 480, "SIPS Not Allowed", b'Warning: 380 gateway "the trunk group has no TLS"\r\n'
    return None
