"""Plays a scenario: its steps, one after the other, against the running gateway; then says what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import sim.scenario as script
from gateway.operations.configuration import Configuration
from gateway.operations.control_client import ControlFault, post_cutover
from gateway.wiring.live import Gateway
from sim.call_plan import CallOutcome, CallPlan
from sim.cast import PROVIDERS, Cast, quiet
from sim.flood import FloodPlan, FloodReport
from sim.hostile import send_corpus
from sim.observation import DecisionSeen, FindingSeen, GatewayTap, LiveDecisions
from sim.passports import passport
from sim.quota import Quota
from sim.scenario import Scenario, verdict_text
from sim.tampering import HONEST, Tampering
from sim.user_agents import AnswerPlan, ReceivedCall
from sim.wire_checks import alterations, contradictions

UP_S = 5.0
"""How long a call gets to be answered."""
ANSWER_S = 3.0
"""How long a caller waits for a response: nothing in the catalogue takes longer than a tenth of a second."""
LONGEST_HOLD_S = 25.0
MEMBER_S = 8.0
"""How long a member of a trunk group gets to be taken out of service, or to come back."""
WHO = "lab"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a scenario."""

    scenario: Scenario
    got: str
    clause: str
    why: tuple[str, ...] = ()
    """What didn't agree, for a person."""

    @property
    def name(self) -> str:
        return self.scenario.name

    @property
    def expected(self) -> str:
        return self.scenario.expect.text

    @property
    def agrees(self) -> bool:
        return not self.why


@dataclass(slots=True)
class _Act:
    """What is going on while one scenario is played."""

    scenario: Scenario
    why: list[str] = field(default_factory=list)
    got: str = "no decision"
    clause: str = ""
    beside: list[asyncio.Task[None]] = field(default_factory=list)
    up: list[tuple[asyncio.Event, asyncio.Task[CallOutcome]]] = field(default_factory=list)
    cut_over: set[str] = field(default_factory=set)
    calls: int = 0

    def judge(self, got: str, clause: str, where: str) -> None:
        """Note the verdict that the scenario is there for, and whether it is the one expected."""
        expect = self.scenario.expect
        self.got, self.clause = got, expect.shown_clause if clause == expect.clause else clause
        if (got, clause) != (expect.text, expect.clause):
            by = f" by {clause}" if clause else ""
            self.why.append(f"{where}: expected {expect.text} by {expect.clause}, got {got}{by}")


