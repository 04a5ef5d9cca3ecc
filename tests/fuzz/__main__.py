"""``make fuzz``: fuzzes the codecs, the proxy and the M3UA links for a set time.

    python -m tests.fuzz [--seconds N] [--folder FOLDER] [--reproduce TARGET FILE]

Every target runs under atheris, which is guided by the lines that an input reaches, and under hypothesis. An input that
breaks something is a file in the folder, and the command that tries it again is printed. Exit 0: nothing broke. 1:
something did.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz.seeds import TARGETS

SECONDS: Final = 600
FOLDER: Final = Path("var/fuzz")
WINDING_UP_S: Final = 120
"""A job that takes this much longer than its time hangs, and is a fault."""
_SHOWN: Final = 25
"""Last lines of a job's output that are shown where it found something."""


@dataclass(frozen=True, slots=True)
class Job:
    """One target under one fuzzer."""

    fuzzer: str
    module: str
    target: str
    work: Path

    def __str__(self) -> str:
        return f"{self.target} under {self.fuzzer}"

    @property
    def log(self) -> Path:
        return self.work / "log.txt"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def jobs_in(folder: Path) -> list[Job]:
    fuzzers = {"hypothesis": "tests.fuzz.properties"}
    if importlib.util.find_spec("atheris") is not None:
        fuzzers = {"atheris": "tests.fuzz.guided", **fuzzers}
    else:
        say("atheris is not installed, so nothing is guided by coverage: hypothesis runs alone.")
    return [
        Job(fuzzer, module, target, folder / f"{target}-{fuzzer}")
        for fuzzer, module in fuzzers.items()
        for target in TARGETS
    ]


def fuzz(seconds: int, folder: Path) -> int:
    jobs = jobs_in(folder)
    at_once = max(1, min(len(jobs), os.cpu_count() or 1))
    each = max(1, seconds * at_once // len(jobs))
    say(f"{len(jobs)} jobs, {at_once} at once, {each} s each")
    broken = 0
    for first in range(0, len(jobs), at_once):
        started = [(job, _start(job, each)) for job in jobs[first : first + at_once]]
        deadline = time.monotonic() + each + WINDING_UP_S
        broken += sum(_report(job, process, deadline) for job, process in started)
    return 1 if broken else 0


def _start(job: Job, seconds: int) -> subprocess.Popen[bytes]:
    job.work.mkdir(parents=True, exist_ok=True)
    for old in job.work.glob("fault-*"):
        old.unlink()
    command = [sys.executable, "-m", job.module, job.target, str(job.work), str(seconds)]
    with job.log.open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603 - words of our own


def _report(job: Job, process: subprocess.Popen[bytes], deadline: float) -> bool:
    """Wait for a job and say how it went; True where something broke."""
    try:
        code = process.wait(max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        say(f"{job}: hangs; its output is in {job.log}")
        return True
    faults = sorted(job.work.glob("fault-*"))
    lines = job.log.read_text(encoding="utf-8", errors="replace").splitlines()
    if code == 0 and not faults:
        say(f"{job}: nothing broke{_tried(lines)}")
        return False
    say("\n".join(lines[-_SHOWN:]))
    for fault in faults:
        say(f"{job}: BROKEN by {fault}\n    {sys.executable} -m tests.fuzz --reproduce {job.target} {fault}")
    if not faults:
        say(f"{job}: ended with {code}; its output is in {job.log}")
    return True


def _tried(lines: Sequence[str]) -> str:
    """How many inputs, in the words of either fuzzer."""
    for line in reversed(lines):
        if line.startswith("stat::number_of_executed_units:"):
            return f" in {int(line.rpartition(':')[2]):,} inputs"
        if line.endswith(" inputs"):
            return f" in {int(line.removesuffix(' inputs')):,} inputs"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz codecs, proxy and M3UA links.")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"of the whole run (default {SECONDS})")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where inputs are kept (default {FOLDER})")
    parser.add_argument("--reproduce", nargs=2, metavar=("TARGET", "FILE"), help="try one input again")
    chosen = parser.parse_args()
    if chosen.reproduce is not None:
        target, file = chosen.reproduce
        TARGETS[target].check(Path(file).read_bytes())
        say("nothing broke")
        return 0
    return fuzz(chosen.seconds, chosen.folder)


if __name__ == "__main__":
    sys.exit(main())
