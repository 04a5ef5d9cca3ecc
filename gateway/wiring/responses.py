"""What is done about alerts: once a second the detectors are asked, and what follows is taken, or recommended (L8)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from gateway.interconnection.carriers import CarrierKind, Ocn
from gateway.interconnection.denial_of_service import State, Step, StepKind
from gateway.operations.configuration import Configuration
from gateway.operations.control_plane import SELF, Order, StepRefused
from gateway.policy.detectors.detector import Subject, SubjectKind
from gateway.policy.response_plan import Proposal, ResponsePlan
from gateway.policy.watch import Alert, Alerts
from gateway.records.call_rows import mask_text
from gateway.records.database import DatabaseFileError
from gateway.records.journal import Kind, NewEntry, OperatorJournal
from gateway.transport.clock import Clock
from gateway.wiring.call_watch import CallWatch
from gateway.wiring.declines import Declines
from gateway.wiring.engine import Policy
from gateway.wiring.evidence import alert_status
from gateway.wiring.recommendations import Recommendations, Wanted
from gateway.wiring.status import timestamp
from gateway.wiring.steps import Evidence

LOG = logging.getLogger("tollgate")

_KEPT: Final = frozenset({SubjectKind.PROVIDER, SubjectKind.TRUNK_GROUP, SubjectKind.PARTNER})
"""Kinds of subjects whose alerts go into the journal, where the configuration names the subject: who spoofs numbers
raises alerts on any carrier of LERG, and must not fill what is never deleted."""
KEEP_AGAIN_US: Final = 600_000_000
"""An alert that was in the journal is there again after this at the earliest, however often it comes and goes."""

TakeStep = Callable[[Order, Evidence | None], Awaitable[dict[str, Any]]]
TakeEvidence = Callable[[Order, Sequence[Alert]], Awaitable[Evidence | None]]


class Responses:
    """Looks at the watch, and acts on it. Belongs to the gateway's loop; one look at a time."""

    def __init__(
        self,
        configuration: Configuration,
        policy: Policy,
        journal: OperatorJournal,
        clock: Clock,
        calls: CallWatch,
        recommendations: Recommendations,
        declines: Declines,
        take_step: TakeStep,
        take_evidence: TakeEvidence,
    ) -> None:
        """`take_step` raises `StepRefused`; `take_evidence` raises nothing."""
        settings = configuration.denial_of_service
        self._settings: Final = settings
        self._mask: Final = configuration.mask_numbers
        self._policy: Final = policy
        self._providers: Final = tuple(one.ocn for one in configuration.carriers if one.kind is CarrierKind.PROVIDER)
        self._plan: Final = ResponsePlan(settings.response, configuration.carriers, configuration.emergency_trunk_group)
        self._journal: Final = journal
        self._clock: Final = clock
        self._calls: Final = calls
        self._recommendations: Final = recommendations
        self._declines: Final = declines
        self._take_step: Final = take_step
        self._take_evidence: Final = take_evidence
        self._named: Final = frozenset(
            [*(str(one.ocn) for one in configuration.carriers), *(group.name for group in configuration.trunk_groups)]
        )
        self._kept_us: Final[dict[tuple[str, Subject, str | None], int]] = {}
        """When an alert went into the journal last. Bounded by what the configuration names."""
        self._kept: Final[set[int]] = set()
        """Numbers of the alerts that are up and are in the journal, so that their end will be too."""
        self._refused: dict[Wanted, str] = {}
        """Steps that are called for and could not be taken, and why: said once, and tried again without evidence."""
        self._not_cleared: Final[dict[Ocn, str]] = {}
        """Providers whose removal was observed and could not be taken down, and why, which is said once."""
        self._advice: dict[int, str] = {}

    async def look(self) -> None:
        """Ask the detectors, and do what follows."""
        at_us = self._clock.now_us()
        alerts = self._calls.watch.due(at_us)
        self._declines.look(self._calls.watch.active, at_us)
        await self._tell(alerts)
        watch, standings = self._calls.watch, self._policy.standings
        response = self._plan.respond(watch.active, standings.standing_of, watch.quiet_since, at_us)
        self._advice = {advice.alert.number: advice.text for advice in response.advice}
        for proposal in response.proposals:
            await self._follow(proposal)
        wanted = frozenset(_wanted(proposal) for proposal in response.proposals)
        self._recommendations.called_for(wanted, at_us)
        self._refused = {step: why for step, why in self._refused.items() if step in wanted}
        for ocn in self._providers:
            await self._clear(ocn)

    def advice_on(self, alert: Alert) -> str | None:
        """What the operator can do about an alert that no step follows from; None about any other."""
        return self._advice.get(alert.number)

    # -- alerts -------------------------------------------------------------------------------------------------------

    async def _tell(self, alerts: Alerts) -> None:
        for alert in (*alerts.raised, *alerts.cleared):
            detection = alert.detection
            said = alert_status(alert, mask=self._mask)
            name, what = said["subject"]["name"], _what_of(alert, said["text"])
            level = logging.WARNING if alert.cleared_us is None else logging.INFO
            LOG.log(
                level,
                "alert %d (%s, %s) on %s %s %s",
                *(alert.number, detection.detector, alert.clause, detection.subject.kind.value, name, what),
            )
            if self._is_to_be_kept(alert):
                # Beside the loop: a flood raises several at a time, and each waits for the disk.
                await asyncio.to_thread(self._keep, alert, said, what)

    def _is_to_be_kept(self, alert: Alert) -> bool:
        """Whether an alert, or its end, goes into the journal."""
        if alert.cleared_us is not None:
            if alert.number not in self._kept:
                return False
            self._kept.remove(alert.number)
            return True
        detection, subject = alert.detection, alert.detection.subject
        if subject.kind not in _KEPT or subject.name not in self._named:
            return False
        last_us = self._kept_us.get(detection.key)
        if last_us is not None and alert.raised_us - last_us < KEEP_AGAIN_US:
            return False
        self._kept_us[detection.key] = alert.raised_us
        self._kept.add(alert.number)
        return True

    def _keep(self, alert: Alert, said: dict[str, Any], what: str) -> None:
        at_us = alert.cleared_us if alert.cleared_us is not None else alert.raised_us
        why = f"{alert.detection.detector} {what}"
        subject = alert.provider or alert.detection.subject.name
        try:
            self._journal.append(NewEntry(at_us, Kind.ALERT, subject, said, SELF, why))
        except DatabaseFileError as error:
            LOG.error("alert %d is not in the journal: %s", alert.number, error)

    # -- what follows -------------------------------------------------------------------------------------------------

    async def _follow(self, proposal: Proposal) -> None:
        """Take a step where the configuration says so, else recommend it once."""
        wanted = _wanted(proposal)
        waiting = self._recommendations.of(wanted)
        automatic = self._is_automatic(proposal)
        if self._is_declined(proposal) or (waiting is not None and not automatic):
            return
        order = Order(
            proposal.kind,
            proposal.ocn,
            SELF,
            mask_text(proposal.why) if self._mask else proposal.why,
            scope=proposal.scope,
            approves=waiting.sequence if waiting is not None else None,
        )
        evidence: Evidence | None = waiting.evidence if waiting is not None else None
        if wanted not in self._refused:
            evidence = await self._take_evidence(order, proposal.alerts)
        try:
            if self._is_declined(proposal):  # while the evidence was written
                return
            if automatic:
                await self._take_step(order, evidence)
            else:
                self._recommend(order, proposal.alerts, evidence)
        except (StepRefused, DatabaseFileError) as error:
            if self._refused.get(wanted) != str(error):
                LOG.error("%s of OCN %s is called for and not taken: %s", proposal.kind.value, proposal.ocn, error)
            self._refused[wanted] = str(error)

    def _is_declined(self, proposal: Proposal) -> bool:
        return self._declines.covers(proposal.kind, proposal.ocn, proposal.alerts)

    def _is_automatic(self, proposal: Proposal) -> bool:
        """Whether the gateway takes a step by itself: none that a person has declined while the same provider goes on,
        and it lifts no throttle of an operator that it had not asked for.
        """
        if proposal.kind not in self._settings.automatic or self._declines.holds(proposal.kind, proposal.ocn):
            return False
        if proposal.kind is not StepKind.RELEASE:
            return True
        last = self._policy.standings.trail(proposal.ocn)[-1]
        return last.who == SELF or last.approves is not None

    def _recommend(self, order: Order, alerts: Sequence[Alert], evidence: Evidence | None) -> None:
        step = Step(self._clock.now_us(), order.ocn, order.kind, SELF, order.why, scope=order.scope)
        if self._policy.standings.objection_to(step, {}) is None:  # the operator may have acted in the meantime
            self._recommendations.recommend(step, [alert_status(each, mask=self._mask) for each in alerts], evidence)

    async def _clear(self, ocn: Ocn) -> None:
        """Whether the gateway has seen that a provider's traffic is gone, which its partner attests."""
        at_us = self._clock.now_us()
        standing = self._policy.standings.standing_of(ocn, at_us)
        if standing.state is not State.DISCONTINUED:
            return
        if self._policy.limiter.in_progress(ocn):
            self._calls.still_up(ocn, at_us)
        quiet_since_us = max(standing.since_us, self._calls.seen_us(ocn))
        if standing.attested_us is None or at_us - quiet_since_us < self._settings.clear_s * 1_000_000:
            return
        why = f"none of its traffic was seen since {timestamp(quiet_since_us)}, for {self._settings.clear_s} s"
        try:
            await self._take_step(Order(StepKind.CLEAR, ocn, SELF, why), None)
        except StepRefused as error:
            if self._not_cleared.get(ocn) != str(error):
                LOG.error("OCN %s is seen to be remediated, which is not taken down: %s", ocn, error)
            self._not_cleared[ocn] = str(error)
        else:
            self._not_cleared.pop(ocn, None)


def _what_of(alert: Alert, text: str) -> str:
    """What has become of an alert. Of one that is over the figures are those of when it was seen last."""
    return f"is raised: {text}" if alert.cleared_us is None else f"is cleared (at its last: {text})"


def _wanted(proposal: Proposal) -> Wanted:
    return Wanted(proposal.kind, proposal.ocn, proposal.scope)
