"""The floods of a scenario over SIP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from sim.act import Act, verdict_and_clause
from sim.attacks.attacker import Assault, AssaultReport
from sim.attacks.messages import Kind, Numbering
from sim.cast import Cast
from sim.observation import DecisionSeen, LiveDecisions
from sim.quota import Quotas
from sim.steps import Flood, FloodExpect

SETTLE_S: Final = 3.0
"""How long a flood waits for answers after its last call."""


class SipFloods:
    """Floods the gateway from the providers' second sockets."""

    def __init__(self, cast: Cast, live: LiveDecisions, quotas: Quotas) -> None:
        self.cast, self.live = cast, live
        self._quotas = quotas

    async def flood(self, act: Act, step: Flood, where: str) -> None:
        self.cast.partner.move(step.from_, step.over)
        plan = Assault(
            target=self.cast.partner.access,
            kind=Kind.CALLS,
            messages=step.calls,
            per_s=step.calls_per_s,
            calling=Numbering.from_number(step.first_calling, step.numbers),
            called=step.called,
            settle_s=SETTLE_S,
            domain=f"{step.from_}.example",
        )
        flooding = self._until_over(act, step, plan, where)
        if not step.together:
            await flooding
            return
        refused = asyncio.create_task(
            self.live.until(lambda call_id, decision: plan.mark in call_id and decision.refused_by is not None)
        )
        await asyncio.sleep(0)
        act.beside.append(asyncio.create_task(flooding))
        if not await refused:
            act.why.append(f"{where}: no call of the flood was refused")

    async def _until_over(self, act: Act, step: Flood, plan: Assault, where: str) -> None:
        report = await self.cast.floods[step.from_].run(plan)
        self._quotas.spent(step.from_, step.calls)
        decisions = [seen for call_id, seen in self.live.by_call_id.items() if plan.mark in call_id]
        act.why.extend(
            f"{where}: {fault}"
            for fault in _flood_faults(step.expect, step.calls / step.calls_per_s, report, decisions)
        )
        if step.judged:
            expect = act.scenario.expect
            refused = [decision for decision in decisions if decision.refused_by is not None]
            gots = {verdict_and_clause(decision, expect, str(step.expect.status)) for decision in refused}
            got, clause = gots.pop() if len(gots) == 1 else ("several verdicts" if gots else "no refusal", "")
            act.judge(got, clause, where)


def _flood_faults(
    expect: FloodExpect, planned_s: float, report: AssaultReport, decisions: list[DecisionSeen]
) -> Iterator[str]:
    """What came otherwise of a flood that was to be sent in `planned_s` seconds."""
    answered, refused = report.statuses[200], report.statuses[expect.status]
    most = expect.answered_at_most * max(1.0, report.sending_s / planned_s)  # a slow machine floods for longer
    if not expect.answered_at_least <= answered <= most:
        yield f"{answered} calls were answered, expected {expect.answered_at_least} to {most:.0f}"
    if refused < expect.refused_at_least:
        yield f"{refused} calls were refused with {expect.status}, expected at least {expect.refused_at_least}"
    others = report.statuses.total() - answered - refused
    if others:
        yield f"of {report.sent} calls {others} got another answer than 200 and {expect.status}"
    if report.ended != answered:
        yield f"{answered} calls were answered, {report.ended} ended cleanly"
    admitted = sum(decision.refused_by is None for decision in decisions)
    if len(decisions) > report.sent or admitted != answered:  # what the gate sheds is not decided
        yield f"{len(decisions)} decisions, {admitted} of them to admit, for {report.sent} calls, {answered} answered"
    verdicts = {d.refused_by.verdict for d in decisions if d.refused_by is not None} - {expect.verdict}
    if verdicts:
        yield f"calls were refused as {', '.join(sorted(verdicts))}, not {expect.verdict}"
