"""The row of a call: its table, how a call becomes one, and how one is read back.

This is the part of a call record that costs the gateway's processor, so `row_of` is written for speed: one tuple, no
intermediate objects, and JSON only for findings that say something.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, Mode, Side, TrunkGroup
from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.verdict import Decision, Finding, Verdict
from gateway.records.database import Schema
from gateway.signalling.call import Call

COLUMNS = (
    "at_us",
    "call_id",
    "trunk_group_in",
    "trunk_group_out",
    "partner_ocn",
    "provider_ocn",
    "provider_source",
    "calling",
    "called",
    "routing_number",
    "outcome",
    "refused_by",
    "clause",
    "verdict",
    "findings",
    "emergency",
    "progressed_at_us",
    "answered_at_us",
    "ended_at_us",
    "final_status",
    "ended_by",
    "egress_member",
)

SCHEMA = Schema(
    content="call records",
    application_id=0x746C6772,  # "tlgr"
    # No index beside the row number: each would cost a third of the insert again. Rows come in the order of the calls'
    # ends, so a scan that follows the row number reads the disk in order.
    steps=(
        (
            """
            CREATE TABLE calls (
                id INTEGER PRIMARY KEY,
                at_us INTEGER NOT NULL,
                call_id TEXT NOT NULL,
                trunk_group_in TEXT,
                trunk_group_out TEXT,
                partner_ocn TEXT,
                provider_ocn TEXT,
                provider_source TEXT NOT NULL,
                calling TEXT,
                called TEXT,
                routing_number TEXT,
                outcome TEXT NOT NULL,
                refused_by TEXT,
                clause TEXT,
                verdict TEXT,
                findings TEXT,
                emergency INTEGER NOT NULL,
                progressed_at_us INTEGER,
                answered_at_us INTEGER,
                ended_at_us INTEGER,
                final_status INTEGER,
                ended_by TEXT
            )
            """,
        ),
        ("ALTER TABLE calls ADD COLUMN egress_member TEXT",),
    ),
)

Row = tuple[str | int | None, ...]
"""Values in the order of `COLUMNS`."""

EVIDENCE_BYTES = 1_024
"""Longer evidence is cut; `RecordedEvidence.length` keeps its true length."""


@dataclass(frozen=True, slots=True)
class RecordedEvidence:
    field: str
    offset: int
    """Byte offset in the message (the UDP payload)."""
    length: int
    """Bytes of the field's value in the message."""
    raw: bytes | None
    """The value, or its first `EVIDENCE_BYTES`; None where numbers are masked."""


@dataclass(frozen=True, slots=True)
class RecordedFinding:
    """One check's word on the call, other than PASS."""

    check: str
    verdict: str
    clause: str
    mode: str
    text: str
    evidence: tuple[RecordedEvidence, ...]


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call as it was recorded. Times are microseconds since the Unix epoch; None for what did not happen."""

    id: int
    """Grows with the order in which calls ended."""
    at_us: int
    call_id: str
    trunk_group_in: str | None
    trunk_group_out: str | None
    partner_ocn: str | None
    """The carrier responsible for the call: the partner on whose trunks it came or left (L2)."""
    provider_ocn: str | None
    provider_source: str
    """How the provider was learnt: ``calling LRN``, ``none`` ..."""
    calling: str | None
    """Canonical digits; None where the field carries no number."""
    called: str | None
    routing_number: str | None
    outcome: str
    refused_by: str | None
    """Check whose finding refused the call; `clause` and `verdict` are that finding's."""
    clause: str | None
    verdict: str | None
    findings: tuple[RecordedFinding, ...]
    emergency: bool
    progressed_at_us: int | None
    answered_at_us: int | None
    ended_at_us: int | None
    final_status: int | None
    ended_by: str | None
    """None where its end is not known."""
    egress_member: str | None
    """Member of the egress trunk group that had the call, ``udp:192.0.2.20:5060``: the one tried last."""


def mask_digits(digits: str) -> str:
    """``3145550100`` as ``314555xxxx``. Numbers of fewer than seven digits name a service, not a person, and stay."""
    return f"{digits[:-4]}xxxx" if len(digits) >= 7 else digits


_NUMBER_IN_TEXT = re.compile(r"(\d(?:[-.() ]{0,2}\d){2,})([-.() ]{0,2}\d){4}")


def mask_text(text: str) -> str:
    """The same for every run of seven or more digits in a text, with or without separators."""
    return _NUMBER_IN_TEXT.sub(r"\1xxxx", text)


