"""What can be done to a gateway with connections, and what it costs: the gateway runs in a process of its own.

A stranger does it, but for what is answered: strangers are answered only so often.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Final

from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.operations.configuration import Configuration
from gateway.wiring.live import Gateway, running
from tests.hostile.growing import sound
from tests.hostile.wires import ends
from tests.wiring.small_gateway import LOOPBACK, Exchange

STRANGER: Final = "127.0.0.3"
"""An address of this machine that is no switch's."""
MOST_ACCEPTED: Final = 800
STRANGERS_MOST: Final = MOST_ACCEPTED // 8
MOST_HANDSHAKES: Final = 40
LOOKED_AT: Final = 100
"""Requests of one source that are answered although none of them is a call (`wasted_per_second`); most of those beyond
are dropped."""
PATIENCE_S: Final = 20.0
ASKED_AGAIN_S: Final = 0.5
AT_ONCE: Final = 50
"""Attempts that are under way together."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The gateway's own figures, since it started."""

    cpu_s: float
    resident_bytes: int
    accepted: int
    handshakes: int
    refused: int
    faults: int
    transactions: int


class Victim:
    """A gateway in another process, and the one number that outlives an attack: the most connections that were up."""

    def __init__(self, pipe: Pipe, listeners: dict[Transport, Hop]) -> None:
        self._pipe: Final = pipe
        self.listeners: Final = listeners
        self.most_accepted = 0

    async def read(self) -> Reading:
        reading = await asyncio.to_thread(self._ask)
        self.most_accepted = max(self.most_accepted, reading.accepted)
        return reading

    def _ask(self) -> Reading:
        self._pipe.send("read")
        reading = self._pipe.recv()
        assert isinstance(reading, Reading)
        return reading

    async def connect(
        self, transport: Transport, host: str = STRANGER
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self.listeners[transport].address, local_addr=(host, 0))
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return reader, writer

    async def answers(self, mark: str) -> bytes:
        """The first line of what a switch's OPTIONS on a connection of its own is answered with.

        It is asked again where it is not answered: the switch may be one source with who has used up its allowance.
        """
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await self.connect(Transport.TCP, LOOPBACK)
            for number in itertools.count():
                writer.write(options(f"{mark}{number}", LOOPBACK))
                with suppress(TimeoutError):
                    async with asyncio.timeout(ASKED_AGAIN_S):
                        line = await reader.readline()
                        break
            writer.close()
            return line.strip()

    async def empty(self) -> Reading:
        """When no connection is left, by the gateway's own bounds on time."""
        deadline = time.monotonic() + PATIENCE_S
        while (reading := await self.read()).accepted and time.monotonic() < deadline:  # noqa: ASYNC110 - it polls a process
            await asyncio.sleep(0.05)
        return reading


def options(mark: str, host: str = STRANGER) -> bytes:
    return sound(mark, Hop(host, 5060)).replace(b"INVITE", b"OPTIONS").replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")


@asynccontextmanager
async def victim(folder: Path) -> AsyncIterator[Victim]:
    """`folder` is an empty one for the gateway's files."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_main, args=(there, folder), daemon=True)
    process.start()
    try:
        assert await asyncio.to_thread(here.poll, PATIENCE_S), "the gateway did not start"
        yield Victim(here, here.recv())
        here.send("stop")
        await asyncio.to_thread(process.join, PATIENCE_S)
        assert process.exitcode == 0, "the gateway did not stop"
    finally:
        if process.is_alive():
            process.kill()
        here.close()


def _main(pipe: Pipe, folder: Path) -> None:
    asyncio.run(_serve(pipe, folder))


async def _serve(pipe: Pipe, folder: Path) -> None:
    exchange = Exchange(folder)
    async with ends(Transport.TLS, exchange, folder) as both, running(_bounded(both.configuration)) as gateway:
        stopped = asyncio.Event()
        pipe.send({hop.transport: hop for hop in gateway.listeners})
        asyncio.get_running_loop().add_reader(pipe.fileno(), lambda: _tell(pipe, gateway, stopped))
        await stopped.wait()
        asyncio.get_running_loop().remove_reader(pipe.fileno())
    exchange.close()


def _bounded(configuration: Configuration) -> Configuration:
    return replace(
        configuration,
        listen=(Hop(LOOPBACK, 0, Transport.TCP), Hop(LOOPBACK, 0, Transport.TLS)),
        connections=replace(
            configuration.connections,
            max_accepted=MOST_ACCEPTED,
            max_handshakes=MOST_HANDSHAKES,
            handshake_seconds=1.0,
            message_seconds=1.0,
            half_closed_seconds=1.0,
        ),
    )


def _tell(pipe: Pipe, gateway: Gateway, stopped: asyncio.Event) -> None:
    if pipe.recv() == "stop":
        stopped.set()
        return
    table = gateway.connections
    status = Path("/proc/self/status").read_text(encoding="ascii")
    pipe.send(
        Reading(
            time.process_time(),
            1_024 * int(status.partition("VmRSS:")[2].split()[0]),
            table.accepted,
            table.handshakes,
            table.refused.total(),
            gateway.transport.faults,
            gateway.proxy.transactions,
        )
    )


# -- attacks ----------------------------------------------------------------------------------------------------------


async def _held(victim: Victim, count: int, transport: Transport, data: bytes, drip: bytes = b"") -> None:
    """Connections that say `data` and then no more than a byte of `drip` now and then, until the gateway ends them."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            try:
                reader, writer = await victim.connect(transport)
            except OSError:
                return  # it was closed before it was up
            writer.write(data)
        with suppress(OSError):
            for byte in drip:
                if reader.at_eof() or reader.exception() is not None:
                    break
                writer.write(bytes([byte]))
                await asyncio.sleep(0.1)
            await reader.read()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async with asyncio.timeout(PATIENCE_S + count / 200), asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(one())


