"""The other parameters of a call: bearer, carrier, name, generic digits."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup.digits import address_signals, packed
from gateway.codecs.ss7.variant import Variant

_tuple: Final = tuple.__new__  # makes a named tuple in a third of the time that its own name takes
LONGEST_NAME: Final = 15
"""Characters of a generic name (T1.113.3)."""


class UserServiceInformation(NamedTuple):
    """User service information (Q.763 section 3.57): Q.931's bearer capability, from its octet 3 on."""

    capability: int = 0
    """Information transfer capability: 0 speech, 8 unrestricted digital, 16 3.1 kHz audio."""
    coding: int = 0
    mode: int = 0
    """0: circuit, 2: packet."""
    rate: int = 0x10
    """Information transfer rate; 0x10 is 64 kbit/s."""
    rest: bytes = b"\xa2"
    """What follows the rate, as it came; by default: layer 1 is G.711 mu-law."""
    more: int = 0
    """Irregular bits, kept: 1 the first octet, 2 the second octet, is not marked as the last of its group."""

    @property
    def layer_1(self) -> int | None:
        """User information layer 1 protocol: 2 G.711 mu-law, 3 G.711 A-law; None where it is not given."""
        if self.more & 2 or not self.rest or self.rest[0] & 0x60 != 0x20:
            return None
        return self.rest[0] & 0x1F


def decode_user_service(value: bytes) -> UserServiceInformation:
    """Raises `Malformed` where there are fewer than two octets."""
    if len(value) < 2:
        raise Malformed(f"user service information: {len(value)} octets instead of at least 2", len(value))
    first = value[0]
    second = value[1]
    more = (0 if first & 0x80 else 1) | (0 if second & 0x80 else 2)
    return _tuple(
        UserServiceInformation,
        (first & 0x1F, first >> 5 & 0x03, second >> 5 & 0x03, second & 0x1F, value[2:], more),
    )


def encode_user_service(information: UserServiceInformation) -> bytes:
    """The inverse of `decode_user_service`."""
    first = (0 if information.more & 1 else 0x80) | (information.coding & 0x03) << 5 | information.capability & 0x1F
    second = (0 if information.more & 2 else 0x80) | (information.mode & 0x03) << 5 | information.rate & 0x1F
    return bytes((first, second)) + information.rest


class CarrierId(NamedTuple):
    """A carrier: transit network selection (Q.763 section 3.53; T1.113.3) or carrier identification."""

    digits: str
    """The carrier identification code: in ANSI three or four digits."""
    network_type: int = 2
    """Type of network identification: 0 ITU-T, 2 national."""
    plan: int = 2
    """Network identification plan; in ANSI: 1 a code of three digits, 2 of four."""
    circuit: int | None = None
    """ANSI's circuit code in a transit network selection (its octet 4, the high half); None without that octet."""
    spare: int = 0
    """Bits without a meaning: first octet's top bit 0x1000, half octet after the digits 0xF00, octet 4's low half."""


def decode_carrier(value: bytes, variant: Variant) -> CarrierId:
    """Transit network selection, or carrier identification.

    Raises:
        Malformed: ANSI: not three or four octets. ITU-T: empty, or an odd number of digits and none.
    """
    if variant is Variant.ANSI:
        return _decode_ansi_carrier(value)
    if not value:
        raise Malformed("the carrier is empty")
    digits = address_signals(value[1:])
    spare = 0
    if value[0] & 0x80:
        if not digits:
            raise Malformed("the carrier has an odd number of digits, and none")
        spare = int(digits[-1], 16) << 8
        digits = digits[:-1]
    return CarrierId(digits, value[0] >> 4 & 0x07, value[0] & 0x0F, None, spare)


def _decode_ansi_carrier(value: bytes) -> CarrierId:
    if len(value) not in (3, 4):
        raise Malformed(f"the carrier has {len(value)} octets instead of 3 or 4", min(len(value), 4))
    digits = address_signals(value[1:3])
    plan = value[0] & 0x0F
    spare = (value[0] & 0x80) << 5
    if plan == 1:
        spare |= int(digits[3], 16) << 8
        digits = digits[:3]
    circuit = None
    if len(value) == 4:
        circuit = value[3] >> 4
        spare |= value[3] & 0x0F
    return CarrierId(digits, value[0] >> 4 & 0x07, plan, circuit, spare)


