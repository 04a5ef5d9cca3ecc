"""What stands around a transport in its tests: peers with real sockets, and proxies that do one thing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Final

from gateway.interconnection.trunk_groups import Address, Hop
from gateway.signalling.call import Action, Call, Send
from gateway.signalling.proxy import SipProxy
from gateway.transport.clock import Clock
from gateway.transport.endpoint import CallObserver, SipEndpoint, Tap
from gateway.transport.flight_recorder import FlightRecorder
from gateway.transport.udp import UdpCarrier, open_socket

LOOPBACK: Final = "127.0.0.1"


class Peer:
    """A socket on the loopback."""

    def __init__(self) -> None:
        self.socket: Final = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((LOOPBACK, 0))
        self.socket.setblocking(False)
        self.address: Final[Address] = self.socket.getsockname()

    def send(self, data: bytes, target: Address) -> None:
        self.socket.sendto(data, target)

    async def receive(self, limit_s: float = 10.0) -> bytes:
        """The next datagram. One that never comes fails the test."""
        async with asyncio.timeout(limit_s):
            return await asyncio.get_running_loop().sock_recv(self.socket, 65_535)

    def close(self) -> None:
        self.socket.close()


class ScriptedProxy:
    """In a proxy's place: does what a function says of each datagram, and wakes when it is told to."""

    def __init__(self, answer: Callable[[bytes, Hop], Sequence[Action]]) -> None:
        self.answer: Final = answer
        self.wakes_at_us: int | None = None
        self.woken: Final = asyncio.Event()
        self.woken_at_us: list[int] = []
        self.fault_on_waking: Exception | None = None

    def receive(self, data: bytes, source: Hop, at_us: int) -> list[Action]:  # noqa: ARG002 - a function of bytes
        return list(self.answer(data, source))

    def undeliverable(self, message: Send, at_us: int) -> list[Action]:  # noqa: ARG002 - what is lost stays lost
        return []

    def wake(self, at_us: int) -> list[Action]:
        self.woken_at_us.append(at_us)
        self.wakes_at_us = None
        self.woken.set()
        if self.fault_on_waking is not None:
            raise self.fault_on_waking
        return []

    @property
    def next_wake_us(self) -> int | None:
        return self.wakes_at_us


class Listener:
    """Observes calls, and fails if it is told to."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault: Final = fault
        self.told: Final[list[tuple[str, Call]]] = []

    def decided(self, call: Call) -> None:
        self._tell("decided", call)

    def progressed(self, call: Call) -> None:
        self._tell("progressed", call)

    def ended(self, call: Call) -> None:
        self._tell("ended", call)

    def _tell(self, what: str, call: Call) -> None:
        self.told.append((what, call))
        if self.fault is not None:
            raise self.fault


def transport_of(
    proxy: SipProxy, *observers: CallObserver, tap: Tap | None = None, recorder: FlightRecorder | None = None
) -> SipEndpoint:
    """A started endpoint on a port of the system's choice."""
    endpoint = SipEndpoint(proxy, Clock(), observers, tap, recorder=recorder)
    endpoint.add(UdpCarrier(endpoint, open_socket(LOOPBACK, 0)))
    endpoint.start()
    return endpoint
