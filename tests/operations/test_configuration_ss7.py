"""Signalling links and circuits in the configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from test_configuration import VALID, faults, load

from gateway.codecs.ss7.mtp3 import parse_point_code
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.circuit_groups import CircuitGroup
from gateway.interconnection.links import Link, LinkCarrier, LinkRole, TrafficMode
from gateway.interconnection.trunk_groups import Hop, Member, Transport

pytestmark = pytest.mark.usefixtures("folder")

OWN: Final = parse_point_code("246-14-7", Variant.ANSI)
FAR: Final = parse_point_code("2-137-26", Variant.ANSI)
LINK: Final = """\
[[links]]
name = "rb-a"
role = "server"
point_code = "246-14-7"
address = "127.0.0.1:2905"
destinations = ["2-137-26"]

"""
CIRCUITS: Final = 'circuits = { point_code = "2-137-26", cics = ["33", "1-24"], links = ["rb-a"] }'
SIP_MEMBERS: Final = 'members = ["127.0.0.1:5070", "127.0.0.1:5071"]'
SS7: Final = VALID.replace(SIP_MEMBERS, CIRCUITS).replace("[[trunk_groups]]", LINK + "[[trunk_groups]]", 1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lerg").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_links_and_circuits_become_domain_objects() -> None:
    assert OWN is not None
    assert FAR is not None
    configuration = load(SS7)
    assert configuration.links == (Link("rb-a", LinkRole.SERVER, Variant.ANSI, OWN, ("127.0.0.1", 2905), (FAR,)),)
    group = configuration.trunk_groups[0]
    assert group.circuits == CircuitGroup(Variant.ANSI, OWN, FAR, ((1, 24), (33, 33)), ("rb-a",))
    assert group.members == (Member(Hop("2-137-26", 1, Transport.SS7)),)
    assert list(group.circuits)[-2:] == [24, 33]
    assert len(group.circuits) == 25


def test_every_setting_of_a_link_is_taken() -> None:
    assert OWN is not None
    settings = """\
