"""How strictly sections and tables of the configuration are read."""

from __future__ import annotations

from typing import Final

from pydantic import ConfigDict

CONVERTING: Final = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
"""Of a section of single settings: text is converted, since the environment has nothing else."""
EXACT: Final = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)
"""Of an element of an array of tables: it comes from the file alone, so types are exact."""
