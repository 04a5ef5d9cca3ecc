"""What detectors would have seen in captures, for people who tune thresholds: each figure beside its threshold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, TextIO

from gateway.capture.detection_result import DetectionResult, RecommendedStep
from gateway.capture.report import timestamp
from gateway.capture.report_page import Page, plain, print_lines, print_list
from gateway.policy.detectors.detector import Detection
from gateway.policy.watch import SECOND_US, Alert

SHOWN_ALERTS: Final = 200
"""Alerts, and steps, of a table; JSON has all."""
_HEADS: Final = ("", "raised (UTC)", "after", "up for", "detector", "subject", "at its worst", "threshold")


def print_table(result: DetectionResult, stream: TextIO | None = None) -> None:
    """Print the report to `stream`, standard output by default: ASCII, as wide as the terminal or as COLUMNS says."""
    page = Page(stream)
    alerts = list(result.alerts.values())[:SHOWN_ALERTS]
    if alerts:
        page.line("What would have been raised", "bold")
        _print_columns(page, [_HEADS, *(_row(alert, result) for alert in alerts)])
        page.line()
        for alert in alerts:
            _print_alert(page, alert, result)
    else:
        _print_nothing(page, result)
        page.line()
    if result.alert_count > len(alerts):
        page.line(f"{result.alert_count - len(alerts)} more alerts are not shown; --json lists more of them")
        page.line()
    if result.steps:
        page.line("What would have been recommended", "bold")
        for step in result.steps[:SHOWN_ALERTS]:
            _print_step(page, step, result)
        if result.step_count > SHOWN_ALERTS:
            page.line(f"  and {result.step_count - SHOWN_ALERTS} more")
        page.line()
    _print_summary(page, result)


def _print_nothing(page: Page, result: DetectionResult) -> None:
    """Why there are no alerts: a capture that shows nothing is not one that shows that nothing is wrong."""
    if result.elsewhere is not None:
        print_lines(page, "", plain(result.elsewhere, 400), "red")
    elif result.unreadable and result.began_us is None:
        page.line("The captures could not be read; whether anything would have been raised is not known.", "red")
    elif result.unreadable or result.incomplete:
        page.line("Not all could be read; by what could be, nothing would have been raised.", "yellow")
    else:
        page.line("Nothing would have been raised.", "green")


def _row(alert: Alert, result: DetectionResult) -> tuple[str, ...]:
    detection, began_us = alert.peak, result.began_us or 0
    until_us = alert.cleared_us if alert.cleared_us is not None else result.ended_us
    still = "" if alert.cleared_us is not None else " (still up)"
    return (
        f"#{alert.number}",
        _clock(alert.raised_us),
        f"+{(alert.raised_us - began_us) / SECOND_US:.0f} s",
        f"{max(until_us - alert.raised_us, 0) / SECOND_US:.0f} s{still}",
        detection.detector,
        plain(str(detection.subject), 48),
        *_measured(detection),
    )


def _measured(detection: Detection) -> tuple[str, str]:
    """What was measured, and the threshold: ``calls_per_s 84.2``, ``20``."""
    (name, value), (_, threshold) = detection.figures[:2]
    return f"{name} {value:g}", f"{threshold:g}"


def _print_columns(page: Page, rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        page.line(line.rstrip(), indent="  ")


def _print_alert(page: Page, alert: Alert, result: DetectionResult) -> None:
    peak = alert.peak
    page.line(f"#{alert.number} {peak.detector}, {plain(str(peak.subject), 80)} ({alert.clause})", "bold")
    print_lines(page, "  at its worst  ", f"{_clock(peak.at_us)}: {plain(peak.text, 400)}", "red")
    others = ", ".join(f"{name} {value:g}" for name, value in peak.figures[2:])
    if others:
        print_lines(page, "  figures       ", others)
    if peak.provider is not None:
        print_lines(page, "  provider      ", f"OCN {peak.provider}")
    if peak.sample_calls:
        print_lines(page, "  calls         ", ", ".join(plain(call_id, 60) for call_id in peak.sample_calls))
    advice = result.advice.get(alert.number)
    if advice is not None:
        print_lines(page, "  to do         ", advice.text, "yellow")
    page.line()


def _print_step(page: Page, step: RecommendedStep, result: DetectionResult) -> None:
    proposal = step.proposal
    after_s = (step.at_us - (result.began_us or 0)) / SECOND_US
    scope = f" (scope {proposal.scope.value})" if proposal.scope is not None else ""
    alerts = "".join(f" #{alert.number}" for alert in proposal.alerts)
    what = f"{proposal.kind.value} {proposal.ocn}{scope}:{alerts} {plain(proposal.why, 400)}"
    print_lines(page, f"  {_clock(step.at_us)}  +{after_s:.0f} s  ", what)


def _print_summary(page: Page, result: DetectionResult) -> None:
    page.line("Summary", "bold")
    told = ", ".join(f"{count} {plain(name, 32)}" for name, count in result.seen.most_common(20) if count)
    lines = [("packets", str(result.packets)), ("told of", told or "nothing that a detector looks at")]
    if result.began_us is not None:
        seconds = (result.ended_us - result.began_us) / SECOND_US
        lines.append(("time", f"{timestamp(result.began_us)} to {timestamp(result.ended_us)}, {seconds:.0f} s"))
    lines += [("alerts", str(result.alert_count)), ("steps", str(result.step_count))]
    for name, text in lines:
        print_lines(page, f"  {name:<10}", text)
    print_list(page, "Could not be read", result.unreadable)
    print_list(page, "Damage in the captures", [str(fault) for fault in result.faults], result.fault_count)
    print_list(page, "Notes", result.notes)


def _clock(at_us: int) -> str:
    """Day and time of day to the second; of a time that no calendar holds, the seconds since the Unix epoch."""
    try:
        return datetime.fromtimestamp(at_us // SECOND_US, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return str(at_us // SECOND_US)
