"""Bare forwarders: what the sockets alone cost, a process in C (`floor.c`) and one in Python on uvloop."""

from __future__ import annotations

import subprocess
import sys
from abc import abstractmethod
from pathlib import Path

from bench.compiler import NotCompiled, compiled
from bench.contestants.contestant import Contestant, ContestantError, NotInstalled

HERE = Path(__file__).parent.parent


class Forwarder(Contestant):
    """A program that takes the two ports of the bench and prints its own."""

    is_proxy = False

    @abstractmethod
    def command(self) -> list[str]:
        """What to run. Raises NotInstalled."""

    def start(self) -> None:
        ports = (str(self.endpoints.caller_port), str(self.endpoints.called_port))
        self.process = subprocess.Popen([*self.command(), *ports], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None  # noqa: S101 - PIPE was asked for
        line = self.process.stdout.readline()
        if not line:
            raise ContestantError(f"{self.name} ended with status {self.process.wait()}; its message is above")
        self.port = int(line)


class UvloopForwarder(Forwarder):
    name = "forwarder_uvloop"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "bench.forwarder_uvloop"]


class Floor(Forwarder):
    name = "floor_c"

    def command(self) -> list[str]:
        try:
            return [str(compiled(HERE / "floor.c", self.folder))]
        except NotCompiled as error:
            raise NotInstalled(str(error)) from error
