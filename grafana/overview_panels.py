"""The panels of the overview: what is asked of Prometheus, and how it is shown. `build_dashboard.py` draws them.

Metric names and verdicts are the gateway's own (`gateway/operations/metrics.py`, `gateway/operations/readings.py`,
`gateway/policy/verdict.py`).
"""

from __future__ import annotations

from denial_of_service_panels import DENIAL_OF_SERVICE_ROW
from gateway_panels import GATEWAY_ROW
from panels import (
    CALLS,
    DASHED,
    GROUP,
    OCN,
    OUTCOME_COLOURS,
    RATE,
    VIOLATIONS,
    Panel,
    Row,
    coloured,
    columns,
    steps,
    styled,
)
from ss7_panels import SS7_ROW

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
            defaults=steps((None, "red"), (1, "green")),
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
            defaults=steps((None, "green"), (0.05, "yellow"), (0.25, "red")) | {"min": 0, "max": 1},
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
            defaults=steps((None, "green"), (1, "orange")) | {"decimals": 0},
        ),
        Panel(
            "LERG rows",
            "Rows of the LERG table that calls are judged by.",
            "short",
            [("min(tollgate_lerg_rows)", "rows")],
            width=4,
            kind="stat",
            defaults=steps((None, "red"), (1, "green")),
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
            overrides=coloured(OUTCOME_COLOURS),
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
            overrides=[styled("limit$", DASHED)],
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
            overrides=[styled("limit$", DASHED)],
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
            transformations=columns(
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

ROWS = (HEADLINE, CALLS_ROW, PROVIDERS_ROW, DENIAL_OF_SERVICE_ROW, TRUNKS_ROW, SS7_ROW, TIMES_ROW, GATEWAY_ROW)
