"""Which national or international edition of SS7 a network speaks."""

from __future__ import annotations

from enum import Enum


class Variant(Enum):
    """What decides the length of point codes and CICs, and the layout of ISUP messages."""

    ANSI = "ansi"  # T1.111 (MTP3: point codes of 24 bits), T1.113 (ISUP: CIC of 14 bits)
    ITU = "itu"  # Q.704 (MTP3: point codes of 14 bits), Q.763 (ISUP: CIC of 12 bits)
