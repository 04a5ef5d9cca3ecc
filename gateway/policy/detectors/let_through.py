"""Calls that were let through over partners' trunks, each counted for its provider and for its trunk group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

from gateway.interconnection.carriers import Ocn
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.contracts import Contracts
from gateway.policy.detectors.counting import Answers, Samples, Senders, Subjects, over_partners
from gateway.policy.detectors.detector import Subject, SubjectKind
from gateway.policy.verdict import Decision


class Counts:
    """What every detector counts of one subject's calls."""

    __slots__ = ("answers", "samples", "senders")

    def __init__(self, window_s: float) -> None:
        self.answers: Final = Answers(window_s)
        self.senders: Final = Senders()
        """Whose those are that speak against them."""
        self.samples: Final = Samples()


C = TypeVar("C", bound=Counts)


class Whose(NamedTuple):
    """Of whom something was counted."""

    subject: Subject
    provider: Ocn | None
    """The provider whose doing it is; None where it is no single one's."""
    trunk_group: str | None


class LetThrough(Generic[C]):
    """The counts of each provider and each trunk group. Refused calls, and emergency calls (L10), are not in them."""

    def __init__(self, contracts: Contracts, new_counts: Callable[[], C]) -> None:
        self._contracts: Final = contracts
        self._new_counts: Final = new_counts
        self._providers: Final[Subjects[Ocn, C]] = Subjects()
        self._groups: Final[Subjects[str, C]] = Subjects()

    def of(self, attempt: CallAttempt, decision: Decision) -> tuple[Ocn | None, tuple[C, ...]]:
        """The provider that a call can be laid to, and the counts that it goes into: none of what is not counted."""
        ingress = attempt.ingress
        if decision.egress is None or ingress is None or not over_partners(attempt):
            return None, ()
        of_group = self._groups.get(ingress.name) or self._groups.put(ingress.name, self._new_counts())
        provider = self._contracts.answerable(attempt)
        if provider is None:
            return None, (of_group,)
        return provider, (self._providers.get(provider) or self._providers.put(provider, self._new_counts()), of_group)

    def all(self) -> Iterator[tuple[Whose, C]]:
        """Everything that was counted."""
        for ocn, counts in self._providers.items():
            yield Whose(Subject(SubjectKind.PROVIDER, ocn), ocn, None), counts
        for name, counts in self._groups.items():
            yield Whose(Subject(SubjectKind.TRUNK_GROUP, name), counts.senders.sole(), name), counts
