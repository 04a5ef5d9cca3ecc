"""After the catalogue: the gateway keeps running, with a trickle of calls so that its figures move."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from rich.console import Console

from sim.call_plan import CallPlan
from sim.cast import DEFAULT_TRUNK, PROVIDERS
from sim.laboratory import CONFIGURATION, OPERATIONS_PORT, Lab
from sim.passports import passport
from sim.reporting import say
from sim.ss7.call_plan import Conduct, IsupPlan
from sim.ss7.cast import ACCESS

CALLS_PER_S: Final = 3.0
MOST_AT_ONCE: Final = 20
"""Calls of the trickle that are up at one time."""
HOLD_S: Final = 2.0
OFFENDER: Final = "bluestem"


class _Line(NamedTuple):
    """One kind of call of the trickle."""

    agent: str
    calling: str
    called: str
    over: str = DEFAULT_TRUNK
    asserted: str | None = None
    """None: the calling number."""
    signed: bool = False


_TRICKLE: Final = (
    _Line("pawpaw", "+13142061100", "+16363270100", signed=True),
    _Line("wentzville", "+16363270100", "+13142061100"),
    _Line("socket", "+15732140100", "+15732560100"),
    _Line(OFFENDER, "+13142063100", "+16363270100"),
    _Line("pawpaw", "+13142061100", "+15736570100", over="RB-CLMA", signed=True),
    _Line(OFFENDER, "+13142063100", "+16363270100", asserted="+13142063177"),
    _Line("river-bend", "+13142060100", "+16363320100"),
    _Line(OFFENDER, "+13142063100", "+14172130100"),
)


class _CircuitLine(NamedTuple):
    """One kind of call of the trickle that comes on circuits."""

    calling: str
    called: str
    over: str
    charge: str | None = None


_ON_CIRCUITS: Final = (
    _CircuitLine("3142061100", "6363270100", "RB7-WNV", charge="3142061150"),
    _CircuitLine("3142061100", "4172130100", "RB7-BRSN"),
    _CircuitLine("3142063100", "6363270100", "RB7-BRSN"),
)
"""The last one is the offender's, for a number outside the area of the switch that the circuits lead to."""


async def serve_on(lab: Lab, console: Console) -> None:
    """Say where to look, and place calls until Ctrl-C or SIGTERM. The callers then hang up."""
    stopped = asyncio.Event()
    with told_to_stop(stopped.set, signal.SIGINT, signal.SIGTERM):
        _say_where(lab, console)
        await _trickle(lab, stopped)


@contextmanager
def told_to_stop(stop: Callable[[], object], *signals: signal.Signals) -> Iterator[None]:
    """Within the block the first of these signals is acknowledged on standard error, and calls `stop`.

    A second one does what it does to any Python program.
    """
    loop = asyncio.get_running_loop()

    def forget() -> None:
        for number in signals:
            loop.remove_signal_handler(number)

    def signalled() -> None:
        forget()
        sys.stderr.write("stopping ...\n")
        sys.stderr.flush()
        stop()

    for number in signals:
        loop.add_signal_handler(number, signalled)
    try:
        yield
    finally:
        forget()


def _say_where(lab: Lab, console: Console) -> None:
    host, port = lab.gateway.operations_address
    file = lab.configuration.file.parent / CONFIGURATION
    ocn = PROVIDERS[OFFENDER].ocn
    if port != OPERATIONS_PORT:
        say(console, f"port {OPERATIONS_PORT} is taken, so grafana/prometheus.yml does not scrape this gateway")
    say(console, "")
    say(console, "The gateway keeps running; Ctrl-C stops it.")
    say(console, f"  metrics  http://{host}:{port}/metrics")
    say(console, f"  status   http://{host}:{port}/status")
    say(
        console,
        f"It gets {CALLS_PER_S:g} calls a second: honest ones, and {ocn}'s, of which three in four break a clause.",
    )
    say(console, f"Cut {ocn} over:  tollgate cutover {ocn} --to RB-DED --why 'alters CPN' --config {file}")


async def _trickle(lab: Lab, stopped: asyncio.Event) -> None:
    up: set[asyncio.Task[object]] = set()
    every: tuple[_Line | _CircuitLine, ...] = (*_TRICKLE, *_ON_CIRCUITS)
    lines = itertools.cycle(every)
    while not stopped.is_set():
        if len(up) < MOST_AT_ONCE:
            task: asyncio.Task[object] = asyncio.create_task(_place(lab, next(lines), stopped))
            up.add(task)
            task.add_done_callback(up.discard)
        try:
            await asyncio.wait_for(stopped.wait(), 1 / CALLS_PER_S)
        except TimeoutError:
            continue
    if up:
        await asyncio.wait(up, timeout=HOLD_S + 2)


async def _place(lab: Lab, line: _Line | _CircuitLine, hang_up: asyncio.Event) -> object:
    if isinstance(line, _CircuitLine):
        lab.cast.ss7.over = line.over
        plan_of_iam = IsupPlan(line.called, line.calling, charge=line.charge, oli=0, jip="314206", hops=20)
        return await lab.cast.ss7.office.call(plan_of_iam, ACCESS, Conduct(hold_s=HOLD_S, hang_up=hang_up))
    if line.agent in PROVIDERS:
        lab.cast.partner.move(line.agent, line.over)
    plan = CallPlan(
        called=line.called,
        calling=line.calling,
        asserted=(line.asserted or line.calling,),
        identity=tuple(_signatures(line)),
        hold_s=HOLD_S,
        hang_up=hang_up,
    )
    return await lab.cast.agents[line.agent].call(plan)


def _signatures(line: _Line) -> Iterator[str]:
    if line.signed:
        yield passport(line.calling, line.called, "A", issued_at_s=int(time.time()))
