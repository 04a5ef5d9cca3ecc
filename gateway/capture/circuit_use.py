"""One use of a circuit by a call: seized, answered, released, as far as a capture shows it (Q.764 section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from gateway.capture.calls import Place
from gateway.codecs.ss7.mtp3 import point_code_text
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Address

if TYPE_CHECKING:
    from gateway.codecs.ss7.isup import Cause


class Circuit(NamedTuple):
    """A circuit, and which end of it has seized it."""

    variant: Variant
    network_indicator: int
    opc: int
    """Point code of the exchange that has sent the IAM."""
    dpc: int
    cic: int

    @property
    def source(self) -> Address:
        """The seizing exchange as text, and the CIC."""
        return point_code_text(self.opc, self.variant), self.cic

    @property
    def destination(self) -> Address:
        """The other exchange as text, and the CIC."""
        return point_code_text(self.dpc, self.variant), self.cic


class End(Enum):
    """How a circuit became free again, or why nothing is known of it."""

    RELEASED = "released"  # REL and RLC
    NO_RLC = "no RLC to its REL"
    NO_REL = "RLC without a REL"
    RESET = "reset"  # RSC or GRS
    REUSED = "seized again"  # its release is not in the capture
    GAVE_WAY = "gave way to a seizure from the other end"  # Q.764 section 2.9.1
    UNEQUIPPED = "unequipped"  # UCIC
    BLOCKED = "blocked for a hardware failure"  # CGB (Q.764 section 2.8.2)
    IN_USE = "in use when the capture ended"
    NOT_FOLLOWED = "not followed to its end"  # more calls at once than an audit may hold


class Release(NamedTuple):
    """The first REL of a call."""

    place: Place
    by_source: bool
    """By the exchange that had seized the circuit."""
    cause: Cause | None
    """None where it cannot be read."""


@dataclass(slots=True)
class CircuitUse:
    """What a capture shows of a circuit's use by one call."""

    circuit: Circuit
    carrier: tuple[Address, Address] | None
    """IP addresses and ports between which the IAM was carried; None on a signalling link."""
    progressed: Place | None = None
    """The first ACM, CPG or CON: the called exchange has the call."""
    answered: Place | None = None
    """ANM or CON."""
    release: Release | None = None
    ended: Place | None = None
    """Where the capture shows that the circuit is free again."""
    end: End = End.IN_USE
    dual_seizure: bool = False
    """Both ends have seized the circuit at once."""

    @property
    def talked_us(self) -> int | None:
        """From the answer to the REL, or to what else has ended the call; None for a call without answer or end."""
        over = self.release.place if self.release is not None else self.ended
        if self.answered is None or over is None:
            return None
        return max(over.at_us - self.answered.at_us, 0)
