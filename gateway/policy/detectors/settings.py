"""The settings of all detectors, and the detectors that they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gateway.policy.detectors.asr_acd import AsrAcd, AsrAcdSettings
from gateway.policy.detectors.calling_share import CallingShare, CallingShareSettings
from gateway.policy.detectors.calls_in_progress import CallsInProgress, CallsInProgressSettings
from gateway.policy.detectors.contracts import Contracts
from gateway.policy.detectors.detector import Detector
from gateway.policy.detectors.emergency_flood import EmergencyFlood, EmergencyFloodSettings
from gateway.policy.detectors.invite_flood import InviteFlood, InviteFloodSettings
from gateway.policy.detectors.malformed_datagrams import MalformedDatagrams
from gateway.policy.detectors.options_flood import OptionsFlood
from gateway.policy.detectors.register_flood import RegisterFlood
from gateway.policy.detectors.retransmission_storm import RetransmissionStorm
from gateway.policy.detectors.sequences import SequenceSettings
from gateway.policy.detectors.sequential_called import SequentialCalled
from gateway.policy.detectors.sequential_calling import SequentialCalling
from gateway.policy.detectors.short_calls import ShortCalls, ShortCallsSettings
from gateway.policy.detectors.source_rate import SourceRateSettings
from gateway.policy.detectors.stranger_flood import StrangerFlood
from gateway.policy.detectors.stray_messages import StrayMessages

CLEAR_AFTER_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """Thresholds. Neither agreement states any, so that all are settings (L8)."""

    clear_after_s: float = CLEAR_AFTER_S
    """Seconds for which something must not be seen before its alert is cleared."""
    invite_flood: InviteFloodSettings = field(default_factory=InviteFloodSettings)
    register_flood: SourceRateSettings = field(default_factory=SourceRateSettings)
    options_flood: SourceRateSettings = field(default_factory=SourceRateSettings)
    malformed_datagrams: SourceRateSettings = field(default_factory=SourceRateSettings)
    stray_messages: SourceRateSettings = field(default_factory=SourceRateSettings)
    stranger_flood: SourceRateSettings = field(default_factory=SourceRateSettings)
    retransmission_storm: SourceRateSettings = field(default_factory=SourceRateSettings)
    short_calls: ShortCallsSettings = field(default_factory=ShortCallsSettings)
    asr_acd: AsrAcdSettings = field(default_factory=AsrAcdSettings)
    calling_share: CallingShareSettings = field(default_factory=CallingShareSettings)
    sequential_calling: SequenceSettings = field(default_factory=SequenceSettings)
    sequential_called: SequenceSettings = field(default_factory=SequenceSettings)
    calls_in_progress: CallsInProgressSettings = field(default_factory=CallsInProgressSettings)
    emergency_flood: EmergencyFloodSettings = field(default_factory=EmergencyFloodSettings)


def all_detectors(settings: DetectorSettings, contracts: Contracts) -> tuple[Detector, ...]:
    """Every detector that is enabled."""
    made: tuple[tuple[bool, Detector], ...] = (
        (settings.invite_flood.enabled, InviteFlood(settings.invite_flood, contracts)),
        (settings.register_flood.enabled, RegisterFlood(settings.register_flood)),
        (settings.options_flood.enabled, OptionsFlood(settings.options_flood)),
        (settings.malformed_datagrams.enabled, MalformedDatagrams(settings.malformed_datagrams)),
        (settings.stray_messages.enabled, StrayMessages(settings.stray_messages)),
        (settings.stranger_flood.enabled, StrangerFlood(settings.stranger_flood)),
        (settings.retransmission_storm.enabled, RetransmissionStorm(settings.retransmission_storm)),
        (settings.short_calls.enabled, ShortCalls(settings.short_calls, contracts)),
        (settings.asr_acd.enabled, AsrAcd(settings.asr_acd, contracts)),
        (settings.calling_share.enabled, CallingShare(settings.calling_share, contracts)),
        (settings.sequential_calling.enabled, SequentialCalling(settings.sequential_calling, contracts)),
        (settings.sequential_called.enabled, SequentialCalled(settings.sequential_called, contracts)),
        (settings.calls_in_progress.enabled, CallsInProgress(settings.calls_in_progress, contracts)),
        (settings.emergency_flood.enabled, EmergencyFlood(settings.emergency_flood)),
    )
    return tuple(detector for enabled, detector in made if enabled)
