"""Rounds of calls through contestants in turn, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from bench.contestants.contestant import Contestant, ContestantError
from bench.generator import Caller, Endpoints, Generator, Round, write_messages
from bench.processor import Cores, cpu_ns, family, pin
from bench.workload import Workload

SATURATED = 0.9
"""Share of a core that a contestant must use in a round for its calls per second to be its own limit."""


@dataclass(frozen=True, slots=True)
class Settings:
    calls: int
    """Calls of a contestant in a round."""
    rounds: int
    window: int
    """Calls outstanding."""
    warm_up: int
    """Calls before the first round, not measured."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one contestant."""

    calls: Round
    cpu_us: float
    """All its processes and threads, user and system, from just before the first call to just after the last."""

    @property
    def cpu_us_per_call(self) -> float:
        return self.cpu_us / max(1, self.calls.completed)

    @property
    def busy(self) -> float:
        """Share of one core."""
        return self.cpu_us / 1e6 / self.calls.elapsed_s


@dataclass(slots=True)
class Measured:
    """All rounds of one contestant."""

    contestant: Contestant
    generator: Caller
    name: str
    """The contestant's own, unless it is one of several of its kind."""
    samples: list[Sample] = field(default_factory=list)
    paced: list[Round] = field(default_factory=list)
    """Rounds at a fixed rate, in which set-up times were measured."""
    sent: int = 0
    """Calls generated so far, the warm-up's included."""
    missed: int = 0
    """Of these, the ones that failed."""
    between_us: float = 0.0
    """CPU time that it used between its rounds: work that it put off (records, timers), and idling."""
    peak_memory_mib: float = 0.0

    @property
    def cpu_us_per_call(self) -> float:
        return median(sample.cpu_us_per_call for sample in self.samples)

    @property
    def calls_per_s(self) -> float:
        return median(sample.calls.calls_per_s for sample in self.samples)

    @property
    def busy(self) -> float:
        return median(sample.busy for sample in self.samples)

    @property
    def failed(self) -> int:
        """Over all measured rounds."""
        return sum(sample.calls.failed for sample in self.samples)

    @property
    def between_us_per_call(self) -> float:
        return self.between_us / max(1, sum(sample.calls.completed for sample in self.samples))

    def run(self, calls: int, window: int, *, rate: float = 0.0, hold: bool = False) -> Round:
        """Calls that are counted but not measured, as `Generator.run` has it.

        Raises ContestantError where the contestant ends meanwhile.
        """
        result = self.generator.run(self.sent, calls, window, rate=rate, hold=hold)
        self.sent += calls
        self.missed += result.failed
        status = self.contestant.process.poll()
        if status is not None:
            last = self.contestant.last_lines()
            raise ContestantError(f"{self.name} ended during the run with status {status}\n{last}")
        return result

    def run_first(self, calls: int) -> None:
        """A few calls to see that it works at all; a dumb contestant would hold every round up to its hard cap."""
        result = self.run(calls, calls)
        if not result.completed:
            refused = ", ".join(f"{count} refused with {status}" for status, count in sorted(result.refused.items()))
            last = self.contestant.last_lines()
            why = refused or "all of them lost"
            raise ContestantError(f"{self.name} completed none of its first {calls} calls: {why}\n{last}")

    def faults(self) -> list[str]:
        """Whether it did what the figures claim; what not, one line each."""
        rounds = [sample.calls for sample in self.samples] + self.paced
        completed = sum(one.completed for one in rounds)
        found = []
        if wrong := sum(one.wrong for one in rounds):
            found.append(f"{wrong} messages broke RFC 3261; the first is printed above")
        refused: dict[str, int] = {}
        for one in rounds:
            for status, count in one.refused.items():
                refused[status] = refused.get(status, 0) + count
        found += [f"{count} calls were refused with {status}" for status, count in sorted(refused.items())]
        if not completed:
            found.append("not one call was completed")
        if missed := sum(one.failed for one in self.paced):
            found.append(f"{missed} calls failed at a fixed rate, where nothing was at its limit")
        routed = sum(one.record_routed for one in rounds)
        if self.contestant.is_proxy and routed < completed:
            found.append(f"{completed - routed} calls were answered without its Record-Route")
        trying = sum(one.trying for one in rounds)
        if self.contestant.is_proxy and trying < completed:
            found.append(f"{completed - trying} calls were not answered with a 100")
        found += self.contestant.own_faults(self.expected)
        return [f"{self.name}: {text}" for text in found]

    @property
    def expected(self) -> range:
        """How many calls it may have let through since it started: of a failed one nobody knows."""
        return range(self.sent - self.missed, self.sent + 1)


