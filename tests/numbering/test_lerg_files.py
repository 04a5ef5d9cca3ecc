"""Reading the tables: what is good loads, what is not is named by file, line and column."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.numbering import csv_rows
from gateway.numbering.csv_rows import RowFault
from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_fields import effective_date
from gateway.numbering.lerg_files import TABLES, LergUnreadable, load_guide
from gateway.numbering.lerg_rows import RowStatus, SwitchFunction
from gateway.operations import lerg_folder
from gateway.operations.lerg_folder import read_lerg_folder

_LERG6 = "lata,status,eff_date_mmddyy,npa,nxx,block_id,ssc,ocn,loc_state,rc_abbre,switch,sha_indicator"
_GOOD = "520,,010199,636,327,A,,XH01,MO,WENTZVILLE,WNVLMOXADS0,00"
_NOW_US = 1_767_225_600_000_000


def _tables(**changed: list[str]) -> dict[str, list[str]]:
    tables = {
        "lerg1": ["ocn,ocn_name,ocn_state,category,overall_ocn", "XH01,CENTURYTEL OF MISSOURI,MO,ILEC,XH01"],
        "lerg6": [_LERG6, _GOOD],
        "lerg7": [
            "switch,ocn,v,h,f_end_office,f_host,f_remote,f_local_tandem,f_intralata_tandem",
            "WNVLMOXADS0,XH01,6819,3601,X,,,,",
            "WRTNMOXA01T,XH01,,,,,,X,X",
        ],
        "lerg7sha": [
            "switch,sha_indicator,t_local_tdm,t_intralata_tdm,host",
            "WNVLMOXADS0,00,WRTNMOXA01T,WRTNMOXA01T,",
        ],
        "lerg8": ["rc_state,rc_abbre,rc_full_name,major_v,major_h", "MO,WENTZVILLE,Wentzville,6819,3601"],
        "lerg12": ["lrn,switch,ocn", "6363270000,WNVLMOXADS0,XH01"],
    }
    return tables | changed


def _load(**changed: list[str]) -> tuple[LergGuide, tuple[RowFault, ...]]:
    return load_guide(_tables(**changed), "test")


def test_a_good_guide_loads_whole() -> None:
    guide, faults = _load()
    assert faults == ()
    code = guide.code_of("6363270100", _NOW_US)
    assert code is not None
    assert (code.npa_nxx, code.block, code.ocn, code.switch, code.sha) == ("636327", "A", "XH01", "WNVLMOXADS0", "00")
    assert (code.rate_centre, code.state, code.lata, code.ssc) == ("WENTZVILLE", "MO", "520", "")
    assert (code.effective, code.status) == (date(1999, 1, 1), RowStatus.IN_EFFECT)
    switch, area = guide.switch("WNVLMOXADS0"), guide.footprint_of("WRTNMOXA01T")
    assert switch is not None
    assert switch.functions == {SwitchFunction.END_OFFICE}
    assert area is not None
    assert area.covers(code)
    assert guide.location_routing("6363270000") is not None


def test_columns_may_stand_in_any_order_beside_others() -> None:
    guide, faults = _load(
        lerg6=["\ufeffswitch, NPA ,remark,nxx,block_id,ocn,eff_date_mmddyy", 'WNVLMOXADS0,636,"a, b",327,A,XH01,', ""]
    )
    assert faults == ()
    assert len(guide) == 1


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("520,,010199,136,327,A,,XH01,MO,WENTZVILLE,WNVLMOXADS0,00", "npa", "'136' is not an NPA"),
        ("520,,010199,636,32,A,,XH01,MO,WENTZVILLE,WNVLMOXADS0,00", "nxx", "'32' is not an NXX"),
        ("520,,010199,636,327,B,,XH01,MO,WENTZVILLE,WNVLMOXADS0,00", "block_id", "'B' is not a block"),
        ("520,,010199,636,327,A,,xh01,MO,WENTZVILLE,WNVLMOXADS0,00", "ocn", "'xh01' is not an OCN"),
        ("520,,010199,636,327,A,,XH01,MO,WENTZVILLE,WNVLMO,00", "switch", "'WNVLMO' is not a CLLI"),
        ("520,,010199,636,327,A,,XH01,MO,WENTZVILLE WEST,WNVLMOXADS0,00", "rc_abbre", "is not an abbreviated rate"),
        ("520,,310199,636,327,A,,XH01,MO,WENTZVILLE,WNVLMOXADS0,00", "eff_date_mmddyy", "'310199' is not a date"),
        ("520,,022923,636,327,A,,XH01,MO,WENTZVILLE,WNVLMOXADS0,00", "eff_date_mmddyy", "'022923' is not a date"),
        ("520,Q,010199,636,327,A,,XH01,MO,WENTZVILLE,WNVLMOXADS0,00", "status", "'Q' is not a status"),
        ("520,,010199,636,327,A,,XH01,MO,WENTZVILLE,WNVLMOXADS0,0", "sha_indicator", "homing arrangement"),
        ("five,,010199,636,327,A,,XH01,MO,WENTZVILLE,WNVLMOXADS0,00", "lata", "'five' is not"),
        ("520,,010199,636,٣٢٧,A,,XH01,MO,WENTZVILLE,WNVLMOXADS0,00", "nxx", "is not an NXX"),
        ("520,,010199,636,327,A,,XH01,MO,WENTZVILLE,WNVLMOXADS0", "", "11 fields where the header has 12"),
        ('520,,010199,636,327,A,,XH01,MO,"WENTZVILLE,WNVLMOXADS0,00', "", "not comma-separated text"),
        ("5" * 5_000, "", "longer than 4096 characters"),
        (_GOOD.replace("327", "332"), "", "the same entry as line 2"),
    ],
)
def test_a_faulty_row_is_named_and_the_rest_still_loads(row: str, column: str, reason: str) -> None:
    first = _GOOD.replace("327", "332")
    last = _GOOD.replace("327", "639")
    guide, faults = _load(lerg6=[_LERG6, first, row, last])
    assert len(guide) == 2
    (fault,) = faults
    assert (fault.file, fault.line, fault.column) == ("lerg6.csv", 3, column)
    assert reason in fault.reason
    assert str(fault).startswith("lerg6.csv, line 3" + (f", column {column}: " if column else ": "))


@pytest.mark.parametrize(
    ("table", "row", "column"),
    [
        ("lerg1", f"XC01,{'S' * 51},MO,CLEC,XC01", "ocn_name"),
        ("lerg1", "XC01,SOCKET\x00TELECOM,MO,CLEC,XC01", "ocn_name"),
        ("lerg7", "TROYMOXADS0,XH01,sixty,3637,X,,,,", "v"),
        ("lerg7", "TROYMOXADS0,XH01,6797,3637,maybe,,,,", "f_end_office"),
        ("lerg7sha", "TROYMOXADS0,00,WARRENTON,,", "t_local_tdm"),
        ("lerg8", "Missouri,TROY,Troy,6797,3637", "rc_state"),
        ("lerg12", "1363270000,WNVLMOXADS0,XH01", "lrn"),
    ],
)
def test_every_table_names_its_faulty_rows(table: str, row: str, column: str) -> None:
    _, faults = load_guide(_tables(**{table: [*_tables()[table], row]}), "test")
    assert [(fault.file, fault.column) for fault in faults] == [(f"{table}.csv", column)]


def test_a_deleted_row_of_an_undated_table_is_left_out_without_a_fault() -> None:
    guide, faults = _load(lerg12=["status,lrn,switch,ocn", "D,6363270000,WNVLMOXADS0,XH01"])
    assert faults == ()
    assert guide.location_routing("6363270000") is None


@pytest.mark.parametrize("missing", TABLES)
def test_a_missing_table_is_an_error_that_names_it(missing: str) -> None:
    tables = _tables()
    del tables[missing]
    with pytest.raises(LergUnreadable, match=rf"^{missing}\.csv: this table is missing; a guide needs lerg1\.csv"):
        load_guide(tables, "test")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "there is no header row"),
        ([""], "there is no header row"),
        (["npa,nxx"], "the header lacks the columns eff_date_mmddyy, block_id, ocn, switch"),
        ([_LERG6 + ",npa"], "the header names a column twice: npa"),
        (['"npa'], "the header cannot be read"),
    ],
)
def test_a_table_without_its_header_is_an_error(lines: list[str], reason: str) -> None:
    with pytest.raises(LergUnreadable, match=r"lerg6\.csv, line 1: ") as caught:
        _load(lerg6=lines)
    assert reason in str(caught.value)


def test_a_file_with_too_many_rows_or_faults_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"520,,010199,636,{nxx},A,,XH01,MO,WENTZVILLE,WNVLMOXADS0,00" for nxx in range(200, 206)]
    monkeypatch.setattr(csv_rows, "MAX_ROWS", 5)
    with pytest.raises(LergUnreadable, match=r"lerg6\.csv, line 7: more than 5 rows"):
        _load(lerg6=[_LERG6, *rows])
    monkeypatch.setattr(csv_rows, "MAX_FAULTS", 2)
    with pytest.raises(LergUnreadable, match=r"lerg6\.csv, line 4: over 2 faulty rows"):
        _load(lerg6=[_LERG6, "x", "x", "x"])


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("", None),
        ("000000", None),
        ("070124", date(2024, 7, 1)),
        ("101705", date(2005, 10, 17)),
        ("123169", date(2069, 12, 31)),
        ("010170", date(1970, 1, 1)),
        ("2024-07-01", date(2024, 7, 1)),
    ],
)
def test_dates_are_read_as_lerg_writes_them_or_with_four_digit_years(text: str, day: date | None) -> None:
    assert effective_date(text) == day


@given(st.sampled_from(TABLES), st.lists(st.text(max_size=80), max_size=5))
def test_any_text_gives_a_guide_or_a_typed_error(table: str, lines: list[str]) -> None:
    with suppress(LergUnreadable):
        load_guide(_tables(**{table: lines}), "test")


@given(st.sampled_from(TABLES), st.lists(st.text(max_size=80), max_size=5))
def test_any_text_under_a_good_header_loads_or_is_a_fault(table: str, lines: list[str]) -> None:
    good = _tables()[table]
    guide, faults = load_guide(_tables(**{table: [*good, *lines]}), "test")
    assert guide.code_of("6363270100", _NOW_US) is not None
    assert all(fault.file == f"{table}.csv" and fault.line > len(good) for fault in faults)


def _write(folder: Path, tables: dict[str, list[str]], end: str = "\n") -> None:
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_bytes((end.join(lines) + end).encode())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_folder_of_tables_is_read(tmp_path: Path, end: str) -> None:
    _write(tmp_path, _tables(), end)
    guide, faults = read_lerg_folder(tmp_path)
    assert (len(guide), faults, guide.edition) == (1, (), tmp_path.name)
    assert guide.code_of("6363270100", _NOW_US) is not None
    assert read_lerg_folder(tmp_path, "2026-01")[0].edition == "2026-01"


def test_a_folder_that_cannot_be_read_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(LergUnreadable, match="nowhere: not a folder"):
        read_lerg_folder(tmp_path / "nowhere")
    _write(tmp_path, _tables())
    (tmp_path / "lerg8.csv").unlink()
    with pytest.raises(LergUnreadable, match=r"lerg8\.csv: the file cannot be opened: No such file"):
        read_lerg_folder(tmp_path)
    (tmp_path / "lerg8.csv").mkdir()
    with pytest.raises(LergUnreadable, match=r"lerg8\.csv: not a file"):
        read_lerg_folder(tmp_path)
    (tmp_path / "lerg8.csv").rmdir()
    (tmp_path / "lerg8.csv").write_bytes(b"")
    with pytest.raises(LergUnreadable, match=rf"{tmp_path.name}/lerg8\.csv, line 1: there is no header row"):
        read_lerg_folder(tmp_path)


def test_bytes_that_are_not_utf_8_spoil_their_own_row_only(tmp_path: Path) -> None:
    _write(tmp_path, _tables())
    (tmp_path / "lerg1.csv").write_bytes(b"ocn,ocn_name\nXH01,MONTR\xc9AL\nXC01,SOCKET TELECOM\n")
    guide, faults = read_lerg_folder(tmp_path)
    assert [(fault.file, fault.line, fault.column) for fault in faults] == [("lerg1.csv", 2, "ocn_name")]
    assert str(faults[0]).isprintable()
    assert guide.carrier_name("XC01") == "SOCKET TELECOM"


def test_a_file_over_the_limit_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, _tables())
    monkeypatch.setattr(lerg_folder, "MAX_FILE_BYTES", 10)
    with pytest.raises(LergUnreadable, match=r"lerg1\.csv: larger than 0 MiB"):
        read_lerg_folder(tmp_path)
