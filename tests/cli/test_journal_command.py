"""The journal as people read it, entry by entry, and what is said where there is none."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from processes import EXAMPLE, environment, free_address
from typer.testing import CliRunner

from gateway.cli import app
from gateway.records.journal import JOURNAL_FILE, Kind, NewEntry, OperatorJournal

AT_US = 1_768_485_600_000_000


def alert(kind: str, name: str) -> dict[str, Any]:
    return {"subject": {"kind": kind, "name": name}}


def delivery(state: str, reason: str) -> dict[str, Any]:
    return {"id": "notice-4-ab", "notice": 4, "channel": "webhook", "state": state, "reason": reason}


def journal(state: Path, *arguments: str) -> Result:
    address = free_address(socket.SOCK_STREAM)
    return CliRunner().invoke(
        app, ["journal", *arguments, "--config", str(EXAMPLE)], env=environment(state, address, address)
    )


def write(state: Path, *entries: NewEntry) -> None:
    with closing(OperatorJournal(state / JOURNAL_FILE)) as written:
        for entry in entries:
            written.append(entry)


@pytest.mark.parametrize(
    ("kind", "subject", "body", "shown"),
    [
        (Kind.ALERT, "XV02", alert("provider", "XV02"), "alert on provider XV02  by tollgate"),
        (Kind.ALERT, "rb-1", alert("trunk group", "rb-1"), "alert on trunk group rb-1  by tollgate"),
        (Kind.ALERT, "XV02", alert("trunk group", "rb-1"), "alert on trunk group rb-1, by XV02  by tollgate"),
        (Kind.DELIVERY, "XV02", delivery("delivered", ""), "delivery of notice 4 by webhook: delivered  by tollgate"),
        (
            *(Kind.DELIVERY, "XV02", delivery("failed", "it was answered 404")),
            "delivery of notice 4 by webhook: failed, it was answered 404  by tollgate",
        ),
    ],
)
def test_an_entry_says_whom_it_is_about_and_what_came_of_it(
    tmp_path: Path, kind: Kind, subject: str, body: dict[str, Any], shown: str
) -> None:
    write(tmp_path, NewEntry(AT_US, kind, subject, body, "tollgate", "why"))
    assert journal(tmp_path).stdout.splitlines()[0] == f"    1  2026-01-15 14:00:00Z  {shown}"


@pytest.mark.parametrize(
    ("written", "arguments", "said"),
    [
        (False, (), "no entries\n"),
        (True, ("--ocn", "XV99"), "no entries about XV99\n"),
        (True, ("--ocn", "XV99", "--json"), ""),
    ],
)
def test_where_there_is_nothing_to_show_that_is_said(
    tmp_path: Path, *, written: bool, arguments: tuple[str, ...], said: str
) -> None:
    entry = NewEntry(AT_US, Kind.ALERT, "XV02", alert("provider", "XV02"), "tollgate", "why")
    write(tmp_path, *([entry] if written else []))
    done = journal(tmp_path, *arguments)
    assert (done.exit_code, done.stdout) == (0, said)


def test_without_a_journal_it_is_said_which_option_names_it(tmp_path: Path) -> None:
    done = journal(tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "give with --config the file of a gateway that ran" in done.stderr


def test_one_fault_is_one(tmp_path: Path) -> None:
    write(tmp_path, NewEntry(AT_US, Kind.ALERT, "XV02", alert("provider", "XV02"), "tollgate", "why"))
    done = journal(tmp_path, "verify", "--head", f"99:{'0' * 64}")
    assert done.exit_code == 1
    assert "1 fault in 1 entry;" in done.stdout
