"""What the documents name is there: paths of the repository, checks, targets of make, commands; and what is there to be
set, counted and alerted has its row.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.cli import app
from gateway.operations import configuration_schema as schema
from gateway.operations.configuration_denial_of_service import DenialOfServiceSection, NoticesSection
from gateway.operations.configuration_detectors import DetectorsSection
from gateway.operations.configuration_refusals import NetworkBlockedTable, RefusalsSection
from gateway.policy.check import Check
from gateway.policy.checks import REFUSES, all_checks
from gateway.policy.engine import NO_ROOM_FINDING, NO_ROUTE_FINDING
from gateway.policy.refusals import REFUSALS

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "docs/clauses.md",
    "docs/configuration.md",
    "docs/denial-of-service.md",
    "docs/operations.md",
)
MADE_BY_RUNNING = ("var/", ".venv/", "bench/results.json", "bench/results-flood.json")
"""Paths that exist only once something was run; the documents may name them."""

_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[A-Za-z0-9_.{},/-]+")
_BRACES = re.compile(r"\{([^{}]+)\}")
_NUMBERS = re.compile(r"(?<= )\d+(?= \|| $)")
_COMMAND = re.compile(r"(?:`|^|\$ )tollgate ([a-z][a-z-]*)", re.MULTILINE)
_TARGET = re.compile(r"(?:`|^)make ([a-z-]+)", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#:\s]+)\)")
_METRIC = re.compile(r"\"(tollgate_[a-z_]+)\"")
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
    assert all(re.search(r"def test_|\.TestCase\b", path.read_text(encoding="utf-8")) for path in files)


@pytest.mark.parametrize("document", [*DOCUMENTS, "CHANGELOG.md", "bench/README.md"])
def test_every_link_of_a_document_leads_to_a_file(document: str) -> None:
    linked = _LINK.findall((ROOT / document).read_text(encoding="utf-8"))
    assert not [link for link in linked if not (ROOT / document).parent.joinpath(link).exists()]


SECTIONS: dict[str, type[BaseModel]] = {
    "## `[gateway]`": schema.GatewaySection,
    "## `[operations]`": schema.OperationsSection,
    "## `[limits]`": schema.LimitsSection,
    "## `[connections]`": schema.ConnectionsSection,
    "## `[tls]`": schema.TlsSection,
    "## `[dns]`": schema.DnsSection,
    "## `[media]`": schema.MediaSection,
    "## `[records]`": schema.RecordsSection,
    "## `[numbering]`": schema.NumberingSection,
    "## `[agreement]`": schema.AgreementSection,
    "## `[denial_of_service]`": DenialOfServiceSection,
    "## `[notices]`": NoticesSection,
    "## `[refusals]`": RefusalsSection,
    "### `network_blocked`": NetworkBlockedTable,
    "## `[[carriers]]`": schema.CarrierTable,
    "### `limit`": schema.LimitTable,
    "## `[[links]]`": schema.LinkTable,
    "## `[[trunk_groups]]`": schema.TrunkGroupTable,
    "### `members` as tables": schema.MemberTable,
    "### `circuits`": schema.CircuitsTable,
}
"""Headings of the reference, and what each is of."""


def default_of(setting: FieldInfo) -> str:
    """A setting's default as the reference writes it."""
    default = setting.default
    if setting.is_required():
        return "–"
    if default is None:
        return "*none*"
    if isinstance(default, int | float) and not isinstance(default, bool):
        return str(default)
    if isinstance(default, tuple):
        return f"`{default[0]}:{default[1]}`"
    if isinstance(default, BaseModel):
        default = default.model_dump()
    written = default.value if isinstance(default, Enum) else default
    return f"`{json.dumps(written) if isinstance(written, bool | list | dict) else written}`"


def test_the_reference_has_every_detector_with_its_thresholds() -> None:
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    told: dict[str, dict[str, str]] = {}
    for section in re.split(r"\n###? ", text):
        rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, re.MULTILINE))
        told |= dict.fromkeys(re.findall(r"`\[(detectors\b[a-z._]*)\]`", section.partition("\n")[0]), rows)
    single = {key: field for key, field in DetectorsSection.model_fields.items() if key not in TABLES}
    expected = {"detectors": single} | {f"detectors.{name}": table.model_fields for name, table in TABLES.items()}
    assert {name: {key: _whole(value) for key, value in rows.items()} for name, rows in told.items()} == {
        name: {key: _whole(default_of(field)) for key, field in fields.items()} for name, fields in expected.items()
    }


def _whole(number: str) -> str:
    """10.0 as 10: what is compiled has floats where it is written with a whole number."""
    return number.removesuffix(".0")


TABLES: dict[str, type[BaseModel]] = {
    name: field.annotation
    for name, field in DetectorsSection.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
}


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_reference_has_every_setting_with_its_default(heading: str) -> None:
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    section = re.split(r"\n##", text.split(f"\n{heading}\n")[1])[0]
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, re.MULTILINE))
    assert told == {key: default_of(setting) for key, setting in SECTIONS[heading].model_fields.items()}


def test_the_reference_has_every_section() -> None:
    headed = {heading.strip("# `[]") for heading in SECTIONS if heading.startswith("## ")}
    assert headed | {"detectors"} == set(schema.Document.model_fields)


def test_every_metric_and_every_alert_is_explained() -> None:
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    sources = [
        (ROOT / "gateway/operations" / name).read_text(encoding="utf-8")
        for name in ("metrics.py", "readings.py", "ss7_readings.py", "dns_readings.py", "denial_of_service_readings.py")
    ]
    alerts = re.findall(r"alert: (\w+)", (ROOT / "grafana/alerts.yml").read_text(encoding="utf-8"))
    assert not [name for name in (*_METRIC.findall("".join(sources)), *alerts) if f"`{name}" not in text]


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
    commands |= {group.name or "" for group in app.registered_groups}
    named = set(_COMMAND.findall((ROOT / document).read_text(encoding="utf-8")))
    assert named <= commands


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_that_a_document_names_is_one(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(_TARGET.findall((ROOT / document).read_text(encoding="utf-8")))
    assert named <= targets


def test_the_architecture_has_a_row_for_every_room() -> None:
    rooms = {f"gateway/{folder.parent.name}" for folder in (ROOT / "gateway").glob("*/__init__.py")}
    assert rooms <= set(
        re.findall(r"^\| `(gateway/\w+)` \|", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.MULTILINE)
    )
