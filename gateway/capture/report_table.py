"""The audit's report for people, for someone who has the capture open in Wireshark: frame numbers everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TextIO

from gateway.capture.audit_result import AuditResult
from gateway.capture.calls import AuditedCall, AuditedFinding, Leg, PlacedEvidence, Role, address_text
from gateway.capture.cause_names import cause_name
from gateway.capture.report import text_of, timestamp
from gateway.capture.report_circuits import circuit_text, circuits_lines, variants_text
from gateway.capture.report_page import SHOWN_LINES, Page, plain, print_lines, print_list
from gateway.policy.call_attempt import Protocol
from gateway.policy.verdict import Outcome, Verdict

SHOWN_FRAMES: Final = 8
SHOWN_CALLS: Final = 500
"""Calls of a table; JSON has all. Those that break a clause come before the others."""
_SOUND: Final = frozenset({Verdict.PASS, Verdict.PASS_NORMALISED, Verdict.NOT_JUDGED})
_OUTCOME_WORDS: Final = {Outcome.ADMIT: "admitted", Outcome.REFUSE: "refused", Outcome.DIVERT: "diverted"}


def print_table(result: AuditResult, stream: TextIO | None = None) -> None:
    """Print the report to `stream`, standard output by default: ASCII, as wide as the terminal or as COLUMNS says."""
    page = Page(stream)
    several_files = len({leg.first.place.file for call in result.calls for leg in call.legs}) > 1
    calls = _chosen(result.calls)
    for call in calls:
        _print_call(page, call, several_files)
    left_out = result.call_count - len(calls)
    if left_out:
        print_lines(
            page, "", f"{left_out} more calls are counted below and not listed; --format json lists more of them"
        )
        page.line()
    _print_summary(page, result)


def _chosen(calls: list[AuditedCall]) -> list[AuditedCall]:
    if len(calls) <= SHOWN_CALLS:
        return calls
    first = sorted(calls, key=lambda call: not call.violations)[:SHOWN_CALLS]
    return sorted(first, key=lambda call: call.started.at_us)


# -- one call ---------------------------------------------------------------------------------------------------------


def _print_call(page: Page, call: AuditedCall, several_files: bool) -> None:
    on_circuit = bool(call.legs) and call.legs[0].circuit is not None
    page.line(f"{'Circuit' if on_circuit else 'Call-ID'} {plain(call.call_id, 100)}", "bold")
    parties = f"  {plain(call.calling) or '?'} -> {plain(call.called) or '?'}, {timestamp(call.started.at_us)}"
    page.line(parties)
    for leg in call.legs:
        print_lines(page, f"  leg {leg.number}  ", _leg_text(leg, several_files))
    if call.legs_not_held:
        page.line(f"  {call.legs_not_held} more legs are not held")
    for made in call.decisions:
        decision = made.decision
        where = f" to {decision.egress.name}" if decision.egress is not None else ""
        why = ""
        if decision.refused_by is not None and decision.refused_by.refusal is not None:
            refusal = decision.refused_by.refusal
            said = f"{refusal.status} {refusal.phrase}"
            if made.attempt.protocol is Protocol.ISUP:
                said = f"cause {refusal.cause} ({cause_name(refusal.cause)})"
            why = f" with {said}: {decision.refused_by.check}, {decision.refused_by.clause}"
        style = "red" if decision.outcome is Outcome.REFUSE else "green"
        outcome = f"{_OUTCOME_WORDS[decision.outcome]}{where}{why}"
        print_lines(page, "  gateway  ", f"frame {made.place.frame}: {outcome}", style)
    for disagreement in call.disagreements:
        print_lines(page, "  differs  ", plain(disagreement, 400), "yellow")
    if call.why_not_judged:
        print_lines(page, "  not judged  ", call.why_not_judged, "yellow")
    _print_findings(page, call, several_files)
    page.line()


def _leg_text(leg: Leg, several_files: bool) -> str:
    frames = [str(message.place.frame) for message in leg.messages[:SHOWN_FRAMES]]
    if leg.total > len(frames):
        last = f" to {leg.messages[-1].place.frame}" if leg.total == len(leg.messages) else ""
        frames.append(f"...{last} ({leg.total} messages)")
    use = leg.circuit
    way = f"{address_text(leg.source)} -> {address_text(leg.destination)}"
    if use is not None:
        way = f"{leg.source[0]} -> {leg.destination[0]}, CIC {use.circuit.cic}"
    parts = [way, f"frames {', '.join(frames)}"]
    if leg.same_hop_as is not None:
        parts.append(f"the INVITE of leg {leg.same_hop_as} at another point (same Via branch)")
    counted = ((leg.copies, "copies"), (leg.retransmissions, "retransmissions"), (leg.invites_again, "INVITEs again"))
    parts += [f"{count} {what if count > 1 else _SINGULAR[what]}" for count, what in counted if count]
    if use is not None:
        parts.append(circuit_text(use))
    if leg.final is not None:
        parts.append(f"{plain(str(leg.final))} in frame {leg.final.place.frame}")
    if several_files:
        parts.append(leg.first.place.file)
    return "; ".join(parts)


_SINGULAR: Final = {"copies": "copy", "retransmissions": "retransmission", "INVITEs again": "INVITE again"}


def _print_findings(page: Page, call: AuditedCall, several_files: bool) -> None:
    """What matters first: violations, then warnings and exemptions, then one line of what is sound."""
    ordered = sorted(call.findings, key=lambda finding: not finding.verdict.violation)
    for finding in ordered:
        if finding.verdict in _SOUND:
            continue
        mode = f" ({finding.mode})" if finding.mode not in (None, "enforce") else ""
        head = f"  {finding.verdict.value} {finding.check}{mode}, {finding.clause}, leg {finding.leg}: "
        style = "red" if finding.verdict.violation else "yellow"
        print_lines(page, "  ", head.strip() + " " + plain(finding.text, 400), style)
        for evidence in finding.evidence:
            print_lines(page, "      ", _evidence_text(evidence, several_files))
    for verdict in (Verdict.PASS, Verdict.PASS_NORMALISED):
        names = _names(call.findings, verdict)
        if names:
            print_lines(page, "  ", f"{verdict.value} {', '.join(names)}", "green")


def _names(findings: Iterable[AuditedFinding], verdict: Verdict) -> list[str]:
    """The checks with a verdict; with its leg where the check said something else on another leg."""
    differing = {finding.check for finding in findings if finding.verdict is not verdict}
    chosen = (finding for finding in findings if finding.verdict is verdict)
    names = (f"{one.check} (leg {one.leg})" if one.check in differing else one.check for one in chosen)
    return list(dict.fromkeys(names))


def _evidence_text(evidence: PlacedEvidence, several_files: bool) -> str:
    where = f"{evidence.place.file}, frame {evidence.place.frame}" if several_files else f"frame {evidence.place.frame}"
    if evidence.offset is not None:
        where += f", byte {evidence.offset}"
    raw = text_of(evidence.raw) if evidence.is_text else evidence.raw.hex(" ")
    return f"{where}: {evidence.field}: {plain(raw, 160)}"


# -- summary ----------------------------------------------------------------------------------------------------------


def _print_summary(page: Page, result: AuditResult) -> None:
    page.line("Summary", "bold")
    roles = result.roles
    messages = ", ".join(f"{count} {plain(name, 24)}" for name, count in result.messages.most_common(SHOWN_LINES))
    lines = [
        ("packets", str(result.packets)),
        ("calls", str(result.call_count)),
        ("messages", f"{result.messages.total()}{': ' + messages if messages else ''}"),
        ("ISUP", variants_text(result)),
        *circuits_lines(result.circuits),
        ("of the calls", f"{roles[Role.COPY]} copies, {roles[Role.RETRANSMISSION]} retransmissions"),
        ("of no call", ", ".join(f"{count} {plain(name, 24)}" for name, count in result.of_no_call.most_common(20))),
        ("malformed", str(result.malformed_count)),
        ("other traffic", ", ".join(f"{count} {kind}" for kind, count in result.other.most_common(SHOWN_LINES))),
        ("decided", ", ".join(f"{count} {outcome}" for outcome, count in sorted(result.outcomes.items()) if count)),
        ("differing", f"{result.disagreement_count} decisions" if result.disagreement_count else ""),
        ("violations", str(result.violation_count)),
    ]
    for name, text in lines:
        if text:
            print_lines(page, f"  {name:<15}", text)
    page.line()
    if result.findings:
        page.line("Findings by check", "bold")
        width = max(15, *(len(check) + 1 for check in result.findings))
        for check, verdicts in result.findings.items():
            print_lines(page, f"  {check:<{width}}", _verdicts_text(verdicts), _style(verdicts))
    print_list(page, "Not judged", [f"{check}: {'; '.join(whys)}" for check, whys in result.not_judged.items()])
    print_list(
        page,
        "Calls not judged, or in part",
        [f"{count}: {why}" for why, count in result.calls_not_judged.most_common()],
    )
    print_list(page, "Malformed messages", [str(one) for one in result.malformed], result.malformed_count)
    print_list(page, "Could not be read", result.unreadable)
    print_list(page, "Damage in the captures", [str(fault) for fault in result.faults], result.fault_count)
    print_list(page, "Notes", result.notes)


def _verdicts_text(verdicts: Mapping[Verdict, int]) -> str:
    """``5 ALTERED, 120 PASS``: violations first."""
    ordered = sorted(verdicts.items(), key=lambda counted: (not counted[0].violation, -counted[1]))
    return ", ".join(f"{count} {verdict.value}" for verdict, count in ordered)


def _style(verdicts: Iterable[Verdict]) -> str:
    return "red" if any(verdict.violation for verdict in verdicts) else ""
