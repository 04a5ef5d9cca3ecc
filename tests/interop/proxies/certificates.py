"""Certificates for a run, from an authority made for it: mutual TLS between gateway and proxies."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.interop.prometheus_panels import Failure

NAMES: Final = {"front": "front.partner.example", "behind": "behind.host.example", "gateway": "gateway.host.example"}
"""Place -> the DNS name in its certificate."""
TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Pair:
    certificate: Path
    key: Path


class Certificates:
    """An authority and a certificate for each place that speaks TLS, in files."""

    def __init__(self, folder: Path) -> None:
        """Makes them. Raises `Failure` with openssl's own words."""
        self.authority: Final = folder / "ca.pem"
        self._folder: Final = folder
        _openssl(
            folder,
            "req",
            "-x509",
            *_NEW_KEY,
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "2",
            "-subj",
            "/CN=interop",
        )
        self._pairs: Final = {place: self._issue(place, name) for place, name in NAMES.items()}

    def of(self, place: str) -> Pair:
        return self._pairs[place]

    def of_kamailio(self, place: str) -> str:
        """Kamailio's TLS profile for `place`: a peer shows a certificate, on whichever side it is."""
        pair = self.of(place)
        common = (
            f"method = TLSv1.2+\nprivate_key = {pair.key}\ncertificate = {pair.certificate}\n"
            f"ca_list = {self.authority}\nverify_certificate = yes\nrequire_certificate = yes\n"
        )
        return f"[server:default]\n{common}\n[client:default]\n{common}"

    def _issue(self, place: str, name: str) -> Pair:
        folder = self._folder
        _openssl(folder, "req", *_NEW_KEY, "-keyout", f"{place}.key", "-out", f"{place}.csr", "-subj", f"/CN={name}")
        (folder / f"{place}.ext").write_text(f"subjectAltName = DNS:{name}, IP:127.0.0.1\n")
        request = ("x509", "-req", "-in", f"{place}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
        _openssl(folder, *request, "-out", f"{place}.pem", "-days", "2", "-extfile", f"{place}.ext")
        return Pair(folder / f"{place}.pem", folder / f"{place}.key")


_NEW_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(folder: Path, *words: str) -> None:
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, timeout=TIMEOUT_S, check=False)  # noqa: S603, S607
    if done.returncode != 0:
        raise Failure(f"openssl {words[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}")
