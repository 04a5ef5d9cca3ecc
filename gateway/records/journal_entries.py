"""Entries of the journal: what each says, how it is hashed, and how steps become entries and come back from them.

Each entry's hash covers the hash of the one before, so whoever knows the last hash can tell whether any entry was
changed, taken out or put in. The encoding that is hashed is the JSON array ``[hash of the entry before, sequence,
at_us, kind, subject, body, who, why, key]`` in ASCII without spaces, ``body`` being the text that is in the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple, Self, TypeVar

from gateway.interconnection.blocking import Blocking
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Scope, Step, StepKind
from gateway.interconnection.notices import Delivery, DeliveryState, Notice, NoticeKind
from gateway.records.database import DatabaseFileError

GENESIS: Final = sha256(b"tollgate: journal of operators' steps, format 1").hexdigest()
"""What the first entry has in the place of the hash of the one before."""

MOST_OF_KIND: Final = 32
MOST_OF_SUBJECT: Final = 200
MOST_OF_WHO: Final = 200
MOST_OF_WHY: Final = 4_000
MOST_OF_KEY: Final = 128
MOST_OF_BODY: Final = 262_144
"""Characters that each field of an entry may have, the body as the JSON text that it is kept as."""

LAST_US: Final = 253_402_300_799_999_999
"""The last time that can be written as a date: the end of the year 9999, microseconds since the Unix epoch."""


class Kind(StrEnum):
    """What an entry is about. A journal may hold others: an entry's kind is a text."""

    STEP = "step"
    BLOCKING = "blocking"
    RECOMMENDATION = "recommendation"
    DISMISSAL = "dismissal"
    ALERT = "alert"
    NOTICE = "notice"
    DELIVERY = "delivery"
    LAPSE = "lapse"


class UnfitEntryError(DatabaseFileError):
    """What no journal can hold: a text too long, or not text. The text says which, and what to do."""


class UnreadableEntryError(DatabaseFileError):
    """An entry that does not say what its kind says. The text names the entry and what is wrong with it."""


class Head(NamedTuple):
    """How far a journal goes: its last entry. Written ``SEQUENCE:HASH``."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, whose text says what was expected."""
        number, colon, digest = text.strip().partition(":")
        if not (colon and number.isascii() and number.isdigit() and len(number) <= 18 and _is_digest(digest)):
            raise ValueError(f"{text[:80]!r} is no head of a journal: expected SEQUENCE:HASH, as /status gives it")
        return cls(int(number), digest.lower())


EMPTY: Final = Head(0, GENESIS)


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What is to be put into the journal. Times are microseconds since the Unix epoch."""

    at_us: int
    kind: str
    subject: str
    """Whom or what it is about: an OCN, the name of a trunk group."""
    body: Mapping[str, Any]
    """What JSON can carry, by the kind."""
    who: str
    why: str
    key: str | None = None
    """The idempotency key of the request that asked for it; no two entries have the same."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it stands in the journal."""

    sequence: int
    """From 1, without gaps."""
    at_us: int
    kind: str
    subject: str
    body: dict[str, Any]
    who: str
    why: str
    key: str | None
    hash: str
    """SHA-256, hexadecimal."""

    @property
    def head(self) -> Head:
        """How far the journal went with this entry."""
        return Head(self.sequence, self.hash)

    @property
    def answer(self) -> dict[str, Any] | None:
        """What the request was answered that asked for it."""
        answer = self.body.get("answer")
        return answer if isinstance(answer, dict) else None

    @property
    def request(self) -> str | None:
        """Digest of the request that asked for it."""
        request = self.body.get("request")
        return request if isinstance(request, str) else None

    @property
    def evidence(self) -> dict[str, Any] | None:
        """The evidence that goes with it: ``id`` of the bundle, and ``files`` with the SHA-256 of each."""
        evidence = self.body.get("evidence")
        return evidence if isinstance(evidence, dict) else None


def body_text(body: Mapping[str, Any]) -> str:
    """The text that a body is kept as. Raises `UnfitEntryError`."""
    try:
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnfitEntryError(f"the body of an entry cannot be written as JSON: {error}") from error
    if len(text) > MOST_OF_BODY:
        raise UnfitEntryError(f"the body of an entry has {len(text)} characters, more than {MOST_OF_BODY}; shorten it")
    return text


def hash_of(previous: str, sequence: int, new: NewEntry, body: str) -> str:
    """The hash of an entry behind the one whose hash is `previous`; `body` as it is kept."""
    fields = (previous, sequence, new.at_us, new.kind, new.subject, body, new.who, new.why, new.key)
    return sha256(json.dumps(fields, separators=(",", ":")).encode("ascii")).hexdigest()


def check_texts(new: NewEntry) -> None:
    """Raises `UnfitEntryError` where a field is too long or not text."""
    for name, text, most in (
        ("kind", new.kind, MOST_OF_KIND),
        ("subject", new.subject, MOST_OF_SUBJECT),
        ("who", new.who, MOST_OF_WHO),
        ("why", new.why, MOST_OF_WHY),
        ("key", new.key or "", MOST_OF_KEY),
    ):
        if len(text) > most:
            raise UnfitEntryError(f"{name} has {len(text)} characters, more than {most}; shorten it")
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise UnfitEntryError(f"{name} holds what is not text; give plain text")
    if not 0 <= new.at_us <= LAST_US:
        raise UnfitEntryError(f"{new.at_us} is no time in microseconds since 1970; look at the clock of this machine")


