"""The tables of a scenario's file: what is expected of the judged call, and the steps that the cast takes over SIP."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from sim.cast import DEFAULT_TRUNK
from sim.ss7.iam_table import IamTable
from sim.tables import Agent, AnyTrunk, Cause, IamFacts, Provider, Receiver, Relayed, Seconds, Status, Table

MOST_CALLS: Final = 5_000


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
    status: Status | None = None
    """Final SIP status that the caller sees."""
    cause: Cause | None = None
    """Of a call on a circuit: the Q.850 cause of its REL, whoever sent it."""
    between_legs: Literal["WARN", "ALTERED", "MISSING", "FABRICATED"] | None = None
    """What an audit of the run's capture must find between the legs of the judged call; left out: not looked at."""

    @property
    def text(self) -> str:
        """The verdict in a word or two, for the table."""
        return verdict_text(self.outcome, self.verdict, self.answer)

    @property
    def answer(self) -> str:
        """What the caller sees, for the table."""
        return answer_text(self.status, self.cause)

    @property
    def shown_clause(self) -> str:
        """What the table says the scenario rests on."""
        return self.about or self.clause


def verdict_text(outcome: str, verdict: str | None, answer: str) -> str:
    """How a verdict is shown: ``ADMIT``, ``ADMIT (WARN)``, ``ALTERED 403``, ``ALTERED cause 21``, ``not decided, 481``.

    `answer` is what the caller saw.
    """
    if outcome == "NONE":
        return f"not decided, {answer}"
    if outcome == "REFUSE":
        return f"{verdict} {answer}"
    return outcome if verdict in (None, "PASS") else f"{outcome} ({verdict})"


def answer_text(status: int | None, cause: int | None = None) -> str:
    """A SIP status, or the cause of a release: ``403``, ``cause 21``."""
    return f"cause {cause}" if cause is not None else str(status)


class StepExpect(Table):
    """What must come of one step. What isn't given isn't looked at, but for what holds for every call."""

    status: Status | None = None
    check: str | None = None
    verdict: str | None = None
    clause: str | None = None
    trunk_group: AnyTrunk | None = None
    """By which the call leaves the gateway."""
    received_by: Receiver | None = None
    released_by: Literal["caller", "called"] | None = None
    has: tuple[str, ...] = ()
    """Texts that the INVITE has at the far end."""
    lacks: tuple[str, ...] = ()
    iam: IamFacts = Field(default_factory=dict)
    """What the IAM says, where the far end is on circuits, by `sim.ss7.facts`; an empty text: it does not say it."""


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
    isup: IamTable | None = None
    """SIP-I: the IAM that the INVITE carries in its body (Q.1912.5)."""
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
