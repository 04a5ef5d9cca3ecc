"""The calls whose messages are still looked for: bounded, found by what their messages name them by, closed once."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.capture.calls import AuditedCall, Leg, Locator, Message, Place, Role
from gateway.capture.limits import LEG_BYTES, AuditLimits
from gateway.interconnection.trunk_groups import Address

COPY_WITHIN_US: Final = 100_000
"""Equal bytes on one way within this time are a copy where nothing else says; RFC 3261's first retransmission comes
after 500 ms, one of ISUP after 15 s."""

Key = bytes | int
"""A Call-ID; a number of its own for a use of a circuit."""


@dataclass(slots=True)
class Seen:
    """When a message was last seen, to tell copies and retransmissions."""

    at_us: int
    identification: int | None


class Followed:
    """A call while its messages are still looked for."""

    __slots__ = ("by_pair", "call", "keys", "open", "seen")

    def __init__(self, key: Key, call: AuditedCall) -> None:
        self.call = call
        self.keys = [key]
        self.by_pair: dict[tuple[Address, Address], Leg] = {}
        self.seen: dict[tuple[int, Address, Address], Seen] = {}
        self.open = True
        """Not closed, and not made part of another call."""


class Placed(NamedTuple):
    """Where a message belongs."""

    followed: Followed
    leg: Leg | None
    """None where it was seen on no leg of the call."""
    role: Role

    @property
    def call(self) -> AuditedCall:
        return self.followed.call


class FollowedCalls:
    """Memory is bounded by `AuditLimits`; the oldest call is closed first."""

    def __init__(self, limits: AuditLimits) -> None:
        self.limits: Final = limits
        self.by_key: Final[OrderedDict[Key, Followed]] = OrderedDict()
        self.counts: Final[Counter[Role]] = Counter()
        self.when_closed: Final[list[Callable[[Followed, bool], None]]] = []
        """Told of each call that is not followed any more, and whether that is before its capture has ended."""
        self._count = 0
        self._bytes = 0
        self._compared = 0
        self._listed = 0

    def begin(self, key: Key, call: AuditedCall) -> Followed:
        """Follow a call from now on."""
        followed = self.by_key[key] = Followed(key, call)
        self._count += 1
        return followed

    def has_room_for_leg(self, followed: Followed) -> bool:
        """Whether a call may have one more leg; counts it where not."""
        if len(followed.call.legs) < self.limits.legs:
            return True
        followed.call.legs_not_held += 1
        return False

    def add_leg(self, followed: Followed, leg: Leg, size: int) -> None:
        """Take in a leg whose first message has `size` bytes."""
        followed.call.legs.append(leg)
        followed.call.followed_bytes += size + LEG_BYTES
        self._bytes += size + LEG_BYTES

    def join(self, newer: Followed, older: Followed) -> bool:
        """Make a call that has just begun a leg of another one. False where that one has no room for it."""
        if not self.has_room_for_leg(older):
            return False
        (leg,) = newer.call.legs
        leg.number = len(older.call.legs) + 1
        older.call.legs.append(leg)
        older.call.followed_bytes += newer.call.followed_bytes
        older.by_pair.update(newer.by_pair)
        older.seen.update(newer.seen)
        for key in newer.keys:
            self.by_key[key] = older
        older.keys += newer.keys
        newer.open = False
        self._count -= 1
        return True

    def repetition(
        self, followed: Followed, key: tuple[int, Address, Address], at_us: int, identification: int | None
    ) -> Role | None:
        """What a message is that was seen before: captured twice, or sent twice. None for a new one.

        `key` is a hash of its bytes and its way.
        """
        seen = followed.seen.get(key)
        if seen is not None:
            known = seen.identification, identification
            if known[0] and known[1]:
                copy = known[0] == known[1]
            else:
                copy = abs(at_us - seen.at_us) < COPY_WITHIN_US
            if not copy:
                seen.at_us, seen.identification = at_us, identification
            return Role.COPY if copy else Role.RETRANSMISSION
        limits = self.limits
        if len(followed.seen) < limits.messages * len(followed.call.legs) and self._compared < limits.all_messages:
            self._compared += 1
            followed.seen[key] = Seen(at_us, identification)
        return None

    def add_message(self, leg: Leg, place: Place, name: str, role: Role, *, forward: bool) -> None:
        """Lay a message to a leg."""
        leg.total += 1
        leg.copies += role is Role.COPY
        leg.retransmissions += role is Role.RETRANSMISSION
        leg.invites_again += role is Role.REPEATED_INVITE
        if len(leg.messages) < self.limits.messages and self._listed < self.limits.all_messages:
            self._listed += 1
            leg.messages.append(Message(place, name, forward, role))

    def overflow(self) -> list[AuditedCall]:
        """The calls that must be closed for the bounds to hold, oldest first. They are not followed any more."""
        limits, closed = self.limits, []
        while self._count > limits.calls or (self._bytes > limits.followed_bytes and self._count > 1):
            closed.append(self._close(early=True))
        return closed

    def rest(self) -> list[AuditedCall]:
        """Every call that is still followed, oldest first. None is followed any more."""
        return [self._close(early=False) for _ in range(self._count)]

    def _close(self, *, early: bool) -> AuditedCall:
        followed = next(iter(self.by_key.values()))
        for key in followed.keys:
            del self.by_key[key]
        followed.open = False
        self._count -= 1
        self._bytes -= followed.call.followed_bytes
        self._compared -= len(followed.seen)
        for tell in self.when_closed:
            tell(followed, early)
        return followed.call


def new_leg(call: AuditedCall, source: Address, destination: Address, first: Locator, payload_hash: int) -> Leg:
    """The next leg of a call, not yet in it."""
    return Leg(len(call.legs) + 1, source, destination, b"", first, payload_hash)
