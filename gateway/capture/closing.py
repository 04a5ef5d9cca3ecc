"""When all of a call has been seen: what its legs say of each other, and what is left to say of the call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.capture.calls import AuditedCall, AuditedFinding, DecidedInvite, Leg, Locator, PlacedEvidence, address_text
from gateway.capture.gateway_place import GatewayPlace, leads_on
from gateway.capture.iam_facts import iam_facts
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import parse_name_addr
from gateway.interconnection.trunk_groups import Address
from gateway.policy import hops
from gateway.policy.call_attempt import CallAttempt, NumberFact, Protocol
from gateway.policy.refusals import REFUSALS
from gateway.policy.verdict import Evidence, Verdict

if TYPE_CHECKING:
    from gateway.capture.circuit_use import CircuitUse

_ON_ONE_LEG: Final = AuditedFinding(
    hops.CHECK, Verdict.NOT_JUDGED, hops.CLAUSE, "the call was captured on one leg only", 1, None, ()
)
_REFUSALS_SAID: Final = frozenset(f"{refusal.status} {refusal.phrase}" for refusal in REFUSALS.values())


def close(call: AuditedCall, gateway: GatewayPlace | None, evidence_bytes: int) -> None:
    """Complete a call of which no more messages are looked for.

    `gateway` is where the gateway stood whose decisions are repeated; None where there is none. Of each piece of
    evidence at most `evidence_bytes` are kept.
    """
    for leg in call.legs:
        call.findings += leg.findings
        for made in leg.decisions:
            call.findings += made.findings
    for leg in call.legs[1:]:
        call.findings += _changes_towards(leg, call.legs, gateway, evidence_bytes)
    first = next((leg.attempt for leg in call.legs if leg.attempt is not None), None)
    if len(call.legs) == 1 and first is not None:
        call.findings.append(_ON_ONE_LEG)
    if first is not None:
        call.calling, call.called = _party(first, first.calling), _party(first, first.called)
    for leg in call.legs:
        if leg.circuit is not None and leg.attempt is not None:
            leg.facts = iam_facts(leg.attempt)
        leg.attempt = None  # the findings say what was found; decisions keep theirs
    call.disagreements = [text for leg in call.legs if (text := _disagreement(leg)) is not None]
    call.why_not_judged = _why_not_judged(call, gateway)


def placed(evidence: tuple[Evidence, ...], locator: Locator, evidence_bytes: int) -> tuple[PlacedEvidence, ...]:
    """Evidence with its places in the capture file, none longer than `evidence_bytes`."""
    return tuple(
        PlacedEvidence(
            one.field,
            one.raw[:evidence_bytes],
            len(one.raw),
            locator.place,
            locator.file_offset(one.offset) if one.offset >= 0 else None,
            one.offset < locator.text_end,
        )
        for one in evidence
    )


def _changes_towards(
    leg: Leg, legs: list[Leg], gateway: GatewayPlace | None, evidence_bytes: int
) -> list[AuditedFinding]:
    """What the hop in front of a leg changed of the call."""
    before = _leg_before(legs, leg, gateway)
    if before.attempt is None or leg.attempt is None:
        return []
    findings = []
    for found in hops.compare_hop(before.attempt, leg.attempt):
        text = found.text
        if text:
            frames = f"frame {before.first.place.frame} against frame {leg.first.place.frame}"
            text = f"{_hop_name(before, leg)}: {text} ({frames})"
        seen = (
            *placed(found.before, before.first, evidence_bytes),
            *placed(found.after, leg.first, evidence_bytes),
        )
        findings.append(AuditedFinding(hops.CHECK, found.verdict, found.clause, text, leg.number, None, seen))
    return findings


def _why_not_judged(call: AuditedCall, gateway: GatewayPlace | None) -> str:
    """Why a call was not judged, or by what its messages say only; empty where all checks were run."""
    judged = any(finding.check != hops.CHECK for finding in call.findings)
    if judged and (gateway is None or enters(call, gateway)):
        return ""
    if not any(leg.initial for leg in call.legs):
        return "the capture does not hold the INVITE that opened it"
    answered = next((leg for leg in call.legs if leg.answer), None)
    if answered is not None:
        return f"the gateway answers it before any check: {answered.answer}"
    unreadable = next((leg for leg in call.legs if leg.malformed), None)
    if unreadable is not None and not judged:
        return f"its {_opener(unreadable)} is malformed: {unreadable.malformed}"
    if gateway is None:
        return ""
    if judged:
        return f"{does_not_enter(gateway)}; only what its {_opener(call.legs[0])}s say of themselves is judged"
    return does_not_enter(gateway)


def enters(call: AuditedCall, gateway: GatewayPlace | None) -> bool:
    """Whether a leg of a call leads to the gateway, so that the call is the gateway's to decide."""
    if gateway is None:
        return False
    return call.decisions_not_held > 0 or any(map(gateway.is_reached_by, call.legs))


