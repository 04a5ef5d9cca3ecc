"""What the audit of a run's capture says of its calls, as the lab compares it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from gateway.operations.configuration import Configuration
from gateway.wiring.audit import audit
from sim.act import Result
from sim.observation import DecisionSeen, numbered, seen

BETWEEN_LEGS: Final = "between_legs"
"""The name under which an audit says what a hop between two legs of a call has changed."""
_AS_IT_SHOULD_BE: Final = ("PASS", "PASS_NORMALISED", "NOT_JUDGED")


class Audited(NamedTuple):
    """An audit, by the Call-IDs of the calls that the gateway decided."""

    decisions: dict[str, DecisionSeen]
    between_legs: dict[str, frozenset[str]]
    """Verdicts on the hops of a call where something was changed; empty where nothing was."""


def audited(capture: Path, configuration: Configuration) -> Audited:
    """The audit of a capture. A call between circuits is known by the leg on which it came to the gateway."""
    decisions: dict[str, DecisionSeen] = {}
    between_legs: dict[str, frozenset[str]] = {}
    for call in audit([capture], configuration).calls:
        verdicts = {finding.verdict.value for finding in call.findings if finding.check == BETWEEN_LEGS}
        for made in call.decisions:
            call_id = numbered(made.attempt.call_id, decisions)
            decisions[call_id] = seen(made.decision)
            between_legs[call_id] = frozenset(verdicts.difference(_AS_IT_SHOULD_BE))
    return Audited(decisions, between_legs)


def unwitnessed(results: Sequence[Result], run: Audited) -> Iterator[str]:
    """Scenarios of whose judged call the audit finds otherwise between the legs than expected; for a person."""
    for result in results:
        wanted = result.scenario.expect.between_legs
        if wanted is None:
            continue
        found = run.between_legs.get(result.call_id or "")
        if found != frozenset[str]((wanted,)):
            said = "the call was not found" if found is None else ", ".join(sorted(found)) or "nothing"
            yield f"{result.name}: between the legs: expected {wanted}, found: {said}"
