"""The addresses of a name are members of the trunk group, with the order and the shares that DNS gives them."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, Member, NamedMember, Side, TrunkGroup
from gateway.signalling.locating import Candidate
from gateway.signalling.named_members import members_of

STATIC = Member(Hop("192.0.2.1", 5060), priority=1, weight=2, capacity=7)
URI = "sip:switch.example"


def group_of(*names: NamedMember, members: tuple[Member, ...] = (STATIC,)) -> TrunkGroup:
    return TrunkGroup("TG", Side.HOST, Ocn("9740"), "CLMAMOXADS0", members, names=names)


def candidate(last: int, priority: int, weight: int, server: str) -> Candidate:
    return Candidate(Hop(f"192.0.2.{last}", 5060), priority, weight, server)


def shares(members: tuple[Member, ...]) -> dict[str, tuple[int, Fraction]]:
    """Priority, and part of that priority's calls, by the last number of the address."""
    totals: Counter[int] = Counter()
    for member in members:
        totals[member.priority] += member.weight
    return {
        member.hop.host.rpartition(".")[2]: (
            member.priority,
            Fraction(member.weight, totals[member.priority]).limit_denominator(1_000),
        )
        for member in members
    }


@pytest.mark.parametrize("located", [{}, {URI: ()}])
def test_a_name_without_addresses_leaves_the_others_as_they_are(located: dict[str, tuple[Candidate, ...]]) -> None:
    assert members_of(group_of(NamedMember(URI)), located) == (STATIC,)


def test_srv_priority_counts_within_the_configured_one() -> None:
    found = (candidate(10, 10, 1, "a"), candidate(11, 20, 1, "b"))
    members = members_of(
        group_of(NamedMember(URI, priority=0), NamedMember("sip:x", priority=2)), {URI: found, "sip:x": found[:1]}
    )
    order = [member.hop.host for member in sorted(members, key=lambda member: member.priority)]
    assert order == ["192.0.2.10", "192.0.2.11", "192.0.2.1", "192.0.2.10"]


def test_a_names_weight_is_shared_by_srv_weights_and_a_servers_among_its_addresses() -> None:
    found = (
        candidate(10, 0, 1, "a"),
        candidate(11, 0, 3, "b"),
        candidate(12, 0, 3, "b"),
        candidate(13, 0, 0, "c"),
    )
    members = members_of(group_of(NamedMember(URI, priority=1, weight=2)), {URI: found})
    assert shares(members) == {
        "1": (0, Fraction(1, 2)),
        "10": (0, Fraction(1, 8)),
        "11": (0, Fraction(3, 16)),
        "12": (0, Fraction(3, 16)),
        "13": (0, Fraction(0)),
    }


def test_servers_without_weights_share_evenly() -> None:
    found = (candidate(10, 0, 0, "a"), candidate(11, 0, 0, "b"), candidate(12, 0, 0, "b"))
    members = members_of(group_of(NamedMember(URI, capacity=5), members=()), {URI: found})
    assert shares(members) == {"10": (0, Fraction(1, 2)), "11": (0, Fraction(1, 4)), "12": (0, Fraction(1, 4))}
    assert {member.capacity for member in members} == {5}
