"""What the engine says of a call: verdicts, findings with their evidence, and the decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from gateway.interconnection.trunk_groups import Mode, TrunkGroup


class Verdict(Enum):
    """The outcome of one check. `violation` says whether it breaks the agreement."""

    PASS = "PASS"
    PASS_NORMALISED = "PASS_NORMALISED"  # the same number, spelt in two equivalent ways
    EXEMPT = "EXEMPT"  # outside the rule, by a paragraph that the finding names
    WARN = "WARN"
    NOT_JUDGED = "NOT_JUDGED"  # the data that the check needs is not there; the finding says which
    ALTERED = "ALTERED"
    MISSING = "MISSING"
    FABRICATED = "FABRICATED"
    OUTSIDE = "OUTSIDE"  # the destination is not in the switch's LERG area
    MISMATCH = "MISMATCH"  # the calling code is not the provider's
    UNCONFIRMED = "UNCONFIRMED"  # the provider is not admitted
    DISCONTINUED = "DISCONTINUED"  # the provider, or all of its partner, is discontinued at the time
    OVER_LIMIT = "OVER_LIMIT"
    WRONG_TRUNK_GROUP = "WRONG_TRUNK_GROUP"
    NO_CIRCUIT = "NO_CIRCUIT"  # nobody's breach: the trunk group has no room, or no member in service
    ERROR = "ERROR"  # the check itself failed

    @property
    def violation(self) -> bool:
        return self in _VIOLATIONS


_VIOLATIONS = frozenset(
    {
        Verdict.ALTERED,
        Verdict.MISSING,
        Verdict.FABRICATED,
        Verdict.OUTSIDE,
        Verdict.MISMATCH,
        Verdict.UNCONFIRMED,
        Verdict.DISCONTINUED,
        Verdict.OVER_LIMIT,
        Verdict.WRONG_TRUNK_GROUP,
        Verdict.ERROR,
    }
)


class Refusal(NamedTuple):
    """How a refusal is said on the wire."""

    status: int
    """SIP status code."""
    phrase: str
    """SIP reason phrase."""
    cause: int
    """Q.850 cause value, for the Reason header (RFC 3326) and for ISUP REL."""
    retry_after_s: int | None = None


class Evidence(NamedTuple):
    """Where in the message a fact stands."""

    field: str
    """Header or message part, as the RFC names it: ``From``, ``P-Asserted-Identity``, ``Request-URI``."""
    raw: bytes
    """The bytes as received."""
    offset: int
    """Byte offset of `raw` in the message (the UDP payload, not the frame)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's word on one call."""

    check: str
    verdict: Verdict
    clause: str
    """The clause or paragraph it rests on: ``L9``, ``47 CFR 64.1601(a)``."""
    text: str = ""
    """For a person: what was seen and what it breaks. Empty on PASS."""
    evidence: tuple[Evidence, ...] = ()
    refusal: Refusal | None = None
    """How to refuse the call if this finding is enforced. Every violation carries one."""


class Outcome(Enum):
    ADMIT = "ADMIT"
    REFUSE = "REFUSE"
    DIVERT = "DIVERT"  # admitted, on a dedicated group or the emergency route in place of the default group


class Judgement(NamedTuple):
    """A finding and the mode in which its check was run."""

    finding: Finding
    mode: Mode

    @property
    def enforced(self) -> bool:
        return self.mode is Mode.ENFORCE and self.finding.verdict.violation


class Decision(NamedTuple):
    """The engine's decision on one call."""

    outcome: Outcome
    egress: TrunkGroup | None
    """Where the call leaves; None when it is refused."""
    findings: tuple[Finding, ...]
    """One for each check that was run, in the engine's order."""
    modes: tuple[Mode, ...]
    """The mode of each of them."""
    refused_by: Finding | None = None
    """The first enforced violation, for REFUSE."""
    emergency: bool = False

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """Each finding with the mode in which its check was run."""
        return tuple(Judgement(finding, mode) for finding, mode in zip(self.findings, self.modes, strict=True))
