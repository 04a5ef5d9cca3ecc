"""The life of a provider on a partner's trunks after a denial of service: states, kinds of steps, and which step leads
from which state to which (L8).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class State(Enum):
    """How a provider stands on its partner's trunks. Emergency calls pass in every state (L10)."""

    NORMAL = "normal"
    THROTTLED = "throttled"  # this provider alone is held to its throttled limit
    DISCONTINUED = "discontinued"  # refused: this provider, or everything on its partner's trunks
    REMEDIATED = "remediated"  # the partner attests that it removed the provider, and the gateway sees none of it
    RESTORED = "restored"  # the rest of the partner's traffic is accepted; the provider is refused on shared groups
    DEDICATED = "dedicated"  # the provider comes on a trunk group of its own, and nobody else does


class StepKind(Enum):
    """What is done about a provider, or found of it."""

    THROTTLE = "throttle"
    RELEASE = "release"  # the throttle is lifted
    DISCONTINUE = "discontinue"
    ATTEST = "remediate"  # the partner says that it has removed the provider's traffic
    CLEAR = "clear"  # the gateway has seen none of it for the set time
    RESTORE = "restore"
    CUTOVER = "cutover"
    UNDO = "undo"  # the last step that is in force is taken back


class Scope(Enum):
    """What is discontinued."""

    PROVIDER = "provider"
    PARTNER = "partner"  # all traffic on the partner's trunks, as L8 lets the host do


TRANSITIONS: Mapping[tuple[State, StepKind], State] = MappingProxyType(
    {
        (State.NORMAL, StepKind.THROTTLE): State.THROTTLED,
        (State.NORMAL, StepKind.DISCONTINUE): State.DISCONTINUED,
        (State.NORMAL, StepKind.CUTOVER): State.DEDICATED,
        (State.THROTTLED, StepKind.RELEASE): State.NORMAL,
        (State.THROTTLED, StepKind.DISCONTINUE): State.DISCONTINUED,
        (State.THROTTLED, StepKind.CUTOVER): State.DEDICATED,
        (State.DISCONTINUED, StepKind.DISCONTINUE): State.DISCONTINUED,  # to the other scope
        (State.DISCONTINUED, StepKind.ATTEST): State.DISCONTINUED,
        (State.DISCONTINUED, StepKind.CLEAR): State.REMEDIATED,
        (State.REMEDIATED, StepKind.RESTORE): State.RESTORED,
        (State.REMEDIATED, StepKind.DISCONTINUE): State.DISCONTINUED,
        (State.RESTORED, StepKind.CUTOVER): State.DEDICATED,
        (State.RESTORED, StepKind.DISCONTINUE): State.DISCONTINUED,
        (State.DEDICATED, StepKind.CUTOVER): State.DEDICATED,  # to another trunk group
        (State.DEDICATED, StepKind.DISCONTINUE): State.DISCONTINUED,
    }
)
"""A step that is not here is refused. UNDO is not in the table: it leads back to where the last step in force began,
from any state that a step has led to."""
