"""What was agreed on with whom: the limits that detectors hold calls against, and who comes on which trunk group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.interconnection.carriers import CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service.book import StandingBook
from gateway.interconnection.trunk_groups import PARTNER_SIDE, TrunkGroup
from gateway.policy.call_attempt import CallAttempt


class Contracts:
    """Contracted rates and calls in progress, of providers by OCN and of trunk groups by name; None where none is."""

    def __init__(
        self,
        carriers: CarrierBook | None = None,
        trunk_groups: Iterable[TrunkGroup] = (),
        standings: StandingBook | None = None,
    ) -> None:
        """`standings` None: of no dedicated trunk group is it known whose it is."""
        self.calls_per_s: Final[dict[Ocn, float]] = {}
        """Sustained rate of each provider that has a limit."""
        self.in_progress: Final[dict[Ocn, int]] = {}
        """Calls in progress of each provider that has a limit."""
        self.group_calls_per_s: Final[dict[str, float]] = {}
        """Sustained rate of each trunk group that has a limit."""
        self.group_in_progress: Final[dict[str, int]] = {}
        """Calls in progress of each trunk group: its capacity, or what its limit says, whichever is less."""
        self._partners: Final[dict[Ocn, Ocn | None]] = {}
        """Of each provider, the partner over whose trunks it comes."""
        self._groups: Final[dict[str, TrunkGroup]] = {}
        self._standings: Final = standings
        for carrier in carriers if carriers is not None else ():
            if carrier.kind is CarrierKind.PROVIDER:
                self._partners[carrier.ocn] = carrier.partner
            if carrier.limit is not None:
                self.calls_per_s[carrier.ocn] = carrier.limit.sustained_per_s
                self.in_progress[carrier.ocn] = carrier.limit.in_progress
        for group in trunk_groups:
            self._groups[group.name] = group
            limit = group.limit
            if limit is not None:
                self.group_calls_per_s[group.name] = limit.sustained_per_s
            allowed = [most for most in (group.capacity, limit.in_progress if limit else None) if most is not None]
            if allowed:
                self.group_in_progress[group.name] = min(allowed)

    def answerable(self, attempt: CallAttempt) -> Ocn | None:
        """The provider that a call on a partner's trunk group can be laid to (`may_come`)."""
        ingress, provider = attempt.ingress, attempt.provider
        if provider is None or ingress is None or not self._may_come(provider, ingress, attempt.at_us):
            return None
        return provider

    def may_come(self, provider: Ocn, trunk_group: str, at_us: int) -> bool:
        """Whether a provider's calls can come on a trunk group.

        Those of a provider of another partner cannot, nor, on a dedicated group, anybody's but its owner's. Calls that
        show its numbers there all the same are not its doing: whoever floods one partner's trunks under the numbers of
        another's provider must not have that one throttled.
        """
        group = self._groups.get(trunk_group)
        return group is None or self._may_come(provider, group, at_us)

    def _may_come(self, provider: Ocn, group: TrunkGroup, at_us: int) -> bool:
        partner = self._partners.get(provider)
        if partner is None or group.side is not PARTNER_SIDE:
            return True
        if partner != group.carrier:
            return False
        return not group.dedicated or self._standings is None or self._standings.owner_of(group.name, at_us) == provider


NOTHING_AGREED: Final = Contracts()
