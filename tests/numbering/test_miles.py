"""V&H miles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.numbering.miles import vh_miles

_COORDINATE = st.integers(0, 10_000)


def test_saint_louis_to_kansas_city_is_238_miles() -> None:
    assert vh_miles(6807, 3482, 7027, 4203) == pytest.approx(238.378, abs=0.0005)


@given(_COORDINATE, _COORDINATE, _COORDINATE, _COORDINATE)
def test_a_distance_is_the_same_both_ways_and_none_to_oneself(v1: int, h1: int, v2: int, h2: int) -> None:
    assert vh_miles(v1, h1, v2, h2) == vh_miles(v2, h2, v1, h1) >= 0
    assert vh_miles(v1, h1, v1, h1) == 0
