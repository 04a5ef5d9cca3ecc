"""What the bench prints and writes when it has measured."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from statistics import median

from bench.growth import CPU_GOAL, MEMORY_GOAL_BYTES, Axis
from bench.isup_decode import GOAL_US, Reader
from bench.latency import RATE, SetUp
from bench.measurement import SATURATED, Measured, Settings


@dataclass(slots=True)
class Document:
    """The figures, as they come in: printed at once, written at the end."""

    notes: list[str]
    """What was measured with what; what could not be measured."""
    faults: list[str] = field(default_factory=list)
    """Where something did not do what the figures claim."""
    _sections: dict[str, object] = field(default_factory=dict)
    _growth: dict[str, object] = field(default_factory=dict)

    def note(self, line: str) -> None:
        print(line, file=sys.stderr)
        self.notes.append(line)

    def add_contest(self, contestants: list[Measured], direct: SetUp, times: list[SetUp]) -> None:
        _print_contest(contestants)
        _print_latency(direct, times)
        self._sections |= {
            "contestants": {
                one.name: {
                    "cpu_us_per_call": round(one.cpu_us_per_call, 2),
                    "calls_per_s": round(one.calls_per_s, 1),
                    "failed": one.failed,
                }
                for one in contestants
            },
            "ratios": {
                f"{one.name} / {other.name}": round(_ratio(one, other), 3)
                for one, other in combinations(contestants, 2)
            },
            "added_setup_us": {
                "rate_per_s": RATE,
                "direct": {"p50": direct.p50_us, "p99": direct.p99_us},
                "contestants": {
                    one.name: {"p50": one.p50_us - direct.p50_us, "p99": one.p99_us - direct.p99_us} for one in times
                },
            },
            "details": {
                one.name: _details(one) | {"setup_us": _latency_details(time)}
                for one, time in zip(contestants, times, strict=True)
            },
        }

    def add_circuits(self, contestants: list[Measured]) -> None:
        """Calls on circuits: IAM, ACM, ANM, REL, RLC in place of SIP's messages, on one side or on both."""
        _print_contest(contestants)
        self._sections["ss7"] = {
            one.name: {
                "cpu_us_per_call": round(one.cpu_us_per_call, 2),
                "calls_per_s": round(one.calls_per_s, 1),
                "failed": one.failed,
            }
            | _details(one)
            for one in contestants
        }

    def add_growth(self, axis: Axis) -> None:
        _print_growth(axis)
        self.faults += axis.faults
        self._growth[axis.name] = [
            {
                "size": size,
                "cpu_us_per_call": round(one.cpu_us_per_call, 2),
                "growth": round(axis.growth(one), 3),
                "cpu_us_per_call_by_round": [round(sample.cpu_us_per_call, 2) for sample in one.samples],
                "peak_memory_mib": round(one.peak_memory_mib, 1),
            }
            for size, one in axis.levels
        ]
        if axis.memory is not None:
            self._growth["memory_of_a_call_in_progress"] = {
                "calls": axis.memory.calls,
                "bytes": round(axis.memory.settled),
                "bytes_with_lingering_transactions": round(axis.memory.opened),
                "goal_bytes": MEMORY_GOAL_BYTES,
            }

    def add_isup(self, readers: list[Reader]) -> None:
        _print_isup(readers)
        self._sections = {
            **self._sections,
            "isup": {
                "goal_us": GOAL_US,
                "cpu_us_per_message": {
                    one.name: {what: round(figure, 2) for what, figure in one.figures().items()} for one in readers
                },
            },
        }

    def write(self, path: Path, settings: Settings) -> None:
        if self._growth:
            self._sections["growth"] = {"goal": CPU_GOAL, **self._growth}
        self._sections["run"] = {
            "calls": settings.calls,
            "rounds": settings.rounds,
            "window": settings.window,
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}",
            "notes": [*self.notes, *self.faults],
        }
        path.write_text(json.dumps(self._sections, indent=2) + "\n", encoding="utf-8")
        print(f"written to {path}", file=sys.stderr)


