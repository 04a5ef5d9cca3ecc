"""``make interop``: the product against programs that others wrote.

    python -m tests.interop [URL | CAPTURE ...]

SIPp calls through the gateway of the example configuration; then through chains of Kamailio and the gateway, over UDP
with and without loss, TCP and TLS; the carriers of SS7 links between processes, with libusrsctp; tshark reads their
packets, M3UA messages of every type, the shipped captures and the lab's run beside the audit, and ISUP, in them and of
the tests, field by field; pycrate writes ITU-T again; a real Prometheus runs every panel and alert against a lab that
serves. With a URL the last alone is tried, on the gateway there; with captures ISUP alone, of the tests and in these.
Exit 0: all agree. 1: something does not. 2: a program is missing.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.interop.isup.agrees import try_isup
from tests.interop.m3ua_messages import try_m3ua
from tests.interop.prometheus_panels import Failure, fetch, say, try_panels, wait_until
from tests.interop.proxies.runs import try_proxies
from tests.interop.sctp_carriers import try_sctp
from tests.interop.sipp_calls import try_sipp
from tests.interop.tshark_agrees import shipped_captures, try_tshark

LAB_TIMEOUT_S = 120.0
"""The lab plays its whole catalogue before it settles down to serve; it takes under 60 s."""
STOP_TIMEOUT_S = 30.0
METRICS_URL = re.compile(r"(http://\S+?)/metrics")


@contextmanager
def lab() -> Iterator[tuple[str, Path]]:
    """A lab that keeps serving: where its operations API is, and the capture of its run."""
    with tempfile.TemporaryDirectory(prefix="tollgate-interop-") as folder:
        output = Path(folder) / "output"
        command = [sys.executable, "-m", "gateway.cli", "lab", "--serve", "--folder", str(Path(folder) / "lab")]
        with output.open("wb") as written:
            process = subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT)  # noqa: S603 - fixed words
        try:
            url = _url_of(process, output)
            wait_until(f"the lab serves {url}", lambda: _is_healthy(url))
            yield url, Path(folder) / "lab" / "lab.pcap"
        finally:
            _stop(process)


def _url_of(process: subprocess.Popen[bytes], output: Path) -> str:
    """The address that the lab prints.

    Raises:
        Failure: it ended, or printed none in time; with the end of what it printed.
    """
    deadline = time.monotonic() + LAB_TIMEOUT_S
    while time.monotonic() < deadline:
        ended = process.poll()
        text = output.read_text(encoding="utf-8", errors="replace")
        found = METRICS_URL.search(text)
        if ended is None and found is not None:
            return found[1]
        if ended is not None:
            raise Failure(f"the lab ended with exit code {ended}:\n{text[-2000:]}")
        time.sleep(0.2)
    raise Failure(f"the lab printed no address of its metrics within {LAB_TIMEOUT_S:g} s:\n{text[-2000:]}")


def _is_healthy(url: str) -> bool:
    address = urlsplit(url)
    return fetch(address.hostname or "", address.port or 80, "/healthz")[0] == 200


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> int:
    if len(sys.argv) > 1 and "://" in sys.argv[1]:
        return try_panels(sys.argv[1].rstrip("/"))
    if len(sys.argv) > 1:
        return 0 if try_isup(Path(argument) for argument in sys.argv[1:]) else 1
    good = try_sipp()
    good = try_proxies() and good
    good = try_sctp() and good
    good = try_m3ua() and good
    say("starting the lab")
    try:
        with lab() as (url, capture):
            good = try_tshark([*shipped_captures(), capture]) and good
            good = try_isup([*shipped_captures(), capture]) and good
            say(f"the lab serves at {url}")
            code = try_panels(url)
    except Failure as fault:
        say(f"FAULT  {fault}")
        return 1
    return code or (0 if good else 1)


if __name__ == "__main__":
    sys.exit(main())
