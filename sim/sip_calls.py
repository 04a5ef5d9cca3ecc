"""The calls that a scenario places over SIP: placed as its steps say, and held against decision and wire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from gateway.codecs.ss7.variant import Variant
from gateway.wiring.live import Gateway
from sim.act import Act, verdict_and_clause
from sim.call_plan import CallOutcome, CallPlan
from sim.cast import PROVIDERS, Cast
from sim.expectations import unexpected
from sim.far_ends import Arrival, FarEnds, Mark
from sim.observation import DecisionSeen, GatewayTap, LiveDecisions
from sim.passports import passport
from sim.quota import Quotas
from sim.steps import Call, answer_text
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
        self._far_ends = FarEnds(cast)

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
            mark = self._far_ends.mark()
            if step.stays_up:
                await self._keep_up(act, step, call_id, where)
            else:
                outcome = await self.cast.agents[step.from_].call(_plan_of(step, call_id))
                self._judge(act, step, outcome, self._arrivals(step, call_id, mark), where)

    def _arrivals(self, step: Call, call_id: str, since: Mark) -> list[Arrival]:
        return self._far_ends.by_call_id(call_id) + self._far_ends.on_circuits(step.called, since)

    async def _keep_up(self, act: Act, step: Call, call_id: str, where: str) -> None:
        hang_up = asyncio.Event()
        plan = _plan_of(step, call_id, hang_up)
        mark = self._far_ends.mark()
        task = asyncio.create_task(self.cast.agents[step.from_].call(plan))
        act.up.append((hang_up, task))
        deadline = time.monotonic() + UP_S
        while not any(arrival.answered for arrival in self._arrivals(step, call_id, mark)):
            if task.done() or time.monotonic() > deadline:
                act.why.append(f"{where}: the call was not answered")
                return
            await asyncio.sleep(0.002)
        self._quotas.spent(step.from_)

    def _judge(self, act: Act, step: Call, outcome: CallOutcome, arrivals: list[Arrival], where: str) -> None:
        """Hold what came of a call against the decision, the wire, and what the scenario expects."""
        self._quotas.spent(step.from_)
        decision = self.live.by_call_id.get(outcome.call_id)
        faults = list(self._faults(step, outcome, decision, arrivals))
        act.why.extend(f"{where}: {fault}" for fault in faults)
        if step.judged:
            expect = act.scenario.expect
            act.judge(*verdict_and_clause(decision, expect, answer_text(outcome.status)), where, outcome.call_id)
            if outcome.status != expect.status:
                act.why.append(f"{where}: expected status {expect.status}, the caller saw {outcome.status}")

    def _faults(
        self, step: Call, outcome: CallOutcome, decision: DecisionSeen | None, arrivals: list[Arrival]
    ) -> Iterator[str]:
        if decision is None:
            if arrivals:
                yield "the engine was not asked, and the call reached the far end"
        else:
            yield from contradictions(outcome, decision, arrivals)
        ingress = self.tap.invite(outcome.call_id, self.gateway.address)
        arrived = arrivals[0].invite if arrivals else None
        if decision is not None and ingress is not None and arrived is not None:
            yield from alterations(ingress, arrived)
        if outcome.answered and not outcome.clean:
            yield f"the call was answered and not ended cleanly (BYE: {outcome.bye_status})"
        expect = step.expect
        seen = (
            ("status", expect.status, outcome.status),
            ("released by", expect.released_by, outcome.released_by),
        )
        yield from unexpected(expect, decision, arrivals, seen)


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
        isup=None if step.isup is None else step.isup.plan().iam(Variant.ANSI, 0).encode()[2:],
        extra=step.extra,
        max_forwards=step.max_forwards,
        call_id=call_id,
        hold_s=step.hold_s if hang_up is None else LONGEST_HOLD_S,
        hang_up=hang_up,
        answer_timeout_s=ANSWER_S,
        cancel_after_s=step.cancel_after_s,
    )
