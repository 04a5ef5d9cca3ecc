"""Where a contestant's time goes: py-spy on its process while calls run through it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

SAMPLES_PER_S = 500
SHOWN = 30
START_S = 15.0
_WAITING = "(threading.py"
"""Where a thread without work stands. py-spy takes it for busy while another thread holds the interpreter."""
_STARTED = "Press Control-C to exit"


def profile(pid: int, file: Path, work: Callable[[], object]) -> str:
    """Do the work under py-spy; a table of functions by self time, or a line that says why there is none.

    Self time of a Python function includes the C code it calls: the socket calls of uvloop show up in the function
    that sends, the event loop's own work in the one that runs it.
    """
    program = _find()
    if program is None:
        work()
        return "no profile: py-spy is not installed (pip install py-spy)"
    command = [program, "record", "--pid", str(pid), "--rate", str(SAMPLES_PER_S), "--format", "raw", "--function"]
    sampler = subprocess.Popen(
        [*command, "--output", str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        said = _await_start(sampler)
        if said is not None:
            work()
            return f"no profile: py-spy could not attach: {said}"
        work()
        sampler.send_signal(signal.SIGINT)
        sampler.communicate(timeout=START_S)
    finally:
        if sampler.poll() is None:
            sampler.kill()
            sampler.wait()
    if not file.is_file():
        return f"no profile: py-spy ended with status {sampler.returncode} and wrote nothing"
    return table(file.read_text(encoding="utf-8", errors="replace"))


def table(stacks: str) -> str:
    """Rooms of the house and functions by self time, from lines of ``frame;frame;frame count``."""
    functions: Counter[str] = Counter()
    rooms: Counter[str] = Counter()
    for line in stacks.splitlines():
        frames, _, count = line.rpartition(" ")
        leaf = frames.rpartition(";")[2]
        if _WAITING not in leaf:
            functions[leaf] += int(count)
            rooms[_room(leaf)] += int(count)
    total = functions.total()
    if not total:
        return "no profile: py-spy took no sample"
    shown = [(f"self time by room, {total} samples:", rooms.most_common())]
    shown.append(("and by function:", functions.most_common(SHOWN)))
    rows = [(title, [f"  {count / total:6.1%}  {name}" for name, count in counts]) for title, counts in shown]
    return "\n".join(line for title, lines in rows for line in (title, *lines))


def _room(frame: str) -> str:
    """``gateway/codecs`` of ``text (gateway/codecs/sip/message.py:117)``; all that is not ours is one room."""
    parts = frame.rpartition("(")[2].split("/")
    return "/".join(parts[:2]).partition(".py")[0] if parts[0] == "gateway" else "libraries and the interpreter"


def _find() -> str | None:
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("py-spy")


def _await_start(sampler: subprocess.Popen[str]) -> str | None:
    """None when it samples; what it said where it ended instead."""
    assert sampler.stdout is not None  # noqa: S101 - PIPE was asked for
    said = []
    for line in sampler.stdout:
        if _STARTED in line:
            return None
        said.append(line.strip())
    return " ".join(said)[:500] or "it said nothing"