role = "client"
variant = "itu"
network_indicator = 3
carrier = "tcp"
routing_context = 7
register_routing_key = true
traffic_mode = "override"
heartbeat_seconds = 1.5
reconnect_seconds = 2
udp_port = 9900
"""
    text = SS7.replace('role = "server"\n', settings).replace("246-14-7", "2-100-4").replace("2-137-26", "3-1-1")
    (link,) = load(text).links
    assert link == Link(
        "rb-a",
        LinkRole.CLIENT,
        Variant.ITU,
        (2 << 11) + (100 << 3) + 4,
        ("127.0.0.1", 2905),
        ((3 << 11) + (1 << 3) + 1,),
        network_indicator=3,
        carrier=LinkCarrier.TCP,
        routing_context=7,
        register=True,
        traffic_mode=TrafficMode.OVERRIDE,
        heartbeat_us=1_500_000,
        reconnect_us=2_000_000,
        udp_port=9900,
    )


SECOND_LINK: Final = LINK.replace("rb-a", "rb-b").replace("2905", "2906") + LINK
SECOND_GROUP: Final = """
[[trunk_groups]]
name = "partner-2"
side = "partner"
carrier = "567A"
switch = "STLSMO01DS0"
home_switch = "STLSMO02DS0"
circuits = { point_code = "2-137-26", cics = ["24-48"], links = ["rb-a"] }
"""
FAULTS: Final = {
    "a name twice": (
        SS7.replace(LINK, LINK + LINK.replace("2905", "2906")),
        "links[1].name",
        "already the name of links[0]",
    ),
    "an address twice": (
        SS7.replace(LINK, LINK + LINK.replace("rb-a", "b")),
        "links[1].address",
        "already listened on",
    ),
    "a client without a port": (
        SS7.replace('role = "server"', 'role = "client"').replace("2905", "0"),
        "links[0].address",
        "no port",
    ),
    "a point code of another variant": (
        SS7.replace('role = "server"', 'role = "server"\nvariant = "itu"').replace("2-137-26", "3-1-1"),
        "links[0].point_code",
        "is no point code of itu",
    ),
    "no point code": (
        SS7.replace('point_code = "246-14-7"', 'point_code = "300-1-1"'),
        "links[0].point_code",
        "is not a point code",
    ),
    "ourselves as a destination": (
        SS7.replace('destinations = ["2-137-26"]', 'destinations = ["2-137-26", "246-14-7"]'),
        "links[0].destinations[1]",
        "own point code",
    ),
    "a server that registers": (
        SS7.replace('role = "server"', 'role = "server"\nregister_routing_key = true'),
        "links[0].register_routing_key",
        "client",
    ),
    "a client with peers": (
        SS7.replace('role = "server"', 'role = "client"\npeers = ["192.0.2.1"]'),
        "links[0].peers",
        "accepts no",
    ),
    "peers with ports": (
        SS7.replace('role = "server"', 'role = "server"\npeers = ["192.0.2.1:5"]'),
        "links[0].peers[0]",
        "not an IP address",
    ),
    "an unknown way to share": (
        SS7.replace('role = "server"', 'role = "server"\ntraffic_mode = "both"'),
        "links[0].traffic_mode",
        "override",
    ),
    "neither members nor circuits": (SS7.replace(CIRCUITS + "\n", ""), "trunk_groups[0].members", "is missing"),
    "members and circuits": (
        SS7.replace(CIRCUITS, CIRCUITS + "\n" + SIP_MEMBERS),
        "trunk_groups[0].circuits",
        "beside `members`",
    ),
    "a setting of SIP": (
        SS7.replace(CIRCUITS, CIRCUITS + "\nprobe_seconds = 5"),
        "trunk_groups[0].probe_seconds",
        "has circuits",
    ),
    "no such link": (
        SS7.replace('links = ["rb-a"]', 'links = ["rb-c"]'),
        "trunk_groups[0].circuits.links[0]",
        "no link is called",
    ),
    "a link that leads elsewhere": (
        SS7.replace('destinations = ["2-137-26"]', 'destinations = ["2-137-27"]'),
        "trunk_groups[0].circuits.links[0]",
        "does not lead to 2-137-26",
    ),
    "links of two point codes": (
        SS7.replace(LINK, SECOND_LINK.replace("246-14-7", "246-14-8", 1)).replace(
            'links = ["rb-a"]', 'links = ["rb-a", "rb-b"]'
        ),
        "trunk_groups[0].circuits.links[1]",
        "another point_code",
    ),
    "no range": (SS7.replace('"33"', '"24-1"'), "trunk_groups[0].circuits.cics[0]", "no range of CICs"),
    "a CIC too high": (SS7.replace('"33"', '"16384"'), "trunk_groups[0].circuits.cics[0]", "higher than 16383"),
    "a circuit twice": (SS7.replace('"33"', '"20-33"'), "trunk_groups[0].circuits.cics[1]", "overlaps"),
    "a circuit of two groups": (SS7 + SECOND_GROUP, "trunk_groups[2].circuits.cics[0]", "overlaps"),
    "more in reserve than there is": (
        SS7.replace('links = ["rb-a"] }', 'links = ["rb-a"], emergency_reserve = 26 }'),
        "trunk_groups[0].circuits.emergency_reserve",
        "more than the 25",
    ),
    "a server for everybody": (
        SS7.replace('"127.0.0.1:2905"', '"0.0.0.0:2905"'),
        "links[0].peers",
        "can be reached from other machines",
    ),
    "a message that is none": (
        SS7.replace('links = ["rb-a"] }', 'links = ["rb-a"], messages = ["IAM", "INVITE", "REL", "RLC", "GRA"] }'),
        "trunk_groups[0].circuits.messages[1]",
        "'INVITE' is no message of ISUP",
    ),
    "messages that end no call": (
        SS7.replace('links = ["rb-a"] }', 'links = ["rb-a"], messages = ["IAM", "REL"] }'),
        "trunk_groups[0].circuits.messages",
        "leaves out RLC, GRA, without which no circuit becomes idle again",
    ),
    "an edition that nobody speaks": (
        VALID.replace(SIP_MEMBERS, SIP_MEMBERS + '\nsip_i = "foo"'),
        "trunk_groups[0].sip_i",
        "no ISUP message would be sent",
    ),
    "a member on SS7": (
        VALID.replace("127.0.0.1:5080", "ss7:127.0.0.1:5080"),
        "trunk_groups[1].members[0]",
        "not an IP address",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_links_and_circuits_is_said_with_line_key_and_remedy(fault: str) -> None:
    text, key, reason = FAULTS[fault]
    (said,) = faults(text)
    assert f" {key}: " in said
    assert reason in said
    assert said.startswith(("x.toml:", "/"))