def _details(one: Measured) -> dict[str, object]:
    return {
        "busy": round(one.busy, 3),
        "between_rounds_us_per_call": round(one.between_us_per_call, 2),
        "peak_memory_mib": round(one.peak_memory_mib, 1),
        "cpu_us_per_call_by_round": [round(sample.cpu_us_per_call, 2) for sample in one.samples],
        "calls_per_s_by_round": [round(sample.calls.calls_per_s, 1) for sample in one.samples],
        "retransmissions": sum(sample.calls.retransmissions for sample in one.samples),
    }


def _latency_details(one: SetUp) -> dict[str, object]:
    return {
        "p50": one.p50_us,
        "p99": one.p99_us,
        "p50_by_round": list(one.p50_us_by_round),
        "p99_by_round": list(one.p99_us_by_round),
    }


def _ratio(one: Measured, other: Measured) -> float:
    """Median CPU time of a call over that of another contestant."""
    return one.cpu_us_per_call / other.cpu_us_per_call


def _print_contest(contestants: list[Measured]) -> None:
    print(
        f"\n{'medians':<18}{'CPU us a call':>15}{'calls/s':>10}{'failed':>8}{'core':>7}{'later us':>10}{'peak MiB':>10}"
    )
    for one in contestants:
        print(
            f"{one.name:<18}{one.cpu_us_per_call:>15.1f}{one.calls_per_s:>10,.0f}{one.failed:>8}"
            f"{one.busy:>7.0%}{one.between_us_per_call:>10.1f}{one.peak_memory_mib:>10.0f}"
        )
    for one, other in combinations(contestants, 2):
        paired = zip(one.samples, other.samples, strict=True)
        by_round = [sample.cpu_us_per_call / base.cpu_us_per_call for sample, base in paired]
        print(
            f"{one.name} / {other.name}: {_ratio(one, other):.2f}"
            f" (by round: {min(by_round):.2f} to {max(by_round):.2f}, median {median(by_round):.2f})"
        )
    for one in contestants:
        if one.busy < SATURATED:
            print(
                f"{one.name} used only {one.busy:.0%} of its core: the generator or the machine held it back, "
                "so its calls per second are not its limit and its CPU time a call is too high"
            )


def _print_latency(direct: SetUp, times: list[SetUp]) -> None:
    print(f"\nINVITE to 200 at {RATE} calls a second, us; directly: p50 {direct.p50_us}, p99 {direct.p99_us}")
    print(f"{'added by':<18}{'p50':>8}{'p99':>8}   p99 by round, not less the direct one")
    for one in times:
        by_round = ", ".join(map(str, one.p99_us_by_round))
        print(f"{one.name:<18}{one.p50_us - direct.p50_us:>8}{one.p99_us - direct.p99_us:>8}   {by_round}")


def _print_isup(readers: list[Reader]) -> None:
    print(f"\n{'reading ISUP':<32}" + "".join(f"{one.name:>16}" for one in readers) + "   CPU us a message")
    for what in readers[0].figures():
        cells = (f"{one.figures()[what]:>16.2f}" if what in one.figures() else f"{'-':>16}" for one in readers)
        print(f"{what:<32}" + "".join(cells))
    plain = next(one for one in readers if one.name == "codec_python")
    slowest = max(plain.figures().values())
    if slowest >= GOAL_US:
        print(f"{slowest:.2f} us in plain Python is over the goal of {GOAL_US:g}")


def _print_growth(axis: Axis) -> None:
    print(f"\n{axis.title:<18}{'CPU us a call':>15}{'growth':>10}{'peak MiB':>10}")
    for size, one in axis.levels:
        growth = axis.growth(one)
        missed = f"   over the goal of {CPU_GOAL - 1:.0%}" if growth > CPU_GOAL else ""
        print(f"{size:<18,}{one.cpu_us_per_call:>15.1f}{growth - 1:>+10.1%}{one.peak_memory_mib:>10.0f}{missed}")
    if axis.memory is not None:
        missed = f", over the goal of {MEMORY_GOAL_BYTES}" if axis.memory.settled >= MEMORY_GOAL_BYTES else ""
        print(
            f"memory of each of {axis.memory.calls:,} calls in progress: {axis.memory.settled:,.0f} bytes{missed}; "
            f"{axis.memory.opened:,.0f} just after they were opened, with transactions that linger for 32 s"
        )
