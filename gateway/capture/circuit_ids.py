"""Call-IDs that are made of a circuit (`circuit_call_id`), read again."""

from __future__ import annotations

import re
from typing import Final

CircuitId = tuple[str, str, int]
"""Originating and destination point code as they are written, and CIC."""
_MADE_OF_CIRCUIT: Final = re.compile(rb"([0-9-]{1,11})\.([0-9-]{1,11})\.([0-9]{1,5})\.([0-9]{1,17})(?:@|$)", re.ASCII)


def circuit_of_call_id(call_id: bytes) -> tuple[str, str, int, int] | None:
    """Point codes and CIC of the circuit that a call came on, and when, in microseconds; None for any other Call-ID."""
    made_of = _MADE_OF_CIRCUIT.match(call_id)
    if made_of is None:
        return None
    return made_of[1].decode(), made_of[2].decode(), int(made_of[3]), int(made_of[4])
