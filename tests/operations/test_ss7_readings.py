"""Links and circuits in the metrics."""

from __future__ import annotations

import pytest
from metrics_examples import SS7

from gateway.operations.ss7_readings import Ss7Figures, ss7_families


def samples(figures: Ss7Figures) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in ss7_families(figures)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("tollgate_link_active", ("rb-a", "tcp"), 1),
        ("tollgate_link_associations", ("rb-a",), 1),
        ("tollgate_link_messages_total", ("rb-a", "in", "data"), 7),
        ("tollgate_link_messages_total", ("rb-a", "out", "data"), 5),
        ("tollgate_link_messages_lost_total", ("rb-a",), 1),
        ("tollgate_destination_available", ("rb-a", "2-137-26"), 1),
        ("tollgate_destination_available", ("rb-a", "2-137-27"), 0),
        ("tollgate_destination_congestion", ("rb-a", "2-137-26"), 2),
        ("tollgate_destination_congestion", ("rb-a", "2-137-27"), 0),
        ("tollgate_circuits", ("TG-SWITCH", "busy"), 2),
        ("tollgate_circuit_events_total", ("TG-SWITCH", "T7 expired"), 1),
        ("tollgate_circuit_releases_total", ("TG-SWITCH", "16"), 3),
        ("tollgate_isup_messages_total", ("IAM",), 4),
        ("tollgate_isup_messages_held_back_total", ("malformed",), 1),
    ],
)
def test_links_and_circuits_are_counted(name: str, labels: tuple[str, ...], value: float) -> None:
    assert samples(SS7)[name, labels] == value


def test_a_gateway_without_links_has_no_series_of_them() -> None:
    assert samples(Ss7Figures()) == {}
