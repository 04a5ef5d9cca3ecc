"""The audit: every datagram of the captures in, in the order of time; the calls with what was found of each out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import Final, NamedTuple

from gateway.capture.calls import (
    AuditedCall,
    AuditedFinding,
    AuditLimits,
    CallTable,
    DecidedInvite,
    Leg,
    Locator,
    Place,
    Placed,
    PlacedEvidence,
    Role,
    address_text,
    locator_of,
)
from gateway.capture.faults import CaptureFault, FaultKind
from gateway.capture.gateway_replay import GatewayReplay, Replayed
from gateway.capture.reader import CaptureReader
from gateway.capture.udp import Datagram
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import headers
from gateway.codecs.sip.grammar import parse_name_addr
from gateway.codecs.sip.message import SipMessage
from gateway.interconnection.trunk_groups import Address
from gateway.policy import hops
from gateway.policy.attribution import ProviderFinder
from gateway.policy.call_attempt import CallAttempt, NumberFact
from gateway.policy.engine import Engine
from gateway.policy.verdict import Evidence, Finding, Verdict
from gateway.signalling.sip_attempt import attempt_of

SIP_PORT: Final = 5060
_EMPTY_LINES: Final = b"\r\n\x00 \t"
_INCOMPLETE: Final = frozenset({FaultKind.TRUNCATED_FILE, FaultKind.BAD_RECORD, FaultKind.UNKNOWN_LINK})
"""Damage after which an unknown part of a file is missing from the audit."""


@dataclass(frozen=True, slots=True)
class Judges:
    """Who judges the calls: an engine, and with a configuration the gateway whose decisions are repeated."""

    engine: Engine
    find_provider: ProviderFinder
    emergency_numbers: frozenset[str]
    replay: GatewayReplay | None = None
    """None: every leg is judged by what its message says of itself."""
    gateway: Address | None = None
    """Where the gateway of `replay` listened."""


class MalformedDatagram(NamedTuple):
    """A datagram that is no sound SIP."""

    place: Place
    source: Address
    destination: Address
    what: str
    offset: int
    """Byte offset in the file of the fault."""

    def __str__(self) -> str:
        way = f"{address_text(self.source)} -> {address_text(self.destination)}"
        return f"{self.place.file}: frame {self.place.frame}, byte {self.offset}: {way}: {self.what}"


@dataclass(slots=True)
class AuditResult:
    """What an audit found. Counts are of everything; the lists are bounded by `AuditLimits`."""

    calls: list[AuditedCall] = field(default_factory=list)
    """In order of their first INVITE."""
    call_count: int = 0
    packets: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    """SIP datagrams by method, or by status code: ``INVITE``, ``200``."""
    of_no_call: Counter[str] = field(default_factory=Counter)
    """Those of them that belong to no call: registrations, and calls whose INVITE the captures do not hold."""
    roles: Counter[Role] = field(default_factory=Counter)
    findings: dict[str, Counter[Verdict]] = field(default_factory=dict)
    """Check -> verdict -> count."""
    not_judged: dict[str, Counter[str]] = field(default_factory=dict)
    """Check -> why it could not be judged -> count."""
    calls_not_judged: Counter[str] = field(default_factory=Counter)
    """Why -> calls."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """What the gateway decides -> INVITEs."""
    malformed: list[MalformedDatagram] = field(default_factory=list)
    malformed_count: int = 0
    other: Counter[str] = field(default_factory=Counter)
    """Traffic that is no SIP over UDP, by kind."""
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


def audit_readers(readers: Sequence[CaptureReader], judges: Judges, limits: AuditLimits | None = None) -> AuditResult:
    """Audit captures as one: their datagrams in order of time, those of one file in the file's order.

    Whatever the bytes are, nothing is raised by them. An OSError of a stream is not caught.
    """
    auditor = Auditor(judges, limits or AuditLimits())
    streams = [_datagrams(reader) for reader in readers]
    for datagram, file in streams[0] if len(streams) == 1 else merge(*streams, key=lambda pair: pair[0].at_us):
        auditor.take(datagram, file)
    return auditor.finish(readers)


def _datagrams(reader: CaptureReader) -> Iterator[tuple[Datagram, str]]:
    for datagram in reader:
        yield datagram, reader.name


class Auditor:
    """Takes datagrams one by one. `finish` gives the result."""

    def __init__(self, judges: Judges, limits: AuditLimits) -> None:
        self._judges: Final = judges
        self._limits: Final = limits
        self._table: Final = CallTable(limits)
        self._result: Final = AuditResult()
        self._violating: Final[list[AuditedCall]] = []
        self._clean: Final[list[AuditedCall]] = []

    def take(self, datagram: Datagram, file: str) -> None:
        """The next datagram, in order of time."""
        replay = self._judges.replay
        replayed = None
        if replay is not None:
            payload = _padded(datagram) if datagram.truncated else datagram.payload
            replayed = replay.see(payload, datagram.source, datagram.destination, datagram.at_us)
        message = self._sip(datagram, file)
        if message is None:
            return
        try:
            placed = self._table.place(message, datagram, file)
        except Malformed as fault:
            self._malformed(fault, datagram, file)
            return
        if placed is None:
            self._result.of_no_call[_kind(message)] += 1
        elif placed.leg is None:
            return
        elif replayed is not None and replayed.overruled and placed.leg.decisions:
            placed.leg.decisions.pop()
            placed.leg.answer = replayed.answer
        elif message.method == b"INVITE":
            self._judge(placed, placed.leg, message, datagram, file, replayed)
            for call in self._table.overflow():
                self._close(call)

    def finish(self, readers: Iterable[CaptureReader]) -> AuditResult:
        """The result. Call it once, after the last datagram."""
        for call in self._table.rest():
            self._close(call)
        result = self._result
        result.roles = self._table.counts
        result.calls = sorted((*self._violating, *self._clean), key=lambda call: call.started.at_us)
        for reader in readers:
            result.packets += reader.packets
            result.faults += reader.faults
            result.fault_count += reader.fault_counts.total()
            result.other += reader.other
            result.incomplete |= any(reader.fault_counts[kind] for kind in _INCOMPLETE)
            if reader.packets and reader.other.total() >= reader.packets:
                kinds = ", ".join(f"{count} {kind}" for kind, count in reader.other.most_common(3))
                result.notes.append(f"{reader.name}: no UDP in it: {kinds}")
                result.incomplete |= all(kind.startswith("link type") for kind in reader.other)
        return result

    # -- messages -----------------------------------------------------------------------------------------------------

    def _sip(self, datagram: Datagram, file: str) -> SipMessage | None:
        """The SIP message of a datagram; None, counted, where it is none."""
        payload, result = datagram.payload, self._result
        if not _looks_like_sip(payload):
            ends = (datagram.source, datagram.destination)
            if self._judges.gateway not in ends and SIP_PORT not in (ends[0][1], ends[1][1]):
                result.other["UDP, not SIP"] += 1
                return None
            if not payload.strip(_EMPTY_LINES):
                result.other["keep-alives on SIP ports"] += 1
                return None
        try:
            message = SipMessage(payload)
        except Malformed as fault:
            self._malformed(fault, datagram, file)
            return None
        result.messages[_kind(message)] += 1
        return message

    def _malformed(self, fault: Malformed, datagram: Datagram, file: str) -> None:
        result = self._result
        result.malformed_count += 1
        if len(result.malformed) < self._limits.malformed:
            locator = locator_of(datagram, file)
            offset = locator.file_offset(min(fault.offset, max(len(datagram.payload) - 1, 0)))
            what = fault.what + (" (the capture holds only its beginning)" if datagram.truncated else "")
            result.malformed.append(
                MalformedDatagram(locator.place, datagram.source, datagram.destination, what, offset)
            )

    # -- judging ------------------------------------------------------------------------------------------------------

    def _judge(
        self,
        placed: Placed,
        leg: Leg,
        message: SipMessage,
        datagram: Datagram,
        file: str,
        replayed: Replayed | None,
    ) -> None:
        locator = locator_of(datagram, file)
        if replayed is not None and replayed.decided is not None:
            attempt, decision = replayed.decided.attempt, replayed.decided.decision
            findings = tuple(self._finding(one, leg, locator, mode.value) for one, mode in decision.judgements)
            leg.decisions.append(DecidedInvite(locator.place, attempt, decision, findings))
            if placed.role is Role.INITIAL:
                leg.attempt = attempt
            return
        if replayed is not None and replayed.answer and placed.role is Role.INITIAL:
            leg.answer = replayed.answer
        if placed.role is not Role.INITIAL:
            return
        leg.attempt = self._attempt(leg, message, datagram, file)
        if leg.attempt is not None and self._judges.replay is None and not self._seen_before(placed.call, leg):
            judged = self._judges.engine.judge(leg.attempt)
            leg.findings = tuple(self._finding(finding, leg, locator, None) for finding in judged)

    def _attempt(self, leg: Leg, message: SipMessage, datagram: Datagram, file: str) -> CallAttempt | None:
        try:
            if not datagram.truncated:
                message.check()
            return attempt_of(
                message,
                at_us=datagram.at_us,
                source=datagram.source,
                ingress=None,
                find_provider=self._judges.find_provider.provider_of,
                emergency_numbers=self._judges.emergency_numbers,
            )
        except Malformed as fault:
            leg.malformed = fault.what
            self._malformed(fault, datagram, file)
            return None

    def _seen_before(self, call: AuditedCall, leg: Leg) -> bool:
        """Whether the very same INVITE was judged where it was captured first, on other addresses."""
        same = leg.same_hop_as
        return same is not None and call.legs[same - 1].payload_hash == leg.payload_hash

    def _finding(self, finding: Finding, leg: Leg, locator: Locator, mode: str | None) -> AuditedFinding:
        seen = tuple(self._placed(one, locator) for one in finding.evidence)
        return AuditedFinding(finding.check, finding.verdict, finding.clause, finding.text, leg.number, mode, seen)

    def _placed(self, evidence: Evidence, locator: Locator) -> PlacedEvidence:
        offset = locator.file_offset(evidence.offset) if evidence.offset >= 0 else None
        raw = evidence.raw[: self._limits.evidence_bytes]
        return PlacedEvidence(evidence.field, raw, len(evidence.raw), locator.place, offset)

    # -- closing a call -----------------------------------------------------------------------------------------------

    def _close(self, call: AuditedCall) -> None:
        for leg in call.legs:
            call.findings += leg.findings
            for made in leg.decisions:
                call.findings += made.findings
        for leg in call.legs[1:]:
            self._compare(call, leg)
        first = next((leg.attempt for leg in call.legs if leg.attempt is not None), None)
        if len(call.legs) == 1 and first is not None:
            why = "the call was captured on one leg only"
            finding = AuditedFinding(hops.CHECK, Verdict.NOT_JUDGED, hops.CLAUSE, why, 1, None, ())
            call.findings.append(finding)
        if first is not None:
            call.calling, call.called = _party(first.calling), _party(first.called)
        for leg in call.legs:
            leg.attempt = None  # the findings say what was found; decisions keep theirs
        call.why_not_judged = self._why_not_judged(call)
        self._count(call)
        listed = self._violating if call.violations else self._clean
        if len(listed) < self._limits.listed_calls:
            listed.append(call)

    def _compare(self, call: AuditedCall, leg: Leg) -> None:
        before = _leg_before(call.legs, leg)
        if before.attempt is None or leg.attempt is None:
            return
        for found in hops.compare_hop(before.attempt, leg.attempt):
            text = found.text
            if text:
                frames = f"frame {before.first.place.frame} against frame {leg.first.place.frame}"
                text = f"{_hop_name(before, leg)}: {text} ({frames})"
            seen = (
                *(self._placed(one, before.first) for one in found.before),
                *(self._placed(one, leg.first) for one in found.after),
            )
            call.findings.append(AuditedFinding(hops.CHECK, found.verdict, found.clause, text, leg.number, None, seen))

    def _why_not_judged(self, call: AuditedCall) -> str:
        if any(finding.check != hops.CHECK for finding in call.findings):
            return ""
        if not any(leg.initial for leg in call.legs):
            return "the capture does not hold the INVITE that opened it"
        unreadable = next((leg for leg in call.legs if leg.malformed), None)
        gateway = self._judges.gateway
        if gateway is None:
            return f"its INVITE is malformed: {unreadable.malformed}" if unreadable is not None else ""
        answered = next((leg for leg in call.legs if leg.answer), None)
        if answered is not None:
            return f"the gateway answers it before any check: {answered.answer}"
        return f"no leg of it enters the gateway at {address_text(gateway)}"

    def _count(self, call: AuditedCall) -> None:
        result = self._result
        result.call_count += 1
        if call.why_not_judged:
            result.calls_not_judged[call.why_not_judged] += 1
        for made in call.decisions:
            result.outcomes[made.decision.outcome.value] += 1
        for finding in call.findings:
            result.findings.setdefault(finding.check, Counter())[finding.verdict] += 1
            if finding.verdict is Verdict.NOT_JUDGED:
                whys = result.not_judged.setdefault(finding.check, Counter())
                whys[finding.text if finding.text in whys or len(whys) < 16 else "other reasons"] += 1


def _leg_before(legs: list[Leg], leg: Leg) -> Leg:
    """The leg on which the call came before this one: the same message elsewhere, else what led to its sender."""
    if leg.same_hop_as is not None:
        return legs[leg.same_hop_as - 1]
    earlier = legs[leg.number - 2 :: -1]  # latest first
    towards = next((one for one in earlier if one.destination == leg.source), None)
    return towards or next((one for one in earlier if one.destination[0] == leg.source[0]), earlier[0])


def _hop_name(before: Leg, leg: Leg) -> str:
    if leg.same_hop_as is not None:
        return f"between two points of one hop, {address_text(before.source)} and {address_text(leg.source)}"
    if before.destination == leg.source:
        return f"the hop {address_text(leg.source)}"
    return f"between {address_text(before.destination)} and {address_text(leg.source)}"


def _kind(message: SipMessage) -> str:
    """``INVITE``, ``200``: as the counts name it."""
    return str(message.status) if message.status else message.method[:32].decode("ascii", "replace")


def _party(fact: NumberFact) -> str:
    """The number, or the URI that carries none."""
    if fact.number is not None:
        return str(fact.number)
    try:
        raw = parse_name_addr(fact.raw).uri
    except Malformed:
        raw = fact.raw
    return raw[:256].decode("utf-8", "replace")


def _looks_like_sip(payload: bytes) -> bool:
    if payload.startswith(b"SIP/2.0 "):
        return True
    end = payload.find(b"\n", 0, 4_096)
    return end > 0 and payload[:end].rstrip(b"\r").endswith(b" SIP/2.0")


def _padded(datagram: Datagram) -> bytes:
    """A datagram that the capture cut in its body, made as long as it was: the gateway got all of it.

    No check reads the body, so that its decision is the same.
    """
    payload = datagram.payload
    try:
        message = SipMessage(payload)
        length = message.value(headers.CONTENT_LENGTH)
    except Malformed:
        return payload
    if length is None or not length.isdigit() or len(length) > 5:
        return payload
    return payload.ljust(message.body_offset + int(length), b"\0")
