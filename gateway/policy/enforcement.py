"""What is in force about providers by the journal, and not, or not everywhere, by the configuration (L8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from gateway.interconnection.carriers import CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service import Scope, Standing, StandingBook, State
from gateway.interconnection.trunk_groups import Mode, Side, TrunkGroup

DISCONTINUANCE: Final = "discontinuance"
TRUNK_GROUP: Final = "trunk_group"
RATE_LIMIT: Final = "rate_limit"

_CHECKS: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.THROTTLED: RATE_LIMIT,
        State.DISCONTINUED: DISCONTINUANCE,
        State.REMEDIATED: DISCONTINUANCE,
        State.RESTORED: DISCONTINUANCE,
        State.DEDICATED: TRUNK_GROUP,
    }
)
"""The check that refuses what a state does not let through."""
_BOTH_WAYS: Final = frozenset({DISCONTINUANCE})
"""Checks that refuse calls from the host as well."""


def is_enforced(check: str, group: TrunkGroup) -> bool:
    """Whether a call that comes on a trunk group is refused where a check objects."""
    return group.mode_of(check) is Mode.ENFORCE


def not_enforced_on(standing: Standing, partner: Ocn | None, groups: Iterable[TrunkGroup]) -> tuple[str, ...]:
    """The trunk groups on which nothing is refused of what a provider's standing forbids, each with its mode:
    ``riverbend-wentzville (monitor)``.

    Looked at are those of its `partner`, and those of the host where calls to it are refused as well.
    """
    check = _CHECKS.get(standing.state)
    if check is None:
        return ()
    found = []
    for group in groups:
        on_partners_side = group.side is Side.PARTNER
        if group.carrier != partner if on_partners_side else check not in _BOTH_WAYS:
            continue
        # Who may come on a dedicated group is asked of that check also where the provider's partner is accepted again.
        of_dedicated = on_partners_side and group.dedicated and standing.state is State.RESTORED
        mode = group.mode_of(TRUNK_GROUP if of_dedicated else check)
        if mode is not Mode.ENFORCE:
            found.append(f"{group.name} ({mode.value})")
    return tuple(found)


def at_odds(standings: StandingBook, carriers: CarrierBook, groups: Iterable[TrunkGroup], at_us: int) -> Iterator[str]:
    """What the journal says of providers and the configuration, changed since, does not bear out: for the operator."""
    by_name = {group.name: group for group in groups}
    for ocn in sorted({step.ocn for step in standings.trail()}):
        standing = standings.standing_of(ocn, at_us)
        if standing.state is State.NORMAL:
            continue
        carrier = carriers.get(ocn)
        if carrier is None or carrier.kind is not CarrierKind.PROVIDER:
            lifted = ", and its partner's other traffic is let through" if standing.scope is Scope.PARTNER else ""
            yield (
                f"OCN {ocn} is {standing.state.value} by the journal and no provider of the configuration{lifted}: "
                "put it back there, and take the step back if it is to be over"
            )
        elif standing.trunk_group is not None:
            group = by_name.get(standing.trunk_group)
            if group is None or not group.dedicated or group.carrier != carrier.partner:
                yield (
                    f"OCN {ocn} is dedicated on {standing.trunk_group}, which is no dedicated trunk group of its "
                    "partner in the configuration: put that back, or cut the provider over to another"
                )
