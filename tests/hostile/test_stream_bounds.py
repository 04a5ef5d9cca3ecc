"""Whatever is done with connections: they are bounded, they end, and a switch is answered all the while."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.streams import ATTACKS, STRANGERS_MOST, outcome_of

AT_ONCE_BESIDE = 2
"""Connections of the switch that looks whether it is still answered."""


@pytest.mark.parametrize("name", ATTACKS)
async def test_connections_are_bounded_and_end_and_a_switch_is_answered(name: str, tmp_path: Path) -> None:
    attack, _, count = ATTACKS[name]
    outcome = await outcome_of(attack, count, tmp_path)
    assert outcome.then == b"SIP/2.0 200 OK"
    assert (outcome.faults, outcome.left) == (0, 0)
    assert outcome.most_accepted <= STRANGERS_MOST + AT_ONCE_BESIDE
    assert outcome.growth_bytes < 64 << 20
