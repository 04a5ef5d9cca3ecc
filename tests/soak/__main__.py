"""``make soak``: one gateway under everything at once, for a long time.

    python -m tests.soak [SECONDS]

Steady calls from two providers, over UDP and TCP, with and without session timers; floods by a third; LERG read again
and again; switches, which are probed, and callers killed in the middle of their calls. At the end every call must be in
the records, with the outcome that its caller saw; no call, no connection and no transaction but the probes' may be
left; and the gateway's memory and file descriptors must not have grown. Exit 0: so it is. 1: it is not, and what.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.soak.judgement import Sample, account, grown
from tests.soak.world import HOST, LONGEST_CALL_S, ROOT, free_ports, other_edition, write_files

DEFAULT_S: Final = 1_800.0
SETTLE_S: Final = LONGEST_CALL_S + 35.0
"""After the last call: one whose caller was killed, and whose answer was on its way just then, is the last to go."""
PROBES: Final = 8
"""Transactions that may be there when no call is: both switches are asked every 2 s, and an answer lingers for 5 s."""
STEADY_RATE: Final = 25.0
FLOOD_RATE: Final = 400.0


@dataclass(frozen=True)
class CallerKind:
    """How a caller calls."""

    calling: str
    """The first digits of its numbers: they say which provider's call it is."""
    transport: str = "udp"
    session_s: int = 0
    """Session interval that it asks for (RFC 4028); 0: none."""
    rate: float = STEADY_RATE


CALLERS: Final = {
    "caller 1": CallerKind("3142061"),
    "caller 2": CallerKind("3142063", session_s=90),
    "caller 3": CallerKind("3142061", transport="tcp"),
    "flood": CallerKind("3142065", rate=FLOOD_RATE),
}
CALLEES: Final = ("callee 1", "callee 2")
PORTS: Final = ("gateway", "operations", *CALLEES, *CALLERS)


