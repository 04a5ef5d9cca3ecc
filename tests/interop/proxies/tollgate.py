"""The gateway of a chain: its configuration, its process, and what it says of itself."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from gateway.records.call_records import RECORDS_FILE, read_calls
from gateway.records.call_rows import CallRecord
from tests.interop.prometheus_panels import Failure, fetch, free_port, wait_until
from tests.interop.proxies.certificates import NAMES, Certificates
from tests.interop.proxies.network import Address, Chain, Place, Transport

ROOT: Final = Path(__file__).parents[3]
LIMIT_BURST: Final = 5
"""Calls that the limited provider may place; its sustained rate gives it no other within a run."""
STOP_TIMEOUT_S: Final = 30.0

_CONFIGURATION: Final = """
[gateway]
listen = [{listen}]
state_folder = "{folder}/state"
record_route_host = "{host}"
emergency_trunk_group = "wentzville"

[operations]
listen = "127.0.0.1:{operations_port}"

{tls}
[numbering]
lerg = "{root}/sim/missouri"
ported = "{root}/sim/missouri/ported.csv"

[agreement]
name = "Carrier-partner amendment, attachment 1"
effective = 2005-10-17

[[carriers]]
ocn = "XH01"
name = "CenturyTel of Missouri"
kind = "host"

[[carriers]]
ocn = "XP01"
name = "River Bend Telecom"
kind = "partner"
amendment = true

[[carriers]]
ocn = "XV01"
name = "Pawpaw Voice"
kind = "provider"
partner = "XP01"
numbering_agreement = true
confirmed = 2026-01-15T00:00:00Z
limit = {{ sustained_per_s = 1000.0, burst = 1000, in_progress = 1000 }}

[[carriers]]
ocn = "XV02"
name = "Bluestem Voice"
kind = "provider"
partner = "XP01"
numbering_agreement = true
confirmed = 2026-02-01T00:00:00Z
limit = {{ sustained_per_s = 0.001, burst = {burst}, in_progress = 100 }}

[[trunk_groups]]
name = "riverbend-wentzville"
side = "partner"
carrier = "XP01"
switch = "WNVLMOXADS0"
home_switch = "STLSMORBDS0"
members = ["{near}"]
{near_certificate}modes = {{ passport = "monitor" }}

[[trunk_groups]]
name = "wentzville"
side = "host"
carrier = "XH01"
switch = "WNVLMOXADS0"
members = ["{far}"]
{far_certificate}"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What ``/metrics`` says, summed over the labels that do not matter here."""

    outcomes: Counter[str]
    ended_by: Counter[str]
    refusals: int
    others: Counter[str]
    """Families that should read zero when all is over, by name."""


_AT_REST: Final = (
    "tollgate_dialogs",
    "tollgate_records_lost",
    "tollgate_malformed",
    "tollgate_datagrams_dropped",
    "tollgate_trunk_group_calls_in_progress",
)


class Tollgate:
    """A running gateway."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, operations_port: int) -> None:
        self._process: Final = process
        self._folder: Final = folder
        self._operations_port: Final = operations_port

    def ready(self) -> bool:
        if self._process.poll() is not None:
            raise Failure(f"the gateway ended with {self._process.returncode}")
        return fetch("127.0.0.1", self._operations_port, "/readyz")[0] == 200

    def figures(self) -> Figures:
        _, text = fetch("127.0.0.1", self._operations_port, "/metrics")
        figures = Figures(Counter(), Counter(), 0, Counter())
        refusals = 0
        for family in text_string_to_metric_families(text.decode()):
            for sample in family.samples:
                value = int(sample.value) if sample.value == sample.value else 0
                if sample.name == "tollgate_calls_total":
                    figures.outcomes[sample.labels["outcome"]] += value
                elif sample.name == "tollgate_calls_ended_total":
                    figures.ended_by[sample.labels["ended_by"]] += value
                elif sample.name == "tollgate_refusals_total":
                    refusals += value
                elif family.name in _AT_REST:
                    figures.others[family.name] += value
        return Figures(+figures.outcomes, +figures.ended_by, refusals, +figures.others)

    def calls_are_over(self, calls: int) -> bool:
        figures = self.figures()
        return figures.ended_by.total() >= calls and not figures.others["tollgate_dialogs"]

    def records(self) -> list[CallRecord]:
        """Every call record; complete once the gateway has stopped."""
        return list(read_calls(self._folder / "state" / RECORDS_FILE))

    def complaints(self) -> list[str]:
        """What its log says of faults of its own."""
        text = (self._folder / "gateway.log").read_text(encoding="utf-8", errors="replace")
        return re.findall(r"^.*(?:Traceback|ERROR|Error:).*$", text, re.MULTILINE)


@contextmanager
def tollgate(
    folder: Path, chain: Chain, place: Place, near: Place, far: Place, certificates: Certificates
) -> Iterator[Tollgate]:
    """The gateway at `place`, with one member on each side, in a process of its own."""
    port = free_port()
    file = folder / "tollgate.toml"
    file.write_text(
        _CONFIGURATION.format(
            listen=", ".join(f'"{_hop(leg, place.own(leg))}"' for leg in sorted({chain.near, chain.far})),
            tls=_tls(certificates) if Transport.TLS in (chain.near, chain.far) else "",
            folder=folder,
            host=place.known_host,
            operations_port=port,
            root=ROOT,
            burst=LIMIT_BURST,
            near=_hop(chain.near, near.known(chain.near)),
            near_certificate=_shown(chain.near, near),
            far=_hop(chain.far, far.known(chain.far)),
            far_certificate=_shown(chain.far, far),
        )
    )
    command = [sys.executable, "-m", "gateway.cli", "run", "--config", str(file)]
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)  # noqa: S603 - fixed words
    running = Tollgate(process, folder, port)
    try:
        wait_until("the gateway is ready", running.ready)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _hop(transport: Transport, address: Address) -> str:
    return f"{transport}:{address[0]}:{address[1]}"


def _shown(transport: Transport, member: Place) -> str:
    """The name that the member's certificate must show."""
    return f'certificate = "{NAMES[member.name]}"\n' if transport is Transport.TLS else ""


def _tls(certificates: Certificates) -> str:
    own = certificates.of("gateway")
    return (
        f'[tls]\ncertificate = "{own.certificate}"\nkey = "{own.key}"\n'
        f'ca = "{certificates.authority}"\nverify_peers = true\n'
    )
