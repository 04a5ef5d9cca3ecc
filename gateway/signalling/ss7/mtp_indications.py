"""What MTP tells its users of the network (Q.701 section 8): who can be reached, and which way is congested."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.codecs.ss7.mtp3 import Mtp3Transfer


@dataclass(frozen=True, slots=True)
class Paused:
    """MTP-PAUSE: nothing can be sent to this point code, on any link."""

    dpc: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """MTP-RESUME: this point code can be reached again."""

    dpc: int


@dataclass(frozen=True, slots=True)
class Congested:
    """MTP-STATUS: the way to this point code is congested."""

    dpc: int
    level: int
    """1 to 3; 0 where the congestion is over. A network without levels is taken to mean 1."""


Indication = Mtp3Transfer | Paused | Resumed | Congested
