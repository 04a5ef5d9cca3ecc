"""Measure what a call costs through the gateway, beside other things that stand between two SIP peers.

Exit 0: measured. 1: measured, but a contestant did not do what the figures claim. 2: not measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.contestants import CONTESTANTS, ON_CIRCUITS
from bench.contestants.contestant import ContestantError, NotInstalled
from bench.contestants.tollgate import Tollgate
from bench.generator import GeneratorError, prepare
from bench.growth import QUICK_SIZES, SIZES, measure_growth
from bench.isup_decode import QUICK_ROUNDS, ROUNDS, measure_isup
from bench.latency import measure_latency
from bench.measurement import Bench, Measured, Settings
from bench.processor import Cores
from bench.profiler import profile
from bench.report import Document
from bench.workload import Workload, WorkloadError, choose

ROOT = Path(__file__).parent.parent
LARGEST_WINDOW = 1_000
# 32 calls: two messages of each fit the receive buffer of a socket that asked for no larger one (212,992 bytes, of
# which a message of this size takes 2,304), so that what is lost was lost by the contestant.
DEFAULT = Settings(calls=10_000, rounds=5, window=32, warm_up=10_000)
QUICK = Settings(calls=2_000, rounds=2, window=32, warm_up=500)
DEFAULT_PACED = (1_000, 3)
QUICK_PACED = (200, 1)
"""Calls in a round at a fixed rate, and rounds."""


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    usual = QUICK if options.quick else DEFAULT
    settings = Settings(
        calls=options.calls or usual.calls,
        rounds=options.rounds or usual.rounds,
        window=options.window or usual.window,
        warm_up=usual.warm_up,
    )
    try:
        return _run(options, settings)
    except (ContestantError, GeneratorError, WorkloadError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace, settings: Settings) -> int:
    cores = Cores.choose()
    workload = choose(options.guide)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        generator, which = prepare(folder, options.generator)
        document = Document([str(cores), which, _describe(workload)])
        print("\n".join(document.notes))
        with Bench(cores, generator, folder / "contest") as bench:
            _contest(bench, options, settings, workload, document)
            if options.ss7:
                _contest_on_circuits(bench, settings, workload, document)
        if options.growth:
            sizes = QUICK_SIZES if options.quick else SIZES
            for axis in measure_growth(cores, generator, folder / "growth", workload, sizes, print):
                document.add_growth(axis)
    if options.isup:
        document.add_isup(measure_isup(QUICK_ROUNDS if options.quick else ROUNDS, print))
    document.write(options.output, settings)
    for fault in document.faults:
        print(f"NOT AS CLAIMED  {fault}", file=sys.stderr)
    return 1 if document.faults else 0


def _contest(
    bench: Bench, options: argparse.Namespace, settings: Settings, workload: Workload, document: Document
) -> None:
    contestants: list[Measured] = []
    for name in options.contestants:
        try:
            contestants.append(bench.start(CONTESTANTS[name], workload))
        except NotInstalled as error:
            document.note(f"NOT MEASURED  {name}: {error}")
    if not contestants:
        if options.contestants:
            raise ContestantError("none of the contestants could be started")
        return
    bench.warm_up(contestants, settings)
    bench.measure(contestants, settings, print)
    calls, rounds = QUICK_PACED if options.quick else DEFAULT_PACED
    direct, times = measure_latency(bench, contestants, workload, calls, rounds, print)
    if options.profile:
        _profile(contestants, settings, bench.folder)
    document.faults += [fault for one in contestants for fault in one.faults()]
    for one in contestants:
        document.faults += one.contestant.stop(one.expected)
    document.add_contest(contestants, direct, times)


def _contest_on_circuits(bench: Bench, settings: Settings, workload: Workload, document: Document) -> None:
    contestants = [bench.start(kind, workload) for kind in ON_CIRCUITS.values()]
    bench.warm_up(contestants, settings)
    bench.measure(contestants, settings, print)
    document.faults += [fault for one in contestants for fault in one.faults()]
    for one in contestants:
        document.faults += one.contestant.stop(one.expected)
    document.add_circuits(contestants)


def _profile(contestants: list[Measured], settings: Settings, folder: Path) -> None:
    """A round of its own after the measured ones: sampling slows what it samples."""
    for one in contestants:
        if isinstance(one.contestant, Tollgate):
            pid = one.contestant.process.pid
            file = folder / f"stacks-{one.name}"
            print(f"\n{one.name}, {profile(pid, file, lambda: one.run(settings.calls, settings.window))}")  # noqa: B023 - called at once


def _describe(workload: Workload) -> str:
    calling, called = (len({pair[side] for pair in workload.pairs}) for side in (0, 1))
    return (
        f"guide of {workload.guide_rows:,} LERG 6 rows; {calling:,} numbers of provider {workload.providers[0]} on "
        f"{workload.partner_switch} call {called:,} numbers in the LERG area of {workload.host_switch}"
    )


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--calls", type=_between(1, 1_000_000), help=f"calls of a contestant in a round ({DEFAULT.calls})")
    add("--rounds", type=_between(1, 100), help=f"rounds, each with every contestant ({DEFAULT.rounds})")
    add("--window", type=_between(1, LARGEST_WINDOW), help=f"calls outstanding ({DEFAULT.window})")
    add("--quick", action="store_true", help="a few short rounds of everything: does it work at all?")
    add("--growth", action="store_true", help="and how the gateway's cost grows with calls, carriers and guide")
    add("--isup", action="store_true", help="and what it costs to read an IAM, beside pycrate")
    add("--ss7", action="store_true", help="and what calls cost from SIP to circuits, and between circuits")
    add("--profile", action="store_true", help="one more round under py-spy: functions of the gateway by self time")
    add("--contestants", type=_names, default=list(CONTESTANTS), help=f"some of {','.join(CONTESTANTS)} (all), or none")
    add("--generator", choices=("auto", "python"), default="auto", help="auto is C where there is a compiler")
    add("--guide", type=Path, default=ROOT / "sim" / "missouri", help="folder of the LERG guide")
    add("--output", type=Path, default=ROOT / "bench" / "results.json", help="where the figures are written")
    return parser.parse_args(arguments)


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not a number from {least} to {most}")
        return int(text)

    return number


def _names(text: str) -> list[str]:
    names = [] if text == "none" else list(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in CONTESTANTS:
            raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(CONTESTANTS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
