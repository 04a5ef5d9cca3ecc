"""Listeners, transports and TLS in the configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
import trustme
from test_configuration import VALID, faults, load

from gateway.interconnection.trunk_groups import Hop, Member, Transport
from gateway.operations.configuration import TlsSettings

TCP, TLS = Transport.TCP, Transport.TLS
SECTION: Final = '[tls]\ncertificate = "own.pem"\nkey = "own.key"\nca = "ca.pem"\n\n[numbering]'
LISTEN: Final = 'listen = "127.0.0.1:5060"'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a certificate, its key, an authority, and a key that belongs to neither."""
    (tmp_path / "lerg").mkdir()
    monkeypatch.chdir(tmp_path)
    authority = trustme.CA()
    own = authority.issue_cert("gateway.example")
    own.cert_chain_pems[0].write_to_path(tmp_path / "own.pem")
    own.private_key_pem.write_to_path(tmp_path / "own.key")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("other.example").private_key_pem.write_to_path(tmp_path / "other.key")
    return tmp_path


def with_tls(section: str = SECTION) -> str:
    listening = VALID.replace(LISTEN, 'listen = ["127.0.0.1:5060", "tls:127.0.0.1:5061"]')
    members = listening.replace('"127.0.0.1:5080"', '"tls:127.0.0.1:5080"').replace("[numbering]", section)
    return members.replace('name = "host-1"', 'name = "host-1"\ncertificate = "Switch.example"')


def test_several_listeners_and_members_name_their_transports(folder: Path) -> None:
    configuration = load(with_tls())
    assert configuration.listen == (Hop("127.0.0.1", 5060), Hop("127.0.0.1", 5061, TLS))
    assert configuration.record_route_hosts == ("127.0.0.1", "127.0.0.1")
    assert configuration.trunk_groups[1].members == (Member(Hop("127.0.0.1", 5080, TLS)),)
    assert configuration.trunk_groups[1].certificate == "switch.example"
    assert configuration.tls == TlsSettings(folder / "own.pem", folder / "own.key", folder / "ca.pem")


@pytest.mark.usefixtures("folder")
def test_nobody_is_verified_only_where_the_file_says_so() -> None:
    unverified = with_tls(SECTION.replace('ca = "ca.pem"', "verify_peers = false"))
    settings = load(unverified.replace('certificate = "Switch.example"\n', "")).tls
    assert settings is not None
    assert settings.authorities is None


@pytest.mark.usefixtures("folder")
def test_a_listener_of_each_transport_and_ip_version_is_taken() -> None:
    listeners = '["0.0.0.0:5060", "tcp:0.0.0.0:5060", "[::]:5060", "tcp:[::]:5060"]'
    text = VALID.replace('"127.0.0.1:5060"', f'{listeners}\nrecord_route_host = ["192.0.2.1", "2001:db8::1"]', 1)
    configuration = load(text.replace('"127.0.0.1:5080"', '"[2001:db8::2]:5080", "tcp:192.0.2.2:5060"'))
    assert [str(hop) for hop in configuration.listen] == [
        "udp:0.0.0.0:5060", "tcp:0.0.0.0:5060", "udp:[::]:5060", "tcp:[::]:5060",
    ]  # fmt: skip
    assert configuration.record_route_hosts == ("192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::1")


@pytest.mark.usefixtures("folder")
def test_the_environment_sets_one_listener_and_the_files_of_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_GATEWAY__LISTEN", "tcp:127.0.0.1:0")
    monkeypatch.setenv("TOLLGATE_TLS__KEY", "own.key")
    monkeypatch.setenv("TOLLGATE_CONNECTIONS__IDLE_SECONDS", "60")
    text = with_tls(SECTION.replace("own.key", "none.key")).replace('"127.0.0.1:50', '"tcp:127.0.0.1:50')
    configuration = load(text.replace('"tls:127.0.0.1:5080"', '"tcp:127.0.0.1:5080"').replace(
        'certificate = "Switch.example"\n', ""))  # fmt: skip
    assert configuration.listen == (Hop("127.0.0.1", 0, TCP),)
    assert configuration.connections.idle_seconds == 60