async def _slow_loris(victim: Victim, count: int) -> None:
    await _held(victim, count, Transport.TCP, options("slow")[:60], b"Max-Forwards: 70\r\n")


async def _half_handshakes(victim: Victim, count: int) -> None:
    await _held(victim, count, Transport.TLS, b"\x16\x03\x01\x02\x00\x01")


async def _silent(victim: Victim, count: int) -> None:
    """Open, and a start line that never ends: without a byte a connection may stay as long as an idle one."""
    await _held(victim, count, Transport.TCP, b"O")


async def _absurd_lengths(victim: Victim, count: int) -> None:
    await _held(victim, count, Transport.TCP, options("absurd").replace(b"Length: 0", b"Length: 999999999"))


async def _byte_by_byte(victim: Victim, count: int) -> None:
    reader, writer = await victim.connect(Transport.TCP, LOOPBACK)
    for number in range(count):
        for byte in options(f"byte{number}", LOOPBACK):
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
    await _answered(reader, count)
    writer.close()


async def _pipelined(victim: Victim, count: int) -> None:
    reader, writer = await victim.connect(Transport.TCP, LOOPBACK)
    writer.write(b"".join(options(f"pipe{number}", LOOPBACK) for number in range(count)))
    await _answered(reader, min(count, LOOKED_AT // 2))  # the switch that looks on is one source with it
    writer.transport.abort()  # what is still on its way is waited for by nobody


async def _answered(reader: asyncio.StreamReader, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S + count / 500):
        for _ in range(count):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"SIP/2.0 ")


Attack = Callable[[Victim, int], Awaitable[None]]
ATTACKS: Final[dict[str, tuple[Attack, int, int]]] = {
    "heads that come a byte at a time and stop": (_slow_loris, 1_000, 150),
    "TLS handshakes that are not finished": (_half_handshakes, 1_000, 150),
    "connections that say one byte": (_silent, 10_000, 300),
    "a Content-Length of 999,999,999": (_absurd_lengths, 1_000, 150),
    "messages that come a byte a segment": (_byte_by_byte, 200, 5),
    "messages sent together without waiting": (_pipelined, 1_000, 1_000),
}
"""With how many the cost is measured, and how many are enough to reach a bound."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attack did."""

    cpu_us_each: float
    growth_bytes: int
    most_accepted: int
    refused: int
    left: int
    """Connections that no bound on time ended."""
    faults: int
    then: bytes
    """First line of the answer to a switch, while the attack's connections were still there or had just gone."""


async def outcome_of(attack: Attack, count: int, folder: Path) -> Outcome:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(victim(folder))
        await one.answers("warm")
        await one.empty()
        before = await one.read()
        one.most_accepted = 0
        under_attack = asyncio.ensure_future(attack(one, count))
        while not under_attack.done():
            await one.read()
            await asyncio.sleep(0.02)
        await under_attack
        then = await one.answers("then")
        after = await one.empty()
        cpu_us = (after.cpu_s - before.cpu_s) * 1e6 / count
        growth = after.resident_bytes - before.resident_bytes
        return Outcome(
            cpu_us, growth, one.most_accepted, after.refused - before.refused, after.accepted, after.faults, then
        )
