"""SIPp's processes, and what their logs say of each call."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.interop.prometheus_panels import Failure
from tests.interop.proxies.network import LOOPBACK, Place, Transport

STOP_TIMEOUT_S: Final = 15.0

_MODES: Final = {Transport.UDP: "u1", Transport.TCP: "t1"}
"""One socket for all calls. Debian's SIPp is built without TLS."""
_LINE: Final = re.compile(r"^(\S+@\S+) (\d+) (answered|failed|ended)(?: (\d+))?$", re.MULTILINE)


@dataclass(slots=True)
class SeenCall:
    """One call as one side of SIPp saw it. Times in milliseconds of that process."""

    status: int | None = None
    """Of the final response to the INVITE."""
    answered_ms: int | None = None
    ended_ms: int | None = None

    @property
    def lasted_s(self) -> float | None:
        """From answer to BYE, in seconds."""
        if self.answered_ms is None or self.ended_ms is None:
            return None
        return (self.ended_ms - self.answered_ms) / 1_000


class Sipp:
    """One SIPp process."""

    def __init__(
        self, folder: Path, place: Place, transport: Transport, script: str, arguments: Sequence[str], *, lenient: bool
    ) -> None:
        """`lenient`: an unexpected message is ignored, and does not fail the call: what is lost comes again, late."""
        name = place.name
        self._log: Final = folder / f"{name}.log"
        self._errors: Final = folder / f"{name}.errors"
        self.name: Final = name
        (folder / f"{name}.xml").write_text(script)
        host, port = place.known(transport)
        command = ["sipp", *arguments, "-sf", f"{name}.xml", "-i", LOOPBACK, "-p", str(place.own(transport)[1])]
        command += ["-t", _MODES[transport], "-nostdin", "-timeout_error", "-key", "own", f"{host}:{port}"]
        command += ["-key", "parameters", "" if transport is Transport.UDP else f";transport={transport}"]
        command += ["-default_behaviors", "all,-abortunexp" if lenient else "all"]
        command += ["-trace_logs", "-log_file", str(self._log), "-trace_err", "-error_file", str(self._errors)]
        self._process: Final = subprocess.Popen(  # noqa: S603 - fixed words
            command,
            cwd=folder,
            env=os.environ | {"TERM": "dumb"},
            stdout=subprocess.DEVNULL,
            stderr=(folder / f"{name}.stderr").open("wb"),
        )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self, timeout_s: float) -> int:
        """Its exit code: 0 when every call went as its scenario says.

        Raises:
            Failure: it does not end.
        """
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Failure(f"SIPp as {self.name} does not end") from None

    def stop(self) -> None:
        """No new calls; it ends when those that are up are over, or is ended."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGUSR1)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def seen(self) -> dict[str, SeenCall]:
        """Call-ID -> what this side wrote down of it."""
        calls: dict[str, SeenCall] = {}
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        for call_id, tick, what, status in _LINE.findall(text):
            call = calls.setdefault(call_id, SeenCall())
            if what == "ended":
                call.ended_ms = int(tick)
                continue
            call.status = int(status)
            if what == "answered":
                call.answered_ms = int(tick)
        return calls

    def complaints(self) -> str:
        """The beginning of what it found wrong."""
        said = [file.read_text(encoding="utf-8", errors="replace") for file in self._files() if file.exists()]
        return "\n".join(said)[:2_000]

    def _files(self) -> Iterable[Path]:
        return self._errors, self._errors.with_suffix(".stderr")
