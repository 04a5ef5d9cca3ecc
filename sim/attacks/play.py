"""Plays attacks, each against a gateway of its own with the innocent in its midst; then says what came of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from sim.attacks.attack import REFUSING, Attack, Holds, Stand
from sim.attacks.attacker import Assault, AssaultReport, Attacker
from sim.attacks.bystanders import ATTACKER, Bystanders, Share
from sim.attacks.circuits import flood_circuits
from sim.attacks.defence import defence
from sim.attacks.messages import Kind, Numbering
from sim.attacks.witness import AlertSeen, RecommendationSeen, Witness, alert_of, held_by, is_found
from sim.cast import DEFAULT_TRUNK, PROVIDERS, Cast
from sim.laboratory import Lab, opened
from sim.user_agents import AnswerPlan

MOST_REPEATS: Final = 2
"""How often an attack goes on that was over before it was found: on a machine that is busy with something else."""
AT_ONCE: Final = 4
"""Attacks that go on at one time."""
BUSY: Final = AnswerPlan(provisional=(180,), status=486, phrase="Busy Here")
SETTLE_S: Final = 0.3
"""How long an attacker waits for answers that may never come."""


class Watcher(Protocol):
    """Is told of every scenario and attack when it starts, and when it is over: what came, and what differs."""

    def started(self, name: str) -> None: ...

    def done(self, name: str, got: str, why: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class AttackResult:
    """What came of an attack."""

    attack: Attack
    report: AssaultReport
    innocent: Share
    emergency: Share
    alerts: tuple[AlertSeen, ...]
    """Every alert that was up, the ones about the attack and others."""
    recommended: tuple[RecommendationSeen, ...]
    held: Counter[Holds]
    why: tuple[str, ...]
    """What didn't come as expected, for a person."""

    @property
    def agrees(self) -> bool:
        return not self.why

    @property
    def got(self) -> str:
        """What was found, in a word or two: first of all what was to be."""
        expected = [found.detector for found in self.attack.found if alert_of(found, self.alerts) is not None]
        return next(iter((*expected, *(alert.detector for alert in self.alerts))), "nothing found")


