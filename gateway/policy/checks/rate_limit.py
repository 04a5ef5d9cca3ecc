"""Partner, trunk group, provider and source stay within their sustained rate, burst and calls in progress (L8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.interconnection.carriers import CarrierBook, CarrierKind, Ocn, RateLimit
from gateway.interconnection.denial_of_service.book import StandingBook
from gateway.interconnection.denial_of_service.states import State
from gateway.interconnection.trunk_groups import PARTNER_SIDE, Hop, Side, Transport, TrunkGroup
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.facts import NO_TRUNK_GROUP, not_judged, passed, violation
from gateway.policy.refusals import Reason
from gateway.policy.token_bucket import TokenBucket
from gateway.policy.verdict import Finding, Verdict

DEFAULT_THROTTLE: Final = RateLimit(sustained_per_s=1, burst=5, in_progress=20)
"""What a throttled provider may send where nothing else is configured."""
MOST_SOURCES: Final = 1_024
"""Sources of one trunk group that are told apart. Members over UDP are fewer; peers that show a certificate may come
from anywhere."""

_NAME: Final = "rate_limit"
_CLAUSE: Final = "L8"
_UDP: Final = Transport.UDP
_THROTTLED: Final = State.THROTTLED


class _Limit:
    """A limit and the two findings it can give, made once: a flood must be cheap to refuse."""

    __slots__ = ("bucket", "most_in_progress", "over_in_progress", "over_rate")

    def __init__(self, who: str, limit: RateLimit, reason: Reason) -> None:
        """`who` is over it, as a person reads it: ``OCN 901A``, ``trunk group RB-1``."""
        over = f"{who} is over its limit of"
        rate = f"{over} {limit.sustained_per_s:g} calls/s sustained with a burst of {limit.burst}"
        in_progress = f"{over} {limit.in_progress} calls in progress"
        self.bucket: Final = TokenBucket(limit.sustained_per_s, limit.burst)
        self.most_in_progress: Final = limit.in_progress
        self.over_rate: Final = violation(_NAME, Verdict.OVER_LIMIT, _CLAUSE, reason, rate, ())
        self.over_in_progress: Final = violation(_NAME, Verdict.OVER_LIMIT, _CLAUSE, reason, in_progress, ())

    def objection(self, in_progress: int, at_us: int) -> Finding | None:
        """Why one more call is too many; None where it is not."""
        if in_progress >= self.most_in_progress:
            return self.over_in_progress
        return None if self.bucket.has_token(at_us) else self.over_rate


class _Subject:
    """Who is held to a limit, and its calls that are up or being set up."""

    __slots__ = ("in_progress", "limit", "throttled")

    def __init__(self, limit: _Limit | None) -> None:
        self.in_progress = 0
        self.limit: Final = limit
        self.throttled: _Limit | None = None
        """Of a provider: its second limit while it is throttled, once it was."""


class _Trunks:
    """A trunk group on which more is limited than each provider: its sources, the group itself, its partner."""

    __slots__ = ("_others", "_source_limit", "group", "name", "partner", "sources")

    def __init__(self, group: TrunkGroup, partner: _Subject | None) -> None:
        self.name: Final = group.name
        self.partner: Final = partner
        limit = group.limit
        self.group: Final = (
            _Subject(_Limit(f"trunk group {group.name}", limit, Reason.TRUNK_GROUP_OVER_LIMIT)) if limit else None
        )
        self._source_limit: Final = group.source_limit
        self.sources: Final[dict[Hop, _Subject]] = {}
        self._others: _Subject | None = None

    def source(self, hop: Hop, at_us: int) -> _Subject | None:
        """Where a call came from: over UDP a member's address and port, over connections an IP address, over SS7 a
        point code. None where sources are not limited.
        """
        limit = self._source_limit
        if limit is None:
            return None
        key = hop if hop.transport is _UDP else Hop(hop.host, 0, hop.transport)
        subject = self.sources.get(key)
        if subject is None:
            if len(self.sources) >= MOST_SOURCES:
                self._forget_idle(at_us)
            if len(self.sources) >= MOST_SOURCES:
                return self._shared(limit)
            who = f"source {key.host if hop.transport is not _UDP else key} of trunk group {self.name}"
            subject = self.sources[key] = _Subject(_Limit(who, limit, Reason.SOURCE_OVER_LIMIT))
        return subject

    def _forget_idle(self, at_us: int) -> None:
        """Those that stand as new ones would."""
        idle = [
            key
            for key, subject in self.sources.items()
            if not subject.in_progress and subject.limit is not None and subject.limit.bucket.is_full(at_us)
        ]
        for key in idle:
            del self.sources[key]

    def _shared(self, limit: RateLimit) -> _Subject:
        """More sources than can be told apart share one limit."""
        if self._others is None:
            who = f"source of trunk group {self.name} beyond {MOST_SOURCES}"
            self._others = _Subject(_Limit(who, limit, Reason.SOURCE_OVER_LIMIT))
        return self._others


class RateLimits:
    """Limits calls on partner-side trunk groups: each provider by its OCN, each source, the trunk group, its partner.

    The limits nest: a call goes on where none of them objects, and then takes a token and a place of each. `judge` only
    looks; `admitted` takes; `ended` gives the places back. So a refused call takes nothing from anyone. Emergency calls
    are neither limited nor counted here (L10). An OCN without a limit passes and is counted. A provider that is
    throttled at a call's time is held to its throttled limit as well.
    """

    name: Final = _NAME
    clause: Final = _CLAUSE

    def __init__(
        self,
        carriers: CarrierBook | None,
        trunk_groups: Iterable[TrunkGroup] = (),
        standings: StandingBook | None = None,
        throttle: RateLimit = DEFAULT_THROTTLE,
    ) -> None:
        """`throttle` holds for throttled providers whose carrier has no `throttled` limit of its own."""
        self._carriers: Final = carriers
        self._standings: Final = standings
        self._throttle: Final = throttle
        self._providers: Final[dict[Ocn, _Subject]] = {}
        partners: dict[Ocn, _Subject] = {}
        for carrier in carriers if carriers is not None else ():
            if carrier.limit is None:
                continue
            if carrier.kind is CarrierKind.PARTNER:
                who = f"partner {carrier.ocn}"
                partners[carrier.ocn] = _Subject(_Limit(who, carrier.limit, Reason.PARTNER_OVER_LIMIT))
            who = f"OCN {carrier.ocn}"
            if carrier.kind is CarrierKind.PROVIDER:
                self._providers[carrier.ocn] = _Subject(_Limit(who, carrier.limit, Reason.OVER_LIMIT))
        self._trunks: Final[dict[str, _Trunks]] = {
            group.name: _Trunks(group, partners.get(group.carrier))
            for group in trunk_groups
            if group.side is Side.PARTNER and (group.limit or group.source_limit or group.carrier in partners)
        }
        # By identity, and holding the attempt so that its identity isn't reused: a Call-ID is the sender's to choose
        # and to repeat. Its size is the number of calls in progress.
        self._counted: Final[dict[int, CallAttempt]] = {}
        self._counted_sources: Final[dict[int, _Subject]] = {}
        """Of those calls whose source is limited: which may be known by another name, or none, when they end."""
        self._pass: Final = passed(self.name, self.clause)
        self._no_ingress: Final = not_judged(self.name, self.clause, NO_TRUNK_GROUP)

    def judge(self, attempt: CallAttempt) -> Finding:
        """The finding of the first limit that objects: the provider's, the source's, the trunk group's, the partner's:
        who is nearest to the call is named, so that nobody is blamed for another.
        """
        ingress, provider = attempt.ingress, attempt.provider
        if ingress is None:
            return self._no_ingress
        if attempt.emergency or ingress.side is not PARTNER_SIDE:
            return self._pass
        at_us = attempt.at_us
        objection: Finding | None = None
        if provider is not None:
            subject = self._providers.get(provider)
            if subject is not None and subject.limit is not None:
                objection = subject.limit.objection(subject.in_progress, at_us)
            if objection is None and self._standings is not None and self._is_throttled(provider, at_us):
                throttled = self._throttled(provider)
                objection = throttled.objection(self.in_progress(provider), at_us)
        if objection is None and self._trunks:
            trunks = self._trunks.get(ingress.name)
            if trunks is not None:
                objection = _objection_of(trunks, attempt.source, at_us)
        return self._pass if objection is None else objection

    def admitted(self, attempt: CallAttempt) -> None:
        """Take a token and a place of each limit. Telling it twice of one call counts once."""
        ingress, provider = attempt.ingress, attempt.provider
        if attempt.emergency or ingress is None or ingress.side is not PARTNER_SIDE or id(attempt) in self._counted:
            return
        self._counted[id(attempt)] = attempt
        at_us = attempt.at_us
        if provider is not None:
            subject = self._provider(provider)
            subject.in_progress += 1
            if subject.limit is not None:
                subject.limit.bucket.take(at_us)
            if subject.throttled is not None:
                subject.throttled.bucket.take(at_us)
        trunks = self._trunks.get(ingress.name) if self._trunks else None
        if trunks is not None:
            source = trunks.source(attempt.source, at_us)
            if source is not None:
                self._counted_sources[id(attempt)] = source
            for each in (source, trunks.group, trunks.partner):
                if each is not None and each.limit is not None:
                    each.in_progress += 1
                    each.limit.bucket.take(at_us)

    def ended(self, attempt: CallAttempt, at_us: int) -> None:  # noqa: ARG002 - the time is for other counting checks
        """Give the places back; without effect for a call that was never counted, or is told of twice."""
        if self._counted.pop(id(attempt), None) is None:
            return
        if attempt.provider is not None:
            self._provider(attempt.provider).in_progress -= 1
        ingress = attempt.ingress
        trunks = self._trunks.get(ingress.name) if self._trunks and ingress is not None else None
        if trunks is not None:
            for each in (self._counted_sources.pop(id(attempt), None), trunks.group, trunks.partner):
                if each is not None:
                    each.in_progress -= 1

    def in_progress(self, ocn: Ocn) -> int:
        """Calls of this provider that are up or being set up over the partners' trunks."""
        subject = self._providers.get(ocn)
        return subject.in_progress if subject is not None else 0

    def is_used_up(self, trunk_group: str, source: Hop, at_us: int) -> bool:
        """Whether a limit of a source, its trunk group or its partner refuses the next call, whoever's it is: for
        feedback to who sends (RFC 7339).
        """
        trunks = self._trunks.get(trunk_group)
        return trunks is not None and _objection_of(trunks, source, at_us) is not None

    def _provider(self, ocn: Ocn) -> _Subject:
        subject = self._providers.get(ocn)
        if subject is None:  # an OCN of our own tables: there are only so many
            subject = self._providers[ocn] = _Subject(None)
        return subject

    def _is_throttled(self, ocn: Ocn, at_us: int) -> bool:
        return self._standings is not None and self._standings.standing_of(ocn, at_us).state is _THROTTLED

    def _throttled(self, ocn: Ocn) -> _Limit:
        subject = self._provider(ocn)
        if subject.throttled is None:
            carrier = self._carriers.get(ocn) if self._carriers is not None else None
            limit = carrier.throttled if carrier is not None and carrier.throttled is not None else self._throttle
            subject.throttled = _Limit(f"OCN {ocn} is throttled, and", limit, Reason.THROTTLED)
        return subject.throttled


def _objection_of(trunks: _Trunks, source: Hop, at_us: int) -> Finding | None:
    for subject in (trunks.source(source, at_us), trunks.group, trunks.partner):
        if subject is not None and subject.limit is not None:
            objection = subject.limit.objection(subject.in_progress, at_us)
            if objection is not None:
                return objection
    return None
