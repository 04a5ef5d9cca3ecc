"""The calls that a scenario places on circuits: placed as its steps say, and held against decision and wire."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from gateway.codecs.ss7.isup import IsupMessage
from sim.act import Act, verdict_and_clause
from sim.cast import PROVIDERS, Cast
from sim.expectations import unexpected
from sim.far_ends import Arrival, FarEnds, Mark
from sim.observation import DecisionSeen, GatewayTap, LiveDecisions
from sim.quota import Quotas
from sim.ss7.call_plan import CircuitOutcome, Conduct, IsupPlan
from sim.ss7.cast import ACCESS, GATEWAY_POINTS, OFFICE, POINTS, TANDEM
from sim.ss7.facts import alterations
from sim.ss7.steps import CircuitCall, CircuitFlood
from sim.steps import answer_text

UP_S = 5.0
"""How long a call gets to be answered."""
LONGEST_HOLD_S = 25.0


class CircuitCalls:
    """Places calls from the switches on ISUP."""

    def __init__(self, cast: Cast, live: LiveDecisions, tap: GatewayTap, quotas: Quotas) -> None:
        self._cast, self._live, self._tap, self._quotas = cast, live, tap, quotas
        self._far_ends = FarEnds(cast)

    async def place(self, act: Act, step: CircuitCall, where: str) -> None:
        self._cast.ss7.over = step.over
        placing = self._one_after_the_other(act, step, where)
        if step.together:
            act.beside.append(asyncio.create_task(placing))
        else:
            await placing

    async def _one_after_the_other(self, act: Act, step: CircuitCall, where: str) -> None:
        for _ in range(step.count):
            act.calls += 1
            if step.stays_up:
                await self._keep_up(act, step, where)
                continue
            mark, decided = self._far_ends.mark(), len(self._live.by_call_id)
            outcome = await self._call(step, _conduct_of(step))
            self._judge(act, step, outcome, mark, decided, where)

    async def _call(self, step: CircuitCall, conduct: Conduct) -> CircuitOutcome:
        switch = self._cast.ss7.switches[step.from_]
        trunks = ACCESS if step.from_ == OFFICE else step.over
        self._quotas.spent(provider_of(step.calling))
        return await switch.call(step.plan(), trunks, conduct)

    async def _keep_up(self, act: Act, step: CircuitCall, where: str) -> None:
        hang_up, answered = asyncio.Event(), asyncio.Event()
        conduct = Conduct(hold_s=LONGEST_HOLD_S, hang_up=hang_up, answered=answered, cic=step.cic)
        task = asyncio.create_task(self._call(step, conduct))
        act.up.append((hang_up, task))
        waiting = asyncio.ensure_future(answered.wait())
        await asyncio.wait({waiting, task}, timeout=UP_S, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            act.why.append(f"{where}: the call was not answered")

    def _judge(
        self, act: Act, step: CircuitCall, outcome: CircuitOutcome, since: Mark, decided: int, where: str
    ) -> None:
        """Hold what came of a call against the decision, the wire, and what the scenario expects."""
        calling = (step.calling or "").removeprefix("+1")
        found = self._live.latest(_towards_gateway(TANDEM if step.from_ == OFFICE else step.from_), decided, calling)
        call_id, decision = found if found is not None else ("", None)
        arrivals = self._far_ends.by_call_id(call_id) if call_id else []
        arrivals += self._far_ends.on_circuits(step.ported or step.called, since)
        act.why.extend(f"{where}: {fault}" for fault in self._faults(step, outcome, decision, arrivals, call_id))
        if step.judged:
            expect = act.scenario.expect
            act.judge(*verdict_and_clause(decision, expect, answer_text(None, outcome.cause)), where, call_id)
            if outcome.cause != expect.cause:
                act.why.append(f"{where}: expected cause {expect.cause}, the caller saw {outcome.cause}")

    def _sent(self, call_id: str) -> IsupMessage | None:
        """The IAM of a call as the gateway got it."""
        opc, _, cic, _ = call_id.partition("@")[0].split(".")
        point = next(point for point in POINTS.values() if point.text == opc)
        return self._tap.iam(point.code, int(cic), point.variant)

    def _faults(
        self,
        step: CircuitCall,
        outcome: CircuitOutcome,
        decision: DecisionSeen | None,
        arrivals: list[Arrival],
        call_id: str,
    ) -> Iterator[str]:
        expect = step.expect
        if (decision is None) is not (expect.decided is False):
            yield "the engine was not asked" if decision is None else "the engine was asked"
        if decision is None or decision.refused_by is not None:
            if arrivals:
                yield "the call was not let through, and it reached the far end"
            if outcome.answered:
                yield "the call was not let through, and it was answered"
        elif len(arrivals) != 1:
            yield f"the decision is {decision.outcome}, and {len(arrivals)} of the cast got the call"
        elif (arrived := arrivals[0].iam) is not None:
            sent = self._sent(call_id)
            if sent is not None and sent.variant is arrived.variant:
                yield from alterations(sent, arrived)
        if outcome.answered and not outcome.clean:
            yield f"the call was answered and not ended cleanly (cause {outcome.cause})"
        if not outcome.cleared:
            yield "the circuit did not become idle again"
        seen = (
            ("cause", expect.cause, outcome.cause),
            ("answered", expect.answered, outcome.answered),
            ("released by", expect.released_by, outcome.released_by),
        )
        yield from unexpected(expect, decision, arrivals, seen)
        if not _in_order(expect.heard, outcome.messages):
            yield f"expected {', '.join(expect.heard)}, heard {', '.join(outcome.messages)}"

    # -- floods -------------------------------------------------------------------------------------------------------

    async def flood(self, act: Act, step: CircuitFlood, where: str) -> None:
        self._cast.ss7.over = step.over
        refused = asyncio.create_task(self._live.until(self._refused_on_circuits))
        await asyncio.sleep(0)
        flooding = asyncio.create_task(self._until_over(act, step, where))
        if not step.together:
            refused.cancel()
            await flooding
            return
        act.beside.append(flooding)
        if not await refused:
            act.why.append(f"{where}: no call of the flood was refused")

    @staticmethod
    def _refused_on_circuits(call_id: str, decision: DecisionSeen) -> bool:
        return call_id.startswith(_towards_gateway(TANDEM)) and decision.refused_by is not None

    async def _until_over(self, act: Act, step: CircuitFlood, where: str) -> None:
        """So many callers, each placing its next call as soon as its last one is over."""
        decided = len(self._live.by_call_id)
        first = int(step.first_calling)
        left = iter(range(step.calls))
        outcomes: list[CircuitOutcome] = []

        async def caller() -> None:
            for number in left:
                plan = IsupPlan(step.called, str(first + number % step.numbers), oli=0, jip="314206", hops=20)
                outcomes.append(await self._cast.ss7.office.call(plan, ACCESS))

        self._quotas.spent(step.provider, step.calls)
        started = time.monotonic()
        await asyncio.gather(*(caller() for _ in range(step.at_once)))
        self._quotas.spent(step.provider, step.calls)
        refusals = [
            seen.refused_by
            for call_id, seen in islice(self._live.by_call_id.items(), decided, None)
            if call_id.startswith(_towards_gateway(TANDEM)) and seen.refused_by is not None
        ]
        act.why.extend(f"{where}: {fault}" for fault in _flood_faults(step, time.monotonic() - started, outcomes))
        others = {refusal.verdict for refusal in refusals} - {step.verdict}
        if others:
            act.why.append(f"{where}: calls were refused as {', '.join(sorted(others))}, not {step.verdict}")
        if step.judged and refusals:
            refusal = refusals[0]
            act.judge(f"{refusal.verdict} {answer_text(None, step.cause)}", refusal.clause, where)


def _flood_faults(step: CircuitFlood, lasted_s: float, outcomes: list[CircuitOutcome]) -> Iterator[str]:
    limit = PROVIDERS[step.provider].limit
    allowed = limit.burst + limit.sustained_per_s * lasted_s if limit is not None else 0.0
    most = max(step.answered_at_most, allowed)  # on a slow machine it goes on for longer
    answered = sum(outcome.clean for outcome in outcomes)
    causes = Counter(outcome.cause for outcome in outcomes if not outcome.answered)
    if not step.answered_at_least <= answered <= most:
        yield f"{answered} calls were answered, expected {step.answered_at_least} to {most:.0f}"
    if answered + causes[step.cause] != step.calls or not causes[step.cause]:
        yield f"of {step.calls} calls {answered} were answered and ended, the others released with {dict(causes)}"


def _towards_gateway(switch: str) -> str:
    point = POINTS[switch]
    return f"{point.text}.{GATEWAY_POINTS[point.variant].text}."


def provider_of(calling: str | None) -> str:
    """Whose number it is, by the name that scenarios use; the empty text for nobody's of the cast."""
    prefixes = {prefix: name for name, who in PROVIDERS.items() for prefix in who.numbers}
    digits = "1" + (calling or "").removeprefix("+1")
    found = [prefix for prefix in prefixes if digits.startswith(prefix)]
    return prefixes[max(found, key=len)] if found else ""


def _conduct_of(step: CircuitCall) -> Conduct:
    return Conduct(hold_s=step.hold_s, give_up_after_s=step.give_up_after_s, cic=step.cic)


def _in_order(wanted: tuple[str, ...], heard: tuple[str, ...]) -> bool:
    rest = iter(heard)
    return all(name in rest for name in wanted)
