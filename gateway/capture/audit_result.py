"""What an audit found: the calls, the counts, and what could not be read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.capture.calls import AuditedCall, AuditedFinding, Place, Role, address_text
from gateway.capture.coverage import OneDirection
from gateway.capture.faults import CaptureFault
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Address
from gateway.policy.verdict import Verdict

if TYPE_CHECKING:
    from gateway.capture.circuit_use import CircuitUse

WHYS: Final = 16
"""Reasons that are told apart for one check; further ones are counted together."""


class MalformedDatagram(NamedTuple):
    """A datagram that is no sound SIP, or a message that is no sound ISUP, M3UA or the like."""

    place: Place
    source: Address | None
    destination: Address | None
    """None where a signalling link carried it."""
    what: str
    offset: int
    """Byte offset in the file of the fault."""

    def __str__(self) -> str:
        way = ""
        if self.source is not None and self.destination is not None:
            way = f"{address_text(self.source)} -> {address_text(self.destination)}: "
        return f"{self.place.file}: frame {self.place.frame}, byte {self.offset}: {way}{self.what}"


@dataclass(slots=True)
class CircuitCounts:
    """How the calls on circuits went."""

    seized: int = 0
    """IAMs that took a circuit, or tried to."""
    answered: int = 0
    dual_seizures: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """How a circuit became free again, or why nothing is known of it -> calls."""
    released_by_source: int = 0
    """Calls released by the exchange that had seized the circuit; the others with a REL, by the other one."""
    released: int = 0
    causes: Counter[int] = field(default_factory=Counter)
    """Cause of the first REL of each call (Q.850)."""
    talked_us: int = 0
    """From answer to release, all calls together."""

    def count(self, use: CircuitUse) -> None:
        """Add up one use of a circuit."""
        self.seized += 1
        self.answered += use.answered is not None
        self.dual_seizures += use.dual_seizure
        self.ends[use.end.value] += 1
        self.talked_us += use.talked_us or 0
        if use.release is not None:
            self.released += 1
            self.released_by_source += use.release.by_source
            if use.release.cause is not None:
                self.causes[use.release.cause.value] += 1


@dataclass(slots=True)
class AuditResult:
    """What an audit found. Counts are of everything; the lists are bounded by `AuditLimits`."""

    calls: list[AuditedCall] = field(default_factory=list)
    """In order of their first INVITE."""
    call_count: int = 0
    packets: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    """SIP datagrams by method, or by status code: ``INVITE``, ``200``; ISUP messages by type: ``IAM``."""
    of_no_call: Counter[str] = field(default_factory=Counter)
    """Those of them that belong to no call: registrations, maintenance of circuits, and calls whose INVITE or IAM the
    captures do not hold."""
    roles: Counter[Role] = field(default_factory=Counter)
    findings: dict[str, Counter[Verdict]] = field(default_factory=dict)
    """Check -> verdict -> count."""
    not_judged: dict[str, Counter[str]] = field(default_factory=dict)
    """Check -> why it could not be judged -> count."""
    calls_not_judged: Counter[str] = field(default_factory=Counter)
    """Why -> calls."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """What the gateway decides -> INVITEs."""
    disagreement_count: int = 0
    malformed: list[MalformedDatagram] = field(default_factory=list)
    malformed_count: int = 0
    other: Counter[str] = field(default_factory=Counter)
    """Traffic that is neither SIP over UDP nor ISUP, by kind."""
    variants: Counter[Variant] = field(default_factory=Counter)
    """ISUP messages by the variant that they were read as."""
    variant_given: bool = False
    """That was said by the operator, and not told by the messages."""
    told_otherwise: tuple[str, ...] = ()
    """Signalling links of the configuration that are of another variant than the operator said."""
    one_direction: list[OneDirection] = field(default_factory=list)
    circuits: CircuitCounts = field(default_factory=CircuitCounts)
    faults: list[CaptureFault] = field(default_factory=list)
    fault_count: int = 0
    incomplete: bool = False
    """Part of an input could not be read."""
    unreadable: list[str] = field(default_factory=list)
    """Inputs of which nothing could be read, each with what to do."""
    notes: list[str] = field(default_factory=list)
    """What else a reader must know to trust the result."""

    @property
    def violation_count(self) -> int:
        return sum(
            count for verdicts in self.findings.values() for verdict, count in verdicts.items() if verdict.violation
        )

    @property
    def calls_not_listed(self) -> int:
        return self.call_count - len(self.calls)

    def count(self, call: AuditedCall) -> None:
        """Add up a call that is closed. Whether it is listed is another matter."""
        self.call_count += 1
        if call.why_not_judged:
            self.calls_not_judged[call.why_not_judged] += 1
        self.disagreement_count += len(call.disagreements)
        for finding in call.findings:
            self.count_finding(finding)
        for leg in call.legs:
            if leg.circuit is not None:
                self.circuits.count(leg.circuit)

    def count_finding(self, finding: AuditedFinding) -> None:
        """Add up one finding."""
        counts = self.findings.get(finding.check)
        if counts is None:
            counts = self.findings[finding.check] = Counter()
        counts[finding.verdict] += 1
        if finding.verdict is Verdict.NOT_JUDGED:
            whys = self.not_judged.setdefault(finding.check, Counter())
            whys[finding.text if finding.text in whys or len(whys) < WHYS else "other reasons"] += 1
