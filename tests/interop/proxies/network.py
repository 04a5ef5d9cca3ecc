"""Who stands where: the chain of caller, proxies, gateway and called side, and what carries SIP between them."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

Address = tuple[str, int]
LOOPBACK: Final = "127.0.0.1"


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Chain:
    """One run: which proxies there are, and what carries SIP on the gateway's two sides.

    SIPp itself speaks UDP to a proxy; to the gateway it speaks what the leg asks for.
    """

    near: Transport
    """Between the gateway and the calling side."""
    far: Transport
    """Between the gateway and the called side."""
    front: bool
    """A Kamailio stands before the gateway."""
    behind: bool
    """A Kamailio stands behind it."""
    loss: tuple[str, ...] = ()
    """What `sim.lossy_relay` does between all of them, as its arguments; nothing: no relay."""

    def __post_init__(self) -> None:
        if self.loss and {self.near, self.far} != {Transport.UDP}:
            raise ValueError("the lossy relay carries datagrams: a stream's loss is its kernel's business")

    @property
    def legs(self) -> tuple[Transport, ...]:
        """Every leg from the caller to the called side."""
        udp = Transport.UDP
        return (*((udp,) if self.front else ()), self.near, self.far, *((udp,) if self.behind else ()))

    @property
    def hops(self) -> tuple[str, ...]:
        kamailio = "Kamailio"
        front, behind = (kamailio,) if self.front else (), (kamailio,) if self.behind else ()
        return ("SIPp", *front, "Tollgate", *behind, "SIPp")

    def __str__(self) -> str:
        words = [self.hops[0]]
        for leg, hop in zip(self.legs, self.hops[1:], strict=True):
            words += [f"-{leg}-", hop]
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Place:
    """One member of the chain: where it listens, and by which addresses the others know it."""

    name: str
    ports: Mapping[Transport, int]
    known_host: str

    def own(self, transport: Transport) -> Address:
        return LOOPBACK, self.ports[transport]

    def known(self, transport: Transport) -> Address:
        return self.known_host, self.ports[transport]

    def uri(self, transport: Transport) -> str:
        host, port = self.known(transport)
        return f"sip:{host}:{port};transport={transport}"


PLACES: Final = ("caller", "front", "gateway", "behind", "called")


def places(relayed: bool) -> dict[str, Place]:
    """A place with free ports for each. `relayed`: each is known by an address of the relay's.

    UDP and TCP share a port number, as they do wherever SIP is at home; TLS has the next free one.
    """
    made: dict[str, Place] = {}
    with ExitStack() as held:
        for number, name in enumerate(PLACES, start=21):
            host = f"127.0.0.{number}" if relayed else LOOPBACK
            plain, secure = _free_port(held, {host, LOOPBACK}), _free_port(held, {host, LOOPBACK})
            made[name] = Place(name, {Transport.UDP: plain, Transport.TCP: plain, Transport.TLS: secure}, host)
    return made


def _free_port(held: ExitStack, hosts: set[str]) -> int:
    """A port that is free on all of these hosts, over UDP and TCP; it stays taken until `held` is closed."""
    for _ in range(50):
        first = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        first.bind((LOOPBACK, 0))
        port = int(first.getsockname()[1])
        wanted = [(host, socket.SOCK_STREAM) for host in hosts]
        wanted += [(host, socket.SOCK_DGRAM) for host in hosts - {LOOPBACK}]
        try:
            for host, kind in wanted:
                held.enter_context(socket.socket(socket.AF_INET, kind)).bind((host, port))
        except OSError:
            continue
        return port
    raise OSError("no port is free on loopback, over UDP and TCP")
