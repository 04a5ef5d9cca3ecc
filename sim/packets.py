"""The run's packets: collected from the sockets of the cast, and written as a capture."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from sim.frames import Flow, M3uaFlow, UdpFlow
from sim.sip_text import Address

MOST_PACKETS = 500_000
SNAP_LENGTH = 262_144
"""More than the largest UDP datagram with its headers: nothing in the lab's captures is cut off."""


class Carried(Enum):
    """What a packet is in the capture."""

    UDP = "UDP"
    M3UA = "M3UA"  # a DATA chunk of SCTP


class Packet(NamedTuple):
    """One UDP datagram, or one M3UA message."""

    at_us: int
    """Microseconds since the Unix epoch."""
    source: Address
    destination: Address
    payload: bytes
    carried: Carried = Carried.UDP


def _now_us() -> int:
    return time.time_ns() // 1000


class PacketLog:
    """What the cast's sockets sent, and received from others: every packet of the lab once.

    A datagram between two of the cast is taken where it is sent; one from outside (the gateway), where it arrives. An
    M3UA message is taken where it is sent, for its associations are told apart by their ports alone: those of the
    gateway's are the gateway's to tell. Beyond `most` packets it counts and keeps no more.
    """

    def __init__(self, clock: Callable[[], int] = _now_us, most: int = MOST_PACKETS) -> None:
        self.packets: list[Packet] = []
        self.left_out = 0
        self.recording = True
        """Set to False, nothing is kept any more."""
        self._clock = clock
        self._most = most
        self._cast: set[Address] = set()

    def sent(self, source: Address, destination: Address, payload: bytes) -> None:
        self._cast.add(source)
        self._keep(source, destination, payload, Carried.UDP)

    def received(self, source: Address, destination: Address, payload: bytes) -> None:
        if source not in self._cast:
            self._keep(source, destination, payload, Carried.UDP)

    def sent_m3ua(self, source: Address, destination: Address, message: bytes) -> None:
        self._keep(source, destination, message, Carried.M3UA)

    def ended_m3ua(self, source: Address, destination: Address) -> None:
        """`source` has aborted the association: an M3UA message of no length stands for that."""
        self._keep(source, destination, b"", Carried.M3UA)

    def add(self, packet: Packet) -> None:
        """A packet seen elsewhere, with its own time."""
        if len(self.packets) < self._most:
            self.packets.append(packet)
        else:
            self.left_out += 1

    def _keep(self, source: Address, destination: Address, payload: bytes, carried: Carried) -> None:
        if self.recording:
            self.add(Packet(self._clock(), source, destination, payload, carried))


def write_capture(path: Path, packets: Iterable[Packet]) -> int:
    """Write packets, in the order of their times, as a pcap of Ethernet frames; their number is returned.

    IPv4 and IPv6 may be mixed. Raises ValueError for a packet between the two families, a datagram of more than 65,507
    octets or an M3UA message of more than 65,484; OSError where the file can't be written.
    """
    from scapy.utils import PcapWriter

    flows: dict[tuple[Carried, Address, Address], Flow] = {}
    written = 0
    with PcapWriter(str(path), linktype=1, snaplen=SNAP_LENGTH) as capture:
        capture.write_header(None)
        for packet in sorted(packets, key=lambda p: p.at_us):
            key = (packet.carried, packet.source, packet.destination)
            flow = flows.get(key)
            if flow is None:
                kind = UdpFlow if packet.carried is Carried.UDP else M3uaFlow
                flow = flows[key] = kind(packet.source, packet.destination)
            seconds, microseconds = divmod(packet.at_us, 1_000_000)
            capture.write_packet(flow.frame(packet.payload), sec=seconds, usec=microseconds)
            written += 1
    return written
