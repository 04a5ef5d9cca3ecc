"""The circuits of a trunk group that is signalled by ISUP (Q.764, T1.113.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.codecs.ss7.variant import Variant


@dataclass(frozen=True, slots=True)
class CircuitGroup:
    """Circuits between two exchanges, known by their circuit identification codes (CIC)."""

    variant: Variant
    own: int
    """Our point code."""
    adjacent: int
    """The point code of the exchange at the other end of the circuits."""
    cics: tuple[tuple[int, int], ...]
    """First and last CIC of each range, ascending, without overlap."""
    links: tuple[str, ...]
    """Names of the links by which the other exchange is reached."""
    network_indicator: int = 2
    emergency_reserve: int = 1
    """Circuits that stay unblocked for emergency calls when the group is blocked by an operator (L10)."""
    message_types: frozenset[int] | None = None
    """ISUP messages that are taken from the other exchange; None: every one."""

    def __iter__(self) -> Iterator[int]:
        """Every CIC, ascending."""
        for first, last in self.cics:
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.cics)

    def controls(self, cic: int) -> bool:
        """Whether our exchange has the say over a circuit that both ends seize at once.

        The exchange with the higher point code has the even circuits, the other one the odd (Q.764 section 2.9.1.4).
        """
        return (cic % 2 == 0) == (self.own > self.adjacent)
