"""The values of a Privacy header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.privacy import MAX_VALUES, privacy_values


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        (b"id", {"id"}),
        (b"ID;Critical", {"id", "critical"}),
        (b" header ; user;id ", {"header", "user", "id"}),
        (b"id, user", {"id", "user"}),
        (b"", set()),
        (b";;", set()),
        (b"none", {"none"}),
    ],
)
def test_values_are_read_in_any_spelling(raw: bytes, values: set[str]) -> None:
    assert privacy_values(raw) == values


@given(st.binary(max_size=2000))
def test_arbitrary_bytes_never_raise_and_give_few_values(raw: bytes) -> None:
    assert len(privacy_values(raw)) <= MAX_VALUES
