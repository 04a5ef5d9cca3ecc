"""Who is told of every call: what counts those that are up, and what writes them down."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from gateway.records.call_records import CallRecorder
from gateway.signalling.call import Call

LOG = logging.getLogger("tollgate.calls")


class CallsInProgress:
    """Observes calls: how many are up, and when the last one is over."""

    def __init__(self) -> None:
        self.total = 0
        self.idle: Final = asyncio.Event()
        self.idle.set()

    def decided(self, call: Call) -> None:
        if call.decision.egress is not None:
            self._count(1)

    def progressed(self, call: Call) -> None:
        """Nothing changes."""

    def ended(self, call: Call) -> None:
        if call.decision.egress is not None:
            self._count(-1)

    def _count(self, change: int) -> None:
        self.total += change
        if self.total:
            self.idle.clear()
        else:
            self.idle.set()


class EmergencyLog:
    """Observes calls: an emergency call is a line in the log (L10), without the caller's number."""

    def decided(self, call: Call) -> None:
        if call.decision.emergency:
            ingress, egress = call.attempt.ingress, call.decision.egress
            LOG.warning(
                "emergency call %s on trunk group %s goes to %s",
                *(call.attempt.call_id, ingress.name if ingress else "none", egress.name if egress else "nobody"),
            )

    def progressed(self, call: Call) -> None:
        """Nothing to say."""

    def ended(self, call: Call) -> None:
        """As above."""


class RecordKeeping:
    """Observes calls: each goes into the records when it ends."""

    def __init__(self, recorder: CallRecorder) -> None:
        self.ended: Final = recorder.record

    def decided(self, call: Call) -> None:
        """Nothing is written before the end."""

    def progressed(self, call: Call) -> None:
        """As above."""