class RowMaker:
    """Makes rows of calls. For one thread."""

    def __init__(self, *, mask_numbers: bool) -> None:
        self._mask = mask_numbers
        self._without_evidence: dict[tuple[int, int], tuple[Finding, str]] = {}
        self._addresses: dict[Hop, str] = {}

    def row_of(self, call: Call) -> Row:
        attempt, decision = call.attempt, call.decision
        ingress, egress, refused_by = attempt.ingress, decision.egress, decision.refused_by
        digits = self._digits
        return (
            attempt.at_us,
            attempt.call_id,
            ingress.name if ingress is not None else None,
            egress.name if egress is not None else None,
            _responsible(ingress, egress),
            attempt.provider,
            attempt.provider_source.value,
            digits(attempt.calling.number),
            digits(attempt.called.number),
            digits(attempt.routing_number),
            decision.outcome.value,
            refused_by.check if refused_by is not None else None,
            refused_by.clause if refused_by is not None else None,
            refused_by.verdict.value if refused_by is not None else None,
            self._findings(decision),
            1 if attempt.emergency or decision.emergency else 0,
            call.progressed_at_us,
            call.answered_at_us,
            call.ended_at_us,
            call.final_status,
            call.ended_by.value if call.ended_by is not None else None,
            self._address(call.egress_member),
        )

    def _address(self, hop: Hop | None) -> str | None:
        if hop is None:
            return None
        text = self._addresses.get(hop)
        if text is None:
            text = self._addresses[hop] = str(hop)
        return text

    def _digits(self, number: TelephoneNumber | None) -> str | None:
        if number is None:
            return None
        return mask_digits(number.digits) if self._mask else number.digits

    def _findings(self, decision: Decision) -> str | None:
        modes = decision.modes
        said = [
            self._finding(finding, modes[place])
            for place, finding in enumerate(decision.findings)
            if finding.verdict is not _PASS
        ]
        return f"[{','.join(said)}]" if said else None

    def _finding(self, finding: Finding, mode: Mode) -> str:
        if finding.evidence:
            return self._encode(finding, mode)
        # "Not judged: no ported numbers here" is said of every call, mostly by the very same object: encode it once.
        # The object is kept beside its text, so that its id stays its own. An enumeration's hash is slow; its id isn't.
        key = (id(finding), id(mode))
        entry = self._without_evidence.get(key)
        if entry is None:
            if len(self._without_evidence) >= 1_000:
                self._without_evidence.clear()
            entry = self._without_evidence[key] = (finding, self._encode(finding, mode))
        return entry[1]

    def _encode(self, finding: Finding, mode: Mode) -> str:
        # Written out, since the general encoder takes three times as long: a flood makes many refusals.
        text = mask_text(finding.text) if self._mask else finding.text
        evidence = ",".join([self._evidence(*place) for place in finding.evidence])
        return (
            f'{{"check":{_quoted(finding.check)},"verdict":"{finding.verdict.value}","clause":{_quoted(finding.clause)},'
            f'"mode":"{mode.value}","text":{_quoted(text)},"evidence":[{evidence}]}}'
        )

    def _evidence(self, field: str, raw: bytes, offset: int) -> str:
        """`raw` where the bytes are UTF-8, else `hex`; neither where numbers are masked: a PASSporT, say, hides one."""
        place = f'{{"field":{_quoted(field)},"offset":{offset},"length":{len(raw)}'
        if self._mask:
            return place + "}"
        kept = raw[:EVIDENCE_BYTES]
        try:
            return f'{place},"raw":{_quoted(kept.decode("utf-8"))}}}'
        except UnicodeDecodeError:
            return f'{place},"hex":"{kept.hex()}"}}'


_PASS = Verdict.PASS


def _responsible(ingress: TrunkGroup | None, egress: TrunkGroup | None) -> Ocn | None:
    """OCN of the partner on either side: a provider's traffic is the partner's own, in both directions (L2)."""
    if ingress is not None and ingress.side is Side.PARTNER:
        return ingress.carrier
    if egress is not None and egress.side is Side.PARTNER:
        return egress.carrier
    return None


def record_of(row: tuple[Any, ...]) -> CallRecord:
    """A row of ``id`` and `COLUMNS` read back."""
    values = dict(zip(("id", *COLUMNS), row, strict=True))
    values["emergency"] = bool(values["emergency"])
    values["findings"] = tuple(_finding_of(entry) for entry in json.loads(values["findings"] or "[]"))
    return CallRecord(**values)


def _finding_of(entry: dict[str, Any]) -> RecordedFinding:
    evidence = tuple(_evidence_of(place) for place in entry["evidence"])
    return RecordedFinding(**{**entry, "evidence": evidence})


def _evidence_of(entry: dict[str, Any]) -> RecordedEvidence:
    raw = entry["raw"].encode() if "raw" in entry else bytes.fromhex(entry["hex"]) if "hex" in entry else None
    return RecordedEvidence(entry["field"], entry["offset"], entry["length"], raw)
