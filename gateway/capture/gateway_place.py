"""Where the gateway stands in a capture whose decisions are repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.capture.calls import Leg, address_text
from gateway.interconnection.trunk_groups import Address


@dataclass(frozen=True, slots=True)
class GatewayPlace:
    """The ends by which the captured gateway was reached."""

    address: Address
    """Where it took SIP."""
    point_codes: Mapping[int, str] = field(default_factory=dict)
    """Of its exchange, each with how it is written."""

    def is_reached_by(self, leg: Leg) -> bool:
        """Whether a leg leads to the gateway."""
        if leg.circuit is not None:
            return leg.circuit.circuit.dpc in self.point_codes
        return leg.destination == self.address

    def sends(self, leg: Leg) -> bool:
        """Whether a leg leads away from it."""
        if leg.circuit is not None:
            return leg.circuit.circuit.opc in self.point_codes
        return leg.source == self.address

    def __str__(self) -> str:
        codes = "".join(f", point code {text}" for text in self.point_codes.values())
        return f"{address_text(self.address)}{codes}"


def leads_on(before: Leg, after: Leg, gateway: GatewayPlace | None) -> bool:
    """Whether a call on one leg can have gone on by the other: both meet in one exchange, one host, or the gateway.

    Between SIP and ISUP a host is a meeting place only where it tells the ends of each leg apart: where all runs on one
    host, as in a lab, its address says nothing.
    """
    one, other = before.circuit, after.circuit
    if one is not None and other is not None:
        return one.circuit.dpc == other.circuit.opc and one.circuit.variant is other.circuit.variant
    if one is None and other is None:
        return before.destination[0] == after.source[0]
    if gateway is not None and (gateway.is_reached_by(before) or gateway.sends(after)):
        return gateway.is_reached_by(before) and gateway.sends(after)
    arriving, leaving = _hosts(before), _hosts(after)
    return arriving[1] == leaving[0] != "" and arriving[0] != arriving[1] and leaving[0] != leaving[1]


def _hosts(leg: Leg) -> tuple[str, str]:
    """IP addresses of a leg's ends; empty on a signalling link."""
    ends = (leg.source, leg.destination) if leg.circuit is None else leg.circuit.carrier
    return (ends[0][0], ends[1][0]) if ends is not None else ("", "")
