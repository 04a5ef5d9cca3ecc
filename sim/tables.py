"""What the tables of a scenario's file are made of: keys that are known, and names of the cast."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sim.cast import AGENTS, PROVIDERS, RELAYED, TRUNKS
from sim.ss7.cast import SS7_SWITCHES
from sim.ss7.facts import FACTS


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
AnyTrunk = Annotated[str, one_of((trunk.name for trunk in TRUNKS), "a trunk group of the lab")]
Receiver = Annotated[str, one_of((*AGENTS, *SS7_SWITCHES), "one of the cast")]
Status = Annotated[int, Field(ge=100, le=699)]
Cause = Annotated[int, Field(ge=1, le=127)]
"""Q.850 cause value."""
IamFacts = dict[Annotated[str, one_of(FACTS, "a fact of an IAM")], str]
Seconds = Annotated[float, Field(ge=0, le=30)]


class Table(BaseModel):
    """A table of a scenario's file: it has no keys but those named."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)