def encode_carrier(carrier: CarrierId, variant: Variant) -> bytes:
    """The inverse of `decode_carrier`.

    Raises:
        ValueError: ANSI: the code has not three digits under plan 1, or not four under another.
    """
    first = (carrier.network_type & 0x07) << 4 | carrier.plan & 0x0F
    digits = packed(carrier.digits, carrier.spare >> 8 & 0x0F)
    if variant is not Variant.ANSI:
        return bytes((first | (0x80 if len(carrier.digits) & 1 else 0),)) + digits
    if len(carrier.digits) != (3 if carrier.plan == 1 else 4):
        raise ValueError(f"carrier {carrier.digits!r} does not fit network identification plan {carrier.plan}")
    value = bytes((first | carrier.spare >> 5 & 0x80,)) + digits
    if carrier.circuit is None:
        return value
    return value + bytes(((carrier.circuit & 0x0F) << 4 | carrier.spare & 0x0F,))


class GenericName(NamedTuple):
    """Generic name (T1.113.3)."""

    text: str
    """Up to 15 characters of IA5; an octet above 0x7F stands for itself."""
    presentation: int = 0
    """0: allowed, 1: restricted, 2: blocking toggle, 3: no indication."""
    kind: int = 1
    """1: calling name, 2: original called name, 3: redirecting name, 4: connected name."""
    unavailable: bool = False
    spare: int = 0


def decode_name(value: bytes) -> GenericName:
    """Raises `Malformed` where it is empty, or longer than 16 octets."""
    if not value:
        raise Malformed("the generic name is empty")
    if len(value) > LONGEST_NAME + 1:
        raise Malformed(
            f"the generic name has {len(value) - 1} characters, {LONGEST_NAME} are allowed", LONGEST_NAME + 1
        )
    first = value[0]
    return GenericName(value[1:].decode("latin-1"), first & 0x03, first >> 5, bool(first & 0x10), first & 0x0C)


def encode_name(name: GenericName) -> bytes:
    """The inverse. Raises ValueError on more than 15 characters, or one that is no octet."""
    if len(name.text) > LONGEST_NAME:
        raise ValueError(f"{name.text!r} is longer than {LONGEST_NAME} characters")
    first = name.presentation & 0x03 | name.spare & 0x0C | (0x10 if name.unavailable else 0) | (name.kind & 0x07) << 5
    return bytes((first,)) + name.text.encode("latin-1")


class GenericDigits(NamedTuple):
    """Generic digits (Q.763 section 3.24; T1.113.3)."""

    text: str
    """By scheme: 0 and 1 the digits, 2 IA5 characters, others the octets in hexadecimal."""
    kind: int = 0
    """Type of digits: 0 account code, 1 authorization code ..."""
    scheme: int = 0
    """0: an even number of digits, 1: an odd number, 2: IA5, 3: binary."""
    filler: int = 0
    """The half octet behind an odd number of digits."""


def decode_generic_digits(value: bytes) -> GenericDigits:
    """Raises `Malformed` where it is empty, or has an odd number of digits and none."""
    if not value:
        raise Malformed("the generic digits are empty")
    scheme = value[0] >> 5
    kind = value[0] & 0x1F
    if scheme == 2:
        return GenericDigits(value[1:].decode("latin-1"), kind, scheme)
    if scheme > 2:
        return GenericDigits(value[1:].hex(), kind, scheme)
    digits = address_signals(value[1:])
    if scheme == 0:
        return GenericDigits(digits, kind, scheme)
    if not digits:
        raise Malformed("the generic digits are an odd number, and none")
    return GenericDigits(digits[:-1], kind, scheme, int(digits[-1], 16))


def encode_generic_digits(digits: GenericDigits) -> bytes:
    """The inverse. Raises ValueError where text and scheme contradict each other."""
    first = bytes(((digits.scheme & 0x07) << 5 | digits.kind & 0x1F,))
    if digits.scheme == 2:
        return first + digits.text.encode("latin-1")
    if digits.scheme > 2:
        return first + bytes.fromhex(digits.text)
    if len(digits.text) & 1 != digits.scheme:
        raise ValueError(f"{digits.text!r} does not fit encoding scheme {digits.scheme}")
    return first + packed(digits.text, digits.filler)
