"""Trunk groups: the facilities over which calls enter and leave the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from gateway.interconnection.carriers import Ocn

Address = tuple[str, int]
"""IP address and port of a signalling peer."""


class Side(Enum):
    """Who is at the far end of a trunk group."""

    PARTNER = "partner"  # the carrier partner (a CLEC): the group is governed by the amendment, L1 to L11
    HOST = "host"  # a switch of the host carrier


PARTNER_SIDE: Final = Side.PARTNER
"""For code that runs for every call: reading a member off its enumeration runs Python code on 3.11."""


class Mode(Enum):
    """How a check is run on a trunk group."""

    ENFORCE = "enforce"
    MONITOR = "monitor"  # judged, recorded and counted, not enforced
    OFF = "off"


@dataclass(frozen=True, slots=True)
class TrunkGroup:
    """One trunk group and what the agreement ties to it.

    A partner-side group hands calls to one host switch, and is for that switch's LERG area alone (L9). A host-side
    group reaches the switch that it names.
    """

    name: str
    side: Side
    carrier: Ocn
    """OCN of the carrier at the far end: the partner, or the host."""
    switch: str
    """CLLI of the host switch that this group serves."""
    members: tuple[Address, ...]
    """Signalling addresses of the far end: calls come from any of them and go to the first."""
    home_switch: str | None = None
    """Partner side: CLLI of the partner's own switch, where its providers' codes are homed (L1.4)."""
    dedicated: bool = False
    """Kept for one provider that was cut over (L8): nobody uses it until then, and nobody else afterwards."""
    default_mode: Mode = Mode.ENFORCE
    modes: Mapping[str, Mode] = field(default_factory=dict)
    """Check name -> mode, where it differs from `default_mode`."""

    def mode_of(self, check: str) -> Mode:
        return self.modes.get(check, self.default_mode)
