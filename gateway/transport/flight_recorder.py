"""The last messages in and out, kept in memory so that what led to an alert can be shown (L8: evidence).

Every message of the gateway passes here, so taking one costs next to nothing: messages come in the batches in which
they were read or sent, and of a batch the recorder keeps the list as it is. What a message is gets found out when
somebody asks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, cast

from gateway.giving_way import giving_way
from gateway.interconnection.trunk_groups import Address, Hop
from gateway.signalling.call import Send
from gateway.signalling.seen_message import Carried, SeenMessage

OVERHEAD_BYTES: Final = 200
"""Counted for each message beside its own bytes: what the objects around it take."""


_Arrived = Sequence[tuple[bytes, Hop, int]]
_Batch = tuple[int, int, Hop | None, _Arrived | Sequence[Send] | tuple[Address, Address, bytes], bool]
"""Bytes that it counts for, time, our end (None: M3UA), what was read, sent, or transferred; whether it was sent.

A plain tuple, since one is made for every reading of a socket."""


class FlightRecorder:
    """Holds the last messages, as many as fit. Written to by one thread; any may ask for a slice."""

    def __init__(self, most_bytes: int) -> None:
        """`most_bytes` counts the messages and `OVERHEAD_BYTES` for each, which also bounds their number."""
        self._most_bytes: Final = most_bytes
        self._batches: Final[deque[_Batch]] = deque()
        self.held_bytes = 0
        """As `most_bytes` counts."""

    def received(self, arrived: _Arrived, local: Hop) -> None:
        """Messages with source and time, as `SipEndpoint.receive` gets them. The list must stay as it is."""
        if not arrived:
            return
        size = len(arrived) * OVERHEAD_BYTES
        for message in arrived:
            size += len(message[0])
        self._batches.append((size, 0, local, arrived, False))
        self.held_bytes += size
        if self.held_bytes > self._most_bytes:
            self._forget()

    def sent(self, messages: Sequence[Send], local: Hop, at_us: int) -> None:
        """Messages that went out. The list must stay as it is."""
        if not messages:
            return
        size = len(messages) * OVERHEAD_BYTES
        for message in messages:
            size += len(message[0])
        self._batches.append((size, at_us, local, messages, True))
        self.held_bytes += size
        if self.held_bytes > self._most_bytes:
            self._forget()

    def transferred(self, at_us: int, source: Address, destination: Address, data: bytes) -> None:
        """An M3UA message, in or out (a `LinkTap`)."""
        size = OVERHEAD_BYTES + len(data)
        self._batches.append((size, at_us, None, (source, destination, data), True))
        self.held_bytes += size
        if self.held_bytes > self._most_bytes:
            self._forget()

    def slice(
        self, since_us: int, until_us: int, wanted: Callable[[SeenMessage], bool] = lambda _: True
    ) -> list[SeenMessage]:
        """The messages held of a stretch of time, its end included, for which `wanted` is true; oldest first."""
        batches = tuple(self._batches)  # at one go, while another thread may write
        return [
            message
            for batch in giving_way(batches)
            for message in _messages_of(batch)
            if since_us <= message.at_us <= until_us and wanted(message)
        ]

    def _forget(self) -> None:
        while self.held_bytes > self._most_bytes:
            self.held_bytes -= self._batches.popleft()[0]


def _messages_of(batch: _Batch) -> Iterator[SeenMessage]:
    _, at_us, local, messages, was_sent = batch
    if local is None:
        source, destination, data = cast(tuple[Address, Address, bytes], messages)
        yield SeenMessage(at_us, source, destination, data, Carried.M3UA)
        return
    carried = Carried(local.transport.value)
    if was_sent:
        for data, target in cast(Sequence[Send], messages):
            yield SeenMessage(at_us, local.address, target.address, data, carried)
    else:
        for data, peer, read_us in cast(_Arrived, messages):
            yield SeenMessage(read_us, peer.address, local.address, data, carried)
