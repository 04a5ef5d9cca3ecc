"""Whether everybody who saw a call tells the same of it: SIPp on both sides, the gateway, Kamailio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.records.call_rows import CallRecord
from tests.interop.proxies.call_kinds import CallKind, Expected
from tests.interop.proxies.kamailio import Seen
from tests.interop.proxies.sipp import SeenCall
from tests.interop.proxies.tollgate import Figures


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run left."""

    kinds: Mapping[str, CallKind]
    """Call-ID -> kind, of every call that was placed."""
    caller: Mapping[str, SeenCall]
    called: Mapping[str, SeenCall]
    records: list[CallRecord]
    figures: Figures
    front: Seen | None
    behind: Seen | None
    tolerance_s: float
    """By how much the length of a call may differ between SIPp and the record."""
    stray_allowed: bool
    """Whether datagrams that belong to nothing are to be expected: late ones, where the network doubles them."""


def disagreements(evidence: Evidence) -> Iterator[str]:
    """Everything in which they differ, a line each."""
    yield from _call_by_call(evidence)
    yield from _called_side(evidence)
    yield from _over_limit(evidence)
    yield from _metrics(evidence)
    if evidence.front is not None:
        yield from _kamailio("in front", evidence.front, evidence.records, evidence)
    if evidence.behind is not None:
        admitted = [record for record in evidence.records if record.outcome != "REFUSE"]
        yield from _kamailio("behind", evidence.behind, admitted, evidence)


def _call_by_call(evidence: Evidence) -> Iterator[str]:
    by_call_id: dict[str, list[CallRecord]] = {}
    for record in evidence.records:
        by_call_id.setdefault(record.call_id, []).append(record)
    for call_id in by_call_id.keys() - evidence.kinds.keys():
        yield f"{call_id}: recorded, but nobody placed it"
    for call_id, kind in evidence.kinds.items():
        records, seen = by_call_id.get(call_id, []), evidence.caller.get(call_id, SeenCall())
        if len(records) != 1:
            yield f"{call_id} ({kind.name}): {len(records)} records of one call"
            continue
        yield from (f"{call_id} ({kind.name}): {what}" for what in _one_call(kind, records[0], seen, evidence))


def _one_call(kind: CallKind, record: CallRecord, seen: SeenCall, evidence: Evidence) -> Iterator[str]:
    told = Expected(record.outcome, record.final_status or 0, record.ended_by or "")
    if told not in kind.expected:
        yield f"the record says {told}"
    if kind.name != "unanswered" and seen.status != record.final_status:
        yield f"the caller saw {seen.status}, the record says {record.final_status}"
    if (record.answered_at_us is not None) is not told.answered or (seen.answered_ms is not None) is not told.answered:
        yield f"answered: the record says {record.answered_at_us}, the caller {seen.answered_ms}"
    if record.ended_at_us is None or record.ended_at_us < (record.answered_at_us or record.at_us):
        yield f"ended at {record.ended_at_us}, begun at {record.at_us}"
    elif record.answered_at_us is not None and seen.lasted_s is not None:
        lasted_s = (record.ended_at_us - record.answered_at_us) / 1e6
        if abs(lasted_s - seen.lasted_s) > evidence.tolerance_s:
            yield f"lasted {lasted_s:.3f} s by the record, {seen.lasted_s:.3f} s by the caller"


def _called_side(evidence: Evidence) -> Iterator[str]:
    admitted = {record.call_id: record for record in evidence.records if record.outcome != "REFUSE"}
    for call_id in evidence.called.keys() ^ admitted.keys():
        where = "reached the called side, but was not admitted" if call_id in evidence.called else "never reached it"
        yield f"{call_id}: {where}"
    for call_id in evidence.called.keys() & admitted.keys():
        given, told = evidence.called[call_id].status, admitted[call_id].final_status
        if given != told and evidence.kinds[call_id].name != "unanswered":
            yield f"{call_id}: the called side answered {given}, the record says {told}"


def _over_limit(evidence: Evidence) -> Iterator[str]:
    """Where either may become of a call, how many of each is known."""
    limited = {call_id for call_id, kind in evidence.kinds.items() if len(kind.expected) > 1}
    admitted = sum(record.call_id in limited and record.outcome == "ADMIT" for record in evidence.records)
    if 2 * admitted != len(limited):
        yield f"{admitted} of {len(limited)} calls of the limited provider passed, not half of them"


def _metrics(evidence: Evidence) -> Iterator[str]:
    figures, records = evidence.figures, evidence.records
    for what, counted, told in (
        ("outcomes", figures.outcomes, Counter(record.outcome for record in records)),
        ("ends", figures.ended_by, Counter(record.ended_by for record in records)),
        ("refusals", figures.refusals, sum(record.outcome == "REFUSE" for record in records)),
    ):
        if counted != told:
            yield f"{what}: the metrics say {counted}, the records {told}"
    for name, value in figures.others.items():
        if name != "tollgate_datagrams_dropped" or not evidence.stray_allowed:
            yield f"{name} is {value} when all is over"


def _kamailio(where: str, seen: Seen, records: list[CallRecord], evidence: Evidence) -> Iterator[str]:
    for record in records:
        kind = evidence.kinds[record.call_id].name if record.call_id in evidence.kinds else "unknown"
        wanted = ["start", "end"] if record.answered_at_us is not None else ["failed"]
        told = seen.dialogs.get(record.call_id, [])
        # A dialog that fails by a timer is counted, but Kamailio has no message at hand for which to raise the event.
        if told != wanted and (told or kind != "unanswered"):
            yield f"{record.call_id} ({kind}): Kamailio {where} tells {told} of its dialog, not {wanted}"
    failed = sum(record.answered_at_us is None for record in records)
    for name, value in (
        ("dialog:processed_dialogs", len(records)),
        ("dialog:failed_dialogs", failed),
        ("dialog:active_dialogs", 0),
        ("dialog:early_dialogs", 0),
        ("dialog:expired_dialogs", 0),
        ("tm:6xx", sum((record.final_status or 0) >= 600 for record in records)),
        ("tm:5xx", sum(500 <= (record.final_status or 0) < 600 for record in records)),
    ):
        if seen.statistics[name] != value:
            yield f"Kamailio {where} counts {name} = {seen.statistics[name]}, the records {value}"
