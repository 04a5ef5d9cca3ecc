"""A provider that was cut over comes on its own trunk group only, and nobody else comes on that one (L8)."""

from __future__ import annotations

from typing import Final

from gateway.interconnection.denial_of_service import StandingBook
from gateway.interconnection.trunk_groups import PARTNER_SIDE
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.facts import NO_TRUNK_GROUP, not_judged, passed, violation
from gateway.policy.refusals import Reason
from gateway.policy.verdict import Finding, Verdict


class TrunkGroupOfProvider:
    """Judges a call by who is cut over at its own time. Emergency calls pass on any group."""

    name: Final = "trunk_group"
    clause: Final = "L8"

    def __init__(self, standings: StandingBook | None) -> None:
        self._standings = standings if standings is not None else StandingBook()
        self._pass = passed(self.name, self.clause)
        self._no_ingress = not_judged(self.name, self.clause, NO_TRUNK_GROUP)

    def judge(self, attempt: CallAttempt) -> Finding:
        ingress = attempt.ingress
        if ingress is None:
            return self._no_ingress
        if ingress.side is not PARTNER_SIDE or attempt.emergency:
            return self._pass
        own = self._standings.group_of(attempt.provider, attempt.at_us) if attempt.provider is not None else None
        if own is not None and own != ingress.name:
            return self._wrong(
                f"OCN {attempt.provider} is cut over to trunk group {own} and may not come on {ingress.name}"
            )
        if not ingress.dedicated:
            return self._pass
        owner = self._standings.owner_of(ingress.name, attempt.at_us)
        if owner is None:
            return self._wrong(f"trunk group {ingress.name} is kept for a provider that is cut over to it; none is")
        if owner != attempt.provider:
            caller = f"OCN {attempt.provider}" if attempt.provider is not None else "a call of no known provider"
            return self._wrong(f"trunk group {ingress.name} is dedicated to OCN {owner}; {caller} may not come on it")
        return self._pass

    def _wrong(self, text: str) -> Finding:
        return violation(self.name, Verdict.WRONG_TRUNK_GROUP, self.clause, Reason.WRONG_TRUNK_GROUP, text, ())
