"""What a scenario does to circuits, links and switches on ISUP, apart from placing calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from gateway.codecs.ss7.m3ua import MessageType
from gateway.operations.configuration import Configuration
from gateway.operations.control_client import ControlFault, post_block
from gateway.wiring.live import Gateway
from sim.act import Act
from sim.ss7 import steps as script
from sim.ss7.call_plan import CircuitOutcome, IsupPlan
from sim.ss7.cast import CIRCUIT_TRUNKS, POINTS, Ss7Cast
from sim.ss7.facts import PRESENTATIONS, SCREENINGS
from sim.ss7.link import SignallingLink
from sim.ss7.parties import CircuitAnswer
from sim.ss7.switch import Ss7Switch
from sim.ss7.tampering import IsupTampering

SETTLES_S = 5.0
"""How long an acknowledgement, a blocking or a link is waited for."""
CONGESTION_LEVEL = 1


class CircuitSteps:
    """Takes those steps, and puts back what they did."""

    def __init__(self, cast: Ss7Cast, gateway: Gateway, configuration: Configuration, who: str) -> None:
        self._cast, self._gateway, self._configuration, self._who = cast, gateway, configuration, who
        self._blocked: set[str] = set()
        """Trunk groups that an operator blocked."""

    async def take(self, act: Act, step: object, where: str) -> bool:
        """Take a step; False where it is none of these."""
        match step:
            case script.CircuitTamper():
                self._tamper(step)
            case script.CircuitAnswer():
                answer = CircuitAnswer(**step.model_dump(exclude={"do", "at"}))
                self._cast.switches[step.at].answers = answer
            case script.Maintain():
                await self._maintain(act, step, where)
            case script.Blocked():
                await self._blocked_there(act, step, where)
            case script.Cleared():
                await self._cleared(act, step, where)
            case script.Block():
                await self._order(step.group, blocked=not step.ends)
            case script.LinkStep():
                await self._link(act, step, where)
            case script.Glare():
                plan = IsupPlan(step.called, step.calling, oli=0, hops=20)
                self._cast.switches[step.at].glare = plan
            case script.Glared():
                await self._glared(act, step, where)
            case _:
                return False
        return True

    async def put_back(self, act: Act) -> None:
        """Everything as it was before the scenario, and nothing at the switches that should not have come."""
        self._cast.behave()
        for group in sorted(self._blocked):
            try:
                await self._order(group, blocked=False)
            except ControlFault as fault:
                act.why.append(f"the blocking of {group} could not be taken back: {fault}")
        for switch in self._cast.switches.values():
            for trunks in switch.trunks.values():
                blocked = [circuit.cic for circuit in trunks.circuits.values() if circuit.blocked_here]
                switch.maintenance.unblock(trunks, blocked, group=True)
        try:
            await self._cast.ready()
        except RuntimeError as fault:
            act.why.append(str(fault))
        act.why.extend(self._cast.faults())

    def _tamper(self, step: script.CircuitTamper) -> None:
        given = step.model_dump(exclude={"do", "presentation", "screening"})
        presentation = None if step.presentation is None else PRESENTATIONS[step.presentation]
        screening = None if step.screening is None else SCREENINGS[step.screening]
        self._cast.tandem.tampering = IsupTampering(**given, presentation=presentation, screening=screening)

    async def _maintain(self, act: Act, step: script.Maintain, where: str) -> None:
        switch = self._cast.switches[step.at]
        trunks = switch.trunks[step.group]
        ask = {
            "block": switch.maintenance.block,
            "unblock": switch.maintenance.unblock,
            "reset": switch.maintenance.reset,
        }[step.ask]
        ask(trunks, step.cics or tuple(trunks.circuits), group=step.in_groups)
        if not await switch.until(lambda: not switch.maintenance.unacknowledged, SETTLES_S):
            left = sorted(switch.maintenance.unacknowledged)
            act.why.append(f"{where}: not acknowledged within {SETTLES_S:g} s: {left}")

    async def _blocked_there(self, act: Act, step: script.Blocked, where: str) -> None:
        switch = self._neighbour_of(step.group)
        if not await switch.until(lambda: switch.blocked_there(step.group) == step.circuits, SETTLES_S):
            count = switch.blocked_there(step.group)
            act.why.append(f"{where}: {count} circuits of {step.group} are blocked, expected {step.circuits}")

    async def _cleared(self, act: Act, step: script.Cleared, where: str) -> None:
        up, act.up = act.up, []
        _, pending = await asyncio.wait({task for _, task in up}, timeout=SETTLES_S)
        if pending:
            act.why.append(f"{where}: {len(pending)} calls were still up after {SETTLES_S:g} s")
        for hang_up, task in up:
            hang_up.set()
            outcome = await task
            if isinstance(outcome, CircuitOutcome) and (outcome.cause, outcome.cleared) != (step.cause, True):
                act.why.append(f"{where}: {outcome.name}: released with cause {outcome.cause}, not {step.cause}")

    def _neighbour_of(self, group: str) -> Ss7Switch:
        return self._cast.switches[CIRCUIT_TRUNKS[group].neighbour]

    async def _order(self, group: str, *, blocked: bool) -> None:
        await asyncio.to_thread(post_block, self._configuration, group, blocked, self._who, "a scenario of the lab")
        if blocked:
            self._blocked.add(group)
        else:
            self._blocked.discard(group)

    async def _link(self, act: Act, step: script.LinkStep, where: str) -> None:
        """The gateway may take its time to give an exchange up: RFC 4666 section 4.3.4.1, timer T(r)."""
        code = POINTS[step.at].text
        _TO_LINKS[step.what](self._cast.link_of(step.at), POINTS[step.at].code)
        good = step.what not in ("lost", "inactive", "unavailable")
        deadline = time.monotonic() + SETTLES_S
        while self._reachable(code) is not good:
            if time.monotonic() > deadline:
                act.why.append(f"{where}: after {SETTLES_S:g} s the gateway says of {code}: reachable {not good}")
                return
            await asyncio.sleep(0.005)

    def _reachable(self, code: str) -> bool:
        """Whether the gateway has a way to the exchange with that point code."""
        groups = [group.get("circuits", {}) for group in self._gateway.status()["trunk_groups"]]
        return any(circuits["reachable"] for circuits in groups if circuits.get("point_code") == code)

    async def _glared(self, act: Act, step: script.Glared, where: str) -> None:
        crossed = self._cast.switches[step.at].glared
        if crossed is None:
            act.why.append(f"{where}: no IAM came to {step.at} whose circuit it could have seized as well")
            return
        outcome = await crossed
        if outcome.answered is not step.answered:
            act.why.append(f"{where}: answered: expected {step.answered}, got {outcome.answered}")


def _announce(kind: MessageType, level: int | None = None) -> Callable[[SignallingLink, int], None]:
    def say(link: SignallingLink, own: int) -> None:
        for association in link.associations:
            association.announce(kind, own, level)

    return say


def _leave(link: SignallingLink, _own: int) -> None:
    for association in link.associations:
        association.leave()


def _join(link: SignallingLink, _own: int) -> None:
    for association in link.associations:
        association.join()


_TO_LINKS: Final[Mapping[str, Callable[[SignallingLink, int], None]]] = {
    "lost": lambda link, _own: link.lose(),
    "back": lambda link, _own: link.restore(),
    "inactive": _leave,
    "active": _join,
    "unavailable": _announce(MessageType.DUNA),
    "available": _announce(MessageType.DAVA),
    "congested": _announce(MessageType.SCON, CONGESTION_LEVEL),
}
