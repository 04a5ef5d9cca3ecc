"""Writes dashboards/tollgate-overview.json: ``python grafana/build_dashboard.py``, with the gateway installed.

The panels are in `overview_panels.py`; here they are laid out and put in the words of Grafana 11's dashboard schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from overview_panels import ROWS
from panels import Json, Panel, Row

DASHBOARD = Path(__file__).parent / "dashboards" / "tollgate-overview.json"
DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
HEIGHT = 8

_OPTIONS: dict[str, Json] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "textMode": "value",
        "orientation": "auto",
    },
    "table": {"showHeader": True, "cellHeight": "sm"},
    "state-timeline": {
        "showValue": "auto",
        "mergeValues": True,
        "rowHeight": 0.8,
        "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    },
}


def _targets(panel: Panel) -> list[Json]:
    instant = panel.kind in ("stat", "table")
    return [
        {
            "refId": chr(ord("A") + place),
            "datasource": DATASOURCE,
            "expr": expression,
            "legendFormat": legend,
            "range": not instant,
            "instant": instant,
            "format": "table" if panel.kind == "table" else "time_series",
        }
        for place, (expression, legend) in enumerate(panel.queries)
    ]


def _custom(panel: Panel) -> Json:
    if panel.kind != "timeseries":
        return {}
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 25 if panel.stacked else 5,
        "showPoints": "never",
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
    }


def _panel_json(panel: Panel, number: int, x: int, y: int, height: int) -> Json:
    drawn: Json = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": height},
        "datasource": DATASOURCE,
        "targets": _targets(panel),
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "custom": _custom(panel)} | panel.defaults,
            "overrides": list(panel.overrides),
        },
        "options": _OPTIONS[panel.kind],
    }
    if panel.transformations:
        drawn["transformations"] = list(panel.transformations)
    return drawn


def _lay_out(rows: Iterable[Row]) -> list[Json]:
    """Places the panels of each row from left to right, with a row's title above, and numbers everything."""
    drawn: list[Json] = []
    y = 0
    for row in rows:
        drawn.append(
            {
                "id": len(drawn) + 1,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
                "panels": [],
            }
        )
        y += 1
        height = HEIGHT // 2 if all(panel.kind == "stat" for panel in row.panels) else HEIGHT
        x = 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + height
            drawn.append(_panel_json(panel, len(drawn) + 1, x, y, height))
            x += panel.width
        y += height
    return drawn


def _chosen_from(name: str, label: str, metric: str) -> Json:
    """A variable with every value of a metric's label; all of them are chosen at first."""
    query = f"label_values({metric}, {name})"
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": f"Variable-{name}"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def dashboard() -> Json:
    """The dashboard, as Grafana 11 imports and provisions it."""
    return {
        "uid": "tollgate-overview",
        "title": "Tollgate: overview",
        "description": "Calls, refusals and their clauses, providers against their limits, trunk groups, set-up time.",
        "tags": ["tollgate", "sip"],
        "schemaVersion": 41,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Data source",
                    "type": "datasource",
                    "query": "prometheus",
                    "refresh": 1,
                    "multi": False,
                    "includeAll": False,
                },
                _chosen_from("trunk_group", "Trunk group", "tollgate_trunk_group_info"),
                _chosen_from("ocn", "Provider OCN", "tollgate_calls_total"),
            ]
        },
        "annotations": {"list": []},
        "panels": _lay_out(ROWS),
    }


def main() -> None:
    DASHBOARD.write_text(json.dumps(dashboard(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
