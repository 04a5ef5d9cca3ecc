"""One flood at a time: what it was, and what the innocent and the emergency calls saw of it meanwhile."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NamedTuple

from bench.contestants.contestant import Contestant, ContestantError
from bench.flood.site import EMERGENCIES_PER_S, INNOCENT_PER_S, Site
from bench.flood.traffic import Answerer, FloodReport, Surroundings
from bench.generator import Round
from bench.latency import percentile
from bench.processor import cpu_ns, family
from gateway.transport.socket_drops import inodes_of, udp_sockets

AHEAD_S = 0.5
"""A flood goes on for so long before the first innocent call."""
BEYOND_S = 8.0
"""The longest that a flood goes on after the time for which innocent calls begin: until the last of them is over."""
WINDOW = 1_000
"""Calls outstanding at most: more than begin before one is given up."""
FAILED_US = 4_000_000
"""Set-up time of a call that failed: the generator gives it up by then."""
CALLS_OF_A_ROUND = 10_000_000
"""Numbers kept for each round: no two calls of a run have the same one."""
QUIET_S = 5.0
"""A contestant that has not worked off a flood by then is measured as it is."""
QUIET_LOOK_S = 0.05
QUIET_SHARE = 0.2
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Kind(NamedTuple):
    """One of the floods."""

    times: int
    """Its rate, by what the gateway carries."""
    sources: int
    """Ports that it comes from."""
    spoofed: bool
    """Each call has a calling number of another provider; else all have those of one."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the machine did during a round."""

    elapsed_s: float
    contestant: float
    """Cores that the contestant used."""
    harness: float
    """Cores that the bench used: flooder, callers, answerer."""
    others: float
    """Cores that anything else used."""
    drops: int
    """Datagrams that the kernel dropped at the contestant's sockets."""
    harness_drops: int
    """The same at the sockets of the innocent's caller, of its emergency calls, and of the called side."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What innocent and emergency calls saw."""

    innocent: Round
    emergency: Round
    flood: FloodReport | None
    """None: there was none."""
    usage: Usage

    @property
    def innocent_success(self) -> float:
        return _share(self.innocent.completed, self.innocent.failed)

    @property
    def emergency_success(self) -> float:
        """Of the emergency calls on the innocent's trunk group and of those from the ports of the flood."""
        begun = self.emergency.completed + self.emergency.failed
        completed = self.emergency.completed
        if self.flood is not None:
            begun, completed = begun + self.flood.emergencies, completed + self.flood.emergencies_completed
        return completed / begun if begun else 1.0

    @property
    def setup_us(self) -> list[int]:
        """Of every innocent call: a failed one counts as long as it was waited for."""
        begun = self.innocent.completed + self.innocent.failed
        answered = list(self.innocent.setup_us)
        return answered + [FAILED_US] * (begun - len(answered))


@dataclass(slots=True)
class Flooded:
    """A contestant twice, alike: one that is flooded, and a twin that never is, for the figures without a flood."""

    name: str
    contestant: Contestant
    twin: Contestant
    calls: Surroundings
    calls_of_twin: Surroundings
    unloaded: list[Sight] = field(default_factory=list)
    """All rounds of the twin."""
    floods: list[tuple[Kind, float, Sight]] = field(default_factory=list)
    """Kind, the rate that was wanted (calls a second), what was seen."""

    def unloaded_us(self, share: float) -> int:
        """Percentile of the set-up time over all rounds of the twin, in microseconds."""
        return percentile([time for sight in self.unloaded for time in sight.setup_us], share)


