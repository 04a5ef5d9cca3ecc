"""The audit's report as one document for machines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, TextIO

from gateway.capture.audit_result import AuditResult, MalformedDatagram
from gateway.capture.calls import (
    AuditedCall,
    AuditedFinding,
    DecidedInvite,
    FinalResponse,
    Leg,
    PlacedEvidence,
    Role,
    address_text,
)
from gateway.capture.faults import CaptureFault
from gateway.capture.report_circuits import circuit_document, signalling_summary


def document(result: AuditResult) -> dict[str, Any]:
    """``{"calls": [...], "summary": {...}}``, of JSON types only.

    Bytes become text as UTF-8 where they are, else byte by byte as ISO 8859-1; those of ISUP become hexadecimal digits.
    Offsets count bytes from the start of
    the capture file; frames from 1, as Wireshark does.
    """
    return {"calls": [_call(call) for call in result.calls], "summary": _summary(result)}


def write_document(result: AuditResult, stream: TextIO) -> None:
    """Write `document` as JSON: a call a line, which a large capture needs as much as who searches it."""
    plain: dict[int, str] = {}
    stream.write('{"calls": [')
    for number, call in enumerate(result.calls):
        stream.write(",\n" if number else "\n")
        findings = ", ".join([_finding_text(finding, plain) for finding in call.findings])
        stream.write(f'{json.dumps(_call_without_findings(call))[:-1]}, "findings": [{findings}]}}')
    stream.write(f'\n],\n"summary": {json.dumps(_summary(result), indent=2)}}}\n')


def _finding_text(finding: AuditedFinding, plain: dict[int, str]) -> str:
    """A finding as JSON. Those without evidence are shared by many calls: each is written once, known by its `id`."""
    if finding.evidence:
        return json.dumps(_finding(finding))
    text = plain.get(id(finding))
    if text is None:
        text = plain[id(finding)] = json.dumps(_finding(finding))
    return text


def _call(call: AuditedCall) -> dict[str, Any]:
    return {**_call_without_findings(call), "findings": [_finding(finding) for finding in call.findings]}


def _call_without_findings(call: AuditedCall) -> dict[str, Any]:
    return {
        "call_id": call.call_id,
        "calling": call.calling,
        "called": call.called,
        "started": {"at": timestamp(call.started.at_us), "at_us": call.started.at_us},
        "legs": [_leg(leg) for leg in call.legs],
        "legs_not_held": call.legs_not_held,
        "decisions_not_held": call.decisions_not_held,
        "messages_elsewhere": call.elsewhere,
        "outcome": call.decisions[-1].decision.outcome.value if call.decisions else None,
        "decisions": [_decision(made) for made in call.decisions],
        "disagreements": call.disagreements,
        "why_not_judged": call.why_not_judged or None,
    }


def _leg(leg: Leg) -> dict[str, Any]:
    return {
        "number": leg.number,
        "protocol": "SIP" if leg.circuit is None else "ISUP",
        "source": address_text(leg.source),
        "destination": address_text(leg.destination),
        "file": leg.first.place.file,
        "frames": [message.place.frame for message in leg.messages],
        "messages": [
            {
                "file": message.place.file,
                "frame": message.place.frame,
                "at_us": message.place.at_us,
                "name": message.name,
                "from": "source" if message.forward else "destination",
                "role": message.role.value,
            }
            for message in leg.messages
        ],
        "message_count": leg.total,
        "copies": leg.copies,
        "retransmissions": leg.retransmissions,
        "invites_again": leg.invites_again,
        "final_response": _final(leg.final),
        "same_hop_as": leg.same_hop_as,
        "opens_the_call": leg.initial,
        "answered_by_gateway": leg.answer or None,
        "malformed": leg.malformed or None,
        "circuit": circuit_document(leg.circuit) if leg.circuit is not None else None,
        "facts": leg.facts._asdict() if leg.facts is not None else None,
    }


def _final(final: FinalResponse | None) -> dict[str, Any] | None:
    if final is None:
        return None
    return {
        "file": final.place.file,
        "frame": final.place.frame,
        "at_us": final.place.at_us,
        "status": final.status,
        "phrase": final.phrase,
    }


def _decision(made: DecidedInvite) -> dict[str, Any]:
    decision = made.decision
    refused_by = decision.refused_by
    ingress = made.attempt.ingress
    return {
        "file": made.place.file,
        "frame": made.place.frame,
        "at_us": made.place.at_us,
        "outcome": decision.outcome.value,
        "ingress": ingress.name if ingress is not None else None,
        "egress": decision.egress.name if decision.egress is not None else None,
        "provider": made.attempt.provider,
        "provider_source": made.attempt.provider_source.value,
        "refused_by": refused_by.check if refused_by is not None else None,
        "clause": refused_by.clause if refused_by is not None else None,
        "status": refused_by.refusal.status if refused_by is not None and refused_by.refusal is not None else None,
        "cause": refused_by.refusal.cause if refused_by is not None and refused_by.refusal is not None else None,
        "emergency": decision.emergency,
    }


def _finding(finding: AuditedFinding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "verdict": finding.verdict.value,
        "clause": finding.clause,
        "text": finding.text,
        "leg": finding.leg,
        "mode": finding.mode,
        "evidence": [_evidence(one) for one in finding.evidence],
    }


def _evidence(evidence: PlacedEvidence) -> dict[str, Any]:
    return {
        "field": evidence.field,
        "raw": text_of(evidence.raw) if evidence.is_text else evidence.raw.hex(),
        "file": evidence.place.file,
        "offset": evidence.offset,
        "length": evidence.length,
        "frame": evidence.place.frame,
    }


def _summary(result: AuditResult) -> dict[str, Any]:
    return {
        "packets": result.packets,
        "calls": result.call_count,
        "calls_not_listed": result.calls_not_listed,
        "messages": dict(sorted(result.messages.items())),
        "messages_of_no_call": dict(sorted(result.of_no_call.items())),
        "copies": result.roles[Role.COPY],
        "retransmissions": result.roles[Role.RETRANSMISSION],
        "findings": {
            check: {verdict.value: count for verdict, count in verdicts.items()}
            for check, verdicts in result.findings.items()
        },
        "violations": result.violation_count,
        "not_judged": {check: "; ".join(whys) for check, whys in result.not_judged.items()},
        "calls_not_judged": dict(result.calls_not_judged),
        "outcomes": {outcome: count for outcome, count in result.outcomes.items() if count},
        "disagreements": result.disagreement_count,
        "ss7": signalling_summary(result),
        "malformed": {
            "count": result.malformed_count,
            "datagrams": [_malformed(datagram) for datagram in result.malformed],
        },
        "other": dict(result.other),
        "faults": {
            "count": result.fault_count,
            "complete": not result.incomplete and not result.unreadable,
            "unreadable": result.unreadable,
            "listed": [_fault(fault) for fault in result.faults],
        },
        "notes": result.notes,
    }


def _malformed(datagram: MalformedDatagram) -> dict[str, Any]:
    return {
        "file": datagram.place.file,
        "frame": datagram.place.frame,
        "offset": datagram.offset,
        "source": address_text(datagram.source) if datagram.source is not None else None,
        "destination": address_text(datagram.destination) if datagram.destination is not None else None,
        "what": datagram.what,
    }


def _fault(fault: CaptureFault) -> dict[str, Any]:
    return {
        "file": fault.file,
        "frame": fault.frame or None,
        "offset": fault.offset,
        "kind": fault.kind.value,
        "what": fault.what,
        "meaning": fault.meaning,
    }


def text_of(raw: bytes) -> str:
    """Bytes as text, whatever they are."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def timestamp(at_us: int) -> str:
    """ISO 8601, UTC, to the microsecond. A time that no calendar holds (a damaged capture) is given in seconds."""
    seconds, micros = divmod(at_us, 1_000_000)
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros).isoformat()
    except (ValueError, OverflowError, OSError):
        return f"{seconds}.{micros:06}"
