"""Detectors on captures: what would have been seen, and recommended, with these thresholds (`tollgate detect`)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.capture.detection import Detecting, detect_in
from gateway.capture.detection_messages import MessagesFeed
from gateway.capture.detection_result import CALLS_ON_ANOTHER_LEG, DetectionResult
from gateway.capture.limits import AuditLimits
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.denial_of_service import NORMAL, StandingBook
from gateway.policy.detectors.contracts import Contracts
from gateway.policy.detectors.settings import DetectorSettings, all_detectors
from gateway.policy.response_plan import ResponsePlan
from gateway.policy.watch import Watch
from gateway.wiring.audit import Watched, judges_of, opened, reading_shown, steps_of
from gateway.wiring.memory import tune_garbage_collection

if TYPE_CHECKING:
    from gateway.operations.configuration import Configuration

WITHOUT_CONFIGURATION: Final = (
    "no configuration given: every address that calls come from is taken for a trunk group, and every call to be let "
    "through; providers and contracted limits are not known, so that no step can be recommended; see --config"
)
STEPS_CHANGE_NOTHING: Final = (
    "each step is taken to have been made when it was recommended; the calls are those of the capture, as if it had "
    "changed nothing"
)
EACH_LEG_COUNTS: Final = (
    "{count} calls have the Call-ID of a call between two other addresses, as where both sides of a gateway were "
    "captured: each leg counts as a call of its own, so that rates are up to twice what callers sent; give the "
    "gateway's --config, or a capture of one side"
)
NOTHING_BEFORE: Final = "of calls and rates before the first packet nothing is known"


def detect_captures(
    paths: list[Path],
    configuration: Configuration | None,
    given: Sequence[str] = (),
    *,
    json: bool = False,
    variant: Variant | None = None,
) -> int:
    """Run the detectors on captures and print what they see to standard output. Gives the exit code.

    `given` are settings in place of those of the configuration: ``short_calls.share_percent=25``.
    0 if nothing would have been raised, 1 if something would, 3 where part of an input could not be read, or nothing
    in it was sent to the gateway of the configuration.
    Raises `SettingRefused`, and what `policy_of` raises.
    """
    from gateway.operations.detector_settings import with_settings

    tune_garbage_collection()
    settings = configuration.detectors if configuration is not None else DetectorSettings()
    settings = with_settings(settings, given) if given else settings
    with reading_shown(paths) as watched:
        result = detect(paths, configuration, settings, variant=variant, watched=watched)
    if json:
        from gateway.capture.detection_report import write_document

        write_document(result, sys.stdout)
    else:
        from gateway.capture.detection_table import print_table

        print_table(result)
    sys.stdout.flush()
    return exit_code(result)


def exit_code(result: DetectionResult) -> int:
    """3 before 1: a run that has not seen all of its input is told apart from one that has."""
    if result.unreadable or result.incomplete or result.elsewhere is not None:
        return 3
    return 1 if result.alert_count else 0


def detect(
    paths: Sequence[Path],
    configuration: Configuration | None = None,
    settings: DetectorSettings | None = None,
    *,
    variant: Variant | None = None,
    limits: AuditLimits | None = None,
    watched: Watched = lambda stream: stream,
) -> DetectionResult:
    """Run the detectors on captures as one. Inputs that cannot be read are in the result.

    `settings` are those of the configuration where they are not given. Raises what `policy_of` raises for its tables.
    """
    if settings is None:
        settings = configuration.detectors if configuration is not None else DetectorSettings()
    detecting = _detecting(configuration, settings)
    with ExitStack() as stack:
        readers, unreadable = opened(paths, stack, configuration, variant, limits or AuditLimits(), watched)
        result = detect_in(readers, detecting)
    result.unreadable = unreadable
    if result.seen[CALLS_ON_ANOTHER_LEG]:
        result.notes.append(EACH_LEG_COUNTS.format(count=result.seen[CALLS_ON_ANOTHER_LEG]))
    return result


def _detecting(configuration: Configuration | None, settings: DetectorSettings) -> Detecting:
    if configuration is None:
        result = DetectionResult(notes=[WITHOUT_CONFIGURATION, NOTHING_BEFORE])
        make_watch = _watches(settings, Contracts())
        return Detecting(result, MessagesFeed(result.seen), make_watch, None, lambda _ocn, _at_us: NORMAL)
    from gateway.capture.detection_replay import ReplayFeed  # loads the proxy: only where there is a gateway to repeat

    judges, notes = judges_of(configuration)
    result = DetectionResult(notes=[STEPS_CHANGE_NOTHING, *notes], gateway=str(judges.gateway))
    standings = StandingBook(configuration.carriers, steps_of(configuration).standings)
    contracts = Contracts(configuration.carriers, configuration.trunk_groups, standings)
    plan = ResponsePlan(
        configuration.denial_of_service.response, configuration.carriers, configuration.emergency_trunk_group
    )
    if judges.replay is None:
        raise TypeError("a configuration has a gateway whose decisions are repeated")
    feed = ReplayFeed(judges.replay, result.seen)
    steps_before = bool(standings.trail())
    return Detecting(
        result, feed, _watches(settings, contracts), plan, standings.standing_of, steps_before=steps_before
    )


def _watches(settings: DetectorSettings, contracts: Contracts) -> Callable[[int], Watch]:
    return lambda began_us: Watch(all_detectors(settings, contracts), began_us, settings.clear_after_s)
