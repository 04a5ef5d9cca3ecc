"""Putting together what speaks for a step: detections, calls, and the messages that came (L8)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from gateway.capture.pcapng_writer import write_pcapng
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import StepKind
from gateway.operations.configuration import Configuration
from gateway.policy.detectors.detector import Detection, SubjectKind
from gateway.policy.watch import Alert
from gateway.records.call_records import RECORDS_FILE
from gateway.records.call_rows import CallRecord, mask_text
from gateway.records.database import DatabaseFileError
from gateway.records.evidence import EVIDENCE_FOLDER, EvidenceStore, calls_of
from gateway.records.journal import Entry, Kind, OperatorJournal
from gateway.signalling.seen_message import SeenMessage
from gateway.transport.flight_recorder import FlightRecorder
from gateway.wiring.status import timestamp

LOG = logging.getLogger("tollgate")

_T = TypeVar("_T")

LOOK_BACK_US: Final = 60_000_000
"""Of a step that no alert calls for."""
LEAD_US: Final = 5_000_000
"""Shown from before what an alert was counted over."""
MOST_BACK_US: Final = 900_000_000
"""Of a recommendation that waited for long before it was approved. What is older is in its own bundle, or past."""
LONGEST_S = 8.0
"""A step waits no longer for its evidence: traffic is to be refused while it floods, and commands wait for 10 s."""
BREATH_S: Final = 0.001
BETWEEN_BREATHS: Final = 16
"""Messages, or calls. Evidence is written while a flood is on: its thread lets go of the interpreter every half a
millisecond or so, where it would otherwise keep the gateway's loop waiting for five at a time."""


class EvidenceTaker:
    """Writes bundles of evidence, beside the gateway's loop."""

    def __init__(self, configuration: Configuration, journal: OperatorJournal, flight: FlightRecorder) -> None:
        settings = configuration.denial_of_service
        self._store: Final = EvidenceStore(configuration.state_folder, settings.evidence_bundles)
        self._records: Final[Path] = configuration.state_folder / RECORDS_FILE
        self._most_bytes: Final = settings.evidence_bytes
        self._mask: Final = configuration.mask_numbers
        self._journal: Final = journal
        self._flight: Final = flight

    async def take(
        self,
        about: Ocn,
        what: str,
        alerts: Sequence[Alert],
        hosts: Collection[str],
        at_us: int,
        *,
        recommended: Entry | None = None,
    ) -> dict[str, Any] | None:
        """What the journal keeps of a bundle on a provider; None, and a line in the log, where it cannot be written.

        `what`: the step that it is for. `hosts`: IP addresses to and from which messages are shown. `recommended`: the
        recommendation that the step follows: what was seen since belongs to it.
        """
        try:
            async with asyncio.timeout(LONGEST_S):
                return await asyncio.to_thread(self._take, about, what, alerts, frozenset(hosts), at_us, recommended)
        except TimeoutError:
            LOG.error(
                "the %s of OCN %s does not wait for its evidence, which is not written after %g s: what comes of it "
                "is in %s, without a digest in the journal",
                *(what, about, LONGEST_S, EVIDENCE_FOLDER),
            )
            return None
        except (DatabaseFileError, OSError) as error:
            LOG.error("no evidence is kept for the %s of OCN %s: %s", what, about, error)
            return None

    def _take(
        self,
        about: Ocn,
        what: str,
        alerts: Sequence[Alert],
        hosts: frozenset[str],
        at_us: int,
        recommended: Entry | None,
    ) -> dict[str, Any]:
        since_us = _since(alerts, at_us, recommended)
        calls = calls_of(self._records, since_us, at_us + 1, about)
        document = {
            "ocn": about,
            "step": what,
            "from": timestamp(since_us),
            "to": timestamp(at_us),
            "detections": [alert_status(alert, mask=self._mask) for alert in alerts],
            "recommendation": _recommendation(recommended),
            "calls": _figures(calls),
            "packets": "none: numbers are masked" if self._mask else "of the last messages held in memory",
            "journal": str(self._journal.head()),
        }

        breathe = _Breather()

        def packets(stream: BinaryIO) -> object:
            held = self._flight.slice(since_us, at_us, lambda message: breathe() and _is_between(message, hosts))
            return write_pcapng(stream, breathe.through(held), self._most_bytes)

        bundle = self._store.write(
            f"{about}-{what}-{at_us // 1_000_000}",
            document,
            calls=breathe.through(calls),
            packets=None if self._mask else packets,
            referred=self._referred(),
        )
        return bundle.reference()

    def _referred(self) -> set[str]:
        """Bundles that are kept: of each discontinuance, of each provider's last throttle, of the recommendations that
        these follow, and of those that are open.

        Whoever floods a little now and then is throttled often, and must not use up the room of what comes after.
        """
        kept = list(self._journal.open_recommendations())
        throttles: dict[str, Entry] = {}
        recommended: dict[int, str] = {}
        last = 0
        while page := self._journal.of_kind(Kind.STEP, Kind.RECOMMENDATION, after=last):
            for entry in page:
                if entry.kind == Kind.RECOMMENDATION:
                    if entry.evidence is not None:
                        recommended[entry.sequence] = str(entry.evidence["id"])
                elif entry.body.get("step") == StepKind.THROTTLE.value:
                    throttles[entry.subject] = entry
                else:
                    kept.append(entry)
            last = page[-1].sequence
        entries = (*kept, *throttles.values())
        followed = {recommended.get(entry.body.get("approves", 0), "") for entry in entries}
        return followed | {str(entry.evidence["id"]) for entry in entries if entry.evidence is not None}


