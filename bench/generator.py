"""The call generator as the bench uses it: two sockets, the messages, and a process that runs one round of calls.

The generator proper is `generator.c`, compiled when the bench starts, or `generator_fallback.py` where there is no C
compiler. Both take the same arguments and print the same JSON object.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from bench.compiler import NotCompiled, compiled
from bench.processor import hurry, pin

HERE = Path(__file__).parent
LOOPBACK = "127.0.0.1"
HARD_CAP_S = 60.0
"""No round lasts longer: the calls that are not over by then count as failed."""


class GeneratorError(Exception):
    """The generator could not do its work; the text says why."""


@dataclass(frozen=True, slots=True)
class Round:
    """What the generator saw of one round of calls."""

    completed: int
    """Calls of which 180, 200, ACK, BYE and its 200 all arrived."""
    failed: int
    elapsed_s: float
    """From the first INVITE to the end of the last call."""
    retransmissions: int
    stray: int
    """Messages of calls that were over: copies, or what a contestant sent late."""
    wrong: int
    """Messages that broke RFC 3261: foreign Vias in a response, an own Route left in a request."""
    record_routed: int
    """Calls that were answered with a Record-Route."""
    trying: int
    """Calls whose INVITE was answered with a 100."""
    refused: Mapping[str, int]
    """Final status of refused calls -> how many."""
    setup_us: Sequence[int] = ()
    """INVITE sent to 200 received, microseconds, of every answered call; only where calls began at a fixed rate."""

    @property
    def calls_per_s(self) -> float:
        return self.completed / self.elapsed_s


class Caller(Protocol):
    """Places calls."""

    def run(self, first_call: int, calls: int, window: int, *, rate: float = 0.0, hold: bool = False) -> Round:
        """As of `Generator`."""


class Ends(Protocol):
    """The two sockets that a generator is given."""

    @property
    def caller(self) -> socket.socket: ...

    @property
    def called(self) -> socket.socket: ...


class Endpoints:
    """The caller's and the called side's sockets. Open as long as the contestant lives, which is told their ports."""

    def __init__(self) -> None:
        self.caller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.called = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for end in (self.caller, self.called):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)  # the kernel grants what rmem_max allows
            end.bind((LOOPBACK, 0))

    @property
    def caller_port(self) -> int:
        return int(self.caller.getsockname()[1])

    @property
    def called_port(self) -> int:
        return int(self.called.getsockname()[1])

    def close(self) -> None:
        self.caller.close()
        self.called.close()


def write_messages(
    folder: Path, endpoints: Endpoints, gateway_port: int, changes: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Write the message templates with everything filled in that is the same for all calls, and CRLF line ends.

    `changes` are made before: texts, and what stands in their places. What is left in square brackets is filled in by
    the generator for each call. `[routes]` and `[copied]` stand for whole header lines, with their line ends.
    """
    constants = {
        "[caller_host]": LOOPBACK,
        "[caller_address]": f"{LOOPBACK}:{endpoints.caller_port}",
        "[called_host]": LOOPBACK,
        "[called_address]": f"{LOOPBACK}:{endpoints.called_port}",
        "[gateway_host]": LOOPBACK,
        "[gateway]": f"{LOOPBACK}:{gateway_port}",
        "[routes]\n": "[routes]",
        "[copied]\n": "[copied]",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for source in (HERE / "messages").glob("*.sip"):
        text = source.read_text(encoding="ascii")
        for name, value in (*changes.items(), *constants.items()):
            text = text.replace(name, value)
        head, body = text.replace("\n", "\r\n").split("\r\n\r\n", 1)
        whole = f"{head.replace('[length]', str(len(body)))}\r\n\r\n{body}"
        (folder / source.name).write_bytes(whole.encode("ascii"))


def prepare(folder: Path, wanted: str = "auto") -> tuple[list[str], str]:
    """The generator's command, and a line that says which generator it is and why. `wanted` is auto or python."""
    fallback = [sys.executable, "-m", "bench.generator_fallback"]
    if wanted == "python":
        return fallback, "generator: Python, as asked for (it may be slower than a fast contestant)"
    try:
        program = compiled(HERE / "generator.c", folder)
    except NotCompiled as error:
        return fallback, f"generator: Python ({error}; it may be slower than a fast contestant)"
    return [str(program)], "generator: C, compiled for this run"


@dataclass(frozen=True, slots=True)
class Generator:
    """Runs rounds of calls through one contestant."""

    command: list[str]
    endpoints: Ends
    gateway_port: int
    messages: Path
    workload: Path
    core: int | None
    alone: bool = False
    """The called side is somebody else: what reaches it is not waited for."""
    urgent: bool = False
    """Its process is preferred to others on its core, where this user may ask for it."""

    def run(self, first_call: int, calls: int, window: int, *, rate: float = 0.0, hold: bool = False) -> Round:
        """`calls` calls, at most `window` of them outstanding. Raises GeneratorError where the process fails.

        `first_call` numbers the first of them: a call's number makes its Call-ID, tags and branches, so that no two
        rounds of a run may share numbers. With a `rate` that many begin each second, else the next begins when one
        ends. With `hold` a call is complete once it is up, and stays up.
        """
        ends = (self.endpoints.caller.fileno(), self.endpoints.called.fileno())
        numbers = (*ends, self.gateway_port)
        limits = (first_call, calls, window, HARD_CAP_S, rate, int(hold), int(self.alone))
        arguments = [*map(str, numbers), str(self.messages), str(self.workload), *map(str, limits)]
        process = subprocess.Popen(
            [*self.command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=ends
        )
        try:
            pin(process.pid, self.core)
            if self.urgent:
                hurry(process.pid)
            printed, complaints = process.communicate(timeout=HARD_CAP_S + 10)
        except subprocess.TimeoutExpired as error:
            raise GeneratorError("the call generator did not end in time") from error
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            raise GeneratorError(f"the call generator ended with {process.returncode}: {complaints.strip()}")
        if complaints:
            print(complaints.strip(), file=sys.stderr)
        return Round(**json.loads(printed))
