"""The commands, each as a process of its own: exit codes, and what a person is told."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum, StrEnum
from pathlib import Path

import pytest
from processes import EXAMPLE, LIMIT_S, LOOPBACK, RunningGateway, environment, free_address, tollgate
from typer.testing import CliRunner

from gateway.cli import Exit, app
from gateway.cli.steps import ScopeWord, StateWord
from gateway.interconnection.denial_of_service import Scope, State
from gateway.interconnection.trunk_groups import Address
from gateway.operations.api_token import TOKEN_FILE

CONFIG = ("--config", str(EXAMPLE))


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    gateway = RunningGateway(tmp_path / "state")
    yield gateway
    gateway.close()


def call_refused(gateway: Address) -> str:
    """The answer to an INVITE from an address of no trunk group."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.bind((LOOPBACK, 0))
        caller.settimeout(LIMIT_S)
        here = f"{LOOPBACK}:{caller.getsockname()[1]}"
        invite = (
            f"INVITE sip:6363270100@{LOOPBACK} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK1\r\n"
            f"From: <sip:3142061100@{here}>;tag=a\r\nTo: <sip:6363270100@{LOOPBACK}>\r\nCall-ID: 1\r\n"
            f"CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        caller.sendto(invite.encode(), gateway)
        return caller.recv(65_535).decode()


def test_a_gateway_takes_commands_while_it_runs_and_says_what_it_wrote_when_it_ends(gateway: RunningGateway) -> None:
    assert f"SIP on udp:{LOOPBACK}:{gateway.sip[1]}, operations on http {LOOPBACK}:{gateway.operations[1]}" in (
        gateway.said
    )
    done = tollgate(
        *("cutover", "XV01", "--to", "riverbend-dedicated", "--why", "flood", "--who", "operator", *CONFIG),
        env=gateway.env,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("XV01 is dedicated on riverbend-dedicated since ")
    assert done.stdout.endswith(" (before: normal); 0 established calls; journal entry 1\n")

    refused = tollgate(*("cutover", "XV02", "--to", "riverbend-dedicated", "--why", "flood", *CONFIG), env=gateway.env)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "the gateway refused: riverbend-dedicated is kept for XV01: nobody else may use it (L8)\n"
    )

    status = tollgate("status", "--json", *CONFIG, env=gateway.env)
    assert status.returncode == 0
    (step,) = json.loads(status.stdout)["steps"]
    assert (step["ocn"], step["trunk_group"], step["who"], step["why"]) == (
        *("XV01", "riverbend-dedicated", "operator", "flood"),
    )

    second = tollgate("run", *CONFIG, env=gateway.env)
    assert second.returncode == 2
    assert second.stderr.splitlines() == [
        f"cannot listen on udp:{LOOPBACK}:{gateway.sip[1]} for SIP: Address already in use; "
        "end what has it, or choose another port"
    ]

    assert call_refused(gateway.sip).startswith("SIP/2.0 403 ")
    assert gateway.stop(signal.SIGTERM) == 0
    assert gateway.said.endswith("stopped: 1 call records written, 0 lost\n")
    assert "draining: calls in progress get 20 s to end" in gateway.said
    assert "Traceback" not in gateway.said


def test_an_operations_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        address = taken.getsockname()
        env = environment(tmp_path / "state", free_address(socket.SOCK_DGRAM), address)
        done = tollgate("run", *CONFIG, env=env)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"cannot listen on {LOOPBACK} port {address[1]}" in done.stderr


def test_the_example_configuration_is_in_order() -> None:
    done = tollgate("check-config", str(EXAMPLE))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{EXAMPLE}: in order; 3 trunk groups, 4 carriers, ")


def test_a_member_that_is_a_name_is_said_to_be_looked_up_and_is_not(tmp_path: Path) -> None:
    text = EXAMPLE.read_text().replace('"127.0.0.1:5080"', '"switch.example"').replace("../", f"{EXAMPLE.parents[1]}/")
    file = tmp_path / "named.toml"
    file.write_text(text + '\n[dns]\nservers = ["192.0.2.53"]\n')
    done = tollgate("check-config", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    said = f"{file}: wentzville: sip:switch.example is a name; a gateway asks DNS servers for it: 192.0.2.53 port 53"
    assert done.stdout.splitlines()[1:] == [said]


def test_a_switch_that_lerg_does_not_know_is_a_fault_before_it_refuses_every_call(tmp_path: Path) -> None:
    text = (EXAMPLE.read_text()).replace("WNVLMOXADS0", "WNVLMOXADS9").replace("../", f"{EXAMPLE.parents[1]}/")
    file = tmp_path / "typo.toml"
    file.write_text(text)
    done = tollgate("check-config", str(file))
    assert done.returncode == 2
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith('switch = "WNVLMOXADS9"')]
    remedy = "WNVLMOXADS9 is in no row of LERG 7; correct the CLLI"
    expected = [f"{file}:{line}: trunk_groups[{place}].switch: {remedy}" for place, line in enumerate(lines)]
    assert done.stderr.splitlines() == expected


def test_a_step_is_wrong_where_no_state_is_expected_that_there_is_and_the_states_are_listed() -> None:
    step = ("throttle", "XV01", "--why", "flood", *CONFIG)
    done = CliRunner().invoke(app, [*step, "--expect", "sleepy"], env={"COLUMNS": "200"})
    assert (done.exit_code, done.stdout) == (2, "")
    for state in State:
        assert f"'{state.value}'" in done.stderr


@pytest.mark.parametrize("step", ["throttle", "approve", "block"])
def test_the_help_of_a_step_says_its_exit_codes_and_the_states(step: str) -> None:
    said = " ".join(CliRunner().invoke(app, [step, "--help"], env={"COLUMNS": "200"}).stdout.split())
    assert "1: the gateway refuses it" in said
    assert ("|".join(state.value for state in State) in said) is (step != "block")


@pytest.mark.parametrize(("words", "names"), [(StateWord, State), (ScopeWord, Scope)])
def test_the_words_of_an_option_are_those_of_the_agreements_machine(words: type[StrEnum], names: type[Enum]) -> None:
    assert [word.value for word in words] == [name.value for name in names]


def test_the_version_is_printed() -> None:
    assert tollgate("--version").stdout.startswith("tollgate ")


def test_each_fault_of_a_configuration_is_a_line_with_file_line_and_key(tmp_path: Path) -> None:
    file = tmp_path / "faulty.toml"
    text = EXAMPLE.read_text()
    text = text.replace('listen = "127.0.0.1:5060"', 'listen = "everywhere"', 1)
    text = text.replace('ocn = "XV02"', 'ocn = "XV"', 1).replace("../sim/missouri", "no-such", 1)
    file.write_text(text)
    done = tollgate("check-config", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    keys = [line.split(": ")[1] for line in done.stderr.splitlines()]
    assert keys == ["gateway.listen", "numbering.lerg", "numbering.ported", "carriers[3].ocn"]
    for line in done.stderr.splitlines():
        place, number = line.split(": ")[0].rsplit(":", 1)
        assert place == str(file)
        assert number.isdigit()


def test_an_internal_error_is_one_line_and_a_traceback_for_who_asks_for_it(tmp_path: Path) -> None:
    faulty = "import gateway.cli as cli; cli.app.command('fail')(lambda: 1 / 0); cli.main()"
    for asked in (False, True):
        env = environment(tmp_path, (LOOPBACK, 1), (LOOPBACK, 1), **({"TOLLGATE_TRACEBACK": "1"} if asked else {}))
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", faulty, "fail"],
            env=env,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == Exit.INTERNAL
        assert done.stderr.splitlines()[-1] == (
            "internal error: ZeroDivisionError: division by zero; please report it, with the output of the same "
            "command run with TOLLGATE_TRACEBACK=1"
        )
        assert ("Traceback" in done.stderr) is asked
        assert (len(done.stderr.splitlines()) == 1) is not asked


# What follows ends before any gateway is reached, so it runs here and not in processes.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cutover"], "Missing argument"),
        (["cutover", "XV01", *CONFIG], "Missing option '--why'"),
        (["cutover", "XV01", "--why", "flood"], "Missing option '--config'"),
        (["cutover", "XV01", "--why", "flood", *CONFIG], "Missing option '--to'"),
        (
            ["cutover", "XV01", "--why", "flood", "--to", "a", "--drain", "5", "--force", *CONFIG],
            "say either --drain SECONDS or --force",
        ),
        (["discontinue", "XV01", "--why", "flood", *CONFIG], "Missing option '--scope'"),
        (["discontinue", "XV01", "--why", "flood", "--scope", "all", *CONFIG], "'all' is not one of"),
        (["approve", "first", "--why", "flood", *CONFIG], "Invalid value for 'number'"),
        (["run"], "Missing option '--config'"),
        (["run", "--drain", "-1", *CONFIG], "Invalid value for '--drain'"),
        (["run", "--config", "no-such.toml"], "no-such.toml: cannot be read: No such file or directory"),
        (["check-config"], "Missing argument"),
        (["status", "--config", "/"], "/: cannot be read: Is a directory"),
        (["audit"], "Missing argument"),
        (["audit", "a.pcap", "--format", "xml"], "--format xml: there is no such format; use table or json"),
        (["no-such-command"], "No such command 'no-such-command'"),
    ],
)
def test_a_command_that_cannot_be_understood_says_why_and_exits_2(arguments: list[str], said: str) -> None:
    result = CliRunner(env={"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}).invoke(app, arguments)
    assert result.exit_code == Exit.USAGE
    assert said in result.stderr
    assert result.stdout == ""


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of a gateway that isn't running."""
    operations = free_address(socket.SOCK_STREAM)
    for name, value in environment(tmp_path, (LOOPBACK, 5060), operations).items():
        if name.startswith("TOLLGATE_"):
            monkeypatch.setenv(name, value)
    return tmp_path


CUTOVER = ["cutover", "XV01", "--to", "riverbend-dedicated", "--why", "flood", *CONFIG]


@pytest.mark.parametrize("command", [CUTOVER, ["status", *CONFIG]])
def test_where_no_gateway_runs_it_is_said_which_address_was_tried(stopped: Path, command: list[str]) -> None:
    (stopped / TOKEN_FILE).write_text("token\n")
    result = CliRunner().invoke(app, command)
    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith(f"no gateway answers on {LOOPBACK}:")
    assert result.stderr.endswith("is it running with this file?\n")


def test_without_a_token_a_cut_over_says_where_it_was_looked_for_and_who_makes_it(stopped: Path) -> None:
    result = CliRunner().invoke(app, CUTOVER)
    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith(f"{stopped / TOKEN_FILE}: No such file or directory; the gateway makes it")
    (stopped / TOKEN_FILE).mkdir()
    assert f"{stopped / TOKEN_FILE}: Is a directory; " in CliRunner().invoke(app, CUTOVER).stderr


@pytest.mark.parametrize("token", [b"\xff\xfe", b"", b"two\nlines", "schlüssel".encode()])
@pytest.mark.parametrize("command", [CUTOVER, ["status", *CONFIG]])
def test_a_file_that_holds_no_token_is_named(stopped: Path, token: bytes, command: list[str]) -> None:
    (stopped / TOKEN_FILE).write_bytes(token)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith(f"{stopped / TOKEN_FILE}: holds no token; ")
