"""MTP level 3: point codes, and the transfer of a user part's message between two of them (Q.701 section 8, T1.111)."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.variant import Variant


class ServiceIndicator(IntEnum):
    """The user part that a message is for (Q.704 section 14.2.1)."""

    MANAGEMENT = 0
    TESTING = 1
    SPECIAL_TESTING = 2  # ANSI
    SCCP = 3
    TUP = 4
    ISUP = 5


class Mtp3Transfer(NamedTuple):
    """A message as MTP carries it for a user part (MTP-TRANSFER, Q.701 section 8.2). Point codes are plain integers."""

    opc: int
    """Originating point code."""
    dpc: int
    """Destination point code."""
    si: int
    """Service indicator; of ISUP 5."""
    ni: int
    """Network indicator: 0 and 1 international, 2 and 3 national."""
    mp: int
    """Message priority, 0 to 3 (T1.111.4; with ITU the spare bits of the service information octet)."""
    sls: int
    """Signalling link selection: 8 bits in ANSI, 4 in ITU."""
    data: bytes
    """The user part's message; of ISUP from the CIC on."""


_DECIMAL: Final = re.compile(r"[0-9]{1,8}", re.ASCII)
_PARTS: Final = re.compile(r"([0-9]{1,3})-([0-9]{1,3})-([0-9]{1,3})", re.ASCII)


def label_length(variant: Variant) -> int:
    """Octets from the service information octet up to the user part's message: 8 with ANSI, 5 with ITU."""
    return 8 if variant is Variant.ANSI else 5


def decode_mtp3(data: bytes, variant: Variant, start: int = 0, end: int | None = None) -> Mtp3Transfer:
    """The message signal unit that stands in `data` from its service information octet at `start`, to `end`.

    What is for the user part begins `label_length` behind `start`. Layout of the service information octet: Q.704
    section 14.2; of the routing label: Q.704 section 2.2, T1.111.4 section 2.2. Raises Malformed where the octets end
    within the routing label, with the offset in `data`.
    """
    end = len(data) if end is None else min(end, len(data))
    payload = start + label_length(variant)
    if start < 0 or payload > end:
        raise Malformed("the message ends within its MTP3 routing label", max(0, min(end, payload)))
    if variant is Variant.ANSI:
        dpc = int.from_bytes(data[start + 1 : start + 4], "little")
        opc = int.from_bytes(data[start + 4 : start + 7], "little")
        sls = data[start + 7]
    else:
        label = int.from_bytes(data[start + 1 : payload], "little")
        dpc, opc, sls = label & 0x3FFF, label >> 14 & 0x3FFF, label >> 28
    octet = data[start]
    return Mtp3Transfer(opc, dpc, octet & 0x0F, octet >> 6, octet >> 4 & 3, sls, data[payload:end])


def encode_mtp3(transfer: Mtp3Transfer, variant: Variant) -> bytes:
    """Service information octet, routing label and the user part's message.

    Raises ValueError for a point code, or another field of the label, that is too large for the variant.
    """
    opc, dpc, si, ni, mp, sls, data = transfer
    if not (0 <= si < 16 and 0 <= ni < 4 and 0 <= mp < 4):
        raise ValueError(f"no service information octet holds service {si}, network {ni}, priority {mp}")
    octet = bytes((ni << 6 | mp << 4 | si,))
    if variant is Variant.ANSI:
        if not (0 <= opc < 1 << 24 and 0 <= dpc < 1 << 24 and 0 <= sls < 256):
            raise ValueError(f"no ANSI routing label holds {opc} to {dpc}, link selection {sls}")
        return octet + dpc.to_bytes(3, "little") + opc.to_bytes(3, "little") + bytes((sls,)) + data
    if not (0 <= opc < 1 << 14 and 0 <= dpc < 1 << 14 and 0 <= sls < 16):
        raise ValueError(f"no ITU routing label holds {opc} to {dpc}, link selection {sls}")
    return octet + (dpc | opc << 14 | sls << 28).to_bytes(4, "little") + data


def point_code_text(value: int, variant: Variant) -> str:
    """A point code as people write it: ANSI ``246-14-7`` (network, cluster, member), ITU ``2-100-4`` (3, 8, 3 bits).

    A value that is too large for the variant is written as a plain number.
    """
    if variant is Variant.ANSI and 0 <= value < 1 << 24:
        return f"{value >> 16}-{value >> 8 & 0xFF}-{value & 0xFF}"
    if variant is Variant.ITU and 0 <= value < 1 << 14:
        return f"{value >> 11}-{value >> 3 & 0xFF}-{value & 7}"
    return str(value)


def parse_point_code(text: str, variant: Variant) -> int | None:
    """The point code that is written so, in the three parts of `point_code_text` or as a plain number; None if none."""
    if _DECIMAL.fullmatch(text):
        value = int(text)
        return value if value < (1 << 24 if variant is Variant.ANSI else 1 << 14) else None
    found = _PARTS.fullmatch(text)
    if found is None:
        return None
    high, middle, low = (int(part) for part in found.groups())
    if variant is Variant.ANSI:
        return high << 16 | middle << 8 | low if max(high, middle, low) < 256 else None
    return high << 11 | middle << 3 | low if high < 8 and middle < 256 and low < 8 else None
