"""What the addresses of a name become: members of the trunk groups, and whose certificate they have to show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from small_gateway import LOOPBACK, Exchange

from gateway.interconnection.trunk_groups import Address, Hop, Member, NamedMember, Transport, TrunkGroup
from gateway.operations.configuration import Configuration
from gateway.signalling.locating import Candidate, target_of
from gateway.signalling.members import TrunkMembers
from gateway.wiring.listeners import certificates_of
from gateway.wiring.names import Names

FIRST: Final = Hop("192.0.2.1", 5061, Transport.TLS)
SECOND: Final = Hop("192.0.2.2", 5061, Transport.TLS)
THIRD: Final = Hop("192.0.2.3", 5061, Transport.TLS)
PARTNER_NAME: Final = "sips:partner.example"
HOST_NAME: Final = "sips:switch.example"


class Scene:
    """Trunk groups of which some members are names, and the members that they have."""

    def __init__(self, configuration: Configuration, *groups: TrunkGroup) -> None:
        configuration = replace(configuration, trunk_groups=groups)
        self.members: Final = TrunkMembers(groups)
        self.certificates: Final[dict[Address, str]] = certificates_of(configuration)
        self._names: Final = Names(configuration, lambda: 0, self._members_are, self.certificates)

    def _members_are(self, group: str, members: Sequence[Member]) -> Mapping[Hop, str]:
        self.members.adopt(group, members)
        taken = {member.hop for member in self.members.groups[group].members}
        return {member.hop: "belongs to another" for member in members if member.hop not in taken}

    def lead(self, uri: str, *hops: Hop) -> None:
        target = target_of(uri.encode())
        assert target is not None
        self._names.moved(target, tuple(Candidate(hop, 0, 0, target.host) for hop in hops))

    def addresses(self) -> dict[str, int]:
        """As the metrics count them."""
        return {reading.trunk_group: reading.addresses for reading in self._names.figures().names}

    def hops(self, group: str) -> list[Hop]:
        return [member.hop for member in self.members.groups[group].members]


@pytest.fixture
def configuration(tmp_path: Path) -> Iterator[Configuration]:
    exchange = Exchange(tmp_path)
    dns = replace(exchange.configuration.dns, servers=((LOOPBACK, 9),))
    yield replace(exchange.configuration, dns=dns)
    exchange.close()


def group_of(
    configuration: Configuration, name: str, *members: Hop, uris: Sequence[str] = (), certificate: str | None = None
) -> TrunkGroup:
    group = next(group for group in configuration.trunk_groups if group.name == name)
    return replace(
        group,
        members=tuple(Member(hop) for hop in members),
        names=tuple(NamedMember(uri) for uri in uris),
        certificate=certificate,
    )


def test_a_peer_that_is_a_name_shows_the_certificate_of_that_name_or_the_one_configured(
    configuration: Configuration,
) -> None:
    scene = Scene(
        configuration,
        group_of(configuration, "shared", uris=[PARTNER_NAME]),
        group_of(configuration, "host", uris=[HOST_NAME], certificate="trunk.example"),
    )
    scene.lead(PARTNER_NAME, FIRST)
    scene.lead(HOST_NAME, SECOND)
    assert scene.certificates == {FIRST.address: "partner.example", SECOND.address: "trunk.example"}
    scene.lead(PARTNER_NAME, THIRD)
    assert scene.certificates == {THIRD.address: "partner.example", SECOND.address: "trunk.example"}


@pytest.mark.parametrize("certificate", [None, "trunk.example"])
def test_a_name_changes_nothing_of_the_certificate_of_an_address_that_is_configured(
    configuration: Configuration, certificate: str | None
) -> None:
    scene = Scene(
        configuration,
        group_of(configuration, "shared", uris=[PARTNER_NAME]),
        group_of(configuration, "host", FIRST, certificate=certificate, uris=[HOST_NAME]),
    )
    before = dict(scene.certificates)
    scene.lead(PARTNER_NAME, FIRST)
    scene.lead(HOST_NAME, FIRST)
    assert scene.certificates == before
    scene.lead(PARTNER_NAME, SECOND)
    assert scene.certificates == before | {SECOND.address: "partner.example"}


def test_an_address_of_two_trunk_groups_is_certified_as_that_of_the_group_that_has_it(
    configuration: Configuration,
) -> None:
    scene = Scene(
        configuration,
        group_of(configuration, "shared", uris=[PARTNER_NAME]),
        group_of(configuration, "host", uris=[HOST_NAME]),
    )
    scene.lead(HOST_NAME, FIRST)
    scene.lead(PARTNER_NAME, FIRST)
    assert scene.hops("shared") == []
    assert scene.addresses() == {"shared": 0, "host": 1}
    assert scene.certificates == {FIRST.address: "switch.example"}


def test_an_address_goes_from_one_trunk_group_to_another_in_whichever_order_their_names_change(
    configuration: Configuration, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene(
        configuration,
        group_of(configuration, "shared", uris=[PARTNER_NAME]),
        group_of(configuration, "host", uris=[HOST_NAME]),
    )
    scene.lead(HOST_NAME, FIRST)
    scene.lead(PARTNER_NAME, FIRST, SECOND)
    scene.lead(HOST_NAME, FIRST, THIRD)
    assert scene.hops("shared") == [SECOND]
    scene.lead(HOST_NAME, THIRD)
    assert scene.hops("shared") == [FIRST, SECOND]
    assert scene.certificates[FIRST.address] == "partner.example"
    assert [record.getMessage() for record in caplog.records] == [
        "trunk group shared: tls:192.0.2.1:5061, which DNS has for a name of it, belongs to another"
    ]
