"""What must hold of the ISUP codec for any octets at all; the first octet says how the others are to be read."""

from __future__ import annotations

from gateway.codecs.ss7.variant import Variant
from tests.codecs.ss7.isup.reading import read_all


def isup(data: bytes) -> None:
    """Raises, with AssertionError or whatever the codec let through, where something does not hold."""
    how = data[0] if data else 0
    read_all(data[1:], Variant.ANSI if how & 1 else Variant.ITU, has_cic=not how & 2)
