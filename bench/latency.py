"""Set-up time at a low, fixed rate: what a contestant adds to the time from INVITE to 200."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.generator import GeneratorError, Round
from bench.measurement import Bench, Measured
from bench.workload import Workload

RATE = 200
"""Calls that begin each second, evenly."""
WINDOW = 1_000
"""Calls outstanding at most: more than begin before one is given up."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """Set-up times of all calls of a kind, over all rounds, in microseconds."""

    name: str
    p50_us: int
    p99_us: int
    p50_us_by_round: tuple[int, ...]
    p99_us_by_round: tuple[int, ...]


def measure_latency(
    bench: Bench,
    contestants: Sequence[Measured],
    workload: Workload,
    calls: int,
    rounds: int,
    show: Callable[[str], None],
) -> tuple[SetUp, list[SetUp]]:
    """Calls with nothing between the two sides, and through each contestant, in turn."""
    direct = bench.direct(workload)
    unproxied: list[Round] = []
    for number in range(rounds):
        result = direct.run(number * calls, calls, WINDOW, rate=RATE)
        if result.completed < calls:
            raise GeneratorError(f"{result.failed} of {calls} calls failed with nothing between the two sides")
        unproxied.append(result)
        for measured in contestants:
            measured.paced.append(measured.run(calls, WINDOW, rate=RATE))
        show(f"set-up times, round {number + 1}/{rounds}: {calls} calls each at {RATE} a second")
    return _set_up("direct", unproxied), [_set_up(measured.name, measured.paced) for measured in contestants]


def percentile(values: Sequence[int], share: float) -> int:
    """The least value that so great a share of them does not exceed. Raises ValueError where there are none."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _set_up(name: str, rounds: Sequence[Round]) -> SetUp:
    times = [one.setup_us for one in rounds if one.setup_us]
    together = [time for one in times for time in one]
    if not together:
        raise GeneratorError(f"{name}: not one call was answered at {RATE} calls a second")
    return SetUp(
        name,
        percentile(together, 0.5),
        percentile(together, 0.99),
        tuple(percentile(one, 0.5) for one in times),
        tuple(percentile(one, 0.99) for one in times),
    )
