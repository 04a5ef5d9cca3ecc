"""SIP over TLS: contexts, and whom a certificate names (RFC 3261 section 26.3, RFC 5922)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import parse_uri

MOST_NAMES: Final = 64
"""Of one certificate that are looked at."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What a gateway needs for TLS, in PEM."""

    certificate: Path
    """Its own, with those between it and the authority."""
    key: Path
    """Private key of the certificate, not protected by a passphrase."""
    authorities: Path | None
    """Certificates of those who vouch for the peers; None where peers are not verified."""

    @property
    def verify_peers(self) -> bool:
        return self.authorities is not None


class TlsContexts:
    """One context for connections that are accepted, one for those that we make."""

    def __init__(self, files: TlsFiles) -> None:
        """Raises OSError, of which `ssl.SSLError` is one, where a file cannot be used."""
        self.server: Final = _context(ssl.PROTOCOL_TLS_SERVER, files)
        self.client: Final = _context(ssl.PROTOCOL_TLS_CLIENT, files)
        self.verify_peers: Final = files.verify_peers


def _context(protocol: int, files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # a peer could have us compute without end
    context.check_hostname = False  # names are compared as RFC 5922 asks, when the connection is up
    context.verify_mode = ssl.CERT_REQUIRED if files.authorities is not None else ssl.CERT_NONE
    context.load_cert_chain(files.certificate, files.key, password=_no_passphrase)
    if files.authorities is not None:
        context.load_verify_locations(cafile=files.authorities)
    return context


def _no_passphrase() -> str:
    raise ssl.SSLError("the key is protected by a passphrase")


def names_in(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Domains and IP addresses for which a verified certificate stands, in lower case (RFC 5922 section 7.1).

    `certificate` is what `ssl.SSLSocket.getpeercert` gives. Where it names SIP domains by URI, its DNS names are not
    asked. Wildcards and the subject's common name stand for nobody (section 7.2).
    """
    domains: set[str] = set()
    hosts: set[str] = set()
    addresses: set[str] = set()
    for kind, value in certificate.get("subjectAltName", ())[:MOST_NAMES]:
        if kind == "URI":
            domains |= _domain_of(value)
        elif kind == "DNS" and "*" not in value:
            hosts.add(value.lower().rstrip("."))
        elif kind == "IP Address":
            addresses |= _address_of(value)
    return frozenset((domains or hosts) | addresses)


def _domain_of(uri: str) -> set[str]:
    """The domain of a SIP URI without user part: with one it names a user, and not a domain."""
    if uri[:4].lower() != "sip:" or "@" in uri:
        return set()
    try:
        return {parse_uri(uri.encode("ascii", "replace")).host.decode().lower().rstrip(".")}
    except Malformed:
        return set()


def _address_of(text: str) -> set[str]:
    try:
        return {str(ip_address(text.strip()))}
    except ValueError:
        return set()
