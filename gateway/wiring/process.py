"""The process of a gateway: it runs until it is told to stop, and lets calls end before it does."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections import deque
from contextlib import suppress
from typing import Final

from gateway.operations.configuration import Configuration
from gateway.operations.control_plane import StepRefused
from gateway.wiring.control import LOGGED_FAULTS
from gateway.wiring.listeners import allow_files
from gateway.wiring.live import Gateway, running
from gateway.wiring.memory import leave_memory_to_the_system, tune_garbage_collection

LOG = logging.getLogger("tollgate")

TURN_S: Final = 0.0005
"""For which a thread beside the loop may keep the interpreter while the loop waits for it. By itself that is 5 ms:
several times what a call's set-up takes, and under a flood somebody always writes: records, evidence, the journal.
"""


def serve_until_signalled(configuration: Configuration, drain_s: float) -> None:
    """Run a gateway until SIGTERM or SIGINT, then let calls end for `drain_s` seconds and stop.

    A second signal stops at once. Raises what `running` raises.
    """
    tune_garbage_collection()
    sys.setswitchinterval(TURN_S)
    allow_files(configuration)
    loop_factory = None
    if sys.platform != "win32":
        import uvloop

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(_serve(configuration, drain_s))
    leave_memory_to_the_system()


async def _serve(configuration: Configuration, drain_s: float) -> None:
    signalled = asyncio.Event()
    again = asyncio.Event()
    reading: deque[asyncio.Task[None]] = deque(maxlen=2)  # a task that nobody holds may be collected

    def on_signal() -> None:
        (again if signalled.is_set() else signalled).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    async with running(configuration) as gateway:
        loop.add_signal_handler(signal.SIGHUP, lambda: reading.append(loop.create_task(_reload(gateway))))
        for fault in gateway.policy.tables.row_faults[:LOGGED_FAULTS]:
            LOG.warning("row not used: %s", fault)
        host, port = gateway.operations_address
        LOG.info("SIP on %s, operations on http %s:%d", ", ".join(map(str, gateway.listeners)), host, port)
        await signalled.wait()
        LOG.info("draining: calls in progress get %g s to end", drain_s)
        draining = asyncio.create_task(gateway.drain(drain_s))
        stopping = asyncio.create_task(again.wait())
        await asyncio.wait({draining, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (draining, stopping):
            task.cancel()
        if gateway.calls_in_progress:
            LOG.warning("%d calls were still up and are cut off", gateway.calls_in_progress)
    LOG.info("stopped: %d call records written, %d lost", gateway.recorder.written, gateway.recorder.lost)


async def _reload(gateway: Gateway) -> None:
    with suppress(StepRefused):  # which is in the log
        await gateway.control.reload()
