"""The connections of a gateway, of all its streams together: their numbers, bounds, deadlines and counts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Final, Protocol

from gateway.codecs.sip.framing import FramingLimits
from gateway.interconnection.trunk_groups import Transport

STRANGERS_SHARE: Final = 8
"""One in so many accepted connections, and handshakes, may be of addresses that are no switch's: they cannot keep the
switches out."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Bounds on what connections may cost."""

    connections: int = 4_096
    """Accepted ones; as many again may be made by the gateway itself."""
    per_address: int = 512
    """Accepted from one IP address."""
    handshakes: int = 256
    """TLS handshakes of accepted connections at one time."""
    handshake_s: float = 5.0
    """For the TLS handshake of an accepted connection."""
    connect_s: float = 5.0
    """For a connection of our own to be up, its handshake included."""
    message_s: float = 10.0
    """From the first byte of a message to its last."""
    idle_s: float = 1_800.0
    """Without a byte in either direction, before a connection is closed. RFC 3261 section 18 asks for 32 s at least."""
    half_closed_s: float = 32.0
    """For answers to a peer that will send no more: as long as a transaction lasts (64 times T1)."""
    queued_bytes: int = 1 << 20
    """That wait for a peer which reads too slowly, or for a connection to be up."""
    messages_per_turn: int = 64
    """Taken from one connection before others, timers and HTTP get their turn."""
    framing: FramingLimits = field(default_factory=FramingLimits)


class Refusal(StrEnum):
    """Why a connection was not taken, or not made."""

    TOTAL = "total"
    STRANGERS = "strangers"  # the share of those who are no switches is used up
    PER_ADDRESS = "per_address"
    HANDSHAKES = "handshakes"
    OUT_OF_FILES = "out_of_files"


class Closing(StrEnum):
    """Why a connection is gone."""

    PEER = "peer"  # the far end closed it
    RESET = "reset"  # the far end, or the network, broke it
    IDLE = "idle"
    SLOW_MESSAGE = "slow_message"
    SLOW_READER = "slow_reader"
    MALFORMED = "malformed"
    HANDSHAKE = "handshake"  # it failed, or took too long
    CERTIFICATE = "certificate"  # a switch shows another name than its trunk group says
    UNREACHED = "unreached"  # refused, or nobody answered
    STOPPED = "stopped"  # the gateway stops


class Watched(Protocol):
    """A connection that has deadlines."""

    def expire(self, at_us: int) -> None:
        """Close what is overdue."""


class ConnectionTable:
    """Admits connections, numbers them, counts them, and looks at their deadlines."""

    def __init__(
        self, limits: StreamLimits, now_us: Callable[[], int], known: Callable[[str], bool] = lambda _host: True
    ) -> None:
        """`known`: whether an IP address is a switch's. Strangers' connections get a share of the table and no more."""
        self.limits: Final = limits
        self.known: Final = known
        self._now_us: Final = now_us
        self._numbers: Final = count(1)
        self._watched: Final[dict[int, Watched]] = {}
        self._by_address: Final[Counter[str]] = Counter()
        self._strangers = 0
        self._strangers_handshakes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._sweep_s: Final = min(limits.message_s, limits.idle_s, limits.half_closed_s, 4.0) / 4
        self.accepted = 0
        """Up now, their handshakes included."""
        self.made = 0
        """Connections of our own, up now or on their way."""
        self.handshakes = 0
        """TLS handshakes of accepted connections, now."""
        self.opened: Final[Counter[tuple[str, str]]] = Counter(
            {
                (transport.value, direction): 0
                for transport in (Transport.TCP, Transport.TLS)
                for direction in ("in", "out")
            }
        )
        """Connections that came up since the start, by transport and direction (``in``, ``out``)."""
        self.refused: Final[Counter[Refusal]] = Counter(dict.fromkeys(Refusal, 0))
        self.closed: Final[Counter[Closing]] = Counter(dict.fromkeys(Closing, 0))

    def admit(self, host: str, *, handshake: bool) -> Refusal | None:
        """Take a connection from that address into the count, or say why not. `handshake`: it begins with one."""
        limits = self.limits
        refusal = None
        known = self.known(host)
        if self.accepted >= limits.connections:
            refusal = Refusal.TOTAL
        elif not known and self._strangers >= max(limits.connections // STRANGERS_SHARE, 1):
            refusal = Refusal.STRANGERS
        elif self._by_address[host] >= limits.per_address:
            refusal = Refusal.PER_ADDRESS
        elif handshake and self.handshakes >= limits.handshakes:
            refusal = Refusal.HANDSHAKES
        elif handshake and not known and self._strangers_handshakes >= max(limits.handshakes // STRANGERS_SHARE, 1):
            refusal = Refusal.STRANGERS
        if refusal is not None:
            self.refused[refusal] += 1
            return refusal
        self.accepted += 1
        self._strangers += not known
        self._by_address[host] += 1
        if handshake:
            self.handshakes += 1
            self._strangers_handshakes += not known
        return None

    def shaken(self, host: str) -> None:
        """The handshake of an admitted connection is over, well or badly."""
        self.handshakes -= 1
        self._strangers_handshakes -= not self.known(host)

    def release(self, host: str) -> None:
        """An admitted connection is gone."""
        self.accepted -= 1
        self._strangers -= not self.known(host)
        self._by_address[host] -= 1
        if not self._by_address[host]:
            del self._by_address[host]

    def make(self) -> Refusal | None:
        """Take a connection of our own into the count, or say why not."""
        if self.made >= self.limits.connections:
            self.refused[Refusal.TOTAL] += 1
            return Refusal.TOTAL
        self.made += 1
        return None

    def unmake(self) -> None:
        self.made -= 1

    def number(self) -> int:
        """A number that no connection has had."""
        return next(self._numbers)

    def watch(self, number: int, connection: Watched) -> None:
        self._watched[number] = connection
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._sweep_s, self._sweep)

    def unwatch(self, number: int) -> None:
        self._watched.pop(number, None)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        """One timer for all: deadlines are seconds, and a timer for each message would cost more than the message."""
        self._timer = None
        at_us = self._now_us()
        for connection in list(self._watched.values()):
            connection.expire(at_us)
        if self._watched:
            self._timer = asyncio.get_running_loop().call_later(self._sweep_s, self._sweep)
