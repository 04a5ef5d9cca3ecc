"""``make soak``: one gateway under everything at once, for a long time.

    python -m tests.soak [SECONDS]

Steady calls from two providers, floods by a third, LERG read again and again, switches and callers killed in the middle
of their calls. At the end every call must be in the records, with the outcome that its caller saw; no transaction, no
dialog and no call may be left; and the gateway's memory must not have grown. Exit 0: so it is. 1: it is not, and what.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from gateway.records.call_records import RECORDS_FILE, CallRecord, read_calls

ROOT: Final = Path(__file__).parents[2]
HOST: Final = "127.0.0.1"
DEFAULT_S: Final = 1_800.0
LONGEST_CALL_S: Final = 60
"""The gateway gives up a call that nobody ends after this time: callers are killed here."""
SETTLE_S: Final = 235.0
"""After the last call: an INVITE whose caller was killed rings until timer C (185 s) and is then cancelled (64 T1)."""
STEADY_RATE: Final = 30.0
FLOOD_RATE: Final = 400.0
GROWTH: Final = 0.10
"""Of the resident memory, between the first and the last quarter of the run; and this much of it is noise:"""
NOISE_MIB: Final = 8.0

CONFIGURATION: Final = """\
[gateway]
listen = "{host}:{gateway}"
state_folder = "{folder}/state"

[operations]
listen = "{host}:{operations}"

[limits]
max_call_seconds = {longest}

[numbering]
lerg = "{folder}/lerg"
ported = "{folder}/lerg/ported.csv"

[agreement]
name = "soak"
effective = 2005-10-17

[[carriers]]
ocn = "XH01"
name = "Host"
kind = "host"

[[carriers]]
ocn = "XP01"
name = "Partner"
kind = "partner"
amendment = true

{providers}
[[trunk_groups]]
name = "partner"
side = "partner"
carrier = "XP01"
switch = "WNVLMOXADS0"
home_switch = "STLSMORBDS0"
members = [{callers}]

[[trunk_groups]]
name = "host"
side = "host"
carrier = "XH01"
switch = "WNVLMOXADS0"
members = [{callees}]
"""
PROVIDER: Final = """\
[[carriers]]
ocn = "{ocn}"
name = "{ocn}"
kind = "provider"
partner = "XP01"
numbering_agreement = true
confirmed = 2020-01-01T00:00:00Z
limit = {{ sustained_per_s = {rate}, burst = {rate}, in_progress = {in_progress} }}

