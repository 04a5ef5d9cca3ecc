"""PASSporTs for the lab's calls (RFC 8225, with the "shaken" extension of RFC 8588): real claims, no signature.

The token has the shape of an ES256 one. Its 64 signature octets are a fixed text that says what they are, so that it
verifies nowhere and nobody takes it for a signed one.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping

NOT_A_SIGNATURE = b"NOT A SIGNATURE: made in a lab, can't be verified by anyone.....".ljust(64, b".")[:64]
CERTIFICATE_URL = "https://certificates.invalid/lab.cer"
_LAB = uuid.UUID("7f0c63c4-9a2b-5d0e-8f55-0d6a2c1b9e11")


def passport(orig: str, dest: str, attest: str, *, issued_at_s: int, origid: str | None = None) -> str:
    """The compact form (header.payload.signature, base64url without padding) for a call from `orig` to `dest`.

    `orig` and `dest` are telephone numbers; "+" and separators are left out, as RFC 8225 section 5.2.1 wants them.
    `attest` is A, B or C. `issued_at_s` is the iat claim, seconds since the Unix epoch. `origid` defaults to a UUID
    that is the same for the same calling number. Members are in lexicographic order without white space (section 9).
    Raises ValueError where a number has no digits or `attest` is another letter.
    """
    if attest not in ("A", "B", "C"):
        raise ValueError(f"attest is A, B or C (RFC 8588 section 4), got {attest!r}")
    calling, called = _digits("orig", orig), _digits("dest", dest)
    header = {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": CERTIFICATE_URL}
    claims = {
        "attest": attest,
        "dest": {"tn": [called]},
        "iat": issued_at_s,
        "orig": {"tn": calling},
        "origid": origid or str(uuid.uuid5(_LAB, calling)),
    }
    return ".".join(_base64url(part) for part in (_canonical(header), _canonical(claims), NOT_A_SIGNATURE))


def identity_value(compact: str) -> str:
    """The value of the Identity header field that carries a PASSporT (RFC 8224 section 4)."""
    return f"{compact};info=<{CERTIFICATE_URL}>;alg=ES256;ppt=shaken"


def _digits(claim: str, number: str) -> str:
    digits = "".join(c for c in number if c.isascii() and c.isdigit())
    if not digits:
        raise ValueError(f"{claim} is a telephone number, got {number!r}")
    return digits


def _canonical(members: Mapping[str, object]) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