def does_not_enter(gateway: GatewayPlace) -> str:
    """Why the gateway at an address decides nothing of a call."""
    return f"no leg of it enters the gateway at {gateway}"


def _opener(leg: Leg) -> str:
    return "INVITE" if leg.circuit is None else "IAM"


def _disagreement(leg: Leg) -> str | None:
    """Where the capture shows that whoever was called decided the (last) INVITE of a leg, or its IAM, otherwise."""
    if leg.decisions and leg.circuit is not None:
        return _circuit_disagreement(leg.decisions[-1], leg.circuit)
    if not leg.decisions or leg.final is None:
        return None
    made, shown = leg.decisions[-1], str(leg.final)
    where = f"frame {made.place.frame}: the far end answered {shown} in frame {leg.final.place.frame}"
    refused_by = made.decision.refused_by
    if refused_by is None or refused_by.refusal is None:
        return f"{where}; this configuration would have let the call through" if shown in _REFUSALS_SAID else None
    said = f"{refused_by.refusal.status} {refused_by.refusal.phrase}"
    return f"{where}; this configuration would have refused with {said}" if shown != said else None


def _circuit_disagreement(made: DecidedInvite, use: CircuitUse) -> str | None:
    """The same of an IAM: it was answered, or released with another cause, though it would have been refused."""
    refused_by = made.decision.refused_by
    if refused_by is None or refused_by.refusal is None:
        return None  # a release before the answer may be anybody's behind the gateway
    said = f"this configuration would have refused with cause {refused_by.refusal.cause}"
    if use.progressed is not None:
        return f"frame {made.place.frame}: the call went on in frame {use.progressed.frame}; {said}"
    release = use.release
    if release is None or release.by_source or release.cause is None or release.cause.value == refused_by.refusal.cause:
        return None
    shown = f"released with cause {release.cause.value} in frame {release.place.frame}"
    return f"frame {made.place.frame}: the far end {shown}; {said}"


def _leg_before(legs: list[Leg], leg: Leg, gateway: GatewayPlace | None) -> Leg:
    """The leg on which the call came before this one: the same message elsewhere, else what led to its sender."""
    if leg.same_hop_as is not None:
        return legs[leg.same_hop_as - 1]
    earlier = legs[leg.number - 2 :: -1]  # latest first
    towards = next((one for one in earlier if one.destination == leg.source), None)
    return towards or next((one for one in earlier if leads_on(one, leg, gateway)), earlier[0])


def _hop_name(before: Leg, leg: Leg) -> str:
    if leg.same_hop_as is not None:
        return f"between two points of one hop, {address_text(before.source)} and {address_text(leg.source)}"
    if before.circuit is not None or leg.circuit is not None:
        ends = before.destination, leg.source
        if ends[0][0] == ends[1][0]:
            return f"the hop {ends[0][0]}, CIC {ends[0][1]} to {ends[1][1]}"
        return f"the hop {_exchange(before, ends[0])} to {_exchange(leg, ends[1])}"
    if before.destination == leg.source:
        return f"the hop {address_text(leg.source)}"
    if before.destination[0] == leg.source[0]:
        return f"the hop {leg.source[0]}, port {before.destination[1]} to {leg.source[1]}"
    return f"between {address_text(before.destination)} and {address_text(leg.source)}"


def _exchange(leg: Leg, end: Address) -> str:
    """An end of a leg: a point code and a circuit, or an address."""
    return address_text(end) if leg.circuit is None else f"{end[0]} (CIC {end[1]})"


def _party(attempt: CallAttempt, fact: NumberFact) -> str:
    """The number, or the URI that carries none."""
    if fact.number is not None:
        return str(fact.number)
    if attempt.protocol is Protocol.ISUP:
        return ""
    try:
        raw = parse_name_addr(fact.raw).uri
    except Malformed:
        raw = fact.raw
    return raw[:256].decode("utf-8", "replace")
