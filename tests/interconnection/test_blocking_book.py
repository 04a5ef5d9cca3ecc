"""Trunk groups that an operator has blocked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.blocking import Blocking, BlockingBook
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.circuit_groups import CircuitGroup
from gateway.interconnection.trunk_groups import Hop, Member, Side, Transport, TrunkGroup

CIRCUITS = CircuitGroup(Variant.ANSI, 1, 2, ((1, 24),), ("rb",))
ON_CIRCUITS = TrunkGroup(
    "RB-SS7", Side.PARTNER, Ocn("XP01"), "WNVLMOXADS0", (Member(Hop("0-0-2", 1, Transport.SS7)),), circuits=CIRCUITS
)
ON_SIP = replace(ON_CIRCUITS, name="RB-SIP", members=(Member(Hop("127.0.0.1", 5060)),), circuits=None)
GROUPS = {group.name: group for group in (ON_CIRCUITS, ON_SIP)}
FLOOD = Blocking(1_000, "RB-SS7", True, "operator", "flood")
OVER = Blocking(2_000, "RB-SS7", False, "operator", "flood is over")


@pytest.mark.parametrize(("at_us", "blocked"), [(999, False), (1_000, True), (1_999, True), (2_000, False)])
def test_a_group_is_blocked_from_a_step_to_the_one_that_undoes_it(at_us: int, blocked: bool) -> None:
    for steps in ((FLOOD, OVER), (OVER, FLOOD)):
        assert BlockingBook(steps).is_blocked("RB-SS7", at_us) is blocked
    assert not BlockingBook((FLOOD, OVER)).is_blocked("RB-SIP", at_us)


@pytest.mark.parametrize(
    ("step", "objection"),
    [
        (replace(FLOOD, at_us=3_000), None),
        (OVER, None),
        (replace(FLOOD, at_us=1_500), "RB-SS7 is blocked already"),
        (replace(OVER, at_us=3_000), "RB-SS7 is not blocked"),
        (replace(FLOOD, trunk_group="RB-SIP"), "RB-SIP is not a trunk group with circuits; there are: RB-SS7"),
        (replace(FLOOD, trunk_group="nobody"), "nobody is not a trunk group with circuits; there are: RB-SS7"),
    ],
)
def test_what_stands_against_a_step_is_said(step: Blocking, objection: str | None) -> None:
    book = BlockingBook((FLOOD, OVER) if step.at_us > 2_000 else (FLOOD,))
    assert book.objection_to(step, GROUPS) == objection


def test_the_trail_is_in_the_order_of_time() -> None:
    assert BlockingBook((OVER, FLOOD)).trail() == (FLOOD, OVER)
