"""What the bench prints and writes when it has measured."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from statistics import median

from bench.measurement import SATURATED, Measured, Settings

BASE = "forwarder_uvloop"
"""What the others are compared with."""


def results(contestants: list[Measured], settings: Settings, notes: list[str]) -> dict[str, object]:
    """The document that is written. Medians over the rounds; `failed` is the sum."""
    return {
        "contestants": {
            one.name: {
                "cpu_us_per_call": round(one.cpu_us_per_call, 2),
                "calls_per_s": round(one.calls_per_s, 1),
                "failed": one.failed,
            }
            for one in contestants
        },
        "ratios": {f"{one.name} / {BASE}": round(ratio(one, contestants), 3) for one in others(contestants)},
        "details": {
            one.name: {
                "busy": round(one.busy, 3),
                "between_rounds_us_per_call": round(one.between_us_per_call, 2),
                "peak_memory_mib": round(one.peak_memory_mib, 1),
                "cpu_us_per_call_by_round": [round(sample.cpu_us_per_call, 2) for sample in one.samples],
                "calls_per_s_by_round": [round(sample.calls.calls_per_s, 1) for sample in one.samples],
                "retransmissions": sum(sample.calls.retransmissions for sample in one.samples),
            }
            for one in contestants
        },
        "run": {
            "calls": settings.calls,
            "rounds": settings.rounds,
            "window": settings.window,
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}",
            "notes": notes,
        },
    }


def others(contestants: list[Measured]) -> list[Measured]:
    """Those that can be compared with the base: none where the base was not measured."""
    if BASE not in {one.name for one in contestants}:
        return []
    return [one for one in contestants if one.name != BASE]


def ratio(one: Measured, contestants: list[Measured]) -> float:
    """Median CPU time of a call over that of the base."""
    return one.cpu_us_per_call / _base(contestants).cpu_us_per_call


def print_report(contestants: list[Measured]) -> None:
    print(
        f"\n{'medians':<18}{'CPU us a call':>15}{'calls/s':>10}{'failed':>8}{'core':>7}{'later us':>10}{'peak MiB':>10}"
    )
    for one in contestants:
        print(
            f"{one.name:<18}{one.cpu_us_per_call:>15.1f}{one.calls_per_s:>10,.0f}{one.failed:>8}"
            f"{one.busy:>7.0%}{one.between_us_per_call:>10.1f}{one.peak_memory_mib:>10.0f}"
        )
    for one in others(contestants):
        paired = zip(one.samples, _base(contestants).samples, strict=True)
        by_round = [sample.cpu_us_per_call / base.cpu_us_per_call for sample, base in paired]
        print(
            f"{one.name} / {BASE}: {ratio(one, contestants):.2f}"
            f" (by round: {min(by_round):.2f} to {max(by_round):.2f}, median {median(by_round):.2f})"
        )
    for one in contestants:
        if one.busy < SATURATED:
            print(
                f"{one.name} used only {one.busy:.0%} of its core: the generator or the machine held it back, "
                "so its calls per second are not its limit and its CPU time a call is too high"
            )


def write_results(path: Path, document: dict[str, object]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"written to {path}", file=sys.stderr)


def _base(contestants: list[Measured]) -> Measured:
    return next(one for one in contestants if one.name == BASE)
