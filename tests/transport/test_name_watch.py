"""The addresses of a configured name follow the domain name system, and outlast its failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import dns.rcode
import pytest
import pytest_asyncio
from name_server import NameServer, name_server, rcode

from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.locating import Candidate, Target
from gateway.transport.name_watch import RETRY_S, NameWatch
from gateway.transport.resolver import FAILURE_TTL_S, Resolver, ResolverSettings

LISTENERS: Final = (Hop("127.0.0.1", 5060),)
SWITCH: Final = Target("switch.example", 5060)


class Hours:
    """Time that passes when a test lets it."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self._asleep: asyncio.Queue[tuple[float, asyncio.Event]] = asyncio.Queue()

    def now_us(self) -> int:
        return round(self.now_s * 1_000_000)

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._asleep.put_nowait((seconds, woken))
        await woken.wait()

    async def pass_(self) -> float:
        """Wake the next sleeper when its time has come; for how long it slept."""
        seconds, woken = await self._asleep.get()
        self.now_s += seconds
        woken.set()
        return seconds

    async def until_asleep(self) -> None:
        """Wait until whoever was woken sleeps again."""
        self._asleep.put_nowait(await self._asleep.get())


class Scene:
    """A watch of one name, and what it told."""

    def __init__(self, server: NameServer, target: Target = SWITCH) -> None:
        self.server: Final = server
        self.hours: Final = Hours()
        self.told: list[list[str]] = []
        settings = ResolverSettings(servers=(server.address,))
        resolver = Resolver(settings, lambda: self.hours.now_s)
        self.watch: Final = NameWatch(
            resolver, [target, target], LISTENERS, self._changed, self.hours.now_us, self.hours.sleep
        )

    def _changed(self, target: Target, candidates: tuple[Candidate, ...]) -> None:
        assert target == self.watch.names[0].target
        self.told.append(sorted(candidate.hop.host for candidate in candidates))

    async def again(self) -> float:
        slept_s = await self.hours.pass_()
        await self.hours.until_asleep()
        return slept_s

    def has(self, *hosts: str, ttl_s: int = 100) -> None:
        self.server.records["A switch.example"] = [f"switch.example. {ttl_s} IN A {host}" for host in hosts]


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    async with name_server() as server:
        scene = Scene(server)
        yield scene
        scene.watch.close()


async def test_a_name_is_looked_up_again_before_its_time_is_over(scene: Scene) -> None:
    scene.has("192.0.2.1")
    await scene.watch.start()
    assert scene.told == [["192.0.2.1"]]
    scene.has("192.0.2.2", "192.0.2.3")
    assert await scene.again() == 90
    assert scene.told == [["192.0.2.1"], ["192.0.2.2", "192.0.2.3"]]
    assert scene.watch.names[0].located_at_us == 1_090_000_000
    assert scene.watch.names[0].next_at_us == 1_180_000_000


async def test_addresses_that_stay_are_told_once(scene: Scene) -> None:
    scene.has("192.0.2.1", "192.0.2.2", ttl_s=0)
    await scene.watch.start()
    for _ in range(5):
        await scene.again()
    assert scene.told == [["192.0.2.1", "192.0.2.2"]]
    assert scene.server.asked == {"A switch.example": 6}


@pytest.mark.parametrize("failing", ["SERVFAIL", "NXDOMAIN", "nothing"])
async def test_a_lookup_that_fails_leaves_the_last_addresses(
    scene: Scene, failing: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene.has("192.0.2.1")
    await scene.watch.start()
    if failing == "nothing":
        scene.server.records["A switch.example"] = []
    else:
        scene.server.manners["*"] = rcode(getattr(dns.rcode, failing))
    await scene.again()
    for _ in range(3):
        assert await scene.again() >= RETRY_S > FAILURE_TTL_S
    name = scene.watch.names[0]
    assert [candidate.hop.host for candidate in name.candidates] == ["192.0.2.1"]
    assert name.failure
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1, "said once, not each time"
    assert warnings[0].endswith("its last addresses stay in use")
    scene.server.manners.clear()
    scene.has("192.0.2.9")
    await scene.again()
    assert scene.told == [["192.0.2.1"], ["192.0.2.9"]]
    assert name.failure == ""
    assert caplog.records[-1].getMessage() == "sip:switch.example:5060 is located again"


async def test_a_name_that_is_not_there_at_the_start_is_found_later(scene: Scene) -> None:
    await scene.watch.start()
    assert scene.told == []
    assert scene.watch.names[0].failure == "switch.example has no address"
    scene.has("192.0.2.1")
    await scene.again()
    assert scene.told == [["192.0.2.1"]]


async def test_who_fails_to_take_up_new_addresses_does_not_end_the_watch(scene: Scene) -> None:
    scene.has("192.0.2.1")
    await scene.watch.start()
    scene.told = None  # type: ignore[assignment]
    scene.has("192.0.2.2")
    await scene.again()
    scene.told = []
    scene.has("192.0.2.3")
    await scene.again()
    assert scene.told == [["192.0.2.3"]]


async def test_many_names_are_looked_up_without_any_being_turned_away() -> None:
    async with name_server() as server:
        targets = [Target(f"s{n}.example", 5060) for n in range(500)]
        for target in targets:
            server.records[f"A {target.host}"] = [f"{target.host}. 100 IN A 192.0.2.1"]
        hours = Hours()
        told: list[Target] = []
        watch = NameWatch(
            Resolver(ResolverSettings(servers=(server.address,))),
            targets,
            LISTENERS,
            lambda target, _: told.append(target),
            hours.now_us,
            hours.sleep,
        )
        await watch.start()
        assert sorted(told) == sorted(targets)
        watch.close()


async def test_an_address_is_told_once_and_never_looked_up() -> None:
    async with name_server() as server:
        scene = Scene(server, Target("192.0.2.7", 5060, Transport.UDP))
        await scene.watch.start()
        assert (scene.told, server.asked.total()) == ([["192.0.2.7"]], 0)
        scene.watch.close()
