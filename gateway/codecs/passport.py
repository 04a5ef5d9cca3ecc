"""PASSporT, the signed token of an Identity header (RFC 8225; RFC 8224 for SIP, RFC 8588 for SHAKEN, RFC 8946 for div).

Only decoded, never verified: the signature needs the signer's certificate, which is fetched from elsewhere. So a
PASSporT counts here as one more field of the message that carries the call's numbers, no more and no less credible
than the others.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from gateway.codecs.malformed import Malformed

MAX_BYTES: Final = 8192
"""Longest Identity value that is decoded. A SHAKEN PASSporT has about 600 bytes."""
MAX_DESTINATIONS: Final = 64
"""Most entries of ``dest`` that are accepted."""


@dataclass(frozen=True, slots=True)
class Passport:
    """The claims of one PASSporT. What is absent is None or empty."""

    compact: bool
    """Compact form (RFC 8224 section 7): header and payload left out, so that the token names no numbers itself."""
    alg: str | None
    ppt: str | None
    """Extension: ``shaken``, ``div``, ``rph`` ... The header's parameter and the token's own claim agree."""
    info: str | None
    """``info`` of the Identity header: where the certificate is."""
    x5u: str | None = None
    """The same, as the token states it."""
    orig_tn: str | None = None
    """Calling number as written: canonically all digits, with the country code and without ``+`` (RFC 8224, 8.3)."""
    orig_uri: str | None = None
    dest_tn: tuple[str, ...] = ()
    dest_uri: tuple[str, ...] = ()
    div_tn: str | None = None
    """The number that diverted the call (RFC 8946)."""
    attest: str | None = None
    """Attestation level A, B or C (RFC 8588)."""
    iat: int | None = None
    """Issued at, seconds since the Unix epoch."""
    origid: str | None = None


_DIGEST = re.compile(rb"[A-Za-z0-9_.-]*")
_PARAMETER = re.compile(
    rb"[ \t\r\n]*;[ \t\r\n]*([A-Za-z0-9_-]+)"
    rb"(?:[ \t\r\n]*=[ \t\r\n]*(<[^<>]*>|\"[^\"]*\"|[^;,\"<> \t\r\n]+))?[ \t\r\n]*"
)


def decode_identity(value: bytes) -> Passport:
    """The PASSporT of an Identity header's value: ``header.payload.signature;info=<uri>;alg=ES256;ppt=shaken``.

    Raises `Malformed`, and nothing else, whatever the bytes. The signature is not verified.
    """
    if len(value) > MAX_BYTES:
        raise Malformed(f"an Identity value of {len(value)} bytes is longer than the limit of {MAX_BYTES}", MAX_BYTES)
    start = len(value) - len(value.lstrip(b" \t\r\n"))
    digest = _DIGEST.match(value, start)
    assert digest is not None  # noqa: S101 - the pattern matches the empty string
    parameters = _parameters(value, digest.end())
    segments = digest.group().split(b".")
    if len(segments) != 3:
        raise Malformed(f"a PASSporT has three parts parted by dots, this one has {len(segments)}", start)
    info, alg, ppt = parameters.get("info"), parameters.get("alg"), parameters.get("ppt")
    header_at, payload_at = start, start + len(segments[0]) + 1
    if not segments[2]:
        raise Malformed("the PASSporT has no signature", digest.end())
    if not segments[0] and not segments[1]:
        return Passport(True, alg, ppt, info)
    header = _object(segments[0], header_at, "header")
    payload = _object(segments[1], payload_at, "payload")
    token_ppt = _text(header, "ppt", header_at)
    if ppt is not None and ppt != token_ppt:
        raise Malformed("ppt of the Identity header is not the one of its PASSporT", header_at)
    orig = _member(payload, "orig", payload_at)
    dest = _member(payload, "dest", payload_at)
    return Passport(
        False,
        _text(header, "alg", header_at),
        token_ppt,
        info,
        x5u=_text(header, "x5u", header_at),
        orig_tn=_text(orig, "tn", payload_at),
        orig_uri=_text(orig, "uri", payload_at),
        dest_tn=_texts(dest, "tn", payload_at),
        dest_uri=_texts(dest, "uri", payload_at),
        div_tn=_text(_member(payload, "div", payload_at), "tn", payload_at),
        attest=_text(payload, "attest", payload_at),
        iat=_seconds(payload, payload_at),
        origid=_text(payload, "origid", payload_at),
    )


def _parameters(value: bytes, at: int) -> dict[str, str]:
    found: dict[str, str] = {}
    while at < len(value):
        match = _PARAMETER.match(value, at)
        if match is None:
            if value[at:].strip(b" \t\r\n"):
                raise Malformed("this is neither part of the PASSporT nor a parameter of the Identity header", at)
            break
        name = match.group(1).decode("ascii").lower()
        if name in found:
            raise Malformed(f"the parameter {name} is there twice", match.start(1))
        found[name] = (match.group(2) or b"").strip(b'<>"').decode("ascii", "replace")
        at = match.end()
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Readers differ on which of two equal keys counts, so a token that has them says different things to each.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key is there twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _object(segment: bytes, at: int, part: str) -> dict[str, Any]:
    if not segment or len(segment) % 4 == 1:
        raise Malformed(f"the {part} of the PASSporT is not base64url", at)
    try:
        text = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)).decode("utf-8")
        parsed = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise Malformed(f"the {part} of the PASSporT is nested too deeply", at) from None
    except ValueError as error:  # bad base64, bad UTF-8, bad JSON and numbers too long to read are all ValueErrors
        raise Malformed(f"the {part} of the PASSporT is not JSON in base64url: {error}", at) from None
    if not isinstance(parsed, dict):
        raise Malformed(f"the {part} of the PASSporT is not a JSON object", at)
    return parsed


def _member(parent: dict[str, Any], name: str, at: int) -> dict[str, Any]:
    member = parent.get(name, {})
    if not isinstance(member, dict):
        raise Malformed(f"{name} of the PASSporT is not a JSON object", at)
    return member


def _text(parent: dict[str, Any], name: str, at: int) -> str | None:
    member = parent.get(name)
    if member is not None and not isinstance(member, str):
        raise Malformed(f"{name} of the PASSporT is not a string", at)
    return member


def _texts(parent: dict[str, Any], name: str, at: int) -> tuple[str, ...]:
    members = parent.get(name, [])
    if isinstance(members, str):  # seen in the field from signers that know only one destination
        return (members,)
    if not isinstance(members, list) or not all(isinstance(member, str) for member in members):
        raise Malformed(f"dest.{name} of the PASSporT is not a list of strings", at)
    if len(members) > MAX_DESTINATIONS:
        raise Malformed(f"dest.{name} of the PASSporT has {len(members)} entries, the limit is {MAX_DESTINATIONS}", at)
    return tuple(members)


def _seconds(payload: dict[str, Any], at: int) -> int | None:
    iat = payload.get("iat")
    if iat is None:
        return None
    if isinstance(iat, bool) or not isinstance(iat, int | float) or not 0 <= iat < 2**53:
        raise Malformed("iat of the PASSporT is not a time in seconds since the Unix epoch", at)
    return int(iat)
