"""The timers of ISUP (Q.764 annex A; T1.113.4 annex A), and how long each runs."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.codecs.ss7.variant import Variant


class Timer(StrEnum):
    """What each timer waits for."""

    T1 = "T1"  # RLC; REL is sent again
    T2 = "T2"  # RES of the user
    T5 = "T5"  # RLC, in all; the circuit is reset
    T6 = "T6"  # RES of the network
    T7 = "T7"  # ACM
    T8 = "T8"  # COT
    T9 = "T9"  # ANM
    T10 = "T10"  # more digits
    T12 = "T12"  # BLA; BLO is sent again
    T13 = "T13"  # BLA, in all; maintenance is told, BLO is sent ever so often
    T14 = "T14"  # UBA, as T12
    T15 = "T15"  # UBA, as T13
    T16 = "T16"  # RLC after RSC, as T12
    T17 = "T17"  # RLC after RSC, as T13
    T18 = "T18"  # CGBA, as T12
    T19 = "T19"  # CGBA, as T13
    T20 = "T20"  # CGUA, as T12
    T21 = "T21"  # CGUA, as T13
    T22 = "T22"  # GRA, as T12
    T23 = "T23"  # GRA, as T13
    T27 = "T27"  # CCR after a failed continuity check
    T28 = "T28"  # CQR
    T29 = "T29"  # congestion: what is said of it meanwhile is not counted
    T30 = "T30"  # congestion: a step of traffic is restored
    T36 = "T36"  # COT or REL after CCR


_ITU_S: Final = {
    Timer.T1: 15.0,
    Timer.T2: 180.0,
    Timer.T5: 300.0,
    Timer.T6: 90.0,
    Timer.T7: 20.0,
    Timer.T8: 10.0,
    Timer.T9: 180.0,
    Timer.T10: 5.0,
    Timer.T12: 15.0,
    Timer.T13: 300.0,
    Timer.T14: 15.0,
    Timer.T15: 300.0,
    Timer.T16: 15.0,
    Timer.T17: 300.0,
    Timer.T18: 15.0,
    Timer.T19: 300.0,
    Timer.T20: 15.0,
    Timer.T21: 300.0,
    Timer.T22: 15.0,
    Timer.T23: 300.0,
    Timer.T27: 240.0,
    Timer.T28: 10.0,
    Timer.T29: 0.5,
    Timer.T30: 5.0,
    Timer.T36: 10.0,
}
_ANSI_LONG: Final = (Timer.T5, Timer.T13, Timer.T15, Timer.T17, Timer.T19, Timer.T21, Timer.T23)
"""Those that take five minutes at the least elsewhere, and one in T1.113."""

Durations = Mapping[Timer, int]
"""Microseconds of each timer."""

ITU: Final[Durations] = MappingProxyType({timer: int(s * 1e6) for timer, s in _ITU_S.items()})
ANSI: Final[Durations] = MappingProxyType({**ITU, **dict.fromkeys(_ANSI_LONG, 60_000_000)})


def durations_of(variant: Variant) -> Durations:
    """The durations that a variant recommends; where it gives a range, the shortest of it."""
    return ANSI if variant is Variant.ANSI else ITU