class Bench:
    """Starts contestants, measures them in turn, ends them. A context: whatever happens, its processes end with it."""

    def __init__(self, cores: Cores, generator: list[str], folder: Path) -> None:
        self._cores = cores
        self._generator = generator
        self.folder = folder
        self._exits = ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def start(self, kind: type[Contestant], workload: Workload, name: str = "") -> Measured:
        """Start a contestant, pinned, with sockets of its own. Raises ContestantError."""
        name = name or kind.name
        folder = self.folder / name
        endpoints = self._endpoints()
        contestant = self.stand(kind, workload, endpoints, folder / "own")
        caller = contestant.caller(self._cores.generator)
        if caller is None:
            generator = self._calls_through(contestant.port, endpoints, workload, folder)
            caller = replace(generator, alone=contestant.answers_itself)
        return Measured(contestant, caller, name)

    def stand(self, kind: type[Contestant], workload: Workload, endpoints: Endpoints, folder: Path) -> Contestant:
        """Start a contestant, pinned, between sockets that are there, in a new folder. Raises ContestantError."""
        folder.mkdir(parents=True)
        contestant = kind(folder, endpoints, workload)
        self._exits.callback(contestant.kill)
        contestant.start()
        for pid in family(contestant.process.pid):
            pin(pid, self._cores.contestant)
        return contestant

    def direct(self, workload: Workload) -> Generator:
        """Calls with nothing between the two sides."""
        endpoints = self._endpoints()
        return self._calls_through(endpoints.called_port, endpoints, workload, self.folder / "direct")

    def warm_up(self, contestants: Sequence[Measured], settings: Settings) -> None:
        for measured in contestants:
            measured.run_first(settings.window)
            measured.run(settings.warm_up, settings.window)

    def measure(self, contestants: Sequence[Measured], settings: Settings, show: Callable[[str], None]) -> None:
        """The rounds: every contestant once, in the same order, as often as asked for."""
        used = {measured.name: _cpu_us(measured) for measured in contestants}
        for number in range(1, settings.rounds + 1):
            for measured in contestants:
                begin = _cpu_us(measured)
                measured.between_us += begin - used[measured.name]
                result = measured.run(settings.calls, settings.window)
                used[measured.name] = _cpu_us(measured)
                sample = Sample(result, used[measured.name] - begin)
                measured.samples.append(sample)
                show(f"round {number}/{settings.rounds}  {_line(measured.name, sample)}")
        for measured in contestants:
            measured.between_us += _cpu_us(measured) - used[measured.name]
            measured.peak_memory_mib = memory_kib(measured, "VmHWM") / 1024

    def _endpoints(self) -> Endpoints:
        endpoints = Endpoints()
        self._exits.callback(endpoints.close)
        return endpoints

    def _calls_through(self, port: int, endpoints: Endpoints, workload: Workload, folder: Path) -> Generator:
        messages, numbers = folder / "messages", folder / "workload"
        write_messages(messages, endpoints, port)
        workload.write(numbers)
        return Generator(self._generator, endpoints, port, messages, numbers, self._cores.generator)


def _line(name: str, sample: Sample) -> str:
    calls = sample.calls
    return (
        f"{name:<18}{sample.cpu_us_per_call:8.1f} us/call {calls.calls_per_s:9,.0f} calls/s {calls.failed:6} failed"
        f"   {sample.busy:4.0%} of a core"
    )


def _cpu_us(measured: Measured) -> float:
    try:
        return cpu_ns(family(measured.contestant.process.pid)) / 1e3
    except OSError as error:
        raise ContestantError(f"{measured.name}: the CPU time of its processes cannot be read: {error}") from error


def memory_kib(measured: Measured, kind: str = "VmRSS") -> int:
    """Resident memory, summed over its processes (what they share is counted for each): VmRSS now, VmHWM the most."""
    kib = 0
    for pid in family(measured.contestant.process.pid):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        kib += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{kind}:"))
    return kib
