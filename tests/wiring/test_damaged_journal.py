"""A journal into which somebody has written: the gateway starts, keeps what is in force, and carries calls."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from small_gateway import Exchange, post

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Step, StepKind
from gateway.records.database import DatabaseFileError
from gateway.records.journal import JOURNAL_FILE, NewEntry
from gateway.wiring.live import running

DAMAGE = {
    "body": ["'{'", "'[]'", "'{}'", "'{\"id\": 5}'", "x'00'", "NULL"],
    "at_us": ["'noon'", "-1", "9223372036854775807", "x'00'"],
    "who": ["x'ff'"],
    "why": ["x'ff'"],
    "subject": ["x'ff'"],
    "kind": ["'nothing'", "x'ff'"],
    "hash": ["x'ff'", "'0'"],
    "key": ["'0'", "5"],
}
KINDS = ("recommendation", "notice", "delivery", "dismissal", "alert")


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    exchange = Exchange(tmp_path)
    yield exchange
    exchange.close()


async def journal_of_every_kind(exchange: Exchange) -> None:
    """Steps with notices that were delivered, an alert, and recommendations, one of them dismissed."""
    async with running(exchange.configuration) as gateway:
        for kind in (StepKind.THROTTLE, StepKind.THROTTLE, StepKind.RELEASE):
            step = Step(gateway.clock.now_us(), Ocn("902B"), kind, "tollgate", "flood")
            gateway.defence.recommendations.recommend(step, [], None)
        assert (await post(gateway, "/dismiss", {"recommendation": 1}))[0] == 200
        assert (await post(gateway, "/discontinue", {"ocn": "901A", "scope": "provider"}))[0] == 200
        gateway._journal.append(NewEntry(gateway.clock.now_us(), "alert", "901A", {}, "tollgate", "raised"))


@pytest.mark.parametrize(("column", "value"), [(name, value) for name, values in DAMAGE.items() for value in values])
async def test_what_is_no_step_may_be_damaged_and_what_is_in_force_stays(
    exchange: Exchange, column: str, value: str
) -> None:
    await journal_of_every_kind(exchange)
    file = exchange.configuration.state_folder / JOURNAL_FILE
    with closing(sqlite3.connect(file)) as other:
        for trigger in ("entries_stay_as_they_are", "entries_stay"):
            other.execute(f"DROP TRIGGER {trigger}")
        other.execute("PRAGMA ignore_check_constraints = ON")
        places = ",".join("?" * len(KINDS))
        for (sequence,) in other.execute(f"SELECT sequence FROM entries WHERE kind IN ({places})", KINDS).fetchall():  # noqa: S608
            try:
                other.execute(f"UPDATE entries SET {column} = {value} WHERE sequence = ?", (sequence,))  # noqa: S608
            except sqlite3.IntegrityError:
                continue
        other.commit()
    async with running(exchange.configuration) as gateway:
        await gateway.defence.journal_check.look()
        status = gateway.status()
        assert status["journal_faults"]
        (provider,) = (each for each in status["providers"] if each["ocn"] == "901A")
        assert provider["standing"]["state"] == "discontinued"
        assert (await post(gateway, "/undo", {"ocn": "901A"}))[0] in (200, 409)
        await exchange.set_up(gateway.address, "of another", calling="+13145551100")
        assert await gateway.metrics.render()


async def test_a_step_that_cannot_be_read_is_named_and_nothing_starts_without_it(exchange: Exchange) -> None:
    await journal_of_every_kind(exchange)
    with closing(sqlite3.connect(exchange.configuration.state_folder / JOURNAL_FILE)) as other:
        other.execute("DROP TRIGGER entries_stay_as_they_are")
        other.execute("UPDATE entries SET body = '{}' WHERE kind = 'step'")
        other.commit()
    with pytest.raises(DatabaseFileError, match=r"entry \d+ \(step\) does not say what its kind says"):
        async with running(exchange.configuration):
            pass
