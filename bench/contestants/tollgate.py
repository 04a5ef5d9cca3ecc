"""The gateway itself, as an operator would start it: every check enforced, records and metrics on."""

from __future__ import annotations

import http.client
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from bench.contestants.contestant import Contestant, ContestantError, free_port
from bench.generator import LOOPBACK
from gateway.interconnection.trunk_groups import Mode
from gateway.policy.verdict import Outcome

READY_S = 180.0
"""Loading the guide included, also one of a million rows on a slow machine."""
CALLS = "tollgate_calls_total"
FINDINGS = "tollgate_findings_total"
TRANSACTIONS = "tollgate_transactions"
RECORDS = "records.db"

# Every bound is set so high that no call of a run can meet it: what is measured is the work, not a refusal.
CONFIGURATION = """\
[gateway]
listen = "{host}:{port}"
state_folder = "{state}"

[operations]
listen = "{host}:{operations_port}"

[limits]
max_transactions = 10000000
max_dialogs = 10000000

[records]
queue = 1000000

[numbering]
lerg = "{guide}"

[agreement]
name = "bench"
effective = 2005-10-17

[[carriers]]
ocn = "{host_ocn}"
name = "Host"
kind = "host"

[[carriers]]
ocn = "{partner_ocn}"
name = "Partner"
kind = "partner"
amendment = true

{providers}
[[trunk_groups]]
name = "from-partner"
side = "partner"
carrier = "{partner_ocn}"
switch = "{host_switch}"
home_switch = "{partner_switch}"
members = ["{host}:{caller_port}"]
mode = "enforce"

[[trunk_groups]]
name = "to-host"
side = "host"
carrier = "{host_ocn}"
switch = "{host_switch}"
members = ["{host}:{called_port}"]
mode = "enforce"
"""
PROVIDER = """\
[[carriers]]
ocn = "{ocn}"
name = "Provider"
kind = "provider"
partner = "{partner_ocn}"
numbering_agreement = true
confirmed = 2020-01-01T00:00:00Z
limit = {{ sustained_per_s = 1000000.0, burst = 1000000, in_progress = 10000000 }}
"""


class Tollgate(Contestant):
    """As `tollgate run` comes. A variant is a subclass with a name and an environment of its own."""

    name = "tollgate"
    is_proxy = True
    environment: ClassVar[Mapping[str, str]] = {}
    """Variables that it is started with, beside those of the bench."""

    def start(self) -> None:
        self.port = free_port(socket.SOCK_DGRAM)
        self._operations_port = free_port(socket.SOCK_STREAM)
        self._log = self.folder / "log"
        # Calls that are up on purpose at the end of a run need no time to end.
        arguments = ["--config", str(self._write_configuration()), "--drain", "0"]
        command = [sys.executable, "-m", "gateway.cli", "run", *arguments]
        environment = {**os.environ, **self.environment}
        with self._log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, text=True)
        self._await_ready()

    def own_faults(self, calls: range) -> list[str]:
        """Its metrics: every call was admitted, and every check judged every call and was enforced."""
        outcomes: Counter[str] = Counter()
        judged: Counter[tuple[str, str]] = Counter()
        for sample in self._scrape():
            if sample.name == CALLS:
                outcomes[sample.labels["outcome"]] += int(sample.value)
            elif sample.name == FINDINGS:
                judged[sample.labels["check"], sample.labels["mode"]] += int(sample.value)
        found = []
        if (admitted := outcomes[Outcome.ADMIT.value]) not in calls:
            found.append(f"/metrics counts {admitted} calls admitted where {_words(calls)} went in")
        checks = sorted({check for check, _ in judged})
        if not checks:
            found.append(f"/metrics has no {FINDINGS}: what was checked is not known")
        for check in checks:
            if (times := judged[check, Mode.ENFORCE.value]) not in calls:
                found.append(f"the check {check} was enforced on {times} calls of {_words(calls)}")
        return found

    def transactions(self) -> int:
        """SIP transactions that it holds now."""
        return next(int(sample.value) for sample in self._scrape() if sample.name == TRANSACTIONS)

    def stop(self, calls: range) -> list[str]:
        """Its records: every call is there."""
        faults = super().stop(calls)
        files = list(self.folder.rglob(RECORDS))
        if not files:
            return [*faults, f"{self.name}: there is no {RECORDS}: records were not on"]
        try:
            with closing(sqlite3.connect(files[0])) as database:
                query = "SELECT count(*) FROM calls WHERE ended_at_us IS NOT NULL"
                (recorded,) = database.execute(query).fetchone()
        except sqlite3.Error as error:
            return [*faults, f"{self.name}: its records cannot be read: {error}"]
        if recorded not in calls:
            faults.append(f"{self.name}: {recorded} calls were recorded to their end where {_words(calls)} went in")
        return faults

    def last_lines(self) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])

    def _write_configuration(self) -> Path:
        file = self.folder / "tollgate.toml"
        providers = self.workload.providers
        filled = CONFIGURATION.format(
            host=LOOPBACK,
            port=self.port,
            operations_port=self._operations_port,
            state=self.folder / "state",
            guide=self.workload.guide.resolve(),
            host_ocn=self.workload.host,
            partner_ocn=self.workload.partner,
            providers="\n".join(PROVIDER.format(ocn=ocn, partner_ocn=self.workload.partner) for ocn in providers),
            host_switch=self.workload.host_switch,
            partner_switch=self.workload.partner_switch,
            caller_port=self.endpoints.caller_port,
            called_port=self.endpoints.called_port,
        )
        file.write_text(filled, encoding="utf-8")
        return file

    def _scrape(self) -> Iterator[Sample]:
        try:
            status, body = self._get("/metrics")
        except (OSError, http.client.HTTPException) as error:
            raise ContestantError(f"{self.name}: /metrics cannot be read: {error}") from error
        if status != http.client.OK:
            raise ContestantError(f"{self.name}: /metrics answered {status}")
        for family in text_string_to_metric_families(body):
            yield from family.samples

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                self.process.wait(0.02)  # between two attempts, and at once if it ends instead
            except subprocess.TimeoutExpired:
                pass
            else:
                raise ContestantError(f"{self.name} ended with status {self.process.returncode}:\n{self.last_lines()}")
            try:
                if self._get("/readyz")[0] == http.client.OK:
                    return
            except (OSError, http.client.HTTPException):
                continue
        raise ContestantError(f"{self.name} was not ready within {READY_S:.0f} s:\n{self.last_lines()}")

    def _get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(LOOPBACK, self._operations_port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


def _words(calls: range) -> str:
    least, most = calls[0], calls[-1]
    return str(most) if least == most else f"{least} to {most}"


class TollgatePython(Tollgate):
    """The same without compiled modules, where `tollgate` has them."""

    name = "tollgate_python"
    environment: ClassVar[Mapping[str, str]] = {"TOLLGATE_PURE_PYTHON": "1"}
