"""The panels of the overview: what is asked of Prometheus, and how it is shown. `build_dashboard.py` draws them.

Metric names and verdicts are the gateway's own (`gateway/operations/metrics.py`, `gateway/operations/readings.py`,
`gateway/policy/verdict.py`).
"""

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


def _styled(names: str, properties: list[Json]) -> Json:
    """Properties for the series whose name matches a regular expression."""
    return {"matcher": {"id": "byRegexp", "options": f"/{names}/"}, "properties": properties}


def _coloured(colours: dict[str, str]) -> list[Json]:
    return [
        _styled(f"^{name}$", [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}])
        for name, colour in colours.items()
    ]


def _steps(*steps: tuple[float | None, str]) -> Json:
    """Thresholds: from each value on, its colour; None is the base."""
    return {"thresholds": {"mode": "absolute", "steps": [{"value": at, "color": colour} for at, colour in steps]}}


def _columns(*names: str, value: str) -> list[Json]:
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


def _up_or_down(up: str, down: str) -> Json:
    """Words and colours for the values 1 and 0."""
    options = {"0": {"text": down, "color": "red", "index": 0}, "1": {"text": up, "color": "green", "index": 1}}
    return {"mappings": [{"type": "value", "options": options}]}


HEADLINE = Row(
    "Now",
    [
        Panel(
            "Gateways up",
            "Gateways that Prometheus reaches.",
            "short",
            [('sum(up{job="tollgate"})', "up")],
            width=4,
            kind="stat",
            defaults=_steps((None, "red"), (1, "green")),
        ),
        Panel(
            "Calls decided",
            "New calls a second, whatever was decided.",
            "cps",
            [(f"sum(rate(tollgate_calls_total{{{CALLS}}}{RATE}))", "calls")],
            width=4,
            kind="stat",
        ),
        Panel(
            "Share refused",
            "Of the calls decided, those refused.",
            "percentunit",
            [
                (
                    f'sum(rate(tollgate_calls_total{{{CALLS},outcome="REFUSE"}}{RATE}))'
                    f" / clamp_min(sum(rate(tollgate_calls_total{{{CALLS}}}{RATE})), 1e-9)",
                    "refused",
                )
            ],
            width=4,
            kind="stat",
            defaults=_steps((None, "green"), (0.05, "yellow"), (0.25, "red")) | {"min": 0, "max": 1},
        ),
        Panel(
            "Calls in progress",
            "Calls in progress that the trunk groups chosen carry, in either direction.",
            "short",
            [(f"sum(tollgate_trunk_group_calls_in_progress{{{GROUP}}})", "in progress")],
            width=4,
            kind="stat",
        ),
        Panel(
            "Emergency calls",
            "911 and other emergency calls on the trunk groups chosen, in the time shown (L10). None is ever refused.",
            "short",
            [(f"sum(increase(tollgate_emergency_calls_total{{{GROUP}}}[$__range]))", "emergency calls")],
            width=4,
            kind="stat",
            defaults=_steps((None, "green"), (1, "orange")) | {"decimals": 0},
        ),
        Panel(
            "LERG rows",
            "Rows of the LERG table that calls are judged by.",
            "short",
            [("min(tollgate_lerg_rows)", "rows")],
            width=4,
            kind="stat",
            defaults=_steps((None, "red"), (1, "green")),
        ),
    ],
)

