"""A scenario while it is played, and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from sim.observation import DecisionSeen, FindingSeen
from sim.scenario import Scenario
from sim.steps import Expect, verdict_text


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a scenario."""

    scenario: Scenario
    got: str
    clause: str
    why: tuple[str, ...] = ()
    """What didn't agree, for a person."""
    call_id: str | None = None
    """Of the judged call, as the gateway knows it."""

    @property
    def name(self) -> str:
        return self.scenario.name

    @property
    def expected(self) -> str:
        return self.scenario.expect.text

    @property
    def agrees(self) -> bool:
        return not self.why


class Outcome(Protocol):
    """What the caller saw of a call, over SIP or on a circuit."""

    @property
    def name(self) -> str:
        """The call, for a person."""

    @property
    def clean(self) -> bool:
        """Answered, and ended as a call is ended."""


@dataclass(slots=True)
class Act:
    """What is going on while one scenario is played."""

    scenario: Scenario
    why: list[str] = field(default_factory=list)
    got: str = "no decision"
    clause: str = ""
    beside: list[asyncio.Task[None]] = field(default_factory=list)
    """What goes on while the next steps are taken."""
    up: list[tuple[asyncio.Event, asyncio.Task[Outcome]]] = field(default_factory=list)
    """Calls that stay up: what ends each when it is set, and what comes of it."""
    calls: int = 0
    judged: str | None = None
    """Call-ID of the judged call."""

    def judge(self, got: str, clause: str, where: str, call_id: str | None = None) -> None:
        """Note the verdict that the scenario is there for, and whether it is the one expected."""
        expect = self.scenario.expect
        self.judged = call_id
        self.got, self.clause = got, expect.shown_clause if clause == expect.clause else clause
        if (got, clause) != (expect.text, expect.clause):
            by = f" by {clause}" if clause else ""
            self.why.append(f"{where}: expected {expect.text} by {expect.clause}, got {got}{by}")


def verdict_and_clause(decision: DecisionSeen | None, expect: Expect, answer: str) -> tuple[str, str]:
    """Verdict and clause, as the table shows them. `answer` is what the caller saw."""
    if decision is None:
        return verdict_text("NONE", None, answer), expect.clause if expect.outcome == "NONE" else ""
    finding = decision.refused_by or finding_of(decision, expect.check)
    if finding is None:
        return decision.outcome, ""
    text = verdict_text(decision.outcome, finding.verdict, answer)
    if expect.check is not None and finding.check != expect.check:
        return f"{text} by {finding.check}", finding.clause
    return text, finding.clause


def finding_of(decision: DecisionSeen | None, check: str | None) -> FindingSeen | None:
    """The finding of a check; without one, that which refused the call."""
    if decision is None:
        return None
    return decision.refused_by if check is None else decision.verdict_of(check)
