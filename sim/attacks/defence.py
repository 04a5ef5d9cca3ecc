"""The gateway under attack: set up as in the other scenarios, with limits of every level, and with detectors that look
back over seconds where an operator's look over minutes.
"""

from __future__ import annotations

from typing import Final

from sim.gateway_file import Defence

DEFENCE: Final = Defence(
    sections="",
    of_trunk_groups={
        "RB-CLMA": {"limit": {"sustained_per_s": 30, "burst": 30, "in_progress": 200}},
        "RB-TDM": {"source_limit": {"sustained_per_s": 30, "burst": 30, "in_progress": 200}},
    },
)
