"""A provider that is discontinued, and for its sake all of its partner where so ordered, is refused both ways (L8)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Scope, Standing, StandingBook, State
from gateway.interconnection.trunk_groups import PARTNER_SIDE, TrunkGroup
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.facts import NO_TRUNK_GROUP, not_judged, passed, violation
from gateway.policy.refusals import Reason
from gateway.policy.routing import Router
from gateway.policy.verdict import Finding, Verdict

_DISCONTINUED: Final = State.DISCONTINUED
_REMEDIATED: Final = State.REMEDIATED
_RESTORED: Final = State.RESTORED

_MOST_FINDINGS: Final = 256
"""Findings kept, one for each discontinuance that refused a call; beyond, they are made anew."""


class Discontinuance:
    """Judges a call by how its provider, and its partner, stand at the call's own time. Emergency calls pass (L10).

    A call from the partner is its caller's, and on its partner's trunks; a call from the host is the called number's
    holder's, and on the trunks that it would leave on. Of a provider that is DISCONTINUED or REMEDIATED no call passes;
    with scope partner, nothing does on the partner's trunks. Of one that is RESTORED nothing passes on shared trunk
    groups; who may use a dedicated one is the check `trunk_group`.
    """

    name: Final = "discontinuance"
    clause: Final = "L8"

    def __init__(self, standings: StandingBook | None, router: Router | None) -> None:
        """`router` None: of calls from the host it is not known whose they are, and they pass."""
        self._standings: Final = standings if standings is not None else StandingBook()
        self._router: Final = router
        self._pass: Final = passed(self.name, self.clause)
        self._no_ingress: Final = not_judged(self.name, self.clause, NO_TRUNK_GROUP)
        self._findings: Final[dict[tuple[Ocn, Ocn | None, int], Finding]] = {}
        """By provider, partner (all of whose traffic is refused) and time: a flood must be cheap to refuse."""

    def judge(self, attempt: CallAttempt) -> Finding:
        ingress = attempt.ingress
        if ingress is None:
            return self._no_ingress
        if attempt.emergency or not self._standings.ever_discontinued:
            return self._pass
        if ingress.side is PARTNER_SIDE:
            return self._between(attempt.provider, ingress, attempt.at_us)
        router = self._router
        route = router.route_of(attempt) if router is not None else None
        if router is None or route is None:
            return self._pass
        return self._between(router.holder_of(attempt), route.trunk_group, attempt.at_us)

    def _between(self, provider: Ocn | None, group: TrunkGroup, at_us: int) -> Finding:
        """The finding on a call of a provider, or to one, over a trunk group of its partner."""
        if provider is not None:
            standing = self._standings.standing_of(provider, at_us)
            state = standing.state
            if state is _DISCONTINUED or state is _REMEDIATED or (state is _RESTORED and not group.dedicated):
                return self._refused(provider, None, standing)
        stopped_for = self._standings.stopped_for(group.carrier, at_us)
        if stopped_for is None:
            return self._pass
        return self._refused(stopped_for, group.carrier, self._standings.standing_of(stopped_for, at_us))

    def _refused(self, provider: Ocn, partner: Ocn | None, standing: Standing) -> Finding:
        key = (provider, partner, standing.since_us)
        finding = self._findings.get(key)
        if finding is None:
            text = _text(provider, partner, standing)
            finding = violation(self.name, Verdict.DISCONTINUED, self.clause, Reason.DISCONTINUED, text, ())
            if len(self._findings) >= _MOST_FINDINGS:
                self._findings.clear()
            self._findings[key] = finding
        return finding


def _text(provider: Ocn, partner: Ocn | None, standing: Standing) -> str:
    since = datetime.fromtimestamp(standing.since_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if standing.state is _RESTORED:
        return (
            f"since {since} the partner of OCN {provider} is accepted again, OCN {provider} itself only on a trunk "
            "group of its own"
        )
    scope = standing.scope.value if standing.scope is not None else Scope.PROVIDER.value
    done = f"{standing.state.value} since {since}, scope {scope}"
    if partner is not None:
        return f"all traffic on the trunks of OCN {partner} is discontinued for the sake of OCN {provider}: {done}"
    return f"OCN {provider} is {done}"
