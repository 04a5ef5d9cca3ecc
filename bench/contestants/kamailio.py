"""Kamailio doing the same job (`kamailio.cfg`): the usual proxy of the field, written in C."""

from __future__ import annotations

import json
import re
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from bench.contestants.contestant import Contestant, ContestantError, NotInstalled, free_port
from bench.generator import LOOPBACK, write_messages
from bench.workload import Workload

READY_S = 60.0
"""Touching all its memory included."""
PROBE_S = 2.0
ANSWER_S = 0.25
"""After so long an INVITE without an answer is sent again."""
CODES = 20_000
"""NPA-NXX in its table: those of the guide, and others that no call uses."""
LIMIT = 1_000_000_000
"""Calls of a carrier in 10 s: so many that no call of a run meets it."""
CLOSED_CARRIER = "SHUT"
"""A carrier that may not call at all: its limit is 0."""
CLOSED_CODE = "989989"
UNKNOWN_CODE = "988988"


class Probe(NamedTuple):
    """A call that it must refuse, made of one that it lets through."""

    what: str
    header: str
    """The start of the line in which something is changed."""
    old: str
    new: str
    status: int


class Kamailio(Contestant):
    """A variant is a subclass with a configuration, tables and memory of its own."""

    name = "kamailio"
    is_proxy = True
    configuration: ClassVar[Path] = Path(__file__).with_name("kamailio.cfg")
    shared_memory_mib: ClassVar[int] = 3072
    over_limit: ClassVar[int] = 503
    """Status of its refusal of a call that is over a limit."""

    def start(self) -> None:
        program = shutil.which("kamailio") or shutil.which("kamailio", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise NotInstalled("kamailio is not installed (Debian: apt-get install kamailio)")
        self.port = free_port(socket.SOCK_DGRAM)
        self._log = self.folder / "log"
        # -DD: stay in the foreground, so that all its processes are children of the bench's own. Its usual allocator,
        # which looks for mistakes, makes a call cost a multiple.
        command = [program, "-DD", "-E", "-X", "tlsf", "-x", "tlsf", "-m", str(self.shared_memory_mib), "-M", "64"]
        command += ["-f", str(self._write_configuration()), "-Y", str(self.folder), "-w", str(self.folder)]
        with self._log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, text=True)
        messages = self.folder / "messages"
        write_messages(messages, self.endpoints, self.port)
        self._prove_checks((messages / "invite.sip").read_bytes().decode("ascii"))

    def own_faults(self, calls: range) -> list[str]:
        """Its own count of dialogs: every call was tracked, and those of the probes were not let through."""
        tracked = int(self._ask("stats.fetch", "dialog:processed_dialogs")["dialog.processed_dialogs"])
        if tracked in calls:
            return []
        return [f"its dialog module counts {tracked} dialogs where {calls[0]} to {calls[-1]} calls went in"]

    def last_lines(self) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])

    def _write_configuration(self) -> Path:
        folder = self.folder / "tables"
        folder.mkdir()
        for name, text in self._tables().items():
            (folder / name).write_text(text, encoding="ascii")
        text = self.configuration.read_text(encoding="ascii")
        for name, value in self._values().items():
            text = text.replace(name, str(value))
        file = self.folder / "kamailio.cfg"
        file.write_text(text, encoding="utf-8")
        return file

    def _values(self) -> dict[str, object]:
        """What stands in square brackets in the configuration, and what it stands for."""
        return {
            "[port]": self.port,
            "[caller_port]": self.endpoints.caller_port,
            "[called_port]": self.endpoints.called_port,
            "[folder]": self.folder,
        }

    def _tables(self) -> dict[str, str]:
        """File name -> content of its tables."""
        codes = codes_of(self.workload)
        limits = dict.fromkeys(sorted(set(codes.values())), LIMIT) | {CLOSED_CARRIER: 0}
        return tables({"codes": codes}, limits)

    def _prove_checks(self, invite: str) -> None:
        """Each part of the job refuses the call that it is there for. Raises ContestantError where one does not."""
        calling, called = self.workload.pairs[0]
        number = 9_000_000_000  # calls of the rounds are numbered from 0
        patience_s = READY_S
        for probe in _probes(calling, called, self.over_limit):
            number += 1
            values = {"[call]": str(number), "[calling]": calling, "[called]": called}
            text = re.sub(r"\[\w+\]", lambda found: values[found[0]], invite)  # noqa: B023 - called at once
            lines = text.split("\r\n")
            changed = [line.replace(probe.old, probe.new) if line.startswith(probe.header) else line for line in lines]
            status = self._final_status("\r\n".join(changed).encode("ascii"), str(number), patience_s)
            patience_s = PROBE_S
            if status != probe.status:
                raise ContestantError(
                    f"{self.name} does not do the job: {probe.what} was answered with {status or 'nothing'} "
                    f"where {probe.status} is expected\n{self.last_lines()}"
                )

    def _final_status(self, invite: bytes, call: str, patience_s: float) -> int | None:
        """The final status of an INVITE, which is sent until it is answered or the patience is over."""
        deadline = time.monotonic() + patience_s
        poller = select.poll()
        poller.register(self.endpoints.caller, select.POLLIN)
        while time.monotonic() < deadline and self.process.poll() is None:
            self.endpoints.caller.sendto(invite, (LOOPBACK, self.port))
            while poller.poll(1_000 * ANSWER_S):
                answer = self.endpoints.caller.recv(4_096).decode("ascii", errors="replace")
                if f"\r\nCall-ID: {call}" in answer and int(answer[8:11]) >= 200:
                    return int(answer[8:11])
        if self.process.poll() is not None:
            raise ContestantError(f"{self.name} ended with status {self.process.poll()}:\n{self.last_lines()}")
        return None

    def _ask(self, method: str, *parameters: str) -> dict[str, Any]:
        """Call a procedure of its own over its datagram socket."""
        question = {"jsonrpc": "2.0", "method": method, "params": parameters, "id": 1}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.settimeout(5.0)
            own.bind(str(self.folder / "asking"))
            try:
                own.sendto(json.dumps(question).encode(), str(self.folder / "rpc"))
                answer = json.loads(own.recv(65_535))
            except (OSError, ValueError) as error:
                raise ContestantError(f"{self.name} did not answer {method}: {error}") from error
            finally:
                (self.folder / "asking").unlink()
        if "result" not in answer:
            raise ContestantError(f"{self.name} answered {method} with {answer}")
        result: dict[str, Any] = answer["result"]
        return result


