"""A provider that is discontinued, and for its sake all of its partner where so ordered, is refused both ways (L8)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Scope, Standing, StandingBook, State
from gateway.interconnection.trunk_groups import PARTNER_SIDE
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
        at_us = attempt.at_us
        if ingress.side is PARTNER_SIDE:
            of_provider = self._of_provider(attempt.provider, at_us, shared=not ingress.dedicated)
            return of_provider or self._of_partner(ingress.carrier, at_us) or self._pass
        router = self._router
        if router is None:
            return self._pass
        to_provider = self._of_provider(router.holder_of(attempt), at_us, shared=True)
        if to_provider is not None or not self._standings.ever_stopped:
            return to_provider or self._pass
        route = router.route_of(attempt)
        of_partner = self._of_partner(route.trunk_group.carrier, at_us) if route is not None else None
        return of_partner or self._pass

    def _of_provider(self, provider: Ocn | None, at_us: int, *, shared: bool) -> Finding | None:
        """What stands against a call of a provider, or to one; `shared`: on a group that is not dedicated."""
        if provider is None:
            return None
        standing = self._standings.standing_of(provider, at_us)
        state = standing.state
        if state is _DISCONTINUED or state is _REMEDIATED or (shared and state is _RESTORED):
            return self._refused(provider, None, standing)
        return None

    def _of_partner(self, partner: Ocn, at_us: int) -> Finding | None:
        """What stands against any call on a partner's trunks."""
        stopped_for = self._standings.stopped_for(partner, at_us)
        if stopped_for is None:
            return None
        return self._refused(stopped_for, partner, self._standings.standing_of(stopped_for, at_us))

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
