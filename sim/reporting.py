"""What the lab prints: its progress, the table, and the one document for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from sim.act import Result
from sim.attacks.attack_table import attack_documents, attack_lines, attack_table
from sim.attacks.play import AttackResult, Watcher
from sim.results_table import table


class _Bar:
    """A live bar, for a terminal."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=total)

    def started(self, name: str) -> None:
        self._progress.update(self._task, description=escape(name))

    def done(self, name: str, got: str, why: Sequence[str]) -> None:  # noqa: ARG002 - the table has it
        self._progress.advance(self._task)
        if why:
            self._progress.console.print(f"[red]differs[/red]  {escape(name)}", highlight=False)
        for each in why:
            say(self._progress.console, f"{'':9}{each}")


class _Lines:
    """A line for each, for a file or a pipe."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total, self._count = console, total, 0

    def started(self, name: str) -> None:
        """Nothing to say yet."""

    def done(self, name: str, got: str, why: Sequence[str]) -> None:
        self._count += 1
        word = "differs" if why else "agrees "
        say(self._console, f"{self._count:>3}/{self._total}  {word}  {got:<24}  {name}")
        for each in why:
            say(self._console, f"{'':9}{each}")


@contextmanager
def watching(console: Console, total: int) -> Iterator[Watcher]:
    """Shows the progress on `console`: a bar on a terminal, plain lines otherwise."""
    if not console.is_terminal:
        yield _Lines(console, total)
        return
    columns = (SpinnerColumn(), MofNCompleteColumn(), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.description}"), console=console, transient=True) as progress:
        yield _Bar(progress, total)


def consoles(*, json_output: bool) -> tuple[Console, Console]:
    """Where people read the table, and where progress goes: with `json_output` both to standard error."""
    if json_output:
        errors = Console(stderr=True)
        return errors, errors
    out = Console()
    return out, Console(stderr=True) if sys.stderr.isatty() and not out.is_terminal else out


def print_table(console: Console, results: Sequence[Result]) -> None:
    """Mark, expected, got, clause, scenario; right below what differs, why. In a file no line is folded."""
    say(console, "")
    for line in table(results, console.width if console.is_terminal else None):
        style = "bold red" if line.differs else None
        console.print(line.text, style=style, markup=False, highlight=False, soft_wrap=True)
    say(console, "")
    agreeing = sum(result.agrees for result in results)
    say(console, f"{agreeing} of {len(results)} scenarios came out as expected")


def print_links(console: Console, carriers: Mapping[str, str]) -> None:
    """What carried the signalling links."""
    links = ", ".join(f"{name} by {carrier}" for name, carrier in carriers.items())
    note = " (M3UA on TCP is not RFC 4666)" if "tcp" in carriers.values() else ""
    say(console, f"signalling links: {links}{note}")


def print_comparison(console: Console, capture: Path, packets: int, decisions: int, differing: Sequence[str]) -> None:
    """The capture, and whether its audit says the same as the live gateway did."""
    say(console, f"capture: {capture} ({packets} packets)")
    for line in differing[:20]:
        say(console, f"differs: {line}")
    if len(differing) > 20:
        say(console, f"and {len(differing) - 20} more")
    say(console, f"audit of the capture: {decisions - len(differing)} of {decisions} decisions are the same")


def say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def print_attacks(console: Console, results: Sequence[AttackResult]) -> None:
    """The table of the attacks."""
    say(console, "")
    for line in attack_table(results, console.width if console.is_terminal else None):
        style = "bold red" if line.differs else None
        console.print(line.text, style=style, markup=False, highlight=False, soft_wrap=True)
    say(console, "")
    for text in attack_lines(results):
        say(console, text)


def document(
    results: Sequence[Result],
    attacks: Sequence[AttackResult],
    *,
    live_equals_audit: bool,
    links: Mapping[str, str],
) -> str:
    """The one document of `--json`. A scenario that doesn't agree also has `why`; `links` says what carried each."""
    scenarios: list[dict[str, object]] = []
    for result in results:
        entry: dict[str, object] = {"name": result.name, "expected": result.expected, "got": result.got}
        entry |= {"clause": result.clause, "agrees": result.agrees}
        if result.why:
            entry["why"] = list(result.why)
        scenarios.append(entry)
    whole = {"scenarios": scenarios, "attacks": attack_documents(attacks)}
    return json.dumps(whole | {"live_equals_audit": live_equals_audit, "links": links}, indent=2)
