"""The LERG area of a switch (L9): end office, host with remotes, remote, tandem."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_rows import CodeAssignment, HomingRow, SwitchFunction, SwitchRow

END_OFFICE, HOST, REMOTE_1, REMOTE_2 = "WNVLMOXADS0", "CLMAMOXADS0", "ASLDMOXARS0", "HLVLMOXARS0"
TANDEM, TROY, WRIGHT_CITY, ELSEWHERE, BOTH = "WRTNMOXA01T", "TROYMOXADS0", "WRCTMOKTDS0", "BRSNMOXADS0", "ROLLMOXADS0"


def _switch(clli: str, *functions: SwitchFunction) -> SwitchRow:
    return SwitchRow(clli, "XH01", frozenset(functions))


GUIDE = LergGuide(
    "test",
    switches=[
        _switch(END_OFFICE, SwitchFunction.END_OFFICE),
        _switch(HOST, SwitchFunction.END_OFFICE, SwitchFunction.HOST),
        _switch(REMOTE_1, SwitchFunction.REMOTE),
        _switch(REMOTE_2, SwitchFunction.REMOTE),
        _switch(TANDEM, SwitchFunction.LOCAL_TANDEM, SwitchFunction.INTRALATA_TANDEM),
        _switch(TROY, SwitchFunction.END_OFFICE),
        _switch(WRIGHT_CITY, SwitchFunction.END_OFFICE),
        _switch(ELSEWHERE, SwitchFunction.END_OFFICE),
        _switch(BOTH, SwitchFunction.END_OFFICE, SwitchFunction.LOCAL_TANDEM),
    ],
    homings=[
        HomingRow(END_OFFICE, "00", local_tandem=TANDEM, intralata_tandem=TANDEM),
        HomingRow(HOST, "00"),
        HomingRow(REMOTE_1, "00", host=HOST),
        HomingRow(REMOTE_2, "00", host=HOST),
        HomingRow(TROY, "00", local_tandem=TANDEM),
        HomingRow(TROY, "01", local_tandem="STLSMOMB01T"),
        HomingRow(WRIGHT_CITY, "00", local_tandem="STLSMOMB01T", intralata_tandem=TANDEM),
        HomingRow(ELSEWHERE, "00", local_tandem=BOTH),
    ],
)


@pytest.mark.parametrize(
    ("switch", "home", "sha", "covered"),
    [
        (END_OFFICE, END_OFFICE, "00", True),
        (END_OFFICE, TROY, "00", False),
        (HOST, HOST, "00", True),
        (HOST, REMOTE_1, "00", True),
        (HOST, REMOTE_2, "00", True),
        (HOST, END_OFFICE, "00", False),
        (REMOTE_1, REMOTE_1, "00", True),
        (REMOTE_1, HOST, "00", False),
        (REMOTE_1, REMOTE_2, "00", False),
        (TANDEM, END_OFFICE, "00", True),
        (TANDEM, TROY, "00", True),  # by its local tandem
        (TANDEM, TROY, "01", False),  # the same switch, another homing arrangement
        (TANDEM, WRIGHT_CITY, "00", True),  # by its intraLATA tandem
        (TANDEM, REMOTE_1, "00", False),
        (TANDEM, ELSEWHERE, "00", False),
        (TANDEM, TANDEM, "00", False),  # a tandem serves no lines
        (BOTH, BOTH, "00", True),
        (BOTH, ELSEWHERE, "00", True),
        (BOTH, END_OFFICE, "00", False),
        (END_OFFICE, "", "00", False),  # a code that LERG 6 homes on no switch
        (TANDEM, "", "00", False),
    ],
)
def test_a_switch_covers_its_own_area_and_no_more(switch: str, home: str, sha: str, covered: bool) -> None:
    footprint = GUIDE.footprint_of(switch)
    assert footprint is not None
    assert footprint.covers(CodeAssignment("636327", "A", "XH01", home, sha)) is covered


def test_a_switch_that_is_not_in_lerg_7_has_no_footprint() -> None:
    assert GUIDE.footprint_of("STLSMOMB01T") is None


@pytest.mark.parametrize(
    ("switch", "text"),
    [
        (END_OFFICE, "end office WNVLMOXADS0"),
        (HOST, "host CLMAMOXADS0 and its remotes ASLDMOXARS0, HLVLMOXARS0"),
        (REMOTE_1, "remote ASLDMOXARS0"),
        (TANDEM, "tandem WRTNMOXA01T and the switches that subtend it: TROYMOXADS0, WNVLMOXADS0, WRCTMOKTDS0"),
        (BOTH, "end office ROLLMOXADS0, and tandem ROLLMOXADS0 and the switch that subtends it: BRSNMOXADS0"),
    ],
)
def test_a_footprint_says_in_one_line_what_it_is(switch: str, text: str) -> None:
    footprint = GUIDE.footprint_of(switch)
    assert footprint is not None
    assert footprint.describe() == text


def test_a_long_description_counts_what_it_does_not_name() -> None:
    homings = [HomingRow(f"AAAAMOXA{i:03}", "00", local_tandem=TANDEM) for i in range(6)]
    guide = LergGuide("test", switches=[_switch(TANDEM, SwitchFunction.LOCAL_TANDEM)], homings=homings)
    footprint = guide.footprint_of(TANDEM)
    assert footprint is not None
    assert footprint.describe().endswith("AAAAMOXA003 and 2 more")


_CLLIS = st.sampled_from(["AAAAMOXADS0", "BBBBMOXADS0", "CCCCMOXADS0", "DDDDMOXADS0"])
_HOMINGS = st.builds(
    HomingRow,
    switch=_CLLIS,
    sha=st.sampled_from(["00", "01"]),
    host=_CLLIS | st.just(""),
    local_tandem=_CLLIS | st.just(""),
    intralata_tandem=_CLLIS | st.just(""),
)


@given(
    functions=st.dictionaries(_CLLIS, st.frozensets(st.sampled_from(SwitchFunction)), min_size=1),
    homings=st.lists(_HOMINGS, unique_by=lambda row: (row.switch, row.sha)),
    home=_CLLIS,
    sha=st.sampled_from(["00", "01"]),
)
def test_any_homing_is_read_as_the_definition_says(
    functions: dict[str, frozenset[SwitchFunction]], homings: list[HomingRow], home: str, sha: str
) -> None:
    guide = LergGuide("test", switches=[SwitchRow(c, "XH01", f) for c, f in functions.items()], homings=homings)
    lines = {SwitchFunction.END_OFFICE, SwitchFunction.HOST, SwitchFunction.REMOTE}
    homing = guide.homing(home, sha) or HomingRow(home, sha)
    for clli, of in functions.items():
        own = clli == home and bool(of & lines)
        remote = homing.host == clli and home != clli
        subtends = clli in (homing.local_tandem, homing.intralata_tandem)
        footprint = guide.footprint_of(clli)
        assert footprint is not None
        assert footprint.covers(CodeAssignment("636327", "A", "XH01", home, sha)) is (own or remote or subtends)
        assert "\n" not in footprint.describe()