def _probes(calling: str, called: str, over_limit: int) -> tuple[Probe, ...]:
    altered = calling[:-1] + str(9 - int(calling[-1]))
    return (
        Probe("a P-Asserted-Identity other than From", "P-Asserted-Identity", calling, altered, 403),
        Probe("a To other than the Request-URI", "To", called, called[:-1] + str(9 - int(called[-1])), 403),
        Probe("a called NPA-NXX that it does not know", "", called[:6], UNKNOWN_CODE, 404),
        Probe("a calling NPA-NXX that it does not know", "", calling[:6], UNKNOWN_CODE, 403),
        Probe("a carrier over its limit", "", calling, CLOSED_CODE + calling[6:], over_limit),
        Probe("a CSeq of another method", "CSeq", "INVITE", "MESSAGE", 400),
        Probe("a Max-Forwards of 0", "Max-Forwards", "69", "0", 483),
    )


def codes_of(workload: Workload) -> dict[str, str]:
    """NPA-NXX -> OCN of its holder, as many as its table is to have."""
    codes = {CLOSED_CODE: CLOSED_CARRIER, **workload.codes}
    others = (f"{npa}{nxx}" for npa in range(201, 988) for nxx in range(200, 1_000))
    while len(codes) < CODES:
        codes.setdefault(next(others), workload.host)
    codes.pop(UNKNOWN_CODE, None)
    return codes


def tables(hash_tables: Mapping[str, Mapping[str, str]], limits: Mapping[str, int]) -> dict[str, str]:
    """Hash tables, and the limits of pipes, in the form of its module db_text: a row a line, the columns first."""
    columns = "id(int) key_name(string) key_type(int) value_type(int) key_value(string) expires(int)"
    found = {
        name: [columns, *(f"{n}:{key}:0:0:{value}:0" for n, (key, value) in enumerate(table.items(), 1))]
        for name, table in hash_tables.items()
    }
    limit_rows = [f"{n}:{name}:TAILDROP:{limit}" for n, (name, limit) in enumerate(limits.items(), 1)]
    found |= {
        "version": ["table_name(string) table_version(int)", *(f"{name}:2" for name in hash_tables), "pl_pipes:1"],
        "pl_pipes": ["id(int) pipeid(string) algorithm(string) plimit(int)", *limit_rows],
    }
    return {name: "\n".join(rows) + "\n" for name, rows in found.items()}
