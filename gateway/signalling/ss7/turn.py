"""One event of the M3UA links, and what it leads to; and the timers of the links, without a clock."""

from __future__ import annotations

from enum import Enum
from typing import Final, Protocol

from gateway.signalling.call import Action, Carry, Drop, Ss7Changed
from gateway.signalling.ss7.mtp_indications import Indication

_NEVER: Final = 1 << 62


class Turn:
    """What is to be done, and what MTP's users are to be told, because of one event."""

    __slots__ = ("actions", "at_us", "changed", "indications")

    def __init__(self, at_us: int, actions: list[Action]) -> None:
        self.at_us: Final = at_us
        self.actions: Final = actions
        self.indications: Final[list[Indication]] = []
        self.changed = False
        """Whether a way may have opened or closed."""

    def carry(self, association: str, stream: int, data: bytes) -> None:
        self.actions.append(Carry(association, stream, data))

    def drop(self, association: str, why: str) -> None:
        self.actions.append(Drop(association, why))

    def tell(self, link: str, what: str, *, good: bool) -> None:
        self.actions.append(Ss7Changed(f"link {link}", what, good, self.at_us))


class Timer(Enum):
    """What a link waits for."""

    BEAT = "beat"  # nothing was received for so long (RFC 4666 section 4.3.4.6)
    ACK = "ack"  # T(ack): a message of ASP management was not answered (section 4.3.4.1)
    RETRY = "retry"  # what the peer refused is asked for again
    RECOVERY = "recovery"  # T(r): no process has become active again (section 4.3.2)
    AUDIT = "audit"  # destinations in trouble are asked after (section 4.5.3)
    USER_PART = "user part"  # an unavailable user part is taken to be back (T4 of Q.764 section 2.13)


class TimerOwner(Protocol):
    """Who is told that its timer has run out."""

    def expired(self, timer: Timer, turn: Turn) -> None: ...


class Deadlines:
    """Few timers, each of any length. Times in microseconds."""

    def __init__(self) -> None:
        self._due: dict[tuple[Timer, TimerOwner], int] = {}
        self._next_us = _NEVER

    @property
    def next_us(self) -> int | None:
        """A time before which nothing is due; None while no timer runs."""
        return self._next_us if self._due else None

    def start(self, timer: Timer, owner: TimerOwner, due_us: int) -> None:
        """Have a timer run out at a time; one that runs is set anew."""
        self._due[timer, owner] = due_us
        self._next_us = min(self._next_us, due_us)

    def runs(self, timer: Timer, owner: TimerOwner) -> bool:
        return (timer, owner) in self._due

    def stop(self, timer: Timer, owner: TimerOwner) -> None:
        """Forget a timer; nothing happens where none runs."""
        self._due.pop((timer, owner), None)

    def stop_all(self, owner: TimerOwner) -> None:
        """Forget every timer of one owner."""
        for timer in Timer:
            self._due.pop((timer, owner), None)

    def take(self, at_us: int) -> list[tuple[Timer, TimerOwner]]:
        """Timers that are due, the earliest first, each once; they no longer run."""
        due = sorted((us, order) for order, us in enumerate(self._due.values()) if us <= at_us)
        keys = list(self._due)
        taken = [keys[order] for _, order in due]
        for key in taken:
            del self._due[key]
        self._next_us = min(self._due.values(), default=_NEVER)
        return taken

    def __len__(self) -> int:
        return len(self._due)
