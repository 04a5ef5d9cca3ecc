"""What a configuration says of the detectors."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from test_configuration import VALID, faults, load

from gateway.operations.configuration_detectors import DetectorsSection, written_out
from gateway.operations.detector_settings import SettingRefused, with_settings
from gateway.policy.detectors.contracts import Contracts
from gateway.policy.detectors.settings import DetectorSettings, all_detectors

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lerg").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def with_table(name: str, *lines: str) -> str:
    return VALID + f"\n[{name}]\n" + "\n".join(lines) + "\n"


def test_without_a_section_the_thresholds_are_those_of_the_detectors() -> None:
    assert load(VALID).detectors == DetectorSettings()


def test_every_setting_of_every_detector_can_be_written() -> None:
    tables = DetectorsSection().model_dump()
    expected = {
        written_out(name): {written_out(key) for key in value} if isinstance(value, dict) else None
        for name, value in asdict(DetectorSettings()).items()
    }
    assert {name: set(value) if isinstance(value, dict) else None for name, value in tables.items()} == expected


def test_every_detector_has_a_table_of_its_name() -> None:
    names = {detector.name for detector in all_detectors(DetectorSettings(), Contracts())}
    assert names == set(DetectorsSection.model_fields) - {"clear_after_seconds"}


def test_a_table_changes_its_detector_and_no_other() -> None:
    text = with_table("detectors.invite_flood", "multiple = 3", "hold_seconds = 5", "enabled = false")
    settings = load(text).detectors
    assert (settings.invite_flood.multiple, settings.invite_flood.hold_s, settings.invite_flood.enabled) == (
        3,
        5,
        False,
    )
    assert settings.short_calls == DetectorSettings().short_calls


def test_units_are_written_out() -> None:
    text = with_table("detectors", "clear_after_seconds = 5") + (
        "[detectors.register_flood]\nper_second = 2.5\nwindow_seconds = 4\n"
    )
    settings = load(text).detectors
    assert settings.clear_after_s == 5
    assert (settings.register_flood.per_s, settings.register_flood.window_s) == (2.5, 4)
    assert settings.options_flood == DetectorSettings().options_flood


@pytest.mark.parametrize(
    ("table", "line", "expected"),
    [
        ("detectors.short_calls", "share_percent = 0", "detectors.short_calls.share_percent: is too small"),
        ("detectors.short_calls", "share_percent = 100", "detectors.short_calls.share_percent: is too large"),
        ("detectors.sequential_called", "run = 1", "detectors.sequential_called.run: is too small"),
        ("detectors.calling_share", "share_percent = 1", "detectors.calling_share.share_percent: is too small"),
        ("detectors.invite_flood", "hold_s = 1", "detectors.invite_flood.hold_s"),
        ("detectors.invite_flod", "multiple = 1", "detectors.invite_flod"),
        ("detectors.emergency_flood", "window_seconds = inf", "detectors.emergency_flood.window_seconds"),
    ],
)
def test_what_is_no_threshold_is_refused_with_its_place(table: str, line: str, expected: str) -> None:
    (said,) = faults(with_table(table, line))
    assert expected in said


def test_a_setting_of_the_command_goes_over_that_of_the_file() -> None:
    configured = load(with_table("detectors.invite_flood", "multiple = 3", "hold_seconds = 5")).detectors
    settings = with_settings(configured, ["invite_flood.hold_seconds=7", "clear_after_seconds=2"])
    assert (settings.invite_flood.multiple, settings.invite_flood.hold_s, settings.clear_after_s) == (3, 7, 2)


@pytest.mark.parametrize("text", ["", "=", ".", "a.b.c=1", "invite_flood.=1", "clear_after_seconds.x=1", "\x00=1"])
def test_whatever_is_given_to_the_command_is_a_setting_or_refused(text: str) -> None:
    with pytest.raises(SettingRefused, match="is not a setting"):
        with_settings(DetectorSettings(), [text])
