"""The bare uvloop forwarder (`bench/forwarder_uvloop.py`): what the sockets alone cost a Python process."""

from __future__ import annotations

import subprocess
import sys

from bench.contestants.contestant import Contestant, ContestantError


class Forwarder(Contestant):
    name = "forwarder_uvloop"
    record_routes = False

    def start(self) -> None:
        ports = (str(self.endpoints.caller_port), str(self.endpoints.called_port))
        command = [sys.executable, "-m", "bench.forwarder_uvloop", *ports]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None  # noqa: S101 - PIPE was asked for
        line = self.process.stdout.readline()
        if not line:
            raise ContestantError(f"{self.name} ended with status {self.process.wait()}; its message is above")
        self.port = int(line)
