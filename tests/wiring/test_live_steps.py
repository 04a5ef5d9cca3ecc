"""The life of clause L8 on a running gateway: steps over HTTP, what calls then get, and what a restart leaves of it."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from small_gateway import Exchange, post

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Step, StepKind
from gateway.operations.configuration import load_configuration
from gateway.records.journal import JOURNAL_FILE, Head, Kind, NewEntry, OperatorJournal
from gateway.records.journal_verification import verify_journal
from gateway.wiring.live import Gateway, running

PROVIDER = {"ocn": "901A"}


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    exchange = Exchange(tmp_path)
    yield exchange
    exchange.close()


def standing(gateway: Gateway, ocn: str = "901A") -> dict[str, Any]:
    (provider,) = (each for each in gateway.status()["providers"] if each["ocn"] == ocn)
    stands: dict[str, Any] = provider["standing"]
    return stands


async def journal(gateway: Gateway, query: str = "") -> dict[str, Any]:
    host, port = gateway.operations_address
    async with ClientSession() as session, session.get(f"http://{host}:{port}/journal{query}") as answer:
        document: dict[str, Any] = await answer.json()
        return document


async def test_each_step_says_what_was_and_what_is_in_force(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        await exchange.set_up(gateway.address, "up")
        status, said = await post(gateway, "/discontinue", {**PROVIDER, "scope": "partner", "drain_seconds": 3_600})
        assert status == 200
        assert (said["step"], said["ocn"], said["scope"], said["drain_seconds"]) == (
            *("discontinue", "901A", "partner", 3_600),
        )
        assert (said["before"]["state"], said["after"]["state"], said["after"]["scope"]) == (
            *("normal", "discontinued", "partner"),
        )
        assert said["established_calls"] == 1
        assert (said["who"], said["why"], said["entry"]) == ("operator", "flood", 1)
        assert standing(gateway) == said["after"]
        kinds = [entry["kind"] for entry in (await journal(gateway))["entries"]]
        assert kinds[:2] == ["step", "notice"]


async def test_the_status_says_of_all_that_a_step_refuses_for_whose_sake(exchange: Exchange) -> None:
    def refused_for(gateway: Gateway) -> dict[str, str | None]:
        seen = gateway.status()
        lists = seen["providers"], seen["partners"], seen["trunk_groups"]
        return {each.get("ocn") or each["name"]: each["refused_for"] for every in lists for each in every}

    async with running(exchange.configuration) as gateway:
        assert set(refused_for(gateway).values()) == {None}
        await post(gateway, "/discontinue", {**PROVIDER, "scope": "provider"})
        assert set(refused_for(gateway).values()) == {None}
        await post(gateway, "/discontinue", {**PROVIDER, "scope": "partner"})
        said = refused_for(gateway)
        assert said["902B"] == said["7001"] == said["shared"] == "901A"
        assert said["901A"] is None  # its own standing says it
        sides = {group["name"]: group["side"] for group in gateway.status()["trunk_groups"]}
        assert all(said[name] is None for name, side in sides.items() if side == "host")


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], None),
        ([("/throttle", {}), ("/release", {})], None),
        ([("/throttle", {})], r"by the journal OCN 901A is throttled since \S+"),
        ([("/discontinue", {"scope": "partner"})], r"by the journal OCN 901A is discontinued since \S+, scope partner"),
        (
            [("/discontinue", {"scope": "provider"}), ("/remediate", {})],
            r"by the journal OCN 901A is discontinued since \S+, scope provider, removal attested \S+",
        ),
        (
            [("/cutover", {"trunk_group": "dedicated"})],
            r"by the journal OCN 901A is dedicated since \S+, on dedicated only",
        ),
    ],
)
async def test_a_restart_says_in_the_log_who_is_not_normal(
    exchange: Exchange, caplog: pytest.LogCaptureFixture, steps: list[tuple[str, dict[str, str]]], said: str | None
) -> None:
    async with running(exchange.configuration) as gateway:
        for path, more in steps:
            assert (await post(gateway, path, {**PROVIDER, **more}))[0] == 200
    caplog.clear()
    async with running(exchange.configuration):
        lines = [message for message in caplog.messages if message.startswith("by the journal ")]
    assert len(lines) == (said is not None)
    assert all(re.fullmatch(said or "", line) for line in lines)


async def test_a_step_says_on_which_trunk_groups_it_is_not_enforced_and_ends_no_call_there(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path)
    file = exchange.configuration.file
    monitored = file.read_text().replace('name = "shared"\n', 'name = "shared"\nmode = "monitor"\n')
    file.write_text(monitored)
    async with running(load_configuration(file)) as gateway:
        await exchange.set_up(gateway.address, "up")
        status, said = await post(gateway, "/discontinue", {**PROVIDER, "scope": "provider", "drain_seconds": 0})
        assert (status, said["not_enforced_on"]) == (200, ["shared (monitor)"])
        (provider,) = (each for each in gateway.status()["providers"] if each["ocn"] == "901A")
        assert provider["not_enforced_on"] == ["shared (monitor)"]
        assert [group["mode"] for group in gateway.status()["trunk_groups"]] == ["monitor", "enforce", "enforce"]
        await exchange.set_up(gateway.address, "as before")
        await exchange.hang_up(gateway.address, "up")  # which nobody has ended
    exchange.close()


async def test_a_step_that_the_table_does_not_have_is_a_conflict_that_says_the_state(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        status, said = await post(gateway, "/restore", PROVIDER)
        assert (status, said["state"]) == (409, "normal")
        assert said["error"].startswith("901A is normal: restore leads nowhere from there; possible are ")
        status, said = await post(gateway, "/throttle", {"ocn": "9740"})
        assert (status, said["error"].startswith("9740 is not a provider")) == (409, True)
        assert standing(gateway)["state"] == "normal"
        assert (await journal(gateway))["entries"] == []


async def test_a_step_for_another_state_than_the_one_expected_is_not_taken(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        assert (await post(gateway, "/throttle", {**PROVIDER, "expected_state": "normal"}))[0] == 200
        late = await post(gateway, "/discontinue", {**PROVIDER, "scope": "provider", "expected_state": "normal"})
        assert late[0] == 409
        assert late[1]["state"] == "throttled"
        assert standing(gateway)["state"] == "throttled"


async def test_a_step_under_a_key_is_taken_once_also_after_a_restart(exchange: Exchange) -> None:
    step = {**PROVIDER, "scope": "provider"}
    async with running(exchange.configuration) as gateway:
        first = await post(gateway, "/discontinue", step, key="k-1")
        assert first[0] == 200
        assert await post(gateway, "/discontinue", step, key="k-1") == first
    async with running(exchange.configuration) as gateway:
        assert await post(gateway, "/discontinue", step, key="k-1") == first
        assert len(gateway.status()["steps"]) == 1
        status, said = await post(gateway, "/discontinue", {**step, "scope": "partner"}, key="k-1")
        assert status == 422
        assert "belongs to another request" in said["error"]
        assert standing(gateway)["scope"] == "provider"


async def test_a_step_that_was_refused_leaves_its_key_free(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        assert (await post(gateway, "/release", PROVIDER, key="k-1"))[0] == 409
        assert (await post(gateway, "/throttle", PROVIDER))[0] == 200
        assert (await post(gateway, "/release", PROVIDER, key="k-1"))[0] == 200


async def test_an_undone_step_leads_back_and_both_stay_in_the_journal(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        await post(gateway, "/throttle", PROVIDER)
        await post(gateway, "/discontinue", {**PROVIDER, "scope": "provider"})
        _, said = await post(gateway, "/undo", {**PROVIDER, "why": "the wrong provider"})
        assert (said["before"]["state"], said["after"]["state"]) == ("discontinued", "throttled")
    async with running(exchange.configuration) as gateway:
        assert standing(gateway)["state"] == "throttled"
        entries = (await journal(gateway))["entries"]
        steps = [entry for entry in entries if entry["kind"] == "step"]
        assert [step["body"]["step"] for step in steps] == ["throttle", "discontinue", "undo"]
        assert steps[-1]["why"] == "the wrong provider"
        page = await journal(gateway, f"?after={steps[0]['entry']}&limit=1")
        assert [entry["entry"] for entry in page["entries"]] == [steps[0]["entry"] + 1]
        head = Head.parse(gateway.status()["journal"])
    assert verify_journal(exchange.configuration.state_folder / JOURNAL_FILE, head).faults == ()


async def test_a_recommendation_that_there_is_not_can_be_neither_approved_nor_dismissed(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        for route in ("/approve", "/dismiss"):
            status, said = await post(gateway, route, {"recommendation": 1})
            assert (status, said["error"]) == (409, "1 is not a recommendation that waits; there are: none")


async def test_a_notice_is_posted_to_the_webhook_once(tmp_path: Path) -> None:
    posted: list[tuple[str, dict[str, Any]]] = []
    arrived = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        posted.append((request.headers["Idempotency-Key"], await request.json()))
        arrived.set()
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/notices", take)
    async with TestServer(app) as server:
        exchange = Exchange(tmp_path, f'\n[notices]\nwebhook = "{server.make_url("/notices")}"\n')
        async with running(exchange.configuration) as gateway, asyncio.timeout(10):
            await post(gateway, "/throttle", PROVIDER)
            await arrived.wait()
            while gateway.status()["notices"]["pending"]:  # noqa: ASYNC110 - nobody is told of it
                await asyncio.sleep(0.01)
        exchange.close()
    ((key, notice),) = posted
    assert key == notice["id"]
    assert (notice["kind"], notice["ocn"], notice["clause"], notice["step"]) == ("throttled", "901A", "L8", 1)


async def test_the_clock_goes_on_from_the_latest_entry_whichever_that_is(exchange: Exchange) -> None:
    folder = exchange.configuration.state_folder
    folder.mkdir()
    journal = OperatorJournal(folder / JOURNAL_FILE)
    ahead_us = time.time_ns() // 1_000 + 3_600_000_000  # the wall clock was set back since
    journal.append_step(Step(ahead_us, Ocn("901A"), StepKind.THROTTLE, "operator", "flood"))
    journal.append(NewEntry(ahead_us - 3_000_000_000, Kind.ALERT, "901A", {}, "tollgate", "raised before"))
    journal.close()
    async with running(exchange.configuration) as gateway:
        (warning,) = gateway.status()["at_odds"]
        assert re.match(
            r"the gateway's clock is 3[56]\d\d s ahead of this machine's: the journal has an entry", warning
        )
        assert standing(gateway)["state"] == "throttled"
        status, said = await post(gateway, "/release", PROVIDER)
        assert (status, said["after"]["state"]) == (200, "normal")


async def test_a_gateway_says_at_its_start_that_the_journal_was_changed_and_starts(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(exchange.configuration) as gateway:
        await post(gateway, "/throttle", PROVIDER)
        await gateway.defence.journal_check.look()
        assert gateway.status()["journal_faults"] == []
    with closing(sqlite3.connect(exchange.configuration.state_folder / JOURNAL_FILE)) as other:
        other.execute("DROP TRIGGER entries_stay_as_they_are")
        other.execute("UPDATE entries SET who = 'somebody else' WHERE sequence = 1")
        other.commit()
    async with running(exchange.configuration) as gateway:
        async with asyncio.timeout(10):
            while not gateway.status()["journal_faults"]:  # noqa: ASYNC110 - as somebody who looks sees it
                await asyncio.sleep(0.01)
        assert "entry 1 (step 901A) was changed: its hash is not that of what stands there" in caplog.text
        assert gateway.defence.figures().journal_faults == 2
        await exchange.set_up(gateway.address, "goes through")
