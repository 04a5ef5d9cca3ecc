from __future__ import annotations

from typing import Any

import pytest
from lab_cast import Cast

from sim.flood import FloodGenerator, FloodPlan
from sim.user_agents import AnswerPlan


def plan(**changes: Any) -> FloodPlan:
    values: dict[str, Any] = {
        "target": ("127.0.0.1", 5060),
        "calls": 60,
        "calls_per_s": 2000.0,
        "duration_s": 2.0,
        "called": "+15735550123",
        "first_calling": "+13145550000",
    }
    return FloodPlan(**{**values, **changes})


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "localhost.example", "0.0.0.0", "::"])  # noqa: S104
def test_a_flood_goes_to_loopback_only(host: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        plan(target=(host, 5060))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1"])
def test_any_loopback_address_will_do(host: str) -> None:
    assert plan(target=(host, 5060)).target[0] == host


@pytest.mark.parametrize(
    ("name", "value"),
    [("calls", 0), ("calls", 10**6), ("calls_per_s", 10**6), ("duration_s", 3600), ("settle_s", 0), ("numbers", -1)],
)
def test_every_bound_is_kept(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        plan(**{name: value})


async def test_a_flood_ends_every_call_that_was_answered(cast: Cast) -> None:
    flood = FloodGenerator(tap=cast.log)
    cast.partner.serve("Riverbend", "SHARED", [await flood.start()])
    report = await flood.run(plan(target=cast.partner.access))
    assert await cast.switch.idle()
    await flood.close()
    assert (report.sent, report.statuses[200], report.ended, report.unanswered) == (60, 60, 60, 0)
    assert all(call.acked and call.released_by == "caller" for call in cast.switch.received)


async def test_a_refused_flood_is_acknowledged(cast: Cast) -> None:
    cast.switch.answers = AnswerPlan(provisional=(), status=503, phrase="Over Limit")
    flood = FloodGenerator()
    await flood.start()
    report = await flood.run(plan(target=cast.switch.address))
    assert await cast.switch.idle()
    await flood.close()
    assert report.statuses == {503: 60}
    assert all(call.acked for call in cast.switch.received)


async def test_the_calling_numbers_count_up_and_come_round_again(cast: Cast) -> None:
    flood = FloodGenerator()
    await flood.start()
    await flood.run(plan(target=cast.switch.address, calls=5, numbers=3))
    await flood.close()
    callers = [call.invite.split(b"From: <sip:")[1][:12] for call in cast.switch.received]
    assert callers == [b"+13145550000", b"+13145550001", b"+13145550002", b"+13145550000", b"+13145550001"]


async def test_a_flood_stops_when_its_time_is_up() -> None:
    flood = FloodGenerator()
    await flood.start()
    report = await flood.run(plan(calls=1000, calls_per_s=100.0, duration_s=0.05, settle_s=0.01, target=flood.address))
    await flood.close()
    assert 0 < report.sent < 1000