class Rounds:
    """Runs rounds against contestants, one at a time."""

    def __init__(self, site: Site, answerer: Answerer) -> None:
        self._site = site
        self._answerer = answerer
        self._numbers = count(0, CALLS_OF_A_ROUND)

    def warm_up(self, one: Flooded, seconds: float) -> None:
        """Innocent and emergency calls through both, which nobody looks at: the first calls of a process are slower."""
        for contestant, calls in ((one.contestant, one.calls), (one.twin, one.calls_of_twin)):
            with awake(contestant):
                self._call(calls, seconds)

    def unloaded(self, one: Flooded, seconds: float) -> Sight:
        """A round through the twin: innocent and emergency calls alone."""
        with awake(one.twin):
            before = self._reading(one.twin)
            innocent, emergency = self._call(one.calls_of_twin, seconds)
            sight = Sight(innocent, emergency, None, self._usage(one.twin, before))
        one.unloaded.append(sight)
        return sight

    def flooded(self, one: Flooded, kind: Kind, rate: float, seconds: float) -> Sight:
        """A round under a flood of so many calls a second. Raises ContestantError where the contestant ends."""
        with awake(one.contestant):
            before = self._reading(one.contestant)
            flood = one.calls.flood(
                kind.sources,
                spoofed=kind.spoofed,
                rate=rate,
                emergency_rate=EMERGENCIES_PER_S,
                first_call=next(self._numbers),
                most_s=AHEAD_S + seconds + BEYOND_S,
            )
            with flood:
                time.sleep(AHEAD_S)
                innocent, emergency = self._call(one.calls, seconds)
                report = flood.stop()
            if (status := one.contestant.process.poll()) is not None:
                last = one.contestant.last_lines()
                raise ContestantError(f"{one.name} ended under a flood with status {status}\n{last}")
            sight = Sight(innocent, emergency, report, self._usage(one.contestant, before))
        one.floods.append((kind, rate, sight))
        return sight

    def _call(self, through: Surroundings, seconds: float) -> tuple[Round, Round]:
        """Innocent and emergency calls side by side."""
        with ThreadPoolExecutor(2) as both:
            innocent, emergency = (
                both.submit(who.run, next(self._numbers), max(1, round(rate * seconds)), WINDOW, rate=rate)
                for who, rate in ((through.innocent(), INNOCENT_PER_S), (through.emergency(), EMERGENCIES_PER_S))
            )
            return innocent.result(), emergency.result()

    # -- what the machine did -----------------------------------------------------------------------------------------

    def _reading(self, contestant: Contestant) -> _Reading:
        theirs = _inodes(contestant)
        own = (self._site.caller, self._site.emergency_caller, self._site.answering)
        ours = {os.fstat(one.fileno()).st_ino for one in own}
        drops = {inode: one.drops for inode, one in udp_sockets(theirs | ours).items()}
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return _Reading(
            at_s=time.monotonic(),
            busy_s=_busy_s(),
            contestant_s=cpu_ns(family(contestant.process.pid)) / 1e9,
            harness_s=children.ru_utime + children.ru_stime + time.process_time() + cpu_ns((self._answerer.pid,)) / 1e9,
            drops=sum(drops[inode] for inode in drops.keys() - ours),
            harness_drops=sum(drops[inode] for inode in drops.keys() & ours),
        )

    def _usage(self, contestant: Contestant, before: _Reading) -> Usage:
        after = self._reading(contestant)
        elapsed = after.at_s - before.at_s
        used, harness = after.contestant_s - before.contestant_s, after.harness_s - before.harness_s
        return Usage(
            elapsed_s=elapsed,
            contestant=used / elapsed,
            harness=harness / elapsed,
            others=max(0.0, after.busy_s - before.busy_s - used - harness) / elapsed,
            drops=after.drops - before.drops,
            harness_drops=after.harness_drops - before.harness_drops,
        )


class _Reading(NamedTuple):
    """Counts since some start, whichever."""

    at_s: float
    busy_s: float
    contestant_s: float
    harness_s: float
    drops: int
    harness_drops: int


@contextmanager
def awake(contestant: Contestant) -> Iterator[None]:
    """Have a contestant run, once it has worked off what it had left; afterwards it sleeps.

    One that works off a flood that is over would take the processor from the one that is measured.
    """
    _signal(contestant, signal.SIGCONT)
    _await_quiet(contestant)
    try:
        yield
    finally:
        put_to_sleep(contestant)


def put_to_sleep(contestant: Contestant) -> None:
    """Stop its processes where they stand, until it is `awake`."""
    _signal(contestant, signal.SIGSTOP)


def end(contestant: Contestant) -> list[str]:
    """Have it end; what it says of that, one line each."""
    _signal(contestant, signal.SIGCONT)
    return contestant.stop(range(1))


def _signal(contestant: Contestant, number: signal.Signals) -> None:
    if contestant.process.poll() is None:
        for pid in family(contestant.process.pid):
            os.kill(pid, number)


def _await_quiet(contestant: Contestant) -> None:
    """Until nothing waits at its sockets and it is idle; at most for `QUIET_S`."""
    deadline = time.monotonic() + QUIET_S
    inodes = _inodes(contestant)
    while time.monotonic() < deadline:
        used = cpu_ns(family(contestant.process.pid))
        time.sleep(QUIET_LOOK_S)
        idle = cpu_ns(family(contestant.process.pid)) - used < QUIET_SHARE * QUIET_LOOK_S * 1e9
        if idle and not any(one.waiting_bytes for one in udp_sockets(inodes).values()):
            return


def _inodes(contestant: Contestant) -> frozenset[int]:
    return frozenset().union(*(inodes_of(pid) for pid in family(contestant.process.pid)))


def _busy_s() -> float:
    """Seconds in which the machine's cores were busy, and those that its host took away."""
    first = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    ticks = dict(zip(("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"), first[1:], strict=False))
    return sum(int(value) for name, value in ticks.items() if name not in ("idle", "iowait")) / _TICKS_PER_S


def _share(good: int, bad: int) -> float:
    return good / (good + bad) if good + bad else 1.0
