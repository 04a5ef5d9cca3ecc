"""What the flood bench prints and writes."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.flood.rounds import Flooded, Kind, Sight
from bench.flood.site import EMERGENCIES_PER_S, INNOCENT_PER_S
from bench.latency import percentile

GOAL_P99 = 2.0
"""The innocent's p99 set-up time under a flood, over that without."""
ENOUGH = 0.95
"""Share of a flood's rate that must really have been sent; less is said."""
_HEADS = (
    *("flood", "ports", "CPN", "sent/s", "innocent", "p50 us", "p99 us", "p99 ratio", "911", "drops"),
    *("cores", "bench", "others", ""),
)


def print_flooded(one: Flooded) -> None:
    """A contestant's table, a row a flood."""
    p50, p99 = one.unloaded_us(0.5), one.unloaded_us(0.99)
    print(f"\n{one.name}: unloaded p50 {p50:,} us, p99 {p99:,} us ({INNOCENT_PER_S} innocent calls a second)")
    for line in aligned([_HEADS, *(_row(one, kind, rate, sight) for kind, rate, sight in one.floods)]):
        print(line)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines: columns to the right, as wide as their widest cell, but the last, which is a text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    return [
        "  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


def _row(one: Flooded, kind: Kind, rate: float, sight: Sight) -> tuple[str, ...]:
    times, usage = sight.setup_us, sight.usage
    sent = sight.flood.per_s if sight.flood is not None else 0.0
    remarks = [_judgement(one, sight)]
    if sent < ENOUGH * rate:
        remarks.append(f"only {sent / rate:.0%} of the {rate:,.0f} a second that were wanted were sent")
    remarks += [f"{count} innocent calls refused with {status}" for status, count in sight.innocent.refused.items()]
    return (
        *(f"{kind.times}x", f"{kind.sources:,}", "spoofed" if kind.spoofed else "honest", f"{sent:,.0f}"),
        *(f"{sight.innocent_success:.2%}", f"{percentile(times, 0.5):,}", f"{percentile(times, 0.99):,}"),
        *(f"{_p99_ratio(one, sight):.2f}", f"{sight.emergency_success:.2%}", f"{usage.drops:,}"),
        *(f"{cores:.2f}" for cores in (usage.contestant, usage.harness, usage.others)),
        "; ".join(remarks),
    )


def _judgement(one: Flooded, sight: Sight) -> str:
    """Against the goal: everybody served, in less than twice the time; or the machine itself dropped datagrams."""
    served = sight.innocent_success == 1.0 and sight.emergency_success == 1.0
    if served and _p99_ratio(one, sight) < GOAL_P99:
        return "met"
    return "the machine dropped datagrams" if sight.usage.drops else "missed"


def _p99_ratio(one: Flooded, sight: Sight) -> float:
    return percentile(sight.setup_us, 0.99) / one.unloaded_us(0.99)


def rows(one: Flooded) -> list[dict[str, object]]:
    """A contestant's floods, each with the figures that the goal is about."""
    return [
        {
            "flood": kind.times,
            "source": kind.sources,
            "spoofed": kind.spoofed,
            "innocent_success": round(sight.innocent_success, 6),
            "p99_ratio": round(_p99_ratio(one, sight), 3),
            "emergency_success": round(sight.emergency_success, 6),
            "socket_drops": sight.usage.drops,
        }
        for kind, _, sight in one.floods
    ]


def write(path: Path, flooded: Sequence[Flooded], capacity: float, notes: Sequence[str]) -> None:
    """The gateway's rows into `path`; everything, of every contestant, beside it under ``-details``."""
    details = {
        "capacity_calls_per_s": round(capacity, 1),
        "innocent_calls_per_s": INNOCENT_PER_S,
        "emergency_calls_per_s": 2 * EMERGENCIES_PER_S,
        "contestants": {one.name: _details(one) for one in flooded},
        "run": {
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "notes": list(notes),
        },
    }
    beside = path.with_name(f"{path.stem}-details.json")
    beside.write_text(json.dumps(details, indent=2) + "\n", encoding="utf-8")
    if flooded:
        path.write_text(json.dumps(rows(flooded[0]), indent=2) + "\n", encoding="utf-8")


def _details(one: Flooded) -> dict[str, object]:
    return {
        "unloaded_us": {"p50": one.unloaded_us(0.5), "p99": one.unloaded_us(0.99)},
        "unloaded": [_sight(sight) for sight in one.unloaded],
        "floods": [
            row | {"wanted_per_s": round(rate, 1), **_sight(sight)}
            for row, (_, rate, sight) in zip(rows(one), one.floods, strict=True)
        ],
    }


def _sight(sight: Sight) -> dict[str, object]:
    times = sight.setup_us
    innocent = sight.innocent
    return {
        "setup_us": {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99), "most": max(times)},
        "innocent": {
            "completed": innocent.completed,
            "failed": innocent.failed,
            "refused": innocent.refused,
            "retransmissions": innocent.retransmissions,
            "wrong": innocent.wrong,
        },
        "emergency": {"completed": sight.emergency.completed, "failed": sight.emergency.failed},
        "sender": asdict(sight.flood) if sight.flood is not None else None,
        "usage": {name: round(value, 4) for name, value in asdict(sight.usage).items()},
    }
