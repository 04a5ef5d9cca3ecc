"""The gateway itself: what it holds, drops and writes."""

from __future__ import annotations

from panels import GROUP, RATE, Panel, Row, coloured, columns

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
            overrides=coloured({"lost": "red"}),
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
            transformations=columns("instance", "version", "file", "digest", value="up"),
        ),
    ],
)
