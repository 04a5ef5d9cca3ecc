"""Measure what an innocent provider sees of its calls while another one floods the gateway, and Kamailio.

Exit 0: measured. 2: not measured, and why. A goal that is missed is printed and does not change the exit status.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import TypeVar

from bench.contestants.contestant import Contestant, ContestantError, NotInstalled
from bench.contestants.tollgate import Tollgate
from bench.flood.kamailio import FloodedKamailio
from bench.flood.report import print_flooded, write
from bench.flood.rounds import Flooded, Kind, Rounds, end, put_to_sleep
from bench.flood.site import SOURCES, NoFlood, Site, Workloads, workloads
from bench.flood.tollgate import FloodedTollgate
from bench.flood.traffic import Answerer, Programs, Surroundings
from bench.generator import GeneratorError
from bench.measurement import Bench, Settings
from bench.processor import Cores, family, hurry
from bench.workload import WorkloadError

ROOT = Path(__file__).parents[2]
CONTESTANTS: Mapping[str, type[Contestant]] = {one.name: one for one in (FloodedTollgate, FloodedKamailio)}
TIMES = (1, 3, 10)
MOST_PER_S = 200_000
"""No flood is faster, whatever the gateway carries."""
WINDOW = 32


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long everything takes."""

    flood_s: float
    """For which innocent calls begin, of each flood."""
    unloaded_s: float
    """The same before each flood, without it."""
    calls: int
    """In each of three rounds that find what the gateway carries."""


USUAL = Lengths(flood_s=5.0, unloaded_s=1.5, calls=4_000)
QUICK = Lengths(flood_s=1.5, unloaded_s=0.5, calls=2_000)


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    try:
        return _run(options)
    except (ContestantError, GeneratorError, NoFlood, WorkloadError) as error:
        print(f"bench.flood: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench.flood: interrupted", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    cores, began = Cores.choose(), time.monotonic()
    lengths = QUICK if options.quick else USUAL
    if options.seconds:
        lengths = replace(lengths, flood_s=options.seconds)
    with tempfile.TemporaryDirectory(prefix="bench-flood-") as name:
        folder = Path(name)
        programs = Programs.make(folder / "programs")
        of = workloads(options.guide, folder / "guide")
        notes = [str(cores)]
        print(notes[0])
        capacity = options.capacity
        if not capacity:
            capacity, busy = _capacity(cores, programs, of, folder / "capacity", lengths.calls)
            notes.append(f"the gateway carries {capacity:,.0f} whole calls a second on {busy:.0%} of its core")
            print(notes[1])
        with (
            closing(Site()) as site,
            Answerer(programs, site, folder / "answerer", cores.generator) as answerer,
            Bench(cores, [str(programs.generator)], folder) as bench,
        ):
            surround = partial(Surroundings.prepare, programs, site, of, core=cores.generator)
            flooded = [one for name in options.contestants if (one := _start(name, bench, of, site, surround, notes))]
            if not flooded:
                raise ContestantError("none of the contestants could be started")
            _measure(Rounds(site, answerer), flooded, _kinds(options), capacity, lengths)
            notes += [fault for one in flooded for it in (one.contestant, one.twin) for fault in end(it)]
        for one in flooded:
            print_flooded(one)
        notes.append(f"{time.monotonic() - began:.0f} s in all")
        write(options.output, flooded, capacity, notes)
        print(f"written to {options.output}, {notes[-1]}", file=sys.stderr)
    return 0


def _capacity(cores: Cores, programs: Programs, of: Workloads, folder: Path, calls: int) -> tuple[float, float]:
    """Whole calls a second that the gateway carries where no limit is met, and the share of its core that it had."""
    with Bench(cores, [str(programs.generator)], folder) as bench:
        measured = bench.start(Tollgate, of.all)
        hurry(measured.contestant.process.pid)
        settings = Settings(calls, rounds=3, window=WINDOW, warm_up=calls)
        bench.warm_up([measured], settings)
        bench.measure([measured], settings, print)
        return measured.calls_per_s, measured.busy


def _start(
    name: str, bench: Bench, of: Workloads, site: Site, surround: Callable[[int, Path], Surroundings], notes: list[str]
) -> Flooded | None:
    """A contestant and its twin, started; None where it is not installed."""
    folders = (bench.folder / name, bench.folder / f"{name}-twin")
    try:
        contestant, twin = (bench.stand(CONTESTANTS[name], of.all, site, folder / "own") for folder in folders)
    except NotInstalled as error:
        notes.append(f"NOT MEASURED  {name}: {error}")
        print(notes[-1], file=sys.stderr)
        return None
    for it in (contestant, twin):
        for pid in family(it.process.pid):
            hurry(pid)
        put_to_sleep(it)
    calls, calls_of_twin = (
        surround(one.port, to / "calls") for one, to in zip((contestant, twin), folders, strict=True)
    )
    return Flooded(name, contestant, twin, calls, calls_of_twin)


def _measure(rounds: Rounds, flooded: list[Flooded], kinds: list[Kind], capacity: float, lengths: Lengths) -> None:
    """Every flood against every contestant in turn, each after a round of its twin."""
    for one in flooded:
        rounds.warm_up(one, lengths.unloaded_s)
    for kind, one in product(kinds, flooded):
        rounds.unloaded(one, lengths.unloaded_s)
        rate = min(MOST_PER_S, kind.times * capacity)
        sight = rounds.flooded(one, kind, rate, lengths.flood_s)
        cpn = "spoofed" if kind.spoofed else "honest"
        print(
            f"{one.name:<10}{kind.times:>3}x from {kind.sources:>5,} ports, {cpn:<8} "
            f"innocent {sight.innocent_success:8.2%}, emergency {sight.emergency_success:8.2%}"
        )


def _kinds(options: argparse.Namespace) -> list[Kind]:
    return [Kind(*kind) for kind in product(options.floods, options.sources, options.cpn)]


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.flood", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help=f"{QUICK.flood_s:g} s a flood instead of {USUAL.flood_s:g}")
    names = {name: name for name in CONTESTANTS}
    for option, choices, of in (
        ("contestants", names, "of them"),
        ("floods", {str(times): times for times in TIMES}, "times what the gateway carries"),
        ("sources", {str(count): count for count in SOURCES}, "ports that a flood comes from"),
        ("cpn", {"honest": False, "spoofed": True}, "calling numbers of a flood"),
    ):
        add(f"--{option}", type=_some_of(choices), default=list(choices.values()), help=f"{','.join(choices)}: {of}")
    add("--seconds", type=float, help="for which innocent calls begin, of each flood")
    add("--capacity", type=float, help="calls a second that the gateway carries, instead of measuring it")
    add("--guide", type=Path, default=ROOT / "sim" / "missouri", help="folder of the LERG guide")
    add("--output", type=Path, default=ROOT / "bench" / "results-flood.json", help="where the figures are written")
    return parser.parse_args(arguments)


T = TypeVar("T")


def _some_of(choices: Mapping[str, T]) -> Callable[[str], list[T]]:
    def chosen(text: str) -> list[T]:
        for name in text.split(","):
            if name not in choices:
                raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(choices)}")
        return [choices[name] for name in dict.fromkeys(text.split(","))]

    return chosen


if __name__ == "__main__":
    sys.exit(main())
