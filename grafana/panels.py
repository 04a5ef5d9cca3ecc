"""What a panel and a row of the dashboard are, and the words and colours that panels share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.policy.verdict import Verdict

Json = dict[str, Any]

VIOLATIONS = "|".join(verdict.value for verdict in Verdict if verdict.violation)
GROUP = 'trunk_group=~"$trunk_group"'
OCN = 'ocn=~"$ocn"'
CALLS = f"{GROUP},{OCN}"
RATE = "[$__rate_interval]"

DASHED: list[Json] = [
    {"id": "custom.lineStyle", "value": {"dash": [10, 10], "fill": "dash"}},
    {"id": "custom.fillOpacity", "value": 0},
]
OUTCOME_COLOURS = {"ADMIT": "green", "DIVERT": "yellow", "REFUSE": "red"}


@dataclass(frozen=True)
class Panel:
    """One panel. `queries` are pairs of a PromQL expression and the legend of its series."""

    title: str
    description: str
    unit: str
    queries: Sequence[tuple[str, str]]
    width: int = 8
    kind: str = "timeseries"
    defaults: Json = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    transformations: Sequence[Json] = ()
    stacked: bool = False


@dataclass(frozen=True)
class Row:
    title: str
    panels: Sequence[Panel]


def styled(names: str, properties: list[Json]) -> Json:
    """Properties for the series whose name matches a regular expression."""
    return {"matcher": {"id": "byRegexp", "options": f"/{names}/"}, "properties": properties}


def coloured(colours: dict[str, str]) -> list[Json]:
    return [
        styled(f"^{name}$", [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}])
        for name, colour in colours.items()
    ]


def steps(*steps: tuple[float | None, str]) -> Json:
    """Thresholds: from each value on, its colour; None is the base."""
    return {"thresholds": {"mode": "absolute", "steps": [{"value": at, "color": colour} for at, colour in steps]}}


def columns(*names: str, value: str) -> list[Json]:
    """Shows these labels and the value as a table's columns, in this order, and hides the rest."""
    hidden = ("Time", "__name__", "job")
    return [
        {
            "id": "organize",
            "options": {
                "excludeByName": dict.fromkeys(hidden, True),
                "indexByName": {name: place for place, name in enumerate((*names, "Value"))},
                "renameByName": {name: name.replace("_", " ") for name in names} | {"Value": value},
            },
        }
    ]


def up_or_down(up: str, down: str) -> Json:
    """Words and colours for the values 1 and 0."""
    options = {"0": {"text": down, "color": "red", "index": 0}, "1": {"text": up, "color": "green", "index": 1}}
    return {"mappings": [{"type": "value", "options": options}]}
