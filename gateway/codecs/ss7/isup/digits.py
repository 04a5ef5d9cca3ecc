"""Address signals: two to an octet, the earlier one in the low half (Q.763 section 3.9 g)."""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed

SWAPPED: Final = bytes((octet << 4 | octet >> 4) & 0xFF for octet in range(256))
"""Each octet with its halves exchanged."""
ADDRESS_SIGNALS: Final = frozenset("0123456789ABCDEF")
"""``B`` and ``C`` are code 11 and code 12, ``F`` is the end of pulsing (ST)."""


def address_signals(value: bytes) -> str:
    """All half octets of a value, those without a meaning of their own too; hexadecimal, in capitals."""
    return value.translate(SWAPPED).hex().upper()


def packed(digits: str, filler: int = 0) -> bytes:
    """Address signals as octets; `filler` stands after an odd number of them.

    Raises:
        ValueError: another character than a hexadecimal digit in capitals.
    """
    if not ADDRESS_SIGNALS.issuperset(digits):
        raise ValueError(f"{digits!r} is not made of address signals: digits, and A to F")
    if len(digits) & 1:
        digits += "0123456789ABCDEF"[filler]
    return bytes.fromhex(digits).translate(SWAPPED)


def decode_jurisdiction(value: bytes) -> str:
    """Jurisdiction information (T1.113.3; GR-317): the six digits of a code and exchange.

    Raises:
        Malformed: it is not three octets long.
    """
    if len(value) != 3:
        raise Malformed(f"jurisdiction information has {len(value)} octets instead of 3")
    return address_signals(value)


def encode_jurisdiction(digits: str) -> bytes:
    """The inverse. Raises ValueError on anything but six address signals."""
    if len(digits) != 6:
        raise ValueError(f"{digits!r}: a jurisdiction has six digits")
    return packed(digits)
