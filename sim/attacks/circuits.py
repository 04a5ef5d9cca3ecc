"""Attacks on circuits: callers of the partner's end office who place one call after the other."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from sim.attacks.attack import Attack
from sim.attacks.attacker import AssaultReport
from sim.attacks.messages import Numbering
from sim.cast import Cast
from sim.ss7.call_plan import IsupPlan
from sim.ss7.cast import ACCESS

AT_ONCE: Final = 20
"""Callers: fewer than the trunk group has circuits, or nobody else's calls would find one."""


async def flood_circuits(cast: Cast, attack: Attack) -> AssaultReport:
    """Place the calls at the rate of the attack, or as fast as their circuits become idle."""
    cast.ss7.over = attack.over
    report = AssaultReport()
    left = iter(range(attack.messages))
    started = time.monotonic()

    async def caller() -> None:
        for number in left:
            due_s = number / attack.per_s - (time.monotonic() - started)
            if due_s > 0:
                await asyncio.sleep(due_s)
            report.sent += 1
            outcome = await cast.ss7.office.call(_plan(attack, number), ACCESS)
            if outcome.answered:
                report.statuses[200] += 1
                report.ended += outcome.clean
            elif outcome.cause is not None:
                report.statuses[outcome.cause] += 1

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    report.sending_s = report.lasted_s = time.monotonic() - started
    return report


def _plan(attack: Attack, number: int) -> IsupPlan:
    called = attack.called if isinstance(attack.called, str) else _national(attack.called, number)
    return IsupPlan(called, _national(attack.calling, number), oli=0, jip="314206", hops=20)


def _national(numbers: Numbering, at: int) -> str:
    """As an IAM has it: ten digits."""
    return numbers.number(at).removeprefix("+1")
