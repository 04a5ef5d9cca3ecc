"""Plays a scenario: its steps, one after the other, against the running gateway; then says what came of it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from gateway.operations.configuration import Configuration
from gateway.operations.control_client import ControlFault
from gateway.wiring.live import Gateway
from sim import steps as script
from sim.act import Act, Result
from sim.cast import PROVIDERS, Cast, quiet
from sim.hostile import send_corpus
from sim.life import Life
from sim.observation import GatewayTap, LiveDecisions
from sim.quota import Quotas
from sim.scenario import Scenario
from sim.sip_calls import SipCalls
from sim.sip_floods import SipFloods
from sim.ss7 import steps as circuits
from sim.ss7.circuit_calls import CircuitCalls, provider_of
from sim.ss7.circuit_steps import CircuitSteps
from sim.tampering import HONEST, Tampering
from sim.user_agents import AnswerPlan

MEMBER_S = 8.0
"""How long a member of a trunk group gets to be taken out of service, or to come back."""
WHO = "lab"


class Stage:
    """The cast and the gateway, ready to play."""

    def __init__(
        self, cast: Cast, gateway: Gateway, configuration: Configuration, live: LiveDecisions, tap: GatewayTap
    ) -> None:
        self.cast, self.gateway, self.live, self.tap = cast, gateway, live, tap
        self._quotas = Quotas({name: who.limit for name, who in PROVIDERS.items() if who.limit is not None})
        self._sip_calls = SipCalls(cast, gateway, live, tap, self._quotas)
        self._sip_floods = SipFloods(cast, live, self._quotas)
        self._circuit_calls = CircuitCalls(cast, live, tap, self._quotas)
        self._circuit_steps = CircuitSteps(cast.ss7, gateway, configuration, WHO)
        self._life = Life(configuration, WHO)

    async def play(self, scenario: Scenario) -> Result:
        """Play one scenario and put everything back. Whatever goes wrong is the result's `why`, not an exception.

        When cancelled it puts nothing back, and waits for no call.
        """
        await self._quota(scenario)
        act = Act(scenario)
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
        return Result(scenario, act.got, act.clause, tuple(act.why), act.judged)

    async def _quota(self, scenario: Scenario) -> None:
        """Wait until every provider of the scenario may send what it sends there: scenarios don't see each other."""
        await self._quotas.wait_for(lambda provider: sum(_calls_of(provider, step) for step in scenario.steps))

    # -- steps --------------------------------------------------------------------------------------------------------

    async def _take(self, act: Act, step: object, where: str) -> None:
        match step:
            case script.Call():
                await self._sip_calls.place(act, step, where)
            case script.Flood():
                await self._sip_floods.flood(act, step, where)
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
            case script.HangUp():
                await self._hang_up(act)
            case circuits.CircuitCall():
                await self._circuit_calls.place(act, step, where)
            case circuits.CircuitFlood():
                await self._circuit_calls.flood(act, step, where)
            case script.Hostile():
                act.why.extend(f"{where}: {fault}" for fault in await send_corpus(self.gateway.address, self.cast.log))
            case _:
                if not await self._life.take(act, step, where):
                    await self._circuit_steps.take(act, step, where)

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
        self.cast.ss7.behave()

    async def _member(self, act: Act, step: script.Member, where: str) -> None:
        address = str(self.cast.agents[step.at].address[1])
        if not await self._members_stand(
            lambda member, state: not member.endswith(f":{address}") or state == step.state
        ):
            act.why.append(f"{where}: {step.at} was not {step.state} within {MEMBER_S:g} s")

    async def _members_stand(self, wanted: Callable[[str, str], bool]) -> bool:
        """Wait until every member of a trunk group stands as wanted; False when the time ran out before."""
        deadline = time.monotonic() + MEMBER_S
        while time.monotonic() < deadline:
            groups = self.gateway.control.status()["trunk_groups"]
            if all(wanted(member["address"], member["state"]) for group in groups for member in group["members"]):
                return True
            await asyncio.sleep(0.02)
        return False

    def _answer(self, step: script.Answer) -> None:
        self.cast.agents[step.at].answers = AnswerPlan(**step.model_dump(exclude={"do", "at"}))

    async def _hang_up(self, act: Act) -> None:
        up, act.up = act.up, []
        for hang_up, _ in up:
            hang_up.set()
        for outcome in await asyncio.gather(*(task for _, task in up)):
            if not outcome.clean:
                act.why.append(f"{outcome.name}: the call that was up did not end cleanly")

    async def _clear(self, act: Act) -> None:
        """Put everything back as it was before the scenario, whatever happened in it."""
        for task in act.beside:
            task.cancel()
        await asyncio.gather(*act.beside, return_exceptions=True)
        await self._hang_up(act)
        self._restore()
        await self._life.put_back(act)
        await self._circuit_steps.put_back(act)
        if not await self._members_stand(lambda _, state: state == "in service"):
            act.why.append("not every member of a trunk group came back into service")
        if not await quiet(self.cast):
            act.why.append("calls were still up at the end")


async def _abandon(act: Act) -> None:
    under_way = [*act.beside, *(task for _, task in act.up)]
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)


def _calls_of(provider: str, step: object) -> float:
    """How many calls of a provider a step places; of a flood, as many as there may be."""
    match step:
        case script.Call() if step.from_ == provider:
            return step.count
        case circuits.CircuitCall() if provider_of(step.calling) == provider:
            return step.count
        case script.Flood() if step.from_ == provider:
            return math.inf
        case circuits.CircuitFlood() if step.provider == provider:
            return math.inf
    return 0
