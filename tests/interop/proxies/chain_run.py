"""One run: everybody of a chain is started, calls are placed, and everybody is asked about them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.interop.prometheus_panels import Failure, stop, wait_until
from tests.interop.proxies.agreement import Evidence, disagreements
from tests.interop.proxies.call_kinds import UNANSWERED_MS, CallKind, Expected, call_kinds
from tests.interop.proxies.certificates import Certificates
from tests.interop.proxies.kamailio import Kamailio, kamailio
from tests.interop.proxies.network import Chain, Place, Transport, places
from tests.interop.proxies.sipp import Sipp
from tests.interop.proxies.sipp_called import CalledSteps
from tests.interop.proxies.sipp_caller import CallerSteps
from tests.interop.proxies.sipp_script import branches
from tests.interop.proxies.tollgate import LIMIT_BURST, ROOT, Tollgate, tollgate

CALLS_PER_S: Final = 40
SIPP_TIMEOUT_S: Final = 40
LATER_MS: Final = 30_000
"""Where two proxies could give up a call that nobody answers, the second one waits this long."""
TOLERANCE_S: Final = 0.5
LOSSY_TOLERANCE_S: Final = 32.0
"""A record is dated when the BYE came; its caller waits for the 200, which loss may hold back for 64 T1."""
LINGER_MS: Final = 500
"""How long a call that is over still answers what comes again."""
LOSSY_LINGER_MS: Final = 4_500
"""Long enough for a BYE that a proxy repeats after 0.5 s, 1.5 s and 3.5 s."""

_UDP: Final = Transport.UDP


@dataclass(slots=True)
class Result:
    """What came of a run."""

    chain: Chain
    calls: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """Final status -> calls, by the records."""
    relayed: Counter[str] = field(default_factory=Counter)
    """What the lossy relay did, in datagrams."""
    took_s: float = 0.0
    faults: list[str] = field(default_factory=list)


def run(chain: Chain, certificates: Certificates, folder: Path) -> Result:
    """Place the calls, and compare what all say of them. `folder` takes configurations, scripts, logs and records."""
    result, began = Result(chain), time.monotonic()
    try:
        _run(chain, folder, certificates, result)
    except Failure as fault:
        result.faults.append(str(fault))
    result.took_s = time.monotonic() - began
    return result


def _run(chain: Chain, folder: Path, certificates: Certificates, result: Result) -> None:
    where = places(relayed=bool(chain.loss))
    calls = plan(chain)
    result.calls = len(calls)
    with ExitStack() as running:
        if chain.loss:
            running.enter_context(relay(chain, where, result.relayed))
        front, behind = _proxies(running, chain, folder, where, certificates)
        near, far = where["front" if chain.front else "caller"], where["behind" if chain.behind else "called"]
        gateway = running.enter_context(tollgate(folder, chain, where["gateway"], near, far, certificates))
        caller, called = _place(running, chain, folder, where, calls)
        result.faults += _exit_codes(caller, called)
        if not result.faults:
            result.faults += _settled(gateway, len(calls), front, behind)
        figures = gateway.figures()
        seen = [proxy.seen() if proxy is not None else None for proxy in (front, behind)]
    records = gateway.records()
    result.ends.update(str(record.final_status) for record in records)
    result.faults += [f"the gateway's log: {line}" for line in gateway.complaints()]
    evidence = Evidence(
        kinds={call_id_of(number): kind for number, kind in enumerate(calls, start=1)},
        caller=caller.seen(),
        called=called.seen(),
        records=records,
        figures=figures,
        front=seen[0],
        behind=seen[1],
        tolerance_s=LOSSY_TOLERANCE_S if chain.loss else TOLERANCE_S,
        stray_allowed=bool(chain.loss),
    )
    result.faults += disagreements(evidence)


def plan(chain: Chain) -> list[CallKind]:
    """The kinds of the calls, in the order in which they are placed: mixed, and the same every time."""
    kinds = [kind for kind in call_kinds(LIMIT_BURST, unanswered_by(chain)) if kind.under_loss or not chain.loss]
    calls = [kind for kind in kinds for _ in range(kind.calls)]
    random.Random(7).shuffle(calls)
    return calls


def unanswered_by(chain: Chain) -> Expected:
    """What the gateway makes of a call that rings until a Kamailio has had enough of it."""
    if chain.behind:
        return Expected("ADMIT", 408, "failure")
    return Expected("ADMIT", 487, "cancel")


def call_id_of(number: int) -> str:
    return f"call-{number}@interop.example"


@contextmanager
def relay(chain: Chain, where: Mapping[str, Place], tally: Counter[str]) -> Iterator[None]:
    """The lossy network between all of the chain; `tally` is filled when it has stopped."""
    command = [sys.executable, "-m", "sim.lossy_relay", *chain.loss]
    for place in where.values():
        own, known = place.own(_UDP), place.known(_UDP)
        command += ["--node", f"{own[0]}:{own[1]}={known[0]}:{known[1]}"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)  # noqa: S603 - fixed words
    try:
        if process.stdout is None or process.stdout.readline() != b"ready\n":
            raise Failure("the lossy relay does not start")
        yield
    finally:
        stop(process)
        if process.stdout is not None:
            with process.stdout:
                tally.update(json.loads(process.stdout.read() or b"{}"))


def _proxies(
    running: ExitStack, chain: Chain, folder: Path, where: Mapping[str, Place], certificates: Certificates
) -> tuple[Kamailio | None, Kamailio | None]:
    front = behind = None
    if chain.front:
        next_hop = where["gateway"].uri(chain.near)
        patience = LATER_MS if chain.behind else UNANSWERED_MS
        tls = certificates.of_kamailio("front")
        front = running.enter_context(kamailio(folder, where["front"], {_UDP, chain.near}, next_hop, patience, tls))
    if chain.behind:
        next_hop = where["called"].uri(_UDP)
        tls = certificates.of_kamailio("behind")
        behind = running.enter_context(
            kamailio(folder, where["behind"], {_UDP, chain.far}, next_hop, UNANSWERED_MS, tls)
        )
    return front, behind


def _place(
    running: ExitStack, chain: Chain, folder: Path, where: Mapping[str, Place], calls: list[CallKind]
) -> tuple[Sipp, Sipp]:
    """Both sides of SIPp, run until the caller is through and the called side has seen the last call go."""
    kinds = {kind.name: kind for kind in calls}
    admitted = sum(kind.calls for kind in kinds.values() if kind.called is not None)
    admitted -= sum(kind.calls // 2 for kind in kinds.values() if len(kind.expected) > 1)
    lenient = bool(chain.loss)
    linger_ms = LOSSY_LINGER_MS if chain.loss else LINGER_MS
    called = Sipp(
        folder,
        where["called"],
        chain.legs[-1],
        called_script(kinds, linger_ms),
        ("-m", str(admitted), "-timeout", f"{SIPP_TIMEOUT_S}s"),
        lenient=lenient,
    )
    running.callback(called.stop)
    fields = (f"{kind.name};{kind.calling};{kind.asserted or kind.calling};{kind.number}" for kind in calls)
    (folder / "calls.csv").write_text("SEQUENTIAL\n" + "\n".join(fields) + "\n")
    first = where["front"].known(_UDP) if chain.front else where["gateway"].known(chain.near)
    caller = Sipp(
        folder,
        where["caller"],
        chain.legs[0],
        caller_script(kinds, linger_ms),
        (
            *(f"{first[0]}:{first[1]}", "-inf", "calls.csv", "-cid_str", call_id_of(0).replace("0", "%u")),
            *("-m", str(len(calls)), "-r", str(CALLS_PER_S), "-timeout", f"{SIPP_TIMEOUT_S}s"),
        ),
        lenient=lenient,
    )
    running.callback(caller.stop)
    return caller, called


def _exit_codes(caller: Sipp, called: Sipp) -> Iterator[str]:
    for side in (caller, called):
        code = side.wait(SIPP_TIMEOUT_S + 10)
        if code != 0:
            yield f"SIPp as {side.name} ended with {code}:\n{side.complaints()}"


def _settled(gateway: Tollgate, calls: int, *proxies: Kamailio | None) -> Iterator[str]:
    """Wait until everybody has counted the last call; what does not come to rest."""
    waits = [("the gateway has seen the end of every call", lambda: gateway.calls_are_over(calls))]
    waits += [("Kamailio has no dialog left", proxy.settled) for proxy in proxies if proxy is not None]
    for what, settled in waits:
        try:
            wait_until(what, settled)
        except Failure as fault:
            yield str(fault)


def caller_script(kinds: Mapping[str, CallKind], linger_ms: int) -> str:
    steps: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        side = CallerSteps(name)
        side.invites()
        kind.caller(side)
        steps[name] = side.steps
    return branches("caller", steps, opening=CallerSteps.opening(), linger_ms=linger_ms)


def called_script(kinds: Mapping[str, CallKind], linger_ms: int) -> str:
    steps: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        if kind.called is not None:
            side = CalledSteps()
            kind.called(side)
            steps[name] = side.steps
    return branches("called", steps, opening=CalledSteps.opening(), linger_ms=linger_ms)
