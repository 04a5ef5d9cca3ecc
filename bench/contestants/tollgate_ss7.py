"""The gateway with exchanges around it in place of SIP switches: calls between circuits, and from SIP to circuits."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.contestants.contestant import ContestantError, free_port
from bench.contestants.tollgate import Tollgate
from bench.generator import HARD_CAP_S, LOOPBACK, Caller, GeneratorError, Round
from bench.processor import pin
from bench.workload import Workload

OWN: Final = "246-14-7"
PARTNER: Final = "2-137-26"
HOST: Final = "246-14-9"
CICS: Final = "1-1000"
LOAD: Final = [sys.executable, "-m", "sim.ss7.load"]
ANSWERER_S: Final = 600
"""The longest that an answerer serves."""

_LINK: Final = """\
[[links]]
name = "{name}"
role = "server"
carrier = "tcp"
point_code = "{own}"
address = "{host}:{port}"
destinations = ["{exchange}"]

"""
_CIRCUITS: Final = 'circuits = {{ point_code = "{exchange}", cics = ["{cics}"], links = ["{name}"] }}'


@dataclass(frozen=True, slots=True)
class CircuitCaller:
    """Places calls on circuits: `sim.ss7.load` in a process of its own, an exchange that does nothing else."""

    port: int
    workload: Workload
    core: int | None

    def run(self, first_call: int, calls: int, window: int, *, rate: float = 0.0, hold: bool = False) -> Round:  # noqa: ARG002 - calls on circuits have no numbers of their own
        """As of `Generator`. Raises GeneratorError where the process fails; calls cannot be held."""
        if hold:
            raise GeneratorError("calls on circuits cannot be held")
        calling, called = self.workload.pairs[0]
        command = [*LOAD, "caller", "--side", "asp", "--address", f"{LOOPBACK}:{self.port}", "--own", PARTNER]
        command += ["--adjacent", OWN, "--cics", f"1-{window}", "--calls", str(calls), "--rate", str(rate)]
        command += ["--calling", calling, "--called", called, "--numbers", "1"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            pin(process.pid, self.core)
            printed, complaints = process.communicate(timeout=HARD_CAP_S + 10)
        except subprocess.TimeoutExpired as error:
            raise GeneratorError("the calls on circuits did not end in time") from error
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            raise GeneratorError(f"the exchange that places calls ended with {process.returncode}: {complaints}")
        return _round(json.loads(printed), calls)


def _round(report: dict[str, float | dict[str, int]], calls: int) -> Round:
    ended, lasted, refused = report["ended"], report["lasted_s"], report["refused"]
    if isinstance(ended, dict) or isinstance(lasted, dict) or not isinstance(refused, dict):
        raise GeneratorError("the exchange that places calls says something else than it did")
    completed = int(ended)
    return Round(completed, calls - completed, lasted, 0, 0, 0, 0, 0, {f"cause {key}": n for key, n in refused.items()})


class SipToSs7(Tollgate):
    """The partner calls over SIP, and the host's switch is an exchange."""

    name = "sip_to_ss7"
    answers_itself = True

    def start(self) -> None:
        self._host_port, self._partner_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
        super().start()
        command = [*LOAD, "answerer", "--side", "asp", "--address", f"{LOOPBACK}:{self._host_port}", "--own", HOST]
        command += ["--adjacent", OWN, "--cics", CICS, "--seconds", str(ANSWERER_S)]
        self._answerer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._await_circuits()

    def kill(self) -> None:
        answerer = getattr(self, "_answerer", None)
        if answerer is not None and answerer.poll() is None:
            answerer.terminate()
            with suppress(subprocess.TimeoutExpired):
                answerer.wait(5)
        super().kill()

    def _write_configuration(self) -> Path:
        file = super()._write_configuration()
        text = file.read_text(encoding="utf-8")
        members = f'members = ["{LOOPBACK}:{self.endpoints.called_port}"]'
        circuits = _CIRCUITS.format(exchange=HOST, cics=CICS, name="host")
        links = _LINK.format(name="host", own=OWN, host=LOOPBACK, port=self._host_port, exchange=HOST)
        text = text.replace(members, circuits).replace("[[trunk_groups]]", links + "[[trunk_groups]]", 1)
        file.write_text(self._partner_in(text), encoding="utf-8")
        return file

    def _partner_in(self, configuration: str) -> str:
        """The partner's trunk group is SIP's, as it stands."""
        return configuration

    def _await_circuits(self) -> None:
        """Until the answerer's circuits can be seized: they are reset when its association is up."""
        for _ in range(100):
            idle = sum(
                int(sample.value)
                for sample in self._scrape()
                if sample.name == "tollgate_circuits" and sample.labels == {"trunk_group": "to-host", "state": "idle"}
            )
            if idle:
                return
            with suppress(subprocess.TimeoutExpired):
                self._answerer.wait(0.1)
                raise ContestantError(f"{self.name}: the answerer ended: {self._answerer.communicate()[1]}")
        raise ContestantError(f"{self.name}: no circuit of the answerer became idle")


class Ss7ToSs7(SipToSs7):
    """The partner's switch is an exchange too."""

    name = "ss7_to_ss7"
    is_proxy = False

    def caller(self, core: int | None) -> Caller:
        return CircuitCaller(self._partner_port, self.workload, core)

    def _partner_in(self, configuration: str) -> str:
        members = f'members = ["{LOOPBACK}:{self.endpoints.caller_port}"]'
        circuits = _CIRCUITS.format(exchange=PARTNER, cics=CICS, name="partner")
        link = _LINK.format(name="partner", own=OWN, host=LOOPBACK, port=self._partner_port, exchange=PARTNER)
        return configuration.replace(members, circuits).replace("[[links]]", link + "[[links]]", 1)
