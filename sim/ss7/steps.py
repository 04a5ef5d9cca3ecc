"""The steps of a scenario that the switches on ISUP take."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.ss7.cast import CIRCUIT_TRUNKS, DEFAULT_CIRCUITS, LINKS, OFFICE, RELAYED_ON_CIRCUITS, SS7_SWITCHES, TANDEM
from sim.ss7.iam_table import IamTable, Octet, PresentationWord, ScreeningWord
from sim.tables import AnyTrunk, Cause, IamFacts, Provider, Receiver, Seconds, Table, one_of

Ss7Switch = Annotated[str, one_of(SS7_SWITCHES, "a switch on ISUP")]
Circuits = Annotated[str, one_of(CIRCUIT_TRUNKS, "a trunk group with circuits")]
Neighbour = Annotated[str, one_of(LINKS, "a neighbour of the gateway on ISUP")]
RelayedOnCircuits = Annotated[str, one_of(RELAYED_ON_CIRCUITS, "a trunk group with circuits of the partner's tandem")]
Cic = Annotated[int, Field(ge=0, le=16_383)]


class CircuitExpect(Table):
    """What must come of a call on a circuit. What isn't given isn't looked at, but for what holds for every call."""

    cause: Cause | None = None
    """Q.850 cause of the REL, whoever sends it."""
    answered: bool | None = None
    check: str | None = None
    verdict: str | None = None
    clause: str | None = None
    trunk_group: AnyTrunk | None = None
    """By which the call leaves the gateway."""
    received_by: Receiver | None = None
    released_by: Literal["caller", "called"] | None = None
    decided: bool | None = None
    """Whether the engine is asked; left out, it is."""
    has: tuple[str, ...] = ()
    """Texts that the INVITE has at the far end."""
    lacks: tuple[str, ...] = ()
    iam: IamFacts = Field(default_factory=dict)
    """What the IAM says at the far end, by `sim.ss7.facts`; an empty text: it does not say it."""
    heard: tuple[str, ...] = ()
    """Names of messages that the caller's switch gets for the call, in this order, among others."""


class CircuitCall(IamTable):
    """Place calls on circuits, one after the other."""

    do: Literal["circuit_call"]
    from_: Ss7Switch = Field(OFFICE, alias="from")
    over: Circuits = DEFAULT_CIRCUITS
    """The trunk group by which the call comes to the gateway."""
    cic: Cic | None = None
    """On this circuit; left out: the switch chooses."""
    give_up_after_s: Seconds | None = None
    hold_s: Seconds = 0.0
    count: Annotated[int, Field(ge=1, le=500)] = 1
    stays_up: bool = False
    """The next step comes when the calls are up; they stay so until `hang_up`, or the end of the scenario."""
    together: bool = False
    """The next step doesn't wait until this one is over."""
    judged: bool = False
    expect: CircuitExpect = CircuitExpect()


class CircuitTamper(Table):
    """The partner's tandem alters what it passes on, from now on."""

    do: Literal["circuit_tamper"]
    calling_number: str | None = None
    remove_calling_number: bool = False
    presentation: PresentationWord | None = None
    screening: ScreeningWord | None = None
    strip_charge_number: bool = False
    charge_number: str | None = None
    oli: Octet | None = None
    drop_jip: bool = False
    jip: str | None = None
    called_number: str | None = None
    drop_ported_number: bool = False
    clear_m_bit: bool = False
    category: Octet | None = None
    redirecting_number: str | None = None
    strip_redirecting: bool = False
    more_hops: Annotated[int, Field(ge=0, le=31)] = 0


class CircuitAnswer(Table):
    """How a switch on ISUP answers from now on."""

    do: Literal["circuit_answer"]
    at: Ss7Switch
    progress: bool = False
    ring_s: Seconds = 0.0
    cause: Cause | None = None
    silent: bool = False
    hang_up_after_s: Seconds | None = None


class Maintain(Table):
    """A switch asks for something of its circuits, and waits until it is acknowledged."""

    do: Literal["circuits"]
    at: Ss7Switch = TANDEM
    group: Circuits
    ask: Literal["block", "unblock", "reset"]
    cics: tuple[Cic, ...] = ()
    """None: all of the trunk group."""
    in_groups: bool = True
    """By group messages (CGB, CGU, GRS), or circuit by circuit (BLO, UBL, RSC)."""


class Cleared(Table):
    """The calls that stay up are over, without anyone having hung up. Wait until they are."""

    do: Literal["cleared"]
    cause: Cause
    """With which their callers were released."""


class Blocked(Table):
    """Wait until the gateway has blocked so many circuits of a trunk group, as the neighbour has it."""

    do: Literal["blocked"]
    group: Circuits
    circuits: Annotated[int, Field(ge=0, le=1_000)]


class Block(Table):
    """An operator blocks the circuits of a trunk group, as `tollgate block` does. Undone when the scenario ends."""

    do: Literal["block"]
    group: Circuits
    ends: bool = False
    """They are unblocked."""


class LinkStep(Table):
    """Something happens to a neighbour's link with the gateway."""

    do: Literal["link"]
    at: Neighbour
    what: Literal["lost", "back", "inactive", "active", "unavailable", "available", "congested"]
    """`unavailable` and `available` are what a signalling gateway process says of its own point code."""


class Glare(Table):
    """A switch seizes the circuit of the next IAM that it gets as well, with a call of its own."""

    do: Literal["glare"]
    at: Neighbour
    called: str
    calling: str


class Glared(Table):
    """What came of the call that was placed by glare."""

    do: Literal["glared"]
    at: Neighbour
    answered: bool = True


class CircuitFlood(Table):
    """A provider's calls flood the gateway from the partner's end office, as many at a time as there are circuits."""

    do: Literal["circuit_flood"]
    provider: Provider
    over: RelayedOnCircuits = DEFAULT_CIRCUITS
    called: str
    first_calling: str
    numbers: Annotated[int, Field(ge=1, le=1_000)] = 100
    calls: Annotated[int, Field(ge=1, le=5_000)]
    at_once: Annotated[int, Field(ge=1, le=24)] = 12
    together: bool = False
    """The next step comes when the first call of the flood is refused."""
    judged: bool = False
    cause: Cause
    """Of every call that isn't answered."""
    verdict: str
    answered_at_least: int = 0
    answered_at_most: int
