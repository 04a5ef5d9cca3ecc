"""Runs every panel's query and every alert's expression in a real Prometheus that scrapes a running gateway.

    python tests/interop/prometheus_panels.py http://127.0.0.1:9464

Exit 0 when every query answers with at least one series and every rule is evaluated without error; 1 when one does not;
2 when something that is needed is missing. Needs `prometheus` and `promtool` (Debian's package `prometheus`).
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

GRAFANA = Path(__file__).parents[2] / "grafana"
DASHBOARD = GRAFANA / "dashboards" / "tollgate-overview.json"
TOOLS = ("prometheus", "promtool")

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
HTTP_TIMEOUT_S = 10.0
SCRAPES_NEEDED = 4
"""A rate needs two; with four, every range of five seconds that a panel asks for has one."""

CHOICES = {"$__rate_interval": "10s", "$__range": "1m", "$trunk_group": ".*", "$ocn": ".*"}
"""What Grafana puts in the place of its variables, for a Prometheus that scrapes every second."""
SELECTOR = re.compile(r"(?:tollgate_\w+|\bup\b)(?:\{[^}]*\})?")
METRIC = re.compile(r"\btollgate_\w+")
OF_NAMES: Final = frozenset({"tollgate_name_addresses", "tollgate_name_failing"})
"""Exported only where a member of a trunk group is a name. The lab has none; promtool tries their alert."""
LEGEND_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")

Json = dict[str, Any]


class Failure(Exception):
    """Something that the run cannot go on without."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    series: int
    with_value: int
    fault: str


class Prometheus:
    """The HTTP API of a running Prometheus."""

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer.

        Raises:
            Failure: an error answer, with Prometheus' own words. OSError: nobody listens.
        """
        status, body = fetch("127.0.0.1", self._port, f"/api/v1/{path}?{urlencode(parameters)}")
        answer = json.loads(body)
        if status != 200 or answer.get("status") != "success":
            raise Failure(f"{answer.get('errorType')}: {answer.get('error')}")
        return answer["data"]

    def query(self, expression: str, *, over_time: bool = False) -> list[Json]:
        if not over_time:
            result: list[Json] = self.get("query", query=expression)["result"]
            return result
        now = time.time()
        data = self.get("query_range", query=expression, start=f"{now - 5:.3f}", end=f"{now:.3f}", step="1")
        ranged: list[Json] = data["result"]
        return ranged


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def fetch(host: str, port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host, port, timeout=HTTP_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    """Asks until it holds.

    Raises:
        Failure: it did not within `START_TIMEOUT_S`.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except (OSError, ValueError, Failure):
            pass  # not yet up, or not yet answering in JSON
        time.sleep(0.2)
    raise Failure(f"{what}: not within {START_TIMEOUT_S:g} s")


def promtool(*arguments: str, given: bytes | None = None) -> None:
    """Runs promtool in the folder of the Grafana files.

    Raises:
        Failure: it found a fault, with its own words.
    """
    command = ["promtool", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, cwd=GRAFANA, timeout=60, check=False)  # noqa: S603 - fixed words
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}:\n{(done.stdout + done.stderr).decode(errors='replace').strip()}")
    say(f"ok  {' '.join(command)}")


