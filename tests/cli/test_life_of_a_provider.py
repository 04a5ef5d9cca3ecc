"""Clause L8 from the command line, on a gateway of its own that is killed and started again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import RunningGateway

from tests.wiring.small_gateway import Exchange

PROVIDER = "901A"
BY = ("--why", "flood since noon", "--who", "operator")


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    exchange = Exchange(tmp_path)
    yield exchange
    exchange.close()


class Machine:
    """A state folder, and the gateways that run on it one after the other."""

    def __init__(self, exchange: Exchange) -> None:
        self.folder = exchange.configuration.state_folder
        self.file = exchange.configuration.file
        self.gateway = RunningGateway(self.folder, self.file)

    def power_fails(self) -> None:
        self.gateway.kill()
        self.gateway.close()
        self.gateway = RunningGateway(self.folder, self.file)

    def does(self, *arguments: str) -> str:
        """What a command says that succeeds."""
        done = self.gateway.told(*arguments)
        assert (done.exit_code, done.stderr) == (0, "")
        return done.stdout

    def status(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.does("status", "--json"))
        return document

    def state(self) -> str:
        (provider,) = (each for each in self.status()["providers"] if each["ocn"] == PROVIDER)
        return str(provider["standing"]["state"])

    def notices(self) -> set[str]:
        return {file.read_text().split("Subject: ")[1].split("\n")[0] for file in (self.folder / "notices").iterdir()}


@pytest.fixture
def machine(exchange: Exchange) -> Iterator[Machine]:
    machine = Machine(exchange)
    yield machine
    machine.gateway.close()


async def test_every_state_survives_that_the_gateway_is_killed(machine: Machine, exchange: Exchange) -> None:
    steps = (
        (("throttle", PROVIDER), "throttled"),
        (("discontinue", PROVIDER, "--scope", "partner"), "discontinued"),
        (("undo", PROVIDER), "throttled"),
        (("release", PROVIDER, "--expect", "throttled"), "normal"),
        (("cutover", PROVIDER, "--to", "dedicated"), "dedicated"),
    )
    for number, (command, state) in enumerate(steps):
        said = machine.does(*command, *BY, "--key", f"step-{number}")
        assert said.startswith(f"{PROVIDER} is {state}")
        machine.power_fails()
        assert machine.state() == state
        again = machine.does(*command, *BY, "--key", f"step-{number}")
        assert again == said
        assert machine.state() == state
    answer = await exchange.refused(machine.gateway.sip, "shared")
    assert answer.startswith("SIP/2.0 403 Wrong Trunk Group")
    await exchange.set_up(machine.gateway.sip, "dedicated", over=exchange.dedicated)
    status = machine.status()
    assert [step["step"] for step in status["steps"]] == ["throttle", "discontinue", "undo", "release", "cutover"]
    verified = machine.does("journal", "verify", "--head", status["journal"])
    assert "all as they were written" in verified


async def test_calls_of_who_is_discontinued_are_refused_after_the_gateway_was_killed_and_911_passes(
    machine: Machine, exchange: Exchange
) -> None:
    machine.does("discontinue", PROVIDER, "--scope", "partner", *BY)
    machine.power_fails()
    answer = await exchange.refused(machine.gateway.sip, "refused")
    assert answer.startswith("SIP/2.0 403 Traffic Discontinued")
    await exchange.set_up(machine.gateway.sip, "help", called="911")


def test_every_step_is_told_to_the_partner_once_however_often_the_gateway_is_killed(machine: Machine) -> None:
    machine.does("throttle", PROVIDER, *BY)
    machine.power_fails()
    machine.does("discontinue", PROVIDER, "--scope", "provider", *BY)
    machine.power_fails()
    machine.does("remediate", PROVIDER, *BY)
    status = machine.status()
    while status["notices"]["pending"]:
        status = machine.status()
    assert machine.notices() == {
        "Provider (901A) throttled",
        "Discontinuance for Provider (901A)",
        "Attestation received for Provider (901A)",
    }
    assert len(list((machine.folder / "notices").iterdir())) == 3


def test_the_journal_is_read_without_a_gateway_and_shows_who_did_what_and_why(machine: Machine) -> None:
    machine.does("throttle", PROVIDER, *BY)
    head = machine.status()["journal"]
    machine.gateway.kill()
    said = machine.does("journal", "--ocn", PROVIDER)
    assert f"throttle {PROVIDER}  by operator\n       flood since noon\n" in said
    entries = [json.loads(line) for line in machine.does("journal", "--json").splitlines()]
    assert [entry["entry"] for entry in entries] == list(range(1, len(entries) + 1))
    assert (entries[0]["kind"], entries[0]["body"]["step"], entries[0]["who"]) == ("step", "throttle", "operator")
    assert "3 entries, all as they were written" in machine.does("journal", "verify", "--head", head)
    lost = machine.gateway.told("journal", "verify", "--head", f"99:{'0' * 64}")
    assert lost.exit_code == 1
    assert "that the head noted earlier counts are gone" in lost.stderr
    wrong = machine.gateway.told("journal", "verify", "--head", "99")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("--head: '99' is no head of a journal")


def test_the_status_shows_people_what_needs_them_and_how_everything_stands(machine: Machine) -> None:
    machine.does("discontinue", PROVIDER, "--scope", "provider", *BY)
    lines = machine.does("status").splitlines()
    assert lines[0].startswith("tollgate ")
    (row,) = (line for line in lines if line.split()[:1] == [PROVIDER])
    assert "discontinued" in row
    assert row.endswith("its traffic is refused")
    assert max(map(len, lines)) <= 132
    assert all("\x1b" not in line for line in lines)  # no terminal, no colours


def test_a_step_for_another_state_and_a_key_of_another_step_are_refused(machine: Machine) -> None:
    machine.does("throttle", PROVIDER, *BY, "--key", "k-1")
    late = machine.gateway.told("release", PROVIDER, *BY, "--expect", "normal")
    assert (late.exit_code, late.stdout) == (1, "")
    assert late.stderr == (
        f"the gateway refused: {PROVIDER} is throttled, not normal: look again before you take the step\n"
    )
    other = machine.gateway.told("release", PROVIDER, *BY, "--key", "k-1")
    assert other.exit_code == 1
    assert other.stderr.startswith("the gateway refused: the idempotency key belongs to another request")
    nobody = machine.gateway.told("approve", "7", *BY)
    assert nobody.exit_code == 1
    assert nobody.stderr == "the gateway refused: 7 is not a recommendation that waits; there are: none\n"
