"""Whether a call finds room on a trunk group that is signalled by ISUP: its circuits say it, but for emergencies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playbook import CALLER, GROUPS, T0

from gateway.interconnection.trunk_groups import Hop, Member, Service, Transport
from gateway.policy.attribution import UNKNOWN
from gateway.policy.call_attempt import CallAttempt, NumberFact
from gateway.policy.engine import NO_MEMBER_FINDING, NO_ROOM_FINDING
from gateway.policy.verdict import Finding
from gateway.signalling.members import TrunkMembers

ON_CIRCUITS = replace(GROUPS[1], members=(Member(Hop("2-137-26", 1, Transport.SS7)),))


class Circuits:
    """As `CircuitTable` answers."""

    def __init__(self, *, closed: Finding | None = None, none: Finding | None = None) -> None:
        self.why_closed = closed
        self.none = none
        self.in_service = none is None
        self.since_us = T0

    def why_no_call(self) -> Finding | None:
        return self.why_closed or self.none


def attempt(emergency: bool = False) -> CallAttempt:
    fact = NumberFact("From", None, b"", 0)
    return CallAttempt(T0, "c1", CALLER, GROUPS[0], *UNKNOWN, fact, fact, fact, emergency=emergency)


@pytest.mark.parametrize(
    ("circuits", "finding"),
    [
        (Circuits(), None),
        (Circuits(none=NO_ROOM_FINDING), NO_ROOM_FINDING),
        (Circuits(closed=NO_MEMBER_FINDING), NO_MEMBER_FINDING),
    ],
)
def test_room_is_what_the_circuits_have(circuits: Circuits, finding: Finding | None) -> None:
    members = TrunkMembers((GROUPS[0], ON_CIRCUITS))
    members.have_circuits(ON_CIRCUITS.name, circuits)
    assert members.room_for(attempt(), ON_CIRCUITS) is finding
    assert members.room_for(attempt(emergency=True), ON_CIRCUITS) is None


@pytest.mark.parametrize("finding", [None, NO_MEMBER_FINDING])
def test_a_group_that_is_closed_has_no_room_for_calls_that_come_on_it(finding: Finding | None) -> None:
    members = TrunkMembers(GROUPS)
    members.have_circuits(GROUPS[0].name, Circuits(closed=finding))
    assert members.room_for(attempt(), GROUPS[1]) is finding
    assert members.room_for(attempt(emergency=True), GROUPS[1]) is None


@pytest.mark.parametrize(
    ("circuits", "standing"),
    [(Circuits(), Service.IN_SERVICE), (Circuits(none=NO_ROOM_FINDING), Service.OUT_OF_SERVICE)],
)
def test_the_exchange_at_the_end_of_circuits_stands_as_they_do(circuits: Circuits, standing: Service) -> None:
    members = TrunkMembers((GROUPS[0], ON_CIRCUITS))
    members.have_circuits(ON_CIRCUITS.name, circuits)
    member = members.groups[ON_CIRCUITS.name].members[0]
    assert (member.standing, member.stands_since_us) == (standing, T0)