CALLS_ROW = Row(
    "Calls and refusals",
    [
        Panel(
            "Calls by outcome",
            "Admitted; diverted to another trunk group than the default; refused.",
            "cps",
            [(f"sum by (outcome) (rate(tollgate_calls_total{{{CALLS}}}{RATE}))", "{{outcome}}")],
            overrides=_coloured(OUTCOME_COLOURS),
            stacked=True,
        ),
        Panel(
            "Refusals by reason",
            "The check that refused and its verdict.",
            "cps",
            [
                (
                    f"sum by (check, verdict) (rate(tollgate_refusals_total{{{CALLS}}}{RATE}))",
                    "{{check}} {{verdict}}",
                )
            ],
            stacked=True,
        ),
        Panel(
            "Refusals by clause",
            "The clause of the agreement, or the paragraph of 47 CFR, that the refused calls break.",
            "cps",
            [(f"sum by (clause) (rate(tollgate_refusals_total{{{CALLS}}}{RATE}))", "{{clause}}")],
            stacked=True,
        ),
        Panel(
            "Violations found in monitor mode",
            "What would have been refused, had its check been enforced: the ten most frequent reasons.",
            "cps",
            [
                (
                    "topk(10, sum by (check, verdict) "
                    f'(rate(tollgate_findings_total{{mode="monitor",verdict=~"{VIOLATIONS}"}}{RATE})))',
                    "{{check}} {{verdict}}",
                )
            ],
        ),
        Panel(
            "Emergency calls by trunk group",
            "The provider solves 911 on its own (L10): a call here is carried, and is somebody's mistake.",
            "short",
            [
                (
                    f"sum by (trunk_group) (increase(tollgate_emergency_calls_total{{{GROUP}}}{RATE}))",
                    "{{trunk_group}}",
                )
            ],
        ),
        Panel(
            "What ended the calls",
            "Ends a second: refused by the gateway, BYE of either side, CANCEL, failure of the called side, timeout.",
            "cps",
            [(f"sum by (ended_by) (rate(tollgate_calls_ended_total{{{GROUP}}}{RATE}))", "{{ended_by}}")],
        ),
    ],
)

PROVIDERS_ROW = Row(
    "Providers against their limits",
    [
        Panel(
            "Calls a second of each provider, and its limit",
            "Solid: calls offered by the OCN. Dashed: its sustained limit, above which its own calls are refused.",
            "cps",
            [
                (f"sum by (ocn) (rate(tollgate_calls_total{{{CALLS}}}{RATE}))", "{{ocn}}"),
                (f"max by (ocn) (tollgate_limit_calls_per_second{{{OCN}}})", "{{ocn}} limit"),
            ],
            width=12,
            overrides=[_styled("limit$", DASHED)],
        ),
        Panel(
            "Calls in progress of each provider, and its limit",
            "Solid: calls in progress of the OCN. Dashed: the most it may have.",
            "short",
            [
                (f"sum by (ocn) (tollgate_calls_in_progress{{{OCN}}})", "{{ocn}}"),
                (f"max by (ocn) (tollgate_limit_calls_in_progress{{{OCN}}})", "{{ocn}} limit"),
            ],
            width=12,
            overrides=[_styled("limit$", DASHED)],
        ),
    ],
)

TRUNKS_ROW = Row(
    "Trunk groups",
    [
        Panel(
            "Trunk groups and their state",
            "Who is at the far end, which switch the group serves, for which provider it is kept (L8), and its calls. "
            "'nobody' is a dedicated group that no provider was cut over to.",
            "short",
            [
                (
                    f"tollgate_trunk_group_calls_in_progress{{{GROUP}}} * on (job, instance, trunk_group) "
                    "group_left (side, carrier, switch, dedicated_to) tollgate_trunk_group_info",
                    "{{trunk_group}}",
                )
            ],
            width=12,
            kind="table",
            transformations=_columns(
                "trunk_group",
                "side",
                "carrier",
                "switch",
                "dedicated_to",
                "instance",
                value="calls in progress",
            ),
        ),
        Panel(
            "Providers cut over",
            "When each provider was on the shared trunk groups, and when on a dedicated one only (L8).",
            "short",
            [(f"max by (ocn, trunk_group) (tollgate_provider_cut_over{{{CALLS}}})", "{{ocn}} on {{trunk_group}}")],
            width=12,
            kind="state-timeline",
            defaults={
                "mappings": [
                    {
                        "type": "value",
                        "options": {
                            "0": {"text": "shared groups", "color": "green", "index": 0},
                            "1": {"text": "dedicated only", "color": "orange", "index": 1},
                        },
                    }
                ]
            },
        ),
    ],
)

