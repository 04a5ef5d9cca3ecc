"""Whose a number is: blocks, whole codes and dates of effect."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_rows import CarrierRow, CodeAssignment, LrnRow, RateCentreRow, RowStatus

_DAYS = st.dates(date(1980, 1, 1), date(2060, 12, 31))


def _us(day: date, seconds: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + seconds) * 1_000_000


NOW_US = _us(date(2026, 1, 1))


def _code(
    block: str = "A",
    ocn: str = "XH01",
    effective: date | None = None,
    status: RowStatus = RowStatus.IN_EFFECT,
    npa_nxx: str = "636327",
) -> CodeAssignment:
    return CodeAssignment(npa_nxx, block, ocn, "WNVLMOXADS0", effective=effective, status=status)


def _holder(guide: LergGuide, digits: str, at_us: int = NOW_US) -> str | None:
    code = guide.code_of(digits, at_us)
    return code.ocn if code is not None else None


def test_a_thousands_block_wins_over_the_whole_code() -> None:
    guide = LergGuide("test", codes=[_code(), _code("8", "XC03")])
    assert _holder(guide, "6363278000") == "XC03"
    assert _holder(guide, "6363278999") == "XC03"
    assert _holder(guide, "6363277999") == "XH01"
    assert _holder(guide, "6363279000") == "XH01"


def test_a_block_counts_without_its_whole_code() -> None:
    guide = LergGuide("test", codes=[_code("8")])
    assert _holder(guide, "6363278000") == "XH01"
    assert _holder(guide, "6363277000") is None


def test_a_row_counts_from_midnight_utc_of_its_date() -> None:
    day = date(2024, 7, 1)
    guide = LergGuide("test", codes=[_code(effective=day)])
    assert guide.code_of("6363270100", _us(day) - 1) is None
    assert guide.code_of("6363270100", _us(day)) is not None


def test_a_change_of_hands_keeps_the_earlier_holder_until_its_date() -> None:
    day = date(2024, 7, 1)
    rows = [_code(ocn="XC02", effective=day, status=RowStatus.MODIFIED), _code(ocn="XH01")]
    for codes in (rows, rows[::-1]):
        guide = LergGuide("test", codes=codes)
        assert _holder(guide, "6363270100", _us(day) - 1) == "XH01"
        assert _holder(guide, "6363270100", _us(day)) == "XC02"


def test_a_deletion_ends_the_assignment_on_its_date() -> None:
    day = date(2024, 1, 1)
    guide = LergGuide("test", codes=[_code(), _code(effective=day, status=RowStatus.DELETED)])
    assert _holder(guide, "6363270100", _us(day) - 1) == "XH01"
    assert _holder(guide, "6363270100", _us(day)) is None


def test_a_code_can_be_established_again_after_its_deletion() -> None:
    guide = LergGuide(
        "test",
        codes=[
            _code(),
            _code(effective=date(2020, 1, 1), status=RowStatus.DELETED),
            _code(ocn="XC02", effective=date(2022, 1, 1), status=RowStatus.ESTABLISHED),
        ],
    )
    assert _holder(guide, "6363270100", _us(date(2021, 6, 1))) is None
    assert _holder(guide, "6363270100", _us(date(2023, 6, 1))) == "XC02"


def test_a_deleted_block_falls_back_to_the_holder_of_the_whole_code() -> None:
    day = date(2024, 1, 1)
    guide = LergGuide(
        "test", codes=[_code(), _code("8", "XC03"), _code("8", "XC03", effective=day, status=RowStatus.DELETED)]
    )
    assert _holder(guide, "6363278000", _us(day) - 1) == "XC03"
    assert _holder(guide, "6363278000", _us(day)) == "XH01"


def test_of_two_rows_for_one_block_and_date_the_first_counts() -> None:
    guide = LergGuide("test", codes=[_code(ocn="XH01"), _code(ocn="XC02")])
    assert _holder(guide, "6363270100") == "XH01"


@pytest.mark.parametrize("digits", ["", "6363270", "636327", "63632701000", "+16363270100", "911", "alice"])
def test_what_is_not_ten_digits_has_no_code(digits: str) -> None:
    assert LergGuide("test", codes=[_code(), _code("0")]).code_of(digits, NOW_US) is None


@given(
    days=st.lists(st.tuples(_DAYS, st.sampled_from(RowStatus)), max_size=6, unique_by=lambda step: step[0]),
    asked=_DAYS,
    second=st.integers(0, 86_399),
)
def test_the_latest_row_not_after_the_call_decides(
    days: list[tuple[date, RowStatus]], asked: date, second: int
) -> None:
    codes = [_code(ocn=f"X{i:03}", effective=day, status=status) for i, (day, status) in enumerate(days)]
    guide = LergGuide("test", codes=codes)
    past = [code for code in codes if code.effective is not None and code.effective <= asked]
    latest = max(past, key=lambda code: code.effective or date.min, default=None)
    expected = None if latest is None or latest.status is RowStatus.DELETED else latest.ocn
    assert _holder(guide, "6363270100", _us(asked, second)) == expected


@given(blocks=st.sets(st.sampled_from("0123456789")), whole=st.booleans(), number=st.integers(0, 9_999))
def test_each_number_has_the_most_particular_holder_there_is(blocks: set[str], whole: bool, number: int) -> None:
    codes = [_code(block, f"XB0{block}") for block in sorted(blocks)] + ([_code()] if whole else [])
    digits = f"636327{number:04}"
    expected = f"XB0{digits[6]}" if digits[6] in blocks else "XH01" if whole else None
    assert _holder(LergGuide("test", codes=codes), digits) == expected


@given(st.integers(-(2**40), 2**40))
def test_an_undated_row_has_always_counted(days: int) -> None:
    guide = LergGuide("test", codes=[_code()])
    assert guide.code_of("6363270100", days * int(timedelta(days=1).total_seconds())) is not None


def test_the_other_tables_answer_by_their_keys() -> None:
    guide = LergGuide(
        "2026-01",
        carriers=[CarrierRow("XH01", "CENTURYTEL OF MISSOURI")],
        codes=[_code()],
        rate_centres=[RateCentreRow("MO", "ST LOUIS", "Saint Louis", 6807, 3482)],
        lrns=[LrnRow("6363270000", "WNVLMOXADS0", "XH01")],
    )
    assert (guide.edition, len(guide)) == ("2026-01", 1)
    assert guide.carrier_name("XH01") == "CENTURYTEL OF MISSOURI"
    assert guide.carrier_name("XH99") is None
    centre = guide.rate_centre("MO", "ST LOUIS")
    assert centre is not None
    assert (centre.v, centre.h) == (6807, 3482)
    routing = guide.location_routing("6363270000")
    assert routing is not None
    assert routing.switch == "WNVLMOXADS0"
    assert guide.location_routing("6363270001") is None
    assert guide.switch("WNVLMOXADS0") is None
    assert guide.homing("WNVLMOXADS0", "00") is None