"""
PROVIDERS: Final = (("XV01", 1_000, 10_000), ("XV02", 1_000, 10_000), ("XV03", 10, 20))
"""OCN, limit of calls a second, limit of calls in progress. The third floods."""
CALLING: Final = ("3142061", "3142063", "3142065")


def free_ports(count: int) -> list[int]:
    """Ports that nobody has just now."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for probe in probes:
        probe.bind((HOST, 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@dataclass
class Sample:
    at_s: float
    rss_mib: float
    calls: int
    transactions: int


@dataclass
class Soak:
    """The world of one run: processes, files, and what was seen."""

    folder: Path
    seconds: float
    ports: list[int] = field(default_factory=lambda: free_ports(7))
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    starts: int = 0

    def run(self) -> list[str]:
        """Everything; what is wrong, a line each."""
        self._write_files()
        self._start("gateway", sys.executable, "-m", "gateway.cli", "run", "--config", str(self.folder / "soak.toml"))
        self._until("the gateway is ready", lambda: self._get("/readyz") is not None)
        for name in ("callee 1", "callee 2", "caller 1", "caller 2"):
            self._start_peer(name)
        begun = time.monotonic()
        self._live_through(begun, begun + self.seconds - SETTLE_S)
        for name in [name for name in self.processes if name.startswith(("caller", "flood"))]:
            self._stop(name)
        say(f"no new calls; what is up ends within {SETTLE_S:.0f} s")
        faults = self._wait_for_nothing(time.monotonic() + SETTLE_S)
        self._stop("gateway")
        return faults + self._grown() + self._unaccounted() + self._said()

    # -- the run ------------------------------------------------------------------------------------------------------

    def _live_through(self, begun: float, end: float) -> None:
        """One thing after another happens, at random moments of a seeded generator."""
        chance = random.Random(1)
        happenings: list[Callable[[], None]] = [
            self._flood, self._reload, self._kill_callee, self._kill_caller, self._reload,
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
        """Another edition each time: one code more, or less."""
        self.events["reload"] += 1
        lerg6 = self.folder / "lerg" / "lerg6.csv"
        lines = lerg6.read_text().splitlines()
        shipped = (ROOT / "sim" / "missouri" / "lerg6.csv").read_text().splitlines()
        lerg6.write_text("\n".join(shipped if len(lines) < len(shipped) else shipped[:-1]) + "\n")
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

    def _kill_caller(self) -> None:
        """The second caller dies: nobody ends its calls."""
        self.events["caller killed"] += 1
        self._kill("caller 2")
        self._start_peer("caller 2")

    def _sample(self, at_s: float) -> None:
        status = self._status()
        pages = int(Path(f"/proc/{self.processes['gateway'].pid}/statm").read_text().split()[1])
        sample = Sample(
            at_s,
            pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
            int(status["calls_in_progress"]),
            int(status["transactions"]),
        )
        self.samples.append(sample)
        if len(self.samples) % 6 == 1:
            say(
                f"{at_s:6.0f} s  {sample.rss_mib:6.1f} MiB  {sample.calls:5} calls up  {sample.transactions:6} "
                f"transactions  {status['records']['written']:8} records"
            )

    # -- what must hold at the end ------------------------------------------------------------------------------------

    def _wait_for_nothing(self, until: float) -> list[str]:
        while (status := self._status())["calls_in_progress"] or status["transactions"]:
            if time.monotonic() > until:
                left = f"{status['calls_in_progress']} calls and {status['transactions']} transactions"
                return [f"{left} are left {SETTLE_S:.0f} s after the last call began"]
            time.sleep(1)
        return []

    def _grown(self) -> list[str]:
        """Memory in the last quarter beside the second: in the first the tables fill."""
        quarter = len(self.samples) // 4
        if quarter < 3:
            return [f"only {len(self.samples)} samples of the memory: give the soak more time"]
        early = median(sample.rss_mib for sample in self.samples[quarter : 2 * quarter])
        late = median(sample.rss_mib for sample in self.samples[-quarter:])
        say(f"memory: {early:.1f} MiB in the second quarter, {late:.1f} in the last")
        if late > early * (1 + GROWTH) + NOISE_MIB:
            return [f"the gateway's memory grew from {early:.1f} to {late:.1f} MiB"]
        return []

    def _unaccounted(self) -> list[str]:
        """Each call of the journals is in the records once, with what its caller saw."""
        records: dict[str, list[CallRecord]] = {}
        for record in read_calls(self.folder / "state" / RECORDS_FILE):
            records.setdefault(record.call_id, []).append(record)
        faults: list[str] = []
        seen: Counter[str] = Counter()
        for journal in sorted(self.folder.glob("*.journal")):
            told: dict[str, list[str]] = {}
            for line in journal.read_text(encoding="ascii").splitlines():
                call_id, _, what = line.partition(" ")
                told.setdefault(call_id, []).append(what)
            for call_id, (_, *outcome) in told.items():
                seen[outcome[0].split()[0] if outcome else "caller killed"] += 1
                faults += _compared(call_id, outcome, records.get(call_id, []))
        say("calls by what their callers saw: " + ", ".join(f"{count} {what}" for what, count in seen.most_common()))
        say("what happened: " + ", ".join(f"{count} x {what}" for what, count in self.events.items()))
        if not seen["200"] or not seen["480"] or not seen["caller killed"]:
            faults.append(f"the run did not have what it is for: {dict(seen)}")
        return faults

    def _said(self) -> list[str]:
        log = (self.folder / "gateway.log").read_text(encoding="utf-8", errors="replace")
        wrong = [line for line in log.splitlines() if "Traceback" in line or " ERROR " in line]
        return [f"the gateway's log: {line}" for line in wrong[:10]]

    # -- processes ----------------------------------------------------------------------------------------------------

    def _start_peer(self, name: str) -> None:
        gateway, _, callee_1, callee_2, caller_1, caller_2, flood = self.ports
        self.starts += 1
        module = (sys.executable, "-m", "tests.soak.peers")
        seed = str(self.starts)
        if name.startswith("callee"):
            self._start(name, *module, "callee", str(callee_1 if name == "callee 1" else callee_2), seed)
            return
        number = {"caller 1": 0, "caller 2": 1, "flood": 2}[name]
        port = (caller_1, caller_2, flood)[number]
        rate = FLOOD_RATE if name == "flood" else STEADY_RATE
        journal = self.folder / f"{name.replace(' ', '-')}.journal"
        self._start(name, *module, "caller", str(port), str(gateway), seed, str(rate), str(journal), CALLING[number])

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
        request = urllib.request.Request(f"http://{HOST}:{self.ports[1]}{path}", body, headers)
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

    def _write_files(self) -> None:
        shutil.copytree(ROOT / "sim" / "missouri", self.folder / "lerg")
        gateway, operations, callee_1, callee_2, caller_1, caller_2, flood = self.ports
        text = CONFIGURATION.format(
            host=HOST,
            gateway=gateway,
            operations=operations,
            folder=self.folder,
            longest=LONGEST_CALL_S,
            providers="".join(PROVIDER.format(ocn=ocn, rate=rate, in_progress=most) for ocn, rate, most in PROVIDERS),
            callers=", ".join(f'"{HOST}:{port}"' for port in (caller_1, caller_2, flood)),
            callees=", ".join(f'"{HOST}:{port}"' for port in (callee_1, callee_2)),
        )
        (self.folder / "soak.toml").write_text(text)


class Ended(Exception):
    """The run cannot go on; the text says why."""


def _compared(call_id: str, outcome: list[str], records: list[CallRecord]) -> list[str]:
    """What the records say otherwise than the caller; a caller that was killed has seen nothing."""
    if len(records) > 1:
        return [f"{call_id}: is in the records {len(records)} times"]
    if not outcome:
        return []
    what = outcome[0]
    if not records:
        return [] if what == "silence" else [f"{call_id}: its caller saw {what}, and it is not in the records"]
    (record,) = records
    if what == "silence" or str(record.final_status) == what.split()[0]:
        return []
    return [f"{call_id}: its caller saw {what}, the records say {record.final_status}"]


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a program for people


def main(arguments: list[str]) -> int:
    seconds = float(arguments[0]) if arguments else float(os.environ.get("SOAK_SECONDS") or DEFAULT_S)
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
