"""What a person has declined: for which alerts, for how long, and over a restart (L8)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scenes import AUTOMATIC, OCN, RECOMMENDING, Scene, scene
from small_gateway import Exchange, post

from gateway.records.journal import Kind
from gateway.wiring import denial_of_service


@pytest.fixture(autouse=True)
def _looks_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denial_of_service, "LOOK_S", 3_600)


@pytest.fixture
def exchange(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Exchange]:
    exchange = Exchange(tmp_path, getattr(request, "param", RECOMMENDING))
    yield exchange
    exchange.close()


automatic = pytest.mark.parametrize("exchange", [AUTOMATIC], indirect=True)


async def take(at: Scene, route: str, **fields: Any) -> dict[str, Any]:
    status, said = await post(at.gateway, route, {"ocn": OCN, "who": "NOC", **fields})
    assert status == 200, said
    return said


async def dismiss(at: Scene) -> None:
    (waiting,) = at.waiting
    status, said = await post(at.gateway, "/dismiss", {"recommendation": waiting["number"], "who": "NOC"})
    assert status == 200, said


def declined(at: Scene) -> list[Any]:
    """What the status says of each alert that is up."""
    return [alert["declined"] for alert in at.gateway.status()["denial_of_service"]["alerts"]]


@pytest.mark.parametrize("route", ["/undo", "/release"])
async def test_what_is_taken_back_while_nothing_is_seen_declines_nothing_that_is_raised_later(
    exchange: Exchange, route: str
) -> None:
    async with scene(exchange) as at:
        await take(at, "/throttle")
        await take(at, route)
        at.detector.flood = True
        await at.after(1)
        assert [each["step"] for each in at.waiting] == ["throttle"]
        assert declined(at) == [None]


@automatic
async def test_what_an_operator_took_back_is_not_taken_again_by_a_gateway_that_was_started_anew(
    exchange: Exchange,
) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        assert at.state == "throttled"
        number = (await take(at, "/undo"))["entry"]
    for _ in range(2):
        async with scene(exchange) as at:
            at.detector.flood = True
            await at.after(60)
            await at.after(200)
            assert at.state == "normal"
            assert at.waiting == []
            (said,) = declined(at)
            assert (said["who"], said["how"], said["entry"]) == ("NOC", "undo", number)


@automatic
async def test_once_what_was_declined_is_over_the_next_flood_is_answered_also_after_a_restart(
    exchange: Exchange,
) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        number = (await take(at, "/undo"))["entry"]
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(4)
        at.detector.flood = False
        await at.after(10)
        (lapse,) = at.entries(Kind.LAPSE)
        assert (lapse.subject, lapse.body, lapse.who) == (OCN, {"lapses": [number]}, "tollgate")
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        assert at.state == "throttled"


@automatic
async def test_what_was_declined_before_a_restart_is_over_when_nothing_was_seen_for_the_release_time(
    exchange: Exchange,
) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        await take(at, "/undo")
    async with scene(exchange) as at:
        await at.after(90)
        assert at.entries(Kind.LAPSE) == []
        await at.after(11)
        assert len(at.entries(Kind.LAPSE)) == 1
        at.detector.flood = True
        await at.after(2)
        assert at.state == "throttled"


async def test_a_recommendation_that_was_dismissed_is_not_made_again_after_a_restart(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        await dismiss(at)
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(60)
        assert at.waiting == []
        (said,) = declined(at)
        assert (said["who"], said["how"]) == ("NOC", "dismissal")


async def test_an_alert_that_is_raised_after_a_dismissal_is_answered(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        await dismiss(at)
        at.detector.groups = (None, "shared")
        await at.after(2)
        assert [each["step"] for each in at.waiting] == ["throttle"]
        assert [said is not None for said in declined(at)] == [True, False]
        await dismiss(at)
        await at.after(60)
        assert at.waiting == []


@automatic
async def test_what_is_raised_after_an_undo_is_recommended_and_not_taken_while_the_provider_goes_on(
    exchange: Exchange,
) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        await take(at, "/undo")
        at.detector.groups = ("shared",)
        await at.after(20)
        assert (at.state, [each["step"] for each in at.waiting]) == ("normal", ["throttle"])
        assert declined(at) == [None]


@automatic
async def test_a_step_that_a_person_takes_ends_what_was_declined_before(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        await take(at, "/undo")
        await take(at, "/throttle")
        await at.after(35)
        assert at.state == "discontinued"


async def test_the_undoing_of_a_release_declines_no_discontinuance(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        await take(at, "/throttle")
        at.detector.flood = True
        await at.after(2)
        await take(at, "/release")
        await take(at, "/undo")
        await at.after(35)
        assert (at.state, [each["step"] for each in at.waiting]) == ("throttled", ["discontinue"])


async def test_a_release_that_was_dismissed_is_recommended_again_after_something_was_seen(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        await take(at, "/throttle")
        await at.after(110)
        await dismiss(at)
        await at.after(300)
        assert at.waiting == []
        at.detector.flood = True
        await at.after(2)
        at.detector.flood = False
        await at.after(110)
        assert [each["step"] for each in at.waiting] == ["release"]


async def test_an_entry_that_does_not_say_what_it_declines_declines_nothing(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        (waiting,) = at.journal.open_recommendations()
        at.journal.append_dismissal(waiting, waiting.at_us, "NOC", "x", declines={"steps": ["fly"], "alerts": [7]})
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        assert len(at.waiting) == 1
