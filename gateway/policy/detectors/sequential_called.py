"""Calls to one number after the other: wardialling (L8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.contracts import NOTHING_AGREED, Contracts
from gateway.policy.detectors.counting import over_partners
from gateway.policy.detectors.detector import Detection
from gateway.policy.detectors.sequences import Sequences, SequenceSettings
from gateway.policy.verdict import Decision


class SequentialCalled:
    """Follows the called numbers of call attempts on partners' trunk groups."""

    name: Final = "sequential_called"
    clause: Final = "L8"

    def __init__(self, settings: SequenceSettings, contracts: Contracts = NOTHING_AGREED) -> None:
        self._sequences: Final = Sequences(self.name, "called numbers", settings, contracts)

    def decided(self, attempt: CallAttempt, decision: Decision) -> None:  # noqa: ARG002 - refused or not
        number = attempt.called.number
        if number is not None and over_partners(attempt):
            self._sequences.add(number, attempt)

    def judge(self, at_us: int) -> Iterable[Detection]:
        return self._sequences.judge(at_us)
