"""`tollgate journal`: what was done, by whom and why; and whether it is still what was written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.faults import ConfigOption, Exit, configuration_of, fail, with_faults_said

if TYPE_CHECKING:
    from gateway.records.journal import Entry

journal = typer.Typer(
    help="Read the journal of steps, or check that nobody changed it. A gateway may run, and need not.",
    invoke_without_command=True,
    no_args_is_help=False,
)

_OptionalConfig = Annotated[Path | None, typer.Option("--config", "-c", help="The configuration file (TOML).")]


@journal.callback()
def show(
    context: typer.Context,
    config: _OptionalConfig = None,
    ocn: Annotated[str | None, typer.Option(help="What is about this OCN, or trunk group, alone.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one entry a line, for machines.")] = False,
) -> None:
    """Show the journal: what was done, when, by whom and why."""
    from gateway.records.journal import JOURNAL_FILE, read_entries

    if context.invoked_subcommand is not None:
        return
    if config is None:
        fail(Exit.USAGE, "say which journal: --config FILE of its gateway")
    file = configuration_of(config).state_folder / JOURNAL_FILE

    def read() -> None:
        found = False
        for entry in read_entries(file, ocn):
            found = True
            if json_output:
                typer.echo(json.dumps(_document(entry), separators=(",", ":")))
            else:
                for line in _lines(entry):
                    typer.echo(line)
        if not (found or json_output):
            typer.echo(f"no entries about {_plain(ocn)}" if ocn is not None else "no entries")

    with_faults_said(read)


@journal.command()
def verify(
    config: ConfigOption,
    head: Annotated[
        str | None,
        typer.Option(metavar="SEQUENCE:HASH", help="A head noted earlier, as /status, notices and evidence carry it."),
    ] = None,
) -> None:
    """Check every entry against its hash, all against a head noted earlier, and the bundles of evidence against the
    digests in their entries; exit 1 if anything was changed.
    """
    from gateway.records.journal import JOURNAL_FILE, Head
    from gateway.records.journal_verification import verify_journal

    folder = configuration_of(config).state_folder
    file = folder / JOURNAL_FILE
    expected = None
    if head is not None:
        try:
            expected = Head.parse(head)
        except ValueError as error:
            fail(Exit.USAGE, f"--head: {error}")
    code = Exit.CLEAN

    def check() -> None:
        nonlocal code
        found = verify_journal(file, expected)
        for fault in found.faults:
            typer.echo(f"{file}: {fault}", err=True)
        code = Exit.VIOLATIONS if found.faults else Exit.CLEAN
        entries = "1 entry" if found.count == 1 else f"{found.count} entries"
        said = f"{_faults(found.faults)} in {entries}" if found.faults else f"{entries}, all as they were written"
        typer.echo(f"{file}: {said}; head {found.head}")
        if not found.faults and expected is None:
            typer.echo("an end that was cut off shows only beside a head noted earlier: give one with --head")
        if _check_evidence(file, folder):
            code = Exit.VIOLATIONS

    with_faults_said(check)
    raise typer.Exit(int(code))


def _check_evidence(file: Path, state_folder: Path) -> bool:
    """Say what is wrong with the bundles of evidence, and whether anything is."""
    from gateway.records.database import DatabaseFileError
    from gateway.records.evidence import EVIDENCE_FOLDER, verify_evidence

    try:
        found = verify_evidence(file, state_folder)
    except DatabaseFileError as error:
        typer.echo(f"{error}; the evidence cannot be checked", err=True)
        return True
    for fault in found.faults:
        typer.echo(fault, err=True)
    if found.kept or found.missing:
        said = _faults(found.faults) if found.faults else "as they were written"
        bundles = "1 bundle" if found.kept == 1 else f"{found.kept} bundles"
        typer.echo(f"{state_folder / EVIDENCE_FOLDER}: {bundles}, {said}")
    if found.missing:
        typer.echo(f"not there any more: {', '.join(found.missing)}")
    return bool(found.faults)


def _faults(faults: Sequence[str]) -> str:
    return "1 fault" if len(faults) == 1 else f"{len(faults)} faults"


def _lines(entry: Entry) -> Iterator[str]:
    """An entry for people: what, about whom, by whom; below it why."""
    at = datetime.fromtimestamp(entry.at_us / 1e6, UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    yield _plain(f"{entry.sequence:>5}  {at}Z  {_what(entry)}  by {entry.who}")
    if entry.kind not in ("notice", "delivery"):
        yield _plain(f"       {entry.why}")


def _what(entry: Entry) -> str:
    body = entry.body
    match entry.kind:
        case "step" | "recommendation":
            more = [str(body[name]) for name in ("scope", "trunk_group") if body.get(name) is not None]
            step = f"{body.get('step')} {entry.subject}{', ' if more else ''}{', '.join(more)}"
            return step if entry.kind == "step" else f"recommends: {step}"
        case "blocking":
            return f"{'blocks' if body.get('blocked') else 'opens'} {entry.subject}"
        case "dismissal":
            return f"dismisses recommendation {body.get('dismisses')} about {entry.subject}"
        case "lapse":
            return f"what was declined about {entry.subject} is over"
        case "notice":
            return f"notice to {body.get('recipient')}: {body.get('subject')}"
        case "delivery":
            reason = f", {body.get('reason')}" if body.get("reason") else ""
            return f"delivery of notice {body.get('notice')} by {body.get('channel')}: {body.get('state')}{reason}"
        case "alert":
            return f"alert on {_alerted(entry)}"
        case _:
            return f"{entry.kind} {entry.subject}"


def _alerted(entry: Entry) -> str:
    """Whom an alert is about, and whose doing it is: ``trunk group riverbend-wentzville, by XV02``."""
    subject = entry.body.get("subject")
    if not isinstance(subject, dict):
        return entry.subject
    on = f"{subject.get('kind')} {subject.get('name')}"
    return on if subject.get("name") == entry.subject else f"{on}, by {entry.subject}"


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def _document(entry: Entry) -> dict[str, Any]:
    from gateway.wiring.journal_status import entry_status

    return entry_status(entry)
