"""The tables of a scenario's file: what is expected of the judged call, and the steps that the cast takes over SIP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sim.cast import AGENTS, DEFAULT_TRUNK, HOST_TRUNKS, PROVIDERS, RELAYED, SOCKET_TRUNK

MOST_CALLS: Final = 5_000


def one_of(names: Iterable[str], what: str) -> AfterValidator:
    """Accepts these names only; `what` says what they are, for the message."""
    known = tuple(names)

    def validate(value: str) -> str:
        if value not in known:
            raise ValueError(f"{value[:80]!r} is not {what}; use one of: {', '.join(known)}")
        return value

    return AfterValidator(validate)


Agent = Annotated[str, one_of(AGENTS, "one of the cast")]
Provider = Annotated[str, one_of(PROVIDERS, "a provider of the cast")]
Relayed = Annotated[str, one_of((trunk.name for trunk in RELAYED), "a trunk group of the partner's switch")]
AnyTrunk = Annotated[
    str, one_of((trunk.name for trunk in (*RELAYED, SOCKET_TRUNK, *HOST_TRUNKS)), "a trunk group of the lab")
]
Status = Annotated[int, Field(ge=100, le=699)]
Seconds = Annotated[float, Field(ge=0, le=30)]


class Table(BaseModel):
    """A table of a scenario's file: it has no keys but those named."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Expect(Table):
    """What the gateway must make of the judged call."""

    outcome: Literal["ADMIT", "REFUSE", "DIVERT", "NONE"]
    """The engine's; NONE where the call must not even be decided."""
    clause: str
    """The clause that the verdict rests on; for NONE, what the answer rests on."""
    about: str | None = None
    """The section of a standard that the scenario is there for, where that isn't the check's clause; for the table."""
    check: str | None = None
    verdict: str | None = None
    """That check's verdict: of a refused call the one that refused it, else the one the scenario is about."""
    status: Status
    """Final SIP status that the caller sees."""

    @property
    def text(self) -> str:
        """The verdict in a word or two, for the table."""
        return verdict_text(self.outcome, self.verdict, self.status)

    @property
    def shown_clause(self) -> str:
        """What the table says the scenario rests on."""
        return self.about or self.clause


def verdict_text(outcome: str, verdict: str | None, status: int | None) -> str:
    """How a verdict is shown: ``ADMIT``, ``ADMIT (WARN)``, ``ALTERED 403``, ``not decided, 481``."""
    if outcome == "NONE":
        return f"not decided, {status}"
    if outcome == "REFUSE":
        return f"{verdict} {status}"
    return outcome if verdict in (None, "PASS") else f"{outcome} ({verdict})"


class StepExpect(Table):
    """What must come of one step. What isn't given isn't looked at, but for what holds for every call."""

    status: Status | None = None
    check: str | None = None
    verdict: str | None = None
    clause: str | None = None
    trunk_group: AnyTrunk | None = None
    """By which the call leaves the gateway."""
    received_by: Agent | None = None
    released_by: Literal["caller", "called"] | None = None
    has: tuple[str, ...] = ()
    """Texts that the INVITE has at the far end."""
    lacks: tuple[str, ...] = ()


class FloodExpect(Table):
    """What must come of a flood."""

    status: Status
    """Of every call that isn't answered."""
    verdict: str
    answered_at_least: int = 0
    answered_at_most: int
    refused_at_least: int = 1


class Call(Table):
    """Place calls, one after the other."""

    do: Literal["call"]
    from_: Agent = Field(alias="from")
    over: Relayed = DEFAULT_TRUNK
    """The trunk group that the partner's switch takes for a provider's call."""
    called: str
    calling: str | None = None
    """Left out: an anonymous From."""
    display_name: str | None = None
    to: str | None = None
    asserted: tuple[str, ...] = ()
    privacy: str | None = None
    charge: str | None = None
    diversion: tuple[str, ...] = ()
    history_info: tuple[str, ...] = ()
    attest: Literal["A", "B", "C"] | None = None
    """Send a PASSporT for the numbers of this step, with this attestation."""
    extra: tuple[tuple[str, str], ...] = ()
    max_forwards: str = "70"
    cancel_after_s: Seconds | None = None
    hold_s: Seconds = 0.0
    count: Annotated[int, Field(ge=1, le=500)] = 1
    stays_up: bool = False
    """The next step comes when the calls are up; they stay so until `hang_up`, or the end of the scenario."""
    together: bool = False
    """The next step doesn't wait until this one is over."""
    judged: bool = False
    expect: StepExpect = StepExpect()


class Flood(Table):
    """Flood the gateway from a provider's second socket."""

    do: Literal["flood"]
    from_: Provider = Field(alias="from")
    over: Relayed = DEFAULT_TRUNK
    called: str
    first_calling: str
    numbers: Annotated[int, Field(ge=1, le=MOST_CALLS)] = 100
    calls: Annotated[int, Field(ge=1, le=MOST_CALLS)]
    calls_per_s: Annotated[float, Field(gt=0, le=5_000)]
    together: bool = False
    """The next step comes when the first call of the flood is refused."""
    judged: bool = False
    expect: FloodExpect


class Tamper(Table):
    """The partner's switch alters what it relays, from now on."""

    do: Literal["tamper"]
    provider: Provider | None = None
    """Whose calls; None: everyone's."""
    calling_number: str | None = None
    remove_calling_number: bool = False
    asserted_number: str | None = None
    called_number: str | None = None
    strip_privacy: bool = False
    strip_charge_number: bool = False
    charge_number: str | None = None


class Restore(Table):
    """The partner's switch is honest again, and everyone answers as usual."""

    do: Literal["restore"]


class Cutover(Table):
    """An operator cuts a provider over, with the same request as `tollgate cutover`. Undone when the scenario ends."""

    do: Literal["cutover"]
    provider: Provider
    to: Relayed | None = None
    """None: back on the shared groups."""
    why: str


class Answer(Table):
    """How one of the cast answers from now on."""

    do: Literal["answer"]
    at: Agent
    provisional: tuple[Status, ...] = (180,)
    ring_s: Seconds = 0.0
    status: Status = 200
    phrase: str = "OK"
    reason: str | None = None
    retry_after_s: Annotated[int, Field(ge=0, le=10)] | None = None
    hang_up_after_s: Seconds | None = None


class Silence(Table):
    """One of the cast drops whatever comes, as if nobody were there, until it is told to speak again."""

    do: Literal["silence"]
    at: Agent
    ends: bool = False
    """It speaks again."""


class Member(Table):
    """Wait until the gateway has a member of a trunk group in this state."""

    do: Literal["member"]
    at: Agent
    state: Literal["in service", "suspect", "penalised", "out of service"]


class HangUp(Table):
    """End the calls that stay up, from the caller's side. Each must end cleanly."""

    do: Literal["hang_up"]


class Hostile(Table):
    """Send every hostile datagram of `sim.malformed`; each must get what is said there, and nothing may fail."""

    do: Literal["hostile"]
