"""What a contestant is: something between two SIP peers that runs as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from bench.generator import LOOPBACK, Caller, Endpoints
from bench.processor import family
from bench.workload import Workload

STOP_S = 60.0
"""A contestant that has not ended this long after SIGTERM is killed."""


class ContestantError(Exception):
    """A contestant could not be started or did not do its work; the text says why."""


class NotInstalled(ContestantError):
    """What it takes is not on this machine; the text says what. The others are measured without it."""


class Contestant(ABC):
    """One thing that is measured. `start` makes it ready for calls; `process` and `port` are set from then on."""

    name: ClassVar[str]
    """Its name in results and on the command line."""
    is_proxy: ClassVar[bool]
    """A stateful proxy: each call must be answered with its Record-Route, and each INVITE with its 100."""

    answers_itself: ClassVar[bool] = False
    """Calls are answered by somebody of its own, and not by the bench's called side."""

    process: subprocess.Popen[str]
    port: int
    """UDP port on loopback to which the caller sends."""

    def __init__(self, folder: Path, endpoints: Endpoints, workload: Workload) -> None:
        """`folder` is its own, empty, and is removed after the run."""
        self.folder = folder
        self.endpoints = endpoints
        self.workload = workload

    @abstractmethod
    def start(self) -> None:
        """Start the process and return when it takes calls. Raises ContestantError."""

    def caller(self, core: int | None) -> Caller | None:  # noqa: ARG002 - for those that bring one
        """Who places its calls, pinned to a core; None where they are the generator's SIP calls."""
        return None

    def own_faults(self, calls: range) -> list[str]:  # noqa: ARG002 - for those that keep count
        """What its own counts say against the figures, while it runs; `calls` are the numbers of calls expected."""
        return []

    def last_lines(self) -> str:
        """What it said last, for the message about its failure."""
        return ""

    def stop(self, calls: range) -> list[str]:  # noqa: ARG002 - for those that leave something behind
        """End the process; what is found wrong with its work afterwards, one line each. `calls` as in `own_faults`."""
        self.process.terminate()
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return [f"{self.name} did not end within {STOP_S:.0f} s of SIGTERM and was killed"]
        return [] if status in (0, -15) else [f"{self.name} ended with status {status} on SIGTERM"]

    def kill(self) -> None:
        """End the process and its children, whatever state they are in; also when it never started."""
        process = getattr(self, "process", None)
        if process is not None and process.poll() is None:
            for pid in family(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()


def free_port(kind: socket.SocketKind) -> int:
    """A port on loopback that is free now. Whoever binds it next should do so soon."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
