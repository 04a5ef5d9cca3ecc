"""Which trunk group carries a call on.

A call from the partner goes to the switch that its trunk group serves (L9): the group is the route. A call from the
host goes to the partner group behind which the called code is homed. A provider that was cut over is reached on its
dedicated group only, and nobody else is reached there: where the configuration no longer has that group, no way leads
to the provider but for an emergency call (L8). An emergency call goes to the configured emergency route, else the way
of any other (L10).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import StandingBook
from gateway.interconnection.trunk_groups import PARTNER_SIDE, Side, TrunkGroup
from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_rows import CodeAssignment, LrnRow
from gateway.numbering.portability import PortedNumbers
from gateway.policy.call_attempt import CallAttempt


class Route(NamedTuple):
    trunk_group: TrunkGroup
    diverted: bool
    """It is not the group that the call would take by default, or it is the emergency route."""


class Router:
    """Finds the egress trunk group of a call."""

    def __init__(
        self,
        trunk_groups: Iterable[TrunkGroup],
        *,
        guide: LergGuide | None,
        ported: PortedNumbers | None,
        standings: StandingBook,
        emergency_trunk_group: str | None = None,
    ) -> None:
        groups = tuple(trunk_groups)
        self._by_name = {group.name: group for group in groups}
        self._to_switch = {group.switch: group for group in reversed(groups) if group.side is Side.HOST}
        self._partner_groups = [group for group in groups if group.side is PARTNER_SIDE and not group.dedicated]
        self._emergency = self._by_name.get(emergency_trunk_group or "")
        self._guide = guide
        self._ported = ported
        self._standings = standings

    def route_of(self, attempt: CallAttempt) -> Route | None:
        """The route, or None where no trunk group leads to the destination."""
        ingress = attempt.ingress
        if ingress is None:
            return None
        if attempt.emergency and self._emergency is not None and self._emergency is not ingress:
            return Route(self._emergency, diverted=True)
        if ingress.side is PARTNER_SIDE:
            to_switch = self._to_switch.get(ingress.switch)
            return Route(to_switch, diverted=False) if to_switch is not None else None
        return self._towards_partner(attempt, ingress)

    def holder_of(self, attempt: CallAttempt) -> Ocn | None:
        """Whose the called number is: the OCN of its LRN, else of its code. None where the tables do not say."""
        holder = self.row_of_called(attempt, attempt.at_us)
        return Ocn(holder.ocn) if holder is not None else None

    def row_of_called(self, attempt: CallAttempt, at_us: int) -> LrnRow | CodeAssignment | None:
        """What the tables say of the called number at a time, in microseconds since the Unix epoch: the row of its LRN,
        else of its code. It alone, of the call, decides whose the call is and where it is homed.
        """
        if self._guide is None:
            return None
        digits = destination_of(attempt, self._ported, at_us)
        if digits is None:
            return None
        # An LRN is its holder's, who may have it on a code of another's.
        return self._guide.location_routing(digits) or self._guide.code_of(digits, at_us)

    def _towards_partner(self, attempt: CallAttempt, ingress: TrunkGroup) -> Route | None:
        holder = self.row_of_called(attempt, attempt.at_us)
        if holder is None:
            return None
        dedicated = self._standings.group_of(Ocn(holder.ocn), attempt.at_us)
        if dedicated is not None:
            own = self._by_name.get(dedicated)
            if own is not None:
                return Route(own, diverted=True)
            if not attempt.emergency:
                return None
        homed = [group for group in self._partner_groups if group.home_switch == holder.switch]
        for group in homed:
            if group.switch == ingress.switch:
                return Route(group, diverted=False)
        return Route(homed[0], diverted=False) if homed else None


def destination_of(attempt: CallAttempt, ported: PortedNumbers | None, at_us: int) -> str | None:
    """The ten digits that decide where a call goes: the LRN of a ported number, else the dialled digits.

    The LRN is the message's own rn (RFC 4694); without npdi, our portability data of that time is asked. None for what
    is no NANP number.
    """
    if attempt.routing_number is not None:
        return attempt.routing_number.digits if attempt.routing_number.is_nanp else None
    number = attempt.called.number
    if number is None or not number.is_nanp:
        return None
    if not attempt.npdi and ported is not None:
        lrn = ported.lrn_of(number.digits, at_us)
        if lrn is not None:
            return lrn
    return number.digits
