"""Keeps the addresses of configured names as the domain name system has them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.locating import Candidate, Target
from gateway.transport.resolver import Resolver

AHEAD: Final = 0.1
"""A name is looked up again when this part of its time is left, so that it is never used up."""
RETRY_S: Final = 10.0
"""A name that could not be located is looked up again after this time, or that of the answer if it is longer."""
AT_ONCE: Final = 4
"""Names that are looked up at the same time: each may come to 64 questions, and the resolver lets so many wait."""
PATIENCE_S: Final = 15.0
"""So long a start waits for the names; those that take longer come later."""

LOG = logging.getLogger("tollgate.dns")

Changed = Callable[[Target, tuple[Candidate, ...]], None]
"""Told of a target's candidates when they differ from those before."""


@dataclass(slots=True)
class WatchedName:
    """What is known of one name. Times are microseconds since the Unix epoch."""

    target: Target
    candidates: tuple[Candidate, ...] = ()
    """The last that were found: a lookup that fails leaves them as they are."""
    located_at_us: int | None = None
    """When they were found to be so last; None: never yet."""
    failure: str = ""
    """Why the latest lookup found none, or not all; empty where it found all."""
    next_at_us: int = 0


class NameWatch:
    """Looks up each name at the start, and again before its time is over."""

    def __init__(
        self,
        resolver: Resolver,
        targets: Iterable[Target],
        listeners: Sequence[Hop],
        changed: Changed,
        now_us: Callable[[], int],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`listeners` are the gateway's own: a name is located as far as it can be reached from them."""
        self.names: Final = tuple(WatchedName(target) for target in dict.fromkeys(targets))
        self._resolver: Final = resolver
        self._listeners: Final = listeners
        self._changed: Final = changed
        self._now_us: Final = now_us
        self._sleep: Final = sleep
        self._turns: Final = asyncio.Semaphore(AT_ONCE)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Look every name up once, and go on with that until `close`. Waits for `PATIENCE_S` at the most."""
        looked_up = [asyncio.Event() for _ in self.names]
        self._tasks = [
            asyncio.create_task(self._follow(name, done)) for name, done in zip(self.names, looked_up, strict=True)
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                for done in looked_up:
                    await done.wait()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _follow(self, name: WatchedName, looked_up: asyncio.Event) -> None:
        delay_s = await self._look_up(name)
        looked_up.set()
        while delay_s is not None:
            await self._sleep(delay_s)
            delay_s = await self._look_up(name)

    async def _look_up(self, name: WatchedName) -> float | None:
        """Look a name up; seconds until that is due again, None for never."""
        async with self._turns:
            located = await self._resolver.locate(name.target, self._listeners, fresh=True)
        at_us = self._now_us()
        if located.candidates:
            name.located_at_us = at_us
            self._take(name, located.candidates)
        self._tell(name, located.failure)
        if located.ttl_s is None:
            return None
        delay_s = located.ttl_s * (1 - AHEAD)
        if not located.candidates or located.failure:
            delay_s = max(delay_s, RETRY_S)
        name.next_at_us = at_us + round(delay_s * 1_000_000)
        return delay_s

    def _take(self, name: WatchedName, candidates: tuple[Candidate, ...]) -> None:
        if set(candidates) == set(name.candidates):  # servers rotate the addresses of their answers
            return
        name.candidates = candidates
        LOG.info("%s is now %s", name.target, ", ".join(str(candidate.hop) for candidate in candidates))
        try:
            self._changed(name.target, candidates)
        except Exception:  # or the name would not be looked up again
            LOG.exception("the new addresses of %s were not taken up", name.target)

    @staticmethod
    def _tell(name: WatchedName, failure: str) -> None:
        """Say once of a row of failures that it has begun, and that it is over."""
        if failure and failure != name.failure:
            kept = "its last addresses stay in use" if name.candidates else "it has no addresses yet"
            LOG.warning("%s was not fully located: %s; %s", name.target, failure, kept)
        elif name.failure and not failure:
            LOG.warning("%s is located again", name.target)
        name.failure = failure
