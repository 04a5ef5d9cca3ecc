"""What a running gateway does about denial of service: it watches, says what it sees, takes the steps that it may take,
and sees every step through (L8).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

from gateway.interconnection.denial_of_service import StandingBook, State, Step, StepKind
from gateway.interconnection.notices import Delivery, DeliveryState, NoticeMaker
from gateway.operations.configuration import Configuration
from gateway.operations.control_plane import Order
from gateway.operations.denial_of_service_readings import DenialOfServiceFigures
from gateway.operations.notice_delivery import Channel, FolderChannel, NoticeDelivery, WebhookChannel
from gateway.policy.detectors.contracts import Contracts
from gateway.policy.detectors.settings import all_detectors
from gateway.policy.enforcement import at_odds
from gateway.policy.watch import Alert, Watch
from gateway.records.journal import JOURNAL_FILE, Entry, OperatorJournal
from gateway.records.outbox import Outbox
from gateway.signalling.call import Call, Wanted
from gateway.transport.clock import Clock
from gateway.transport.flight_recorder import FlightRecorder
from gateway.wiring.call_watch import CallWatch
from gateway.wiring.declines import AGAINST, Declines
from gateway.wiring.evidence import EvidenceTaker, alert_status
from gateway.wiring.forced_release import CAUSE, Drains, Refusal
from gateway.wiring.journal_check import JournalCheck
from gateway.wiring.recommendations import Recommendations, recommendation_status
from gateway.wiring.responses import Responses
from gateway.wiring.ss7 import step_status
from gateway.wiring.status import standing_text, timestamp
from gateway.wiring.steps import Evidence, OperatorSteps

if TYPE_CHECKING:
    from gateway.wiring.live import Gateway

LOG = logging.getLogger("tollgate")

LOOK_S: Final = 1.0
"""How often the detectors are asked."""
MOST_AHEAD_US: Final = 5_000_000
"""By which the gateway's clock may differ from the machine's before that is said."""
_ENDING_CALLS: Final = frozenset({StepKind.DISCONTINUE, StepKind.CUTOVER})
"""Steps after which calls that are up need not stay up."""
_LETTING_THROUGH: Final = frozenset({State.NORMAL, State.THROTTLED})
"""States in which no call need end: the step that was to end some was undone."""


def call_watch_of(configuration: Configuration, standings: StandingBook, clock: Clock) -> CallWatch:
    """What observes the calls of a gateway for its detectors."""
    now_us = clock.now_us()
    contracts = Contracts(configuration.carriers, configuration.trunk_groups, standings)
    detectors = all_detectors(configuration.detectors, contracts)
    watch = Watch(detectors, now_us, configuration.detectors.clear_after_s)
    return CallWatch(watch, now_us, [group.name for group in configuration.trunk_groups])


class Defence:
    """Made with a gateway, started and stopped with it."""

    def __init__(self, gateway: Gateway, journal: OperatorJournal, calls: CallWatch, flight: FlightRecorder) -> None:
        """Raises `DatabaseFileError` where the journal cannot be read."""
        configuration, policy, clock = gateway.configuration, gateway.policy, gateway.clock
        settings = configuration.denial_of_service
        self.calls: Final = calls
        self.recommendations: Final = Recommendations(journal, settings.decide_within_s, clock.now_us())
        self.declines: Final = Declines(
            journal, settings.response.release_after_s, clock.now_us(), mask=configuration.mask_numbers
        )
        self._gateway: Final = gateway
        self._evidence: Final = EvidenceTaker(configuration, journal, flight)
        self._drains: Final = Drains(policy, self._end_calls)
        self._journal: Final = journal
        self._channels: Final = _channels(configuration)
        notices = NoticeMaker(
            configuration.carriers,
            configuration.notices.account_managers,
            tuple(channel.name for channel in self._channels),
        )
        self.outbox: Final = Outbox(journal)
        self._delivery: Final = NoticeDelivery(self.outbox, self._channels, clock.now_us)
        self.steps: Final = OperatorSteps(
            configuration, policy, journal, clock, notices, self.recommendations, self.declines, self
        )
        self.responses: Final = Responses(
            configuration,
            policy,
            journal,
            clock,
            calls,
            self.recommendations,
            self.declines,
            self.steps.take,
            self.evidence,
        )
        self.journal_check: Final = JournalCheck(configuration.state_folder / JOURNAL_FILE)
        self._tasks: Final[list[asyncio.Task[None]]] = []

    def start(self) -> None:
        """Look, and deliver, from now on, in the running loop."""
        for warning in self.at_odds():
            LOG.error("%s", warning)
        self._say_who_is_not_normal()
        self._delivery.start()
        self._tasks.extend(map(asyncio.create_task, (self._look(), self.journal_check.look())))

    def _say_who_is_not_normal(self) -> None:
        """What the journal has in force: whoever reads the log of a restart need not know of it."""
        gateway = self._gateway
        for ocn in gateway.providers:
            standing = gateway.policy.standings.standing_of(ocn, gateway.clock.now_us())
            if standing.state is not State.NORMAL:
                LOG.warning("by the journal OCN %s is %s", ocn, standing_text(standing))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._delivery.stop()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception:  # whatever it is, the watch goes on
                LOG.exception("the detectors were not asked")

    async def look(self) -> None:
        """What is done once a second."""
        self._end_due()
        at_us = self._gateway.clock.now_us()
        proxy = self._gateway.proxy
        self.calls.shed(proxy.take_shed(), at_us)
        for host, count in proxy.take_unwelcome():
            self.calls.watch.stranger(host, count, at_us)
        await self.responses.look()

    def at_odds(self) -> list[str]:
        """What the journal says, and configuration or clock of this machine do not bear out."""
        gateway = self._gateway
        configuration, clock = gateway.configuration, gateway.clock
        said = list(
            at_odds(gateway.policy.standings, configuration.carriers, configuration.trunk_groups, clock.now_us())
        )
        if clock.ahead_us > MOST_AHEAD_US:
            said.append(
                f"the gateway's clock is {clock.ahead_us // 1_000_000} s ahead of this machine's: the journal has an "
                "entry of a time that is still to come, and no step goes back behind it; set the machine's clock right"
            )
        return said

    # -- what is said of it --------------------------------------------------------------------------------------------

    def status(self, at_us: int) -> dict[str, Any]:
        """Alerts, what can be done about them, and what waits for an operator."""
        configuration = self._gateway.configuration
        mask = configuration.mask_numbers
        return {
            "automatic": sorted(kind.value for kind in configuration.denial_of_service.automatic),
            "alerts": [
                alert_status(alert, mask=mask)
                | {"advice": self.responses.advice_on(alert), "declined": self.declines.status_of(alert)}
                for alert in self.calls.watch.active
            ],
            "recommendations": [recommendation_status(entry, at_us) for entry in self.recommendations.open],
            "drains": [
                {"ocn": step.ocn, "step": step.kind.value, "calls_end": timestamp(due_us)}
                for due_us, step in self._drains.waiting()
                if self._gateway.policy.standings.standing_of(step.ocn, at_us).state not in _LETTING_THROUGH
            ],
        }

    def notices_status(self) -> dict[str, Any]:
        """How many deliveries of notices there are in each state, and those that are not through."""
        counts = dict.fromkeys((state.value for state in DeliveryState), 0)
        for (_, state), count in self._deliveries().items():
            counts[state.value] += count
        return counts | {"not_delivered": [_delivery_status(delivery) for delivery in self.outbox.deliveries()]}

    def figures(self) -> DenialOfServiceFigures:
        """What a scrape reads."""
        gateway, now = self._gateway, self._gateway.clock.now_us()
        active = Counter(alert.detection.detector for alert in self.calls.watch.active)
        return DenialOfServiceFigures(
            states={ocn: gateway.policy.standings.standing_of(ocn, now).state for ocn in gateway.providers},
            alerts={detector.name: active[detector.name] for detector in self.calls.watch.detectors},
            waiting=len(self.recommendations.open),
            overdue=self.recommendations.overdue(now),
            deliveries={(channel, state.value): count for (channel, state), count in self._deliveries().items()},
            journal_entries=self._journal.head().sequence,
            journal_faults=len(self.journal_check.faults),
            shed_calls=self.calls.shed_calls,
            shed_messages=gateway.proxy.counters.shed,
            socket_drops=gateway.socket_drops,
        )

    def _deliveries(self) -> dict[tuple[str, DeliveryState], int]:
        """Deliveries of notices, by channel and state; those of channels that are no longer configured as well."""
        none = {(channel.name, state): 0 for channel in self._channels for state in DeliveryState}
        return none | self.outbox.counts()

    # -- what steps bring about (`gateway.wiring.steps.StepEffects`) ---------------------------------------------------

    async def evidence(self, order: Order, alerts: Sequence[Alert] | None = None) -> Evidence | None:
        """What speaks for a step; None where nothing need, or it cannot be kept.

        Of one that follows a recommendation, what was seen since; where that is nothing, what was seen then.
        """
        if order.kind not in AGAINST:
            return None
        if alerts is None:
            alerts = [alert for alert in self.calls.watch.active if alert.provider == order.ocn]
        recommended = next((each for each in self.recommendations.open if each.sequence == order.approves), None)
        if recommended is not None and not alerts:
            return recommended.evidence
        at_us = self._gateway.clock.now_us()
        taken = await self._evidence.take(
            order.ocn, order.kind.value, alerts, self._hosts(order), at_us, recommended=recommended
        )
        return taken if taken is not None or recommended is None else recommended.evidence

    def _hosts(self, order: Order) -> Collection[str]:
        """IP addresses of the far ends of the provider's partner's trunk groups."""
        gateway = self._gateway
        carrier = gateway.configuration.carriers.get(order.ocn)
        hosts: set[str] = set()
        links = {link.name: link.address[0] for link in gateway.configuration.links}
        for name, state in gateway.proxy.members.groups.items():
            group = state.trunk_group
            if carrier is None or group.carrier != carrier.partner:
                continue
            hosts.update(member.hop.host for member in gateway.proxy.members.groups[name].members)
            if group.circuits is not None:
                hosts.update(links[link] for link in group.circuits.links if link in links)
        return hosts

    def calls_concerned(self, step: Step) -> int:
        """Calls that are up, or being set up, and that a step which is not in force yet would not let through: those
        that would be ended if that were at once.
        """
        if step.kind not in _ENDING_CALLS:
            return 0
        refusal = Refusal(self._gateway.policy, step.ocn, step.at_us, step)
        concerned: list[Call] = []

        def note(call: Call, _at_us: int) -> bool:
            if refusal.concerns(call):
                concerned.append(call)
            return False  # none is ended yet

        self._end_calls(note, CAUSE, "", step.at_us)
        return len(concerned)

    def steps_changed(self, at_us: int) -> None:
        """A step is in force that may block circuits, or open them."""
        self._gateway.steps_changed(at_us)

    def step_taken(self, step: Step, entry: Entry) -> None:
        """A step about a provider is in force."""
        if step.approves is not None:
            self.recommendations.answered(step.approves)
        self.recommendations.overtaken(step, entry)
        self._drains.begin(step, self._gateway.clock.now_us())
        if step.drain_s:
            asyncio.get_running_loop().call_later(step.drain_s, self._end_due)
        self._delivery.wake()

    def at_exchange(self, trunk_group: str) -> dict[str, Any]:
        """How far a step has come at the exchange of a trunk group; nothing of one without circuits."""
        point = self._gateway.point
        if point is None or trunk_group not in point.exchange.tables:
            return {}
        return step_status(point.exchange.tables[trunk_group], point.exchange.unacknowledged(trunk_group))

    def _end_due(self) -> None:
        self._drains.end_due(self._gateway.clock.now_us())

    def _end_calls(self, wanted: Wanted, cause: int, text: str, at_us: int) -> None:
        gateway = self._gateway
        gateway.transport.act((gateway.point or gateway.proxy).end_calls(wanted, cause, text, at_us), at_us)


def _delivery_status(delivery: Delivery) -> dict[str, Any]:
    notice = delivery.notice
    return {
        "notice": notice.id,
        "recipient": notice.recipient,
        "subject": notice.subject,
        "channel": delivery.channel,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "next": timestamp(delivery.next_at_us) if delivery.next_at_us else None,
        "reason": delivery.reason or None,
    }


def _channels(configuration: Configuration) -> list[Channel]:
    notices = configuration.notices
    channels: list[Channel] = [FolderChannel(notices.folder)]
    if notices.webhook is not None:
        channels.append(WebhookChannel(notices.webhook))
    return channels
