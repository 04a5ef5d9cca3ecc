"""The table of the attacks: what was found, what held them, and what the innocent saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sim.attacks.attack import Found
from sim.attacks.bystanders import Share
from sim.attacks.play import AttackResult
from sim.attacks.witness import AlertSeen
from sim.results_table import AGREES, DIFFERS, GAP, LEAST, Line, cells

_HEADING: Final = ("", "attack", "found", "held by", "innocent calls", "911")
_FOLDED: Final = (1, 2, 3)
"""Columns that give way where the terminal is narrow."""


def attack_table(results: Sequence[AttackResult], columns: int | None) -> list[Line]:
    """Heading and rows for so many columns, folded where there is less room; None: no edge."""
    rows = [_row(result) for result in results]
    widths = [max(map(len, texts)) for texts in zip(_HEADING, *rows, strict=True)]
    if columns is not None:
        widths = _narrowed(widths, columns)
    lines = [Line(text) for text in cells(_HEADING, widths)]
    lines.append(Line("-" * (sum(widths) + len(GAP) * (len(widths) - 1))))
    for row in rows:
        lines += [Line(text, row[0] == DIFFERS) for text in cells(row, widths)]
    return lines


def _narrowed(widths: list[int], columns: int) -> list[int]:
    """The widest of the columns that may be folded gives way, a character at a time."""
    widths = list(widths)
    while sum(widths) + len(GAP) * (len(widths) - 1) > columns:
        widest = max(_FOLDED, key=lambda column: widths[column])
        if widths[widest] <= LEAST:
            break
        widths[widest] -= 1
    return widths


def _row(result: AttackResult) -> tuple[str, ...]:
    return (
        AGREES if result.agrees else DIFFERS,
        result.attack.title,
        "; ".join(_found(found, result) for found in result.attack.found) or "no detector is for it",
        ", ".join(f"{holds.value} {count}" for holds, count in result.held.most_common()) or "nothing, by agreement",
        f"{result.innocent.answered} of {result.innocent.tried}, {1000 * result.innocent.slowest_s:.0f} ms",
        f"{result.emergency.answered} of {result.emergency.tried}",
    )


def _found(found: Found, result: AttackResult) -> str:
    alert = _alert(found, result.alerts)
    if alert is None:
        return f"{found.detector} expected, not raised"
    figures = list(alert.figures.items())
    name, value = figures[0] if figures else ("", 0.0)
    said = f"{found.detector} of {found.subject}: {name} {value:g}, threshold {alert.figures.get('threshold', 0):g}"
    if found.step is None:
        return said
    return f"{said}; {'takes' if found.step in result.attack.automatic else 'recommends'}: {found.step}"


def _alert(found: Found, alerts: Sequence[AlertSeen]) -> AlertSeen | None:
    return next((one for one in alerts if (one.detector, one.subject) == (found.detector, found.subject)), None)


def attack_lines(results: Sequence[AttackResult]) -> Iterator[str]:
    """What differs, and how many came as expected; for a person."""
    for result in results:
        yield from (f"{result.attack.title}: {why}" for why in result.why)
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
