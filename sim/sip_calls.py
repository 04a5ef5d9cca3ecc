"""The calls that a scenario places over SIP: placed as its steps say, and held against decision and wire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from gateway.wiring.live import Gateway
from sim.act import Act, finding_of, verdict_and_clause
from sim.call_plan import CallOutcome, CallPlan
from sim.cast import PROVIDERS, Cast
from sim.observation import DecisionSeen, GatewayTap, LiveDecisions
from sim.passports import passport
from sim.quota import Quotas
from sim.steps import Call, StepExpect
from sim.user_agents import ReceivedCall
from sim.wire_checks import alterations, contradictions

UP_S = 5.0
"""How long a call gets to be answered."""
ANSWER_S = 3.0
"""How long a caller waits for a response: nothing in the catalogue takes longer than a tenth of a second."""
LONGEST_HOLD_S = 25.0


class SipCalls:
    """Places calls from the cast's user agents."""

    def __init__(self, cast: Cast, gateway: Gateway, live: LiveDecisions, tap: GatewayTap, quotas: Quotas) -> None:
        self.cast, self.gateway, self.live, self.tap = cast, gateway, live, tap
        self._quotas = quotas

    async def place(self, act: Act, step: Call, where: str) -> None:
        if step.from_ in PROVIDERS:
            self.cast.partner.move(step.from_, step.over)
        if step.together:
            act.beside.append(asyncio.create_task(self._one_after_the_other(act, step, where)))
        else:
            await self._one_after_the_other(act, step, where)

    async def _one_after_the_other(self, act: Act, step: Call, where: str) -> None:
        for _ in range(step.count):
            act.calls += 1
            call_id = f"{act.scenario.slug}.{act.calls}@lab.invalid"
            if step.stays_up:
                await self._keep_up(act, step, call_id, where)
            else:
                outcome = await self.cast.agents[step.from_].call(_plan_of(step, call_id))
                self._judge(act, step, outcome, where)

    async def _keep_up(self, act: Act, step: Call, call_id: str, where: str) -> None:
        hang_up = asyncio.Event()
        plan = _plan_of(step, call_id, hang_up)
        task = asyncio.create_task(self.cast.agents[step.from_].call(plan))
        act.up.append((hang_up, task))
        deadline = time.monotonic() + UP_S
        while not any(call.acked for call in self._received(call_id)):
            if task.done() or time.monotonic() > deadline:
                act.why.append(f"{where}: the call was not answered")
                return
            await asyncio.sleep(0.002)
        self._quotas.spent(step.from_)

    def _judge(self, act: Act, step: Call, outcome: CallOutcome, where: str) -> None:
        """Hold what came of a call against the decision, the wire, and what the scenario expects."""
        self._quotas.spent(step.from_)
        decision = self.live.by_call_id.get(outcome.call_id)
        faults = list(self._faults(step, outcome, decision))
        act.why.extend(f"{where}: {fault}" for fault in faults)
        if step.judged:
            expect = act.scenario.expect
            act.judge(*verdict_and_clause(decision, expect, outcome.status), where)
            if outcome.status != expect.status:
                act.why.append(f"{where}: expected status {expect.status}, the caller saw {outcome.status}")

    def _faults(self, step: Call, outcome: CallOutcome, decision: DecisionSeen | None) -> Iterator[str]:
        received = self._received(outcome.call_id)
        if decision is None:
            if received:
                yield "the engine was not asked, and an INVITE reached the far end"
        else:
            yield from contradictions(outcome, decision, received)
        if decision is not None and received:
            ingress = self.tap.invite(outcome.call_id, self.gateway.address)
            if ingress is not None:
                yield from alterations(ingress, received[0].invite)
        if outcome.answered and not outcome.clean:
            yield f"the call was answered and not ended cleanly (BYE: {outcome.bye_status})"
        yield from self._unexpected(step.expect, outcome, decision)

    def _unexpected(self, expect: StepExpect, outcome: CallOutcome, decision: DecisionSeen | None) -> Iterator[str]:
        call = self._received(outcome.call_id)
        receiver = next(
            (
                name
                for name, agent in self.cast.agents.items()
                if call and agent.received_call(call[0].call_id) is call[0]
            ),
            None,
        )
        invite = call[0].invite.decode("utf-8", "replace") if call else ""
        finding = finding_of(decision, expect.check)
        trunk_group = None if decision is None else decision.trunk_group
        for what, wanted, got in (
            ("status", expect.status, outcome.status),
            ("received by", expect.received_by, receiver),
            ("released by", expect.released_by, outcome.released_by),
            ("trunk group", expect.trunk_group, trunk_group),
            ("verdict", expect.verdict, None if finding is None else finding.verdict),
            ("clause", expect.clause, None if finding is None else finding.clause),
        ):
            if wanted is not None and wanted != got:
                yield f"{what}: expected {wanted}, got {got}"
        yield from (f"the INVITE arrived without {text!r}" for text in expect.has if text not in invite)
        yield from (f"the INVITE arrived with {text!r}" for text in expect.lacks if text in invite)

    def _received(self, call_id: str) -> list[ReceivedCall]:
        """The call as the far ends got it, but for those whose failure made the gateway ask another."""
        calls = [call for agent in self.cast.agents.values() if (call := agent.received_call(call_id)) is not None]
        return [call for call in calls if (call.status or 0) // 100 != 5] or calls


def _plan_of(step: Call, call_id: str, hang_up: asyncio.Event | None = None) -> CallPlan:
    identity: tuple[str, ...] = ()
    if step.attest is not None:
        orig = step.asserted[0] if step.asserted else step.calling or ""
        identity = (passport(orig, step.called.partition(";")[0], step.attest, issued_at_s=int(time.time())),)
    return CallPlan(
        called=step.called,
        calling=step.calling,
        display_name=step.display_name,
        to=step.to,
        asserted=step.asserted,
        privacy=step.privacy,
        charge=step.charge,
        diversion=step.diversion,
        history_info=step.history_info,
        identity=identity,
        extra=step.extra,
        max_forwards=step.max_forwards,
        call_id=call_id,
        hold_s=step.hold_s if hang_up is None else LONGEST_HOLD_S,
        hang_up=hang_up,
        answer_timeout_s=ANSWER_S,
        cancel_after_s=step.cancel_after_s,
    )
