"""The steps that the gateway recommends, and that wait for an operator's answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Scope, Step, StepKind
from gateway.operations.control_plane import SELF
from gateway.records.database import DatabaseFileError
from gateway.records.journal import Entry, OperatorJournal, step_of
from gateway.wiring.status import timestamp

LOG = logging.getLogger("tollgate")

WITHDRAW_AFTER_US: Final = 60_000_000
"""A recommendation that nothing has called for so long is withdrawn. Detectors need some seconds after a restart."""


class Wanted(NamedTuple):
    """What a recommendation is about."""

    kind: StepKind
    ocn: Ocn
    scope: Scope | None

    @classmethod
    def of(cls, step: Step) -> Wanted:
        return cls(step.kind, step.ocn, step.scope)


class Recommendations:
    """Those that are open, as the journal has them."""

    def __init__(self, journal: OperatorJournal, decide_within_s: int, began_us: int) -> None:
        """Raises `DatabaseFileError` where the journal cannot be read."""
        self._journal: Final = journal
        self._decide_within_us: Final = decide_within_s * 1_000_000
        self._open: Final = {entry.sequence: entry for entry in journal.open_recommendations()}
        self._called_for: Final = dict.fromkeys(self._open, began_us)
        """When each was last called for."""
        self._said_overdue: Final[set[int]] = set()

    @property
    def open(self) -> tuple[Entry, ...]:
        """Those that wait, oldest first."""
        return tuple(self._open.values())

    def overdue(self, at_us: int) -> int:
        """How many have waited for longer than an operator is given."""
        return sum(decide_by_us(entry) < at_us for entry in self._open.values())

    def of(self, wanted: Wanted) -> Entry | None:
        """The open recommendation of a step; None where there is none."""
        return next((entry for entry in self._open.values() if Wanted.of(step_of(entry)) == wanted), None)

    def recommend(self, step: Step, detections: list[dict[str, Any]], evidence: Mapping[str, Any] | None) -> Entry:
        """Put a recommendation before the operator. Raises `DatabaseFileError`."""
        decide_by = step.at_us + self._decide_within_us
        entry = self._journal.append_recommendation(
            step, decide_by_us=decide_by, detections=detections, evidence=evidence
        )
        self._open[entry.sequence] = entry
        self._called_for[entry.sequence] = step.at_us
        LOG.warning(
            "recommendation %d: %s OCN %s: %s; decide by %s (tollgate approve %d, or dismiss)",
            *(entry.sequence, step.kind.value, step.ocn, step.why, timestamp(decide_by), entry.sequence),
        )
        return entry

    def answered(self, number: int) -> None:
        """The step of a recommendation was taken, or is not wanted."""
        self._forget(number)

    def overtaken(self, step: Step, entry: Entry) -> None:
        """A step about a provider is in force: what was recommended about it before is withdrawn."""
        for each in self.open:
            if each.subject == step.ocn and each.sequence != step.approves:
                self._withdraw(each, f"overtaken by entry {entry.sequence}: {step.kind.value}", step.at_us)

    def called_for(self, wanted: frozenset[Wanted], at_us: int) -> None:
        """These steps are called for now. What has not been called for in a long time is withdrawn."""
        for entry in self.open:
            if Wanted.of(step_of(entry)) in wanted:
                self._called_for[entry.sequence] = at_us
            elif at_us - self._called_for[entry.sequence] >= WITHDRAW_AFTER_US:
                since = timestamp(self._called_for[entry.sequence])
                self._withdraw(entry, f"nothing has called for it since {since}", at_us)
        for entry in self.open:
            if decide_by_us(entry) < at_us and entry.sequence not in self._said_overdue:
                self._said_overdue.add(entry.sequence)
                LOG.error("recommendation %d about OCN %s is overdue", entry.sequence, entry.subject)

    def _withdraw(self, entry: Entry, why: str, at_us: int) -> None:
        try:
            self._journal.append_dismissal(entry, at_us, SELF, why)
        except DatabaseFileError as error:
            LOG.error("recommendation %d is not withdrawn: %s", entry.sequence, error)
            return
        LOG.info("recommendation %d about OCN %s is withdrawn: %s", entry.sequence, entry.subject, why)
        self._forget(entry.sequence)

    def _forget(self, number: int) -> None:
        self._open.pop(number, None)
        self._called_for.pop(number, None)
        self._said_overdue.discard(number)


def decide_by_us(entry: Entry) -> int:
    """By when a recommendation is to be answered, microseconds since the Unix epoch."""
    at_us: int = entry.body["decide_by_us"]
    return at_us


def recommendation_status(entry: Entry, at_us: int) -> dict[str, Any]:
    """A recommendation, as the operations API says it."""
    step, due_us = step_of(entry), decide_by_us(entry)
    return {
        "number": entry.sequence,
        "at": timestamp(entry.at_us),
        "step": step.kind.value,
        "ocn": step.ocn,
        "scope": step.scope.value if step.scope is not None else None,
        "why": step.why,
        "decide_by": timestamp(due_us),
        "waits_seconds": max(0, at_us - entry.at_us) // 1_000_000,
        "overdue": due_us < at_us,
        "detections": entry.body.get("detections", []),
        "evidence": (entry.evidence or {}).get("id"),
    }
