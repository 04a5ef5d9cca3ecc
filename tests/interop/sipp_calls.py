"""SIPp on both sides of the gateway of `deploy/tollgate.toml`: its exit code and the call records must agree."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.records.call_records import RECORDS_FILE, read_calls
from tests.interop.prometheus_panels import Failure, fetch, say, wait_until

ROOT: Final = Path(__file__).parents[2]
CALLS: Final = 200
CALLS_PER_S: Final = 50
SIP_PORT: Final = 15060
OPERATIONS_PORT: Final = 19464
TIMEOUT_S: Final = 60.0


@contextmanager
def gateway(folder: Path) -> Iterator[None]:
    """The example configuration on ports of its own, with limits that 200 calls do not reach."""
    text = (ROOT / "deploy" / "tollgate.toml").read_text()
    for old, new in (
        ("127.0.0.1:5060", f"127.0.0.1:{SIP_PORT}"),
        ("127.0.0.1:9464", f"127.0.0.1:{OPERATIONS_PORT}"),
        ("../sim/", f"{ROOT}/sim/"),
        ("../var/tollgate", str(folder / "state")),
        ("sustained_per_s = 10", "sustained_per_s = 1000"),
        ("burst = 20", "burst = 1000"),
        ("in_progress = 100", "in_progress = 1000"),
    ):
        text = text.replace(old, new)
    file = folder / "tollgate.toml"
    file.write_text(text)
    command = [sys.executable, "-m", "gateway.cli", "run", "--config", str(file)]
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - fixed words
    try:
        wait_until("the gateway is ready", lambda: _ready(process))
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT_S)


def _ready(process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise Failure(f"the gateway ended with {process.returncode}")
    return fetch("127.0.0.1", OPERATIONS_PORT, "/readyz")[0] == 200


def sipp(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = ["sipp", "-i", "127.0.0.1", "-nostdin", "-timeout", "50", *arguments]
    environment = os.environ | {"TERM": "dumb"}
    return subprocess.Popen(  # noqa: S603 - fixed words
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def place_calls(folder: Path) -> None:
    """200 calls that are admitted and 200 whose identities contradict each other."""
    scenarios = ROOT / "deploy" / "sipp"
    host = sipp(folder, "-sf", str(scenarios / "host-switch.xml"), "-p", "5080")
    try:
        for asserted in ("+13142063100", "+13142063199"):
            partner = sipp(
                folder,
                *(f"127.0.0.1:{SIP_PORT}", "-sf", str(scenarios / "partner-switch.xml"), "-p", "5070"),
                *("-m", str(CALLS), "-r", str(CALLS_PER_S), "-d", "20", "-s", "+16363270100"),
                *("-key", "from", "+13142063100", "-key", "asserted", asserted),
            )
            code = partner.wait(TIMEOUT_S)
            if code != 0:
                raise Failure(f"SIPp ended with {code}: a call did not go as its scenario says")
    finally:
        host.terminate()
        host.wait(TIMEOUT_S)


def try_sipp() -> bool:
    """Whether SIPp's calls came out as expected in SIPp's eyes and in the records."""
    if shutil.which("sipp") is None:
        say("FAULT  SIPp is not installed: apt-get install sip-tester")
        return False
    with tempfile.TemporaryDirectory(prefix="tollgate-sipp-") as name:
        folder = Path(name)
        try:
            with gateway(folder):
                place_calls(folder)
            records = list(read_calls(folder / "state" / RECORDS_FILE))
        except Failure as fault:
            say(f"FAULT  {fault}\n{(folder / 'gateway.log').read_text()[-500:]}")
            return False
    seen = {
        outcome: sum(record.outcome == outcome and record.final_status == status for record in records)
        for outcome, status in (("ADMIT", 200), ("REFUSE", 403))
    }
    good = seen == {"ADMIT": CALLS, "REFUSE": CALLS} and len(records) == 2 * CALLS
    verdict = "ok " if good else "FAULT "
    say(f"{verdict} SIPp: {2 * CALLS} calls by its exit code; records say {json.dumps(seen)} of {len(records)}")
    return good
