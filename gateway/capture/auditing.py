"""The audit: every datagram of the captures in, in the order of time; the calls with what was found of each out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from typing import Final

from gateway.capture.audit_result import AuditResult, MalformedDatagram
from gateway.capture.calls import (
    AuditedCall,
    AuditedFinding,
    CallTable,
    DecidedInvite,
    Leg,
    Locator,
    Placed,
    Role,
    locator_of,
)
from gateway.capture.closing import close, enters, placed
from gateway.capture.faults import FaultKind
from gateway.capture.gateway_replay import GatewayReplay
from gateway.capture.limits import AuditLimits
from gateway.capture.reader import CaptureReader
from gateway.capture.udp import Datagram
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers
from gateway.interconnection.trunk_groups import Address, Hop
from gateway.policy.attribution import ProviderFinder
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.engine import Engine
from gateway.policy.facts import NO_TRUNK_GROUP
from gateway.policy.verdict import Finding, Verdict
from gateway.signalling.call import Call
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
    why_no_trunk_group: str
    """Why a call that no gateway decides came on no trunk group, and what to do about it."""
    replay: GatewayReplay | None = None
    """Decides the calls that enter the gateway. Every leg of any other call is judged by what its INVITE says of
    itself; with None, every leg of every call."""
    gateway: Address | None = None
    """Where the gateway of `replay` listened."""


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
        self._listed_legs: Final = [0, 0]  # of violating and of clean calls

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
            found = self._table.place(message, datagram, file)
        except Malformed as fault:
            self._malformed(fault, datagram, file)
            return
        if found is None:
            self._add(self._result.of_no_call, message)
        elif replayed is not None and replayed.decided is not None:
            self._decided(found, replayed.decided, locator_of(datagram, file))
        elif found.leg is None:
            return
        elif replayed is not None and replayed.overruled and found.leg.decisions:
            self._result.outcomes[found.leg.decisions.pop().decision.outcome.value] -= 1
            found.leg.answer = replayed.answer
        if found is not None and found.leg is not None and found.role is Role.INITIAL:
            if replayed is not None and replayed.answer:
                found.leg.answer = replayed.answer
            if not found.leg.decisions:
                found.leg.attempt = self._attempt(found.leg, message, datagram, file)
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
        self._add(result.messages, message)
        return message

    def _add(self, counts: Counter[str], message: SipMessage) -> None:
        kind = str(message.status) if message.status else message.method[:32].decode("ascii", "replace")
        counts[kind if kind in counts or len(counts) < self._limits.kinds else "other methods"] += 1

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

    def _decided(self, found: Placed, call: Call, locator: Locator) -> None:
        """The gateway decides this INVITE."""
        leg, decision = found.leg, call.decision
        self._result.outcomes[decision.outcome.value] += 1
        number = leg.number if leg is not None else 0
        findings = tuple(self._finding(one, number, locator, mode.value) for one, mode in decision.judgements)
        if leg is None or len(leg.decisions) >= self._limits.decisions:
            found.call.decisions_not_held += 1
            for finding in findings:
                self._result.count_finding(finding)
            return
        leg.decisions.append(DecidedInvite(locator.place, call.attempt, decision, findings))
        if found.role is Role.INITIAL:
            leg.attempt = call.attempt

    def _judge(self, leg: Leg, attempt: CallAttempt) -> None:
        """The first INVITE of a leg by what it says of itself: it came on no trunk group that is known."""
        judged = (self._said_why(finding) for finding in self._judges.engine.judge(attempt))
        leg.findings = tuple(self._finding(finding, leg.number, leg.first, None) for finding in judged)

    def _said_why(self, finding: Finding) -> Finding:
        """A check can only say that it knows no trunk group; the audit knows why."""
        if finding.verdict is Verdict.NOT_JUDGED and finding.text == NO_TRUNK_GROUP:
            return replace(finding, text=self._judges.why_no_trunk_group)
        return finding

    def _attempt(self, leg: Leg, message: SipMessage, datagram: Datagram, file: str) -> CallAttempt | None:
        try:
            if not datagram.truncated:
                message.check()
            return attempt_of(
                message,
                at_us=datagram.at_us,
                source=Hop(*datagram.source),
                ingress=None,
                find_provider=self._judges.find_provider.provider_of,
                emergency_numbers=self._judges.emergency_numbers,
            )
        except Malformed as fault:
            leg.malformed = fault.what
            self._malformed(fault, datagram, file)
            return None

    def _finding(self, finding: Finding, leg: int, locator: Locator, mode: str | None) -> AuditedFinding:
        seen = placed(finding.evidence, locator, self._limits.evidence_bytes)
        return AuditedFinding(finding.check, finding.verdict, finding.clause, finding.text, leg, mode, seen)

    # -- closing a call -----------------------------------------------------------------------------------------------

    def _close(self, call: AuditedCall) -> None:
        if not enters(call, self._judges.gateway):  # known only now: a later leg may be the one
            for leg in call.legs:
                if leg.attempt is not None and not _seen_before(call, leg):
                    self._judge(leg, leg.attempt)
        close(call, self._judges.gateway, self._limits.evidence_bytes)
        self._result.count(call)
        listed, legs = (self._violating, 0) if call.violations else (self._clean, 1)
        if self._listed_legs[legs] + len(call.legs) <= self._limits.listed_legs:
            self._listed_legs[legs] += len(call.legs)
            listed.append(call)


def _seen_before(call: AuditedCall, leg: Leg) -> bool:
    """Whether the very same INVITE was judged where it was captured first, on other addresses."""
    same = leg.same_hop_as
    return same is not None and call.legs[same - 1].payload_hash == leg.payload_hash


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
