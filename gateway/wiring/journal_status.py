"""Steps and entries of the journal, as the operations API says them."""

from __future__ import annotations

from typing import Any

from gateway.interconnection.denial_of_service import Step
from gateway.records.journal import Entry
from gateway.wiring.status import timestamp


def taken_status(step: Step) -> dict[str, Any]:
    """A step, as it was asked for."""
    return {
        "at": timestamp(step.at_us),
        "step": step.kind.value,
        "ocn": step.ocn,
        "scope": step.scope.value if step.scope is not None else None,
        "trunk_group": step.trunk_group,
        "drain_seconds": step.drain_s,
        "approves": step.approves,
        "who": step.who,
        "why": step.why,
    }


def entry_status(entry: Entry) -> dict[str, Any]:
    """An entry as it stands in the journal."""
    return {
        "entry": entry.sequence,
        "at": timestamp(entry.at_us),
        "kind": entry.kind,
        "subject": entry.subject,
        "body": entry.body,
        "who": entry.who,
        "why": entry.why,
        "key": entry.key,
        "hash": entry.hash,
    }
