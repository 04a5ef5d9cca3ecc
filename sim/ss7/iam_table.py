"""The IAM of a step: as it goes out on a circuit, or in the body of an INVITE."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.ss7.call_plan import IsupPlan
from sim.ss7.facts import PRESENTATIONS, SCREENINGS
from sim.tables import Table

PresentationWord = Literal["allowed", "restricted", "not available"]
ScreeningWord = Literal["user, not verified", "user, verified and passed", "user, verified and failed", "network"]
Octet = Annotated[int, Field(ge=0, le=255)]


class IamTable(Table):
    """What an IAM is to say. Numbers are digits as the IAM has them, without a 1 before ten of them."""

    called: str
    calling: str | None = None
    """Left out: no calling party number."""
    presentation: PresentationWord = "allowed"
    screening: ScreeningWord = "network"
    charge: str | None = None
    oli: Octet | None = 0
    jip: str | None = "314206"
    """That of the partner's switch."""
    ported: str | None = None
    m_bit: bool = False
    category: Octet = 10
    redirecting: str | None = None
    original_called: str | None = None
    hops: Annotated[int, Field(ge=0, le=31)] | None = 20
    carrier: str | None = None
    continuity: bool = False

    def plan(self) -> IsupPlan:
        """The same for the switches."""
        return IsupPlan(
            called=self.called,
            calling=self.calling,
            presentation=PRESENTATIONS[self.presentation],
            screening=SCREENINGS[self.screening],
            charge=self.charge,
            oli=self.oli,
            jip=self.jip,
            ported=self.ported,
            m_bit=self.m_bit,
            category=self.category,
            redirecting=self.redirecting,
            original_called=self.original_called,
            hops=self.hops,
            carrier=self.carrier,
            continuity=self.continuity,
        )
