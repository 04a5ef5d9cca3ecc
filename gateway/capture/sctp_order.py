"""The order of messages on the streams of one direction of an SCTP association (RFC 9260 section 6.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.capture.sctp import UserMessage


class _Stream:
    __slots__ = ("expected", "held", "modulus")

    def __init__(self, expected: int, modulus: int) -> None:
        self.expected = expected
        self.held: dict[int, UserMessage] = {}
        self.modulus = modulus


class StreamOrder:
    """Hands on messages in the order of their sequence numbers, and holds those that have overtaken others.

    The first message of a stream that the capture holds is taken to be the next one due. `most` streams are followed;
    messages of further ones are handed on as they come.
    """

    def __init__(self, most: int) -> None:
        self._streams: Final[dict[int, _Stream]] = {}
        self._most: Final = most

    def arrived(self, message: UserMessage, sequence: int, modulus: int) -> list[UserMessage]:
        """What can be handed on now; `modulus` is how many sequence numbers there are."""
        stream = self._streams.get(message.stream)
        if stream is None:
            if len(self._streams) < self._most:
                self._streams[message.stream] = _Stream((sequence + 1) % modulus, modulus)
            return [message]
        ahead = (sequence - stream.expected) % stream.modulus
        if ahead > stream.modulus // 2:  # from before the capture's first one, or from before a gap that was given up
            return [message]
        if ahead:
            stream.held[sequence] = message
            return []
        stream.expected = (sequence + 1) % stream.modulus
        return [message, *self._following(stream, message.at_us)]

    def waits(self, stream: int) -> bool:
        """Whether messages of a stream wait for one before them."""
        return self.held_on(stream) > 0

    def held_on(self, stream: int) -> int:
        """How many."""
        followed = self._streams.get(stream)
        return len(followed.held) if followed is not None else 0

    def waits_since(self, stream: int) -> int:
        """When the one that waits longest was complete. ValueError where none waits."""
        return min(message.at_us for message in self._streams[stream].held.values())

    def passed_over(self, stream: int, at_us: int | None) -> tuple[int, list[UserMessage]]:
        """Wait no longer: how many messages are missing, and what is handed on instead, at `at_us` or its own time."""
        followed = self._streams[stream]
        ahead = min((sequence - followed.expected) % followed.modulus for sequence in followed.held)
        followed.expected = (followed.expected + ahead) % followed.modulus
        return ahead, self._following(followed, at_us)

    @staticmethod
    def _following(stream: _Stream, at_us: int | None) -> list[UserMessage]:
        """The messages that were held and are due, handed on at the time of what they waited for."""
        due = []
        while (message := stream.held.pop(stream.expected, None)) is not None:
            stream.expected = (stream.expected + 1) % stream.modulus
            due.append(message if at_us is None else message._replace(at_us=max(at_us, message.at_us)))
        return due
