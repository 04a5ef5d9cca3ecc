from __future__ import annotations

from pathlib import Path

import pytest

from gateway.policy.checks import REFUSES
from sim.scenario import FOLDER, ScenarioFault, load, load_all

SOUND = """\
[expect]
outcome = "ADMIT"
check = "calling_number"
verdict = "PASS"
clause = "L7"
status = 200

[[step]]
do = "call"
from = "pawpaw"
calling = "+13142061100"
called = "+16363270100"
judged = true
"""


def written(folder: Path, text: str, name: str = "a-call-passes.toml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_the_name_of_a_scenario_is_its_files_sentence(tmp_path: Path) -> None:
    scenario = load(written(tmp_path, SOUND, "an-honest-call-from-CLEC-passes.toml"))
    assert scenario.name == "An honest call from CLEC passes"
    assert scenario.expect.text == "ADMIT"


def test_a_title_gives_a_sentence_its_hyphens_and_nothing_else(tmp_path: Path) -> None:
    name = "a-cut-over-is-one-command.toml"
    scenario = load(written(tmp_path, 'title = "A cut-over is one command"\n' + SOUND, name))
    assert scenario.name == "A cut-over is one command"
    assert scenario.slug == "a-cut-over-is-one-command"
    with pytest.raises(ScenarioFault, match="title: it may differ from the file's name"):
        load(written(tmp_path, 'title = "A cut-over is two commands"\n' + SOUND, name))


def test_a_call_that_must_not_be_decided_is_shown_as_such(tmp_path: Path) -> None:
    text = SOUND.replace('"ADMIT"', '"NONE"').replace("status = 200", 'about = "RFC 3261 12.2.2"\nstatus = 481')
    expect = load(written(tmp_path, text)).expect
    assert (expect.text, expect.shown_clause) == ("not decided, 481", "RFC 3261 12.2.2")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('calling = "', 'caling = "', "a-call-passes.toml:11: step[0].caling: no such key here; remove it"),
        ("status = 200", "status = 99", "a-call-passes.toml:6: expect.status: "),
        ('"ADMIT"', '"LET_IN"', "a-call-passes.toml:2: expect.outcome: "),
        ('"pawpaw"', '"papaw"', "a-call-passes.toml:10: step[0].from: 'papaw' is not one of the cast; use one of: paw"),
        ("judged = true", 'over = "RB-XYZ"', "step[0].over: 'RB-XYZ' is not a trunk group of the partner's switch"),
        ('do = "call"', 'do = "whistle"', "a-call-passes.toml:8: step[0]: "),
        ("judged = true\n", "", "exactly one call or flood has `judged = true`, not 0"),
        ('check = "calling_number"\n', "", "expect: an outcome of ADMIT needs `check` and `verdict`"),
        ("[expect]", "[expect", "a-call-passes.toml: not TOML: "),
        ('called = "+16363270100"\n', "", "step[0].called: Field required"),
    ],
)
def test_a_fault_names_file_line_and_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert SOUND.count(old) == 1
    with pytest.raises(ScenarioFault) as raised:
        load(written(tmp_path, SOUND.replace(old, new)))
    assert said in str(raised.value)


def test_every_fault_of_a_file_is_said_at_once(tmp_path: Path) -> None:
    text = SOUND.replace("status = 200", "status = 99").replace('"pawpaw"', '"papaw"')
    with pytest.raises(ScenarioFault) as raised:
        load(written(tmp_path, text))
    assert len(str(raised.value).splitlines()) == 2


def test_a_file_that_is_not_there_or_too_long_is_said(tmp_path: Path) -> None:
    with pytest.raises(ScenarioFault, match=r"none-here\.toml: No such file"):
        load(tmp_path / "none-here.toml")
    with pytest.raises(ScenarioFault, match="longer than 65536 bytes"):
        load(written(tmp_path, "#" * 70_000))
    with pytest.raises(ScenarioFault, match="no scenarios"):
        load_all(tmp_path / "empty")


def test_the_catalogue_has_a_scenario_for_every_check_that_can_refuse_a_call() -> None:
    scenarios = load_all()
    refused = {scenario.expect.check for scenario in scenarios if scenario.expect.outcome == "REFUSE"}
    assert set(REFUSES) <= refused
    assert {"ADMIT", "DIVERT", "NONE"} <= {scenario.expect.outcome for scenario in scenarios}


def test_every_scenario_says_in_a_comment_what_it_is_about() -> None:
    assert [file.name for file in FOLDER.glob("*.toml") if not file.read_text().startswith("# ")] == []