class _Breather:
    """Lets other threads run in between."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self) -> bool:
        """True, at times after a pause."""
        self._count += 1
        if self._count % BETWEEN_BREATHS == 0:
            time.sleep(BREATH_S)
        return True

    def through(self, each: Iterable[_T]) -> Iterator[_T]:
        for one in each:
            self()
            yield one


def _since(alerts: Sequence[Alert], at_us: int, recommended: Entry | None) -> int:
    """The beginning of what a bundle shows."""
    since_us = min((alert.detection.since_us - LEAD_US for alert in alerts), default=at_us - LOOK_BACK_US)
    return min(since_us, max(recommended.at_us, at_us - MOST_BACK_US)) if recommended is not None else since_us


def _recommendation(entry: Entry | None) -> dict[str, Any] | None:
    """Where the bundle of the time before is to be found."""
    return {"entry": entry.sequence, "evidence": (entry.evidence or {}).get("id")} if entry is not None else None


def _is_between(message: SeenMessage, hosts: frozenset[str]) -> bool:
    return message.source[0] in hosts or message.destination[0] in hosts


def _figures(calls: Sequence[CallRecord]) -> dict[str, Any]:
    """What became of the calls that ended: those still up are not recorded yet."""
    refused = Counter(call.refused_by for call in calls if call.refused_by is not None)
    return {
        "ended": len(calls),
        "answered": sum(call.answered_at_us is not None for call in calls),
        "refused_by": dict(refused.most_common()),
    }


def alert_status(alert: Alert, *, mask: bool) -> dict[str, Any]:
    """An alert, as the operations API, the journal and evidence say it; `mask`: no telephone number is shown."""
    detection = alert.detection
    return {
        "number": alert.number,
        "detector": detection.detector,
        "clause": alert.clause,
        "subject": {"kind": detection.subject.kind.value, "name": _subject(detection, mask=mask)},
        "ocn": alert.provider,
        "trunk_group": detection.trunk_group,
        "raised": timestamp(alert.raised_us),
        "seen": timestamp(alert.seen_us),
        "cleared": timestamp(alert.cleared_us) if alert.cleared_us is not None else None,
        "text": mask_text(detection.text) if mask else detection.text,
        "figures": dict(detection.figures),
        "peak": dict(alert.peak.figures),
        "sample_calls": list(detection.sample_calls),
    }


def _subject(detection: Detection, *, mask: bool) -> str:
    is_number = detection.subject.kind is SubjectKind.CALLING_NUMBER
    return mask_text(detection.subject.name) if mask and is_number else detection.subject.name
