"""What a configuration says of names: where they are looked up, and which members of trunk groups are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_configuration import VALID, faults, load

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lerg").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def with_dns(*lines: str) -> str:
    return VALID + "\n[dns]\n" + "\n".join(lines) + "\n"


def test_without_a_section_no_name_in_a_dialog_is_looked_up() -> None:
    dns = load(VALID).dns
    assert (dns.servers, dns.in_dialog) == ((), False)


def test_a_server_is_an_address_with_a_port_or_without() -> None:
    dns = load(with_dns('servers = ["192.0.2.53", "192.0.2.54:5353", "2001:db8::53", "[2001:db8::53]:5353"]')).dns
    assert dns.servers == (
        ("192.0.2.53", 53),
        ("192.0.2.54", 5353),
        ("2001:db8::53", 53),
        ("2001:db8::53", 5353),
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('servers = ["dns.example"]', "dns.servers[0]: 'dns.example' is not an IP address and port"),
        ("servers = [53]", "dns.servers[0]: is not text"),
        ("shortest_ttl_seconds = 0", "dns.shortest_ttl_seconds: is too small"),
        ('in_dialog = "perhaps"', "dns.in_dialog: is neither true nor false"),
        ("ttl = 5", "dns.ttl: there is no such setting"),
    ],
)
def test_a_fault_of_the_section_is_said(line: str, expected: str) -> None:
    (fault,) = faults(with_dns(line))
    assert expected in fault


def with_members(written: str) -> str:
    return VALID.replace('members = ["127.0.0.1:5080"]', f"members = [{written}]")


@pytest.mark.parametrize(
    ("written", "uri"),
    [
        ('"switch.example"', "sip:switch.example"),
        ('"Switch.Example:5070"', "sip:switch.example:5070"),
        ('"udp:switch.example"', "sip:switch.example;transport=udp"),
        ('"sip:switch.example;transport=udp"', "sip:switch.example;transport=udp"),
        ('"sip:switch"', "sip:switch"),
        ('{ address = "switch.example", priority = 2, weight = 3, capacity = 4 }', "sip:switch.example"),
    ],
)
def test_a_member_may_be_a_name(written: str, uri: str) -> None:
    group = load(with_members(f'"127.0.0.1:5080", {written}')).trunk_groups[1]
    assert [member.hop.port for member in group.members] == [5080]
    (named,) = group.names
    assert named.uri == uri
    if "priority" in written:
        assert (named.priority, named.weight, named.capacity) == (2, 3, 4)


def test_a_trunk_group_may_have_names_only() -> None:
    group = load(with_members('"switch.example"')).trunk_groups[1]
    assert (group.members, len(group.names)) == ((), 1)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"192.0.2.1O:5060"', "is not an IP address and port"),
        ('"switch:5060"', "is not an IP address and port"),
        ('"999.1.1.1:5060"', "is not an IP address and port"),
        ('"sip:192.0.2.1"', "is an address and no name; write it as"),
        ('"sip:switch.example;transport=sctp"', "names no host, or a transport other than udp, tcp and tls"),
        ('"sip:switch..example"', "names no host"),
        ('"sip:@"', "the SIP URI is not"),
        ('"switch.example:99999"', "the port of a SIP URI is over 65535"),
        ('{ address = "sip:switch..example" }', "members[0].address: 'sip:switch..example' names no host"),
        ('"switch.example", "sip:switch.example"', "sip:switch.example is already at trunk_groups[1].members[0]"),
        ('"tcp:switch.example"', "is reached by TCP, and `listen` has nothing of the kind"),
        ('"sips:switch.example"', "is reached by TLS, and `listen` has nothing of the kind"),
    ],
)
def test_a_name_that_is_none_or_cannot_be_reached_is_a_fault(written: str, expected: str) -> None:
    (fault,) = faults(with_members(written))
    assert expected in fault


def test_no_more_than_a_thousand_names_are_looked_up() -> None:
    groups = "".join(
        f"""
[[trunk_groups]]
name = "g{n}"
side = "host"
carrier = "1234"
switch = "STLSMO01DS0"
members = [{", ".join(f'"s{n}-{k}.example"' for k in range(50))}]
"""
        for n in range(21)
    )
    (fault,) = faults(VALID + groups)
    assert "trunk_groups[22].members[0]: is a name, and 1000 were written before it" in fault
