"""The command as people run it: processes of their own, on the shipped example configuration."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO, Final

from click.testing import Result
from typer.testing import CliRunner

from gateway.cli import app
from gateway.interconnection.trunk_groups import Address
from gateway.native import PURE

LOOPBACK: Final = "127.0.0.1"
EXAMPLE: Final = Path(__file__).parents[2] / "deploy" / "tollgate.toml"
LIMIT_S: Final = 60
TOLLGATE: Final = (sys.executable, "-m", "gateway.cli")


def free_address(kind: socket.SocketKind) -> Address:
    """An address that nobody listens on just now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, 0))
        address: Address = probe.getsockname()
        return address


def environment(state: Path, sip: Address, operations: Address, **more: str) -> dict[str, str]:
    """This process's environment, with the example's addresses and state folder overridden."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOLLGATE_") or name == PURE}
    return kept | {
        "TOLLGATE_GATEWAY__LISTEN": f"{sip[0]}:{sip[1]}",
        "TOLLGATE_GATEWAY__STATE_FOLDER": str(state),
        "TOLLGATE_OPERATIONS__LISTEN": f"{operations[0]}:{operations[1]}",
        **more,
    }


def tollgate(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(  # noqa: S603 - our own command
        [*TOLLGATE, *arguments], env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


class RunningGateway:
    """`tollgate run`, from its first words to its end."""

    def __init__(self, state: Path, configuration: Path = EXAMPLE) -> None:
        self.configuration: Final = configuration
        self.sip: Final = free_address(socket.SOCK_DGRAM)
        self.operations: Final = free_address(socket.SOCK_STREAM)
        self.env: Final = environment(state, self.sip, self.operations)
        self.process: Final = subprocess.Popen(  # noqa: S603 - our own command
            [*TOLLGATE, "run", "--config", str(configuration)], env=self.env, stderr=subprocess.PIPE, text=True
        )
        self.said = ""
        self.wait_for("SIP on udp:")

    @property
    def _stderr(self) -> IO[str]:
        assert self.process.stderr is not None
        return self.process.stderr

    def wait_for(self, words: str) -> None:
        """Read what it says until it says this."""
        while words not in self.said:
            line = self._stderr.readline()
            assert line, f"it ended with {self.process.wait(LIMIT_S)} and said: {self.said}"
            self.said += line

    def told(self, *arguments: str) -> Result:
        """What comes of a command to it, in this process: to start another for each takes seconds."""
        overriding = {name: value for name, value in self.env.items() if name.startswith("TOLLGATE_")}
        return CliRunner(env=overriding).invoke(app, [*arguments, "--config", str(self.configuration)])

    def kill(self) -> None:
        """As a machine that loses its power would end it."""
        self.process.kill()
        self.process.wait(LIMIT_S)

    def stop(self, signal_number: int) -> int:
        """Its exit code after a signal."""
        self.process.send_signal(signal_number)
        self.said += self._stderr.read()
        return self.process.wait(LIMIT_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(LIMIT_S)
        self._stderr.close()
