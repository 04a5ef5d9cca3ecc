"""Records the captures that ship with the product: `python -m sim.record_captures captures`, or some of them by name.

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
from sim.gateway_file import configuration_text
from sim.laboratory import CONFIGURATION, JOURNAL, Lab, opened
from sim.observation import DecisionSeen
from sim.packets import write_capture
from sim.scenario import FOLDER, load
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
        "a-throttled-provider-is-held-to-its-throttled-limit",
        "a-provider-discontinued-is-refused-on-every-trunk-group",
        "calls-to-a-provider-discontinued-are-refused",
        "all-traffic-of-a-partner-discontinued-is-refused",
        "calls-to-a-partner-discontinued-are-refused",
        "a-provider-discontinued-is-refused-on-circuits",
        "calls-are-ended-when-their-time-to-drain-is-over",
        "a-discontinuance-by-force-ends-calls-on-circuits",
        "a-provider-once-discontinued-comes-only-on-its-own-trunk-group",
        "911-while-all-traffic-of-a-partner-is-discontinued",
    ),
    "ansi-isup": (
        "a-call-between-circuits-passes-unaltered",
        "a-restricted-number-between-circuits-stays-restricted",
        "a-ported-number-between-circuits-keeps-its-dialled-digits",
        "a-diverted-call-between-circuits-keeps-its-diverting-numbers",
        "a-host-switch-on-ISUP-calls-a-provider-on-circuits",
        "a-busy-line-between-circuits-is-told-to-the-caller",
        "CPN-missing-from-circuits-to-circuits",
        "CPN-of-a-switch-from-circuits-to-circuits",
        "presentation-altered-from-circuits-to-circuits",
        "charge-number-of-a-switch-from-circuits-to-circuits",
        "called-number-overwritten-by-its-LRN-from-circuits-to-circuits",
        "diverting-number-altered-from-circuits-to-circuits",
        "JIP-of-another-switch-from-circuits-to-circuits",
        "JIP-lost-from-circuits-to-circuits",
        "CPN-altered-by-the-tandem-is-seen-by-a-witness",
        "charge-number-stripped-by-the-tandem-is-seen-by-a-witness",
        "screening-raised-by-the-tandem-is-seen-by-a-witness",
        "presentation-cleared-by-the-tandem-is-seen-by-a-witness",
        "hops-added-by-the-tandem-are-seen-by-a-witness",
        "M-bit-cleared-by-the-tandem-is-seen-by-a-witness",
        "destination-outside-the-footprint-from-circuits-to-circuits",
        "a-provider-cut-over-takes-circuits-of-its-own",
        "a-reset-of-circuits-as-a-group-clears-the-calls-on-them",
        "two-seizures-of-one-circuit-where-the-gateway-gives-way",
        "a-call-of-the-ITU-edition-reaches-a-switch-of-the-ANSI-edition",
    ),
    "circuits-and-sip": (
        "a-call-on-circuits-reaches-a-switch-on-SIP",
        "a-restricted-number-on-circuits-reaches-SIP-with-its-privacy",
        "a-ported-number-on-circuits-reaches-SIP-with-its-LRN",
        "a-call-over-SIP-reaches-a-switch-on-ISUP",
        "a-restricted-number-over-SIP-is-restricted-in-the-IAM",
        "a-ported-number-over-SIP-becomes-LRN-and-generic-address",
        "a-busy-line-on-SIP-is-a-cause-on-circuits",
        "a-busy-line-on-circuits-is-486-over-SIP",
        "CPN-missing-from-circuits-to-SIP",
        "CPN-altered-from-SIP-to-circuits",
        "911-from-a-provider-not-confirmed-on-circuits",
        "a-call-of-the-ITU-edition-reaches-a-switch-on-SIP",
    ),
    "sip-i": (
        "an-ISUP-body-that-agrees-with-the-headers-passes",
        "an-ISUP-body-with-another-calling-number-than-the-headers",
        "an-ISUP-body-with-another-presentation-than-the-headers",
        "an-ISUP-body-with-another-called-number-than-the-headers",
        "an-ISUP-body-that-contradicts-the-headers-seizes-no-circuit",
        "a-call-on-circuits-leaves-as-SIP-I-where-the-far-end-takes-it",
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
        (folder / EXPECTED).write_text(json.dumps(expected(results, lab.live.by_call_id), indent=1) + "\n", "utf-8")
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


def expected(results: Sequence[Result], decisions: Mapping[str, DecisionSeen]) -> dict[str, object]:
    """What must come of the capture's audit: the scenarios played, the decision on every call, and what the audit must
    find between the legs of those calls where a carrier is to be caught.
    """
    played = [result.scenario for result in results]
    witnessed = {result.call_id: result.scenario.expect.between_legs for result in results}
    return {
        "scenarios": [{"name": s.name, "expected": s.expect.text, "clause": s.expect.shown_clause} for s in played],
        "calls": {call_id: described(decision) for call_id, decision in decisions.items()},
        "between_legs": {call_id: verdict for call_id, verdict in witnessed.items() if call_id and verdict},
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
    """Record captures below the folder given: those named, else every one."""
    names = sys.argv[2:] or list(RECORDINGS)
    if len(sys.argv) < 2 or not set(names) <= set(RECORDINGS):
        sys.stderr.write(f"usage: python -m sim.record_captures FOLDER [{' | '.join(RECORDINGS)} ...]\n")
        return 2
    for name in names:
        folder = Path(sys.argv[1]) / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            asyncio.run(record(RECORDINGS[name], folder))
        except (RecordingFailed, OSError) as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 1
        sys.stdout.write(f"{folder / CAPTURE}: {len(RECORDINGS[name])} scenarios\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
