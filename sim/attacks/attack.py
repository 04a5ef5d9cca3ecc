"""What an attack is: who sends what at which rate, what must be found of it, and what must hold it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from sim.attacks.messages import Kind, Numbering
from sim.cast import DEFAULT_TRUNK


class Stand(Enum):
    """From where an attacker sends."""

    PROVIDER = "a provider's address: the partner's switch relays what comes"
    STRANGERS = "ports of the host of a member that are no member's, straight to the gateway"
    CIRCUITS = "the partner's end office on ISUP, by its tandem"


class Holds(Enum):
    """What holds an attack, by what the gateway counts."""

    OCN = "OCN limit"
    GROUP = "trunk-group limit"
    SOURCE = "source limit"
    PARTNER = "partner limit"
    THROTTLE = "throttle"
    CHECKS = "other checks"  # calls that break another clause
    GATE = "gate"  # refused or dropped without being read
    ABSORBED = "transaction layer"  # the same request again
    ANSWERED = "answered"  # 400, 405, 481, or 200 to an OPTIONS, without a call
    DROPPED = "dropped"  # of strangers, or what belongs to nothing
    NOTHING = "nothing"  # calls that the agreement allows, or may never be held


REFUSING: Final = frozenset(
    {Holds.OCN, Holds.GROUP, Holds.SOURCE, Holds.PARTNER, Holds.THROTTLE, Holds.CHECKS, Holds.GATE}
)
"""What keeps calls from being placed."""


@dataclass(frozen=True, slots=True)
class Found:
    """A detection that must come of an attack."""

    detector: str
    subject: str
    """Kind and name, as `/status` has them: ``provider XV02``."""
    step: str | None = None
    """The step that must be recommended about the attacker, or taken where it may be; None: no step may be."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack, and what is expected of the gateway."""

    title: str
    messages: int
    per_s: float
    calling: Numbering
    called: Numbering | str
    found: tuple[Found, ...]
    held_by: tuple[Holds, ...]
    """Each must have held some of it, and nothing that is not here may have."""
    kind: Kind = Kind.CALLS
    stand: Stand = Stand.PROVIDER
    ports: int = 1
    over: str = DEFAULT_TRUNK
    """The trunk group that the partner's switch takes."""
    hold_s: float | None = 0.0
    """How long a caller keeps an answered call; None: until the attack is over."""
    automatic: tuple[str, ...] = ()
    """Steps that the gateway may take by itself; else it only recommends them."""
    answered_of: int = 1
    """Every so many-th number called answers, the others are busy."""
    spoofed: bool = False
    """Its calls show the numbers of the innocent: alerts name these too, and no step may be recommended."""
    served: bool = False
    """Every call of it must be answered: emergency calls are never limited (L10)."""

    @property
    def slug(self) -> str:
        """The name of its folder."""
        words = "".join(letter if letter.isalnum() else " " for letter in self.title.replace("'", ""))
        return "-".join(words.lower().split())