# -- steps and blockings ----------------------------------------------------------------------------------------------


def entry_of_step(step: Step, key: str | None, beside: Mapping[str, Any]) -> NewEntry:
    """`beside`: what else the entry keeps of the step: answer, request, evidence."""
    return NewEntry(step.at_us, Kind.STEP, step.ocn, _said_of(step) | dict(beside), step.who, step.why, key)


def entry_of_blocking(step: Blocking, key: str | None, beside: Mapping[str, Any]) -> NewEntry:
    body = {"blocked": step.blocked} | dict(beside)
    return NewEntry(step.at_us, Kind.BLOCKING, step.trunk_group, body, step.who, step.why, key)


def entry_of_recommendation(step: Step, decide_by_us: int, beside: Mapping[str, Any]) -> NewEntry:
    """`step` is what is recommended; the time is when, ``why`` says why."""
    body = _said_of(step) | {"decide_by_us": decide_by_us} | dict(beside)
    return NewEntry(step.at_us, Kind.RECOMMENDATION, step.ocn, body, step.who, step.why)


def entry_of_notice(notice: Notice) -> NewEntry:
    body: dict[str, Any] = {
        "id": notice.id,
        "kind": notice.kind.value,
        "sender": notice.sender,
        "recipient": notice.recipient,
        "subject": notice.subject,
        "text": notice.text,
        "clause": notice.clause,
        "step": notice.step,
        "channels": list(notice.channels),
        "defect": notice.defect,
    }
    return NewEntry(notice.at_us, Kind.NOTICE, notice.about, body, "tollgate", f"tells of entry {notice.step}")


def entry_of_end(delivery: Delivery, state: DeliveryState, at_us: int, reason: str) -> NewEntry:
    """A delivery came to its end."""
    notice = delivery.notice
    body: dict[str, Any] = {
        "id": notice.id,
        "notice": delivery.number,
        "channel": delivery.channel,
        "state": state.value,
        "reason": reason,
    }
    return NewEntry(
        at_us, Kind.DELIVERY, notice.about, body, "tollgate", f"{notice.subject}: {state.value}"[:MOST_OF_WHY]
    )


def end_of(entry: Entry) -> tuple[int, str, DeliveryState, str]:
    """Of which notice, on which channel, how and why a delivery ended. Raises `UnreadableEntryError`."""
    body = entry.body
    try:
        state = DeliveryState(body["state"])
        return _of(int, body["notice"]), _of(str, body["channel"]), state, _of(str, body["reason"])
    except (KeyError, ValueError, TypeError) as error:
        raise _unreadable(entry, error) from error


def step_of(entry: Entry) -> Step:
    """The step that an entry tells of, or recommends. Raises `UnreadableEntryError`."""
    body = entry.body
    try:
        scope = body["scope"]
        return Step(
            at_us=entry.at_us,
            ocn=Ocn(entry.subject),
            kind=StepKind(body["step"]),
            who=entry.who,
            why=entry.why,
            scope=Scope(scope) if scope is not None else None,
            trunk_group=_optional(str, body["trunk_group"]),
            drain_s=_optional(int, body["drain_s"]),
            approves=_optional(int, body["approves"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _unreadable(entry, error) from error


def blocking_of(entry: Entry) -> Blocking:
    """Raises `UnreadableEntryError`."""
    try:
        return Blocking(entry.at_us, entry.subject, _of(bool, entry.body["blocked"]), entry.who, entry.why)
    except (KeyError, ValueError, TypeError) as error:
        raise _unreadable(entry, error) from error


def notice_of(entry: Entry) -> Notice:
    """Raises `UnreadableEntryError`."""
    body = entry.body
    try:
        return Notice(
            id=_fit_for_a_file(_of(str, body["id"])),
            at_us=entry.at_us,
            kind=NoticeKind(body["kind"]),
            sender=_of(str, body["sender"]),
            recipient=_of(str, body["recipient"]),
            subject=_of(str, body["subject"]),
            text=_of(str, body["text"]),
            clause=_of(str, body["clause"]),
            about=Ocn(entry.subject),
            step=_of(int, body["step"]),
            channels=tuple(_of(str, channel) for channel in _of(list, body["channels"])),
            defect=_optional(str, body["defect"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _unreadable(entry, error) from error


def _said_of(step: Step) -> dict[str, Any]:
    return {
        "step": step.kind.value,
        "scope": step.scope.value if step.scope is not None else None,
        "trunk_group": step.trunk_group,
        "drain_s": step.drain_s,
        "approves": step.approves,
    }


_T = TypeVar("_T")


def _of(kind: type[_T], value: object) -> _T:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{value!r:.40} is no {kind.__name__}")
    return value


def _fit_for_a_file(name: str) -> str:
    if not name or not all(character.isascii() and (character.isalnum() or character == "-") for character in name):
        raise ValueError(f"{name!r:.40} is no id of a notice")
    return name


def _optional(kind: type[_T], value: object) -> _T | None:
    return _of(kind, value) if value is not None else None


def _unreadable(entry: Entry, error: Exception) -> UnreadableEntryError:
    what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
    return UnreadableEntryError(f"entry {entry.sequence} ({entry.kind}) does not say what its kind says: {what}")


def _is_digest(text: str) -> bool:
    return len(text) == 64 and all(character in "0123456789abcdefABCDEF" for character in text)
