"""What a check is. A new check is one file in `policy/checks` and one test."""

from __future__ import annotations

from typing import Protocol

from gateway.policy.call_attempt import CallAttempt
from gateway.policy.verdict import Finding


class Check(Protocol):
    """Judges one aspect of a call. Synchronous, no I/O; the time is the attempt's own.

    `judge` changes nothing, so that judging a call twice says the same twice. A check that must count what was
    admitted is told by the engine through `admitted` and `ended` (see `CountingCheck`).
    """

    @property
    def name(self) -> str:
        """As configuration, metrics and reports write it: ``calling_number``."""

    @property
    def clause(self) -> str:
        """The clause it rests on first."""

    def judge(self, attempt: CallAttempt) -> Finding:
        """The finding; NOT_JUDGED, saying why, where the data it needs is not there."""


class CountingCheck(Check, Protocol):
    """A check whose judgement depends on the calls admitted before: limits."""

    def admitted(self, attempt: CallAttempt) -> None:
        """The call goes on: take its token, count it as in progress. A refused call never comes here."""

    def ended(self, attempt: CallAttempt, at_us: int) -> None:
        """The call is over, by whatever end."""