@dataclass
class Soak:
    """The world of one run: processes, files, and what was seen."""

    folder: Path
    seconds: float
    ports: dict[str, int] = field(default_factory=lambda: dict(zip(PORTS, free_ports(len(PORTS)), strict=True)))
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    starts: int = 0

    def run(self) -> list[str]:
        """Everything; what is wrong, a line each."""
        callers = [f"{kind.transport}:{HOST}:{self.ports[name]}" for name, kind in CALLERS.items()]
        callees = [f"udp:{HOST}:{self.ports[name]}" for name in CALLEES]
        file = write_files(self.folder, self.ports["gateway"], self.ports["operations"], callers, callees)
        self._start("gateway", sys.executable, "-m", "gateway.cli", "run", "--config", str(file))
        self._until("the gateway is ready", lambda: self._get("/readyz") is not None)
        for name in (*CALLEES, *(name for name in CALLERS if name != "flood")):
            self._start_peer(name)
        begun = time.monotonic()
        self._live_through(begun, begun + self.seconds - SETTLE_S)
        for name in [name for name in self.processes if name.startswith(("caller", "flood"))]:
            self._stop(name)
        say(f"no new calls; what is up ends within {SETTLE_S:.0f} s")
        faults = self._wait_for_nothing(time.monotonic() + SETTLE_S)
        self._stop("gateway")
        return faults + self._judged() + self._said()

    # -- the run ------------------------------------------------------------------------------------------------------

    def _live_through(self, begun: float, end: float) -> None:
        """One thing after another happens, at random moments of a seeded generator."""
        chance = random.Random(1)
        happenings: list[Callable[[], None]] = [
            self._flood, partial(self._kill_caller, "caller 2"), self._reload,
            self._kill_callee, partial(self._kill_caller, "caller 3"), self._reload,
        ]  # fmt: skip
        next_s, next_sample, turn = time.monotonic() + 5, time.monotonic(), 0
        while (now := time.monotonic()) < end:
            if now >= next_s:
                happenings[turn % len(happenings)]()
                turn += 1
                next_s = now + chance.uniform(3, 9)
            if now >= next_sample:
                self._sample(now - begun)
                next_sample = now + 5
            time.sleep(0.25)

    def _flood(self) -> None:
        self.events["flood"] += 1
        self._start_peer("flood")
        time.sleep(3)
        self._stop("flood")

    def _reload(self) -> None:
        self.events["reload"] += 1
        other_edition(self.folder)
        token = (self.folder / "state" / "api.token").read_text().strip()
        answer = self._ask("/reload", b"", {"Authorization": f"Bearer {token}"})
        if answer is None:
            self.events["reload refused"] += 1

    def _kill_callee(self) -> None:
        """The first switch dies, with calls up and ringing, and comes back."""
        self.events["callee killed"] += 1
        self._kill("callee 1")
        time.sleep(4)
        self._start_peer("callee 1")

    def _kill_caller(self, name: str) -> None:
        """A caller dies: nobody ends its calls, and nobody refreshes them."""
        self.events[f"{name} killed"] += 1
        self._kill(name)
        self._start_peer(name)

    def _sample(self, at_s: float) -> None:
        status, process = self._status(), Path(f"/proc/{self.processes['gateway'].pid}")
        sample = Sample(
            at_s,
            rss_mib=int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20,
            files=sum(1 for _ in (process / "fd").iterdir()),
            calls=int(status["calls_in_progress"]),
            transactions=int(status["transactions"]),
            connections=self._connections(),
        )
        self.samples.append(sample)
        if len(self.samples) % 6 == 1:
            say(f"{sample}  {status['records']['written']:8} records")

    def _connections(self) -> int:
        lines = (self._get("/metrics") or b"").decode().splitlines()
        return sum(int(float(line.rpartition(" ")[2])) for line in lines if line.startswith("tollgate_connections{"))

    # -- what must hold at the end ------------------------------------------------------------------------------------

    def _wait_for_nothing(self, until: float) -> list[str]:
        while (status := self._status())["calls_in_progress"] or status["transactions"] > PROBES or self._connections():
            if time.monotonic() > until:
                left = f"{status['calls_in_progress']} calls, {status['transactions']} transactions"
                return [f"{left} and {self._connections()} connections are left {SETTLE_S:.0f} s after the last call"]
            time.sleep(1)
        say(f"at the end: 0 calls up, {status['transactions']} transactions, 0 connections")
        return []

    def _judged(self) -> list[str]:
        figures, faults = grown(self.samples)
        result = account(self.folder)
        for figure in figures:
            say(figure)
        say(f"{result.seen.total()} calls by what their callers saw: {_counts(result.seen)}")
        say(f"calls of killed callers by who ended them: {_counts(result.abandoned)}")
        say(f"what happened: {_counts(self.events)}")
        if refused := self.events["reload refused"]:
            faults.append(f"{refused} reloads were refused")
        if not any(sample.connections for sample in self.samples):
            faults.append("nobody was connected")
        return faults + result.faults

    def _said(self) -> list[str]:
        """The logs of the gateway and of its peers."""
        faults = []
        for log in sorted(self.folder.glob("*.log")):
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            faults += [f"{log.name}: {line}" for line in lines if "Traceback" in line or " ERROR " in line][:10]
        return faults

    # -- processes ----------------------------------------------------------------------------------------------------

    def _start_peer(self, name: str) -> None:
        self.starts += 1
        seed, port = str(self.starts), str(self.ports[name])
        module = (sys.executable, "-m", "tests.soak.peers")
        if name in CALLEES:
            self._start(name, *module, "callee", port, seed)
            return
        kind, journal = CALLERS[name], self.folder / f"{name.replace(' ', '-')}.journal"
        how = (str(kind.rate), kind.calling, kind.transport, str(kind.session_s))
        self._start(name, *module, "caller", port, str(self.ports["gateway"]), seed, str(journal), *how)

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name.replace(' ', '-')}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)  # noqa: S603 - ours

    def _stop(self, name: str) -> None:
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(90)

    def _kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def stop_all(self) -> None:
        """End what still runs, whatever happened."""
        for name in list(self.processes):
            self._kill(name)

    # -- questions ----------------------------------------------------------------------------------------------------

    def _status(self) -> dict[str, Any]:
        answer = self._get("/status")
        if answer is None:
            ended = self.processes["gateway"].poll()
            raise Ended(f"the gateway does not answer ({'it ended with ' + str(ended) if ended is not None else 'up'})")
        status: dict[str, Any] = json.loads(answer)
        return status

    def _get(self, path: str) -> bytes | None:
        return self._ask(path, None, {})

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> bytes | None:
        request = urllib.request.Request(f"http://{HOST}:{self.ports['operations']}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                data: bytes = answer.read()
                return data
        except OSError:
            return None

    def _until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not holds():
            if time.monotonic() > deadline or self.processes["gateway"].poll() is not None:
                raise Ended(f"it did not come about that {what}")
            time.sleep(0.1)


class Ended(Exception):
    """The run cannot go on; the text says why."""


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counter.most_common())


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a program for people


def main(arguments: list[str]) -> int:
    try:
        seconds = float(arguments[0]) if arguments else DEFAULT_S
    except ValueError:
        say(f"{arguments[0]!r} is no number of seconds: python -m tests.soak [SECONDS]")
        return 2
    if seconds < SETTLE_S + 75:
        say(f"a soak takes at least {SETTLE_S + 75:.0f} s: {SETTLE_S:.0f} of them are for everything to end")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the processes of the run are ended
    folder = Path(tempfile.mkdtemp(prefix="tollgate-soak-"))
    soak = Soak(folder, seconds)
    try:
        faults = soak.run()
    except Ended as why:
        faults = [str(why)]
    finally:
        soak.stop_all()
    for fault in faults[:20]:
        say(f"WRONG: {fault}")
    if faults:
        say(f"{len(faults)} things are wrong; logs, journals and records are in {folder}")
        return 1
    shutil.rmtree(folder)
    say("every call is accounted for, nothing is left, and the memory is flat")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
