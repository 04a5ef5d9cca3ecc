"""A gateway that looks at scripted detections when it is told to, at the time that it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final

import pytest
from small_gateway import Exchange

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import StandingBook
from gateway.operations.configuration import Configuration
from gateway.policy.detectors.detector import Detection, Subject, SubjectKind
from gateway.policy.watch import Watch
from gateway.records.journal import Entry, Kind, OperatorJournal
from gateway.transport.clock import Clock
from gateway.wiring import live
from gateway.wiring.call_watch import CallWatch
from gateway.wiring.live import Gateway, running
from gateway.wiring.responses import Responses

OCN: Final = Ocn("901A")
RECOMMENDING: Final = """
[denial_of_service]
decide_within_seconds = 120
escalate_after_seconds = 30
release_after_seconds = 100
clear_seconds = 90
"""
AUTOMATIC: Final = f'{RECOMMENDING}automatic = ["throttle", "release", "discontinue"]\n'


@dataclass
class Seeing:
    """A detector that sees what it is told to."""

    name: str = "scripted"
    clause: str = "L8"
    flood: bool = False
    spoofed: bool = False
    carriers: tuple[Ocn, ...] = (OCN,)
    groups: tuple[str | None, ...] = (None,)

    def judge(self, at_us: int) -> Iterable[Detection]:
        for ocn, group in product(self.carriers if self.flood else (), self.groups):
            provider = None if self.spoofed else ocn
            kind, subject = (SubjectKind.TRUNK_GROUP, "shared") if self.spoofed else (SubjectKind.PROVIDER, ocn)
            yield Detection(
                self.name,
                Subject(kind, subject),
                provider,
                at_us,
                at_us - 1,
                (("calls_per_s", 80.0), ("threshold", 10.0)),
                "80 calls/s from +13145550100",
                trunk_group=group,
            )


@dataclass
class Scene:
    """A running gateway that looks when it is told to, at the time that it is told."""

    gateway: Gateway
    exchange: Exchange
    journal: OperatorJournal
    responses: Responses
    detector: Seeing = field(default_factory=Seeing)

    async def after(self, seconds: float) -> None:
        """Time passes, and the gateway looks once a second at first, and then at the end."""
        for step in (*(1.0 for _ in range(min(int(seconds), 3))), max(seconds - 3, 0.0)):
            self.gateway.clock._offset_ns += round(step * 1e9)
            await self.responses.look()

    @property
    def state(self) -> str:
        return str(self.gateway.policy.standings.standing_of(OCN, self.gateway.clock.now_us()).state.value)

    @property
    def waiting(self) -> list[dict[str, Any]]:
        recommendations: list[dict[str, Any]] = self.gateway.status()["denial_of_service"]["recommendations"]
        return recommendations

    def entries(self, *kinds: str) -> list[Entry]:
        return [entry for entry in self.journal.entries() if entry.kind in kinds]

    def steps(self) -> list[tuple[str, str]]:
        """Kind and taker of each step in the journal."""
        return [(entry.body["step"], entry.who) for entry in self.entries(Kind.STEP)]


@asynccontextmanager
async def scene(exchange: Exchange) -> AsyncIterator[Scene]:
    detector = Seeing()

    def call_watch_of(_: Configuration, __: StandingBook, clock: Clock) -> CallWatch:
        now = clock.now_us()
        return CallWatch(Watch([detector], now, clear_after_s=5), now, ())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "call_watch_of", call_watch_of)
        async with running(exchange.configuration) as gateway:
            yield Scene(gateway, exchange, gateway._journal, gateway.defence.responses, detector)
