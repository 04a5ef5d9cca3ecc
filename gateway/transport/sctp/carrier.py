"""What every carrier of M3UA offers: associations, their user, and the bounds on both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from gateway.codecs.ss7.m3ua import MAX_LENGTH
from gateway.interconnection.links import Address, LinkCarrier

M3UA_PPID: Final = 3
"""Payload protocol identifier of M3UA (RFC 4666 section 1.4.7)."""
STREAMS: Final = 17
"""Outbound and inbound, offered to the peer: one for management, and as many for DATA as an ITU SLS has values."""
RESTARTED: Final = "the peer restarted"
"""Why an association is down that comes up again at once (RFC 9260 section 5.2.4.1)."""


class Association(Protocol):
    """One association with a peer, up or on its way. What it has to tell, its `SctpUser` is told, never from within a
    call of one of these methods.
    """

    @property
    def local(self) -> Address:
        """Our IP address and SCTP port."""

    @property
    def peer(self) -> Address:
        """The peer's IP address and SCTP port."""

    def send(self, stream: int, data: bytes) -> bool:
        """Take a message for the peer. A stream beyond those that the peer has is folded back on them, 0 left out.

        False where it is lost: the association is not up, too much waits for the peer, or the message is too long.
        """

    def shutdown(self) -> None:
        """Take no more messages, deliver those that were taken, and end (RFC 9260 section 9.2)."""

    def abort(self) -> None:
        """End at once (RFC 9260 section 9.1)."""


class Arrived(NamedTuple):
    """A message of a peer."""

    association: Association
    stream: int
    data: bytes


class SctpUser(Protocol):
    """Who uses associations: told of all that happens to them, from the event loop."""

    def up(self, association: Association) -> None:
        """It is up. After a restart of the peer (`down` with `RESTARTED`) it is so again."""

    def received(self, arrived: Sequence[Arrived]) -> None:
        """Messages that came, all those of one turn, in the order in which each association had them."""

    def down(self, association: Association, why: str) -> None:
        """It is no longer up, or never will be. Said once for each `up`, and for each `connect` that failed."""


@dataclass(frozen=True, slots=True)
class SctpLimits:
    """Bounds on what associations may cost."""

    associations: int = 64
    """Of one listener, up at one time."""
    half_open: int = 16
    """Of these, those that have not sent a message yet."""
    first_message_s: float = 10.0
    """For the first message on an association that was accepted."""
    message_s: float = 10.0
    """From the first byte of a message to its last, on a carrier that knows no messages."""
    message_bytes: int = MAX_LENGTH
    queued_bytes: int = 1 << 20
    """That wait for one peer; what comes on top is lost."""
    connect_s: float = 10.0
    """For an association of our own to be up."""
    closing_s: float = 2.0
    """For a shutdown, before the association is aborted."""
    messages_per_turn: int = 64
    """Taken from one association before others, timers and HTTP get their turn."""


class Refusal(StrEnum):
    """Why a listener took no association."""

    PEER = "peer"  # no link has that address as a peer
    ASSOCIATIONS = "associations"  # as many are up as may be
    HALF_OPEN = "half_open"  # as many have said nothing yet as may be


class Admission:
    """Who may have an association of a listener, and how many there are."""

    def __init__(self, limits: SctpLimits, admit: Callable[[str], bool]) -> None:
        """`admit`: whether an IP address is a peer's."""
        self._limits: Final = limits
        self._admit: Final = admit
        self.up = 0
        self.half_open = 0
        """Of those that are up, the ones without a message yet."""
        self.refused: Final[Counter[Refusal]] = Counter(dict.fromkeys(Refusal, 0))

    def admits(self, host: str, *, counted: bool) -> bool:
        """Whether that address is a peer's; `counted`: a refusal where it is not."""
        admitted = self._admit(host)
        if counted and not admitted:
            self.refused[Refusal.PEER] += 1
        return admitted

    def refusal(self, host: str) -> Refusal | None:
        """Why that address gets no association now; counted. None: it may have one."""
        refusal = None
        if not self._admit(host):
            refusal = Refusal.PEER
        elif self.up >= self._limits.associations:
            refusal = Refusal.ASSOCIATIONS
        elif self.half_open >= self._limits.half_open:
            refusal = Refusal.HALF_OPEN
        if refusal is not None:
            self.refused[refusal] += 1
        return refusal


class Listener(Protocol):
    """Accepts associations."""

    @property
    def local(self) -> Address:
        """Where, with the port that the system chose where it was asked to."""

    @property
    def refused(self) -> Counter[Refusal]:
        """Associations that were not taken, since the start."""

    def close(self) -> None:
        """Accept no more. Associations that are up stay so."""


class SctpCarrier(Protocol):
    """Makes and accepts associations of one kind."""

    @property
    def kind(self) -> LinkCarrier: ...

    def listen(self, address: Address, user: SctpUser, admit: Callable[[str], bool]) -> Listener:
        """Accept associations at an address, from the IP addresses that `admit` says; port 0 lets the system choose.

        Raises OSError, whose text names the address.
        """

    def connect(self, address: Address, user: SctpUser) -> Association:
        """Begin an association; the user is told when it is up, or that it failed. Raises nothing."""


def fold_stream(stream: int, streams: int) -> int:
    """The stream to send on where the peer has `streams` of them. What was on one stream stays together.

    >>> [fold_stream(stream, 4) for stream in range(8)]
    [0, 1, 2, 3, 1, 2, 3, 1]
    """
    if stream < streams:
        return stream
    return 1 + (stream - 1) % (streams - 1) if streams > 1 else 0
