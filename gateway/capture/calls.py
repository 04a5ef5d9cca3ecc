"""The calls of a capture: which messages belong to one Call-ID, and on which legs they were seen.

A leg is a pair of addresses on which an initial INVITE of the call was seen. Everything else of the call is laid to the
leg between the same two addresses, in either direction.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

from gateway.capture.limits import LEG_BYTES, AuditLimits
from gateway.capture.reassembly import Piece
from gateway.capture.udp import Datagram
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, Via, headers, parse_via, tag_of
from gateway.interconnection.trunk_groups import Address
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.verdict import Decision, Verdict

COPY_WITHIN_US: Final = 100_000
"""Equal bytes on one pair within this time are a copy where the IP identification does not say; RFC 3261's first
retransmission comes after 500 ms."""


class Place(NamedTuple):
    """A datagram of a capture."""

    file: str
    frame: int
    at_us: int


class Locator(NamedTuple):
    """Where in its file the bytes of a message stand, without the bytes."""

    place: Place
    base: int
    pieces: tuple[Piece, ...]

    def file_offset(self, offset: int) -> int:
        """Byte offset in the file of byte `offset` of the message."""
        for start, at, length in self.pieces:
            if offset < start + length:
                return at + offset - start
        return self.base + offset


def locator_of(datagram: Datagram, file: str) -> Locator:
    return Locator(Place(file, datagram.frame, datagram.at_us), datagram.offset, datagram.pieces)


class Role(Enum):
    """What a message is to its call."""

    INITIAL = "initial INVITE"  # the first on its leg
    REPEATED_INVITE = "INVITE again"  # with another CSeq: with credentials, or as a new attempt
    ANSWER = "answer"  # a response to one of these, provisional or final
    IN_DIALOG = "in dialog"
    COPY = "copy"  # the same packet captured twice
    RETRANSMISSION = "retransmission"


class Message(NamedTuple):
    """One message of a leg, as the report lists it."""

    place: Place
    name: str
    """Method, or status code and phrase."""
    forward: bool
    """From the leg's source to its destination."""
    role: Role


class PlacedEvidence(NamedTuple):
    """Evidence with its place in a capture file."""

    field: str
    raw: bytes
    """The bytes, at most `AuditLimits.evidence_bytes` of them."""
    length: int
    """How many there are in the message."""
    place: Place
    offset: int | None
    """Byte offset in the capture file; None where the field has no bytes of its own."""


@dataclass(frozen=True, slots=True)
class AuditedFinding:
    """One check's word on one leg, or on the hop that leads to it."""

    check: str
    verdict: Verdict
    clause: str
    text: str
    leg: int
    """Number of the leg, from 1."""
    mode: str | None
    """Mode of the check on the ingress trunk group; None where nothing is enforced."""
    evidence: tuple[PlacedEvidence, ...]


@dataclass(frozen=True, slots=True)
class DecidedInvite:
    """An INVITE that the gateway decides."""

    place: Place
    attempt: CallAttempt
    decision: Decision
    findings: tuple[AuditedFinding, ...]
    """The decision's findings, with their places in the capture."""


class FinalResponse(NamedTuple):
    """How an INVITE was answered, as the capture shows it."""

    place: Place
    status: int
    phrase: str

    def __str__(self) -> str:
        return f"{self.status} {self.phrase}"


@dataclass(slots=True)
class Leg:
    """A pair of addresses on which a call was set up."""

    number: int
    source: Address
    destination: Address
    branch: bytes
    """Topmost Via of the first INVITE: its branch and sent-by."""
    first: Locator
    """Of the first INVITE."""
    payload_hash: int
    attempt: CallAttempt | None = None
    """The facts of the first INVITE; None where they could not be read."""
    same_hop_as: int | None = None
    """Number of the leg whose INVITE this is too, captured where the addresses were others (NAT)."""
    cseq: int = -1
    """CSeq number of the latest initial INVITE; -1 where it cannot be read."""
    initial: bool = True
    """False: the capture holds only INVITEs inside the dialog."""
    messages: list[Message] = field(default_factory=list)
    total: int = 0
    """Messages of the leg, listed or not."""
    copies: int = 0
    retransmissions: int = 0
    invites_again: int = 0
    """Initial INVITEs with another CSeq: with credentials after a 401 or 407, or as a new attempt."""
    final: FinalResponse | None = None
    """The final response to the call's INVITE; of a call that was tried again, the last one's."""
    findings: tuple[AuditedFinding, ...] = ()
    """What its first INVITE says of itself, where no gateway decides it."""
    decisions: list[DecidedInvite] = field(default_factory=list)
    answer: str = ""
    """What the gateway answered by itself without deciding: ``483 Too Many Hops``."""
    malformed: str = ""
    """Why the INVITE could not be judged."""


