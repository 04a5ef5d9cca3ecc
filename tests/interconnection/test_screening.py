"""Screening row by row: what is let in on which link, and why the rest is not."""

from __future__ import annotations

import pytest

from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.circuit_groups import CircuitGroup
from gateway.interconnection.screening import Screening, ScreeningRule, rules_of
from gateway.interconnection.trunk_groups import Hop, Member, Side, Transport, TrunkGroup

OURS, THEIRS, OTHER = 0x020000, 0x030000, 0x040000
IAM, RSC = b"\x01\x00\x01", b"\x01\x00\x12"


def trunk_group(name: str, adjacent: int, link: str, message_types: frozenset[int] | None = None) -> TrunkGroup:
    circuits = CircuitGroup(Variant.ANSI, OURS, adjacent, ((1, 4),), (link,), message_types=message_types)
    member = Member(Hop("3-0-0", 1, Transport.SS7))
    return TrunkGroup(name, Side.PARTNER, Ocn("7001"), "CLMAMOXADS0", (member,), circuits=circuits)


GROUPS = (trunk_group("A", THEIRS, "rb-a"), trunk_group("B", OTHER, "rb-b", frozenset({1})))
SCREENING = Screening(rules_of(GROUPS))


def transfer(opc: int = THEIRS, dpc: int = OURS, si: int = 5, ni: int = 2, data: bytes = IAM) -> Mtp3Transfer:
    return Mtp3Transfer(opc, dpc, si, ni, 0, 0, data)


@pytest.mark.parametrize(
    ("came", "link", "objection"),
    [
        (transfer(), "rb-a", None),
        (transfer(), None, None),  # a capture does not say
        (transfer(), "rb-b", "link"),
        (transfer(opc=0x050000), "rb-a", "point codes"),
        (transfer(dpc=OTHER), "rb-a", "point codes"),
        (transfer(opc=OURS, dpc=OURS), "rb-a", "point codes"),
        (transfer(si=3), "rb-a", "service indicator"),
        (transfer(ni=0), "rb-a", "network indicator"),
        (transfer(data=RSC), "rb-a", None),
        (transfer(opc=OTHER, data=IAM), "rb-b", None),
        (transfer(opc=OTHER, data=RSC), "rb-b", "message type"),
        (transfer(opc=OTHER, data=b"\x01\x00"), "rb-b", "message type"),
        (transfer(opc=OTHER, data=b""), "rb-b", "message type"),
    ],
)
def test_a_message_is_let_in_where_a_rule_allows_it(
    came: Mtp3Transfer, link: str | None, objection: str | None
) -> None:
    assert SCREENING.objection_to(came, link) == objection


def test_of_several_rules_for_the_same_point_codes_one_is_enough() -> None:
    rules = [
        ScreeningRule(frozenset({"rb-a"}), THEIRS, OURS, message_types=frozenset({1})),
        ScreeningRule(frozenset({"rb-b"}), THEIRS, OURS),
    ]
    assert Screening(rules).objection_to(transfer(data=RSC), "rb-b") is None
    assert Screening(rules).objection_to(transfer(data=RSC), "rb-a") is not None


def test_without_rules_nothing_is_let_in() -> None:
    assert Screening([]).objection_to(transfer(), None) == "point codes"
