"""The calls of a capture: the legs on which each was seen, their messages, and what was found of them.

A SIP leg is a pair of addresses on which an initial INVITE of the call was seen, an ISUP leg one use of a circuit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from gateway.capture.iam_facts import IamFacts
from gateway.capture.reassembly import Piece
from gateway.interconnection.trunk_groups import Address
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.verdict import Decision, Verdict

if TYPE_CHECKING:
    from gateway.capture.circuit_use import CircuitUse
    from gateway.capture.msu import Msu
    from gateway.capture.udp import Datagram


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
    text_end: int
    """Up to this byte of it the message is of characters: of SIP its header, of ISUP nothing."""

    def file_offset(self, offset: int) -> int:
        """Byte offset in the file of byte `offset` of the message."""
        for start, at, length in self.pieces:
            if offset < start + length:
                return at + offset - start
        return self.base + offset


def locator_of(captured: Datagram | Msu, file: str, text_end: int = 0) -> Locator:
    """Where a message stands of which the first `text_end` bytes are characters."""
    return Locator(Place(file, captured.frame, captured.at_us), captured.offset, captured.pieces, text_end)


class Role(Enum):
    """What a message is to its call."""

    INITIAL = "initial INVITE"  # the first on its leg
    REPEATED_INVITE = "INVITE again"  # with another CSeq: with credentials, or as a new attempt
    ANSWER = "answer"  # a response to one of these, provisional or final
    IN_DIALOG = "in dialog"
    COPY = "copy"  # the same packet captured twice
    RETRANSMISSION = "retransmission"
    INITIAL_IAM = "initial IAM"  # seizes a circuit
    ON_CIRCUIT = "on the circuit"  # any other message of ISUP while its circuit is in use


class Message(NamedTuple):
    """One message of a leg, as the report lists it."""

    place: Place
    name: str
    """``INVITE``, ``200 INVITE``, ``IAM``."""
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
    is_text: bool = True
    """The bytes are characters; those of an ISUP parameter are not, also in the body of a SIP message."""


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
    """An INVITE or an IAM that the gateway decides."""

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
    """A pair of addresses on which a call was set up, or a circuit that it had."""

    number: int
    source: Address
    """Of a circuit: originating point code as text, and CIC."""
    destination: Address
    """Of a circuit: destination point code as text, and CIC."""
    branch: bytes
    """Topmost Via of the first INVITE: its branch and sent-by. Empty for a circuit."""
    first: Locator
    """Of the first INVITE, or of the IAM."""
    payload_hash: int
    attempt: CallAttempt | None = None
    """The facts of the first INVITE, or of the IAM; None where they could not be read."""
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
    over: bool = False
    """A BYE, a CANCEL or the ACK of a final response was seen on it, whether or not the capture holds a response."""
    findings: tuple[AuditedFinding, ...] = ()
    """What its first INVITE says of itself, where no gateway decides it."""
    decisions: list[DecidedInvite] = field(default_factory=list)
    answer: str = ""
    """What the gateway answered by itself without deciding: ``483 Too Many Hops``."""
    malformed: str = ""
    """Why the INVITE or IAM could not be judged."""
    facts: IamFacts | None = None
    """What its IAM says, once the call is closed; None for SIP, and for an IAM that cannot be read."""
    circuit: CircuitUse | None = None
    """The circuit, and how its use went; None for SIP."""


@dataclass(slots=True)
class AuditedCall:
    """One Call-ID with at least one INVITE, one use of a circuit, or several of these that are one call."""

    call_id: str
    """Of a call that came on a circuit the one that a gateway would make of it."""
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


def address_text(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
