"""The operator of the lab: takes steps on providers over the gateway's HTTP API, and sees how providers stand (L8)."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from gateway.operations.configuration import Configuration
from gateway.operations.control_client import ControlFault, get_status, post_step
from sim.act import Act
from sim.cast import PROVIDERS
from sim.life_steps import Ended, Order, Recommended, Standing

T = TypeVar("T")

SETTLES_S: Final = 8.0
"""How long a provider gets to come into a state, or a recommendation to come."""
MOST_UNDONE: Final = 20
"""Steps on one provider that are taken back after a scenario: more than any takes."""
LOOK_S: Final = 0.1


class Life:
    """Takes the operator's steps, and takes them back when a scenario is over."""

    def __init__(self, configuration: Configuration, who: str) -> None:
        self._configuration, self._who = configuration, who
        self._touched: set[str] = set()

    async def take(self, act: Act, step: object, where: str) -> bool:
        """Take a step of a scenario; False where it is none of the operator's."""
        match step:
            case Order():
                await self._order(act, step, where)
            case Standing():
                await self._standing(act, step, where)
            case Recommended():
                await self._recommended(act, step, where)
            case Ended():
                await self._ended(act, step, where)
            case _:
                return False
        return True

    async def put_back(self, act: Act) -> None:
        """Every provider that a step was taken on is as it was before."""
        for provider in sorted(self._touched):
            try:
                await self._undo_all(provider, f"end of the scenario: {act.scenario.name}"[:1000])
            except ControlFault as fault:
                act.why.append(f"the steps on {provider} could not be taken back: {fault}")
        self._touched.clear()

    async def _undo_all(self, provider: str, why: str) -> None:
        ocn = PROVIDERS[provider].ocn
        for _ in range(MOST_UNDONE):
            if await self._state_of(ocn) == "normal":
                return
            await self._post("undo", {"ocn": ocn, "why": why})
        raise ControlFault(f"still {await self._state_of(ocn)} after {MOST_UNDONE} steps back")

    # -- steps --------------------------------------------------------------------------------------------------------

    async def _order(self, act: Act, step: Order, where: str) -> None:
        fields: dict[str, object] = {"ocn": PROVIDERS[step.provider].ocn, "why": step.why, "scope": step.scope}
        fields |= {"trunk_group": step.to, "drain_seconds": step.drain_s, "expected_state": step.expected}
        key = uuid.uuid4().hex if step.sent_again else None
        try:
            answer = await self._post(step.takes, fields, key)
        except ControlFault as fault:
            if step.refused is None or step.refused not in str(fault):
                act.why.append(f"{where}: expected {step.refused or 'the step to be taken'}, got: {fault}")
            return
        self._touched.add(step.provider)
        if step.refused is not None:
            act.why.append(f"{where}: the step was taken, and was to be refused: {step.refused}")
        if key is not None and await self._post(step.takes, fields, key) != answer:
            act.why.append(f"{where}: the same request under the same key got another answer")

    async def _standing(self, act: Act, step: Standing, where: str) -> None:
        ocn = PROVIDERS[step.provider].ocn
        self._touched.add(step.provider)

        async def stands() -> str | None:
            state = await self._state_of(ocn)
            return state if state == step.state else None

        if await _until(stands) is None:
            state = await self._state_of(ocn)
            act.why.append(f"{where}: {step.provider} was {state} after {SETTLES_S:g} s, not {step.state}")

    async def _recommended(self, act: Act, step: Recommended, where: str) -> None:
        ocn = PROVIDERS[step.provider].ocn

        async def waiting() -> int | None:
            return recommendation_of(await self._status(), ocn, step.takes)

        number = await _until(waiting)
        if number is None:
            act.why.append(f"{where}: within {SETTLES_S:g} s no {step.takes} of {step.provider} was recommended")
            return
        self._touched.add(step.provider)
        await self._post(step.answer, {"recommendation": number, "why": step.why})

    async def _ended(self, act: Act, step: Ended, where: str) -> None:
        up, act.up = act.up, []
        _, pending = await asyncio.wait({task for _, task in up}, timeout=SETTLES_S)
        if pending or len(up) != step.calls:
            act.why.append(
                f"{where}: {len(up)} calls were up, expected {step.calls}; {len(pending)} still are, {SETTLES_S:g} s on"
            )
        for hang_up, task in up:
            hang_up.set()
            outcome = await task
            if not outcome.clean:
                act.why.append(f"{where}: {outcome.name}: the call did not end cleanly")

    # -- the gateway --------------------------------------------------------------------------------------------------

    async def _post(self, route: str, fields: dict[str, object], key: str | None = None) -> dict[str, Any]:
        return await asyncio.to_thread(post_step, self._configuration, route, {**fields, "who": self._who}, key)

    async def _status(self) -> dict[str, Any]:
        return await asyncio.to_thread(get_status, self._configuration)

    async def _state_of(self, ocn: str) -> str:
        return next(str(one["standing"]["state"]) for one in (await self._status())["providers"] if one["ocn"] == ocn)


def recommendation_of(status: dict[str, Any], ocn: str, step: str) -> int | None:
    """The number of the recommendation of a step on a provider that waits for an answer."""
    for one in status["denial_of_service"]["recommendations"]:
        if (one["ocn"], one["step"]) == (ocn, step):
            return int(one["number"])
    return None


async def _until(look: Callable[[], Awaitable[T | None]]) -> T | None:
    """What `look` gives, as soon as that is not None; None when the time ran out before."""
    deadline = time.monotonic() + SETTLES_S
    while (found := await look()) is None and time.monotonic() < deadline:  # noqa: ASYNC110 - the gateway is asked anew
        await asyncio.sleep(LOOK_S)
    return found
