"""What the documents name is there: paths of the repository, checks, targets of make, commands."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli import app
from gateway.policy.check import Check
from gateway.policy.checks import REFUSES, all_checks
from gateway.policy.engine import NO_ROOM_FINDING, NO_ROUTE_FINDING
from gateway.policy.refusals import REFUSALS

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "docs/clauses.md")
MADE_BY_RUNNING = ("var/", ".venv/", "bench/results.json")
"""Paths that exist only once something was run; the documents may name them."""

_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[A-Za-z0-9_.{},/-]+")
_BRACES = re.compile(r"\{([^{}]+)\}")
_NUMBERS = re.compile(r"(?<= )\d+(?= \|| $)")
_COMMAND = re.compile(r"(?:`|^|\$ )tollgate ([a-z][a-z-]*)", re.MULTILINE)
_TARGET = re.compile(r"(?:`|^)make ([a-z]+)", re.MULTILINE)
_CHECK_ROW = re.compile(r"^\| `(\w+)` \|(.+)\|$", re.MULTILINE)


def expanded(path: str) -> list[str]:
    """``a/{b,c}.py`` as ``a/b.py`` and ``a/c.py``."""
    pieces = _BRACES.split(path)
    choices = [piece.split(",") if place % 2 else [piece] for place, piece in enumerate(pieces)]
    return ["".join(chosen) for chosen in itertools.product(*choices)]


def paths_in(document: str) -> Iterator[str]:
    """Every path that a document names in backticks: what starts with a name of the top folder or looks like a file."""
    tops = {entry.name for entry in ROOT.iterdir()}
    for code in _CODE.findall((ROOT / document).read_text(encoding="utf-8")):
        named = code.split("/")[0] in tops or ("/" in code and code.endswith((".py", ".md", ".toml", ".yml")))
        if named and _PATH.fullmatch(code):
            yield from expanded(code)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document: str) -> None:
    named = set(paths_in(document))
    missing = {path for path in named if not path.startswith(MADE_BY_RUNNING) and not (ROOT / path).exists()}
    assert named
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_a_clause_or_a_section_rests_on_holds_tests(document: str) -> None:
    files = [ROOT / path for path in paths_in(document) if Path(path).name.startswith("test_")]
    assert all("def test_" in path.read_text(encoding="utf-8") for path in files)


def check_rows() -> dict[str, str]:
    """The rows of the README's table of checks, by the check's name."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## What is checked")[1].split("\n## ")[0]
    return dict(_CHECK_ROW.findall(section))


def test_the_table_of_checks_names_the_engines_checks_in_their_order() -> None:
    assert list(check_rows()) == [
        *(check.name for check in all_checks()),
        NO_ROUTE_FINDING.check,
        NO_ROOM_FINDING.check,
    ]


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name)
def test_the_table_of_checks_says_each_checks_clauses_and_verdicts(check: Check) -> None:
    row = check_rows()[check.name]
    clauses, verdicts = REFUSES.get(check.name, ((check.clause,), ()))
    assert all(clause in row for clause in clauses)
    assert all(verdict.value in row for verdict in verdicts)


def test_the_table_of_checks_has_the_status_and_cause_of_every_refusal() -> None:
    said = {tuple(int(cell) for cell in _NUMBERS.findall(row)) for row in check_rows().values()}
    refusals = {(refusal.status, refusal.cause) for refusal in REFUSALS.values() if refusal.status != 500}
    assert said - {()} == refusals


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_a_document_names_is_one(document: str) -> None:
    commands = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    named = set(_COMMAND.findall((ROOT / document).read_text(encoding="utf-8")))
    assert named <= commands


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_that_a_document_names_is_one(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(_TARGET.findall((ROOT / document).read_text(encoding="utf-8")))
    assert named <= targets


def test_the_architecture_has_a_row_for_every_room() -> None:
    rooms = {f"gateway/{folder.parent.name}" for folder in (ROOT / "gateway").glob("*/__init__.py")}
    assert rooms <= set(
        re.findall(r"^\| `(gateway/\w+)` \|", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.MULTILINE)
    )
