"""The gateway under attack: set up as in the other scenarios, with limits of every level, and with detectors that look
back over seconds where an operator's look over minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sim.gateway_file import Defence

_LIMIT: Final = {"sustained_per_s": 20, "burst": 20, "in_progress": 6}
"""Of all calls on a trunk group, or of all from its member: whoever's numbers they show, fewer than Pawpaw may have in
progress."""

_SECTIONS: Final = """\
[limits]
wasted_per_second = 40
refusals_per_second = 20
[detectors]
clear_after_seconds = 2
[detectors.invite_flood]
hold_seconds = 1
[detectors.register_flood]
window_seconds = 1
[detectors.options_flood]
window_seconds = 1
[detectors.malformed_datagrams]
window_seconds = 1
[detectors.stray_messages]
window_seconds = 1
[detectors.stranger_flood]
window_seconds = 1
[detectors.retransmission_storm]
window_seconds = 1
[detectors.short_calls]
longest_seconds = 0.45
minimum_answered = 40
window_seconds = 10
[detectors.asr_acd]
minimum_calls = 30
window_seconds = 10
[detectors.calling_share]
minimum_calls = 40
window_seconds = 10
[detectors.calls_in_progress]
hold_seconds = 1
[detectors.emergency_flood]
calls = 60
window_seconds = 10
"""


def defence(automatic: Iterable[str] = ()) -> Defence:
    """Where the gateway may take these steps by itself."""
    steps = ", ".join(f'"{step}"' for step in automatic)
    return Defence(
        f"[denial_of_service]\nautomatic = [{steps}]\n\n{_SECTIONS}",
        {"RB-CLMA": {"limit": _LIMIT}, "RB-TDM": {"source_limit": _LIMIT}},
    )