@dataclass(slots=True)
class AuditedCall:
    """One Call-ID with at least one INVITE."""

    call_id: str
    started: Place
    calling: str = ""
    called: str = ""
    legs: list[Leg] = field(default_factory=list)
    findings: list[AuditedFinding] = field(default_factory=list)
    """Of every leg and of the hops between them; complete when the call is closed."""
    disagreements: list[str] = field(default_factory=list)
    """Where the far end, a captured gateway or switch, answered otherwise than this audit decides: by another
    configuration or none, or another state of the limits before the capture began."""
    why_not_judged: str = ""
    elsewhere: int = 0
    """Messages of the call on no leg's pair of addresses."""
    legs_not_held: int = 0
    decisions_not_held: int = 0
    followed_bytes: int = 0

    @property
    def decisions(self) -> list[DecidedInvite]:
        """Every decision of the gateway on the call, in the order in which they were made."""
        return sorted((made for leg in self.legs for made in leg.decisions), key=lambda made: made.place.at_us)

    @property
    def violations(self) -> list[AuditedFinding]:
        return [finding for finding in self.findings if finding.verdict.violation]


class Placed(NamedTuple):
    """Where a message belongs."""

    call: AuditedCall
    leg: Leg | None
    """None where it was seen on no leg's pair of addresses."""
    role: Role


@dataclass(slots=True)
class _Seen:
    """When a message was last seen, to tell copies and retransmissions."""

    at_us: int
    identification: int | None


class _Followed:
    """A call while its messages are still looked for."""

    __slots__ = ("by_pair", "call", "seen")

    def __init__(self, call: AuditedCall) -> None:
        self.call = call
        self.by_pair: dict[tuple[Address, Address], Leg] = {}
        self.seen: dict[tuple[int, Address, Address], _Seen] = {}