CASES: Final[list[tuple[str, str, str]]] = [
    ('"tls:127.0.0.1:5061"]', '"sctp:127.0.0.1:5061"]',
     "x.toml:2: gateway.listen[1]: 'sctp:127.0.0.1:5061' is not an IP address and port; write \"192.0.2.1:5060\" or "
     '"[2001:db8::1]:5060"\nx.toml:54: trunk_groups[1].members[0]: tls:127.0.0.1:5080 is reached by TLS over IPv4, and '
     '`listen` has nothing of the kind; add "tls:127.0.0.1:5061" to `listen`, or correct the address'),
    ('"tls:127.0.0.1:5061"]', '"tls:127.0.0.1:5061", "tls:127.0.0.2:5062"]',
     "x.toml:2: gateway.listen[2]: TLS over IPv4 already has gateway.listen[1]; keep one listener for each transport "
     "and IP version"),
    ('"tls:127.0.0.1:5061"]', '"tls:127.0.0.1:5061", "tcp:127.0.0.1:5061"]',
     "x.toml:2: gateway.listen[2]: TCP and TLS cannot share port 5061, which gateway.listen[1] has; give TLS another "
     "port; 5061 is usual"),
    ('["127.0.0.1:5060", "tls:127.0.0.1:5061"]', "[]",
     "x.toml:2: gateway.listen: has too few elements; give at least 1"),
    ('["127.0.0.1:5060", "tls:127.0.0.1:5061"]', '["0.0.0.0:5060", "tls:[::]:5061"]\nrecord_route_host = "192.0.2.1"',
     "x.toml:3: gateway.record_route_host: has no address of IPv6, and `listen` has; write the address that the "
     "switches see\nx.toml:55: trunk_groups[1].members[0]: tls:127.0.0.1:5080 is reached by TLS over IPv4, and "
     '`listen` has nothing of the kind; add "tls:127.0.0.1:5061" to `listen`, or correct the address'),
    ('"127.0.0.1:5071"', '"tcp:127.0.0.1:5070"',
     "x.toml:45: trunk_groups[0].members[1]: tcp:127.0.0.1:5070 is reached by TCP over IPv4, and `listen` has nothing "
     'of the kind; add "tcp:127.0.0.1:5060" to `listen`, or correct the address'),
    ("[tls]\n", "[tls]\nciphers = 1\n",
     "x.toml:8: tls.ciphers: there is no such setting; remove it; known are certificate, key, ca, verify_peers"),
    ('ca = "ca.pem"\n', "",
     "x.toml:7: tls.ca: is missing; name the file of the authorities' certificates, or set verify_peers = false where "
     "nobody is verified"),
    ('ca = "ca.pem"\n', "verify_peers = false\n",
     "x.toml:50: trunk_groups[1].certificate: cannot be held against anything while tls.verify_peers is false; set "
     "verify_peers = true, or remove it"),
    ('"tls:127.0.0.1:5080"', '"127.0.0.1:5080"',
     "x.toml:50: trunk_groups[1].certificate: no member is reached over TLS; write members as \"tls:ADDRESS:PORT\", or "
     "remove it"),
    ('"own.pem"', '"none.pem"',
     "x.toml:8: tls.certificate: FOLDER/none.pem cannot be read: No such file or directory; correct the path; it is "
     "relative to the configuration file"),
    ('"own.key"', '"other.key"',
     "x.toml:9: tls.key: FOLDER/other.key is no key of FOLDER/own.pem (KEY_VALUES_MISMATCH); write a certificate in "
     "PEM, with those above it, and its private key without a passphrase"),
    ('"ca.pem"', '"own.key"',
     "x.toml:10: tls.ca: FOLDER/own.key holds no certificate (NO_CERTIFICATE_OR_CRL_FOUND); write a file of "
     "certificates in PEM, of those who sign the peers' certificates"),
    ('"own.key"', '""',
     "x.toml:9: tls.key: is empty; write the path of a file in PEM"),
    ('"tls:127.0.0.1:5061"]', '"tls:127.0.0.1:5061", "[fe80::1%eth0]:5060"]',
     "x.toml:2: gateway.listen[2]: '[fe80::1%eth0]:5060' has a zone, which means nothing to others; write an address "
     "that needs none"),
    ("[gateway]", '[gateway]\nrecord_route_host = "0.0.0.0"',
     "x.toml:2: gateway.record_route_host[0]: '0.0.0.0' is no address of one host; write the address that the switches "
     "see"),
    ("[tls]", "[dns]\nin_dialog = true\n\n[tls]",
     "x.toml:8: dns.in_dialog: asks for names to be looked up, and dns.servers names nobody to ask; add `servers`, or "
     "remove it"),
    ("[tls]", "[limits]\nsession_expires_seconds = 90\nmin_session_seconds = 1800\n\n[tls]",
     "x.toml:8: limits.session_expires_seconds: the 90 s that are asked for are fewer than limits.min_session_seconds "
     "takes, 1800; raise it, or lower the other"),
    (SECTION, "[numbering]",
     "x.toml: tls: is missing, and gateway.listen[1] is for TLS; add it with `certificate`, `key` and `ca`, or remove "
     "the listener"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "instead", "expected"), CASES)
def test_a_fault_of_sockets_or_certificates_says_what_to_do(
    folder: Path, written: str, instead: str, expected: str
) -> None:
    assert written in with_tls()
    said = "\n".join(faults(with_tls().replace(written, instead, 1)))
    assert said.replace(str(folder), "FOLDER") == expected
