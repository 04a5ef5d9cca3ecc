"""What a detector is. A new detector is one file in `policy/detectors` and one test.

A detector hears of what happens through hooks, and is asked once a second what it sees. It is pure: times are handed
in, in microseconds since the Unix epoch, and what it keeps is bounded. It refuses nothing: a detection is a word to the
operator, and to the plan of responses (`policy.response_plan`). An emergency call is told to the hooks like any other,
and counts for nobody but in `emergency_flood` (L10).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.verdict import Decision

SAMPLE_CALLS = 8
"""Calls that a detection names at most."""
LONGEST_CALL_ID = 128
"""Characters of a Call-ID that are kept: its length is the sender's to choose."""


class SubjectKind(Enum):
    """Whom a detection is about."""

    PROVIDER = "provider"
    TRUNK_GROUP = "trunk group"
    PARTNER = "partner"
    SOURCE = "source"
    CALLING_NUMBER = "calling number"


class Subject(NamedTuple):
    """Whom a detection is about."""

    kind: SubjectKind
    name: str
    """OCN of a provider or partner; name of a trunk group; IP address, or point code, of a source; telephone number."""

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}"


@dataclass(frozen=True, slots=True)
class Detection:
    """What one detector sees of one subject at one time. Times are microseconds since the Unix epoch."""

    detector: str
    """``invite_flood``."""
    subject: Subject
    provider: Ocn | None
    """The provider whose doing it is; None where it is of no known one, or of several."""
    at_us: int
    since_us: int
    """The beginning of what the figures were counted over."""
    figures: tuple[tuple[str, float], ...]
    """Names and values. First what was measured, then the ``threshold`` that it is held against, then what else there
    is to know. The unit is the end of a name: ``calls_per_s``, ``acd_s``, ``asr_percent``."""
    text: str
    """The same for a person, without detector and subject."""
    excess: float = 1.0
    """How many times over (or, of a ratio that is too low, under) its threshold what was measured is: 1 is at it."""
    memory_s: float = 0
    """For how many seconds after it is over what happened still shows in the figures: the window of a share or rate."""
    trunk_group: str | None = None
    """The trunk group on which it is seen, where it is seen on one."""
    sample_calls: tuple[str, ...] = ()
    """Call-IDs of some of the calls (`SAMPLE_CALLS`), the latest last, cut to `LONGEST_CALL_ID`."""

    @property
    def key(self) -> tuple[str, Subject, str | None]:
        """Detections with the same key are one and the same alert."""
        return self.detector, self.subject, self.trunk_group


class Detector(Protocol):
    """Sees one kind of denial of service. It has the hooks below that it needs: the watch goes by their names."""

    @property
    def name(self) -> str:
        """As configuration, metrics and reports write it: ``invite_flood``."""

    @property
    def clause(self) -> str:
        """The clause it rests on."""

    def judge(self, at_us: int) -> Iterable[Detection]:
        """Everything that is over its threshold now. Called about once a second, with times that do not go back."""


class HearsDecisions(Protocol):
    def decided(self, attempt: CallAttempt, decision: Decision) -> None:
        """A call was decided, let through or refused, at `attempt.at_us`."""


class HearsEnds(Protocol):
    def ended(
        self,
        attempt: CallAttempt,
        decision: Decision,
        progressed_at_us: int | None,
        answered_at_us: int | None,
        ended_at_us: int,
        cut_off: bool,
    ) -> None:
        """A call that was decided is over: once for each, also for one that was refused. A time is None for what has
        not happened. `cut_off`: the gateway itself has ended it, so that its length says nothing of its caller."""


class HearsRequests(Protocol):
    methods: frozenset[bytes]
    """The methods that it is told of."""

    def request(self, source: Hop, method: bytes, at_us: int) -> None:
        """A request came that opens no call: REGISTER, OPTIONS."""


class HearsMalformed(Protocol):
    def malformed(self, source: Hop, at_us: int) -> None:
        """A message came that cannot be read."""


class HearsStrays(Protocol):
    def stray(self, source: Hop, at_us: int) -> None:
        """A message came that belongs to nothing: a request within a dialog, or a CANCEL, that gets 481; a response to
        no request of ours; an ACK for nothing."""


class HearsRepeats(Protocol):
    def repeated(self, source: Hop, at_us: int) -> None:
        """A request came again, answered from memory or dropped."""


class HearsStrangers(Protocol):
    def stranger(self, source: Hop, count: int, at_us: int) -> None:
        """So many messages came that belong to no trunk group: new calls, and what was dropped unread, whatever it
        was. The latter are of port 0, and told about once a second.
        """


class HearsShedding(Protocol):
    def shed(self, source: Hop, trunk_group: str | None, provider: Ocn | None, count: int, at_us: int) -> None:
        """So many new calls were refused, or dropped, without being read. They are not told by `decided`."""
