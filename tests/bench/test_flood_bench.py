"""The flood bench as a whole, in small: real processes, real floods, the results in the form that is promised.

What it measures is no matter here, for that is the machine's as much as the gateway's.
"""

from __future__ import annotations

import json
import shutil
import sys
from itertools import product
from pathlib import Path

import pytest

from bench.flood.__main__ import main

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not any(map(shutil.which, ("cc", "gcc", "clang"))),
    reason="wants Linux and a C compiler",
)

ROW = {"flood", "source", "spoofed", "innocent_success", "p99_ratio", "emergency_success", "socket_drops"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written by a run of four small floods."""
    path = tmp_path_factory.mktemp("flood") / "results-flood.json"
    few = ["--capacity", "40", "--floods", "1", "--seconds", "0.5", "--quick", "--contestants", "tollgate"]
    assert main([*few, "--output", str(path)]) == 0
    return path


def test_every_flood_that_was_asked_for_has_a_row(results: Path) -> None:
    rows = json.loads(results.read_text(encoding="utf-8"))
    assert [(row["flood"], row["source"], row["spoofed"]) for row in rows] == list(
        product([1], [1, 1000], [False, True])
    )


def test_a_row_has_the_promised_figures_and_no_others(results: Path) -> None:
    for row in json.loads(results.read_text(encoding="utf-8")):
        assert row.keys() == ROW
        assert 0 <= row["innocent_success"] <= 1
        assert 0 <= row["emergency_success"] <= 1
        assert row["p99_ratio"] > 0
        assert row["socket_drops"] >= 0


def test_the_details_say_what_was_really_sent_and_what_came_of_it(results: Path) -> None:
    details = json.loads(results.with_name("results-flood-details.json").read_text(encoding="utf-8"))
    for flood in details["contestants"]["tollgate"]["floods"]:
        report = flood["sender"]
        assert 0 < report["sent"] <= flood["wanted_per_s"] * report["elapsed_s"] + 1
        assert 0 < report["emergencies_completed"] <= report["emergencies"]
        assert report["connected"] == report["statuses"].get("200", 0) > 0
        assert flood["innocent"]["wrong"] == 0