def scraping(host: str, port: int) -> str:
    """The committed configuration, with the gateway's address and a scrape every second."""
    text = (GRAFANA / "prometheus.yml").read_text(encoding="utf-8")
    for written, needed in (
        ("127.0.0.1:9464", f"{host}:{port}"),
        ("scrape_interval: 5s", "scrape_interval: 1s"),
        ("evaluation_interval: 5s", "evaluation_interval: 1s"),
    ):
        if written not in text:
            raise Failure(f"grafana/prometheus.yml: {written!r} is not there to be replaced")
        text = text.replace(written, needed)
    return text


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def prometheus(configuration: str) -> Iterator[Prometheus]:
    """A Prometheus on the loopback, with its data in a temporary folder, held to one core and 256 MiB."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tollgate-prometheus-") as folder:
        home = Path(folder)
        (home / "prometheus.yml").write_text(configuration, encoding="utf-8")
        shutil.copy(GRAFANA / "alerts.yml", home)
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - fixed words
                [
                    str(shutil.which("prometheus")),
                    f"--config.file={home / 'prometheus.yml'}",
                    f"--storage.tsdb.path={home / 'data'}",
                    "--storage.tsdb.retention.time=1h",
                    f"--web.listen-address=127.0.0.1:{port}",
                    "--query.timeout=10s",
                    "--log.level=warn",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"GOMAXPROCS": "1", "GOMEMLIMIT": "256MiB"},
            )
        try:
            wait_until("Prometheus answers", lambda: fetch("127.0.0.1", port, "/-/ready")[0] == 200)
            yield Prometheus(port)
        except Failure as failure:
            said = (home / "log").read_text(encoding="utf-8", errors="replace")[-2000:]
            raise Failure(f"{failure}\n{said}".strip()) from failure
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ready_to_judge(server: Prometheus) -> bool:
    """Whether the gateway was scraped often enough, and every rule evaluated."""
    scrapes = server.query('count_over_time(up{job="tollgate"}[1m]) and up{job="tollgate"} == 1')
    rules = [rule for group in server.get("rules")["groups"] for rule in group["rules"]]
    evaluated = all(rule["health"] != "unknown" for rule in rules)
    return evaluated and bool(scrapes) and float(scrapes[0]["value"][1]) >= SCRAPES_NEEDED


def panel_rows(server: Prometheus) -> Iterator[Row]:
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", []):
            what = f"{panel['title']} [{target['refId']}]"
            expression = target["expr"]
            for variable, value in CHOICES.items():
                expression = expression.replace(variable, value)
            yield judged(server, what, expression, legend=target["legendFormat"], over_time=target["range"])


def alert_rows(server: Prometheus) -> Iterator[Row]:
    """The rules as Prometheus evaluates them, and each selector in them: a silent alert has no series of its own."""
    for group in server.get("rules")["groups"]:
        for rule in group["rules"]:
            fault = "" if rule["health"] == "ok" else f"{rule['health']}: {rule.get('lastError', 'not evaluated')}"
            yield Row(f"alert {rule['name']} ({rule['state']})", len(rule["alerts"]), len(rule["alerts"]), fault)
            for selector in dict.fromkeys(SELECTOR.findall(rule["query"])):
                if OF_NAMES.isdisjoint(METRIC.findall(selector)):
                    yield judged(server, "  " + "".join(selector.split()), selector)


def judged(server: Prometheus, what: str, expression: str, *, legend: str = "", over_time: bool = False) -> Row:
    if "$" in expression:
        return Row(what, 0, 0, f"a variable is left in {expression}")
    try:
        result = server.query(expression, over_time=over_time)
    except Failure as failure:
        return Row(what, 0, 0, str(failure))
    if not result:
        return Row(what, 0, 0, f"no series: {expression}")
    fault = ""
    for label in LEGEND_LABEL.findall(legend):
        if not all(label in series["metric"] for series in result):
            fault = f"the legend's label {label!r} is not on every series"
    return Row(what, len(result), sum(map(has_value, result)), fault)


def has_value(series: Json) -> bool:
    """Whether any of its values is a number: a quantile of no calls is NaN."""
    points = series["values"] if "values" in series else [series["value"]]
    return any(not math.isnan(float(value)) for _, value in points)


def unknown_metrics(server: Prometheus) -> list[str]:
    """Metric names written in the dashboard and the alerts that the gateway does not export."""
    exported = set(server.get("label/__name__/values"))
    written = DASHBOARD.read_text(encoding="utf-8") + (GRAFANA / "alerts.yml").read_text(encoding="utf-8")
    return sorted(set(METRIC.findall(written)) - exported - OF_NAMES)


def report(rows: list[Row], unknown: list[str]) -> bool:
    """Prints the table and the faults, and returns whether there are none."""
    width = max(len(row.what) for row in rows)
    say(f"\n{'panel, alert':{width}}  series  with a value")
    for row in rows:
        say(f"{row.what:{width}}  {row.series:6}  {row.with_value:12}{'  FAULT' if row.fault else ''}")
    faults = [f"{row.what.strip()}: {row.fault}" for row in rows if row.fault]
    faults += [f"{name}: the gateway exports no such metric" for name in unknown]
    say()
    for fault in faults:
        say(f"FAULT  {fault}")
    say(f"{len(rows)} queries, {len(faults)} faults")
    return not faults


def run(url: str) -> bool:
    target = urlsplit(url)
    host, port = target.hostname or "", target.port or 80
    try:
        status, exposition = fetch(host, port, "/metrics")
    except OSError as error:
        raise Failure(f"{url}/metrics: {error}. Is the lab running?") from error
    if status != 200:
        raise Failure(f"{url}/metrics: status {status}")
    promtool("check", "metrics", given=exposition)
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "alerts.yml")
    promtool("test", "rules", "alerts_test.yml")
    with prometheus(scraping(host, port)) as server:
        wait_until(f"Prometheus scrapes {url}", lambda: ready_to_judge(server))
        return report([*panel_rows(server), *alert_rows(server)], unknown_metrics(server))


def try_panels(url: str) -> int:
    """The exit code of a run against the gateway whose operations API is at `url`; says on the way what it finds."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        say(f"{' and '.join(missing)} not found: install Debian's package 'prometheus' (apt-get install prometheus)")
        return 2
    try:
        return 0 if run(url) else 1
    except Failure as failure:
        say(f"FAULT  {failure}")
        return 1


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("url", help="where the gateway serves its operations API, such as http://127.0.0.1:9464")
    return try_panels(arguments.parse_args().url.rstrip("/"))


if __name__ == "__main__":
    sys.exit(main())
