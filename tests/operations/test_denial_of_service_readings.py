"""Denial of service, as Prometheus scrapes it."""

from __future__ import annotations

from metrics_examples import ALPHA, BRAVO, Stand, metrics_of, samples_of, series

from gateway.interconnection.denial_of_service import State
from gateway.operations.denial_of_service_readings import SHED, DenialOfServiceFigures


async def test_every_figure_of_denial_of_service_is_scraped() -> None:
    figures = DenialOfServiceFigures(
        states={ALPHA: State.THROTTLED, BRAVO: State.NORMAL},
        alerts={"invite_flood": 2, "short_calls": 0},
        waiting=3,
        overdue=1,
        deliveries={("folder", "delivered"): 7, ("webhook", "failed"): 1},
        journal_entries=12,
        shed_calls={"TG-SHARED": 5, None: 4},
        shed_messages={"calls dropped": 9},
        socket_drops=6,
    )
    samples = await samples_of(metrics_of(Stand(denial_of_service=figures)))
    assert samples[series("tollgate_provider_state", ocn="555A", state="throttled")] == 1
    assert samples[series("tollgate_provider_state", ocn="555A", state="normal")] == 0
    assert samples[series("tollgate_provider_state", ocn="555B", state="normal")] == 1
    assert samples[series("tollgate_alerts", detector="invite_flood")] == 2
    assert samples[series("tollgate_alerts", detector="short_calls")] == 0
    assert samples[series("tollgate_recommendations_waiting")] == 3
    assert samples[series("tollgate_recommendations_overdue")] == 1
    assert samples[series("tollgate_notice_deliveries", channel="folder", state="delivered")] == 7
    assert samples[series("tollgate_notice_deliveries", channel="webhook", state="failed")] == 1
    assert samples[series("tollgate_journal_entries")] == 12
    assert samples[series("tollgate_calls_shed_total", trunk_group="TG-SHARED")] == 5
    assert samples[series("tollgate_calls_shed_total", trunk_group="none")] == 4
    assert samples[series("tollgate_messages_shed_total", done="calls dropped")] == 9
    assert all(series("tollgate_messages_shed_total", done=done) in samples for done in SHED)
    assert samples[series("tollgate_socket_drops_total")] == 6


async def test_what_the_kernel_does_not_say_is_no_figure() -> None:
    samples = await samples_of(metrics_of(Stand(denial_of_service=DenialOfServiceFigures())))
    assert not [name for name, _ in samples if name.startswith("tollgate_socket_drops")]
