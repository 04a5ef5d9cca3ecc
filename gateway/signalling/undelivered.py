"""What becomes of a message that could not be sent."""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers, parse_via
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.call import Action, Send
from gateway.signalling.ingress import Ingress
from gateway.signalling.requests import sender_of
from gateway.signalling.transaction_layer import TransactionLayer

_UDP: Final = Transport.UDP


class Undelivered:
    """Takes messages that no socket took, or whose connection never came up."""

    def __init__(self, ingress: Ingress, layer: TransactionLayer) -> None:
        self._ingress: Final = ingress
        self._layer: Final = layer

    def take(self, message: Send, at_us: int, actions: list[Action]) -> None:
        """A request fails, a response may go by another connection. A datagram is as good as lost, and sent again."""
        if message.target.transport is _UDP:
            return
        data = message.data
        if data.startswith(b"SIP/2.0 "):
            self._reroute(message, actions)
            return
        via = data.find(b"\r\n")  # ours, behind the request line: a Request-URI may have a branch parameter too
        start = data.find(b";branch=", via) + 8
        method = data[: data.find(b" ")]
        client = self._layer.client(data[start : data.find(b"\r\n", start)], b"INVITE" if method == b"ACK" else method)
        if client is not None and client.target == message.target:
            self._layer.unreachable(client, at_us, actions)

    def _reroute(self, message: Send, actions: list[Action]) -> None:
        """A response whose connection is gone goes to where the Via says, by a new one (RFC 3261 section 18.2.2)."""
        if not message.target.connection:
            return
        try:
            response = SipMessage(message.data)
            via = parse_via(response.required(headers.VIA))
            sender = sender_of(message.target, self._ingress.group_of(message.target, via.port), known_host=True)
            server = self._layer.server((via.branch, via.host, via.port, response.cseq()[1], sender))
        except Malformed:
            return
        if server is not None and server.reply_to == message.target:
            server.reply_to = Hop(message.target.host, via.port, message.target.transport)
            actions.append(Send(message.data, server.reply_to))
