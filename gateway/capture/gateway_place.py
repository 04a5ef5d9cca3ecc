"""Where the gateway stands in a capture whose decisions are repeated."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.capture.calls import Leg, address_text
from gateway.interconnection.trunk_groups import Address


@dataclass(frozen=True, slots=True)
class GatewayPlace:
    """The ends by which the captured gateway was reached."""

    address: Address
    """Where it took SIP."""
    point_codes: frozenset[int] = frozenset()
    """Of its exchange."""

    def is_reached_by(self, leg: Leg) -> bool:
        """Whether a leg leads to the gateway."""
        if leg.circuit is not None:
            return leg.circuit.circuit.dpc in self.point_codes
        return leg.destination == self.address

    def sends(self, leg: Leg) -> bool:
        """Whether a leg leads away from it."""
        if leg.circuit is not None:
            return leg.circuit.circuit.opc in self.point_codes
        return leg.source[0] == self.address[0]

    def __str__(self) -> str:
        return address_text(self.address)


def leads_on(before: Leg, after: Leg, gateway: GatewayPlace | None) -> bool:
    """Whether a call on one leg can have gone on by the other: both meet in one exchange, one host, or the gateway."""
    if gateway is not None and gateway.is_reached_by(before) and gateway.sends(after):
        return True
    one, other = before.circuit, after.circuit
    if one is not None and other is not None:
        return one.circuit.dpc == other.circuit.opc and one.circuit.variant is other.circuit.variant
    if one is not None:
        return one.carrier is not None and one.carrier[1][0] == after.source[0]
    if other is not None:
        return other.carrier is not None and before.destination[0] == other.carrier[0][0]
    return before.destination[0] == after.source[0]
