"""What the configuration says of the detectors of denial of service (L8): one table for each, in ``[detectors]``.

A setting is called as in `policy.detectors`, its unit written out: ``hold_s`` is ``hold_seconds``, ``per_s``
``per_second``.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from gateway.operations.configuration_tables import CONVERTING
from gateway.policy.detectors.asr_acd import AsrAcdSettings
from gateway.policy.detectors.calling_share import CallingShareSettings
from gateway.policy.detectors.calls_in_progress import CallsInProgressSettings
from gateway.policy.detectors.emergency_flood import EmergencyFloodSettings
from gateway.policy.detectors.invite_flood import InviteFloodSettings
from gateway.policy.detectors.sequences import SequenceSettings
from gateway.policy.detectors.settings import CLEAR_AFTER_S, DetectorSettings
from gateway.policy.detectors.short_calls import ShortCallsSettings
from gateway.policy.detectors.source_rate import SourceRateSettings

Percent = Annotated[float, Field(ge=0.1, le=99.9)]
Rate = Annotated[float, Field(ge=0.001, le=1_000_000)]
Count = Annotated[int, Field(ge=1, le=10_000_000)]
WindowSeconds = Annotated[float, Field(ge=1, le=86_400)]

_INVITE_FLOOD: Final = InviteFloodSettings()
_SOURCE: Final = SourceRateSettings()
_SHORT: Final = ShortCallsSettings()
_ASR: Final = AsrAcdSettings()
_SHARE: Final = CallingShareSettings()
_SEQUENCE: Final = SequenceSettings()
_IN_PROGRESS: Final = CallsInProgressSettings()
_EMERGENCY: Final = EmergencyFloodSettings()


class _Detector(BaseModel):
    model_config = CONVERTING

    enabled: bool = True

    def values(self) -> dict[str, Any]:
        """The settings under the names that `policy.detectors` has for them."""
        return {_short(key): value for key, value in self.model_dump().items()}


class InviteFloodTable(_Detector):
    multiple: Annotated[float, Field(ge=1, le=1_000)] = _INVITE_FLOOD.multiple
    hold_seconds: Annotated[int, Field(ge=1, le=600)] = _INVITE_FLOOD.hold_s
    minimum_per_second: Rate = _INVITE_FLOOD.minimum_per_s
    cold_per_second: Rate = _INVITE_FLOOD.cold_per_s
    baseline_seconds: Annotated[int, Field(ge=1, le=86_400)] = _INVITE_FLOOD.baseline_s
    warm_up_seconds: Annotated[int, Field(ge=1, le=86_400)] = _INVITE_FLOOD.warm_up_s


class SourceRateTable(_Detector):
    per_second: Rate = _SOURCE.per_s
    window_seconds: WindowSeconds = _SOURCE.window_s


class ShortCallsTable(_Detector):
    longest_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = _SHORT.longest_s
    share_percent: Percent = _SHORT.share_percent
    minimum_answered: Count = _SHORT.minimum_answered
    window_seconds: WindowSeconds = _SHORT.window_s


class AsrAcdTable(_Detector):
    asr_percent: Percent = _ASR.asr_percent
    acd_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = _ASR.acd_s
    minimum_calls: Count = _ASR.minimum_calls
    window_seconds: WindowSeconds = _ASR.window_s


class CallingShareTable(_Detector):
    share_percent: Annotated[float, Field(ge=2, le=99.9)] = _SHARE.share_percent  # its summary tells no less apart
    minimum_calls: Count = _SHARE.minimum_calls
    window_seconds: WindowSeconds = _SHARE.window_s


class SequenceTable(_Detector):
    run: Annotated[int, Field(ge=2, le=900)] = _SEQUENCE.run  # a sequence lies within a thousand numbers
    step: Annotated[int, Field(ge=1, le=50)] = _SEQUENCE.step
    gap_seconds: WindowSeconds = _SEQUENCE.gap_s


class CallsInProgressTable(_Detector):
    share_percent: Percent = _IN_PROGRESS.share_percent
    most: Count = _IN_PROGRESS.most
    hold_seconds: Annotated[float, Field(ge=0, le=86_400)] = _IN_PROGRESS.hold_s


class EmergencyFloodTable(_Detector):
    calls: Count = _EMERGENCY.calls
    window_seconds: WindowSeconds = _EMERGENCY.window_s


class DetectorsSection(BaseModel):
    """Thresholds of the detectors. Neither agreement states any."""

    model_config = CONVERTING

    clear_after_seconds: Annotated[float, Field(ge=1, le=86_400)] = CLEAR_AFTER_S
    invite_flood: InviteFloodTable = InviteFloodTable()
    register_flood: SourceRateTable = SourceRateTable()
    options_flood: SourceRateTable = SourceRateTable()
    malformed_datagrams: SourceRateTable = SourceRateTable()
    stray_messages: SourceRateTable = SourceRateTable()
    stranger_flood: SourceRateTable = SourceRateTable()
    retransmission_storm: SourceRateTable = SourceRateTable()
    short_calls: ShortCallsTable = ShortCallsTable()
    asr_acd: AsrAcdTable = AsrAcdTable()
    calling_share: CallingShareTable = CallingShareTable()
    sequential_calling: SequenceTable = SequenceTable()
    sequential_called: SequenceTable = SequenceTable()
    calls_in_progress: CallsInProgressTable = CallsInProgressTable()
    emergency_flood: EmergencyFloodTable = EmergencyFloodTable()

    def settings(self) -> DetectorSettings:
        return DetectorSettings(
            clear_after_s=self.clear_after_seconds,
            invite_flood=InviteFloodSettings(**self.invite_flood.values()),
            register_flood=SourceRateSettings(**self.register_flood.values()),
            options_flood=SourceRateSettings(**self.options_flood.values()),
            malformed_datagrams=SourceRateSettings(**self.malformed_datagrams.values()),
            stray_messages=SourceRateSettings(**self.stray_messages.values()),
            stranger_flood=SourceRateSettings(**self.stranger_flood.values()),
            retransmission_storm=SourceRateSettings(**self.retransmission_storm.values()),
            short_calls=ShortCallsSettings(**self.short_calls.values()),
            asr_acd=AsrAcdSettings(**self.asr_acd.values()),
            calling_share=CallingShareSettings(**self.calling_share.values()),
            sequential_calling=SequenceSettings(**self.sequential_calling.values()),
            sequential_called=SequenceSettings(**self.sequential_called.values()),
            calls_in_progress=CallsInProgressSettings(**self.calls_in_progress.values()),
            emergency_flood=EmergencyFloodSettings(**self.emergency_flood.values()),
        )


def written_out(key: str) -> str:
    """``hold_s``, ``per_s`` -> ``hold_seconds``, ``per_second``."""
    if key.endswith("per_s"):
        return f"{key}econd"
    return f"{key}econds" if key.endswith("_s") else key


def _short(key: str) -> str:
    """The other way round."""
    if key.endswith("per_second"):
        return key.removesuffix("econd")
    return key.removesuffix("econds") if key.endswith("_seconds") else key
