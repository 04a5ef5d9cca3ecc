"""One connection that carries SIP, over TCP or TLS: bytes to messages, messages to bytes, and when it must close."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

from gateway.codecs.sip.framing import Framing, Unframeable, refusal_of
from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Send
from gateway.transport.connections import Closing, ConnectionTable
from gateway.transport.endpoint import SipEndpoint
from gateway.transport.tls import names_in

LINGER_US: Final = 2_000_000
"""For a peer to read our last answer while what it still sends is thrown away: closed at once, the answer would be lost
with a reset."""
KEEP_ALIVE: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4), ("TCP_USER_TIMEOUT", 30_000))
"""So that a peer that vanished is noticed: seconds, seconds, probes, and milliseconds without acknowledgement."""

LOG = logging.getLogger("tollgate.transport")


class Connection(asyncio.Protocol):
    """Accepted, or made by us: then it takes messages before it is up, and keeps them until it is."""

    def __init__(
        self,
        endpoint: SipEndpoint,
        table: ConnectionTable,
        hop: Hop,
        local: Hop,
        gone: Callable[[Connection], None],
        *,
        accepted: bool,
        expected: frozenset[str] = frozenset(),
    ) -> None:
        """`gone` is called once, when it is no longer up or never will be.

        `expected`: the far end's certificate must carry one of these names; empty where it need not be looked at.
        """
        self.hop: Final = hop
        self.accepted: Final = accepted
        self._endpoint: Final = endpoint
        self._table: Final = table
        self._local: Final = local
        self._gone: Final = gone
        self._expected: Final = expected
        self._framing: Final = Framing(table.limits.framing)
        self._loop: Final = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiting: list[Send] = []
        self._waiting_bytes = 0
        self._over = False
        self._why: Closing | None = None
        self._last_us = 0
        """When a byte last went in either direction."""
        self._begun_us = 0
        """When the message that is not yet whole began to come; 0 where none is coming."""
        self._close_us = 0
        """When it is closed whatever happens; 0 while nothing is decided."""
        self._more = False
        """Whole messages were left for the loop's next turn."""
        self._discarding = False
        self._told = False
        """That it is gone."""
        self._ended = False
        """The peer sends no more."""
        self._stalled = False
        self._unanswered = 0
        """Requests that came, less the final responses that went."""

    # -- what the carrier calls ---------------------------------------------------------------------------------------

    @property
    def usable(self) -> bool:
        """Whether it takes messages: it is up and stays so, or it is on its way."""
        return not self._over and self._why is None

    @property
    def reusable(self) -> bool:
        """Whether the peer can answer a request on it."""
        return self.usable and not self._ended

    def send(self, message: Send) -> bool:
        """Send a message, or keep it until the connection is up. False where it takes none."""
        if not self.usable or self._stalled:
            return False
        transport = self._transport
        if transport is None:
            self._waiting_bytes += len(message.data)
            if self._waiting_bytes > self._table.limits.queued_bytes:
                self._waiting_bytes -= len(message.data)
                return False
            self._waiting.append(message)
            return True
        self._write(transport, message.data)
        return True

    def failed(self, why: Closing) -> None:
        """It never came up."""
        self._end(why)

    def close(self, why: Closing) -> None:
        """Close it when what is written has gone out."""
        if self._why is None:
            self._why = why
            if self._transport is not None:
                self._transport.close()
                self._say_gone()
            else:
                self._end(why)

    def abort(self, why: Closing) -> None:
        """Close it at once."""
        self._why = self._why or why
        if self._transport is not None:
            self._transport.abort()
            self._say_gone()
        else:
            self._end(why)

    # -- what the loop calls ------------------------------------------------------------------------------------------

    def connection_made(self, made: asyncio.BaseTransport) -> None:
        transport = self._transport = cast(asyncio.Transport, made)  # uvloop's is one by what it does
        self._last_us = self._endpoint.clock.now_us()
        self._table.watch(self.hop.connection, self)
        if self._why is not None or self._over:
            transport.abort()
            return
        notice_a_vanished_peer(transport.get_extra_info("socket"))
        transport.set_write_buffer_limits(high=self._table.limits.queued_bytes)
        secured = transport.get_extra_info("ssl_object")
        names = names_in(secured.getpeercert() or {}) if secured is not None else frozenset()
        if self._expected and not self._expected & names:
            LOG.warning("%s shows a certificate for %s", self.hop, ", ".join(sorted(names)) or "nobody")
            self.abort(Closing.CERTIFICATE)
            return
        self._table.opened[self.hop.transport.value, "in" if self.accepted else "out"] += 1
        self._endpoint.connected(self.hop, names)
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._write(transport, message.data)

    def data_received(self, data: bytes) -> None:
        self._last_us = self._endpoint.clock.now_us()
        if self._discarding or not self.usable:
            return
        self._framing.feed(data)
        if not self._more:
            self._take()

    def eof_received(self) -> bool:
        """The peer sends no more. It may still wait for answers (RFC 9293 section 3.6), where there are any to come."""
        self._ended = True
        half = self._transport is not None and self._transport.can_write_eof()  # TLS closes both ways at once
        if not half or self._discarding or self._unanswered <= 0 or not self.accepted:
            self._why = self._why or Closing.PEER
            self._say_gone()
            return False
        self._close_us = self._last_us + int(self._table.limits.half_closed_s * 1e6)
        return True

    def pause_writing(self) -> None:
        self._stalled = True
        self._loop.call_soon(self._look_whether_it_is_read)

    def resume_writing(self) -> None:
        self._stalled = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(Closing.RESET if exc is not None else Closing.PEER)

    def expire(self, at_us: int) -> None:
        limits = self._table.limits
        if self._close_us and at_us >= self._close_us:
            self.abort(self._why or Closing.PEER)
        elif self._begun_us and at_us - self._begun_us > limits.message_s * 1e6:
            self.abort(Closing.SLOW_MESSAGE)
        elif at_us - self._last_us > limits.idle_s * 1e6:
            self.abort(Closing.IDLE)

    # -- small steps --------------------------------------------------------------------------------------------------

    def _take(self) -> None:
        """Hand on the messages that are whole, up to a turn's worth."""
        most = self._table.limits.messages_per_turn
        messages = self._framing.messages(most)
        if messages:
            for message in messages:
                if not message.startswith((b"SIP/2.0 ", b"ACK ")):
                    self._unanswered += 1
            self._endpoint.receive([(message, self.hop, self._last_us) for message in messages], self._local)
        if self._framing.pinged() and self._transport is not None and self.usable:
            self._transport.write(b"\r\n")
        if self._framing.broken is not None:
            self._refuse(self._framing.broken)
        elif len(messages) == most:
            self._pause()
        elif not self._framing.partial:
            self._begun_us = 0
        elif messages or not self._begun_us:
            self._begun_us = self._last_us

    def _pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            if not self._more:
                self._more = True
                self._transport.pause_reading()
            self._begun_us = 0  # what is held back waits for us, not for the peer
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._transport is None or not self.usable:
            return
        self._more = False
        self._take()
        if not self._more and self.usable and not self._transport.is_closing():
            self._transport.resume_reading()

    def _write(self, transport: asyncio.Transport, data: bytes) -> None:
        transport.write(data)
        self._last_us = self._endpoint.clock.now_us()
        if data.startswith(b"SIP/2.0 ") and data[8] > 49:
            self._unanswered -= 1
            if self._ended and self._unanswered <= 0:
                self.close(Closing.PEER)

    def _refuse(self, fault: Unframeable) -> None:
        """Answer where there is something to answer, and close: what follows on the stream cannot be read."""
        self._endpoint.unframeable(fault, self.hop)
        answer = refusal_of(fault, self.hop.host, self.hop.port)
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if answer is None or not transport.can_write_eof():
            if answer is not None:
                transport.write(answer)
            self.close(Closing.MALFORMED)
            return
        transport.write(answer)
        transport.write_eof()
        self._why = Closing.MALFORMED
        self._discarding = True
        self._close_us = self._last_us + LINGER_US
        self._say_gone()

    def _look_whether_it_is_read(self) -> None:
        """What one turn of the loop has written may be much, and gone at once; what stays, nobody reads."""
        if self._stalled and not self._over:
            self.abort(Closing.SLOW_READER)

    def _end(self, why: Closing) -> None:
        if self._over:
            return
        self._over = True
        self._table.unwatch(self.hop.connection)
        self._why = self._why or why
        self._gone(self)
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._endpoint.undelivered(waiting)
        self._say_gone()

    def _say_gone(self) -> None:
        """Say so once, as soon as nothing is read any more: what is sent from then on goes by another connection, and
        is not lost with this one, however long this one takes to close.
        """
        if self._told or self._why is None:
            return
        self._told = True
        self._table.closed[self._why] += 1
        if self._transport is not None:
            self._endpoint.closed(self.hop)


def notice_a_vanished_peer(sock: socket.socket) -> None:
    with suppress(OSError):  # gone already: the loop says so
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEP_ALIVE:
            option = getattr(socket, name, None)  # not every system has them all
            if option is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