class CallTable:
    """Follows calls by their Call-ID. Memory is bounded by `AuditLimits`; the oldest call is closed first."""

    def __init__(self, limits: AuditLimits) -> None:
        self._limits = limits
        self._followed: OrderedDict[bytes, _Followed] = OrderedDict()
        self._followed_bytes = 0
        self._compared = 0
        self._listed = 0
        self.counts: Counter[Role] = Counter()

    def place(self, message: SipMessage, datagram: Datagram, file: str) -> Placed | None:
        """Where a message belongs; None where it is of no call.

        Raises `Malformed` where Call-ID, To, or the Via or CSeq that are needed cannot be read.
        """
        call_id = message.required(headers.CALL_ID)
        number, method = message.cseq() if message.status else (0, message.method)
        followed = self._followed.get(call_id)
        is_invite = message.method == b"INVITE"
        opens = is_invite and not tag_of(message.required(headers.TO))
        via = parse_via(message.required(headers.VIA)) if is_invite else None
        if followed is None:
            if not is_invite:
                return None
            started = Place(file, datagram.frame, datagram.at_us)
            followed = _Followed(AuditedCall(call_id.decode("utf-8", "replace"), started))
            self._followed[call_id] = followed
        pair = (datagram.source, datagram.destination)
        leg = followed.by_pair.get(pair)
        new = False
        if via is not None and opens and (leg is None or not leg.initial):
            leg = self._new_leg(followed, via, datagram, file, initial=True)
            new = leg is not None
        elif via is not None and not followed.call.legs:
            leg = self._new_leg(followed, via, datagram, file, initial=False)
        answers = False
        if leg is None:
            leg = followed.by_pair.get(pair[::-1])
            answers = leg is not None and message.status > 0 and (number, method) == (leg.cseq, b"INVITE")
        role = self._role(followed, datagram, leg, new=new, opens=opens, answers=answers)
        self.counts[role] += 1
        if leg is not None and role in (Role.INITIAL, Role.REPEATED_INVITE):
            leg.cseq = _sequence_number(message)
        if leg is None:
            followed.call.elsewhere += 1
        else:
            self._add(leg, message, method, datagram, file, role)
        return Placed(followed.call, leg, role)

    def overflow(self) -> list[AuditedCall]:
        """The calls that must be closed for the bounds to hold, oldest first. They are not followed any more."""
        limits, closed = self._limits, []
        while len(self._followed) > limits.calls or (
            self._followed_bytes > limits.followed_bytes and len(self._followed) > 1
        ):
            closed.append(self._close())
        return closed

    def rest(self) -> list[AuditedCall]:
        """Every call that is still followed, oldest first. None is followed any more."""
        return [self._close() for _ in range(len(self._followed))]

    def _close(self) -> AuditedCall:
        followed = self._followed.popitem(last=False)[1]
        self._followed_bytes -= followed.call.followed_bytes
        self._compared -= len(followed.seen)
        return followed.call

    def _new_leg(self, followed: _Followed, via: Via, datagram: Datagram, file: str, *, initial: bool) -> Leg | None:
        call = followed.call
        if len(call.legs) >= self._limits.legs:
            call.legs_not_held += 1
            return None
        branch = via.branch + b" " + via.sent_by
        leg = Leg(
            len(call.legs) + 1,
            datagram.source,
            datagram.destination,
            branch,
            locator_of(datagram, file),
            hash(datagram.payload),
            initial=initial,
        )
        leg.same_hop_as = next((other.number for other in call.legs if via.branch and other.branch == branch), None)
        call.legs.append(leg)
        followed.by_pair[datagram.source, datagram.destination] = leg
        call.followed_bytes += len(datagram.payload) + LEG_BYTES
        self._followed_bytes += len(datagram.payload) + LEG_BYTES
        return leg

    def _role(
        self, followed: _Followed, datagram: Datagram, leg: Leg | None, *, new: bool, opens: bool, answers: bool
    ) -> Role:
        key = (hash(datagram.payload), datagram.source, datagram.destination)
        seen = followed.seen.get(key)
        if seen is not None:
            return _repetition(seen, datagram)
        limits = self._limits
        if len(followed.seen) < limits.messages * len(followed.call.legs) and self._compared < limits.all_messages:
            self._compared += 1
            followed.seen[key] = _Seen(datagram.at_us, datagram.identification)
        if new:
            return Role.INITIAL
        if leg is not None and opens:
            return Role.REPEATED_INVITE
        return Role.ANSWER if answers else Role.IN_DIALOG

    def _add(self, leg: Leg, message: SipMessage, method: bytes, datagram: Datagram, file: str, role: Role) -> None:
        leg.total += 1
        leg.copies += role is Role.COPY
        leg.retransmissions += role is Role.RETRANSMISSION
        leg.invites_again += role is Role.REPEATED_INVITE
        if len(leg.messages) < self._limits.messages and self._listed < self._limits.all_messages:
            self._listed += 1
            place = Place(file, datagram.frame, datagram.at_us)
            name = message_name(message, method)
            leg.messages.append(Message(place, name, datagram.source == leg.source, role))
        answered = leg.final is not None and leg.final.status < 300  # what comes later answers a re-INVITE
        if message.status >= 200 and method == b"INVITE" and not answered:
            start_line = message.data[12 : message.data.find(b"\r\n")]
            place = Place(file, datagram.frame, datagram.at_us)
            leg.final = FinalResponse(place, message.status, start_line[:256].decode("utf-8", "replace"))


def _repetition(seen: _Seen, datagram: Datagram) -> Role:
    """The same bytes on the same way again: captured twice, or sent twice."""
    known = seen.identification, datagram.identification
    if known[0] and known[1]:
        copy = known[0] == known[1]
    else:
        copy = abs(datagram.at_us - seen.at_us) < COPY_WITHIN_US
    if not copy:
        seen.at_us, seen.identification = datagram.at_us, datagram.identification
    return Role.COPY if copy else Role.RETRANSMISSION


def _sequence_number(message: SipMessage) -> int:
    """Of an INVITE whose place does not depend on it: what is wrong with it is said when the INVITE is judged."""
    try:
        return message.cseq()[0]
    except Malformed:
        return -1


def message_name(message: SipMessage, method: bytes) -> str:
    """``INVITE``, or ``200 INVITE`` for a response."""
    name = method.decode("ascii", "replace")
    return f"{message.status} {name}" if message.status else name


def address_text(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
