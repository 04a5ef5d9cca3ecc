"""The table of the attacks, a block for each: what was sent and found, what held it, and what the innocent saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any, Final

from sim.attacks.attack import Found
from sim.attacks.bystanders import Share
from sim.attacks.play import AttackResult
from sim.attacks.witness import alert_of
from sim.results_table import AGREES, DIFFERS, GAP, LEAST, Line

WIDEST: Final = 120
"""Columns that the table fits in, however wide the terminal is."""
_INDENT: Final = " " * (len(DIFFERS) + len(GAP))
_LABELLED: Final = 10
"""Columns of a label and what follows it."""
_LEGEND: Final = (
    ("sent", "messages of the attack; how many of them each level refused or dropped (gate: unread)"),
    ("found", "detector and subject: the figure at its worst, the threshold beside it, and the step that follows"),
    ("innocent", "calls of another provider on the same gateway meanwhile, and the slowest set-up; calls to 911"),
)


def attack_table(results: Sequence[AttackResult], columns: int | None) -> list[Line]:
    """Heading and a block for each attack, folded to so many columns and never wider than `WIDEST`; None: that wide."""
    columns = min(columns or WIDEST, WIDEST)
    lines = [Line(f"{_INDENT}attack")]
    for label, text in _LEGEND:
        lines += map(Line, _labelled(label, text, columns))
    lines.append(Line("-" * columns))
    for result in results:
        mark = (AGREES if result.agrees else DIFFERS).ljust(len(_INDENT))
        block = wrap(mark + result.attack.title, columns, subsequent_indent=_INDENT)
        for label, text in _block(result):
            block += _labelled(label, text, columns)
        lines += [Line(text, not result.agrees) for text in block]
    return lines


def _labelled(label: str, text: str, columns: int) -> list[str]:
    """A label, and beside it its text in as many lines as it needs."""
    start = _INDENT + label.ljust(_LABELLED)
    width = max(columns, len(start) + LEAST)
    return wrap(text, width, initial_indent=start, subsequent_indent=" " * len(start))


def _block(result: AttackResult) -> Iterator[tuple[str, str]]:
    """What came of an attack, each with its label; what didn't come as expected stands last."""
    report, innocent, emergency = result.report, result.innocent, result.emergency
    held = ", ".join(f"{holds.value} {count}" for holds, count in result.held.most_common())
    yield (
        "sent",
        f"{report.sent} ({result.attack.kind.value}) in {report.sending_s:.1f} s; held by: {held or 'nothing'}",
    )
    for found in result.attack.found:
        yield "found", _found(found, result)
    yield (
        "innocent",
        f"{innocent.answered} of {innocent.tried} answered, slowest set-up {1000 * innocent.slowest_s:.0f} ms; "
        f"911: {emergency.answered} of {emergency.tried} answered",
    )
    for why in result.why:
        yield "why", why


def _found(found: Found, result: AttackResult) -> str:
    alert = alert_of(found, result.alerts)
    if alert is None:
        return f"{found.detector} of {found.subject} expected, not raised"
    figures = {name: value for name, value in alert.figures.items() if name != "threshold"}
    name, value = next(iter(figures.items()), ("", 0.0))
    said = f"{found.detector} of {found.subject}: {name} {value:g}, threshold {alert.figures.get('threshold', 0):g}"
    if found.step is None:
        return said
    return f"{said}; {'takes' if found.step in result.attack.automatic else 'recommends'}: {found.step}"


def attack_lines(results: Sequence[AttackResult]) -> Iterator[str]:
    """How many came as expected; for a person."""
    agreeing = sum(result.agrees for result in results)
    innocent = [share for result in results for share in (result.innocent, result.emergency)]
    answered, tried = sum(share.answered for share in innocent), sum(share.tried for share in innocent)
    yield f"{agreeing} of {len(results)} attacks came out as expected"
    yield f"in their midst {answered} of {tried} innocent and emergency calls were answered"


def attack_documents(results: Sequence[AttackResult]) -> list[dict[str, Any]]:
    """For machines."""
    return [_document(result) for result in results]


def _document(result: AttackResult) -> dict[str, Any]:
    attack, report = result.attack, result.report
    entry: dict[str, Any] = {
        "name": attack.title,
        "sent": report.sent,
        "statuses": dict(sorted(report.statuses.items())),
        "expected": [_expected(found) for found in attack.found],
        "detections": [alert._asdict() | {"figures": dict(alert.figures)} for alert in result.alerts],
        "recommended": [one._asdict() for one in result.recommended],
        "held_by": {holds.value: count for holds, count in result.held.most_common()},
        "innocent": _share(result.innocent),
        "emergency": _share(result.emergency),
        "agrees": result.agrees,
    }
    if result.why:
        entry["why"] = list(result.why)
    return entry


def _expected(found: Found) -> dict[str, str | None]:
    return {"detector": found.detector, "subject": found.subject, "step": found.step}


def _share(share: Share) -> dict[str, float]:
    return {"tried": share.tried, "answered": share.answered, "slowest_ms": round(1000 * share.slowest_s, 1)}
