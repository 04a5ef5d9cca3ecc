"""Where messages come from, as the gate knows it: a source, and the trunk group that it belongs to."""

from __future__ import annotations

from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import PARTNER_SIDE, Hop, TrunkGroup
from gateway.signalling.allowance import Allowance

TRUNK_GROUP_SHARE: Final = 2
"""How many times a source's allowance a trunk group has."""
GOOD_STANDING: Final = 10
"""Calls that go on, after which the standing of a source gets no better. That of a trunk group is ten times as slow."""
MOST_UNACKNOWLEDGED: Final = 1_000
"""Answers to a source for which an ACK is expected: those of a round trip, and of what is lost."""


class Origin:
    """A source of messages, and what is left of its allowances."""

    __slots__ = ("allowance", "answers", "group", "hop", "short", "spared", "standing", "trunk", "unacknowledged")

    def __init__(self, hop: Hop, group: TrunkGroup | None, trunk: Trunk | None, wasted: int, answers: int) -> None:
        self.hop: Final = hop
        self.group: Final = group
        """The trunk group whose member it is, over UDP; over connections the Via decides."""
        self.trunk: Final = trunk
        self.allowance: Final = Allowance(wasted)
        self.spared: Final = Allowance(wasted)
        """For what may be honest and is no new call: retransmissions and OPTIONS, while nothing else is left."""
        self.answers: Final = Allowance(answers)
        self.standing = 0
        """Calls of it that went on, less the messages that came to nothing, lately: from 0 to GOOD_STANDING. OPTIONS,
        by which every switch looks whether we are there, take nothing of it."""
        self.short = True
        """Its standing could be better, or something was taken of its allowance and has not come back."""
        self.unacknowledged = 0
        """ACKs that may still come for what was answered: as many as `MOST_UNACKNOWLEDGED`."""

    def answered(self) -> None:
        """What may have been an INVITE got an answer that need not have left a transaction."""
        if self.unacknowledged < MOST_UNACKNOWLEDGED:
            self.unacknowledged += 1


class Trunk:
    """A trunk group as the gate knows it, with an allowance for each carrier that answers for calls on it."""

    __slots__ = ("allowance", "carriers", "from_partner", "name", "others", "standing")

    def __init__(self, group: TrunkGroup, wasted: int) -> None:
        self.name: Final = group.name
        self.from_partner: Final = group.side is PARTNER_SIDE
        self.allowance: Final = Allowance(wasted * TRUNK_GROUP_SHARE)
        self.standing = 10 * GOOD_STANDING
        """As of a source; but a trunk group begins with a good one."""
        self.carriers: Final[dict[Ocn, Allowance]] = {}
        self.others: Final = Allowance(wasted)
        """Of calls for which no carrier of the configuration answers."""
