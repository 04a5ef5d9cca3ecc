"""Spellings of one number are equal; text that is no number is None."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.numbering.telephone_number import Nature, is_valid_nanp, parse_number


@pytest.mark.parametrize(
    "text",
    [
        "+13142061100",
        "13142061100",
        "3142061100",
        "314-206-1100",
        "(314) 206.1100",
        "+1-314-206-1100",
        "+1 314 206 1100",
    ],
)
def test_every_spelling_of_a_nanp_number_has_the_same_digits(text: str) -> None:
    number = parse_number(text)
    assert number is not None
    assert number.digits == "3142061100"
    assert number.is_nanp
    assert str(number) == "+13142061100"


@pytest.mark.parametrize(
    ("text", "digits", "nature"),
    [
        ("911", "911", Nature.SERVICE),
        ("411", "411", Nature.SERVICE),
        ("+442079460000", "442079460000", Nature.INTERNATIONAL),
        ("442079460000", "442079460000", Nature.UNKNOWN),
        ("5551234", "5551234", Nature.UNKNOWN),
        ("1142061100", "1142061100", Nature.NATIONAL),
        ("+1314206110", "1314206110", Nature.INTERNATIONAL),
    ],
)
def test_other_digits_keep_their_digits_and_are_no_nanp_number(text: str, digits: str, nature: Nature) -> None:
    number = parse_number(text)
    assert number is not None
    assert (number.digits, number.nature, number.is_nanp) == (digits, nature, False)


@pytest.mark.parametrize(
    "text", ["", "+", "alice", "anonymous", "314x2061100", "++13142061100", "٣١٤٢٠٦١١٠٠", "1" * 33]
)
def test_text_that_is_no_number_is_none(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize("digits", ["1142061100", "3141061100", "9112061100", "3149111100", "0142061100", "314206110"])
def test_digits_that_break_the_plan_are_not_valid(digits: str) -> None:
    assert not is_valid_nanp(digits)


@given(st.text(max_size=40))
def test_no_text_raises(text: str) -> None:
    parse_number(text)