SS7_ROW = Row(
    "SS7: links and circuits",
    [
        Panel(
            "Signalling links",
            "When each link could carry messages.",
            "short",
            [("max by (link) (tollgate_link_active)", "{{link}}")],
            kind="state-timeline",
            defaults=_up_or_down("active", "inactive"),
        ),
        Panel(
            "Exchanges",
            "When each exchange could be reached by some link.",
            "short",
            [("max by (point_code) (tollgate_destination_available)", "{{point_code}}")],
            kind="state-timeline",
            defaults=_up_or_down("available", "unavailable"),
        ),
        Panel(
            "Circuits by state",
            "Circuits of the trunk groups chosen. Those that are resetting, blocked or unequipped carry no calls.",
            "short",
            [(f"sum by (state) (tollgate_circuits{{{GROUP}}})", "{{state}}")],
            stacked=True,
        ),
    ],
)

TIMES_ROW = Row(
    "Times",
    [
        Panel(
            "Set-up time",
            "From the INVITE to the first response of 180 or above from the called side.",
            "s",
            [
                (
                    f"histogram_quantile({share}, sum by (le) (rate(tollgate_setup_seconds_bucket{{{GROUP}}}{RATE})))",
                    legend,
                )
                for share, legend in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
            ],
            width=12,
        ),
        Panel(
            "Length of answered calls",
            "From answer to end.",
            "s",
            [
                (f"histogram_quantile({share}, sum by (le) (rate(tollgate_call_seconds_bucket{RATE})))", legend)
                for share, legend in ((0.5, "p50"), (0.95, "p95"))
            ],
            width=12,
        ),
    ],
)

GATEWAY_ROW = Row(
    "The gateway itself",
    [
        Panel(
            "Malformed, dropped, retransmitted",
            "Malformed messages by what is wrong with them; datagrams neither forwarded nor answered; "
            "retransmissions that memory absorbed.",
            "cps",
            [
                (f"sum by (reason) (rate(tollgate_malformed_total{RATE}))", "malformed: {{reason}}"),
                (f"sum(rate(tollgate_datagrams_dropped_total{RATE}))", "dropped"),
                (f"sum(rate(tollgate_retransmissions_absorbed_total{RATE}))", "retransmissions absorbed"),
            ],
        ),
        Panel(
            "SIP messages",
            "The ten most frequent kinds, by direction and by method or class of status.",
            "cps",
            [
                (
                    f"topk(10, sum by (direction, kind) (rate(tollgate_sip_messages_total{RATE})))",
                    "{{direction}} {{kind}}",
                )
            ],
        ),
        Panel(
            "Transactions and dialogs",
            "State that the gateway holds. It falls back when calls end; a rise without calls is a leak.",
            "short",
            [("sum(tollgate_transactions)", "transactions"), ("sum(tollgate_dialogs)", "dialogs")],
        ),
        Panel(
            "Members in service",
            "Members of the trunk groups chosen that get calls: neither out of service nor penalised.",
            "short",
            [(f"sum by (trunk_group) (tollgate_member_in_service{{{GROUP}}})", "{{trunk_group}}")],
            width=12,
        ),
        Panel(
            "Calls that went on to another member",
            "By what the member before failed with; the caller noticed nothing.",
            "cps",
            [
                (
                    f"sum by (trunk_group, cause) (rate(tollgate_failovers_total{{{GROUP}}}{RATE}))",
                    "{{trunk_group}}: {{cause}}",
                )
            ],
            width=12,
        ),
        Panel(
            "Call records written and lost",
            "Records written a second, and those given up because the store failed or fell behind.",
            "cps",
            [
                (f"sum(rate(tollgate_records_written_total{RATE}))", "written"),
                (f"sum(rate(tollgate_records_lost_total{RATE}))", "lost"),
            ],
            overrides=_coloured({"lost": "red"}),
        ),
        Panel(
            "Call records waiting",
            "Records queued for the store.",
            "short",
            [("sum(tollgate_records_queued)", "waiting")],
        ),
        Panel(
            "Version and configuration",
            "What each gateway runs, and the configuration it has in force.",
            "short",
            [
                (
                    "tollgate_configuration_info * on (job, instance) group_left (version) tollgate_build_info",
                    "{{instance}}",
                )
            ],
            kind="table",
            transformations=_columns("instance", "version", "file", "digest", value="up"),
        ),
    ],
)

ROWS = (HEADLINE, CALLS_ROW, PROVIDERS_ROW, TRUNKS_ROW, SS7_ROW, TIMES_ROW, GATEWAY_ROW)
