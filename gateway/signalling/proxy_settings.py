"""What the proxy is told before it starts, and what it counts while it runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.network_blocked import NetworkBlocked
from gateway.signalling.transactions import TimerSettings


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """What the proxy needs to know of itself, and its bounds."""

    listeners: tuple[Hop, ...]
    """Where peers reach us: goes into Via and Record-Route. At most one for a transport and IP version."""
    secret: bytes
    """Random for each run, letters and digits, at most 32: nobody else can guess our branches and tags."""
    emergency_numbers: frozenset[str] = frozenset({"911"})
    max_transactions: int = 200_000
    max_calls: int = 100_000
    max_message_bytes: int = 16_384
    max_call_s: int = 14_400
    """A call that nobody ended is given up after this time."""
    session_expires_s: int = 0
    """Session interval that is asked for where the caller asks for none or a longer one (RFC 4028); 0: we ask for none.
    Session timers that the two sides agree on are honoured all the same."""
    min_se_s: int = 0
    """A shorter session interval is refused with 422; 0: any is accepted."""
    emergency_reserve: int = 1_000
    """By how many transactions and calls emergency calls may exceed those bounds."""
    strangers_per_s: int = 50
    """Requests a second that are looked at of senders who belong to no trunk group; those beyond are dropped unread."""
    wasted_per_s: int = 100
    """Messages a second of one source that may come to nothing, beside as many as calls of it that go on. Beyond, its
    new calls are looked at only for emergencies and for the carrier that answers for them."""
    refusals_per_s: int = 50
    """Calls a second of one source that are then refused with an answer; those beyond are dropped."""
    locate_in_dialog: bool = False
    """Next hops that a dialog names by host name are looked up; else such a request goes to the call's other side."""
    network_blocked: NetworkBlocked | None = None
    """Calls that are too many, or of discontinued traffic, are refused with 603+, which says whom to turn to."""
    timers: TimerSettings = field(default_factory=TimerSettings)


class ProxyCounters:
    """What happened, counted since the start."""

    def __init__(self) -> None:
        self.malformed: Counter[str] = Counter()
        """By what was wrong."""
        self.absorbed = 0
        """Retransmissions answered from memory."""
        self.stray = 0
        """Responses and ACKs that belong to nothing."""
        self.unwelcome = 0
        """Messages of senders who belong to no trunk group that were dropped unread."""
        self.shed: Counter[str] = Counter()
        """What was refused or dropped without being read, of members that sent too much in vain: ``calls refused``,
        ``calls dropped``, ``requests dropped``, ``repeats dropped``, ``answers to malformed``."""
        self.undeliverable = 0
        """Messages that could not be sent at all."""
