"""The dashboard and the alerts say only what the gateway exports. `make interop` runs them in a real Prometheus."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from metrics_examples import Stand, metrics_of

from gateway.interconnection.trunk_groups import Mode
from gateway.policy.checks import REFUSES
from gateway.policy.verdict import Outcome, Verdict

GRAFANA = Path(__file__).parents[2] / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "tollgate-overview.json").read_text(encoding="utf-8"))
ALERTS = (GRAFANA / "alerts.yml").read_text(encoding="utf-8")
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]

METRIC = re.compile(r"\btollgate_\w+")
SELECTOR = re.compile(r"\b(tollgate_\w+)\{([^}]*)\}")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GRAFANA_VARIABLE = re.compile(r"\$(\w+)")
ALERT = re.compile(r"- alert: (\w+)")
VALUES_OF_OURS = re.compile(r'\b(check|verdict|mode|outcome)=~?"([^"]*)"')


def _exported() -> dict[str, set[str]]:
    """Label names of every series name that a scrape holds."""
    labels: dict[str, set[str]] = {}
    for family in metrics_of(Stand()).collect():
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


EXPORTED = _exported()


def _by_title(panel: dict[str, Any]) -> str:
    return str(panel["title"])


@pytest.mark.parametrize("text", [*EXPRESSIONS, pytest.param(ALERTS, id="alerts.yml")])
def test_every_metric_named_is_exported_with_the_labels_asked_for(text: str) -> None:
    assert {name for name in METRIC.findall(text) if name not in EXPORTED} == set()
    for name, matchers in SELECTOR.findall(text):
        assert set(MATCHER.findall(matchers)) <= EXPORTED[name] | {"job", "instance"}, name


@pytest.mark.parametrize("panel", PANELS, ids=_by_title)
def test_every_panel_has_a_title_a_description_a_unit_and_a_query(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert all(target["expr"] for target in panel["targets"])
    assert panel["targets"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_every_variable_in_a_query_is_one_of_the_dashboard_or_of_grafana() -> None:
    used = {name for expression in EXPRESSIONS for name in GRAFANA_VARIABLE.findall(expression)}
    own = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert used <= own | {"__rate_interval", "__range"}
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            metric = METRIC.search(variable["query"]["query"])
            assert metric is not None
            assert variable["name"] in EXPORTED[metric[0]]


def test_panels_have_a_number_of_their_own_and_do_not_overlap() -> None:
    drawn = DASHBOARD["panels"]
    assert len({panel["id"] for panel in drawn}) == len(drawn)
    for one, other in itertools.combinations([panel["gridPos"] for panel in drawn], 2):
        apart_across = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_down = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_across or apart_down
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in drawn)


def test_the_dashboard_is_what_its_panels_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(GRAFANA))
    import build_dashboard

    assert build_dashboard.dashboard() == DASHBOARD, "run: python grafana/build_dashboard.py"


def test_the_monitor_panel_shows_every_violation_and_nothing_else() -> None:
    panel = next(panel for panel in PANELS if panel["title"] == "Violations found in monitor mode")
    matched = re.search(r'verdict=~"([^"]*)"', panel["targets"][0]["expr"])
    assert matched is not None
    assert set(matched[1].split("|")) == {verdict.value for verdict in Verdict if verdict.violation}


@pytest.mark.parametrize("text", [*EXPRESSIONS, pytest.param(ALERTS, id="alerts.yml")])
def test_every_check_verdict_mode_and_outcome_asked_for_is_one_that_there_is(text: str) -> None:
    there_is = {
        "check": set(REFUSES),
        "verdict": {verdict.value for verdict in Verdict},
        "mode": {mode.value for mode in Mode},
        "outcome": {outcome.value for outcome in Outcome},
    }
    for label, values in VALUES_OF_OURS.findall(text):
        assert set(values.split("|")) <= there_is[label]


def test_every_alert_says_what_happened_and_what_to_do_and_is_proved() -> None:
    tested = (GRAFANA / "alerts_test.yml").read_text(encoding="utf-8")
    names = ALERT.findall(ALERTS)
    assert len(names) == len(set(names)) > 0
    for name, rule in zip(names, ALERT.split(ALERTS)[2::2], strict=True):
        assert re.search(r'summary: ".+"', rule), name
        assert re.search(r'action: ".+"', rule), name
        assert re.search(r"severity: (critical|warning)", rule), name
        assert re.search(rf"alertname: {name}\n\s+exp_alerts:\n\s+- exp_labels", tested), f"{name}: never seen to fire"


def test_prometheus_loads_the_alerts_and_scrapes_the_lab() -> None:
    configuration = (GRAFANA / "prometheus.yml").read_text(encoding="utf-8")
    assert "- alerts.yml" in configuration
    assert 'targets: ["127.0.0.1:9464"]' in configuration
