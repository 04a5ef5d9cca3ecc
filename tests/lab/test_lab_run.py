"""The lab in this process: real sockets, the real gateway, a few scenarios."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.operations.control_client import get_status, post_step
from sim.act import Result
from sim.attacks.catalogue import ATTACKS
from sim.audited import audited
from sim.lab import play, run_lab
from sim.laboratory import opened
from sim.observation import differences
from sim.packets import write_capture
from sim.reporting import document
from sim.run_folder import prepared
from sim.scenario import FOLDER, Scenario, load, load_all
from sim.steps import Expect

PLAYED = (
    "an-honest-call-from-a-provider-passes",
    "an-honest-call-to-a-provider-passes",
    "CPN-altered-by-the-partner",
    "destination-outside-the-footprint-of-the-switch",
    "calls-in-progress-are-limited",
    "a-provider-cut-over-is-accepted-only-on-its-own-trunk-group",
    "911-during-a-flood",
    "a-forged-To-tag-gets-no-call-past-the-engine",
    "malformed-datagrams-harm-nobody",
    "a-call-between-circuits-passes-unaltered",
    "a-call-on-circuits-reaches-a-switch-on-SIP",
    "a-call-over-SIP-reaches-a-switch-on-ISUP",
    "a-call-of-the-ITU-edition-reaches-a-switch-of-the-ANSI-edition",
    "CPN-missing-from-circuits-to-circuits",
    "CPN-altered-by-the-tandem-is-seen-by-a-witness",
    "a-provider-cut-over-takes-circuits-of-its-own",
    "911-on-blocked-circuits",
    "a-reset-of-circuits-as-a-group-clears-the-calls-on-them",
    "two-seizures-of-one-circuit-where-the-gateway-gives-way",
    "a-discontinuance-by-force-ends-calls-on-circuits",
    "a-flood-on-circuits-is-limited-and-another-provider-is-untouched",
    "calls-are-ended-when-their-time-to-drain-is-over",
    "a-provider-once-discontinued-comes-only-on-its-own-trunk-group",
)


class Unwatched:
    def started(self, name: str) -> None: ...

    def done(self, name: str, got: str, why: Sequence[str]) -> None: ...


async def played(folder: Path, scenarios: list[Scenario]) -> tuple[list[Result], list[str], int]:
    """Results, what the audit decides differently, and how many decisions there were."""
    async with opened(folder, operations_port=0) as lab:
        results = await play(lab, scenarios, Unwatched())
        write_capture(folder / "run.pcap", lab.packets())
        live = lab.live.by_call_id
        return results, differences(live, audited(folder / "run.pcap", lab.configuration).decisions), len(live)


async def test_scenarios_come_out_as_expected_and_their_capture_audits_the_same(tmp_path: Path) -> None:
    scenarios = [load(FOLDER / f"{slug}.toml") for slug in PLAYED]
    results, differing, decisions = await played(tmp_path, scenarios)
    assert [(result.name, result.why) for result in results if not result.agrees] == []
    assert differing == []
    assert decisions > 200


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcome": "REFUSE", "verdict": "ALTERED", "status": 403}, "expected ALTERED 403 by L7, got ADMIT by L7"),
        ({"clause": "L9"}, "expected ADMIT by L9, got ADMIT by L7"),
        ({"status": 486}, "expected status 486, the caller saw 200"),
    ],
)
async def test_a_verdict_other_than_the_one_expected_is_told(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    honest = load(FOLDER / "an-honest-call-from-a-provider-passes.toml")
    mistaken = replace(honest, expect=Expect(**{**honest.expect.model_dump(), **change}))
    (result,), _, _ = await played(tmp_path, [mistaken])
    assert not result.agrees
    assert any(said in why for why in result.why)


async def test_the_table_names_the_section_that_a_scenario_is_about(tmp_path: Path) -> None:
    scenarios = [load(FOLDER / f"{slug}.toml") for slug in ("a-caller-may-CANCEL", "the-called-side-may-end-the-call")]
    results, _, _ = await played(tmp_path, scenarios)
    assert [(one.clause, one.why) for one in results] == [("RFC 3261 16.10", ()), ("RFC 3261 15", ())]


def test_the_document_for_machines_has_the_five_keys_and_one_answer() -> None:
    scenario = load(FOLDER / "CPN-missing.toml")
    agreeing = Result(scenario, "MISSING 403", "L7")
    differing = Result(scenario, "ADMIT", "L7", ("step 1 (call): expected MISSING 403 by L7",))
    read = json.loads(document([agreeing, differing], [], live_equals_audit=True, links={"river-bend": "tcp"}))
    assert read["links"] == {"river-bend": "tcp"}
    assert read["live_equals_audit"] is True
    assert read["scenarios"][0] == {
        "name": "CPN missing",
        "expected": "MISSING 403",
        "got": "MISSING 403",
        "clause": "L7",
        "agrees": True,
    }
    assert read["scenarios"][1]["agrees"] is False
    assert read["scenarios"][1]["why"] == ["step 1 (call): expected MISSING 403 by L7"]


def test_an_earlier_run_is_cleared_away_and_nothing_else(tmp_path: Path) -> None:
    for name in ("journal.db", "records.db", "records.db-wal", "lab.pcap", "notes.txt"):
        (tmp_path / name).write_text("old")
    with prepared(tmp_path) as folder:
        assert folder == tmp_path
        assert sorted(path.name for path in tmp_path.iterdir()) == ["lab.log", "lock", "notes.txt"]


def test_a_folder_that_cannot_be_made_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"), prepared(tmp_path / "file" / "lab"):
        pass


def test_a_lab_touches_nothing_of_another_that_runs_in_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with prepared(tmp_path):
        (tmp_path / "lab.pcap").write_text("of the lab that runs")
        assert run_lab(json_output=False, serve=False, folder=tmp_path) == 2
        assert (tmp_path / "lab.pcap").read_text() == "of the lab that runs"
    said = f"another lab runs in {tmp_path} (pid {os.getpid()}): wait for it, or give --folder\n"
    assert capsys.readouterr() == ("", said)


def test_a_folder_is_free_again_when_its_lab_is_over(tmp_path: Path) -> None:
    for _ in range(2):
        with prepared(tmp_path):
            assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_a_scenario_that_cannot_be_played_is_said_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-call-passes.toml").write_text('[expect]\noutcome = "LET_IN"\n')
    assert run_lab(json_output=False, serve=False, folder=tmp_path / "run", catalogue=tmp_path) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{tmp_path}/a-call-passes.toml:2: expect.outcome: " in said.err


async def test_a_provider_stands_after_a_restart_as_it_stood_before(tmp_path: Path) -> None:
    discontinued = load(FOLDER / "calls-to-a-provider-discontinued-are-refused.toml")
    order, *calls = discontinued.steps
    stays = replace(discontinued, steps=tuple(calls))
    async with opened(tmp_path, operations_port=0) as lab:
        step = {"ocn": "XV02", "who": "lab", "why": "before the restart", "scope": "provider"}
        await asyncio.to_thread(post_step, lab.configuration, "discontinue", step)
    async with opened(tmp_path, operations_port=0) as lab:
        assert (await lab.stage.play(stays)).why == ()
        status = await asyncio.to_thread(get_status, lab.configuration)
    standings = {one["ocn"]: one["standing"]["state"] for one in status["providers"]}
    assert standings["XV02"] == "discontinued"
    assert order.do == "order"


async def test_a_scenario_that_is_stopped_waits_for_none_of_its_calls(tmp_path: Path) -> None:
    async with opened(tmp_path, operations_port=0) as lab:
        playing = asyncio.create_task(lab.stage.play(load(FOLDER / "calls-in-progress-are-limited.toml")))
        assert await lab.live.until(lambda _, decision: decision.refused_by is not None)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
        received = [call for agent in lab.cast.agents.values() for call in agent.received]
        assert any(call.acked and call.released_by is None for call in received)


def test_a_lab_that_is_interrupted_says_so_and_ends_with_130(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway.cli", "lab", "--no-serve", "--folder", str(tmp_path)]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert f"/{len(load_all()) + len(ATTACKS)}" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "stopping ...\nstopped\n")
    assert "came out as expected" not in out
    assert not (tmp_path / "lab.pcap").exists()
