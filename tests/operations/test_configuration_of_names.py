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
