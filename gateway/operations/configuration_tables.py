"""How strictly sections and tables of the configuration are read, and the tables that several of them have."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from gateway.interconnection.carriers import RateLimit

CONVERTING: Final = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
"""Of a section of single settings: text is converted, since the environment has nothing else."""
EXACT: Final = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)
"""Of an element of an array of tables: it comes from the file alone, so types are exact."""


class LimitTable(BaseModel):
    model_config = EXACT

    sustained_per_s: Annotated[float, Field(gt=0, le=1_000_000)]
    burst: Annotated[int, Field(ge=1, le=1_000_000)]
    in_progress: Annotated[int, Field(ge=1, le=10_000_000)]

    def limit(self) -> RateLimit:
        return RateLimit(self.sustained_per_s, self.burst, self.in_progress)
