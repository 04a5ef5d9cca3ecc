"""Cause indicators: why a call was released or could not be set up (Q.850; Q.763 section 3.12)."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed

_SPARE: Final = 1
_NO_RECOMMENDATION: Final = 2
_NOT_LAST: Final = 4
"""Irregular bits of a cause, each kept in `Cause.spare`."""


class Cause(NamedTuple):
    """A cause, without loss."""

    value: int
    """0 to 127, by the list of the coding standard."""
    location: int = 2
    """`CauseLocation`."""
    coding: int = 0
    """`CodingStandard`."""
    diagnostics: bytes = b""
    recommendation: bytes = b""
    """Octet 1a, where there is one: of which Recommendation's list the cause is."""
    spare: int = 0
    """Irregular bits, kept: 1 the spare bit, 2 octet 1a announced and absent, 4 the value not marked as last octet."""


def decode_cause(value: bytes) -> Cause:
    """Cause indicators.

    Raises:
        Malformed: there are fewer than two octets.
    """
    if len(value) < 2:
        raise Malformed(f"cause indicators: {len(value)} octets instead of at least 2", len(value))
    first = value[0]
    spare = _SPARE if first & 0x10 else 0
    at = 1
    recommendation = b""
    if not first & 0x80:
        if len(value) > 2:
            recommendation = value[1:2]
            at = 2
        else:
            spare |= _NO_RECOMMENDATION
    second = value[at]
    if not second & 0x80:
        spare |= _NOT_LAST
    return Cause(second & 0x7F, first & 0x0F, first >> 5 & 0x03, value[at + 1 :], recommendation, spare)


def encode_cause(cause: Cause) -> bytes:
    """The inverse of `decode_cause`."""
    announced = bool(cause.recommendation or cause.spare & _NO_RECOMMENDATION)
    first = (0 if announced else 0x80) | (cause.coding & 0x03) << 5 | cause.location & 0x0F
    if cause.spare & _SPARE:
        first |= 0x10
    second = cause.value & 0x7F | (0 if cause.spare & _NOT_LAST else 0x80)
    return bytes((first,)) + cause.recommendation[:1] + bytes((second,)) + cause.diagnostics
