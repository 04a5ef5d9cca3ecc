"""The table of ported numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.numbering.portability import PortabilityUnreadable, PortedNumbers, load_ported_numbers
from gateway.operations.lerg_folder import read_ported_numbers

_ROW = "6363274001,5732140000"
_JULY_2024_US = 1_719_792_000_000_000
_JULY_2025_US = 1_751_328_000_000_000


def test_a_ported_number_has_its_lrn_and_any_other_has_none() -> None:
    ported, faults = load_ported_numbers(["number,lrn", "6363274001,5732140000"])
    assert faults == ()
    assert ported.lrn_of("6363274001") == "5732140000"
    assert ported.lrn_of("6363274002") is None
    assert "6363274001" in ported
    assert "6363274002" not in ported
    assert len(ported) == 1
    assert PortedNumbers().lrn_of("6363274001") is None


def test_a_porting_counts_from_its_date() -> None:
    ported, faults = load_ported_numbers(
        ["number,lrn,eff_date", "6363274001,3142060000,2025-07-01", "6363274001,5732140000,070124"]
    )
    assert faults == ()
    assert len(ported) == 1
    assert ported.lrn_of("6363274001", _JULY_2024_US - 1) is None
    assert ported.lrn_of("6363274001", _JULY_2024_US) == "5732140000"
    assert ported.lrn_of("6363274001", _JULY_2025_US) == "3142060000"
    assert ported.lrn_of("6363274001") == "3142060000"


def test_an_undated_porting_has_always_counted() -> None:
    for ported in (PortedNumbers({"6363274001": "5732140000"}), load_ported_numbers(["number,lrn", _ROW])[0]):
        assert ported.lrn_of("6363274001", 0) == "5732140000"


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("636327400,5732140000", "number", "'636327400' is not a NANP number of ten digits"),
        ("6363274002,+15732140000", "lrn", "'+15732140000' is not a NANP number of ten digits"),
        ("6363274002", "", "1 fields where the header has 2"),
        ("6363274001,3142060000", "number", "6363274001 stands on line 2 already"),
    ],
)
def test_a_faulty_row_is_named_and_the_rest_still_loads(row: str, column: str, reason: str) -> None:
    ported, faults = load_ported_numbers(["number,lrn", "6363274001,5732140000", row, "6363274003,5732140000"])
    assert len(ported) == 2
    assert ported.lrn_of("6363274001") == "5732140000"
    (fault,) = faults
    assert (fault.file, fault.line, fault.column) == ("ported.csv", 3, column)
    assert reason in fault.reason


def test_a_table_without_its_header_is_an_error() -> None:
    with pytest.raises(PortabilityUnreadable, match=r"ported\.csv, line 1: the header lacks the columns lrn"):
        load_ported_numbers(["number,to"])


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text_under_the_header_loads_or_is_a_fault(lines: list[str]) -> None:
    load_ported_numbers(["number,lrn", *lines])


def test_the_table_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "ported.csv"
    with pytest.raises(PortabilityUnreadable, match=r"ported\.csv: the file cannot be opened"):
        read_ported_numbers(file)
    file.write_bytes(b"number,lrn\r\n6363274001,5732140000\r\nx,y\r\n")
    ported, faults = read_ported_numbers(file)
    assert ported.lrn_of("6363274001") == "5732140000"
    assert [(fault.file, fault.line) for fault in faults] == [(str(file), 3)]
    file.write_bytes(b"number,lrn\n\xff,5732140000\n")
    assert [fault.column for fault in read_ported_numbers(file)[1]] == ["number"]
