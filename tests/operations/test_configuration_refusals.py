"""What a configuration says of how calls are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_configuration import VALID, faults, load

from gateway.signalling.network_blocked import NetworkBlocked

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lerg").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusals(line: str) -> str:
    return f"{VALID}\n[refusals]\n{line}\n"


def test_without_the_section_nobody_is_named() -> None:
    assert load(VALID).network_blocked is None


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ('{ url = "https://host.example/blocked?of=us" }', NetworkBlocked(url="https://host.example/blocked?of=us")),
        (
            '{ telephone = "+13145550100", email = "noc@host.example", location = "TN" }',
            NetworkBlocked(telephone="+13145550100", email="noc@host.example", location="TN"),
        ),
    ],
)
def test_who_can_be_turned_to_is_said_in_a_table(table: str, expected: NetworkBlocked) -> None:
    assert load(refusals(f"network_blocked = {table}")).network_blocked == expected


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("{}", "network_blocked: says nobody to turn to; give url, telephone or email"),
        ('{ url = "http://host/" }', "network_blocked.url: 'http://host/' is not a URL of HTTPS; write "),
        ('{ url = "https://host/;a" }', "network_blocked.url: 'https://host/;a' is not a URL of HTTPS; write "),
        ('{ telephone = "3145550100" }', "network_blocked.telephone: '3145550100' is not a number of E.164; write "),
        ('{ email = "noc" }', "network_blocked.email: 'noc' is not an e-mail address; write "),
        ('{ email = "a@b", location = "XX" }', "network_blocked.location: "),
        ('{ email = "a@b", fax = "+1" }', "network_blocked.fax: there is no such setting"),
        ("5", "network_blocked: is not a table"),
    ],
)
def test_a_fault_is_said_with_what_to_do(table: str, expected: str) -> None:
    (fault,) = faults(refusals(f"network_blocked = {table}"))
    assert fault.startswith(f"x.toml:{VALID.count(chr(10)) + 3}: refusals.{expected}")
