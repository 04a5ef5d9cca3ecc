"""The steps of a scenario that are the operator's: what is done about a provider after a denial of service (L8)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.tables import AnyTrunk, Provider, Table

StateWord = Literal["normal", "throttled", "discontinued", "remediated", "restored", "dedicated"]
StepWord = Literal["throttle", "release", "discontinue", "remediate", "restore", "cutover", "undo"]
"""As the command is called that takes it: ``remediate`` notes that the partner attests."""


class Order(Table):
    """An operator takes a step on a provider, with the same request as the command. Undone when the scenario ends."""

    do: Literal["order"]
    takes: StepWord
    provider: Provider
    why: str
    scope: Literal["provider", "partner"] | None = None
    """Of a discontinuance."""
    to: AnyTrunk | None = None
    """The dedicated trunk group of a cut-over."""
    drain_s: Annotated[int, Field(ge=0, le=10)] | None = None
    """After so many seconds the calls that are up are ended; 0: at once. Left out: they end by themselves."""
    expected: StateWord | None = None
    """The state in which the operator takes the provider to be."""
    refused: str | None = None
    """A part of what the gateway says against the step: it must refuse it. Left out: it must take it."""
    sent_again: bool = False
    """The request comes twice under one idempotency key, and must get one answer, and be one step."""


class Standing(Table):
    """Wait until the gateway has a provider in this state."""

    do: Literal["standing"]
    provider: Provider
    state: StateWord


class Recommended(Table):
    """Wait until the gateway recommends a step on a provider, and answer it as an operator does."""

    do: Literal["recommended"]
    provider: Provider
    takes: StepWord
    answer: Literal["approve", "dismiss"]
    why: str


class Ended(Table):
    """The calls that stay up are ended by the gateway, on both sides. Wait until they are."""

    do: Literal["ended"]
    calls: Annotated[int, Field(ge=1, le=20)]
    """How many were up."""
