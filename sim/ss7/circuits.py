"""The circuits between a simulated switch and a neighbour: which of them is in use, and which is kept from use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.codecs.ss7.mtp3 import point_code_text
from gateway.codecs.ss7.variant import Variant

if TYPE_CHECKING:
    from sim.ss7.circuit_call import CircuitCall


@dataclass(slots=True, eq=False)
class Circuit:
    """One circuit."""

    cic: int
    call: CircuitCall | None = None
    blocked_here: bool = False
    """We told the neighbour not to use it."""
    blocked_there: bool = False
    """The neighbour told us."""
    clearing: bool = False
    """A reset of ours, or a REL, is not answered yet."""
    unequipped: bool = False
    """The neighbour does not know it (UCIC)."""

    @property
    def idle(self) -> bool:
        return self.call is None and not self.clearing

    @property
    def free(self) -> bool:
        """Whether we may seize it."""
        return self.idle and not self.blocked_there and not self.unequipped


@dataclass(slots=True, eq=False)
class Trunks:
    """A trunk group: circuits to one neighbour, known by their CICs."""

    name: str
    variant: Variant
    own: int
    """Our point code."""
    adjacent: int
    """The neighbour's."""
    circuits: dict[int, Circuit] = field(default_factory=dict)
    _last: int = -1

    @classmethod
    def of(cls, name: str, variant: Variant, own: int, adjacent: int, cics: Iterable[int]) -> Trunks:
        return cls(name, variant, own, adjacent, {cic: Circuit(cic) for cic in cics})

    def controls(self, cic: int) -> bool:
        """Whether our seizure stands where both ends seize a circuit at once: of even circuits, that of the end with
        the higher point code, of odd ones that of the other (Q.764 section 2.9.1.4).
        """
        return (self.own > self.adjacent) is (cic % 2 == 0)

    def free(self) -> Circuit | None:
        """The next circuit to seize: one that we control, if there is one, and not the one that was seized last."""
        free = [circuit for circuit in self.circuits.values() if circuit.free]
        if not free:
            return None
        chosen = min(free, key=lambda one: (not self.controls(one.cic), one.cic <= self._last, one.cic))
        self._last = chosen.cic
        return chosen

    def name_of(self, cic: int, *, outgoing: bool) -> str:
        """Point codes and CIC of a call, in its direction: as the gateway's Call-ID of it begins."""
        own, adjacent = (point_code_text(code, self.variant) for code in (self.own, self.adjacent))
        return f"{own}.{adjacent}.{cic}" if outgoing else f"{adjacent}.{own}.{cic}"
