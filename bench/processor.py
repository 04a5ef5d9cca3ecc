"""Processor time of other processes to the nanosecond, and pinning them to cores (Linux)."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

URGENT = -10
"""Nice value of what is measured, and of what measures it, where others use the machine meanwhile."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core runs what. Both None where there is only one core: nothing is pinned then."""

    contestant: int | None
    generator: int | None

    @classmethod
    def choose(cls) -> Cores:
        """The first two cores that this process may run on."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], allowed[1]) if len(allowed) > 1 else cls(None, None)

    def __str__(self) -> str:
        if self.contestant is None:
            return "one core only: contestant and generator share it, so calls per second mean little"
        return f"contestant on core {self.contestant}, generator on core {self.generator}"


def pin(pid: int, core: int | None) -> None:
    """Pin every thread of a process to `core`; threads and children made later inherit it. Nothing where None."""
    if core is None:
        return
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def hurry(pid: int) -> None:
    """Have the scheduler prefer all threads of a process to what else the machine does, where this user may ask."""
    with suppress(PermissionError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(task.name), URGENT)


def family(pid: int) -> tuple[int, ...]:
    """The process and all its living descendants."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += map(int, (task / "children").read_text().split())
    return (pid, *(member for child in children for member in family(child)))


def cpu_ns(pids: tuple[int, ...]) -> int:
    """CPU time that these processes have used so far, user and system, all threads (also ended ones), nanoseconds.

    Each process's CPU-time clock (clock_getcpuclockid(3)): the scheduler's own exact account, where the `utime` and
    `stime` of /proc count in ticks of 10 ms. Its id is the complement of the process id and the clock's kind,
    CPUCLOCK_SCHED = 2 (Linux, include/linux/posix-timers_types.h). Raises OSError for a process that has ended.
    """
    return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in pids)
