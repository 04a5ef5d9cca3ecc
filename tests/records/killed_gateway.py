"""What a gateway does about a denial of service, and a process that is killed while it does it.

Run as a script, it forks: child number N does the whole of it in the folder N, and is killed (SIGKILL) at the Nth point
at which it is about to do something to a file or to run a statement of SQLite. It ends with the first child that gets
through, and prints how many were killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service import Scope, StandingBook, Step, StepKind
from gateway.interconnection.notices import Notice, NoticeMaker, Taken
from gateway.operations.notice_delivery import FolderChannel
from gateway.records.evidence import EvidenceStore
from gateway.records.journal import JOURNAL_FILE, Entry, OperatorJournal
from gateway.records.outbox import Outbox

AT_US = 1_900_000_000_000_000
CARRIERS = CarrierBook(
    [
        Carrier(Ocn("XH01"), "Riverbend", CarrierKind.HOST),
        Carrier(Ocn("XP01"), "Clearline", CarrierKind.PARTNER),
        Carrier(Ocn("XV01"), "Flood VoIP", CarrierKind.PROVIDER, partner=Ocn("XP01")),
    ]
)
THROTTLE = Step(AT_US, Ocn("XV01"), StepKind.THROTTLE, "operator", "flood")
RECOMMENDED = Step(AT_US + 1, Ocn("XV01"), StepKind.DISCONTINUE, "tollgate", "it goes on", Scope.PROVIDER)
DISCONTINUE = Step(AT_US + 2, Ocn("XV01"), StepKind.DISCONTINUE, "operator", "it goes on", Scope.PROVIDER, approves=3)
ENTRIES = ["step", "notice", "recommendation", "step", "notice", "delivery", "delivery"]
"""What the journal holds in the end."""
AS_A_WHOLE = [0, 2, 3, 5, 6, 7]
"""Entries that it may hold when the process is killed: a step and its notice are one."""
MOST_POINTS = 1_000


def act(folder: Path) -> None:
    """Do what is not done yet: throttle, recommend, discontinue with evidence, deliver the notices."""
    journal = OperatorJournal(folder / JOURNAL_FILE)
    take(journal, THROTTLE, "K-1", None)
    if not journal.of_kind("recommendation"):
        journal.append_recommendation(RECOMMENDED, decide_by_us=AT_US + 300_000_000)
    if journal.by_key("K-2") is None:
        bundle = EvidenceStore(folder).write("20300317-XV01", {"figures": {"per_s": 400}}, packets=packets)
        take(journal, DISCONTINUE, "K-2", bundle.reference())
    outbox, channel = Outbox(journal), FolderChannel(folder / "notices")
    for delivery in outbox.due("folder", AT_US):
        asyncio.run(channel.deliver(delivery.notice))
        outbox.delivered(delivery, AT_US)
    journal.close()


def take(journal: OperatorJournal, step: Step, key: str, evidence: dict[str, object] | None) -> None:
    if journal.by_key(key) is not None:
        return
    book = StandingBook(CARRIERS, journal.steps().standings)
    before = book.standing_of(step.ocn, step.at_us)
    book.add(step)
    after = book.standing_of(step.ocn, step.at_us)

    def notices_of(entry: Entry) -> Iterable[Notice]:
        taken = Taken(step, entry.sequence, entry.hash, before, after, None)
        return NoticeMaker(CARRIERS, {Ocn("XP01"): "am@clearline.example"}, ("folder",)).notices_of(taken)

    journal.append_step(
        step, key=key, request="d1ge57", answer={"state": after.state.value}, evidence=evidence, notices=notices_of
    )


def packets(stream: BinaryIO) -> None:
    stream.write(b"packets")


class Killer:
    """Kills this process at a point; points are counted from 0."""

    def __init__(self, point: int, folder: Path) -> None:
        self._left = point
        self._folder = str(folder)
        self._connect = sqlite3.connect

    def install(self) -> None:
        """Stand before what is done to files (audit hooks, PEP 578) and before each statement of SQLite, for good."""
        sys.addaudithook(self._audited)
        sqlite3.connect = self._connected  # type: ignore[assignment]

    def _audited(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _TO_FILES and str(arguments[0]).startswith(self._folder):
            self._pass_point(event)

    def _connected(self, *arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = self._connect(*arguments, **options)
        connection.set_trace_callback(self._pass_point)
        return connection

    def _pass_point(self, _: str) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


_TO_FILES = frozenset({"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "sqlite3.connect"})


def main(root: Path) -> None:
    for point in range(MOST_POINTS):
        folder = root / str(point)
        folder.mkdir()
        child = os.fork()
        if child == 0:
            Killer(point, folder).install()
            act(folder)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status):
                sys.exit(f"child {point} failed by itself")
            sys.stdout.write(f"{point}\n")
            return
    sys.exit("no child got through")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
