"""What it costs to read an IAM with all that identifies a call, beside pycrate, which reads ITU-T's.

Each reader is measured in a process of its own, in turn, round by round: the gateway's codec as it is installed, the
same in plain Python, and pycrate. CPU time, the median over the rounds.

    python -m bench --isup                      with everything else
    python -m bench --contestants none --isup   alone
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import process_time

from bench.contestants.contestant import ContestantError

GOAL_US = 10.0
"""An ANSI IAM with every parameter asked for, in plain Python."""
ROUNDS, QUICK_ROUNDS = 5, 2
ROUND_S = 0.4
TIMEOUT_S = 120.0
ANSI_IAM = bytes.fromhex(
    "2923010060110a03060d038090a207031013525500000a0703171252552143c008c003101352557777eb0703101252559999"
    "ea0100c4031252553d011400"
)
"""62 octets: called the LRN, calling number restricted, ported number, charge number, line, jurisdiction, hops."""
ITU_IAM = bytes.fromhex(
    "d500010060010a00020a0804104402976400000a088415212155153204c0090684102121559599991d038090a33d011400"
)
"""49 octets: called, calling restricted, additional calling number, bearer, hops."""
READERS = {"codec": "gateway", "codec_python": "gateway", "pycrate": "pycrate"}
"""What is measured: names, and whose reader each is."""
Reading = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader's figures: microseconds of CPU time a message, by what was read, of each round."""

    name: str
    rounds: tuple[dict[str, float], ...]

    def figures(self) -> dict[str, float]:
        return {what: median(one[what] for one in self.rounds) for what in self.rounds[0]}


def measure_isup(rounds: int, report: Callable[[str], None]) -> list[Reader]:
    """Measure all readers. Raises `ContestantError` where one cannot be, or reads something else than is there."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in READERS}
    for number in range(rounds):
        for name, times in found.items():
            times.append(_round_of(name))
        report(f"ISUP, round {number + 1} of {rounds}")
    return [Reader(name, tuple(times)) for name, times in found.items()]


def _round_of(name: str) -> dict[str, float]:
    environment = dict(os.environ)
    if name == "codec_python":
        environment["TOLLGATE_PURE_PYTHON"] = "1"
    command = [sys.executable, "-m", "bench.isup_decode", READERS[name]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise ContestantError(f"ISUP by {name}: {done.stderr.strip()[-500:]}")
    times: dict[str, float] = json.loads(done.stdout)
    return times


def gateway_readings() -> dict[str, Reading]:
    """The gateway's codec: the parameters found, and with every typed value that a decision or a mapping asks for."""
    from gateway.codecs.ss7.isup import IsupMessage
    from gateway.codecs.ss7.variant import Variant

    ansi, itu = Variant.ANSI, Variant.ITU

    def everything(data: bytes, variant: Variant) -> tuple[object, ...]:
        iam = IsupMessage(data, variant)
        return (
            *(iam.called, iam.calling, iam.charge, iam.generic, iam.redirecting, iam.original_called, iam.redirection),
            *(iam.forward_call, iam.nature_of_connection, iam.category, iam.originating_line, iam.jurisdiction),
            *(iam.hop_counter, iam.transit_network, iam.carrier, iam.name, iam.user_service),
        )

    return {
        "ANSI IAM, all parameters": lambda: everything(ANSI_IAM, ansi),
        "ITU-T IAM, all parameters": lambda: everything(ITU_IAM, itu),
        "ITU-T IAM, parameters found": lambda: IsupMessage(ITU_IAM, itu),
    }


def pycrate_readings() -> dict[str, Reading]:
    """pycrate reads all of a message when it reads it; the numbers are decoded besides."""
    from pycrate_mobile.ISUP import parse_ISUP

    def everything() -> tuple[str, ...]:
        iam, fault = parse_ISUP(ITU_IAM)
        if fault:
            raise ContestantError("pycrate cannot read the IAM")
        options = iam["Opt"]
        numbers = (iam["CalledPartyNum"][1], options["CallingPartyNum"][2], options["GenericNum"][2])
        return tuple(number.get_num() for number in numbers)

    return {"ITU-T IAM, all parameters": everything}


def _check(readings: dict[str, Reading]) -> None:
    """Both readers must have read the numbers that are in the message."""
    seen = str(readings["ITU-T IAM, all parameters"]())
    for digits in ("442079460000", "12125551234", "12125559999"):
        if digits not in seen:
            raise ContestantError(f"{digits} is not among what was read: {seen}")


def _time(reading: Reading) -> float:
    """Microseconds of CPU time of one reading, over at least `ROUND_S` seconds after a warm-up."""
    count = 1
    while True:
        begun = process_time()
        for _ in range(count):
            reading()
        taken = process_time() - begun
        if taken >= ROUND_S:
            return taken / count * 1e6
        count = max(count * 2, int(count * ROUND_S * 1.1 / taken) if taken > ROUND_S / 20 else 0)


def main() -> int:
    readings = gateway_readings() if sys.argv[1] == "gateway" else pycrate_readings()
    _check(readings)
    print(json.dumps({what: _time(reading) for what, reading in readings.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
