"""What follows from alerts: which steps to take about which provider (L8), and what to tell the operator where there is
no step to take.

Pure: alerts, standings and the time are handed in, so that asking twice gives the same twice. Whether a step that is
proposed here is taken at once or waits for an operator is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service import Scope, Standing, State, StepKind
from gateway.policy.detectors.detector import SubjectKind
from gateway.policy.watch import SECOND_US, Alert

EMERGENCY_CLAUSE: Final = "L10"
"""An alert that rests on it is about emergency calls: they are never throttled nor discontinued."""
MANY_PROVIDERS: Final = 3
AT_ONCE_US: Final = 10 * SECOND_US
"""So many providers of one partner do not all begin the same thing within this time: one sender shows their numbers."""
MOST_REASONS: Final = 3
"""Alerts that the reason of one step names."""


@dataclass(frozen=True, slots=True)
class ResponseSettings:
    """When one step is followed by the next."""

    discontinue_scope: Scope = Scope.PROVIDER
    """What is discontinued of a provider that goes on although it is throttled."""
    escalate_after_s: float = 60
    """Seconds for which a throttled provider must go on before its traffic is discontinued."""
    release_after_s: float = 300
    """Seconds without an alert after which a throttle is lifted."""


class Proposal(NamedTuple):
    """A step that the alerts call for."""

    kind: StepKind
    ocn: Ocn
    scope: Scope | None
    """DISCONTINUE: what is to be discontinued."""
    why: str
    """For a person, and for the journal."""
    alerts: tuple[Alert, ...]
    """What calls for it; none for RELEASE."""


class Advice(NamedTuple):
    """What the operator can do about an alert for which there is no step."""

    alert: Alert
    text: str


class Response(NamedTuple):
    """What follows from the alerts that are up."""

    proposals: tuple[Proposal, ...] = ()
    """At most one for each provider."""
    advice: tuple[Advice, ...] = ()


class ResponsePlan:
    """Turns alerts into proposals:

    - throttle a NORMAL provider of which an alert is up;
    - discontinue a THROTTLED one of which an alert has been up for `escalate_after_s`, by what it did since;
    - release a THROTTLED one of which there was no alert for `release_after_s`.

    Everything else is advice: an alert that names no provider of the configuration, one about emergency calls, and one
    about a provider that is on a trunk group of its own, or discontinued already. So are alerts about several providers
    while the flood of a trunk group is by several, and those about many providers of one partner that were raised at
    once: who changes the calling number with every call would have the gateway throttle those whose numbers it shows.
    Only what a provider does on another trunk group, or did before, counts against it then.
    """

    def __init__(
        self, settings: ResponseSettings, carriers: CarrierBook, emergency_trunk_group: str | None = None
    ) -> None:
        self._settings: Final = settings
        self._carriers: Final = carriers
        self._providers: Final = tuple(one.ocn for one in carriers if one.kind is CarrierKind.PROVIDER)
        self._emergency_trunk_group: Final = emergency_trunk_group

    def respond(
        self,
        alerts: Iterable[Alert],
        standing_of: Callable[[Ocn, int], Standing],
        quiet_since: Callable[[Ocn], int],
        at_us: int,
    ) -> Response:
        """What follows from the alerts that are up at a time.

        `standing_of` says how a provider stands at a time, `quiet_since` since when nothing was seen of it.
        """
        alerts = tuple(alerts)
        advice: list[Advice] = []
        by_provider: dict[Ocn, list[Alert]] = {}
        for alert in alerts:
            text = self._advice_on(alert)
            if text is None and alert.provider is not None:
                by_provider.setdefault(alert.provider, []).append(alert)
            elif text is not None:
                advice.append(Advice(alert, text))
        for alert in _disguised(alerts, by_provider) + self._raised_at_once(by_provider):
            advice.append(Advice(alert, self._nobodys_advice(alert)))
        proposals: list[Proposal] = []
        for ocn, concerning in by_provider.items():
            standing = standing_of(ocn, at_us)
            proposal = self._step_about(ocn, standing, concerning)
            if proposal is not None:
                proposals.append(proposal)
            elif standing.state is not State.THROTTLED:
                advice += [Advice(alert, _standing_advice(ocn, standing)) for alert in concerning]
        proposals += self._releases(by_provider, standing_of, quiet_since, at_us)
        return Response(tuple(proposals), tuple(advice))

    def _raised_at_once(self, by_provider: dict[Ocn, list[Alert]]) -> list[Alert]:
        """The alerts of a detector about many providers of one partner that were raised at once, taken out of these."""
        alike: dict[tuple[str, Ocn | None], list[Alert]] = {}
        for ocn, concerning in by_provider.items():
            carrier = self._carriers.get(ocn)
            partner = carrier.partner if carrier is not None else None
            for alert in concerning:
                if alert.detection.subject.kind is SubjectKind.PROVIDER:
                    alike.setdefault((alert.detection.detector, partner), []).append(alert)
        taken = [
            alert
            for alerts in alike.values()
            for alert in alerts
            if sum(abs(other.raised_us - alert.raised_us) <= AT_ONCE_US for other in alerts) >= MANY_PROVIDERS
        ]
        for alert in taken:
            if alert.provider is not None:
                by_provider[alert.provider].remove(alert)
                if not by_provider[alert.provider]:
                    del by_provider[alert.provider]
        return taken

    def _step_about(self, ocn: Ocn, standing: Standing, alerts: list[Alert]) -> Proposal | None:
        if standing.state is State.NORMAL:
            return Proposal(StepKind.THROTTLE, ocn, None, _reasons(alerts), tuple(alerts))
        if standing.state is not State.THROTTLED:
            return None
        going_on = [alert for alert in alerts if self._goes_on(alert, standing)]
        if not going_on:
            return None
        after = f"still so {self._settings.escalate_after_s:g} s after it was throttled: {_reasons(going_on)}"
        return Proposal(StepKind.DISCONTINUE, ocn, self._settings.discontinue_scope, after, tuple(going_on))

    def _goes_on(self, alert: Alert, standing: Standing) -> bool:
        """Whether a provider goes on although it is throttled: leaving out what only the memory of the figures shows.

        A share of the last five minutes says nothing of what the throttle has changed in one.
        """
        lasted_us = alert.seen_us - max(alert.raised_us, standing.since_us)
        return lasted_us >= (self._settings.escalate_after_s + alert.detection.memory_s) * SECOND_US

    def _releases(
        self,
        alerted: dict[Ocn, list[Alert]],
        standing_of: Callable[[Ocn, int], Standing],
        quiet_since: Callable[[Ocn], int],
        at_us: int,
    ) -> list[Proposal]:
        quiet_us = round(self._settings.release_after_s * SECOND_US)
        why = f"nothing was seen of it for {self._settings.release_after_s:g} s"
        releases = []
        for ocn in self._providers:
            standing = standing_of(ocn, at_us)
            if standing.state is not State.THROTTLED or ocn in alerted:
                continue
            if at_us - max(standing.since_us, quiet_since(ocn)) >= quiet_us:
                releases.append(Proposal(StepKind.RELEASE, ocn, None, why, ()))
        return releases

    # -- where there is no step ---------------------------------------------------------------------------------------

    def _advice_on(self, alert: Alert) -> str | None:
        """What to do about an alert that no step can follow from; None for one of a provider of the configuration."""
        if alert.clause == EMERGENCY_CLAUSE:
            return self._emergency_advice()
        if alert.provider is None:
            return self._nobodys_advice(alert)
        carrier = self._carriers.get(alert.provider)
        if carrier is None:
            return (
                f"OCN {alert.provider} is not in the configuration: its calls are refused where `admission` is "
                "enforced; ask the partner whose they are, and add it as a provider if they are to be let through"
            )
        return _carriers_own(carrier) if carrier.kind is not CarrierKind.PROVIDER else None

    def _emergency_advice(self) -> str:
        group = self._emergency_trunk_group
        where = (
            f"they leave on {group}"
            if group is not None
            else "they leave as any call does: set emergency_trunk_group to have them go to a route of their own"
        )
        return (
            f"all are let through, and {where}; tell the public-safety answering point, and the partner to route them"
        )

    def _nobodys_advice(self, alert: Alert) -> str:
        kind, group = alert.detection.subject.kind, alert.detection.trunk_group
        if kind is SubjectKind.SOURCE:
            return (
                "the gateway answers so many a second of a source and drops the rest; have whoever runs it stop it, "
                "or block the address in front of the gateway"
            )
        on = f" on trunk group {group}" if group is not None else ""
        return (
            f"what is seen{on} cannot be laid to one provider, so that a step against one might hit the wrong one: the "
            "limits of trunk group and source hold; lower them, have the partner find the sender, or discontinue all "
            "traffic on the partner's trunks (scope partner)"
        )


def _disguised(alerts: Iterable[Alert], by_provider: dict[Ocn, list[Alert]]) -> list[Alert]:
    """The alerts about providers that may be those of a flood under many providers' numbers, taken out of these."""
    flooded = {alert.detection.trunk_group for alert in alerts if _is_by_several(alert)}
    if not flooded or len(by_provider) < 2:  # one provider over its limits on a busy trunk group is the one
        return []
    of_the_flood: set[str | None] = {None, *flooded}
    taken: list[Alert] = []
    for ocn, concerning in list(by_provider.items()):
        elsewhere = [one for one in concerning if one.detection.trunk_group not in of_the_flood]
        taken += [one for one in concerning if one not in elsewhere]
        if elsewhere:
            by_provider[ocn] = elsewhere
        else:
            del by_provider[ocn]
    return taken


