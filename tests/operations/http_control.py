"""A control plane that remembers what was asked of it, and the API in front of it over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession
from metrics_examples import Stand, metrics_of

from gateway.interconnection.denial_of_service.states import State
from gateway.operations.control_plane import Answer, KeyReused, Order, RequestKey, StepRefused
from gateway.operations.http_api import operations_app, serve

TOKEN = "correct horse"  # noqa: S105 - the tests' own
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class Control:
    """Knows one provider, which is throttled, one trunk group with circuits, and one recommendation."""

    is_ready: tuple[bool, str] = (True, "")
    broken: bool = False
    orders: list[Order] = field(default_factory=list)
    answers: list[tuple[str, Answer]] = field(default_factory=list)
    blockings: list[tuple[str, bool, str, str]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    pages: list[tuple[int, int]] = field(default_factory=list)

    def status(self) -> dict[str, Any]:
        if self.broken:
            raise RuntimeError("the inside of the gateway")
        return {"calls": 3}

    def ready(self) -> tuple[bool, str]:
        return self.is_ready

    async def step(self, order: Order, key: RequestKey | None) -> dict[str, Any]:
        if order.ocn != "555A":
            raise StepRefused(f"{order.ocn} is not a configured provider")
        if order.expected not in (None, State.THROTTLED):
            raise StepRefused("555A is throttled: look again before you take the step", State.THROTTLED)
        self._remember(key)
        self.orders.append(order)
        return {"ocn": order.ocn, "step": order.kind.value}

    async def approve(self, answer: Answer, key: RequestKey | None) -> dict[str, Any]:
        return self._answered("approve", answer, key)

    def dismiss(self, answer: Answer, key: RequestKey | None) -> dict[str, Any]:
        return self._answered("dismiss", answer, key)

    def _answered(self, done: str, answer: Answer, key: RequestKey | None) -> dict[str, Any]:
        if answer.recommendation != 7:
            raise StepRefused(f"{answer.recommendation} is not a recommendation that waits")
        self._remember(key)
        self.answers.append((done, answer))
        return {"recommendation": answer.recommendation}

    def block(self, trunk_group: str, blocked: bool, who: str, why: str, key: RequestKey | None) -> dict[str, Any]:
        if trunk_group != "RB-SS7":
            raise StepRefused(f"{trunk_group} is not a trunk group with circuits")
        self._remember(key)
        self.blockings.append((trunk_group, blocked, who, why))
        return {"trunk_group": trunk_group, "blocked": blocked}

    def journal(self, after: int, limit: int) -> dict[str, Any]:
        self.pages.append((after, limit))
        return {"entries": [], "head": {"sequence": 0, "hash": ""}}

    async def reload(self) -> dict[str, Any]:
        return {}

    def _remember(self, key: RequestKey | None) -> None:
        if key is not None and self.keys.setdefault(key.key, key.digest) != key.digest:
            raise KeyReused(f"the key {key.key} belongs to another request")


@asynccontextmanager
async def api(
    control: Control, *, token: str | None = TOKEN, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[ClientSession, str]]:
    """The API served on `host`, and a client that reaches it over the loopback."""
    app = operations_app(control, metrics_of(Stand()), token)
    async with serve(app, host, 0) as port, ClientSession() as client:
        yield client, f"http://127.0.0.1:{port}"
