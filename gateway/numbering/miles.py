"""Airline miles between two rate centres, from their V and H coordinates.

V and H are the coordinates of the telephone industry's own projection of North America, in units of the square root of
a tenth of a mile, so that a distance is one square root.
"""

from __future__ import annotations

from math import sqrt


def vh_miles(v1: int, h1: int, v2: int, h2: int) -> float:
    """Miles between (v1, h1) and (v2, h2), not rounded: sqrt((dV^2 + dH^2) / 10)."""
    return sqrt(((v1 - v2) ** 2 + (h1 - h2) ** 2) / 10)
