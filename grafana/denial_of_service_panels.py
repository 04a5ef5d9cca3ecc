"""Denial of service: how providers stand, what is seen, what waits for an answer, and what is shed (L8)."""

from __future__ import annotations

from panels import GROUP, OCN, RATE, Panel, Row, coloured

from gateway.interconnection.denial_of_service import State

_COLOURS = {
    State.NORMAL: "green",
    State.THROTTLED: "yellow",
    State.DISCONTINUED: "red",
    State.REMEDIATED: "purple",
    State.RESTORED: "blue",
    State.DEDICATED: "orange",
}

DENIAL_OF_SERVICE_ROW = Row(
    "Denial of service",
    [
        Panel(
            "How each provider stands",
            "Normal, throttled, discontinued, remediated, restored, dedicated: the life of clause L8.",
            "short",
            [
                (
                    " + ".join(
                        f'{place} * max by (ocn) (tollgate_provider_state{{{OCN},state="{state.value}"}})'
                        for place, state in enumerate(State)
                    ),
                    "{{ocn}}",
                )
            ],
            width=12,
            kind="state-timeline",
            defaults={
                "mappings": [
                    {
                        "type": "value",
                        "options": {
                            str(place): {"text": state.value, "color": _COLOURS[state], "index": place}
                            for place, state in enumerate(State)
                        },
                    }
                ]
            },
        ),
        Panel(
            "Alerts of the detectors",
            "Alerts that are up, by detector. tollgate status says of whom, and by which figures.",
            "short",
            [("sum by (detector) (tollgate_alerts)", "{{detector}}")],
            width=12,
            stacked=True,
        ),
        Panel(
            "Recommended steps",
            "Steps that the gateway recommends and that wait for an operator; overdue ones have waited too long.",
            "short",
            [
                ("sum(tollgate_recommendations_waiting)", "waiting"),
                ("sum(tollgate_recommendations_overdue)", "overdue"),
            ],
            overrides=coloured({"overdue": "red"}),
        ),
        Panel(
            "Calls shed, datagrams dropped",
            "New calls refused or dropped unread, by the trunk group that they came on; messages shed; and datagrams "
            "that the kernel dropped because more came than the machine takes in.",
            "cps",
            [
                (
                    f"sum by (trunk_group) (rate(tollgate_calls_shed_total{{{GROUP}}}{RATE}))",
                    "calls on {{trunk_group}}",
                ),
                (f"sum by (done) (rate(tollgate_messages_shed_total{RATE}))", "{{done}}"),
                (f"sum(rate(tollgate_socket_drops_total{RATE}))", "dropped by the kernel"),
            ],
        ),
        Panel(
            "Notices to partners",
            "Deliveries of notices by channel and state. A pending one is tried again; a failed one was given up.",
            "short",
            [("sum by (channel, state) (tollgate_notice_deliveries)", "{{channel}}: {{state}}")],
        ),
    ],
)
