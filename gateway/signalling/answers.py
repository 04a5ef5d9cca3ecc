"""What the proxy answers by itself: in a transaction, without one, and to what cannot be read."""

from __future__ import annotations

import re
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, completed_via, headers, parse_via
from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Action, send_to
from gateway.signalling.own_side import OwnSide
from gateway.signalling.proxy_settings import ProxyCounters
from gateway.signalling.requests import SCHEMES, request_of, scheme_of, unsupported_by_us
from gateway.signalling.transaction_layer import TransactionLayer
from gateway.signalling.transactions import ServerTransaction

ALLOW: Final = b"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE\r\n"
CAPABILITIES: Final = ALLOW + b"Accept: application/sdp\r\nSupported: timer\r\n"
"""What the answer to an OPTIONS of a member of a trunk group says (RFC 3261 section 11.2)."""
RETRY_AFTER: Final = b"Retry-After: 2\r\n"
AT_CAPACITY: Final = "Gateway At Capacity"
"""Phrase of the 503 for a call that was not decided: too many are up, or the gateway drains."""

_VERSION_AT_END: Final = re.compile(rb" SIP/(\d{1,9}\.\d{1,9}) *\Z")
_UNREADABLE: Final = b"UNREADABLE"
_OF_ANOTHER_VERSION: Final = b"OF-ANOTHER-VERSION"
"""Methods that stand for a start line that cannot be read."""


class Answers:
    """Writes responses of our own and asks for them to be sent."""

    def __init__(self, own: OwnSide, layer: TransactionLayer, counters: ProxyCounters, max_message_bytes: int) -> None:
        self._own: Final = own
        self._layer: Final = layer
        self._counters: Final = counters
        self._max_message_bytes: Final = max_message_bytes

    def in_transaction(
        self,
        server: ServerTransaction,
        status: int,
        phrase: str,
        at_us: int,
        actions: list[Action],
        extra: bytes = b"",
    ) -> None:
        """Answer in the transaction, which repeats the answer as long as it must."""
        request = server.request
        if request is None:
            return
        data = self._own.answer(request, status, phrase, server.via, extra)
        self._layer.respond(server, status, data, at_us, actions)

    def once(
        self, server: ServerTransaction, status: int, phrase: str, actions: list[Action], extra: bytes = b""
    ) -> None:
        """Answer without a transaction: a repeated request is answered again, the same (RFC 3261 section 8.2.7)."""
        data = self._own.answer(request_of(server), status, phrase, server.via, extra)
        if server.upstream is not None:
            data = server.upstream.told(data, server.upstream.heard_us)
        actions.append(send_to(data, server.reply_to))

    def options(self, server: ServerTransaction, known_host: bool, actions: list[Action]) -> None:
        """Answer an OPTIONS as a server does, saying what we do not know (RFC 3261 sections 8.2.2 and 11.2)."""
        request = request_of(server)
        unsupported = unsupported_by_us(request, headers.REQUIRE)
        if scheme_of(request) not in SCHEMES:
            self.once(server, 416, "Unsupported URI Scheme", actions)
        elif unsupported:
            self.once(server, 420, "Bad Extension", actions, b"Unsupported: %s\r\n" % unsupported)
        else:
            self.once(server, 200, "OK", actions, CAPABILITIES if known_host else b"")

    def malformed(
        self, data: bytes, message: SipMessage | None, fault: Malformed, source: Hop, actions: list[Action]
    ) -> None:
        """Count what cannot be read, and answer it where that is possible. `message` is None where it is no message."""
        self._counters.malformed[fault.what] += 1
        too_long = len(data) > self._max_message_bytes
        if message is None:
            message = self._head_of(data[: self._max_message_bytes]) if too_long else self._behind_start_line(data)
        if message is None or message.status or message.method == b"ACK":
            return
        status, phrase = 400, "Bad Request: " + fault.what
        if too_long:
            status, phrase = 513, "Message Too Large"
        elif message.method == _OF_ANOTHER_VERSION:
            status, phrase = 505, "Version Not Supported"
        try:
            value = message.required(headers.VIA)
            received = completed_via(value, parse_via(value), source.host, source.port)
        except Malformed:
            received = None
        try:
            actions.append(send_to(self._own.answer(message, status, phrase, received), source))
        except Malformed:
            return  # it lacks what an answer must repeat; the drop is counted above

    def _head_of(self, data: bytes) -> SipMessage | None:
        """The head of a message that is too long; None where it cannot be read, or is too long itself."""
        end = data.find(b"\r\n\r\n")
        try:
            return SipMessage(data[: end + 4]) if end >= 0 else None
        except Malformed:
            return None

    def _behind_start_line(self, data: bytes) -> SipMessage | None:
        """What is needed to answer a request of which the start line alone cannot be read: its header fields.

        None for what is no request, for an ACK, which nobody answers, and where the header fields are at fault as well.
        """
        start, line_end, rest = data.partition(b"\r\n")
        version = _VERSION_AT_END.search(start)
        if version is None or start.startswith((b"SIP/", b"ACK ")):
            return None
        method = _UNREADABLE if version[1] == b"2.0" else _OF_ANOTHER_VERSION
        try:
            return SipMessage(method + b" sip:unreadable.invalid SIP/2.0" + line_end + rest)
        except Malformed:
            return None
