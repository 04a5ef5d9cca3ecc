"""Records the captures that ship with the product: `python -m sim.record_captures captures`.

Each is a folder with the run's packets, the configuration and journal of the gateway that decided them, and the
verdicts expected, so that `tollgate audit` can be held against it. Ports, tags and times differ from one recording to
the next; the verdicts don't.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from sim.act import Result
from sim.cast import configuration_text
from sim.laboratory import CONFIGURATION, JOURNAL, Lab, opened
from sim.observation import DecisionSeen
from sim.packets import write_capture
from sim.scenario import FOLDER, Scenario, load
from sim.ss7.cast import CONNECTING, LINKS

CAPTURE: Final = "run.pcap"
EXPECTED: Final = "expected.json"
TABLES: Final = Path("../../sim/missouri")
"""The numbering guide, seen from a capture's folder in the repository."""

RECORDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "integrity-and-footprint": (
        "an-honest-call-from-a-provider-passes",
        "an-honest-call-to-a-provider-passes",
        "CPN-altered-by-the-partner",
        "CPN-missing",
        "CPN-restricted-is-still-there-and-passes",
        "called-number-altered",
        "PAI-and-From-at-odds",
        "CPN-on-a-code-of-another-carrier",
        "destination-outside-the-footprint-of-the-switch",
        "a-number-ported-away-is-judged-by-its-LRN",
        "a-number-ported-in-is-judged-by-its-LRN",
        "provider-not-confirmed",
        "on-a-group-in-monitor-mode-a-violation-goes-on",
    ),
    "discontinuance": (
        "a-provider-cut-over-is-accepted-only-on-its-own-trunk-group",
        "calls-to-a-provider-cut-over-take-its-own-trunk-group",
        "established-calls-survive-a-cut-over",
        "911-during-discontinuance",
    ),
}


class RecordingFailed(Exception):
    """A scenario did not come out as its file expects: nothing was recorded of it."""


async def record(slugs: Sequence[str], folder: Path) -> None:
    """Play scenarios and write their capture with all that its audit needs. Raises `RecordingFailed`."""
    scenarios = [load(FOLDER / f"{slug}.toml") for slug in slugs]
    with tempfile.TemporaryDirectory(prefix="tollgate-lab-") as temporary:
        async with opened(Path(temporary), operations_port=0) as lab:
            results = [await lab.stage.play(scenario) for scenario in scenarios]
        _complain(results)
        write_capture(folder / CAPTURE, lab.packets())
        (folder / CONFIGURATION).write_text(_configuration(lab), "utf-8")
        (folder / EXPECTED).write_text(json.dumps(expected(scenarios, lab.live.by_call_id), indent=1) + "\n", "utf-8")
        _copy_journal(Path(temporary) / JOURNAL, folder / JOURNAL)


def _copy_journal(journal: Path, copy: Path) -> None:
    """The journal without write-ahead logging, so that reading it makes no files beside it."""
    copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))


def _complain(results: Sequence[Result]) -> None:
    for result in results:
        if not result.agrees:
            raise RecordingFailed(f"{result.name}: {'; '.join(result.why)}")


def _configuration(lab: Lab) -> str:
    sip_port = lab.configuration.listen[0].port
    _, operations_port = lab.configuration.operations_listen
    addresses = {link.name: link.address for link in lab.configuration.links}
    listening = {name: addresses[LINKS[name]] for name in CONNECTING}
    return configuration_text(
        lab.cast, sip_port=sip_port, operations_port=operations_port, listening=listening, tables=TABLES
    )


def expected(scenarios: Sequence[Scenario], decisions: Mapping[str, DecisionSeen]) -> dict[str, object]:
    """What must come of the capture's audit: the scenarios played, and the decision on every call."""
    return {
        "scenarios": [{"name": s.name, "expected": s.expect.text, "clause": s.expect.shown_clause} for s in scenarios],
        "calls": {call_id: described(decision) for call_id, decision in decisions.items()},
    }


def described(decision: DecisionSeen) -> dict[str, object]:
    """A decision as the document has it."""
    refused_by = decision.refused_by
    return {
        "outcome": decision.outcome,
        "trunk_group": decision.trunk_group,
        "refused_by": None if refused_by is None else [refused_by.check, refused_by.verdict, refused_by.clause],
        "findings": {finding.check: finding.verdict for finding in decision.findings},
    }


def main() -> int:
    """Record every capture below the folder given."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m sim.record_captures FOLDER\n")
        return 2
    for name, slugs in RECORDINGS.items():
        folder = Path(sys.argv[1]) / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            asyncio.run(record(slugs, folder))
        except (RecordingFailed, OSError) as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 1
        sys.stdout.write(f"{folder / CAPTURE}: {len(slugs)} scenarios\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
