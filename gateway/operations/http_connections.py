"""Bounds on the connections of the operations API: how many there are, and how long each may keep it waiting.

The library reads a request's head for as long as its sender likes. Here each connection has one deadline at a time, and
where all places are taken, the connection that has waited longest for its next request gives way to a new one: whoever
opens connections and says nothing keeps nobody out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

MOST_CONNECTIONS: Final = 64
HEAD_S: Final = 5.0
"""From a connection, or the first byte of a further request, to the end of the request's head."""
ANSWER_S: Final = 150.0
"""For the answer to be made; a reload of the largest tables takes most of a minute."""
IDLE_S: Final = 60.0
"""For an answer to be read, and the next request to begin."""


class HttpConnections:
    """The connections of one server. Belongs to the gateway's loop."""

    def __init__(self, make_handler: Callable[[], asyncio.Protocol], most: int = MOST_CONNECTIONS) -> None:
        """`make_handler` makes the library's protocol of one connection."""
        self._make_handler: Final = make_handler
        self._most: Final = most
        self._open: Final[dict[asyncio.BaseTransport, _Connection]] = {}
        """In the order in which they began to wait for a request; those that are answered are passed over."""

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Connection(self, self._make_handler)

    def __len__(self) -> int:
        return len(self._open)

    def head_is_read(self, transport: asyncio.BaseTransport | None) -> None:
        """A request is there and will be answered now."""
        if transport is not None and (connection := self._open.get(transport)) is not None:
            connection.answers()

    def answered(self, transport: asyncio.BaseTransport | None) -> None:
        """The answer to a request is made."""
        if transport is not None and (connection := self._open.pop(transport, None)) is not None:
            self._open[transport] = connection  # behind those that wait for longer
            connection.waits()

    def admit(self, connection: _Connection, transport: asyncio.BaseTransport) -> bool:
        """Whether there is a place for a new connection, or one was made."""
        if len(self._open) >= self._most:
            idle = next((each for each in self._open.values() if not each.answering), None)
            if idle is None:
                return False
            idle.abort()
        self._open[transport] = connection
        return True

    def forget(self, transport: asyncio.BaseTransport) -> None:
        self._open.pop(transport, None)


class _Connection(asyncio.Protocol):
    """Stands before the library's protocol and keeps the time."""

    def __init__(self, table: HttpConnections, make_handler: Callable[[], asyncio.Protocol]) -> None:
        self.answering = False
        self._table: Final = table
        self._make_handler: Final = make_handler
        self._handler: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._reads_head = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        if not self._table.admit(self, transport):
            self._transport.abort()
            return
        self._handler = self._make_handler()
        self._handler.connection_made(transport)
        self._allow(HEAD_S)

    def data_received(self, data: bytes) -> None:
        if self._handler is None:
            return
        if not self.answering and not self._reads_head:
            self._reads_head = True
            self._allow(HEAD_S)
        self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        return self._handler.eof_received() if self._handler is not None else None

    def pause_writing(self) -> None:
        if self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        if self._handler is not None:
            self._handler.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        if self._transport is not None:
            self._table.forget(self._transport)
        if self._handler is not None:
            self._handler.connection_lost(exc)

    def answers(self) -> None:
        """A request's head is read."""
        self.answering = True
        self._allow(ANSWER_S)

    def waits(self) -> None:
        """The answer is made: the peer reads it, and may ask again."""
        self.answering = self._reads_head = False
        self._allow(IDLE_S)

    def abort(self) -> None:
        if self._transport is not None:
            self._table.forget(self._transport)
            self._transport.abort()

    def _allow(self, seconds: float) -> None:
        """What is waited for now has so many seconds from now on."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.abort)
