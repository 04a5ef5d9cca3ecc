"""Signalling links and circuits."""

from __future__ import annotations

from panels import GROUP, Panel, Row, up_or_down

SS7_ROW = Row(
    "SS7: links and circuits",
    [
        Panel(
            "Signalling links",
            "When each link could carry messages.",
            "short",
            [("max by (link) (tollgate_link_active)", "{{link}}")],
            kind="state-timeline",
            defaults=up_or_down("active", "inactive"),
        ),
        Panel(
            "Exchanges",
            "When each exchange could be reached by some link.",
            "short",
            [("max by (point_code) (tollgate_destination_available)", "{{point_code}}")],
            kind="state-timeline",
            defaults=up_or_down("available", "unavailable"),
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
