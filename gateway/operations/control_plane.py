"""What the operations API asks of the running gateway, and in which words."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Protocol

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service.states import Scope, State, StepKind

KEY_HEADER: Final = "Idempotency-Key"
"""The header in which a request carries the name that its sender gave it."""
SELF: Final = "tollgate"
"""Who takes the steps that the gateway takes, and makes the findings that it makes, by itself."""
JsonObject = dict[str, Any]
"""Values that JSON can carry."""


class StepRefused(Exception):
    """A step that the gateway does not take. `reason` is for the operator: what stands against it."""

    def __init__(self, reason: str, state: State | None = None) -> None:
        """`state`: how the provider stands that the step is about, where it is about one that is known."""
        super().__init__(reason)
        self.reason = reason
        self.state = state


class KeyReused(Exception):
    """An idempotency key came again with another request. The text says which one it belongs to."""


class RequestKey(NamedTuple):
    """How the sender of a request names it, so that the same one, sent again, is not carried out again."""

    key: str
    digest: str
    """SHA-256 of the route and the fields of the body, hexadecimal."""


class Order(NamedTuple):
    """A step on a provider that an operator asks for (L8)."""

    kind: StepKind
    ocn: Ocn
    who: str
    why: str
    scope: Scope | None = None
    trunk_group: str | None = None
    drain_s: int | None = None
    approves: int | None = None
    expected: State | None = None
    """The state in which the operator takes the provider to be."""


class Answer(NamedTuple):
    """An operator's answer to a recommendation of the gateway."""

    recommendation: int
    """Its number in the journal."""
    who: str
    why: str
    drain_s: int | None = None
    expected: State | None = None


class ControlPlane(Protocol):
    """The running gateway. Called in its loop.

    What takes a `RequestKey` gives the answer that it gave before, where the same request came before under the same
    key, also before a restart, and raises `KeyReused` where another one did. All raise `StepRefused` where something
    stands against the step: then nothing has changed.
    """

    def status(self) -> JsonObject:
        """What the gateway is doing."""

    def ready(self) -> tuple[bool, str]:
        """Whether calls can be handled, and if not, why."""

    async def step(self, order: Order, key: RequestKey | None) -> JsonObject:
        """Takes a step on a provider, and says what is now in force."""

    async def approve(self, answer: Answer, key: RequestKey | None) -> JsonObject:
        """Takes the step that the gateway recommends, and says what is now in force."""

    def dismiss(self, answer: Answer, key: RequestKey | None) -> JsonObject:
        """Lays a recommendation aside: its step is not taken."""

    def block(self, trunk_group: str, blocked: bool, who: str, why: str, key: RequestKey | None) -> JsonObject:
        """Blocks the circuits of a trunk group, or opens them again, and says what is now in force."""

    def journal(self, after: int, limit: int) -> JsonObject:
        """The journal's entries that follow number `after`, at most `limit` of them, and its head."""

    async def reload(self) -> JsonObject:
        """Reads the numbering tables again, and says what is now in force; where one cannot be read, or one reading
        is going on, the old tables stay in force.
        """
