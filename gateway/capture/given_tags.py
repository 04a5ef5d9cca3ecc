"""To tags that a captured gateway gave, and the ones that a replay gives in their place.

They are made of a secret of each run. An ACK for an answer that left no transaction is known by its tag alone.
"""

from __future__ import annotations

from typing import Final

from gateway.capture.bounded import Bounded
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers, tag_of


class GivenTags:
    """Learns both from answers that refuse something, and translates ACKs. Bounded."""

    def __init__(self) -> None:
        self._replayed: Final[Bounded[bytes, bytes]] = Bounded()  # by Call-ID
        self._captured: Final[Bounded[bytes, bytes]] = Bounded()  # the capture's tag to the replay's

    def would_give(self, answer: SipMessage) -> None:
        """An answer of this replay. Raises `Malformed`."""
        if answer.status >= 300:
            self._replayed.put(answer.required(headers.CALL_ID), tag_of(answer.required(headers.TO)))

    def gave(self, answer: SipMessage) -> None:
        """A response that the captured gateway sent. Raises `Malformed`."""
        if answer.status >= 300:
            own, captured = self._replayed.get(answer.required(headers.CALL_ID)), tag_of(answer.required(headers.TO))
            if own and captured and own != captured:
                self._captured.put(captured, own)

    def translated(self, ack: bytes) -> bytes:
        """An ACK with the replay's tag in place of the captured gateway's."""
        try:
            message = SipMessage(ack)
            span, tag = message.span(headers.TO), tag_of(message.required(headers.TO))
        except Malformed:
            return ack
        own = self._captured.get(tag)
        if own is None or span is None:
            return ack
        start = ack.rfind(tag, *span)
        return ack[:start] + own + ack[start + len(tag) :]
