"""What is found of each leg: by the gateway whose decisions are repeated, or by what its first message says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.capture.audit_result import AuditResult, MalformedDatagram
from gateway.capture.calls import AuditedCall, AuditedFinding, DecidedInvite, Leg, Locator, Place
from gateway.capture.closing import close, enters, placed
from gateway.capture.followed_calls import Placed
from gateway.capture.gateway_place import GatewayPlace
from gateway.capture.limits import AuditLimits
from gateway.interconnection.trunk_groups import Address
from gateway.policy.attribution import ProviderFinder
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.engine import Engine
from gateway.policy.facts import NO_TRUNK_GROUP
from gateway.policy.verdict import Finding, Verdict

if TYPE_CHECKING:
    from gateway.capture.gateway_replay import GatewayReplay
    from gateway.signalling.call import Call

PLAIN_FINDINGS: Final = 4_096
"""Findings without evidence that are kept to be used again."""


@dataclass(frozen=True, slots=True)
class Judges:
    """Who judges the calls: an engine, and with a configuration the gateway whose decisions are repeated."""

    engine: Engine
    find_provider: ProviderFinder
    emergency_numbers: frozenset[str]
    why_no_trunk_group: str
    """Why a call that no gateway decides came on no trunk group, and what to do about it."""
    replay: GatewayReplay | None = None
    """Decides the calls that enter the gateway. Every leg of any other call is judged by what its INVITE or IAM says
    of itself; with None, every leg of every call."""
    gateway: GatewayPlace | None = None
    """Where the gateway of `replay` stood."""


class Judging:
    """Judges legs and calls, and adds up what was found of them in the result."""

    def __init__(self, judges: Judges, limits: AuditLimits) -> None:
        self.judges: Final = judges
        self.limits: Final = limits
        self.result: Final = AuditResult()
        self._violating: Final[list[AuditedCall]] = []
        self._clean: Final[list[AuditedCall]] = []
        self._listed_legs: Final = [0, 0]  # of violating and of clean calls
        self._why: Final[dict[str, Finding]] = {}  # by check
        self._plain: Final[dict[tuple[int, int, str | None], tuple[Finding, AuditedFinding]]] = {}

    def listed(self) -> list[AuditedCall]:
        """The closed calls that are listed, in order of their first message."""
        return sorted((*self._violating, *self._clean), key=lambda call: call.started.at_us)

    def count_message(self, counts: Counter[str], kind: str) -> None:
        """Count a message by its kind, of which only so many are told apart."""
        counts[kind if kind in counts or len(counts) < self.limits.kinds else "other methods"] += 1

    def malformed(
        self, place: Place, source: Address | None, destination: Address | None, what: str, offset: int
    ) -> None:
        """Count, and list while there is room, a message that is unsound at a byte of its file."""
        result = self.result
        result.malformed_count += 1
        if len(result.malformed) < self.limits.malformed:
            result.malformed.append(MalformedDatagram(place, source, destination, what, offset))

    def decided(self, found: Placed, call: Call, locator: Locator, *, opens: bool) -> None:
        """The gateway decides this INVITE or IAM; `opens` says whether it is the first of its leg."""
        leg, decision = found.leg, call.decision
        self.result.outcomes[decision.outcome.value] += 1
        number = leg.number if leg is not None else 0
        findings = tuple(self._finding(one, number, locator, mode.value) for one, mode in decision.judgements)
        if leg is None or len(leg.decisions) >= self.limits.decisions:
            found.call.decisions_not_held += 1
            for finding in findings:
                self.result.count_finding(finding)
            return
        leg.decisions.append(DecidedInvite(locator.place, call.attempt, decision, findings))
        if opens:
            leg.attempt = call.attempt

    def overruled(self, leg: Leg, answer: str) -> None:
        """The captured gateway has not decided what was decided here of a leg: it has answered by itself."""
        self.result.outcomes[leg.decisions.pop().decision.outcome.value] -= 1
        leg.answer = answer

    def close(self, call: AuditedCall) -> None:
        """All of a call has been seen."""
        gateway = self.judges.gateway
        if not enters(call, gateway):  # known only now: a later leg may be the one
            for leg in call.legs:
                if leg.attempt is not None and not _seen_before(call, leg):
                    self._judge(leg, leg.attempt)
        close(call, gateway, self.limits.evidence_bytes)
        self.result.count(call)
        listed, legs = (self._violating, 0) if call.violations else (self._clean, 1)
        if self._listed_legs[legs] + len(call.legs) <= self.limits.listed_legs:
            self._listed_legs[legs] += len(call.legs)
            listed.append(call)

    def _judge(self, leg: Leg, attempt: CallAttempt) -> None:
        """The first message of a leg by what it says of itself: it came on no trunk group that is known."""
        judged = self.judges.engine.judge(attempt)
        leg.findings = tuple([self._finding(self._said_why(one), leg.number, leg.first, None) for one in judged])

    def _said_why(self, finding: Finding) -> Finding:
        """A check can only say that it knows no trunk group; the audit knows why."""
        if finding.verdict is not Verdict.NOT_JUDGED or finding.text != NO_TRUNK_GROUP:
            return finding
        said = self._why.get(finding.check)
        if said is None:
            said = self._why[finding.check] = replace(finding, text=self.judges.why_no_trunk_group)
        return said

    def _finding(self, finding: Finding, leg: int, locator: Locator, mode: str | None) -> AuditedFinding:
        """A finding with its places. What most calls have is made once: the same check's same word without evidence."""
        if finding.evidence:
            seen = placed(finding.evidence, locator, self.limits.evidence_bytes)
            return AuditedFinding(finding.check, finding.verdict, finding.clause, finding.text, leg, mode, seen)
        known = self._plain.get((id(finding), leg, mode))
        if known is not None and known[0] is finding:
            return known[1]
        made = AuditedFinding(finding.check, finding.verdict, finding.clause, finding.text, leg, mode, ())
        if len(self._plain) >= PLAIN_FINDINGS:
            self._plain.clear()
        self._plain[id(finding), leg, mode] = finding, made
        return made


def _seen_before(call: AuditedCall, leg: Leg) -> bool:
    """Whether the very same INVITE was judged where it was captured first, on other addresses."""
    same = leg.same_hop_as
    return same is not None and call.legs[same - 1].payload_hash == leg.payload_hash
