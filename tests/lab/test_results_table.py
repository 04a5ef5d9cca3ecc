"""The table of a run, at the widths that people have."""

from __future__ import annotations

import pytest

from sim.act import Result
from sim.results_table import table
from sim.scenario import load_all

SCENARIOS = load_all()
AGREEING = [Result(one, one.expect.text, one.expect.shown_clause) for one in SCENARIOS]
DIFFERING = [Result(one, "not decided, 481", "", ("step 1 (call): expected otherwise",)) for one in SCENARIOS]


def words(text: str) -> list[str]:
    return text.split()


@pytest.mark.parametrize("results", [AGREEING, DIFFERING, [*AGREEING[:-1], DIFFERING[-1]]])
@pytest.mark.parametrize("columns", [60, 80, 99, 100, 120, 140, 200])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(results: list[Result], columns: int) -> None:
    lines = table(results, columns)
    assert max(len(line.text) for line in lines) <= columns
    said = sorted("".join(line.text for line in lines).replace(" ", "").replace("-", ""))
    texts: list[tuple[str, ...]] = [("expected", "got", "clause", "scenario")]
    texts += [("ok" if r.agrees else "DIFFERS", r.expected, r.got, r.clause, r.name, *r.why) for r in results]
    wanted = "".join("".join(row) for row in texts).replace(" ", "").replace("-", "")
    assert said == sorted(wanted)


@pytest.mark.parametrize("columns", [60, 80, 99])
def test_on_a_narrow_terminal_the_sentence_has_a_line_of_its_own(columns: int) -> None:
    lines = [line.text.strip() for line in table(AGREEING, columns)]
    whole = [one.name for one in SCENARIOS if len(one.name) <= columns - 4]
    assert len(whole) > 45
    assert set(whole) <= set(lines)


@pytest.mark.parametrize("columns", [150, None])
def test_with_room_a_scenario_is_one_line(columns: int | None) -> None:
    lines = table(AGREEING, columns)
    assert len(lines) == len(SCENARIOS) + 2
    assert words(lines[0].text) == ["expected", "got", "clause", "scenario"]
    for line, result in zip(lines[2:], AGREEING, strict=True):
        assert line.text.startswith("ok  ")
        assert line.text.endswith(f"  {result.name}")


def test_a_row_that_differs_is_marked_without_colour_too() -> None:
    lines = table([AGREEING[0], DIFFERING[1]], None)[2:4]
    assert [(line.text.split()[0], line.differs) for line in lines] == [("ok", False), ("DIFFERS", True)]


@pytest.mark.parametrize("columns", [60, 150, None])
def test_what_differs_stands_right_below_its_row(columns: int | None) -> None:
    lines = table([AGREEING[0], DIFFERING[1], AGREEING[2]], columns)
    at = next(number for number, line in enumerate(lines) if line.text.strip() == "step 1 (call): expected otherwise")
    assert lines[at].differs
    assert lines[at - 1].differs
    assert lines[at + 1].text.startswith("ok ")


def test_a_terminal_too_narrow_for_anything_still_gets_every_row() -> None:
    assert len(table(AGREEING, 10)) > len(SCENARIOS)
