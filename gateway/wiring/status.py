"""What `/status` says of providers, trunk groups, members and names, in values that JSON can carry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.interconnection.carriers import Carrier, Ocn, RateLimit
from gateway.interconnection.denial_of_service import Standing
from gateway.interconnection.trunk_groups import Side, TrunkGroup
from gateway.operations.configuration import Configuration
from gateway.policy.enforcement import DISCONTINUANCE, is_enforced, not_enforced_on
from gateway.signalling.members import TrunkGroupState, TrunkMember
from gateway.transport.name_watch import WatchedName
from gateway.wiring.engine import Policy
from gateway.wiring.names import Names


def provider_status(ocn: Ocn, configuration: Configuration, policy: Policy, now_us: int) -> dict[str, Any]:
    """A provider: how it stands, its calls, its limit, and the one that holds as well while it is throttled.

    ``refused_for`` is the other provider of its partner for whose sake it is refused, with all of the partner's
    traffic; null where there is none.
    """
    carrier = configuration.carriers.get(ocn)
    throttled = carrier.throttled if carrier is not None else None
    standing = policy.standings.standing_of(ocn, now_us)
    partner = carrier.partner if carrier is not None else None
    refused_for = policy.standings.stopped_for(partner, now_us) if partner is not None else None
    return {
        "ocn": ocn,
        "name": carrier.name if carrier is not None else "",
        "standing": standing_status(standing),
        "refused_for": refused_for if refused_for != ocn else None,
        "not_enforced_on": list(not_enforced_on(standing, partner, configuration.trunk_groups)),
        "calls_in_progress": policy.limiter.in_progress(ocn),
        "limit": _limit_status(carrier.limit) if carrier is not None else None,
        "throttled_limit": _limit_status(throttled or configuration.denial_of_service.throttle),
    }


def partner_status(partner: Carrier, policy: Policy, now_us: int) -> dict[str, Any]:
    """A partner: the limit of all calls on its trunks, and the provider for whose sake all of them are refused."""
    return {
        "ocn": partner.ocn,
        "name": partner.name,
        "limit": _limit_status(partner.limit),
        "refused_for": policy.standings.stopped_for(partner.ocn, now_us),
    }


def _limit_status(limit: RateLimit | None) -> dict[str, Any] | None:
    if limit is None:
        return None
    return {"sustained_per_s": limit.sustained_per_s, "burst": limit.burst, "in_progress": limit.in_progress}


def standing_status(standing: Standing) -> dict[str, Any]:
    """How a provider stands. ``since`` is null for one of which no step tells."""
    return {
        "state": standing.state.value,
        "since": timestamp(standing.since_us) if standing.since_us else None,
        "scope": standing.scope.value if standing.scope is not None else None,
        "trunk_group": standing.trunk_group,
        "attested": timestamp(standing.attested_us) if standing.attested_us is not None else None,
    }


def standing_text(standing: Standing) -> str:
    """How a provider stands, for a log: ``discontinued since 2026-11-23T02:54:22.542+00:00, scope partner``."""
    said = [f"{standing.state.value} since {timestamp(standing.since_us)}"]
    if standing.scope is not None:
        said.append(f"scope {standing.scope.value}")
    if standing.trunk_group is not None:
        said.append(f"on {standing.trunk_group} only")
    if standing.attested_us is not None:
        said.append(f"removal attested {timestamp(standing.attested_us)}")
    return ", ".join(said)


def group_status(
    group: TrunkGroup, state: TrunkGroupState, policy: Policy, names: Names | None, started_us: int, now_us: int
) -> dict[str, Any]:
    """A trunk group and its members; times are microseconds since the Unix epoch.

    ``refused_for`` is the provider for whose sake every call on it is refused, emergency calls aside; null where none
    is, or the group's mode lets them through.
    """
    governed = group.side is Side.PARTNER and is_enforced(DISCONTINUANCE, group)
    return {
        "name": group.name,
        "side": group.side.value,
        "carrier": group.carrier,
        "switch": group.switch,
        "dedicated": group.dedicated,
        "mode": group.default_mode.value,
        "modes": {check: mode.value for check, mode in group.modes.items()},
        "kept_for": policy.standings.owner_of(group.name, now_us),
        "refused_for": policy.standings.stopped_for(group.carrier, now_us) if governed else None,
        "limit": _limit_status(group.limit),
        "source_limit": _limit_status(group.source_limit),
        "calls_in_progress": state.calls,
        "capacity": group.capacity,
        "members": [_member_status(member, started_us) for member in state.members],
        "names": [_name_status(name) for name in names.of_group(group)] if names is not None else [],
    }


def _member_status(member: TrunkMember, started_us: int) -> dict[str, Any]:
    settings = member.settings
    return {
        "address": str(member.hop),
        "state": member.standing.value,
        "since": timestamp(member.stands_since_us or started_us),
        "calls_in_progress": member.calls,
        "capacity": settings.capacity,
        "priority": settings.priority,
        "weight": settings.weight,
    }


def _name_status(name: WatchedName) -> dict[str, Any]:
    return {
        "name": str(name.target),
        "addresses": [str(candidate.hop) for candidate in name.candidates],
        "located": timestamp(name.located_at_us) if name.located_at_us is not None else None,
        "failure": name.failure or None,
        "next_lookup": timestamp(name.next_at_us),
    }


def timestamp(at_us: int) -> str:
    """A time in microseconds since the Unix epoch, for people and scripts alike (ISO 8601, UTC)."""
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="milliseconds")
