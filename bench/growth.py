"""How the gateway's cost grows with calls in progress, with carriers and with the guide; the memory of a call.

The sizes of one axis are gateways of their own that run side by side, on the same core, and take their rounds in turn:
what else the machine does meanwhile weighs on all of them alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.contestants.tollgate import Tollgate
from bench.guide import with_providers, with_rows
from bench.measurement import Bench, Measured, Settings, memory_kib
from bench.processor import Cores
from bench.workload import Workload, choose

CPU_GOAL = 1.15
"""CPU time a call at any size over that at the smallest."""
MEMORY_GOAL_BYTES = 4_096
CALLING_NUMBERS = 4_000
CALLED_NUMBERS = 50_000
"""On the axis of the guide, at every size: many, so that a large guide is met in many places."""
CALLS_AT_ONCE = 20_000
"""Opened by one run of the generator, which has its own time limit."""
LINGER_S = 60.0
"""Transactions are over 32 s after their call was answered (RFC 3261 timers L and M, RFC 6026)."""


@dataclass(frozen=True, slots=True)
class Sizes:
    calls: tuple[int, ...]
    providers: tuple[int, ...]
    rows: tuple[int, ...]
    settings: Settings


SIZES = Sizes(
    calls=(100, 1_000, 10_000, 100_000),
    providers=(10, 100, 1_000),
    rows=(5_000, 100_000, 1_000_000),
    settings=Settings(calls=5_000, rounds=5, window=32, warm_up=5_000),
)
QUICK_SIZES = Sizes(
    calls=(100, 1_000),
    providers=(10, 100),
    rows=(5_000, 20_000),
    settings=Settings(calls=1_000, rounds=2, window=32, warm_up=500),
)


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of calls in progress, bytes a call."""

    calls: int
    opened: float
    """Just after they were opened, with the transactions that linger."""
    settled: float
    """When these are over: what a call keeps while it is up."""


@dataclass(slots=True)
class Axis:
    """One thing that grows."""

    name: str
    title: str
    levels: list[tuple[int, Measured]]
    """Size, and the gateway that was measured with it; the smallest size comes first."""
    memory: Memory | None = None
    faults: list[str] = field(default_factory=list)

    def growth(self, measured: Measured) -> float:
        """CPU time a call over that at the smallest size: the median of the rounds, each held against its neighbour."""
        paired = zip(measured.samples, self.levels[0][1].samples, strict=True)
        return median(sample.cpu_us_per_call / least.cpu_us_per_call for sample, least in paired)


def measure_growth(
    cores: Cores, generator: list[str], folder: Path, workload: Workload, sizes: Sizes, show: Callable[[str], None]
) -> Iterator[Axis]:
    """Each axis in turn. Raises ContestantError, GeneratorError, WorkloadError."""
    for measure in (_calls_in_progress, _providers, _guide_rows):
        with Bench(cores, generator, folder / measure.__name__) as bench:
            axis = measure(bench, workload, sizes, show)
            for _, measured in axis.levels:
                axis.faults += measured.faults()
                axis.faults += measured.contestant.stop(measured.expected)
        yield axis


def _calls_in_progress(bench: Bench, workload: Workload, sizes: Sizes, show: Callable[[str], None]) -> Axis:
    levels: list[tuple[int, Measured]] = []
    window = sizes.settings.window
    for size in sizes.calls:
        measured = bench.start(Tollgate, workload, f"{size} calls up")
        measured.run_first(window)
        before = memory_kib(measured)
        show(f"opening {size:,} calls that stay up")
        for first in range(0, size, CALLS_AT_ONCE):
            measured.run(min(CALLS_AT_ONCE, size - first), window, hold=True)
        levels.append((size, measured))
    largest, most = levels[-1]
    opened = memory_kib(most)
    show("waiting for the transactions to end")
    for _, measured in levels:
        _await_no_transactions(measured)
    memory = Memory(largest, (opened - before) * 1024 / largest, (memory_kib(most) - before) * 1024 / largest)
    _measure(bench, levels, sizes.settings, show)
    return Axis("calls_in_progress", "calls in progress", levels, memory)


def _providers(bench: Bench, workload: Workload, sizes: Sizes, show: Callable[[str], None]) -> Axis:
    guide = with_providers(workload.guide, bench.folder / "guide", workload, max(sizes.providers))
    levels = []
    for size in sizes.providers:
        show(f"{size:,} providers configured, whose numbers call in turn")
        spread = choose(guide, providers=size, calling_numbers=CALLING_NUMBERS)
        levels.append((size, bench.start(Tollgate, spread, f"{size} OCNs")))
    _measure(bench, levels, sizes.settings, show)
    return Axis("ocns", "OCNs configured", levels)


def _guide_rows(bench: Bench, workload: Workload, sizes: Sizes, show: Callable[[str], None]) -> Axis:
    levels = []
    for size in sizes.rows:
        guide = with_rows(workload.guide, bench.folder / f"guide-{size}", size)
        spread = choose(guide, calling_numbers=CALLING_NUMBERS, called_numbers=CALLED_NUMBERS)
        show(f"guide of {spread.guide_rows:,} LERG 6 rows")
        levels.append((spread.guide_rows, bench.start(Tollgate, spread, f"{size} rows")))
    _measure(bench, levels, sizes.settings, show)
    return Axis("lerg_rows", "LERG 6 rows", levels)


def _measure(bench: Bench, levels: list[tuple[int, Measured]], settings: Settings, show: Callable[[str], None]) -> None:
    gateways = [measured for _, measured in levels]
    bench.warm_up(gateways, settings)
    bench.measure(gateways, settings, show)


def _await_no_transactions(measured: Measured) -> None:
    gateway = measured.contestant
    deadline = time.monotonic() + LINGER_S
    while isinstance(gateway, Tollgate) and gateway.transactions() and time.monotonic() < deadline:
        time.sleep(0.5)
