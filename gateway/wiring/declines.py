"""What people have declined: steps that they took back, or a recommendation of which they dismissed (L8).

What was declined is declined for the alerts about the provider that are up at that moment: of them the step is neither
taken nor recommended again. An alert that is raised later is answered, with a recommendation and nothing else for as
long as any about the provider is up: what a person took back the gateway does not take again by itself while it goes
on. All of it is in the journal, and a gateway that was started anew goes by it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Standing, State, Step, StepKind
from gateway.operations.control_plane import SELF
from gateway.policy.watch import Alert
from gateway.records.database import DatabaseFileError
from gateway.records.journal import Entry, Kind, NewEntry, OperatorJournal
from gateway.wiring.evidence import alert_status
from gateway.wiring.status import timestamp

LOG = logging.getLogger("tollgate")

AGAINST: Final = frozenset({StepKind.THROTTLE, StepKind.DISCONTINUE})
"""Steps against what a provider does."""
MOST_NAMED: Final = 256
"""Alerts that one entry names. Of one provider there are a few; an entry has room for no more than so many."""
_TAKING_BACK: Final = frozenset({StepKind.UNDO, StepKind.RELEASE})
_HELD: Final = frozenset({State.THROTTLED, State.DISCONTINUED})
_LET_THROUGH: Final = frozenset({State.NORMAL, State.THROTTLED})


class SeenAs(NamedTuple):
    """What makes an alert the same one after a restart, when it has another number."""

    detector: str
    kind: str
    name: str
    """Of its subject, as it is shown: masked, where numbers are."""
    trunk_group: str | None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """By what `alert_status` says, or the journal. Raises KeyError and TypeError on anything else."""
        return cls(said["detector"], said["subject"]["kind"], said["subject"]["name"], said["trunk_group"])

    def said(self) -> dict[str, Any]:
        """As the journal keeps it."""
        subject = {"kind": self.kind, "name": self.name}
        return {"detector": self.detector, "subject": subject, "trunk_group": self.trunk_group}


@dataclass(slots=True)
class Declined:
    """What one entry of the journal declines."""

    number: int
    """Of the entry."""
    at_us: int
    who: str
    how: str
    """``undo``, ``release`` or ``dismissal``."""
    ocn: Ocn
    steps: frozenset[StepKind]
    alerts: set[SeenAs]
    """Those that it is declined for, and that are still up."""
    awaited: set[SeenAs]
    """Of these, those that were up before this gateway began, and may come up again."""

    def seen(self, up: set[SeenAs]) -> None:
        """These alerts about the provider are up."""
        self.awaited -= up
        self.alerts &= up | self.awaited


class Declines:
    """What is declined and goes on, as the journal has it."""

    def __init__(self, journal: OperatorJournal, hold_s: float, began_us: int, *, mask: bool) -> None:
        """`hold_s`: for so long after `began_us` what was declined before holds, though nothing is seen yet.

        Raises `DatabaseFileError` where the journal cannot be read.
        """
        self._journal: Final = journal
        self._mask: Final = mask
        self._held_until_us: Final = began_us + round(hold_s * 1_000_000)
        self._alerts: Sequence[Alert] = ()
        self._going_on: Final[dict[int, Declined]] = {}
        """By the number of the entry. Bounded by what people do while the same flood goes on."""
        last = 0
        while page := journal.of_kind(Kind.STEP, Kind.DISMISSAL, Kind.LAPSE, after=last):
            for entry in page:
                self.note(entry)
            last = page[-1].sequence
        for each in self._going_on.values():
            each.awaited |= each.alerts

    # -- what is declined ---------------------------------------------------------------------------------------------

    def by_step(self, step: Step, before: Standing, after: Standing) -> dict[str, Any] | None:
        """What the entry of a step is to say that it declines; None where it declines nothing."""
        if step.who == SELF or step.kind not in _TAKING_BACK:
            return None
        if before.state not in _HELD or after.state not in _LET_THROUGH:
            return None
        return self._said(AGAINST, step.ocn)

    def by_dismissal(self, recommended: Step) -> dict[str, Any] | None:
        """What the entry of a dismissal is to say that it declines; None where it declines nothing."""
        return self._said(frozenset({recommended.kind}), recommended.ocn)

    def _said(self, steps: frozenset[StepKind], ocn: Ocn) -> dict[str, Any] | None:
        alerts = sorted(self._up_about(ocn), key=str)[:MOST_NAMED]
        if not alerts and StepKind.RELEASE not in steps:
            return None
        return {"steps": sorted(step.value for step in steps), "alerts": [alert.said() for alert in alerts]}

    def note(self, entry: Entry) -> None:
        """An entry is in the journal. A person's step about a provider ends what was declined about it before."""
        if entry.kind == Kind.LAPSE:
            for number in _numbers(entry.body.get("lapses")):
                self._going_on.pop(number, None)
        elif entry.kind == Kind.STEP and entry.who != SELF:
            for declined in self._about(Ocn(entry.subject)):
                del self._going_on[declined.number]
        declined_now = _declined_in(entry)
        if declined_now is not None:
            self._going_on[entry.sequence] = declined_now

    # -- what that means ----------------------------------------------------------------------------------------------

    def holds(self, step: StepKind, ocn: Ocn) -> bool:
        """Whether a step is none that the gateway takes by itself now."""
        return any(step in each.steps for each in self._about(ocn))

    def covers(self, step: StepKind, ocn: Ocn, alerts: Iterable[Alert]) -> bool:
        """Whether it is declined for every one of the alerts that call for it."""
        declined = [each for each in self._about(ocn) if step in each.steps]
        named = {alert for each in declined for alert in each.alerts}
        return bool(declined) and named.issuperset(map(self._seen_as, alerts))

    def status_of(self, alert: Alert) -> dict[str, Any] | None:
        """By whom, how and when the step that an alert calls for was declined last; None where it was not."""
        named = self._seen_as(alert)
        of_it = [each for each in self._about(alert.provider) if named in each.alerts]
        if not of_it:
            return None
        last = of_it[-1]
        return {"at": timestamp(last.at_us), "who": last.who, "how": last.how, "entry": last.number}

    # -- how long it lasts --------------------------------------------------------------------------------------------

    def look(self, alerts: Sequence[Alert], at_us: int) -> None:
        """These alerts are up now: what was declined and does not go on is over, and the journal says so."""
        self._alerts = alerts
        over = [each for each in self._going_on.values() if self._is_over(each, at_us)]
        for each in over:
            del self._going_on[each.number]
            why = f"what the {each.how} of {timestamp(each.at_us)} declined is over: another flood is answered anew"
            lapse = NewEntry(at_us, Kind.LAPSE, each.ocn, {"lapses": [each.number]}, SELF, why)
            try:
                self._journal.append(lapse)
            except DatabaseFileError as error:
                LOG.error("that entry %d declines nothing more is not in the journal: %s", each.number, error)

    def _is_over(self, declined: Declined, at_us: int) -> bool:
        up = self._up_about(declined.ocn, declined.alerts)
        if declined.steps == {StepKind.RELEASE}:
            return bool(up)  # it was declined for the quiet before
        if at_us >= self._held_until_us:
            declined.awaited.clear()
        declined.seen(up)
        return not up and not declined.awaited

    def _about(self, ocn: Ocn | None) -> list[Declined]:
        return [each for each in self._going_on.values() if each.ocn == ocn]

    def _up_about(self, ocn: Ocn, named: Collection[SeenAs] = ()) -> set[SeenAs]:
        """The alerts that are up about a provider, or are these: that of a trunk group may be another's for a while."""
        up = ((self._seen_as(alert), alert.provider) for alert in self._alerts)
        return {seen_as for seen_as, provider in up if provider == ocn or seen_as in named}

    def _seen_as(self, alert: Alert) -> SeenAs:
        return SeenAs.of(alert_status(alert, mask=self._mask))


def _declined_in(entry: Entry) -> Declined | None:
    """What an entry declines; None where it declines nothing, or does not say what."""
    said = entry.body.get("declines")
    if said is None or entry.kind not in (Kind.STEP, Kind.DISMISSAL):
        return None
    how = str(entry.body.get("step", "dismissal"))
    try:
        steps = frozenset(StepKind(step) for step in said["steps"])
        alerts = {SeenAs.of(alert) for alert in said["alerts"]}
    except (KeyError, TypeError, ValueError):
        LOG.error("entry %d of the journal does not say what it declines", entry.sequence)
        return None
    return Declined(entry.sequence, entry.at_us, entry.who, how, Ocn(entry.subject), steps, alerts, set())


def _numbers(value: object) -> list[int]:
    return [each for each in value if isinstance(each, int)] if isinstance(value, list) else []