class Stage:
    """The cast and the gateway, ready to play."""

    def __init__(
        self, cast: Cast, gateway: Gateway, configuration: Configuration, live: LiveDecisions, tap: GatewayTap
    ) -> None:
        self.cast, self.gateway, self.live, self.tap = cast, gateway, live, tap
        self._configuration = configuration
        self._quotas = {name: Quota(who.limit) for name, who in PROVIDERS.items() if who.limit is not None}

    async def play(self, scenario: Scenario) -> Result:
        """Play one scenario and put everything back. Whatever goes wrong is the result's `why`, not an exception.

        When cancelled it puts nothing back, and waits for no call.
        """
        await self._quota(scenario)
        act = _Act(scenario)
        faults = self.gateway.transport.faults
        try:
            for number, step in enumerate(scenario.steps, start=1):
                await self._take(act, step, f"step {number} ({step.do})")
            await asyncio.gather(*act.beside)
        except (ControlFault, OSError, RuntimeError, ValueError) as error:
            act.why.append(f"{type(error).__name__}: {error}")
        except asyncio.CancelledError:  # the lab is being stopped, gateway and cast with it: nothing is to put back
            await _abandon(act)
            raise
        await self._clear(act)
        if self.gateway.transport.faults > faults:
            act.why.append("the gateway's own code failed on a datagram; its log says where")
        return Result(scenario, act.got, act.clause, tuple(act.why))

    async def _quota(self, scenario: Scenario) -> None:
        """Wait until every provider of the scenario may send what it sends there: scenarios don't see each other."""
        for name, quota in self._quotas.items():
            calls = sum(step.count for step in scenario.steps if isinstance(step, script.Call) and step.from_ == name)
            floods = any(isinstance(step, script.Flood) and step.from_ == name for step in scenario.steps)
            wait_s = quota.until(quota.limit.burst if floods else calls, time.monotonic())
            if wait_s > 0:
                await asyncio.sleep(wait_s)

    def _spent(self, provider: str, calls: int = 1) -> None:
        if provider in self._quotas:
            self._quotas[provider].spend(calls, time.monotonic())

    # -- steps --------------------------------------------------------------------------------------------------------

    async def _take(self, act: _Act, step: object, where: str) -> None:
        match step:
            case script.Call():
                await self._calls(act, step, where)
            case script.Flood():
                await self._flood(act, step, where)
            case script.Tamper():
                self._tamper(step)
            case script.Restore():
                self._restore()
            case script.Answer():
                self._answer(step)
            case script.Silence():
                self.cast.agents[step.at].silent = not step.ends
            case script.Member():
                await self._member(act, step, where)
            case script.Cutover():
                await self._cutover(act, step)
            case script.HangUp():
                await self._hang_up(act)
            case script.Hostile():
                act.why.extend(f"{where}: {fault}" for fault in await send_corpus(self.gateway.address, self.cast.log))

    def _tamper(self, step: script.Tamper) -> None:
        tampering = Tampering(**step.model_dump(exclude={"do", "provider"}))
        if step.provider is None:
            self.cast.partner.tampering = tampering
        else:
            self.cast.partner.tampering_by_provider[step.provider] = tampering

    def _restore(self) -> None:
        self.cast.partner.tampering = HONEST
        self.cast.partner.tampering_by_provider.clear()
        for agent in self.cast.agents.values():
            agent.answers = AnswerPlan()
            agent.silent = False

    async def _member(self, act: _Act, step: script.Member, where: str) -> None:
        address = str(self.cast.agents[step.at].address[1])
        if not await self._members_stand(
            lambda member, state: not member.endswith(f":{address}") or state == step.state
        ):
            act.why.append(f"{where}: {step.at} was not {step.state} within {MEMBER_S:g} s")

    async def _members_stand(self, wanted: Callable[[str, str], bool]) -> bool:
        """Wait until every member of a trunk group stands as wanted; False when the time ran out before."""
        deadline = time.monotonic() + MEMBER_S
        while time.monotonic() < deadline:
            groups = self.gateway.status()["trunk_groups"]
            if all(wanted(member["address"], member["state"]) for group in groups for member in group["members"]):
                return True
            await asyncio.sleep(0.02)
        return False

    def _answer(self, step: script.Answer) -> None:
        self.cast.agents[step.at].answers = AnswerPlan(**step.model_dump(exclude={"do", "at"}))

    async def _cutover(self, act: _Act, step: script.Cutover) -> None:
        await self._order(step.provider, step.to, step.why)
        if step.to is None:
            act.cut_over.discard(step.provider)
        else:
            act.cut_over.add(step.provider)

    async def _order(self, provider: str, trunk_group: str | None, why: str) -> None:
        ocn = PROVIDERS[provider].ocn
        await asyncio.to_thread(post_cutover, self._configuration, ocn, trunk_group, WHO, why)

    async def _hang_up(self, act: _Act) -> None:
        up, act.up = act.up, []
        for hang_up, _ in up:
            hang_up.set()
        for outcome in await asyncio.gather(*(task for _, task in up)):
            if not outcome.clean:
                act.why.append(f"{outcome.call_id}: the call that was up did not end cleanly")

    async def _clear(self, act: _Act) -> None:
        """Put everything back as it was before the scenario, whatever happened in it."""
        for task in act.beside:
            task.cancel()
        await asyncio.gather(*act.beside, return_exceptions=True)
        await self._hang_up(act)
        self._restore()
        for provider in sorted(act.cut_over):
            try:
                await self._order(provider, None, f"end of the scenario: {act.scenario.name}")
            except ControlFault as fault:
                act.why.append(f"the cut-over of {provider} could not be taken back: {fault}")
        if not await self._members_stand(lambda _, state: state == "in service"):
            act.why.append("not every member of a trunk group came back into service")
        if not await quiet(self.cast):
            act.why.append("calls were still up at the end")

    # -- calls --------------------------------------------------------------------------------------------------------

    async def _calls(self, act: _Act, step: script.Call, where: str) -> None:
        if step.from_ in PROVIDERS:
            self.cast.partner.move(step.from_, step.over)
        if step.together:
            act.beside.append(asyncio.create_task(self._one_after_the_other(act, step, where)))
        else:
            await self._one_after_the_other(act, step, where)

    async def _one_after_the_other(self, act: _Act, step: script.Call, where: str) -> None:
        for _ in range(step.count):
            act.calls += 1
            call_id = f"{act.scenario.slug}.{act.calls}@lab.invalid"
            if step.stays_up:
                await self._keep_up(act, step, call_id, where)
            else:
                outcome = await self.cast.agents[step.from_].call(_plan_of(step, call_id))
                self._judge(act, step, outcome, where)

    async def _keep_up(self, act: _Act, step: script.Call, call_id: str, where: str) -> None:
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
        self._spent(step.from_)

    def _judge(self, act: _Act, step: script.Call, outcome: CallOutcome, where: str) -> None:
        """Hold what came of a call against the decision, the wire, and what the scenario expects."""
        self._spent(step.from_)
        decision = self.live.by_call_id.get(outcome.call_id)
        faults = list(self._faults(step, outcome, decision))
        act.why.extend(f"{where}: {fault}" for fault in faults)
        if step.judged:
            expect = act.scenario.expect
            act.judge(*_got(decision, expect, outcome.status), where)
            if outcome.status != expect.status:
                act.why.append(f"{where}: expected status {expect.status}, the caller saw {outcome.status}")

    def _faults(self, step: script.Call, outcome: CallOutcome, decision: DecisionSeen | None) -> Iterator[str]:
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

    def _unexpected(
        self, expect: script.StepExpect, outcome: CallOutcome, decision: DecisionSeen | None
    ) -> Iterator[str]:
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
        finding = _finding_of(decision, expect.check)
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

    # -- floods -------------------------------------------------------------------------------------------------------

    async def _flood(self, act: _Act, step: script.Flood, where: str) -> None:
        self.cast.partner.move(step.from_, step.over)
        plan = FloodPlan(
            target=self.cast.partner.access,
            calls=step.calls,
            calls_per_s=step.calls_per_s,
            duration_s=2 * step.calls / step.calls_per_s + 1,
            called=step.called,
            first_calling=step.first_calling,
            numbers=step.numbers,
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

    async def _until_over(self, act: _Act, step: script.Flood, plan: FloodPlan, where: str) -> None:
        report = await self.cast.floods[step.from_].run(plan)
        self._spent(step.from_, step.calls)
        decisions = [seen for call_id, seen in self.live.by_call_id.items() if plan.mark in call_id]
        act.why.extend(f"{where}: {fault}" for fault in _flood_faults(step.expect, report, decisions))
        if step.judged:
            expect = act.scenario.expect
            refused = [decision for decision in decisions if decision.refused_by is not None]
            gots = {_got(decision, expect, step.expect.status) for decision in refused}
            got, clause = gots.pop() if len(gots) == 1 else ("several verdicts" if gots else "no refusal", "")
            act.judge(got, clause, where)


async def _abandon(act: _Act) -> None:
    under_way = [*act.beside, *(task for _, task in act.up)]
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)


