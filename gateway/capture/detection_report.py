"""What detectors would have seen in captures, as one document for machines."""

from __future__ import annotations

import json
from typing import Any, TextIO

from gateway.capture.detection_result import DetectionResult, RecommendedStep
from gateway.capture.report import timestamp
from gateway.policy.detectors.detector import Detection
from gateway.policy.watch import Alert


def document(result: DetectionResult) -> dict[str, Any]:
    """``{"alerts": [...], "steps": [...], "summary": {...}}``, of JSON types only. Times are ISO 8601 in UTC."""
    return {
        "alerts": [_alert(alert, result) for alert in result.alerts.values()],
        "steps": [_step(step) for step in result.steps],
        "summary": {
            "began": timestamp(result.began_us) if result.began_us is not None else None,
            "ended": timestamp(result.ended_us) if result.began_us is not None else None,
            "packets": result.packets,
            "alerts": result.alert_count,
            "steps": result.step_count,
            "told_of": dict(result.seen),
            "unreadable": result.unreadable,
            "faults": [str(fault) for fault in result.faults],
            "fault_count": result.fault_count,
            "incomplete": result.incomplete,
            "elsewhere": result.elsewhere,
            "notes": result.notes,
        },
    }


def write_document(result: DetectionResult, stream: TextIO) -> None:
    """Write `document` as JSON."""
    json.dump(document(result), stream, indent=2)
    stream.write("\n")


def _alert(alert: Alert, result: DetectionResult) -> dict[str, Any]:
    detection, advice = alert.detection, result.advice.get(alert.number)
    return {
        "number": alert.number,
        "detector": detection.detector,
        "clause": alert.clause,
        "subject": {"kind": detection.subject.kind.value, "name": detection.subject.name},
        "trunk_group": detection.trunk_group,
        "provider": detection.provider,
        "raised": timestamp(alert.raised_us),
        "last_seen": timestamp(alert.seen_us),
        "cleared": timestamp(alert.cleared_us) if alert.cleared_us is not None else None,
        "peak": _detection(alert.peak),
        "last": _detection(detection),
        "advice": advice.text if advice is not None else None,
    }


def _detection(detection: Detection) -> dict[str, Any]:
    return {
        "at": timestamp(detection.at_us),
        "since": timestamp(detection.since_us),
        "figures": dict(detection.figures),
        "times_over": round(detection.excess, 3),
        "text": detection.text,
        "sample_calls": list(detection.sample_calls),
    }


def _step(step: RecommendedStep) -> dict[str, Any]:
    proposal = step.proposal
    return {
        "at": timestamp(step.at_us),
        "step": proposal.kind.value,
        "ocn": proposal.ocn,
        "scope": proposal.scope.value if proposal.scope is not None else None,
        "why": proposal.why,
        "alerts": [alert.number for alert in proposal.alerts],
    }