def _is_by_several(alert: Alert) -> bool:
    """Whether it is the flood of a trunk group whose calls are several providers', by their calling numbers."""
    detection = alert.detection
    of_group = detection.subject.kind is SubjectKind.TRUNK_GROUP and detection.provider is None
    return of_group and alert.clause != EMERGENCY_CLAUSE and dict(detection.figures).get("providers", 0.0) > 1


def _reasons(alerts: list[Alert]) -> str:
    named = "; ".join(f"{alert.detection.detector}: {alert.detection.text}" for alert in alerts[:MOST_REASONS])
    more = len(alerts) - MOST_REASONS
    return f"{named}; and {more} more" if more > 0 else named


def _carriers_own(carrier: Carrier) -> str:
    if carrier.kind is CarrierKind.HOST:
        return f"OCN {carrier.ocn} is the host itself: look for what its switch, or one that claims its numbers, does"
    return (
        f"OCN {carrier.ocn} is a partner and no provider, so that no step of L8 fits its own calls: have it find the "
        "sender, or lower the limits of its trunk groups"
    )


def _standing_advice(ocn: Ocn, standing: Standing) -> str:
    if standing.state is State.DEDICATED:
        return (
            f"OCN {ocn} comes on its own trunk group {standing.trunk_group}, where its limit holds and nobody else is "
            "hurt; discontinue it where the host suffers all the same"
        )
    return f"OCN {ocn} is {standing.state.value} already: its calls are refused, and no further step is called for"