def _flood_faults(expect: script.FloodExpect, report: FloodReport, decisions: list[DecisionSeen]) -> Iterator[str]:
    answered, refused = report.statuses[200], report.statuses[expect.status]
    if not expect.answered_at_least <= answered <= expect.answered_at_most:
        yield f"{answered} calls were answered, expected {expect.answered_at_least} to {expect.answered_at_most}"
    if refused < expect.refused_at_least:
        yield f"{refused} calls were refused with {expect.status}, expected at least {expect.refused_at_least}"
    if answered + refused != report.sent:
        yield f"of {report.sent} calls {report.sent - answered - refused} got neither 200 nor {expect.status}"
    if report.ended != answered:
        yield f"{answered} calls were answered, {report.ended} ended cleanly"
    admitted = sum(decision.refused_by is None for decision in decisions)
    if (len(decisions), admitted) != (report.sent, answered):
        yield f"{len(decisions)} decisions, {admitted} of them to admit, for {report.sent} calls, {answered} answered"
    others = {d.refused_by.verdict for d in decisions if d.refused_by is not None} - {expect.verdict}
    if others:
        yield f"calls were refused as {', '.join(sorted(others))}, not {expect.verdict}"


def _plan_of(step: script.Call, call_id: str, hang_up: asyncio.Event | None = None) -> CallPlan:
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


def _got(decision: DecisionSeen | None, expect: script.Expect, status: int | None) -> tuple[str, str]:
    """Verdict and clause, as the table shows them."""
    if decision is None:
        return verdict_text("NONE", None, status), expect.clause if expect.outcome == "NONE" else ""
    finding = decision.refused_by or _finding_of(decision, expect.check)
    if finding is None:
        return decision.outcome, ""
    text = verdict_text(decision.outcome, finding.verdict, status)
    if expect.check is not None and finding.check != expect.check:
        return f"{text} by {finding.check}", finding.clause
    return text, finding.clause


def _finding_of(decision: DecisionSeen | None, check: str | None) -> FindingSeen | None:
    if decision is None:
        return None
    return decision.refused_by if check is None else decision.verdict_of(check)
