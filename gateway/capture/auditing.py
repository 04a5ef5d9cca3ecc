"""The audit: everything of the captures in, in the order of time; the calls with what was found of each out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import TYPE_CHECKING, Final

from gateway.capture.audit_result import AuditResult
from gateway.capture.calls import Leg, Role, locator_of
from gateway.capture.faults import FaultKind
from gateway.capture.followed_calls import FollowedCalls, Placed
from gateway.capture.judging import Judges, Judging
from gateway.capture.limits import AuditLimits
from gateway.capture.reader import CaptureReader
from gateway.capture.sip_calls import SipCalls
from gateway.capture.udp import Datagram
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers
from gateway.interconnection.trunk_groups import Address, Hop
from gateway.policy.call_attempt import CallAttempt

if TYPE_CHECKING:
    from gateway.capture.auditing_isup import IsupAuditor
    from gateway.capture.gateway_replay import Replayed
    from gateway.capture.sigtran import Ss7

SIP_PORT: Final = 5060
EMPTY_LINES: Final = b"\r\n\x00 \t"
"""What a datagram is made of that only keeps a path open (RFC 5626 section 3.5.1)."""
INCOMPLETE: Final = frozenset({FaultKind.TRUNCATED_FILE, FaultKind.BAD_RECORD, FaultKind.UNKNOWN_LINK})
"""Damage after which an unknown part of a file is missing from the audit."""


def audit_readers(readers: Sequence[CaptureReader], judges: Judges, limits: AuditLimits | None = None) -> AuditResult:
    """Audit captures as one: their messages in order of time, those of one file in the file's order.

    Whatever the bytes are, nothing is raised by them. An OSError of a stream is not caught.
    """
    auditor = Auditor(judges, limits or AuditLimits())
    streams = [_captured(reader) for reader in readers]
    for captured, file in streams[0] if len(streams) == 1 else merge(*streams, key=lambda pair: pair[0].at_us):
        auditor.take(captured, file)
    return auditor.finish(readers)


def _captured(reader: CaptureReader) -> Iterator[tuple[Datagram | Ss7, str]]:
    for captured in reader:
        yield captured, reader.name


class Auditor:
    """Takes what was captured one by one. `finish` gives the result."""

    def __init__(self, judges: Judges, limits: AuditLimits) -> None:
        self._judges: Final = judges
        self._judging: Final = Judging(judges, limits)
        self._result: Final = self._judging.result
        self._calls: Final = FollowedCalls(limits)
        self._sip_calls: Final = SipCalls(self._calls)
        self._isup: IsupAuditor | None = None

    def take(self, captured: Datagram | Ss7, file: str) -> None:
        """The next datagram or SS7 message, in order of time."""
        if isinstance(captured, Datagram):
            self._take_datagram(captured, file)
            return
        if self._isup is None:
            from gateway.capture.auditing_isup import IsupAuditor  # loads the codecs of SS7: only where there is some

            self._isup = IsupAuditor(self._judging, self._calls)
        self._isup.take(captured, file)
        for call in self._calls.overflow():
            self._judging.close(call)

    def finish(self, readers: Iterable[CaptureReader]) -> AuditResult:
        """The result. Call it once, after the last message."""
        for call in self._calls.rest():
            self._judging.close(call)
        result = self._result
        result.roles = self._calls.counts
        result.calls = self._judging.listed()
        if self._isup is not None:
            result.one_direction = self._isup.one_direction()
        for reader in readers:
            result.packets += reader.packets
            result.faults += reader.faults
            result.fault_count += reader.fault_counts.total()
            result.other += reader.other
            result.variants += reader.variants
            result.incomplete |= any(reader.fault_counts[kind] for kind in INCOMPLETE)
            if reader.packets and reader.other.total() >= reader.packets:
                kinds = ", ".join(f"{count} {kind}" for kind, count in reader.other.most_common(3))
                result.notes.append(f"{reader.name}: neither UDP nor SS7 in it: {kinds}")
                result.incomplete |= all(kind.startswith("link type") for kind in reader.other)
        return result

    # -- SIP ----------------------------------------------------------------------------------------------------------

    def _take_datagram(self, datagram: Datagram, file: str) -> None:
        replay = self._judges.replay
        replayed = None
        if replay is not None:
            payload = _padded(datagram) if datagram.truncated else datagram.payload
            replayed = replay.see(payload, datagram.source, datagram.destination, datagram.at_us)
        message = self._sip(datagram, file)
        if message is None:
            return
        try:
            found = self._sip_calls.place(message, datagram, file)
        except Malformed as fault:
            self._malformed(fault, datagram, file)
            return
        if found is None:
            self._judging.count_message(self._result.of_no_call, _kind(message))
            return
        self._judge(found, message, datagram, file, replayed)

    def _judge(
        self, found: Placed, message: SipMessage, datagram: Datagram, file: str, replayed: Replayed | None
    ) -> None:
        """Decide what the gateway decides, and read the facts of a leg's first INVITE."""
        decided = replayed.decided if replayed is not None else None
        leg, opens = found.leg, found.role is Role.INITIAL
        if opens and leg is not None and self._isup is not None:
            attempt = decided.attempt if decided is not None else self._attempt(leg, message, datagram, file)
            leg.attempt = attempt
            if attempt is not None:
                found = self._isup.joined(found, leg, attempt)
        if decided is not None:
            self._judging.decided(found, decided, locator_of(datagram, file, message.body_offset), opens=opens)
        elif leg is not None and replayed is not None and replayed.overruled and leg.decisions:
            self._judging.overruled(leg, replayed.answer)
        if leg is not None and opens:
            if replayed is not None and replayed.answer:
                leg.answer = replayed.answer
            if not leg.decisions and self._isup is None:
                leg.attempt = self._attempt(leg, message, datagram, file)
            for call in self._calls.overflow():
                self._judging.close(call)

    def _sip(self, datagram: Datagram, file: str) -> SipMessage | None:
        """The SIP message of a datagram; None, counted, where it is none."""
        payload, result = datagram.payload, self._result
        if not looks_like_sip(payload):
            ends = (datagram.source, datagram.destination)
            if not self._is_gateways(ends) and SIP_PORT not in (ends[0][1], ends[1][1]):
                result.other["UDP, not SIP"] += 1
                return None
            if not payload.strip(EMPTY_LINES):
                result.other["keep-alives on SIP ports"] += 1
                return None
        try:
            message = SipMessage(payload)
        except Malformed as fault:
            self._malformed(fault, datagram, file)
            return None
        self._judging.count_message(result.messages, _kind(message))
        return message

    def _is_gateways(self, ends: tuple[Address, Address]) -> bool:
        gateway = self._judges.gateway
        return gateway is not None and gateway.address in ends

    def _malformed(self, fault: Malformed, datagram: Datagram, file: str) -> None:
        locator = locator_of(datagram, file)
        offset = locator.file_offset(min(fault.offset, max(len(datagram.payload) - 1, 0)))
        what = fault.what + (" (the capture holds only its beginning)" if datagram.truncated else "")
        self._judging.malformed(locator.place, datagram.source, datagram.destination, what, offset)

    def _attempt(self, leg: Leg, message: SipMessage, datagram: Datagram, file: str) -> CallAttempt | None:
        from gateway.signalling.sip_attempt import attempt_of  # what reads SIP is not loaded for a capture of SS7 alone

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


def _kind(message: SipMessage) -> str:
    """Method, or status code."""
    return str(message.status) if message.status else message.method[:32].decode("ascii", "replace")


def looks_like_sip(payload: bytes) -> bool:
    """Whether a datagram begins as a message of SIP does."""
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
