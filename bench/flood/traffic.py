"""The processes of a round: who floods, who answers, who calls meanwhile."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.compiler import NotCompiled, compiled
from bench.flood.site import NoFlood, Site, Workloads
from bench.generator import LOOPBACK, Ends, Generator, GeneratorError, write_messages
from bench.processor import hurry, pin

HERE = Path(__file__).parent
END_S = 10.0
"""After SIGTERM a process of a round has so long to end its calls."""
EMERGENCY = {"+1[called]": "911"}
ANSWERER = {"+1[called]": "switch"}


@dataclass(frozen=True, slots=True)
class FloodReport:
    """What a flood really was, as its sender counts it."""

    elapsed_s: float
    cpu_us: float
    """Of the sender's process."""
    sent: int
    """INVITEs that the kernel took."""
    unsent: int
    """INVITEs that it did not take."""
    behind: int
    """INVITEs that were due while the sender could not keep up, and were left out."""
    connected: int
    """Answered calls."""
    cleared: int
    """Of these, the ones whose BYE was answered."""
    emergencies: int
    """Emergency calls from the ports of the flood."""
    emergencies_completed: int
    """Of these, the ones that were answered and cleared."""
    emergency_retransmissions: int
    statuses: Mapping[str, int]
    """Status -> responses to the flood's INVITEs, provisional ones too."""

    @property
    def per_s(self) -> float:
        return self.sent / self.elapsed_s


@dataclass(frozen=True, slots=True)
class Programs:
    """The C programs, compiled for this run."""

    generator: Path
    flooder: Path
    answerer: Path

    @classmethod
    def make(cls, folder: Path) -> Programs:
        """Raises NoFlood: a sender in Python would itself be what limits the flood."""
        folder.mkdir(parents=True)
        try:
            sources = (HERE.parent / "generator.c", HERE / "flooder.c", HERE / "answerer.c")
            return cls(*(compiled(source, folder) for source in sources))
        except NotCompiled as error:
            raise NoFlood(str(error)) from error


class Answerer:
    """The host's switch: answers every call, for all contestants. A context that ends with its process."""

    def __init__(self, programs: Programs, site: Site, folder: Path, core: int | None) -> None:
        write_messages(folder, site, 0, ANSWERER | {"[called_address]": f"{LOOPBACK}:{site.answering_port}"})
        self._process = _started([str(programs.answerer), str(site.answering.fileno()), str(folder)], [site.answering])
        pin(self._process.pid, core)
        hurry(self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Answerer:
        return self

    def __exit__(self, *_: object) -> None:
        _end(self._process)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that calls one contestant."""

    programs: Programs
    site: Site
    gateway_port: int
    folder: Path
    core: int | None

    @classmethod
    def prepare(
        cls, programs: Programs, site: Site, of: Workloads, gateway_port: int, folder: Path, *, core: int | None
    ) -> Surroundings:
        """Write messages and numbers of all callers into a new folder."""
        folder.mkdir(parents=True)
        flooding = {"[caller_address]": f"{LOOPBACK}:[port]"}
        write_messages(folder / "innocent", site, gateway_port)
        emergency_address = f"{LOOPBACK}:{site.emergency_caller.getsockname()[1]}"
        write_messages(folder / "emergency", site, gateway_port, EMERGENCY | {"[caller_address]": emergency_address})
        write_messages(folder / "flood", site, gateway_port, flooding)
        write_messages(folder / "flood-emergency", site, gateway_port, EMERGENCY | flooding)
        of.innocent.write(folder / "innocent.calls")
        of.flooding.write(folder / "honest.calls")
        of.all.write(folder / "spoofed.calls")
        return cls(programs, site, gateway_port, folder, core)

    def innocent(self) -> Generator:
        return self._caller(self.site, "innocent")

    def emergency(self) -> Generator:
        """Emergency calls from another member of the innocent's trunk group."""
        return self._caller(_Ends(self.site.emergency_caller, self.site.called), "emergency")

    def _caller(self, ends: Ends, messages: str) -> Generator:
        command = [str(self.programs.generator)]
        paths = (self.folder / messages, self.folder / "innocent.calls")
        return Generator(command, ends, self.gateway_port, *paths, self.core, alone=True, urgent=True)

    def flood(
        self, sources: int, *, spoofed: bool, rate: float, emergency_rate: float, first_call: int, most_s: float
    ) -> Flood:
        """Begin a flood. It goes on until it is stopped, at most for `most_s`."""
        sockets = self.site.flood[sources]
        numbers = self.folder / ("spoofed.calls" if spoofed else "honest.calls")
        command = [str(self.programs.flooder), str(self.gateway_port)]
        command += [str(self.folder / "flood"), str(self.folder / "flood-emergency"), str(numbers)]
        command += [str(first_call), str(rate), str(emergency_rate), str(most_s)]
        command.append(",".join(str(one.fileno()) for one in sockets))
        return Flood(command, sockets, self.core)


class Flood:
    """A flood that goes on. A context that ends with its process."""

    def __init__(self, command: Sequence[str], sockets: Sequence[socket.socket], core: int | None) -> None:
        self._process = _started(command, sockets)
        pin(self._process.pid, core)

    def __enter__(self) -> Flood:
        return self

    def __exit__(self, *_: object) -> None:
        _end(self._process)

    def stop(self) -> FloodReport:
        """End it when its emergency calls are over. Raises GeneratorError."""
        self._process.send_signal(signal.SIGTERM)
        try:
            printed, complaints = self._process.communicate(timeout=END_S)
        except subprocess.TimeoutExpired as error:
            raise GeneratorError("the flooder did not end in time") from error
        if self._process.returncode:
            raise GeneratorError(f"the flooder ended with {self._process.returncode}: {complaints.strip()}")
        return FloodReport(**json.loads(printed))


@dataclass(frozen=True, slots=True)
class _Ends:
    """Two of the site's sockets in the places of a caller's."""

    caller: socket.socket
    called: socket.socket


def _started(command: Sequence[str], sockets: Sequence[socket.socket]) -> subprocess.Popen[str]:
    descriptors = [one.fileno() for one in sockets]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=descriptors)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=END_S)
    if process.poll() is None:
        process.kill()
        process.communicate()
