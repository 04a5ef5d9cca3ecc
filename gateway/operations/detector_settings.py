"""Settings of detectors that a command is given, to try thresholds before they are written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError

from gateway.operations.configuration_detectors import DetectorsSection, written_out
from gateway.operations.configuration_words import reason_and_remedy
from gateway.policy.detectors.settings import DetectorSettings


class SettingRefused(Exception):
    """A setting that was given on the command line is none, or is out of bounds. Its text says what to write."""


def with_settings(settings: DetectorSettings, given: Sequence[str]) -> DetectorSettings:
    """The settings of detectors with some others in their place: ``short_calls.share_percent=25``.

    Raises `SettingRefused` for the first of them that is not a setting, or not a value of it.
    """
    tables: dict[str, Any] = {written_out(key): _table(value) for key, value in asdict(settings).items()}
    for text in given:
        key, sign, value = text.partition("=")
        name, dot, setting = key.strip().partition(".")
        known = tables.get(name)
        if known is None or bool(dot) != isinstance(known, dict) or (dot and setting not in known):
            raise SettingRefused(f"{text[:120]!r} is not a setting; {_remedy(tables, name)}")
        if not sign:
            raise SettingRefused(f"{text[:120]} has no value: write {key.strip()}=VALUE")
        if isinstance(known, dict):
            known[setting] = value.strip()
        else:
            tables[name] = value.strip()
    try:
        return DetectorsSection(**tables).settings()
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        reason, remedy = reason_and_remedy(fault)
        raise SettingRefused(f"{'.'.join(map(str, fault['loc']))}: {reason}; {remedy}") from None


def _table(value: object) -> object:
    return {written_out(key): each for key, each in value.items()} if isinstance(value, dict) else value


def _remedy(tables: Mapping[str, Any], name: str) -> str:
    known = tables.get(name)
    if isinstance(known, dict):
        return f"{name} has {', '.join(known)}: write {name}.{next(iter(known))}=VALUE"
    return f"write DETECTOR.SETTING=VALUE; there are {', '.join(tables)}"