async def play_all(attacks: Sequence[Attack], folder: Path, watcher: Watcher) -> list[AttackResult]:
    """Play attacks, each in a folder below that one; their results in the order of the attacks.

    They are played in waves, side by side: of the catalogue's neighbours, which are of one kind, none are in one wave.
    Raises as `play_wave`.
    """
    waves = -(-len(attacks) // AT_ONCE)
    results: dict[str, AttackResult] = {}
    for wave in range(waves):
        for result in await play_wave(attacks[wave::waves], folder, watcher):
            results[result.attack.slug] = result
    return [results[attack.slug] for attack in attacks]


async def play_wave(attacks: Sequence[Attack], folder: Path, watcher: Watcher) -> list[AttackResult]:
    """Play attacks side by side, each against a gateway of its own. All are up before the first attack begins: to read
    the numbering tables takes longer than a call.

    Raises OSError, and what a gateway raises that doesn't start.
    """
    async with AsyncExitStack() as stack:
        labs = []
        for attack in attacks:
            own = folder / attack.slug
            own.mkdir(parents=True, exist_ok=True)
            labs.append(
                await stack.enter_async_context(opened(own, operations_port=0, defence=defence(attack.automatic)))
            )
        return await asyncio.gather(
            *(_watched(attack, lab, watcher) for attack, lab in zip(attacks, labs, strict=True))
        )


async def _watched(attack: Attack, lab: Lab, watcher: Watcher) -> AttackResult:
    watcher.started(attack.title)
    result = await play(attack, lab)
    watcher.done(attack.title, result.got, result.why)
    return result


async def play(attack: Attack, lab: Lab) -> AttackResult:
    """Play an attack in a lab that is used for nothing else."""
    _set(lab.cast, attack)
    bystanders, over = Bystanders(lab.cast), asyncio.Event()
    witness = Witness(lab.gateway, attack.found)
    calling, watching = asyncio.create_task(bystanders.call_until(over)), asyncio.create_task(witness.watch())
    try:
        report = await _attacked(lab, attack, witness)
        await witness.found()
        for _ in range(MOST_REPEATS):
            if witness.has_all and all(_held(one, held_by(lab, attack, report), report) for one in attack.held_by):
                break
            report.add(await _attacked(lab, attack, witness))
            await witness.found()
        over.set()
        await calling
    finally:
        for task in (calling, watching):
            task.cancel()
        await asyncio.gather(calling, watching, return_exceptions=True)
    held = held_by(lab, attack, report)
    alerts, recommended = witness.alerts, witness.recommended
    why = [*_faults(attack, report, alerts, recommended, held), *bystanders.faults()]
    if lab.gateway.transport.faults:
        why.append("the gateway's own code failed on a datagram; its log says where")
    return AttackResult(
        attack, report, bystanders.innocent, bystanders.emergency, alerts, recommended, held, tuple(why)
    )


def _set(cast: Cast, attack: Attack) -> None:
    """Who is called is busy, where the attack is that hardly anyone answers."""
    cast.partner.move(ATTACKER, attack.over if attack.stand is Stand.PROVIDER else DEFAULT_TRUNK)
    if attack.answered_of > 1 and isinstance(attack.called, Numbering):
        busy = (attack.called.number(at) for at in range(attack.messages) if at % attack.answered_of)
        cast.agents["wentzville"].answers_by_number.update(dict.fromkeys(busy, BUSY))


async def _attacked(lab: Lab, attack: Attack, witness: Witness) -> AssaultReport:
    """The attack from its first message to its last answer."""
    if attack.stand is Stand.CIRCUITS:
        return await flood_circuits(lab.cast, attack)
    of_provider = attack.stand is Stand.PROVIDER
    attacker = lab.cast.floods[ATTACKER] if of_provider else Attacker(tap=lab.cast.log)
    try:
        if not of_provider:
            await attacker.start(attack.ports)
        return await attacker.run(
            Assault(
                target=lab.cast.partner.access if of_provider else lab.gateway.address,
                kind=attack.kind,
                messages=attack.messages,
                per_s=attack.per_s,
                calling=attack.calling,
                called=attack.called,
                hold_s=attack.hold_s,
                settle_s=SETTLE_S,
                domain=f"{ATTACKER}.example",
            ),
            lambda: witness.has_all,
        )
    finally:
        if not of_provider:
            attacker.close()


def _faults(
    attack: Attack,
    report: AssaultReport,
    alerts: tuple[AlertSeen, ...],
    recommended: tuple[RecommendationSeen, ...],
    held: Counter[Holds],
) -> Iterator[str]:
    """What came otherwise than expected, but for the innocent."""
    for found in attack.found:
        if not is_found(found, alerts, recommended):
            step = f", and {found.step} recommended" if found.step is not None else ""
            yield f"{found.detector} was not raised of {found.subject}{step}"
    yield from _of_innocent(attack, alerts, recommended)
    for wanted in attack.held_by:
        if not _held(wanted, held, report):
            yield f"nothing was held by: {wanted.value}" if wanted is not Holds.NOTHING else "some of it was held"
    if attack.served and report.statuses[200] != report.sent:
        yield f"{report.sent - report.statuses[200]} of its {report.sent} emergency calls were not answered"
    if report.ended != report.statuses[200] and attack.kind in (Kind.CALLS, Kind.REPEATED_CALL):
        yield f"{report.statuses[200]} of its calls were answered, {report.ended} ended cleanly"


def _of_innocent(
    attack: Attack, alerts: tuple[AlertSeen, ...], recommended: tuple[RecommendationSeen, ...]
) -> Iterator[str]:
    attacker = PROVIDERS[ATTACKER].ocn
    if not attack.spoofed:
        yield from (
            f"{alert.detector} was raised of {alert.subject}, which did nothing"
            for alert in alerts
            if alert.provider not in (None, attacker)
        )
    steps = {found.step for found in attack.found}
    yield from (
        f"{one.step} of {one.ocn} is recommended, which is the wrong step, or the wrong provider"
        for one in recommended
        if one.ocn != attacker or one.step not in steps
    )


def _held(wanted: Holds, held: Counter[Holds], report: AssaultReport) -> bool:
    """Whether something was held by that; for NOTHING, whether hardly anything was: a slow sender makes up for its
    pauses, and may for a moment be over a rate that it keeps.
    """
    if wanted is Holds.NOTHING:
        return sum(held[each] for each in REFUSING) * 5 <= report.sent
    return held[wanted] > 0
