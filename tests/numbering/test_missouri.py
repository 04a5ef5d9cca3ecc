"""The synthetic Missouri guide holds together and has what the lab's cast needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gateway.numbering.csv_rows import TableUnreadable
from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_rows import CodeAssignment, SwitchFunction
from gateway.numbering.portability import PortedNumbers
from gateway.numbering.telephone_number import is_valid_nanp
from gateway.operations.lerg_folder import read_lerg_folder, read_ported_numbers
from sim import build_missouri
from sim.missouri import cast, folder
from sim.missouri.cities import read_codes
from sim.missouri.readme import EXAMPLES_AT_US

_BEFORE_2024_US = 1_704_067_200_000_000 - 1
_TABLES = ("lerg1.csv", "lerg6.csv", "lerg7.csv", "lerg7sha.csv", "lerg8.csv", "lerg12.csv", "ported.csv", "README.md")


@cache
def _guide() -> LergGuide:
    guide, faults = read_lerg_folder(folder())
    assert faults == ()
    return guide


@cache
def _ported() -> PortedNumbers:
    ported, faults = read_ported_numbers(folder() / "ported.csv")
    assert faults == ()
    return ported


def _code(number: str, at_us: int = EXAMPLES_AT_US) -> CodeAssignment:
    code = _guide().code_of(number, at_us)
    assert code is not None, number
    return code


def _covers(switch: str, number: str) -> bool:
    footprint = _guide().footprint_of(switch)
    assert footprint is not None
    return footprint.covers(_code(number))


def test_the_guide_has_at_least_five_thousand_rows_and_stays_small() -> None:
    assert len(_guide()) >= 5_000
    assert sum((folder() / name).stat().st_size for name in _TABLES) < 1_000_000


def test_everything_that_a_row_names_is_there() -> None:
    guide = _guide()
    for code in guide.codes():
        assert guide.carrier(code.ocn), code
        switch = guide.switch(code.switch)
        assert switch, code
        assert switch.serves_lines, code
        assert guide.homing(code.switch, code.sha), code
        centre = guide.rate_centre(code.state, code.rate_centre)
        assert centre, code
        assert centre.lata == code.lata
        assert is_valid_nanp(f"{code.npa_nxx}0100")
        assert code.effective is not None
    for row in guide.switches():
        assert guide.carrier(row.ocn), row
        assert row.v
        assert row.h
        for sha in ("00", "01"):
            homing = guide.homing(row.clli, sha)
            for named in (homing.host, homing.local_tandem, homing.intralata_tandem) if homing else ():
                assert not named or guide.switch(named), homing


def test_a_remote_has_a_host_and_a_host_has_a_remote() -> None:
    for switch in _guide().switches():
        homing, area = _guide().homing(switch.clli, "00"), _guide().footprint_of(switch.clli)
        assert bool(homing and homing.host) is (SwitchFunction.REMOTE in switch.functions), switch
        assert area is not None
        assert bool(area.remotes) is (SwitchFunction.HOST in switch.functions), switch


def test_every_lrn_is_in_a_code_of_its_own_switch_and_holder() -> None:
    lrns = list(_guide().location_routing_numbers())
    for row in lrns:
        code = _code(row.lrn)
        assert (code.switch, code.ocn, code.rate_centre, code.lata) == (row.switch, row.ocn, row.rate_centre, row.lata)
    with_lrn = {row.switch for row in lrns}
    for switch in _guide().switches():
        if switch.functions & {SwitchFunction.END_OFFICE}:
            assert switch.clli in with_lrn, switch


def test_every_code_of_the_cast_is_in_the_guide_as_it_stands_there() -> None:
    rows = {(c.npa_nxx, c.block, c.ocn, c.switch, c.sha, c.status) for c in _guide().codes()}
    for code in cast.CODES:
        assert (code.npa_nxx, code.block, code.carrier.ocn, code.switch, code.sha, code.status) in rows, code


@pytest.mark.parametrize(
    ("number", "ocn", "switch"),
    [
        ("6363270100", "XH01", cast.WENTZVILLE),
        ("6366390100", "XH01", cast.WENTZVILLE),
        ("6366398100", "XC03", cast.METRO_CLEC_SWITCH),
        ("5736570100", "XH01", cast.ASHLAND),
        ("3142061100", "XV01", cast.PARTNER_SWITCH),
        ("3142206100", "XV01", cast.METRO_CLEC_SWITCH),
        ("3142063100", "XV02", cast.PARTNER_SWITCH),
        ("3142065100", "XV03", cast.PARTNER_SWITCH),
        ("3142060100", "XP01", cast.PARTNER_SWITCH),
        ("6364970100", "XC01", cast.SOCKET_SWITCH),
    ],
)
def test_the_cast_holds_its_numbers(number: str, ocn: str, switch: str) -> None:
    assert (_code(number).ocn, _code(number).switch) == (ocn, switch)


def test_codes_change_hands_on_their_dates() -> None:
    guide = _guide()
    assert guide.code_of("6366980100", _BEFORE_2024_US) is None
    assert _code("6366980100").switch == cast.WENTZVILLE
    assert _code("6368870100", _BEFORE_2024_US).switch == cast.WENTZVILLE
    assert guide.code_of("6368870100", _BEFORE_2024_US + 1) is None
    assert _code("6368410100").ocn == "XC03"
    assert _code("6368410100", 2_540_000_000_000_000).ocn == "XH01"


@pytest.mark.parametrize(
    ("switch", "inside", "outside"),
    [
        (cast.WENTZVILLE, ["6363270100", "6363320100"], ["6366398100", "6364970100", "6362900100", "4172130100"]),
        (cast.COLUMBIA, ["5732560100", "5736570100", "5736960100"], ["5732140100", "5732685100", "6363270100"]),
        (cast.ASHLAND, ["5736570100"], ["5732560100", "5736960100"]),
        (cast.WARRENTON_TANDEM, ["6363270100", "6362900100", "6363840100"], ["6364620100", "5732560100", "4172130100"]),
        (cast.SAINT_LOUIS_TANDEM, ["3142040100", "6364620100", "3142061100", "6363840100"], ["6362900100"]),
    ],
)
def test_each_switch_of_the_cast_has_calls_inside_and_outside_of_its_area(
    switch: str, inside: list[str], outside: list[str]
) -> None:
    assert {number: _covers(switch, number) for number in inside} == dict.fromkeys(inside, True)
    assert {number: _covers(switch, number) for number in outside} == dict.fromkeys(outside, False)


@pytest.mark.parametrize(
    ("number", "switch", "by_dialled_code", "by_lrn"),
    [
        ("6363274001", cast.WENTZVILLE, True, False),
        ("6363324101", cast.WENTZVILLE, True, False),
        ("6364972001", cast.WENTZVILLE, False, True),
        ("6366398001", cast.WENTZVILLE, False, True),
        ("5732564001", cast.COLUMBIA, True, False),
        ("5732142001", cast.COLUMBIA, False, True),
    ],
)
def test_a_ported_number_is_judged_otherwise_by_its_lrn_than_by_its_dialled_code(
    number: str, switch: str, by_dialled_code: bool, by_lrn: bool
) -> None:
    lrn = _ported().lrn_of(number)
    assert lrn is not None
    assert (_covers(switch, number), _covers(switch, lrn)) == (by_dialled_code, by_lrn)


@pytest.mark.parametrize(
    ("number", "provider"), [("6366395001", "XV01"), ("3142045001", "XV01"), ("3142045002", "XV02")]
)
def test_a_number_ported_to_a_provider_has_its_lrn_on_the_partners_switch(number: str, provider: str) -> None:
    lrn = _ported().lrn_of(number)
    routing = _guide().location_routing(lrn) if lrn is not None else None
    assert routing is not None
    assert (routing.ocn, routing.switch) == (provider, cast.PARTNER_SWITCH)
    assert _code(number).ocn != provider


def _source() -> Iterator[str]:
    """A source that says of each code what the guide says: its rate centre, and where that is."""
    yield "npa,nxx,city,latitude,longitude,v,h"
    for npa_nxx in sorted({code.npa_nxx for code in _guide().codes()}):
        code = next(iter(_by_code()[npa_nxx]))
        centre = _guide().rate_centre(code.state, code.rate_centre)
        assert centre is not None
        yield f"{npa_nxx[:3]},{npa_nxx[3:]},{centre.name},0,0,{centre.v},{centre.h}"


@cache
def _by_code() -> dict[str, list[CodeAssignment]]:
    rows: dict[str, list[CodeAssignment]] = {}
    for code in _guide().codes():
        rows.setdefault(code.npa_nxx, []).append(code)
    return rows


@pytest.mark.parametrize("name", _TABLES)
def test_building_again_gives_the_committed_files(name: str) -> None:
    assert _built()[name] == (folder() / name).read_text(encoding="utf-8")


@cache
def _built() -> dict[str, str]:
    return build_missouri.build(_source())


def test_of_several_cities_the_nearest_is_the_rate_centre_and_bad_positions_are_left_out() -> None:
    codes = read_codes(
        [
            "npa,nxx,city,latitude,longitude,v,h",
            "314,200,Saint Louis,0,0,6807,3482",
            "636,327,Saint Louis,0,0,6821,3601",
            "636,327,Wentzville,0,0,6821,3601",
            "636,332,Wentzville,0,0,6819,3601",
            "314,299,Saint Louis,0,0,-2313,-13905",
            "314,341,Rolla,0,0,6815,3514",
            "573,201,Rolla,0,0,7056,3662",
            "573,202,Rolla,0,0,7056,3662",
        ]
    )
    assert {npa_nxx: code.city for npa_nxx, code in codes.items()} == {
        "314200": "Saint Louis",
        "636327": "Wentzville",
        "636332": "Wentzville",
        "573201": "Rolla",
        "573202": "Rolla",
    }


def test_a_source_with_a_faulty_row_or_without_the_casts_codes_is_refused() -> None:
    with pytest.raises(TableUnreadable, match=r"^source, line 2: npa: '14' is not an NPA"):
        build_missouri.build(["npa,nxx,city,v,h", "14,200,Saint Louis,6807,3482"])
    with pytest.raises(TableUnreadable, match=r"^source: the cast needs what this source lacks: Kansas City, "):
        build_missouri.build(["npa,nxx,city,v,h", "314,200,Saint Louis,6807,3482"])


def test_the_generator_writes_into_the_folder_it_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "source.csv"
    source.write_text("\n".join(_source()) + "\n", encoding="utf-8")
    assert build_missouri.main([str(source), str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {*_TABLES, "source.csv"}
    assert "lerg6.csv" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], r"usage: python -m sim\.build_missouri SOURCE \[FOLDER\]"),
        (["nowhere.csv"], r"nowhere\.csv: No such file or directory"),
        ([__file__], r"test_missouri\.py, line 1: the header lacks the columns npa, nxx, city, v, h"),
    ],
)
def test_the_generator_says_what_is_wrong_with_its_source(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build_missouri.main(arguments) == 2
    assert re.search(message, capsys.readouterr().err)
